"""A flip with everything left open at any values: who decides, by how much, and the verdicts over a plane of two.

It reads the record that `elk-sandbox flip` keeps, so that a slider's reader waits for arithmetic and not for sympy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox.symbolic.formula import Formula

__all__ = ["VERDICTS", "Decision", "Open", "Run", "Surface"]

VERDICTS = ("strict", "tie", "survives")
TIE = 1e-9  # nats, as the judge has it
EQUAL = 1e-12  # of two candidates' values, in proportion
FINE = 400  # points along a continuous axis in which runs are looked for
HALVINGS = 30


@dataclass(frozen=True)
class Open:
    """A parameter of the world, or a weight of a proposal, that is left open."""

    name: str
    symbol: str
    kind: str  # odd, count, share or weight
    low: float
    high: float
    default: float
    owner: str
    judged: float | None  # up to which the judge enumerates at once; None: all

    @property
    def discrete(self) -> bool:
        return self.kind in ("odd", "count")

    @property
    def step(self) -> int:
        return 2 if self.kind == "odd" else 1


@dataclass(frozen=True)
class Decision:
    """At one point."""

    bad: str
    honest: str
    difference: float  # J(cheapest named bad reporter) - J(cheapest honest candidate), nats
    verdict: str  # in VERDICTS


@dataclass(frozen=True)
class Run:
    """A stretch of the second axis with one verdict, at a value of the first."""

    x: float
    low: float
    high: float
    verdict: str


class Surface:
    """The forms of a record. Raises ValueError or KeyError if it is none."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.open = {p["name"]: Open(**p) for p in record["parameters"]}
        self._bad = {n: Formula(f) for n, f in record["bad"].items()}
        self._honest = {n: Formula(f) for n, f in record["honest"].items()}

    def _values(self, at: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        named = {self.open[k].symbol: np.asarray(v, np.float64) for k, v in at.items()}
        shape = np.broadcast_shapes(*(v.shape for v in named.values()))
        sides = ([np.broadcast_to(f(named), shape) for f in side.values()] for side in (self._bad, self._honest))
        bad, honest = (np.stack(side) for side in sides)
        return bad, honest

    def difference(self, at: Mapping[str, Any]) -> Float[np.ndarray, "*at"]:
        """J(cheapest named bad reporter) - J(cheapest honest candidate) in nats, at numbers or arrays for all names."""
        bad, honest = self._values(at)
        return np.asarray(bad.min(axis=0) - honest.min(axis=0))

    def codes(self, at: Mapping[str, Any]) -> Int[np.ndarray, "*at"]:
        """The verdict's place in VERDICTS."""
        gap = self.difference(at)
        return np.where(gap < -TIE, 0, np.where(gap <= TIE, 1, 2))

    def decide(self, at: Mapping[str, float]) -> Decision:
        """Who stands against whom at one point; of equals the first."""
        bad, honest = (side.reshape(-1) for side in self._values(at))
        first = [int((v <= v.min() + EQUAL * max(1.0, abs(float(v.min())))).argmax()) for v in (bad, honest)]
        gap = float(bad.min() - honest.min())
        verdict = VERDICTS[int(self.codes(at))]
        return Decision(list(self._bad)[first[0]], list(self._honest)[first[1]], gap, verdict)

    def runs(
        self, x: str, y: str, xs: Sequence[float], span: tuple[float, float], at: Mapping[str, float]
    ) -> list[Run]:
        """Along the second axis at each of these values of the first, the others as they are.

        On a continuous second axis the ends are found by halving, so a verdict that holds on a thinner stretch than
        1/400 of the span may be missed; at the very ends of the span nothing is looked at.
        """
        second = self.open[y]
        if second.discrete:
            ys = np.arange(span[0], span[1] + 0.5, second.step)
        else:
            edges = np.linspace(*span, FINE + 1)
            ys = (edges[1:] + edges[:-1]) / 2
        columns = np.asarray(xs, np.float64)
        codes = self.codes({**at, x: columns[:, None], y: ys[None, :]})
        turns = np.argwhere(codes[:, 1:] != codes[:, :-1])
        ends: dict[tuple[int, int], float] = {}
        if second.discrete:
            ends = {(i, j): float(ys[j]) + second.step / 2 for i, j in turns.tolist()}
        elif turns.size:
            i, j = turns.T
            low, high, before = ys[j], ys[j + 1], codes[i, j]
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                same = self.codes({**at, x: columns[i], y: middle}) == before
                low, high = np.where(same, middle, low), np.where(same, high, middle)
            ends = dict(zip(zip(i.tolist(), j.tolist(), strict=True), high.tolist(), strict=True))
        margin = second.step / 2 if second.discrete else 0.0
        found = []
        for row, value in enumerate(columns.tolist()):
            low_end, k = span[0] - margin, 0
            for code, group in groupby(codes[row].tolist()):
                k += len(list(group))
                high_end = ends.get((row, k - 1), span[1] + margin)
                found.append(Run(value, low_end, high_end, VERDICTS[code]))
                low_end = high_end
        return found
