"""Where a minimum over bad reporters lies below one over honest candidates: who stands in both, and the border."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, groupby, pairwise
from typing import Any, Literal

import numpy as np
from scipy.special import binom
from sympy import Float, Integer, Symbol, lambdify

from elk_sandbox.symbolic.forms import Expr, combined, plain

__all__ = ["TIE", "Axis", "Border", "Cell", "Plane", "Strip"]

TIE = 1e-9  # nats, as the judge has it
SAMPLES = 400  # of a continuous axis
EQUAL = 1e-12  # of two breaks, or of two candidates' values, in proportion
Words = Literal["killed, strict", "killed, tie", "survives"]
VERDICTS: tuple[Words, ...] = ("killed, strict", "killed, tie", "survives")


@dataclass(frozen=True)
class Axis:
    """One parameter that is left open, with the values that are looked at."""

    name: str  # the knob
    symbol: Symbol
    kind: Literal["odd", "count", "share", "weight"]
    low: float
    high: float  # inf for a weight

    @property
    def discrete(self) -> bool:
        return self.kind in ("odd", "count")

    @property
    def step(self) -> int:
        return 2 if self.kind == "odd" else 1

    @cached_property
    def values(self) -> list[float]:
        """All values of a discrete axis, samples from inside a continuous one."""
        if self.discrete:
            return [float(v) for v in range(int(self.low), int(self.high) + 1, self.step)]
        high = self.high if math.isfinite(self.high) else self.low + 10.0
        return [float(v) for v in np.linspace(self.low, high, SAMPLES + 2)[1:-1]]


@dataclass(frozen=True)
class Cell:
    """A stretch of the second axis, at given values of the first, with one verdict and the two who decide it."""

    low: float
    high: float
    bad: str
    honest: str
    verdict: Words
    low_form: Expr = None  # the ends in closed form, None where there is none
    high_form: Expr = None


@dataclass(frozen=True)
class Strip:
    """A stretch of the first axis over which the cells follow each other alike."""

    low: float
    high: float
    cells: tuple[Cell, ...]  # as they lie at `low` for a discrete axis, in the middle for a continuous one


@dataclass(frozen=True)
class Border:
    """Where the verdict changes. `form` is the second axis' value as a function of the first, None: at `at`."""

    low: float  # of the first axis
    high: float
    before: tuple[Words, ...]  # below the border, or at smaller values of the first axis
    after: tuple[Words, ...]
    form: Expr = None
    at: float | None = None


@dataclass(frozen=True)
class Plane:
    """J of the named bad reporters and of the honest candidates over one axis or two."""

    bad: Mapping[str, Expr]
    honest: Mapping[str, Expr]
    axes: tuple[Axis, ...]

    @cached_property
    def _forms(self) -> list[Expr]:
        return [*self.bad.values(), *self.honest.values()]

    @cached_property
    def _numeric(self) -> Callable[..., Any]:
        return _compiled([a.symbol for a in self.axes], self._forms)

    def values(self, *at: Any) -> np.ndarray:
        """J of everybody, the bad reporters first, along a first axis; at numbers or arrays."""
        found = self._numeric(*at)
        return np.stack([np.broadcast_to(np.asarray(v, np.float64), np.broadcast(*at).shape) for v in found])

    def difference(self, *at: Any) -> np.ndarray:
        """J(cheapest named bad reporter) - J(cheapest honest candidate), nats."""
        values = self.values(*at)
        return np.asarray(values[: len(self.bad)].min(axis=0) - values[len(self.bad) :].min(axis=0))

    def who(self, *at: Any) -> np.ndarray:
        """Numbers of the cheapest named bad reporter, the cheapest honest candidate (of equals the first), the verdict.

        Along a first axis of length 3; at numbers or arrays. The verdict's is its place in `VERDICTS`.
        """
        values = self.values(*at)
        bad, honest = (_least(side) for side in np.split(values, [len(self.bad)]))
        paid = (np.take_along_axis(values, k[None], axis=0)[0] for k in (bad, len(self.bad) + honest))
        gap = np.subtract(*paid)
        return np.stack([bad, honest, np.where(gap < -TIE, 0, np.where(gap <= TIE, 1, 2))])

    def decide(self, *at: float) -> tuple[str, str, Words]:
        """The cheapest named bad reporter and honest candidate, and the verdict, at one point."""
        bad, honest, verdict = (int(k) for k in self.who(*at))
        return list(self.bad)[bad], list(self.honest)[honest], VERDICTS[verdict]

    @cached_property
    def _roots(self) -> list[tuple[Expr, Callable[..., Any]]] | None:
        """Where two of them are equal, as the second axis' value; None where they are not affine in it."""
        x, y = self.axes
        found: dict[Expr, None] = {}
        if y.discrete or any(form.has(y.symbol) and form.diff(y.symbol, 2) != 0 for form in self._forms):
            return None
        for one, other in combinations(self._forms, 2):
            slope, gap = (one - other).diff(y.symbol), (one - other).subs(y.symbol, 0)
            if slope != 0:
                found.setdefault((-gap / slope).factor() if gap != 0 else Integer(0))
        return [(root, _compiled([x.symbol], [root])) for root in found]

    def _breaks(self, x: float) -> list[tuple[float, Expr]]:
        """Inside the second axis, sorted: where the cells at `x` may end."""
        axis = self.axes[1]
        if self._roots is None:
            codes = self.who(x, np.array(axis.values)).T.tolist()
            return [(b, None) for b in _searched(axis, codes, lambda y: self.who(x, y).tolist())]
        found: list[tuple[float, Expr]] = []
        with np.errstate(all="ignore"):
            at = [(float(root(np.float64(x))[0]), form) for form, root in self._roots]
        inside = [b for b in at if math.isfinite(b[0]) and axis.low + EQUAL < b[0] < axis.high]
        for value, form in sorted(inside, key=lambda b: (b[0], b[1].count_ops())):
            if not found or value > found[-1][0] * (1 + EQUAL):
                found.append((value, form))
        return found

    def cells(self, x: float) -> tuple[Cell, ...]:
        """Along the second axis at this value of the first."""
        if len(self.axes) == 1:
            return (Cell(math.nan, math.nan, *self.decide(x)),)
        axis = self.axes[1]
        ends = [(axis.low, None), *self._breaks(x), (axis.high, None)]
        cells: list[Cell] = []
        for (low, low_form), (high, high_form) in pairwise(ends):
            inside = low if axis.discrete else (low + high) / 2 if math.isfinite(high) else 2 * low + 1
            cell = Cell(low, high, *self.decide(x, inside), low_form, high_form)
            if cells and _who(cells[-1]) == _who(cell):
                cell = replace(cell, low=cells[-1].low, low_form=cells[-1].low_form)
                cells.pop()
            cells.append(cell)
        return tuple(cells)

    @cached_property
    def strips(self) -> list[Strip]:
        """The whole plane, along the first axis."""
        if not self.axes:
            return [Strip(math.nan, math.nan, (Cell(math.nan, math.nan, *self.decide()),))]
        x = self.axes[0]

        def alike(value: float) -> Any:
            cells = self.cells(value)
            numbers = self.axes[1:] and self._roots is None and x.discrete != self.axes[1].discrete
            return [(_who(c), c.high_form, f"{c.high:.10g}" if numbers else None) for c in cells]

        if x.discrete:
            found = []
            for _, group in groupby(x.values, key=lambda v: str(alike(v))):
                values = list(group)
                cells = self._followed(values)
                if any(c.low_form is None for c in cells[1:]):  # the ends follow no rule: each value for itself
                    found += [Strip(v, v, self._followed([v])) for v in values]
                else:
                    found.append(Strip(values[0], values[-1], cells))
            return found
        edges = [x.low, *_searched(x, [alike(v) for v in x.values], alike), x.high]
        return [Strip(a, b, self._held(a, b)) for a, b in pairwise(edges)]

    def _followed(self, values: Sequence[float]) -> tuple[Cell, ...]:
        """The cells of a strip over a discrete axis; an end without closed form stays or goes along with that axis."""
        steps = [self.cells(v) for v in values]
        if len(self.axes) == 1 or self._roots is not None:
            return steps[0]
        forms: list[Expr] = []
        for k in range(len(steps[0])):
            lows = [cells[k].low for cells in steps]
            along = {low - v for low, v in zip(lows, values, strict=True)}
            rule = _written(lows[0]) if np.ptp(lows) <= EQUAL else None
            if rule is None and len(along) == 1 and self.axes[1].discrete:
                rule = self.axes[0].symbol + int(along.pop())
            forms.append(rule)
        return _with_ends(steps[0], forms)

    def _held(self, low: float, high: float) -> tuple[Cell, ...]:
        """The cells of a strip over a continuous axis; an end without closed form that does not move is a number."""
        ends = (low, high if math.isfinite(high) else low + 2.0)
        middle, *others = (self.cells(ends[0] + share * (ends[1] - ends[0])) for share in (0.5, 0.25, 0.75))
        if len(self.axes) == 1 or self._roots is not None:
            return middle
        same = [
            all(len(o) == len(middle) and abs(o[k].low - c.low) < 1e-9 for o in others) for k, c in enumerate(middle)
        ]
        return _with_ends(middle, [_written(c.low) if s else None for s, c in zip(same, middle, strict=True)])

    @cached_property
    def edges(self) -> dict[float, Expr]:
        """Ends of strips over a continuous axis that are known in closed form: where two curves meet, affine in it."""
        x, found = self.axes[0], dict[float, Expr]()
        curves = [*(form for form, _ in self._roots or ()), Integer(0)] if self.axes[1:] else self._forms
        if x.discrete:
            return found
        at = _compiled([x.symbol], curves)
        for value in {v for s in self.strips for v in (s.low, s.high)} - {x.low, x.high}:
            with np.errstate(all="ignore"):
                heights = [float(h) for h in at(np.float64(value))]
            meeting = [
                gap for (one, a), (other, b) in combinations(zip(curves, heights, strict=True), 2)
                if abs(a - b) <= 2 * TIE and (gap := (one - other).expand()).has(x.symbol)
            ]  # fmt: skip
            slopes = [(gap, gap.diff(x.symbol)) for gap in meeting]
            exact = [(-gap.subs(x.symbol, 0) / s, abs(float(s))) for gap, s in slopes if not s.has(x.symbol)]
            forms = [(form, steep) for one, steep in exact for form in (plain(one), combined(one))]
            if near := [form for form, steep in forms if steep * abs(float(form) - value) <= 2 * TIE]:
                found[value] = min(near, key=lambda form: int(form.count_ops()))
        return found

    @cached_property
    def borders(self) -> list[Border]:
        """Where the verdict changes: along the second axis first, then from strip to strip."""
        found = []
        for strip in self.strips:
            for below, above in pairwise(strip.cells):
                if below.verdict != above.verdict:
                    words = (below.verdict,), (above.verdict,)
                    found.append(Border(strip.low, strip.high, *words, above.low_form, above.low))
        for left, right in pairwise(self.strips):
            before, after = (tuple(dict.fromkeys(c.verdict for c in s.cells)) for s in (left, right))
            if not (set(before) <= set(after) or set(after) <= set(before)):  # else a border inside runs out
                found.append(Border(left.high, right.low, before, after))
        return found


def _written(value: float) -> Expr:
    return Integer(int(value)) if value.is_integer() else Float(value, 10)


def _with_ends(cells: Sequence[Cell], lows: Sequence[Expr]) -> tuple[Cell, ...]:
    highs = [*lows[1:], None]
    return tuple(replace(c, low_form=a, high_form=b) for c, a, b in zip(cells, lows, highs, strict=True))


def _who(cell: Cell) -> tuple[str, str, Words]:
    return cell.bad, cell.honest, cell.verdict


def _least(values: np.ndarray) -> np.ndarray:
    """Along the first axis the place of the least; of several that are within rounding of it, the first."""
    least = values.min(axis=0)
    return np.asarray((values <= least + EQUAL * np.maximum(1.0, np.abs(least))).argmax(axis=0))


def _searched(axis: Axis, found: Sequence[Any], of: Callable[[float], Any]) -> Iterator[float]:
    """Where `found`, what `of` says at the axis' values, changes; on a continuous axis by bisection."""
    for (low, before), (high, after) in pairwise(zip(axis.values, found, strict=True)):
        if before == after:
            continue
        while not axis.discrete and high - low > EQUAL * max(1.0, abs(high)):
            middle = (low + high) / 2
            low, high = (middle, high) if of(middle) == before else (low, middle)
        yield high


def _compiled(symbols: Sequence[Symbol], forms: Sequence[Expr]) -> Callable[..., Any]:
    made: Callable[..., Any] = lambdify(symbols, list(forms), modules=[{"binomial": binom}, "numpy"])
    return made
