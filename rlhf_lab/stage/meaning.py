"""What clauses are worth, alone and together: the same for the generator, which knows the construction, and for the
reader, which has to find it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rlhf_lab.stage.grammar import CONSTRUCTIONS, FACTORS
from rlhf_lab.stage.layout import lay_out
from rlhf_lab.stage.lexicon import DEGREES, GRADES, POLARITY

__all__ = ["CONCEDED", "IRONY", "Clause", "Part", "sentiment", "weigh"]

IRONY = -0.7  # what mockery makes of a feeling
CONCEDED = 0.25  # share of the conceded half of a contrast
MORE = 0.05  # what each further affect word adds to the strength of a clause


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and what it does to the sentiment of its text."""

    tokens: tuple[str, ...]
    construction: str  # joy, sorrow, negation, freedom from ill, lament, consolation, irony, neutral ...
    sentiment: float  # of the clause alone, in [-1, 1]
    weight: float  # its share: the text's sentiment is the sum of sentiment * weight

    @property
    def text(self) -> str:
        """As it stands in the text, without the comma after it."""
        return lay_out(self.tokens).rstrip(",")


class Part(NamedTuple):
    """A clause as it was written or parsed."""

    role: str
    family: str
    tokens: tuple[str, ...]


def weigh(parts: Sequence[Part]) -> tuple[Clause, ...]:
    """The clauses with their shares.

    Each clause counts alike, but the two sides of a contrast count as one: the conceded side for a quarter of what the
    other is worth, so that it never turns the sign. A concession whose other side is missing is left out.
    """
    values = [_judged(part) for part in parts]
    shares: list[float | None] = [1.0] * len(parts)
    units = len(parts)
    for at, part in enumerate(parts):
        if part.role in ("concession", "afterthought"):
            other = at + 1 if part.role == "concession" else at - 1
            units -= 1
            if other == len(parts):
                shares[at] = None
            else:
                shares[at], shares[other] = CONCEDED * abs(values[other][1]), 1 - CONCEDED
    return tuple(
        Clause(part.tokens, *value, share / units)
        for part, value, share in zip(parts, values, shares, strict=True)
        if share is not None
    )


def sentiment(clauses: Sequence[Clause]) -> float:
    """Of the whole, in [-1, 1]."""
    return sum(clause.sentiment * clause.weight for clause in clauses)


def _judged(part: Part) -> tuple[str, float]:
    """The construction and the sentiment of a clause alone."""
    grades = [GRADES[token] for token in dict.fromkeys(part.tokens) if token in GRADES]  # said twice it adds nothing
    if not grades:
        return CONSTRUCTIONS[part.family, 0], 0.0
    polarity = next(POLARITY[token] for token in part.tokens if token in GRADES)
    degree = math.prod(DEGREES[token] for token in part.tokens if token in DEGREES)
    strength = min(1.0, sum(grades) / len(grades) * degree + MORE * (len(grades) - 1))
    value = FACTORS[part.family] * polarity * strength
    if part.role == "ironic":
        return "irony", IRONY * value
    return CONSTRUCTIONS[part.family, polarity], value
