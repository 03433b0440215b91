"""Closed forms of what functions of fair bits cost, on numbers or on symbols: reference/elk.md 1.6 and 3."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import (
    Float,
    Integer,
    Piecewise,
    Rational,
    binomial,
    factor,
    latex,
    log,
    logcombine,
    piecewise_fold,
    simplify,
)

__all__ = ["Costs", "Expr", "Function", "bit", "combined", "costs", "entropy", "exact", "exclusive_or", "majority"]
__all__ += ["plain", "tex"]

Expr = Any  # a sympy expression; sympy has no types
Costs = Mapping[str, Expr]
"""What each term of the View costs a reporter, by the term's name; a term that is not there has no closed form."""


MOST_DENOMINATOR = 10**4  # up to which a number is taken for a fraction
ROUNDING = 1e-12  # of a number, in proportion
LONG = 60  # operations of a form that is not simplified any further


@dataclass(frozen=True)
class Function:
    """A function of fair independent bits: nodes K, reads T, parts, influence I, its share of yes, and its `change`.

    `change` is K of the function XOR the first atom, which an earlier reporter read.
    """

    complexity: Expr
    reads: Expr
    parts: Expr
    influence: Expr
    yes: Expr
    change: Expr

    def behind(self, *, answer: int) -> "Function":
        """Read one more bit first, and `answer` at once where it has one of its values: bit AND f, or bit OR f."""
        yes = self.yes / 2 + Rational(answer, 2)
        differs = self.yes if answer == 0 else 1 - self.yes  # what flipping the new bit changes
        return Function(
            self.complexity + 1, 1 + self.reads / 2, self.parts + 1, differs + self.influence / 2, yes, self.change + 1
        )

    def checked(self, count: Expr) -> "Function":
        """Read `count` more bits first and answer no unless all of them are right: `count` times bit AND f."""
        share = 2**-count
        return Function(
            self.complexity + count,
            2 - 2 * share + share * self.reads,
            self.parts + count,
            share * (self.influence + 2 * count * self.yes),
            share * self.yes,
            self.change + count,
        )


def bit() -> Function:
    """One node that is not the first atom."""
    one = Integer(1)
    return Function(one, one, one, one, Rational(1, 2), Integer(3))


def exclusive_or() -> Function:
    """Of two bits, neither of them the first atom."""
    two = Integer(2)
    return Function(Integer(3), two, two, two, Rational(1, 2), Integer(5))


def majority(n: Expr, *, atoms: bool = True) -> Function:
    """Of an odd number of bits; the first is the first atom, or with `atoms` false is not.

    K = ((n + 1) / 2)**2. T = n + 1 - I: reading stops when one side has (n + 1) / 2 votes, so T is the mean length of
    a match that is won by so many points. I is n times the chance that the others are split evenly.
    """
    influence = n * binomial(n - 1, (n - 1) / 2) / 2 ** (n - 1)
    nodes = ((n + 1) / 2) ** 2
    return Function(nodes, n + 1 - influence, n, influence, Rational(1, 2), nodes + (1 if atoms else 2))


def entropy(*masses: Expr) -> Expr:
    """Nats, of masses that need not sum to 1: the sum of -p ln(p / total)."""
    total = sum(masses)
    return sum((-p * log(p / total) for p in masses if p != 0), Integer(0))


def costs(f: Function, **more: Expr) -> dict[str, Expr]:
    """Of a reporter with this one table: no loss, no pixel, one sibling and no relation unless `more` says so."""
    zero = Integer(0)
    free = dict.fromkeys(("cross_entropy", "downstream", "specificity", "inconsistency", "disagreement"), zero)
    own = {k: getattr(f, k) for k in ("complexity", "reads", "parts", "influence", "change")}
    return {**free, **own, **more}


def plain(form: Expr) -> Expr:
    """The shortest of a few ways to write it."""
    if form.has(Piecewise):
        folded = piecewise_fold(form)
        return Piecewise(*((plain(e), c) for e, c in folded.args)) if folded.func is Piecewise else folded
    expanded = form.expand(log=False)
    ways = [expanded, factor(expanded), form]
    if not form.has(log) and expanded.count_ops() <= LONG:
        ways.append(simplify(form))
    ways = [way.replace(lambda e: e.func is log, lambda e: log(factor(e.args[0]))) for way in ways]
    return min(ways, key=lambda f: int(f.count_ops()))


def combined(form: Expr) -> Expr:
    """A quotient with the logarithms above and below made one each."""
    above, below = form.as_numer_denom()
    return logcombine(above) / logcombine(below)


def exact(value: float) -> Expr:
    """A number as a fraction, or a fraction times or over ln 2, if it is one within rounding; the plainest."""
    found = []
    for form, size in ((Integer(1), 1.0), (1 / log(2), 1 / math.log(2)), (log(2), math.log(2))):
        near = Fraction(value / size).limit_denominator(MOST_DENOMINATOR)
        if abs(float(near) * size - value) <= ROUNDING * abs(value):
            found.append((near.denominator, near.numerator, form))
    if not found:
        return Float(value, 17)
    below, above, form = min(found, key=lambda each: each[0])
    return Rational(above, below) * form


def tex(form: Expr) -> str:
    """LaTeX of a form, names of more than a letter upright."""
    names = {s: rf"\mathrm{{{str(s).replace('_', ' ')}}}" for s in form.free_symbols if len(str(s)) > 1}
    return str(latex(form, symbol_names=names, ln_notation=True, mul_symbol=r"\,"))
