"""Below the verdict on a proposal: all worlds at once, the contest, and a counterexample begun against it."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox import drafts
from elk_sandbox.declare import RegistryError
from elk_sandbox.keys import source
from elk_sandbox.markup import colours
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.desk import FOLDER, note, take
from elk_sandbox.pages.frame import html
from elk_sandbox.pages.outcome import contest
from elk_sandbox.pages.starting import blind, free_name
from elk_sandbox.pages.words import word
from elk_sandbox.palette import STATES, state
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.trial import Column, Contest, Opening, Row, trial

__all__ = ["breaking", "facing", "forget"]

ASKED = "workbench asked"  # the button that was clicked
OPENING = "workbench opening"  # the counterexample that is being begun in this tab


def breaking(registry: Registry, home: Path, entry: Entry, settings: list[str]) -> bool:
    """Draw it for a proposal; whether something of it is on its way."""
    row = Row([trial(home, entry, other, settings) for other in registry.counterexamples.values()])
    held = Contest(home, source(entry, entry.settings(settings)))
    _begun(home, row, held, settings)
    silent = blind()  # the contest compares with the published families
    outcome = None if silent else held.outcome()
    comparing = outcome is not None and outcome["nearest"] is None
    if outcome is not None:
        st.subheader("The contest", anchor=False)
        contest(outcome)
    st.divider()
    places = st.columns(2 if silent or (outcome and not comparing) else 3, gap="large")
    with places[0]:
        busy = _row(row) if row.trials else False
    with places[1]:
        busy |= _begin(registry, home, held)
    if len(places) == 3:
        with places[2]:
            busy |= _nearest(held) if comparing else _contest(held)
    return busy


def facing(registry: Registry, home: Path, entry: Entry, settings: list[str]) -> bool:
    """Draw, for a counterexample, how all proposals fare in its world; whether something of it is on its way."""
    column = Column([trial(home, other, entry, settings) for other in registry.proposals.values()])
    _begun(home, column)
    st.divider()
    return _row(column) if column.trials else False


def _row(row: Row) -> bool:
    down = isinstance(row, Column)
    others = "proposals" if down else "counterexamples"
    st.subheader("Every proposal" if down else "Every world", anchor=False)
    every, done, running = len(row.trials), row.done(), row.job.running
    if running:
        st.progress(done / every, text=f"Judged against {done} of {every}")
    elif done == every:
        html(f"<p>This text is judged against all {every} {others}; by sign:</p>")
    else:
        html(f"<p>Against every {others.removesuffix('s')}, stock draw and fresh ones.</p>")
        if row.failed:
            st.error(f"Not all were judged. The last that was said: {row.failed}")
        if refusal() is None:
            st.button(f"Judge against all {every}", on_click=_ask, args=("row",))
    _strip(row)
    return running


def _strip(row: Row) -> None:
    """One sign for each file of the other kind that the text is judged against."""
    shown, down = [], isinstance(row, Column)
    for each in row.trials:
        if (cell := each.cell()) is None:
            continue
        key, name = state(cell), str((each.proposal if down else each.counterexample)["name"]).replace("_", " ")
        sign = f'<b style="{colours(key)}" aria-hidden="true">{STATES[key].sign}</b>'
        label = f'<span class="unseen">: {STATES[key].label}</span>'
        shown.append(f'<li title="{STATES[key].label}">{sign}{escape(name)}{label}</li>')
    if shown:
        html(f'<ul class="strip">{"".join(shown)}</ul>')


def _nearest(held: Contest) -> bool:
    """The rest of a contest whose outcome is known."""
    st.subheader("Whom it resembles", anchor=False)
    if held.job.running:
        done, every = held.progress()
        st.progress(done / every, text=f"Judging the published families to compare with: {done} of {every} cells")
        return True
    if held.failed:
        st.error(f"They were not all judged. The last that was said: {held.failed}")
    if refusal() is None:
        st.button("Judge the published families", on_click=_ask, args=("contest",))
    return False


def _contest(held: Contest) -> bool:
    st.subheader("The contest", anchor=False)
    if held.job.running:
        html("<p>All breakers at once are put to it, some seconds.</p>")
        return True
    told = f"All breakers of ARC's {word('contest')} at once, and the published families whose verdicts are nearest."
    html(f"<p>{told} The first time takes a minute.</p>")
    if held.failed:
        st.error(f"It was not held. The last that was said: {held.failed}")
    if refusal() is None:
        st.button("Put it before the contest", on_click=_ask, args=("contest",))
    return False


def _begin(registry: Registry, home: Path, held: Contest) -> bool:
    st.subheader("Break it", anchor=False)
    name = st.session_state.get(OPENING)
    opening = Opening(home, held.proposal, name) if name else None
    if opening and opening.job.running:
        done, every = opening.progress()
        now = f"Looking for the world that comes nearest: {done} of {every}"
        if done == every:  # from the start, where the proposal was judged before
            now = f"Judged on all {every} worlds. Now the file is written, begun from the one that comes nearest"
        st.progress(done / every, text=now)
        return True
    if opening:
        _opened(home, opening)
    html(
        f"<p>A {word('counterexample')} of your own, begun from the shipped world that comes nearest to killing this, "
        "and saved among your files.</p>"
    )
    if refusal() is None:
        wanted = free_name(registry, f"break_{held.proposal['name']}")
        key = f"workbench_break_{wanted}"
        st.text_input("Its name", wanted, key=key)
        st.button("Begin a counterexample", on_click=_ask, args=(key,))
    return False


def _opened(home: Path, opening: Opening) -> None:
    """Lay the file on the desk that the command wrote, or say why there is none."""
    st.session_state.pop(OPENING)
    path = FOLDER / "counterexamples" / f"{opening.name}.py"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        st.error(f"No counterexample was begun. The last that was said: {opening.job.last_line()}")
        return
    take(drafts.begin(home, opening.name, "counterexample", text, path), str(opening.proposal["name"]))
    note(f"Saved in {path}. {' '.join(opening.told())}".strip())
    st.rerun()


def _ask(what: str) -> None:
    """Remember a click until the page is drawn: the click may bring a text or a knob that the last drawing had not."""
    st.session_state[ASKED] = what


def forget() -> None:
    """Leave what was clicked undone, where there is no text any more that it could be done to."""
    st.session_state.pop(ASKED, None)


def _begun(home: Path, row: Row, held: Contest | None = None, settings: Sequence[str] = ()) -> None:
    """Do what was clicked: judge the row, hold the contest, or begin the counterexample that a field names."""
    what = st.session_state.pop(ASKED, None)
    if what is None or refusal():
        return
    if what == "row":
        _start(row)
    elif held is not None:
        if what == "contest":
            _hold(held, list(settings))
        else:
            _search(home, held, str(st.session_state[what]))
    st.rerun()  # all of the page: what was refused is told further up


def _search(home: Path, held: Contest, name: str) -> None:
    if (FOLDER / "counterexamples" / f"{name}.py").exists() or not name.isidentifier():
        note(f"{name!r} does not do: a name of letters, digits and _ that no file of yours has.")
        return
    opening = Opening(home, held.proposal, name)
    st.session_state[OPENING] = name
    _start(opening)


def _hold(held: Contest, settings: list[str]) -> None:
    try:
        held.start(settings)
    except (OSError, RegistryError) as reason:
        note(f"It was not held: {reason}")


def _start(work: Row | Opening) -> None:
    try:
        work.start()
    except OSError as reason:
        note(f"It was not started: {reason}")
