"""A closed form that was written down by sympy, at numbers or arrays; without loading sympy.

Only arithmetic and a few functions are read: a record is a file, and a file is not run.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import binom

__all__ = ["Formula"]

Values = Mapping[str, Any]
Compiled = Callable[[Values], Any]

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: lambda a, b: np.power(np.asarray(a, np.float64), b), ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or,
}  # fmt: skip
_COMPARED: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


def _least(*values: Any) -> Any:
    return np.minimum.reduce(np.broadcast_arrays(*values))


def _most(*values: Any) -> Any:
    return np.maximum.reduce(np.broadcast_arrays(*values))


_CALLED: Mapping[str, Callable[..., Any]] = {
    "log": np.log, "exp": np.exp, "sqrt": np.sqrt, "Abs": np.abs, "binomial": binom, "Min": _least, "Max": _most,
}  # fmt: skip


class Formula:
    """A form in sympy's notation. Raises ValueError for anything that is no arithmetic."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._value = _compiled(ast.parse(text, mode="eval").body)
        except (SyntaxError, RecursionError) as reason:
            raise ValueError(f"{text!r} is no formula") from reason

    def __call__(self, values: Values) -> np.ndarray:
        """Its value at these numbers or arrays, which are broadcast. Raises KeyError for a symbol without one."""
        with np.errstate(all="ignore"):
            return np.asarray(self._value(values), np.float64)


def _compiled(node: ast.expr) -> Compiled:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        number = node.value if isinstance(node.value, bool) else float(node.value)
        return lambda values: number
    if isinstance(node, ast.Name | ast.Attribute):
        name = _name(node)
        return lambda values: values[name]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _compiled(node.operand)
        return lambda values: -inner(values)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        apply, left, right = _BINARY[type(node.op)], _compiled(node.left), _compiled(node.right)
        return lambda values: apply(left(values), right(values))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        compare, left, right = _COMPARED[type(node.ops[0])], _compiled(node.left), _compiled(node.comparators[0])
        return lambda values: compare(left(values), right(values))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id == "Piecewise":
            return _piecewise(node.args)
        if node.func.id in _CALLED:
            call, arguments = _CALLED[node.func.id], [_compiled(a) for a in node.args]
            return lambda values: call(*(a(values) for a in arguments))
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic")


def _name(node: ast.expr) -> str:
    """Of a symbol; that of a weight of one of several proposals has a dot."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise ValueError(f"{ast.unparse(node)!r} is no symbol")


def _piecewise(pieces: list[ast.expr]) -> Compiled:
    parts = []
    for piece in pieces:
        if not isinstance(piece, ast.Tuple) or len(piece.elts) != 2:
            raise ValueError(f"{ast.unparse(piece)!r} is no piece")
        parts.append((_compiled(piece.elts[0]), _compiled(piece.elts[1])))

    def value(values: Values) -> Any:
        forms, conditions = zip(*((f(values), c(values)) for f, c in parts), strict=True)
        shaped = np.broadcast_arrays(*forms, *conditions)
        return np.select([np.asarray(c, bool) for c in shaped[len(parts) :]], list(shaped[: len(parts)]), np.nan)

    return value
