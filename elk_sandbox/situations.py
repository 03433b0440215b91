"""Joint states of a Bayes net as rows: sampled, enumerated, and rolled forward after an intervention.

Rows are int8 [situation, node] with the columns in the order of the graph's nodes, parents before children. They are
stored by columns, as everything here works on one node of all rows at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
from jaxtyping import Bool, Float, Int, Int8

MOST = 2**24  # rows beyond which an enumeration is refused


def _table(graph: nx.DiGraph, name: str) -> Float[np.ndarray, "pattern states"]:
    """The node's table with one row for each pattern of its parents."""
    table: Float[np.ndarray, "*parents states"] = graph.nodes[name]["table"]
    return table.reshape(-1, table.shape[-1])


def _fixed(table: Float[np.ndarray, "pattern states"]) -> Bool[np.ndarray, " pattern"]:
    """Which patterns of the parents leave the node one possible state."""
    one: Bool[np.ndarray, " pattern"] = (table > 0).sum(axis=1) == 1
    return one


def _pattern(graph: nx.DiGraph, name: str, columns: Mapping[str, Int[np.ndarray, " row"]], rows: int) -> np.ndarray:
    """Which row of the node's table each situation is in."""
    pattern = np.zeros(rows, dtype=np.int32)
    for parent in graph.nodes[name]["parents"]:
        pattern *= graph.nodes[parent]["table"].shape[-1]
        pattern += columns[parent]
    return pattern


def _stack(graph: nx.DiGraph, columns: Mapping[str, Int8[np.ndarray, " row"]]) -> Int8[np.ndarray, "row node"]:
    return np.stack([columns[name] for name in graph]).T


def sample(graph: nx.DiGraph, rng: np.random.Generator, size: int) -> Int8[np.ndarray, "row node"]:
    """Independent draws from the joint distribution, ancestors first."""
    columns: dict[str, Int8[np.ndarray, " row"]] = {}
    for name in graph:
        steps = np.cumsum(_table(graph, name), axis=1)
        steps /= steps[:, -1:]  # exactly 1 from the last possible state on, so that no impossible state is drawn
        below = steps[_pattern(graph, name, columns, size), :-1]
        columns[name] = (rng.random(size)[:, None] >= below).sum(axis=1, dtype=np.int8)
    return _stack(graph, columns)


def support(graph: nx.DiGraph) -> tuple[Int8[np.ndarray, "situation node"], Float[np.ndarray, " situation"]]:
    """All joint states of positive probability, in lexicographic order, and their probabilities.

    Raises ValueError if there are more than 2**24.
    """
    columns: dict[str, Int8[np.ndarray, " situation"]] = {}
    weights = np.ones(1)
    for name in graph:
        table = _table(graph, name)
        states = np.argsort(table <= 0, axis=1, kind="stable").astype(
            np.int8
        )  # the possible states of a row come first
        pattern = _pattern(graph, name, columns, len(weights))
        if _fixed(table).all() and (table.max(axis=1) == 1).all():
            columns[name] = states[pattern, 0]
            continue
        counts = (table > 0).sum(axis=1)[pattern]
        ends = np.cumsum(counts)
        if ends[-1] > MOST:
            raise ValueError(f"more than {MOST:,} situations of positive probability: {ends[-1]:,} at node {name!r}")
        source = np.repeat(np.arange(len(weights), dtype=np.int32), counts)
        which = np.arange(ends[-1], dtype=np.int32) - (ends - counts).astype(np.int32)[source]
        columns = {other: column[source] for other, column in columns.items()}
        pattern = pattern[source]
        columns[name] = states[pattern, which]
        weights = weights[source] * table[pattern, columns[name]]
    return _stack(graph, columns), weights


def roll(
    graph: nx.DiGraph, states: Int8[np.ndarray, "situation node"], do: Mapping[str, Int[np.ndarray, "*situation"]]
) -> Int8[np.ndarray, "situation node"]:
    """The situations after some nodes are set and what lies downstream is recomputed."""
    rows = len(states)
    before = {name: states[:, i] for i, name in enumerate(graph)}
    after = dict(before)
    for name, value in do.items():
        after[name] = np.broadcast_to(value, rows).astype(np.int8)
    changed = set(do)
    for name in graph:
        if name in do or changed.isdisjoint(graph.nodes[name]["parents"]):
            continue
        table = _table(graph, name)
        pattern = _pattern(graph, name, after, rows)
        fixed = _fixed(table)
        column = table.argmax(axis=1).astype(np.int8)[pattern]
        if not fixed.all():
            noisy = ~fixed[pattern]
            old = _pattern(graph, name, before, rows)
            if (table[pattern[noisy]] != table[old[noisy]]).any():
                raise ValueError(
                    f"setting {', '.join(do)} changes the distribution of the stochastic node {name!r}, whose noise is"
                    " not modelled: give it a root parent that holds the noise"
                )
            column[noisy] = before[name][noisy]
        after[name] = column
        changed.add(name)
    return _stack(graph, after)


def check_states(states: np.ndarray, cards: Sequence[int]) -> None:
    """Raise ValueError unless states has a column for each node and each entry is one of that node's states."""
    if states.ndim != 2 or states.shape[1] != len(cards) or states.dtype != np.int8:
        raise ValueError(
            f"states have shape {states.shape} and type {states.dtype}, expected (situation, {len(cards)}) int8"
        )
    if len(states) and ((states.min(axis=0) < 0).any() or (states.max(axis=0) >= cards).any()):
        raise ValueError(f"states outside of 0 ... {max(cards) - 1}: the nodes have {tuple(cards)} states")
