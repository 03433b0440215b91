"""An objective as a weighted sum of the View's terms, read off by asking.

The proposal runs in its child on a View whose methods hand out prices that we choose: candidate k is free but for the
k-th term. Its answers are the coefficients, from the file itself and not from a second copy of its formula; further
candidates and further knobs show whether it is such a sum at all.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, product
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from elk_sandbox.objective import NotApplicable, Objective
from elk_sandbox.view import View

if TYPE_CHECKING:  # the child imports this file, and need not know what a sitting is
    from elk_sandbox.exam import Examinee

__all__ = ["Affine", "NotAffine", "Term", "answer", "read"]

MOST = 12  # terms of one objective
CHECKS = 3  # candidates with a price on every term
CLOSE = 1e-9
LOOKED = (0.25, 3.0)  # of a knob, beside 1 and 2, between which it is taken for affine
NAMES = {"siblings_that_fit": "specificity"}  # N is exp of ln N, which is the term


class NotAffine(Exception):
    """The objective is no weighted sum of the View's terms; the message says what it is instead."""


@dataclass(frozen=True)
class Term:
    """A method of the View that gives one value a candidate, with all its arguments."""

    method: str
    arguments: tuple[tuple[str, str | int | float], ...] = ()

    def __str__(self) -> str:
        told = [str(v) if isinstance(v, str) else f"{k}={v}" for k, v in self.arguments]
        return f"{self.method}({', '.join(told)})" if told else self.method


@dataclass(frozen=True)
class Affine:
    """J = sum over terms of coefficient * term; a coefficient is {knobs: number}, times the product of these knobs."""

    coefficients: Mapping[Term, Mapping[tuple[str, ...], float]]


class _Unknown(Exception):
    """Something that is no term was asked for."""


class _Crowd:
    """Stands for the candidates, who have prices and no answers."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getattr__(self, name: str) -> Any:
        raise _Unknown(f"reporters.{name}")


class _Prices:
    """Stands for the View: its terms cost what the parent says, in the order in which they are asked for."""

    def __init__(self, prices: Float[np.ndarray, "term candidate"]) -> None:
        self._prices = prices
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(View, name, None)
        if name == "xp":
            return np
        if not (inspect.isfunction(method) and (_is_term(method) or name in NAMES)):
            raise _Unknown(f"view.{name}")

        def price(reporters: object, *given: Any, **named: Any) -> Objective | np.ndarray:
            bound = inspect.signature(method).bind(self, reporters, *given, **named)
            bound.apply_defaults()
            arguments = {k: v for k, v in bound.arguments.items() if k not in ("self", "reporters")}
            if not isinstance(reporters, _Crowd) or any(
                not isinstance(v, str | int | float) for v in arguments.values()
            ):
                raise _Unknown(f"view.{name} of something else than all reporters")
            term = (NAMES.get(name, name), arguments)
            if term not in self.asked:
                self.asked.append(term)
            if len(self.asked) > len(self._prices):
                raise _Unknown(f"more than {len(self._prices)} terms")
            values = self._prices[self.asked.index(term)]
            return np.exp(values) if name in NAMES else Objective.of(values, name)

        return price


def _is_term(method: Callable[..., Any]) -> bool:
    return inspect.signature(method).return_annotation is Objective


def answer(
    function: Callable[..., Any], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Run a proposal on stated prices: what the child does with each request of `read`."""
    view = _Prices(arrays["prices"])
    try:
        objective = Objective.of(function(_Crowd(arrays["prices"].shape[1]), view, **meta["knobs"]))
    except _Unknown as what:
        return {"unknown": str(what)}, {}
    except NotApplicable as reason:
        return {"unknown": f"what no world has ({reason})"}, {}
    return {"terms": view.asked}, {"values": objective.values}


def read(examinee: "Examinee", knobs: Mapping[str, Any], free: Sequence[str]) -> Affine:
    """The coefficients of an objective, those of the knobs in `free` as factors and the others at their values.

    Raises NotAffine, and what the examinee raises.
    """
    corners = {values: _at(examinee, {**knobs, **dict(zip(free, values, strict=True))})
               for values in product((1.0, 2.0), repeat=len(free))}  # fmt: skip
    terms = list(next(iter(corners.values())))
    coefficients = {term: _monomials({c: found.get(term, 0.0) for c, found in corners.items()}, free) for term in terms}
    for values in product(LOOKED, repeat=len(free)):
        here = _at(examinee, {**knobs, **dict(zip(free, values, strict=True))})
        at = dict(zip(free, values, strict=True))
        for term in {*terms, *here}:
            told = float(sum(c * np.prod([at[k] for k in names]) for names, c in coefficients.get(term, {}).items()))
            if abs(told - here.get(term, 0.0)) > CLOSE * max(1.0, abs(told)):
                raise NotAffine(f"the coefficient of {term} is not affine in {' and '.join(free)}")
    return Affine(coefficients)


def _monomials(corners: Mapping[tuple[float, ...], float], free: Sequence[str]) -> dict[tuple[str, ...], float]:
    """Of a function that is affine in each knob, from its values where each is 1 or 2.

    It is the sum over corners of its value there times (2 - knob) or (knob - 1) for each knob; expanded.
    """
    found = {}
    for chosen in product((False, True), repeat=len(free)):
        share = {1.0: (2.0, -1.0), 2.0: (-1.0, 1.0)}  # of a knob's factor: the constant, what multiplies the knob
        value = float(
            sum(v * np.prod([share[c][k] for c, k in zip(at, chosen, strict=True)]) for at, v in corners.items())
        )
        if abs(value) > CLOSE:
            found[tuple(compress(free, chosen))] = value
    return found


def _at(examinee: "Examinee", knobs: Mapping[str, Any]) -> dict[Term, float]:
    """The coefficient of every term that the objective asks for, at these knobs."""
    prices = np.zeros((MOST, 1 + MOST + CHECKS))
    prices[:, 1 : 1 + MOST] = np.eye(MOST)
    prices[:, 1 + MOST :] = np.random.default_rng(0).uniform(0, 6, (MOST, CHECKS))
    reply, arrays = examinee.call({"knobs": dict(knobs)}, {"prices": prices})
    if "unknown" in reply:
        raise NotAffine(f"it uses {str(reply['unknown'])[:80]}, which is no term of the View")
    values, terms = arrays.get("values"), [_term(each) for each in reply.get("terms", [])]
    if values is None or values.shape != prices.shape[1:] or values.dtype.kind not in "fiub" or len(terms) > MOST:
        raise NotAffine("it gives no number for each candidate")
    if not np.isfinite(values).all():
        raise NotAffine("it is not finite")
    found = values[1 : 1 + len(terms)] - values[0]
    told = values[0] + found @ prices[: len(terms), 1 + MOST :]
    if np.abs(told - values[1 + MOST :]).max() > CLOSE * max(1.0, float(np.abs(told).max())):
        raise NotAffine("it is no sum of its terms times weights")
    return {term: float(c) for term, c in zip(terms, found, strict=True)}


def _term(told: Any) -> Term:
    """A child may say anything here."""
    try:
        method, arguments = told
        fits = isinstance(method, str) and method.isidentifier()
        pairs = tuple(sorted((str(k), v) for k, v in arguments.items()))
    except (TypeError, ValueError, AttributeError):
        fits, pairs = False, ()
    if not fits or any(not isinstance(v, str | int | float) or len(str(v)) > 40 for _, v in pairs):
        raise NotAffine("its terms cannot be told")
    return Term(method, pairs)
