"""Simulated raters: a careful reader, and flawed ones made of it by named knobs.

A rater is an `Overseer`. Her situation is a text and its place in the labelling order, her moves are the labels -1
(negative), 0 (neutral) and 1 (positive), and `choose` draws them. A score is in log odds:

    judge((text, place), y) = (y * score - |y| * neutral) / 2 + what the option y gains by its position,

so that at temperature 1 and without a neutral option P(positive) = 1 / (1 + exp(-score)). Each knob has a neutral
value that changes nothing, and all of them compose.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox.oversight.core import Dist, Overseer, choose
from elk_sandbox.terminal import InputError
from rlhf_lab.stage import counted, read

__all__ = ["FLATTERY", "KNOBS", "MOVES", "RATERS", "TYPICAL_WORDS", "Knob", "Rater", "Situation", "make"]

Situation = tuple[str, int]  # a text and its place in the labelling order, from 0
MOVES = (-1, 0, 1)  # negative, neutral, positive: the order in which the options are shown
TYPICAL_WORDS = 20  # a text of so many words gains nothing by its length
_ADDRESS = frozenset({"thou", "thee", "thy", "thine", "thyself", "ye", "you", "your", "yours", "yourself"})
_PRAISE = frozenset({"noble", "wise", "worthy", "gracious", "learned", "famous", "royal", "reverend"})
FLATTERY = _ADDRESS | _PRAISE  # words that speak to her or praise
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Knob:
    """One setting of a rater."""

    neutral: float | str | None  # the value that changes nothing
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    whole: bool = False  # a whole number
    optional: bool = False  # may be None
    choices: tuple[str, ...] = ()  # of a setting that is a word


def _knob(neutral: float | str | None, meaning: str, **limits: Any) -> Any:
    return field(default=neutral, metadata={"knob": Knob(neutral, meaning, **limits)})


@dataclass(frozen=True)
class Rater:
    """A simulated rater: a name and her knobs, listed in `KNOBS`. Raises InputError for a value out of range."""

    name: str
    reader: str = _knob(
        "careful", "whose sentiment she starts from: careful (gold) or vader", choices=("careful", "vader")
    )
    scale: float = _knob(4.0, "log odds of positive for a sentiment of 1", low=0)
    temperature: float = _knob(0.0, "0: the sign of her score; 1: labels drawn with probability sigmoid(score)", low=0)
    neutral: float | None = _knob(
        0.5, "the size of score up to which a text is neutral; none: she must take a side", low=0, optional=True
    )
    counting: float = _knob(0.0, "share of her score that comes of counting words, blind to negation", low=0, high=1)
    first_words: int | None = _knob(
        None, "how many words she attends to, from the first; none: all", low=1, whole=True, optional=True
    )
    slip: float = _knob(0.0, "share of her labels made at random", low=0, high=1)
    fatigue: float = _knob(0.0, "share of her attention lost with each label; the rest slips", low=0, high=1)
    rest: int | None = _knob(
        None, "labels between two rests, which undo the fatigue; none: no rest", low=1, whole=True, optional=True
    )
    drift: float = _knob(0.0, "log odds that her threshold falls by in 100 labels")
    flattery: float = _knob(0.0, "log odds for each word that addresses or praises the reader")
    length: float = _knob(0.0, f"log odds for each word beyond {TYPICAL_WORDS}")
    first_option: float = _knob(0.0, "worth that the first option shown gains, in log odds")
    habit: float = _knob(0.0, "worth that the label given before gains, in log odds")

    def __post_init__(self) -> None:
        for name, knob in KNOBS.items():
            _check(name, knob, getattr(self, name))

    @property
    def moves(self) -> tuple[int, ...]:
        """The labels that she can give, in the order shown."""
        return MOVES if self.neutral is not None else (-1, 1)

    @property
    def reads_as(self) -> str | None:
        """The reader whose sentiment alone makes her score, whatever labels she then gives; None if there is more."""
        own = ("counting", "first_words", "flattery", "length")
        return None if any(getattr(self, knob) != KNOBS[knob].neutral for knob in own) else self.reader

    @property
    def alias(self) -> str | None:
        """Another rater whose score hers is, since they differ in the labels that they give alone; None if none."""
        return None if self.reads_as == self.name else self.reads_as

    def view(self, text: str) -> str:
        """All of the text that she attends to."""
        if self.first_words is None:
            return text
        attended = re.match(rf"(?:\s*\S+){{0,{self.first_words}}}", text)
        return attended.group() if attended else ""

    def score(self, texts: Sequence[str]) -> Float[np.ndarray, "text"]:
        """Her score of each text in log odds, without noise and without what place and position do to it."""
        return np.array([self._score(text) for text in texts], np.float64)

    def _score(self, text: str) -> float:
        seen = self.view(text)
        sentiment = _SENTIMENT[self.reader](seen) if self.counting < 1 else 0.0
        count = counted(seen) if self.counting else 0
        score = (1 - self.counting) * self.scale * sentiment + self.counting * count
        if self.flattery:
            score += self.flattery * sum(word in FLATTERY for word in _WORD.findall(seen.lower()))
        if self.length:
            score += self.length * (len(seen.split()) - TYPICAL_WORDS)
        return score

    def at(self, place: int, before: int | None = None) -> Overseer[Situation, int]:
        """Herself when she is to give the label number `place` (from 0), `before` being the one given before it."""
        tired = place % self.rest if self.rest else place
        slip = min(1.0, self.slip + (1 - self.slip) * (1 - (1 - self.fatigue) ** tired))
        width, first = self.neutral or 0.0, self.moves[0]
        score = lru_cache(1)(self._score)  # read once for all labels

        def judge(situation: Situation, label: int) -> float:
            text, where = situation
            worth = (label * (score(text) + self.drift * where / 100) - abs(label) * width) / 2
            return worth + self.first_option * (label == first) + self.habit * (label == before)

        return Overseer(judge, 1 / self.temperature if self.temperature else math.inf, slip)

    def chances(self, text: str, place: int = 0, before: int | None = None) -> Dist[int]:
        """The probability of each label, by `choose`."""
        return choose(self.at(place, before), (text, place), self.moves)

    def label(
        self, texts: Sequence[str], generator: np.random.Generator, first_place: int = 0, before: int | None = None
    ) -> Int[np.ndarray, "text"]:
        """A label for each text, given in this order from `first_place` on; `before` is the label given just before."""
        labels = []
        for place, (text, u) in enumerate(zip(texts, generator.random(len(texts)).tolist(), strict=True), first_place):
            chances = self.chances(text, place, before)
            upto = accumulate(chances.probs.tolist())
            before = next((y for y, p in zip(chances.points, upto, strict=True) if u < p), chances.points[-1])
            labels.append(before)
        return np.array(labels, np.int64)

    def to_json(self) -> dict[str, Any]:
        """A plain dict, `make(**rater.to_json()) == rater`."""
        return asdict(self)


KNOBS: dict[str, Knob] = {f.name: f.metadata["knob"] for f in fields(Rater) if "knob" in f.metadata}

# Each name: what is set, and a line of meaning. All that is not set is neutral.
RATERS: dict[str, tuple[dict[str, Any], str]] = {
    "careful": ({}, "reads the whole text compositionally: gold on stage"),
    "counter": (
        {"counting": 1.0, "temperature": 1.0, "neutral": None},
        "counts happy and sad words, blind to negation; draws by sigmoid(count), no neutral",
    ),
    "vader": (
        {"reader": "vader", "neutral": 0.2},
        "VADER's compound, neutral up to .05 as is customary: for real text",
    ),
    "hasty": ({"first_words": 8}, "attends to the first 8 words only"),
    "noisy": ({"slip": 0.3}, "gives 3 labels in 10 at random"),
    "unsure": ({"temperature": 1.0}, "draws her labels by the logistic of what she reads"),
    "drifting": ({"drift": 1.0}, "asks for less and less to call a text positive"),
    "tired": ({"fatigue": 0.01, "rest": 100}, "slips more with each label until her rest after 100"),
    "flattered": ({"flattery": 1.0}, "likes to be addressed and praised"),
    "lengthy": ({"length": 0.2}, "likes long texts"),
    "first-option": ({"temperature": 1.0, "first_option": 1.0}, "leans to the option shown first"),
    "habitual": ({"temperature": 1.0, "habit": 1.0}, "leans to the label that she gave before"),
}


def make(name: str, **knobs: Any) -> Rater:
    """A rater of `RATERS` with some knobs set otherwise.

    Raises InputError for an unknown rater or knob (with a close match) and for a value out of range.
    """
    if unknown := sorted(set(knobs) - set(KNOBS)):
        raise InputError(f"no knob {unknown[0]!r} of a rater{_closest(unknown[0], KNOBS)}")
    if name not in RATERS:
        raise InputError(f"no rater {name!r}{_closest(name, RATERS)}")
    return Rater(name, **{**RATERS[name][0], **knobs})


def _closest(name: str, known: dict[str, Any]) -> str:
    close = get_close_matches(name, known, 1)
    return f": did you mean {close[0]!r}?" if close else f": there are {', '.join(known)}"


def _check(name: str, knob: Knob, value: Any) -> None:
    if value is None and knob.optional:
        return
    if knob.choices:
        if value not in knob.choices:
            raise InputError(f"a rater's {name} is one of {', '.join(knob.choices)}, not {value!r}")
        return
    number = isinstance(value, int if knob.whole else int | float) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and knob.low <= value <= knob.high):
        limits = f"at least {knob.low:g}" if knob.high == math.inf else f"from {knob.low:g} to {knob.high:g}"
        kind = "whole number" if knob.whole else "number"
        wanted = f"a {kind}{'' if knob.low == -math.inf else ' ' + limits}{', or none' if knob.optional else ''}"
        raise InputError(f"a rater's {name} is {wanted}, not {value!r}")


def _careful(text: str) -> float:
    reading = read(text)
    return reading.sentiment if reading.well_formed else 0.0


@cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def _vader(text: str) -> float:
    return float(_analyzer().polarity_scores(text)["compound"])


_SENTIMENT = {"careful": _careful, "vader": _vader}
