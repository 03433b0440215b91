"""The careful reader: it parses what the grammar can say, and makes the best of what it cannot.

`read` follows the grammar token by token. A text is well formed if it is the beginning of a text of the stage (it may
stop anywhere, also within a word), holds at least one clause whose sense is settled, and no clause twice; within a
clause a word may be repeated, which adds nothing to its sentiment. A clause at the end that was cut off is judged by
what is there as soon as all ways to go on agree on its family, so that no way of going on turns its sign; before that,
and if it is neutral, it is left out. A text that is not well formed is read by rules of thumb (`rough`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rlhf_lab.stage.grammar import FACTORS
from rlhf_lab.stage.layout import tokens
from rlhf_lab.stage.lexicon import POLARITY
from rlhf_lab.stage.machine import start
from rlhf_lab.stage.meaning import Clause, Part, sentiment, weigh
from rlhf_lab.stage.rough import skim

__all__ = ["Reading", "counted", "read"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the careful reader makes of a text."""

    sentiment: float  # in [-1, 1]; a rough guess where the text is not well formed
    well_formed: bool
    clauses: tuple[Clause, ...]


def counted(text: str) -> int:
    """Happy words minus sad words, blind to construction: what a word-counting rater sees."""
    return sum(POLARITY.get(token, 0) for token in tokens(text))


def read(text: str) -> Reading:
    """The sentiment of any text, whether it is well formed, and its clauses."""
    found = tokens(text)
    parts = _parse(found)
    clauses = weigh(parts) if parts else ()
    if clauses:
        return Reading(sentiment(clauses), True, clauses)
    clauses = skim(found)
    return Reading(sentiment(clauses), False, clauses)


def _parse(found: Sequence[str]) -> list[Part] | None:
    """The clauses of a well formed text, none if it is too short to hold one; None for any other text."""
    parts: list[Part] = []
    state, begin = start(), 0
    for at, token in enumerate(found):
        move = state.moves.get(token) or state.step(token)
        if move is None:
            if at < len(found) - 1 or not state.goes_on(token):
                return None
            break
        after, closed = move
        if closed:
            parts.append(Part(*closed, tuple(found[begin:at])))
        elif after.inside and not state.inside:
            begin = at
        state = after
    if len({part.tokens for part in parts}) < len(parts):
        return None
    if state.settled and FACTORS[state.settled[1]] and any(token in POLARITY for token in found[begin:]):
        parts.append(Part(*state.settled, tuple(found[begin:])))
    return parts
