"""What pages read of runs: each file once for all visitors, and again when it has changed."""

from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import empty
from elk_sandbox.runtime.run import folder_of
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import RunRow
from rlhf_lab.checkpoint_files import META, CheckpointError, read
from rlhf_lab.closeups import load_closeup
from rlhf_lab.evaluated import Evaluation, load_evaluation
from rlhf_lab.plotted import load_plotted

__all__ = [
    "changed",
    "chosen_run",
    "closeup_of",
    "evaluation_of",
    "meta_of",
    "nothing_yet",
    "plotted_of",
    "runs_of",
    "trained_on",
]


def changed(file: Path) -> int:
    """When a file was changed last, in nanoseconds; 0 if it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def plotted_of(run: Path) -> dict[str, Any] | None:
    """What a run's analysis shows; None if there is none of its evaluation. Not to be changed."""
    when = changed(run / "report" / "plotted.json"), changed(run / "evaluation" / META)
    return _plotted(str(run), when) if all(when) else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _plotted(run: str, when: tuple[int, int]) -> dict[str, Any] | None:
    return load_plotted(Path(run))


def evaluation_of(run: Path) -> Evaluation | None:
    """A run's evaluation; None if there is none, or it cannot be read. Not to be changed."""
    when = changed(run / "evaluation" / META)
    return _evaluation(str(run / "evaluation"), when) if when else None


@st.cache_resource(show_spinner="Reading the evaluation", max_entries=6)
def _evaluation(folder: str, when: int) -> Evaluation | None:
    try:
        return load_evaluation(Path(folder))
    except CheckpointError:
        return None


def closeup_of(file: Path) -> dict[str, Any] | None:
    """A closeup; None if there is none. Not to be changed."""
    when = changed(file)
    return _closeup(str(file), when) if when else None


@st.cache_resource(show_spinner=False, max_entries=24)
def _closeup(file: str, when: int) -> dict[str, Any] | None:
    return load_closeup(Path(file))


def meta_of(folder: Path) -> dict[str, Any] | None:
    """The JSON values of a checkpoint, without its tensors; None if it is not there or not whole."""
    when = changed(folder / META)
    return _meta(str(folder), when) if when else None


@st.cache_resource(show_spinner=False, max_entries=64)
def _meta(folder: str, when: int) -> dict[str, Any] | None:
    try:
        return read(Path(folder))[1]
    except CheckpointError:
        return None


def runs_of(store: Store, home: Path, kind: str, part: str) -> list[RunRow]:
    """The runs of a kind whose folder has that part, the latest first."""
    return [row for row in reversed(store.runs(kind)) if (folder_of(home, row.name) / part).is_dir()]


def chosen_run(rows: list[RunRow], label: str, key: str, usual: str | None = None) -> str:
    """The run that the visitor, or the address, names; by default the usual one, or the first."""
    names = [row.name for row in rows]
    index = names.index(usual) if usual in names else 0
    return str(st.selectbox(label, names, index=index, key=key, bind="query-params"))


def looked_at(rows: list[RunRow], home: Path) -> str | None:
    """The first of these runs that was evaluated; a negative twin only if there is no other."""
    found = [row for row in rows if changed(folder_of(home, row.name) / "evaluation" / META)]
    return next((row.name for row in sorted(found, key=lambda row: row.config.get("target") == "negative")), None)


def trained_on(store: Store, rows: list[RunRow]) -> str | None:
    """Of these reward models the one that the newest policy was trained on; None if no policy was trained on one."""
    names = {row.name for row in rows}
    rewards = [row.parents.get("reward", "") for row in reversed(store.runs("ppo"))]
    return next((name for name in rewards if name in names), None)


def nothing_yet(told: str, link: str = "Start a run") -> None:
    """An empty state, with the one way on: the page that starts runs."""
    empty(told)
    st.page_link("rlhf_lab/pages/runs.py", label=link)
