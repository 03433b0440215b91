"""Conditional tables: the functions that a node may be of its parents, and the check of what a user gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

Values = bool | int | float | np.generic | np.ndarray | Sequence[Any]  # what numpy makes an array of
Table = Values | Callable[..., Values]
TOLERANCE = 1e-9  # how far from 1 the sum of a row may be


def majority(*values: int) -> int:
    """1 if more than half of the binary values are 1."""
    return int(2 * sum(values) > len(values))


def logical_or(*values: int) -> int:
    """1 if any value is not 0."""
    return int(any(values))


def logical_and(*values: int) -> int:
    """1 if no value is 0."""
    return int(all(values))


def identity(value: int) -> int:
    """The value itself."""
    return value


def negation(value: int) -> int:
    """1 for 0, and 0 for any other value."""
    return int(not value)


def parity(*values: int) -> int:
    """1 if the sum of the values is odd."""
    return sum(values) % 2


def equal(*values: int) -> int:
    """1 if all values are the same."""
    return int(len(set(values)) <= 1)


def conditional(
    name: str, table: Table | None, parents: Sequence[int], states: int
) -> Float[np.ndarray, "*parents states"]:
    """The table as a read-only array of P(node | parents), checked."""
    if callable(table):
        rows = [_called(table(*values), states) for values in product(*map(range, parents))]
        if len(shapes := {row.shape for row in rows}) > 1:
            raise ValueError(f"the table of node {name!r} returns values of different shapes: {sorted(shapes)}")
        given = np.stack(rows).reshape(*parents, *rows[0].shape)
    else:
        given = np.array(table, dtype=np.float64)
    full, short = (*parents, states), tuple(parents)
    if given.shape != full and (states > 2 or given.shape != short):
        expected = f"{full}" if states > 2 else f"{short} for P(1), or {full}"
        hint = ": say states=..." if given.shape[:-1] == short else ""
        raise ValueError(f"the table of node {name!r} has shape {given.shape}, expected {expected}{hint}")
    if not ((given >= 0) & (given <= 1 + TOLERANCE)).all():
        wrong = given[~((given >= 0) & (given <= 1 + TOLERANCE))].flat[0]
        raise ValueError(f"the table of node {name!r} holds {wrong}, which is no probability")
    if given.shape == short:
        given = np.stack([1 - given, given], axis=-1)
    sums = given.sum(axis=-1)
    if (off := np.argwhere(abs(sums - 1) > TOLERANCE)).size:
        row = tuple(off[0].tolist())
        raise ValueError(f"row {row} of the table of node {name!r} is {given[row].tolist()} and sums to {sums[row]}")
    given.flags.writeable = False
    return given


def _called(value: Values, states: int) -> Float[np.ndarray, "*states"]:
    """What a function of the parents' values returned; one state of a node of three or more becomes a vector."""
    result = np.asarray(value, dtype=np.float64)
    if states == 2 or result.ndim:
        return result
    if result not in range(states):
        raise ValueError(f"a table returned {result}: expected a state, 0 to {states - 1}, or {states} probabilities")
    vector: Float[np.ndarray, " states"] = np.eye(states)[int(result)]
    return vector
