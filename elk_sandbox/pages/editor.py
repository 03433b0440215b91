"""A text editor for Python: Ace where its component is there, a plain text box where it is not or is not wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import ink
from elk_sandbox.palette import ACCENT, INK, LINE, PAPER, QUIET, STATES, TERMS, Colour

__all__ = ["Fault", "Typed", "code_editor", "typed"]

try:
    from code_editor import code_editor as _ace
except ImportError:  # the page works without it
    _ace = None

LINES = (18, 34)  # the editor grows between these
TEXT = Colour("#23705f", "#4fb8a0")  # strings
PAUSE = 150  # milliseconds without a key, after which the text is told


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line, which counts from 1."""

    line: int
    told: str


@dataclass(frozen=True)
class Typed:
    """What somebody did in the editor."""

    mark: str  # another for everything that is done
    text: str
    submitted: bool  # by Ctrl+Enter


def typed(key: str) -> Typed | None:
    """What was last done in the editor of this key, as far as the server has heard; None before anything was."""
    return _told(st.session_state.get(key))


def code_editor(text: str, key: str, faults: Sequence[Fault] = (), *, plain: bool = False) -> Typed | None:
    """Draw the editor; what was last done in it, None if nothing was.

    text: what it holds when it is first drawn under this key; from then on the browser knows better. So it is Ace's
    default and not its value, to which it would return whenever a mark is drawn while somebody types. Faults are marked
    on their lines.
    """
    if plain or _ace is None:
        st.session_state.setdefault(key, text)
        st.text_area("Python", key=key, height=26 * LINES[0], label_visibility="collapsed")
        return typed(key)
    value = _ace(
        "", lang="python", key=key, height=list(LINES), response_mode=["debounce", "blur"],
        options={"wrap": True, "showLineNumbers": True, "behavioursEnabled": False, "useSoftTabs": True},
        props={
            "annotations": [{"row": f.line - 1, "column": 0, "text": f.told, "type": "error"} for f in faults],
            "markers": [
                {"startRow": f.line - 1, "startCol": 0, "endRow": f.line - 1, "endCol": 1, "className": "fault",
                 "type": "fullLine"}
                for f in faults
            ],
            "value": None, "defaultValue": text, "debounceChangePeriod": PAUSE, "fontSize": 13,
            "enableLiveAutocompletion": False, "scrollMargin": [0, 0, 0, 0],
        },
        component_props={"globalCSS": _look()},
    )  # fmt: skip
    return _told(value)


def _told(value: Any) -> Typed | None:
    if isinstance(value, str):  # the plain box
        return Typed(value, value, False)
    if not isinstance(value, dict) or not value.get("type"):
        return None
    return Typed(str(value["id"]), str(value["text"]), value["type"] == "submit")


def _look() -> str:
    """The app's colours for Ace, whose theme comes in variables of its own."""
    ground = {"background-color": PAPER, "primary-text-color": INK, "info-color": QUIET}
    names = [f"--streamlit-{scheme}-{k}: {ink(c)};" for scheme in ("light", "dark") for k, c in ground.items()]
    font = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
    fonts = [f"--streamlit-{scheme}-font-family: {font};" for scheme in ("light", "dark")]
    wrong = STATES["strict"].fill
    return f"""
    html:root {{ {" ".join(names + fonts)} }}
    #REACT_ACE_EDITOR {{ border: 1px solid {ink(LINE)}; border-radius: 0.3rem; box-sizing: border-box; }}
    #REACT_ACE_EDITOR.ace_focus {{ border-color: {ink(ACCENT)}; }}
    .ace_gutter {{ background: {ink(PAPER)} !important; color: {ink(QUIET)} !important; }}
    .ace_string {{ color: {ink(TEXT)} !important; }}
    .ace_constant, .ace_numeric {{ color: {ink(TERMS[2])} !important; }}
    .ace_keyword, .ace_function {{ color: {ink(ACCENT)} !important; }}
    .ace_operator, .ace_punctuation, .ace_paren, .ace_comment {{ color: {ink(QUIET)} !important; }}
    .fault {{ position: absolute; background: {ink(wrong)}; opacity: 0.22; }}
    .ace_gutter-cell.ace_error {{ color: {ink(wrong)}; font-weight: 700; }}
    """
