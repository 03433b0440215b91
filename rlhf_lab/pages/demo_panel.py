"""The demo in the app: one button, then its steps as they are done; ended early, one click goes on."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, html
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.store import Store, check_name
from elk_sandbox.terminal import InputError, duration
from rlhf_lab.demo_log import SEED, STEPS, DemoState, at_work, demo_state, time_left
from rlhf_lab.pages.background import background, lab, watch
from rlhf_lab.pages.run_list import AGAIN, heard
from rlhf_lab.raters import RATERS
from rlhf_lab.runs import Listed, listed

__all__ = ["ABOVE", "demo", "demo_form", "demo_job", "part_of", "runs_of"]

LOOK = """
.elk ol.steps { list-style: none; padding: 0; margin: 0 0 0.75rem; }
.elk ol.steps li { display: grid; grid-template-columns: 1.5rem 5.5rem 1fr; margin: 0.1rem 0; color: var(--elk-quiet); }
.elk ol.steps li.now { color: var(--elk-ink); font-weight: 600; }
.elk ol.steps li.was { color: var(--elk-ink); }
.elk ol.steps li b { font-weight: 600; color: var(--elk-accent); }
"""


ABOVE = "demo above"  # the demo whose panel the page shows already


def demo_job(home: Path, name: str) -> Detached:
    """The background command of the demo of this name."""
    return background(home, "demo" if name == "demo" else f"demo-{name}")


def part_of(store: Store, home: Path, run: str) -> str | None:
    """The demo that runs or was ended, begun in the app, of which this run is a step."""
    name = run.rpartition("-")[0]
    job = demo_job(home, name)
    going = bool(name and job.asked) and demo_state(job, store, home, name).state in ("running", "interrupted")
    return name if going else None


def runs_of(store: Store, home: Path) -> list[Listed]:
    """All runs, one with which a demo was told to go on as starting, not as its last attempt left it."""
    runs = listed(store, home)
    found = {each.row.name: each for each in runs}
    for name in {each.row.name.rpartition("-")[0] for each in runs if each.state in AGAIN} - {""}:
        job = demo_job(home, name)
        if not job.running:
            continue
        roles = (f"{name}-{role}" for step in STEPS.values() for role in step.runs)
        due = next((found[run] for run in roles if run in found and found[run].state != "done"), None)
        if due and due.state in AGAIN and (due.row.started or due.row.created) < (job.since or 0.0):
            found[due.row.name] = replace(due, state="starting")
    return list(found.values())


def demo(store: Store, home: Path, name: str = "demo", new: Callable[[], None] | None = None) -> None:
    """The panel of a demo: its button, or how far it is. new: what the button of a new one does, if not just that."""
    st.html(f"<style>{LOOK}</style>")
    job = demo_job(home, name)
    st.fragment(_panel, run_every=TICK if watch(job) else None)(store, home, name, new)


def _panel(store: Store, home: Path, name: str, new: Callable[[], None] | None) -> None:
    job = demo_job(home, name)
    watch(job)
    told = demo_state(job, store, home, name)
    if told.state != "running":
        st.session_state.pop(f"demo stopping:{name}", None)
    if told.state == "running":
        _running(store, home, name, told)
    elif told.state == "interrupted" and (going := _elsewhere(store, home, name)):
        html(f'<p><span class="chip running">running</span> in a terminal: {escape(going)} is at work.</p>')
    elif told.state == "interrupted":
        at = f" at step {told.step} of {len(STEPS)}" if told.step else ""
        stopped = told.last.endswith("goes on with it")  # words for a terminal
        last = f" The last that it said: {told.last}" if told.last and not stopped else ""
        st.warning(f"The demo was ended{at}. What it has done is kept.{last}")
        _button("Resume the demo", partial(_begin, home, name), f"demo:{name}:on")
    elif told.state == "done":
        html(
            '<p><span class="chip done">done</span> A model, labels, two reward models, a policy and its twin, judged '
            "by gold and rated blindly.</p>"
        )
        policy = f"{name}-ppo"
        with st.container(horizontal=True):
            over = "rlhf_lab/pages/overoptimization.py"
            st.page_link(over, label="See where it over-optimises", query_params={"oo_run": policy})
            st.page_link("rlhf_lab/pages/runs.py", label="See its runs", query_params={"runs_run": policy})
    else:
        # The same button whatever the name, so that a click just after typing another counts.
        _button("Run the demo, under 5 minutes", new or partial(_begin, home, name), "demo:go")


def _elsewhere(store: Store, home: Path, name: str) -> str:
    """The run of a demo that is at work, whoever began it; empty if none is."""
    mine = (each for each in listed(store, home) if each.row.name.rpartition("-")[0] == name)
    return next((each.row.name for each in mine if each.state == "running"), "")


def _button(label: str, begin: Callable[[], None], key: str) -> None:
    if why := refusal():
        st.warning(why)
    else:
        st.button(label, type="primary", key=key, on_click=begin)


def _begin(home: Path, name: str, words: tuple[str, ...] = ()) -> None:
    job = demo_job(home, name)
    if job.asked:  # it goes on as the same, whatever the form says by now
        (last,) = job.asked
        words = () if last == "demo" else tuple(shlex.split(last))
    elif not words and name != "demo":
        words = ("--name", name)
    job.start(lab(home, "demo", *words), [shlex.join(words) or "demo"])


def _running(store: Store, home: Path, name: str, told: DemoState) -> None:
    number = max(told.step, 1)
    work = at_work(demo_job(home, name), store, name, number)
    share, words, left = 0.0, "", f", about {told.left} when this step began" if told.left else ""
    if work is not None:  # one estimate, the whole demo's, by the pace of the step
        share, now = work
        words = heard(now)
        seconds = time_left(number, *work)
        left = f", about {duration(seconds)} left of the whole demo" if seconds is not None else left
    at = f"Step {number} of {len(STEPS)}{left}" if told.step else "Starting"
    st.progress((number - 1 + share) / len(STEPS), text=at)
    items = ""
    for k, (step, each) in enumerate(STEPS.items(), 1):
        when = "was" if k < told.step else "now" if k == told.step else ""
        shown = escape(words) if when == "now" and words else each.what
        items += f'<li class="{when}"><b>{"✓" * (when == "was")}</b><span>{step}</span><span>{shown}</span></li>'
    html(f'<ol class="steps">{items}</ol>')
    stopping = bool(st.session_state.get(f"demo stopping:{name}"))
    label = "Stopping: what it has done is being kept" if stopping else "Stop the demo"
    st.button(label, key=f"demo:{name}:stop", on_click=_stop, args=(home, name), disabled=stopping)


def _stop(home: Path, name: str) -> None:
    demo_job(home, name).stop()
    st.session_state[f"demo stopping:{name}"] = True


def demo_form(store: Store, home: Path) -> None:
    """The demo with its few options; another name is another demo, beside the first."""
    html(
        "<p>The whole exercise on an embedded corpus, offline: a language model from scratch, labels by a simulated "
        "rater, a reward model, a policy that is trained past the point where its reward stops meaning anything.</p>"
    )
    one, two, three = st.columns(3)
    one.text_input("Name", "demo", key="demo_name", bind="query-params", max_chars=40)
    try:
        name = _named()
    except InputError as reason:
        st.error(str(reason))
        return
    two.selectbox(
        "Rater who labels", list(RATERS), list(RATERS).index("counter"), key="demo_rater",
        format_func=lambda each: f"{each}, the control" if each == "careful" else each,
        help="; ".join(f"{each}: {meaning}" for each, (_, meaning) in RATERS.items()),
    )  # fmt: skip
    three.number_input("Seed", 0, 2**31, SEED, key="demo_seed")
    if st.session_state.get(ABOVE) == name:
        html('<p class="quiet">How far it is stands above.</p>')
    else:
        demo(store, home, name, partial(_begin_as_typed, store, home))


def _named() -> str:
    """The name in the form. Raises InputError."""
    name = str(st.session_state["demo_name"]).strip() or "demo"
    check_name(name, "demo")
    return name


def _begin_as_typed(store: Store, home: Path) -> None:
    """Begin what the form says when the button is clicked; the click may bring what the panel was not drawn with."""
    try:
        name = _named()
    except InputError:
        return  # the page says why
    if demo_state(demo_job(home, name), store, home, name).state != "new":
        return  # the page shows that one
    rater, seed = (str(st.session_state[key]) for key in ("demo_rater", "demo_seed"))
    words = ("--name", name, "--rater", rater, "--seed", seed)
    usual = ("--name", "demo", "--rater", "counter", "--seed", str(SEED))
    _begin(home, name, () if words == usual else words)
