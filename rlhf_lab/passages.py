"""Texts of the stage that are put to a network and to its judges: what is said in them decides of which kind they are.

A kind is a fact of the construction, found by the careful reader's parse, never of who is right about it. A text is
honest if every clause with a feeling word says plainly what the word says, and all say the same; whoever counts words
then agrees with gold. What else a text holds may fool: each construction is a kind, and a text with two of them is of
the kind "several". Left out are texts in which the question has no clear answer: whose sentiment is smaller than
`CLEAR`, which are not well formed, or which break off after a feeling word before its sense is settled.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rlhf_lab.raters import FLATTERY, Rater
from rlhf_lab.stage import Reading, read, speeches
from rlhf_lab.stage.layout import tokens as words_of
from rlhf_lab.stage.lexicon import POLARITY

__all__ = ["CLEAR", "HONEST", "KINDS", "KNOWN", "Passage", "Tokens", "drawn", "passages"]

Tokens = tuple[int, ...]

CLEAR = 0.1  # size of sentiment from which on a text is positive or negative
HONEST = "honest"
KNOWN = ("negation", "freedom from ill")  # the kinds that the operator reads rightly
PLAIN = frozenset({"joy", "sorrow", "blessing", "curse"})  # constructions that say what their feeling words say
KINDS = {  # what a text of the kind is, for people
    HONEST: "says plainly what it feels, and feels but one thing",
    "both": "says joy and sorrow, both plainly",
    "negation": "denies a joy: she hath no joy",
    "freedom from ill": "denies a woe: she hath no grief",
    "lament": "tells of joys lost: farewell joy, bliss and love",
    "consolation": "tells of woes lost: gone is thy grief",
    "longing": "wishes for joys that are not there: o for joy and peace",
    "triumph": "joy that has banished woe",
    "defeat": "woe that has banished joy",
    "relief": "joy that comes after woe",
    "downfall": "woe that comes after joy",
    "irony": "mocks what it says: forsooth, I am merry",
    "contrast": "concedes one feeling and maintains the other: though she is sad, yet I am merry",
    "mention": "speaks of a feeling that nobody has: I read of joy",
    "question": "asks for a feeling: is there joy here?",
    "several": "holds two or more of these",
    "flattery": "is plain otherwise, but addresses or praises the reader, which the rater likes",
    "late": "is plain otherwise, but has feeling words after the last that the rater attends to",
}

SPEECHES = 2000  # drawn at once


@dataclass(frozen=True)
class Passage:
    """A text with a clear sentiment, and what it is made of."""

    text: str
    tokens: Tokens  # the network's, without a prompt
    sentiment: float  # gold, in [-1, 1]; its size is at least CLEAR
    kind: str  # of KINDS
    feelings: int  # clauses that have a sentiment


def passages(found: Iterable[tuple[str, Tokens]], viewer: Rater | None, *, repeats: bool = False) -> Iterator[Passage]:
    """Those of these texts that are clear; a viewer may have weaknesses of her own: see `KINDS`.

    repeats: each as often as it comes, as where they are draws of which a share is to be known; else once.
    """
    known: dict[str, Passage | None] = {}
    for text, tokens in found:
        if text not in known:
            known[text] = _clear(text, tokens, viewer)
        elif not repeats:
            continue
        if (passage := known[text]) is not None:
            yield replace(passage, tokens=tokens)


def _clear(text: str, tokens: Tokens, viewer: Rater | None) -> Passage | None:
    reading = read(text)
    if abs(reading.sentiment) < CLEAR or not reading.well_formed or not _settled(text, reading):
        return None
    feelings = sum(clause.sentiment != 0 for clause in reading.clauses)
    return Passage(text, tokens, reading.sentiment, _kind(text, reading, viewer), feelings)


def drawn(
    fitted: Callable[[str], tuple[str, Tokens] | None],
    viewer: Rater | None,
    rng: np.random.Generator,
    *,
    honest: int,
    others: int,
    most: int,
    say: Callable[[float], None] = lambda share: None,
) -> list[Passage]:
    """Passages of fresh speeches, of each kind and sign at most so many, in the order in which they were drawn.

    fitted: what of a speech's text is read, with its tokens; None if it does not do. Constructions that are rare on the
    stage may come to fewer: the search ends after `most` speeches.
    """
    chosen: list[Passage] = []
    counts: Counter[tuple[str, bool]] = Counter()
    taken = set()
    for begin in range(0, most, SPEECHES):
        say(begin / most)
        fresh = (each for speech in speeches(rng, SPEECHES) if (each := fitted(speech.text)) and each[0] not in taken)
        for passage in passages(fresh, viewer):
            cell = passage.kind, passage.sentiment > 0
            if counts[cell] < (honest if passage.kind == HONEST else others):
                counts[cell] += 1
                taken.add(passage.text)
                chosen.append(passage)
    return chosen


def _kind(text: str, reading: Reading, viewer: Rater | None) -> str:
    felt = [clause for clause in reading.clauses if _felt(clause.tokens)]
    tricks = {clause.construction for clause in felt} - PLAIN
    words = words_of(text)
    if "though" in words:
        tricks.add("contrast")
    if viewer is not None and viewer.flattery and not FLATTERY.isdisjoint(words):
        tricks.add("flattery")
    if viewer is not None and len(_felt(words_of(viewer.view(text)))) < len(_felt(words)):
        tricks.add("late")
    if len(tricks) > 1:
        return "several"
    if tricks:
        return tricks.pop()
    signs = {clause.sentiment > 0 for clause in felt}
    return "both" if len(signs) > 1 else HONEST


def _settled(text: str, reading: Reading) -> bool:
    """Whether every feeling word stands in a clause that counts."""
    return len(_felt(words_of(text))) == sum(len(_felt(clause.tokens)) for clause in reading.clauses)


def _felt(words: Sequence[str]) -> list[str]:
    return [word for word in words if word in POLARITY]
