"""Exact inference in a discrete Bayes net: running a compiled query on rows of evidence.

All rows go through at once, as the last and contiguous axis of every factor that touches evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Float, Int

BLOCK = 2**16  # entries of the largest intermediate: more rows of evidence than fit go through in blocks


@dataclass(frozen=True)
class Posterior:
    """What `Net.posterior` returns."""

    values: Float[np.ndarray, row * states]  # P(query | evidence of the row); nan where that evidence has probability 0
    impossible: int  # number of rows whose evidence has probability 0


@dataclass(frozen=True)
class Input:
    """A factor of a step: what an earlier step left in `slot`, or the entries of `table` that the evidence selects."""

    shape: tuple[int, ...]  # broadcasts over the step's axes; -1, last, is the axis of rows
    slot: int
    table: Float[np.ndarray, "*axes pattern"] | None
    columns: tuple[tuple[int, int], ...]  # (position among the observed nodes, stride in the pattern)


@dataclass(frozen=True)
class Step:
    """Multiply the inputs and sum over their first axis, of `states` entries."""

    slot: int
    states: int
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Plan:
    """A compiled query: which tables to read, multiply and sum for a row of evidence."""

    shape: tuple[int, ...]  # states of the query nodes
    steps: tuple[Step, ...]  # the last one only multiplies
    width: int  # entries of the largest intermediate, for one row of evidence
    work: int  # multiplications and look-ups for one row of evidence
    logs: bool  # products of this many small numbers could underflow: add their logarithms instead

    def run(self, evidence: Int[np.ndarray, "seen row"]) -> Float[np.ndarray, "states row"]:
        """P(query, evidence) up to a factor for each row, the query's states flattened; 0 for impossible evidence."""
        rows, size = evidence.shape[1], max(1, BLOCK // self.width)
        if rows <= size:
            return self._block(evidence)
        return np.hstack([self._block(evidence[:, i : i + size]) for i in range(0, rows, size)])

    def _block(self, evidence: Int[np.ndarray, "seen row"]) -> Float[np.ndarray, "states row"]:
        slots: dict[int, Float[np.ndarray, "*axes broadcast"]] = {}
        multiply_and_sum = _log_step if self.logs else _step
        for step in self.steps:
            slots[step.slot] = multiply_and_sum(step, slots, evidence)
        result: Float[np.ndarray, "states row"] = slots[self.steps[-1].slot].reshape(prod(self.shape), -1)
        if self.logs:
            peak = result.max(axis=0)
            result = np.exp(result - np.where(peak > -np.inf, peak, 0.0))
        if result.shape[1] == 1:  # the same for all rows
            result = np.broadcast_to(result, (len(result), evidence.shape[1]))
        return result

    def posterior(self, evidence: Int[np.ndarray, "seen row"]) -> Float[np.ndarray, row * states]:
        """P(query | evidence), nan where the evidence has probability 0. Equal rows are computed once."""
        rows = evidence.shape[1]
        if rows == 0:
            return np.empty((0, *self.shape))
        distinct = None
        if rows > 1 and (len(self.steps) > 1 or len(self.steps[0].inputs) > 1):
            _, first, inverse = np.unique(row_keys(evidence), return_index=True, return_inverse=True)
            if len(first) < rows:
                distinct, evidence = inverse, evidence[:, first]
        joint = self.run(evidence)
        total = joint.sum(axis=0)
        if total.all():
            values = joint / total
        else:
            values = np.divide(joint, total, out=np.full(joint.shape, np.nan), where=total > 0)
        values = values if distinct is None else values[:, distinct]
        return np.reshape(values.T, (rows, *self.shape))


def _read(
    source: Input, slots: dict[int, Float[np.ndarray, ...]], evidence: Int[np.ndarray, "seen row"]
) -> Float[np.ndarray, "*axes broadcast"]:
    if source.table is None:
        return slots.pop(source.slot).reshape(source.shape)
    if not source.columns:
        return source.table
    (column, stride), *others = source.columns
    pattern = evidence[column] if stride == 1 else evidence[column] * stride
    for column, stride in others:
        pattern = pattern + (evidence[column] if stride == 1 else evidence[column] * stride)
    taken: Float[np.ndarray, "*axes broadcast"] = source.table.take(pattern, axis=-1)
    return taken


def _step(
    step: Step, slots: dict[int, Float[np.ndarray, " ..."]], evidence: Int[np.ndarray, "seen row"]
) -> Float[np.ndarray, "*axes broadcast"]:
    factors = [_read(source, slots, evidence) for source in step.inputs]
    total = _product([factor[0] for factor in factors])
    for state in range(1, step.states):
        total = total + _product([factor[state] for factor in factors])
    return total


def _log_step(
    step: Step, slots: dict[int, Float[np.ndarray, " ..."]], evidence: Int[np.ndarray, "seen row"]
) -> Float[np.ndarray, "*axes broadcast"]:
    """As `_step`, for the logarithms: sum, then log-sum-exp over the first axis."""
    with np.errstate(divide="ignore"):  # the logarithm of 0 is minus infinity, and stays so
        total: Float[np.ndarray, "states *axes broadcast"] = np.zeros(1)
        for source in step.inputs:
            factor = _read(source, slots, evidence)
            total = total + (factor if source.table is None else np.log(factor))
        peak = total.max(axis=0)
        peak = np.where(peak > -np.inf, peak, 0.0)
        result: Float[np.ndarray, "*axes broadcast"] = peak + np.log(np.exp(total - peak).sum(axis=0))
    return result


def _product(factors: Sequence[Float[np.ndarray, " ..."]]) -> Float[np.ndarray, " ..."]:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def row_keys(columns: Int[np.ndarray, "column row"]) -> Int[np.ndarray, row]:
    """One integer for each row, equal exactly where the rows are equal. No entry is negative."""
    keys, distinct = np.zeros(columns.shape[1], dtype=np.int64), 1
    for column in columns:
        states = int(column.max(initial=0)) + 1
        if distinct * states > 2**62:
            found, keys = np.unique(keys, return_inverse=True)
            distinct = len(found)
        keys = keys * states + column
        distinct *= states
    return keys
