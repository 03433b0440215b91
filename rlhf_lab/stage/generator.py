"""Seeded speeches of the stage: what is said is drawn first, then the words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np

from rlhf_lab.stage.grammar import CLAUSES, FACTORS, FORMS, SPEAKER
from rlhf_lab.stage.layout import lay_out
from rlhf_lab.stage.lexicon import CLASSES
from rlhf_lab.stage.meaning import Clause, Part, sentiment, weigh
from rlhf_lab.stage.notation import Catalogue, Choice, Node, Role, Slot, Word, parse
from rlhf_lab.stage.notation import Sequence as Series

__all__ = ["Speech", "corpus_text", "speeches"]

T = TypeVar("T")

# Chances of: the number of sentences in a speech, its mood, the form of a sentence, the family of a clause ...
SENTENCES = {1: 0.45, 2: 0.40, 3: 0.15}
MOODS = {1: 0.35, -1: 0.35, 0: 0.30}  # bright, dark, even: the sign that its clauses have
SENTENCE_FORMS = {
    "single": 0.70,
    "called": 0.06,
    "joined": 0.07,
    "yet": 0.03,
    "though": 0.03,
    "irony": 0.03,
    "asked": 0.08,
}
COLOURLESS = {1: 0.22, -1: 0.22, 0: 0.90}  # ... without sentiment, by mood
BRIGHT = {"plain": 0.71, "wish": 0.09, "negation": 0.09, "loss": 0.04, "victory": 0.04, "succession": 0.03}
DARK = {"plain": 0.67, "wish": 0.07, "negation": 0.10, "loss": 0.07, "lack": 0.04, "victory": 0.03, "succession": 0.02}
DULL = {"neutral": 0.92, "mention": 0.08}
ASKED = {"question": 0.25, "query": 0.75}
CONTRAST = {"plain": 0.75, "negation": 0.25}
# Nouns in a catalogue. Laments list more happy words than any joyful line has, so that whoever counts words is mostly
# right and wrong at the extreme.
CATALOGUE = {1: 0.34, 2: 0.24, 3: 0.14, 4: 0.09, 5: 0.07, 6: 0.05, 7: 0.04, 8: 0.03}
EPITHET = 0.2  # of a noun in it
SKEW = 2.6  # the first x of a class are drawn with chance x ** (1 / SKEW)


@dataclass(frozen=True)
class Speech:
    """What one speaker says, and what it is worth by construction."""

    text: str
    sentiment: float  # in [-1, 1]
    clauses: tuple[Clause, ...]

    @property
    def kind(self) -> str:
        """The construction that weighs most in its sentiment; neutral if none does."""
        most = max(self.clauses, key=lambda clause: abs(clause.sentiment * clause.weight))
        return most.construction


def speeches(rng: np.random.Generator, n: int) -> list[Speech]:
    """So many speeches, independent of each other."""
    draw = _Draw(rng)
    return [_Writer(draw).speech() for _ in range(n)]


def corpus_text(seed: int, characters: int) -> str:
    """Speeches with blank lines between them, up to the first that makes it at least so many characters; the same in
    every process."""
    draw = _Draw(np.random.default_rng(seed))
    texts: list[str] = []
    length = -2
    while length < characters:
        texts.append(_Writer(draw).speech().text)
        length += len(texts[-1]) + 2
    return "\n\n".join(texts)


class _Draw:
    """Choices from a stream of uniform numbers, taken in blocks because single draws are slow."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._uniforms = self._blocks(rng)

    @staticmethod
    def _blocks(rng: np.random.Generator) -> Iterator[float]:
        while True:
            yield from rng.random(4096).tolist()

    def happens(self, chance: float) -> bool:
        return next(self._uniforms) < chance

    def among(self, options: Sequence[T]) -> T:
        return options[int(next(self._uniforms) * len(options))]

    def skewed(self, options: Sequence[T]) -> T:
        """The first ones more often, as in all languages."""
        return options[int(next(self._uniforms) ** SKEW * len(options))]

    def weighted(self, chances: Mapping[T, float]) -> T:
        left = next(self._uniforms) * sum(chances.values())
        for option, chance in chances.items():
            left -= chance
            if left < 0:
                return option
        return option


class _Writer:
    """One speech as it is written: its tokens, its clauses, and the words that its sentence already has."""

    def __init__(self, draw: _Draw) -> None:
        self._draw = draw
        self._tokens: list[str] = []
        self._parts: list[Part] = []
        self._used: set[str] = set()

    def speech(self) -> Speech:
        mood = self._draw.weighted(MOODS)
        self._write(_tree(SPEAKER))
        for number in range(self._draw.weighted(SENTENCES)):
            if number:
                self._tokens.append("\n")
            self._sentence(mood)
        clauses = weigh(self._parts)
        return Speech(lay_out(self._tokens), sentiment(clauses), clauses)

    def _sentence(self, mood: int) -> None:
        self._used.clear()
        form = self._draw.weighted(SENTENCE_FORMS)
        sign = mood or self._draw.among((1, -1))
        tree = _tree(FORMS[form])
        for part in tree.parts if isinstance(tree, Series) else (tree,):
            if isinstance(part, Role):
                against = part.name in ("ironic", "concession", "afterthought")
                self._clause(part, self._family(part.name, form, mood, sign), -sign if against else sign)
            else:
                self._write(part)

    def _family(self, role: str, form: str, mood: int, sign: int) -> str:
        if role == "asked":
            return self._draw.weighted(ASKED)
        if role == "ironic":
            return "plain"
        if role != "main" or form == "though":
            return self._draw.weighted(CONTRAST)
        if self._draw.happens(COLOURLESS[mood]):
            return self._draw.weighted(DULL)
        return self._draw.weighted(BRIGHT if sign > 0 else DARK)

    def _clause(self, role: Role, family: str, sign: int) -> None:
        """A clause of this family whose own sentiment has this sign, if the family has sentiment."""
        factor = FACTORS[family]
        polarities = [key[1] for key in CLAUSES if key[0] == family]
        polarity = (sign if factor > 0 else -sign) if factor else self._draw.among(polarities)
        begin = len(self._tokens)
        self._write(self._draw.among(CLAUSES[family, polarity]))
        if role.comma:
            self._tokens.append(",")
        self._parts.append(Part(role.name, family, tuple(self._tokens[begin:])))

    def _write(self, node: Node) -> None:
        match node:
            case Word(word):
                self._tokens.append(word)
            case Slot(name):
                self._word(name)
            case Series(parts):
                for part in parts:
                    self._write(part)
            case Choice(options):
                self._write(self._draw.among(options))
            case Catalogue(noun, least):
                length = max(least, self._draw.weighted(CATALOGUE))
                for number in range(length):
                    if number:
                        self._tokens.append("and" if number == length - 1 else ",")
                    if self._draw.happens(EPITHET):
                        self._word(node.epithet)
                    self._word(noun)

    def _word(self, name: str) -> None:
        """A word of the class that the sentence does not have yet, but for determiners."""
        word = self._draw.skewed(CLASSES[name])
        while word in self._used:
            word = self._draw.skewed(CLASSES[name])
        if name not in ("near", "must", "the", "these", "whose"):
            self._used.add(word)
        self._tokens.append(word)


@cache
def _tree(pattern: str) -> Node:
    return parse(pattern)
