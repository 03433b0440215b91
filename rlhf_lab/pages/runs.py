"""Runs: what trains, what has trained, and everything that can be started, stopped, resumed, cloned and deleted."""

from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, begin, empty, html, opened, visit
from elk_sandbox.pages.reveal import reveal
from elk_sandbox.runtime.store import Store
from rlhf_lab.pages.demo_panel import ABOVE, demo, part_of, runs_of
from rlhf_lab.pages.run_detail import LOOK, act, actions, live
from rlhf_lab.pages.run_list import GOING, run_list
from rlhf_lab.pages.run_start import PARTS, start
from rlhf_lab.runs import Listed


def main() -> None:
    begin("Runs", "What trains and what has trained. A run can be stopped, killed or lose its machine, and goes on.")
    st.html(f"<style>{LOOK}</style>")
    store, home = opened()
    runs = runs_of(store, home)
    if not runs:
        empty("Each run will be a line here: a language model, reward models, policies. The demo makes five of them.")
        demo(store, home)
        html("<h2>Or start with one stage</h2>")
        _start(store, home, without=("demo",))
        return
    st.session_state["runs_seen"] = _states(runs)
    picked = _picked(runs)
    if any(each.state in GOING for each in runs):
        st.fragment(_list, run_every=TICK)(store, home)
    else:  # no fragment, since what is picked changes all below the list; in a box, as a fragment is
        with st.container():
            _draw(store, home, runs)
    name = part_of(store, home, picked.row.name) if picked else None
    st.session_state[ABOVE] = name
    if picked and name:
        html(f"<h2>The demo <span>of which {escape(picked.row.name)} is a step</span></h2>")
        demo(store, home, name)
    if picked:
        reveal(f"{visit()} {shown}" if (shown := st.session_state.get("runs_show")) else "", "runs_arrival")
        if picked.state in GOING:
            st.fragment(_detail, run_every=TICK)(store, home, picked.row.name)
        else:
            with st.container():
                live(store, home, picked)
        actions(store, home, picked)
    st.divider()
    html("<h2>Start something new</h2>")
    _start(store, home)


def _picked(runs: list[Listed]) -> Listed | None:
    """The run in the address, else the one that runs, else the latest."""
    asked = st.query_params.get("runs_run", "")
    by_name = {each.row.name: each for each in runs}
    if asked and asked not in by_name:
        st.caption(f"There is no run called {asked}.")
    going = next((each for each in runs if each.state in GOING), runs[0])
    return by_name.get(asked, going)


def _states(runs: list[Listed]) -> dict[str, tuple[str, bool]]:
    return {each.row.name: (each.state, each.row.want_stop) for each in runs}


def _list(store: Store, home: Path) -> None:
    """Drawn each second while something runs; a run that began or ended has the whole page drawn anew."""
    runs = runs_of(store, home)
    if not runs or st.session_state["runs_seen"] != _states(runs) or _draw(store, home, runs):
        st.rerun()


def _draw(store: Store, home: Path, runs: list[Listed]) -> str | None:
    """The list; which run was picked just now, and is in the address already."""
    shown = _picked(runs)
    picked, resumed = run_list(runs, shown.row.name if shown else "", may_act=refusal() is None, on_pick=_pick)
    if resumed and resumed in _states(runs):
        act(store, home, "resume", resumed)
        _pick(resumed)
        st.rerun()
    return picked


def _pick(name: str) -> None:
    st.query_params["runs_run"] = name


def _detail(store: Store, home: Path, name: str) -> None:
    found = next((each for each in runs_of(store, home) if each.row.name == name), None)
    if found:
        live(store, home, found)


def _start(store: Store, home: Path, without: tuple[str, ...] = ()) -> None:
    parts = {label: key for key, label in PARTS.items() if key not in without}
    chosen = st.segmented_control(
        "What to start", list(parts), key="runs_new", bind="query-params", label_visibility="collapsed"
    )
    if chosen:
        start(store, home, parts[str(chosen)])


main()
