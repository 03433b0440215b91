"""Compiling a query on a discrete Bayes net: variable elimination, once per (query, observed nodes).

An observed node is an axis as long as the tables stay small (`TABLE` entries): that part of the elimination is done
here, for all patterns of evidence. What is left becomes the steps of a plan, which `inference` runs on rows.
Koller and Friedman 2009, chapter 9, has the algorithm and the greedy orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, prod
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Float

from elk_sandbox.inference import Input, Plan, Step

TABLE = 2**14  # entries of a table worked out for all patterns of its evidence when the plan is compiled
LARGEST = 2**28  # entries (2 GiB) beyond which a contraction is refused
SMALLEST = -690.0  # log of the least product that float64 holds with all its digits


def compile_plan(graph: nx.DiGraph, query: tuple[str, ...], seen: tuple[str, ...]) -> Plan:
    """The cheaper of the plans that two greedy orders of elimination give.

    `graph` holds, for each node, `parents` (tuple of names) and `table` (float64 [*states of the parents, states]).
    Raises ValueError if the contraction needs a table of more than 2**28 entries.
    """
    relevant = set(query) | set(seen)
    for name in tuple(relevant):
        relevant |= nx.ancestors(graph, name)
    nodes = {name: graph.nodes[name] for name in graph if name in relevant}
    cards = {name: node["table"].shape[-1] for name, node in nodes.items()}
    scopes = {name: (*node["parents"], name) for name, node in nodes.items()}
    moral = _moral(scopes, seen)
    part = {name: i for i, names in enumerate(nx.connected_components(moral)) for name in names}
    home = {name: next((part[n] for n in scope if n in part), name) for name, scope in scopes.items()}
    # What the evidence separates from the query can make a row impossible, and not even that if no entry in it is 0.
    needed = {part[name] for name in query} | {home[name] for name, node in nodes.items() if not node["table"].all()}
    factors = {scopes[name]: node["table"] for name, node in nodes.items() if home[name] in needed}
    moral = _moral({scope[-1]: scope for scope in factors}, seen)
    orders = {_order(moral, cards, query, by_fill) for by_fill in (False, True)}
    plans = [Elimination(order, query, seen, cards).plan(factors) for order in sorted(orders)]
    return min(plans, key=lambda plan: (plan.work, len(plan.steps)))


def _moral(scopes: dict[str, tuple[str, ...]], seen: tuple[str, ...]) -> nx.Graph:
    """Which unobserved nodes share a factor."""
    graph = nx.Graph()
    for scope in scopes.values():
        live = [name for name in scope if name not in seen]
        graph.add_nodes_from(live)
        graph.add_edges_from((a, b) for i, a in enumerate(live) for b in live[:i])
    return graph


def _order(moral: nx.Graph, cards: dict[str, int], query: Sequence[str], by_fill: bool) -> tuple[str, ...]:
    """Greedy order of elimination: the node that adds the fewest edges, or makes the smallest table, goes next."""
    near = {name: set(moral[name]) for name in moral}
    left = [name for name in near if name not in query]

    def cost(name: str) -> tuple[int, int]:
        missing = sum(len(near[name] - near[other]) - 1 for other in near[name])
        size = prod(cards[other] for other in near[name])
        return (missing, size) if by_fill else (size, missing)

    order = []
    while left:
        name = min(left, key=cost)
        left.remove(name)
        for other in near[name]:
            near[other] = (near[other] | near[name]) - {name, other}
        del near[name]
        order.append(name)
    return tuple(order)


@dataclass(frozen=True)
class Factor:
    """A table over `axes` (in order of elimination), then over the observed nodes `seen`; or the result of a step."""

    axes: tuple[str, ...]
    seen: tuple[str, ...]
    table: Float[np.ndarray, ...] | None
    slot: int = -1


class Elimination:
    """Builds the plan of one order of elimination."""

    def __init__(
        self, order: tuple[str, ...], query: tuple[str, ...], seen: tuple[str, ...], cards: dict[str, int]
    ) -> None:
        self.order, self.query, self.seen, self.cards = order, query, seen, cards
        self.place = {name: i for i, name in enumerate((*order, *query, *seen))}
        self.steps: list[Step] = []
        self.width, self.work, self.floor = 1, 0, 0.0

    def plan(self, tables: dict[tuple[str, ...], Float[np.ndarray, ...]]) -> Plan:
        """Eliminate: tables that stay small now, the others as steps."""
        pool = []
        for scope, table in tables.items():
            axes, seen = self._sorted(set(scope) - set(self.seen)), self._sorted(set(scope) & set(self.seen))
            pool.append(Factor(axes, seen, table.transpose([scope.index(name) for name in axes + seen])))
        for name in self.order:
            bucket = [factor for factor in pool if name in factor.axes]
            pool = [factor for factor in pool if name not in factor.axes]
            pool.append(self._eliminate(name, bucket))
        pool = self._fold(factor if factor.axes or factor.table is None else _possible(factor) for factor in pool)
        self._step(pool, None, self.query)
        shape = tuple(self.cards[name] for name in self.query)
        return Plan(shape, tuple(self.steps), self.width, self.work, self.floor < SMALLEST)

    def _sorted(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self.place.__getitem__))

    def _size(self, names: Iterable[str]) -> int:
        return prod(self.cards[name] for name in names)

    def _eliminate(self, name: str, bucket: Sequence[Factor]) -> Factor:
        axes = self._sorted({axis for factor in bucket for axis in factor.axes})
        seen = self._sorted({other for factor in bucket for other in factor.seen})
        if all(factor.table is not None for factor in bucket) and (not seen or self._size(axes + seen) <= TABLE):
            return self._contract(bucket, axes[1:], seen)
        self._step(self._fold(bucket), name, axes)
        return Factor(axes[1:], seen, None, self.steps[-1].slot)

    def _contract(self, factors: Sequence[Factor], axes: tuple[str, ...], seen: tuple[str, ...]) -> Factor:
        """The product of the factors' tables, summed over what is not in axes or seen."""
        label = {name: i for i, name in enumerate({name: 0 for f in factors for name in f.axes + f.seen})}
        self._check(label)
        operands: list[Any] = [part for f in factors for part in (f.table, [label[name] for name in f.axes + f.seen])]
        operands.append([label[name] for name in axes + seen])
        large = self._size(label) > TABLE
        result = np.einsum(*operands, optimize="greedy" if large else False)
        return Factor(axes, seen, result)

    def _check(self, names: Iterable[str]) -> None:
        if (size := self._size(names)) > LARGEST:
            raise ValueError(f"the query {', '.join(self.query)} needs a table of {size:,} entries, above {LARGEST:,}")

    def _fold(self, factors: Iterable[Factor]) -> list[Factor]:
        """Multiply tables where that leaves no more to be looked up at run time."""
        kept: list[Factor] = []
        for factor in sorted(factors, key=lambda f: (f.table is None, bool(f.seen), self._size(f.axes))):
            for i, other in enumerate(kept):
                if factor.table is None or other.table is None:
                    continue
                axes, seen = (self._sorted({*a, *b}) for a, b in ((factor.axes, other.axes), (factor.seen, other.seen)))
                looked_up = sum(self._size(f.axes) for f in (factor, other) if f.seen)
                if self._size(axes + seen) <= TABLE and (not seen or self._size(axes) <= looked_up):
                    kept[i] = self._contract((factor, other), axes, seen)
                    break
            else:
                kept.append(factor)
        return kept

    def _step(self, factors: Sequence[Factor], summed: str | None, axes: tuple[str, ...]) -> None:
        """Append the step that multiplies the factors over axes and sums over the first one, if it is `summed`."""
        self._check(axes)
        lead = () if summed else (1,)
        inputs = []
        for factor in sorted(factors, key=lambda f: self._size(f.axes)):
            shape = (*lead, *(self.cards[axis] if axis in factor.axes else 1 for axis in axes), -1)
            table, strides = factor.table, [self._size(factor.seen[i + 1 :]) for i in range(len(factor.seen))]
            columns = tuple((self.seen.index(name), s) for name, s in zip(factor.seen, strides, strict=True))
            if table is not None:
                table = np.ascontiguousarray(table).reshape(shape)
                self.floor += log(table[table > 0].min(initial=1.0))
                self.work += self._size(factor.axes) if factor.seen else 0
                self.width = max(self.width, self._size(factor.axes) if factor.seen else 1)
            inputs.append(Input(shape, factor.slot, table, columns if table is not None else ()))
        entries = self._size(axes)
        self.width, self.work = max(self.width, entries // 2 or 1), self.work + entries * len(inputs)
        self.steps.append(Step(len(self.steps), self.cards[summed] if summed else 1, tuple(inputs)))


def _possible(factor: Factor) -> Factor:
    """A factor of evidence alone tells only which rows are impossible."""
    assert factor.table is not None
    return Factor(factor.axes, factor.seen, (factor.table > 0).astype(np.float64))
