"""Closed forms read back without sympy, against sympy's own values."""

import numpy as np
import pytest
import sympy
from sympy import Integer, Max, Min, Piecewise, Symbol, log

from elk_sandbox.symbolic.forms import entropy, majority
from elk_sandbox.symbolic.formula import Formula

N, W, P = (
    Symbol("n", positive=True, odd=True),
    Symbol("complexity.weight", positive=True),
    Symbol("tamper", positive=True),
)


@pytest.mark.parametrize(
    "form",
    [
        majority(N).reads * W,
        majority(N).behind(answer=0).checked(N).influence - W * N,
        entropy((1 - P) / 2, P * sympy.Rational(9, 10)) + W,
        Min(W, 2 * W - P, N) - Max(P, W),
        Piecewise((N, N < 3), (W, N < 6), (Integer(3), True)) * W,
        Piecewise((W, (N > 3) & (W < P)), (P, True)),
        2 ** (-N) * log(1000) / 7 - sympy.sqrt(W),
        Integer(0),
    ],
    ids=str,
)
def test_values_are_sympys(form: sympy.Expr) -> None:
    rng = np.random.default_rng(0)
    n, w, p = rng.integers(1, 6, 20) * 2.0 + 1, rng.uniform(0.1, 2, 20), rng.uniform(0.05, 0.95, 20)
    found = np.broadcast_to(Formula(str(form))({"n": n, "complexity.weight": w, "tamper": p}), n.shape)
    told = [float(form.subs({N: Integer(int(a)), W: b, P: c})) for a, b, c in zip(n, w, p, strict=True)]
    np.testing.assert_allclose(found, told, rtol=1e-12, atol=1e-12)


def test_arrays_are_broadcast() -> None:
    found = Formula("Min(2*n, weight)")({"n": np.array([[1.0], [2.0]]), "weight": np.array([1.0, 3.0, 9.0])})
    assert found.tolist() == [[1, 2, 2], [1, 3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "().__class__", "n[0]", "lambda: 1", "open('x')", "n if n else 1", "1 < n < 2", "log(n=1)",
        "'text'", "1 +", "Piecewise(n)", "(1).real", "(" * 300 + ")" * 300,
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no |too many"):
        Formula(text)


def test_a_symbol_without_a_value_is_named() -> None:
    with pytest.raises(KeyError, match="weight"):
        Formula("2*weight")({"n": 1})
