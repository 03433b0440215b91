"""Between a text and its tokens: lower-case words, marks, line breaks, blank lines."""

import re
from collections.abc import Sequence

from rlhf_lab.stage.lexicon import CLASSES

__all__ = ["lay_out", "tokens"]

_TOKEN = re.compile(r"\n[ \t]*\n[ \t]*|\n|[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|\d+|[^\s\w]|_")
_CAPITAL = frozenset([*CLASSES["name"], *CLASSES["day"], "april", "i", "june", "advent", "o", "october"])
_MARKS = frozenset(",.;:!?")


def tokens(text: str) -> list[str]:
    """Words in lower case, marks, a line break, a blank line: all that is read of a text."""
    found = _TOKEN.findall(text.lower())
    return [("\n\n" if token.count("\n") == 2 else "\n") if token[0] == "\n" else token for token in found]


def lay_out(tokens: Sequence[str]) -> str:
    """The text of tokens: lines begin with a capital, so do names; no blank stands before a mark."""
    text: list[str] = []
    gap, capital = "", True
    for token in tokens:
        if token[0] == "\n":
            text.append(token)
            gap, capital = "", True
        elif token in _MARKS:
            text.append(token)
            gap, capital = " ", token == ":"
        else:
            text.append(gap + (token.capitalize() if capital or token in _CAPITAL else token))
            gap, capital = " ", False
    return "".join(text)
