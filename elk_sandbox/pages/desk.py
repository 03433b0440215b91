"""The draft that lies on the workbench in this tab, and what is heard from the editor.

The file on the disk is what counts. This tab remembers the text that it last read or wrote; if another tab has written
since, what is typed here goes on as a draft of its own, and nobody overwrites anybody.
"""

import time
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from elk_sandbox import drafts
from elk_sandbox.declare import RegistryError
from elk_sandbox.drafts import Draft
from elk_sandbox.pages.editor import Typed, typed

__all__ = [
    "DRAFT",
    "FOLDER",
    "NOTED",
    "caught_up",
    "editor_key",
    "hear",
    "lay_down",
    "note",
    "notes",
    "on_desk",
    "renew",
    "submit",
    "submitted",
    "take",
]

DRAFT = "workbench_draft"  # in the address
TOLD = 20.0  # seconds for which something is told
NOTED = "workbench noted"  # this server has seen this tab
FOLDER = Path("proposals")  # where files of the user's are
SEEN, HEARD, EDITOR, ROUND, NOTES, SUBMITTED = (
    f"workbench {word}" for word in ("seen", "heard", "editor", "round", "notes", "submitted")
)
ELSEWHERE = ("workbench_file", "workbench_set", "workbench_against")


def take(draft: Draft, against: str | None = None) -> None:
    """Lay this draft on the desk."""
    for name in ELSEWHERE:
        st.query_params.pop(name, None)
    st.query_params[DRAFT] = draft.name
    if against:
        st.query_params["workbench_against"] = against
    _see(draft, draft.name)


def lay_down() -> None:
    """Clear the desk; the draft stays in the workspace."""
    for name in (DRAFT, *ELSEWHERE):
        st.query_params.pop(name, None)
    st.session_state.pop(SEEN, None)


def on_desk(home: Path, instead: Callable[[str], Draft | None]) -> Draft | None:
    """The draft that the address names, with all that was typed; None if it names none, or one that is gone.

    instead: what is laid here for a draft that is gone, by its name, if there is anything.
    """
    name = st.query_params.get(DRAFT)
    if not name:
        return None
    seen: Draft | None = st.session_state.get(SEEN)
    try:
        there = drafts.load(home, name)
    except RegistryError:
        if seen and seen.name == name and hear(home, typed(editor_key())):
            return _seen()  # it is gone, what was typed meanwhile is not
        against, file = st.query_params.get("workbench_against"), instead(name)
        lay_down()
        gone = f"There is no draft {name} any more: it was discarded, or saved under another name."
        if file is None:
            note(gone)
        else:
            take(file, against)
            note(f"{gone} This is the file {name}.")
        return file
    if seen is None or seen.name != name:
        _see(there, name)
        return _file_changed(home, there)
    if hear(home, typed(editor_key())):
        return _seen()
    if there.text != seen.text:
        submitted()  # of a text that is no more
        _see(there, name)
        note("The text was changed in another tab, and is shown as it is now.")
        return there
    st.session_state[SEEN] = there
    return _file_changed(home, there)


def caught_up(home: Path) -> Draft:
    """The draft with what came from the browser together with a click, for what the click does."""
    hear(home, typed(editor_key()))
    return _seen()


def hear(home: Path, event: Typed | None, *, stale: bool = False) -> bool:
    """Keep what was typed, if it is news; whether it was. Ctrl+Enter is remembered for `submitted`.

    stale: the browser tells it to a server that had never seen this tab, so that nobody knows what it was typed upon.
    """
    if event is None or event.mark == st.session_state.get(HEARD):
        return False
    st.session_state[HEARD] = event.mark
    if event.submitted:
        submit()
    seen = _seen()
    if event.text == seen.text:
        return False
    try:
        if stale:
            raise drafts.Overtaken
        st.session_state[SEEN] = drafts.put(home, seen, text=event.text)
    except drafts.Overtaken:
        mine = drafts.begin(home, seen.name, seen.kind, event.text, seen.origin, seen.base)
        st.session_state[SEEN] = mine
        st.query_params[DRAFT] = mine.name
        note(
            f"The draft {seen.name} was changed in another tab. What you type here is kept as the draft {mine.name} "
            "from now on; nothing was overwritten."
        )
    return True


def submit() -> None:
    """Ask for a verdict on the text as it is when the page is drawn next."""
    st.session_state[SUBMITTED] = True


def submitted() -> bool:
    """Whether a verdict was asked for since this was last called."""
    return bool(st.session_state.pop(SUBMITTED, False))


def renew(draft: Draft) -> None:
    """Show a draft whose text was changed by other means than typing."""
    st.query_params[DRAFT] = draft.name
    _see(draft, draft.name)


def editor_key() -> str:
    """Another one whenever the text in the browser is to be replaced."""
    plain = "_plain" if st.query_params.get("workbench_plain") else ""
    return f"workbench_editor_{st.session_state[EDITOR]}_{st.session_state[ROUND]}{plain}"


def note(told: str) -> None:
    """Tell something for some seconds: the page is drawn anew at every pause in typing."""
    st.session_state.setdefault(NOTES, []).append((told, time.monotonic()))


def notes() -> list[str]:
    """What is to be told now."""
    young = [(told, since) for told, since in st.session_state.get(NOTES, []) if time.monotonic() - since < TOLD]
    st.session_state[NOTES] = young
    return [told for told, _ in young]


def _file_changed(home: Path, draft: Draft) -> Draft:
    """Follow a file that another editor wrote, where nothing was typed here."""
    text = drafts.on_disk(draft, FOLDER)
    if draft.changed or text in (None, draft.base):
        return draft
    newer = drafts.put(home, draft, text=text, base=text)
    _see(newer, draft.name)
    note("The file was changed on the disk, and is shown as it is now.")
    return newer


def _see(draft: Draft, editor: str) -> None:
    st.session_state[SEEN] = draft
    st.session_state[ROUND] = st.session_state.get(ROUND, -1) + 1
    st.session_state[EDITOR] = editor
    st.session_state[HEARD] = None


def _seen() -> Draft:
    seen = st.session_state[SEEN]
    assert isinstance(seen, Draft)
    return seen
