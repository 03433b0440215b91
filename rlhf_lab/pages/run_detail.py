"""One run in full: how it is, what can be done with it, its metrics, its settings and the end of its log."""

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import folded, html
from elk_sandbox.pages.words import WORDS
from elk_sandbox.palette import TERMS, Colour
from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import RunRow
from elk_sandbox.terminal import InputError
from rlhf_lab.launch import go_on
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.run_list import GOING, KINDS, figures, pace
from rlhf_lab.pages.run_start import clone_form, evaluate_form
from rlhf_lab.pages.sparks import small, sparks
from rlhf_lab.runs import Listed

__all__ = ["LOOK", "act", "actions", "live"]

TAIL = 16_384  # bytes of a log that are looked at
LINES = 30
# By kind of run: metric, its title, its colour.
PLOTS: Mapping[str, tuple[tuple[str, str, Colour], ...]] = {
    "pretrain": (
        ("train/loss", "loss, nats a token", TERMS[0]),
        ("validation/part", "validation, nats a character", LOOKS["gold"].colour),
        ("train/learning_rate", "learning rate", TERMS[1]),
        ("time/tokens_per_second", "tokens a second", TERMS[2]),
    ),
    "reward": (("train/loss", "loss, nats", TERMS[0]),),
    "ppo": (
        ("kl/exact", "KL, nats a completion", LOOKS["kl"].colour),
        ("reward/proxy", "proxy, the reward", LOOKS["proxy"].colour),
        ("loss", "loss", TERMS[0]),
        ("entropy", "entropy, nats a token", LOOKS["entropy"].colour),
        ("duplicates", "share of duplicates", LOOKS["duplicates"].colour),
        ("clip/outside", "ratio outside 1 ± clip", LOOKS["outside"].colour),
    ),
}


# Not st.code: its highlighter is a script of 1.5 MB, and a log has nothing to highlight.
LOOK = """
.elk pre.log { margin: 0; padding: 0.9rem 1rem; border-radius: 0.3rem; font: 0.8125rem/1.5 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; background: color-mix(in srgb, var(--elk-line) 30%, transparent); }
"""


def live(store: Store, home: Path, found: Listed) -> None:
    """What changes while it runs: the state, the plots, the log."""
    name, kind = found.row.name, found.row.kind
    kind_told = KINDS.get(kind, kind)
    html(
        f'<h2 style="margin-top: 1rem">{escape(name)} <span>{kind_told}</span></h2><p><span class="chip {found.state}">'
        f"{found.state}</span> {escape(pace(found) or figures(found))}</p>"
    )
    if found.state == "interrupted":
        html(
            "<p>Its process is gone, killed or with its machine. It goes on from its last checkpoint, to the same "
            "bits.</p>"
        )
    row = found.row
    drawn = (
        _plots(store, row) if row.ended is None else _plots_of(store, row, f"{home}:{name}:{row.attempts}:{row.ended}")
    )
    if drawn:
        sparks(drawn, f"sparks:{name}")
    elif found.state == "running":
        html('<p class="quiet">Its first figures appear here within seconds.</p>')
    run = Run(store, home, found.row)
    log, settings = st.tabs(["Log", "Settings"])
    with log:
        html(f'<pre class="log">{escape(_tail(run.log_file)) or "It has printed nothing."}</pre>')
    with settings:
        _settings(run)


def _plots(store: Store, row: RunRow) -> list[dict[str, Any]]:
    plots = PLOTS.get(row.kind, ())
    values = store.metrics(row.name, [key for key, _, _ in plots])
    unit = "iteration" if row.kind == "ppo" else "step"
    limit = {"kl/exact": float(row.config.get("kl_stop", 0)) or None}
    drawn = [
        small(title, values[key], colour, meaning=WORDS.get(title.split(",")[0], ""), unit=unit, limit=limit.get(key))
        for key, title, colour in plots
        if key in values
    ]
    return [each for each in drawn if each]


@st.cache_resource(show_spinner=False, max_entries=64)
def _plots_of(_store: Store, _row: RunRow, known_by: str) -> list[dict[str, Any]]:
    """Those of a run that has ended, whose metrics stay as they are; known_by: its place, name, attempts and end."""
    return _plots(_store, _row)


def _tail(file: Path) -> str:
    """The last lines of a log."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-LINES:])
    except OSError:
        return ""


def _settings(run: Run) -> None:
    rows: list[tuple[str, Any]] = [(f"{role} (built on)", parent) for role, parent in run.parents.items()]
    rows += [(name.replace("_", " "), value) for name, value in run.config.items()]
    rows.append(("folder", run.folder))
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in rows)
    html(f"<dl>{listed}</dl>")


def actions(store: Store, home: Path, found: Listed) -> None:
    """Stop, resume, clone, evaluate and delete."""
    name = found.row.name
    if why := refusal():
        st.warning(why)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if found.state == "running":
            told = "stopping at its next step" if found.row.want_stop else "Stop"
            st.button(
                told, key=f"stop:{name}", on_click=act, args=(store, home, "stop", name), disabled=found.row.want_stop,
                help="It saves its state first, and goes on from there later.",
            )  # fmt: skip
        elif found.state not in ("done", *GOING):
            label = "Start" if found.state == "new" else "Resume"
            st.button(label, type="primary", key=f"resume:{name}", on_click=act, args=(store, home, "resume", name))
        _links(store, found)
        if found.state not in GOING and st.button("Delete", key=f"delete:{name}"):
            _confirm(store, home, name)
    if fault := st.session_state.pop("runs_fault", None):
        st.error(fault)
    folded("Clone with edits", f"runs_clone:{name}", clone_form, store, home, found.row)
    if found.row.kind == "ppo" and found.row.progress:
        folded("Evaluate by gold", f"runs_evaluate:{name}", evaluate_form, store, home, name)


def _links(store: Store, found: Listed) -> None:
    """What a run leads to when it is done; where a reward model's labels are, since they may be why it failed."""
    name, pool = found.row.name, found.row.config.get("pool", "")
    if found.row.kind == "reward" and found.state != "running" and pool in {c.name for c in store.collections()}:
        told = f"Label more of {pool}" if found.state == "failed" else f"Its labels, the pool {pool}"
        st.page_link("rlhf_lab/pages/label.py", label=told, query_params={"label_pool": pool})
    if found.state != "done":
        return
    if found.row.kind == "reward":
        st.page_link("rlhf_lab/pages/reward.py", label="What it likes", query_params={"rm_run": name})
    if found.row.kind == "ppo":
        st.page_link("rlhf_lab/pages/blind.py", label="Rate it blindly", query_params={
            "blind_part": "New sheet", "blind_run": name})  # fmt: skip
    if found.row.kind == "pretrain":
        st.page_link("rlhf_lab/pages/label.py", label="Label its samples")


@st.dialog("Delete this run?")
def _confirm(store: Store, home: Path, name: str) -> None:
    children = [row.name for row in store.runs() if name in row.parents.values()]
    st.write(f"**{name}** goes with its checkpoints and metrics, for good. Labels and ratings are never deleted.")
    if children:
        st.write(f"These runs are built on it and stay, without what they were built on: {', '.join(children)}.")
    left, right = st.columns(2)
    done = right.button(
        f"Delete {name}", type="primary", key="delete:sure", width="stretch",
        on_click=act, args=(store, home, "force" if children else "delete", name),
    )  # fmt: skip
    if left.button("Keep it", width="stretch") or done:
        st.rerun()  # which closes it


def act(store: Store, home: Path, what: str, name: str) -> None:
    """Do what was clicked; what is refused is told when the page is drawn."""
    try:
        if what in ("delete", "force"):
            jobs.delete(store, home, name, force=what == "force")
            st.query_params.pop("runs_run", None)
            return
        run = jobs.open_run(store, home, name)
        if what == "stop":
            jobs.stop(run)
        elif not go_on(run):
            raise InputError(f"{name!r} is running already")
    except InputError as reason:
        st.session_state["runs_fault"] = str(reason)
