"""Discrete Bayes nets on a `networkx.DiGraph`: exact inference, sampling, interventions, d-separation.

net = Net()
net.add("diamond", prior=0.5)
net.add("screen", prior=0.1)
net.add("camera", parents=["diamond", "screen"], table=logical_or)
net.posterior("diamond", {"camera": np.array([0, 1])}).values    # [row, state]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import networkx as nx
import numpy as np
from jaxtyping import Float, Int, Int8

from elk_sandbox import situations
from elk_sandbox.elimination import compile_plan
from elk_sandbox.inference import Plan, Posterior, row_keys
from elk_sandbox.tables import (
    Table,
    Values,
    conditional,
    equal,
    identity,
    logical_and,
    logical_or,
    majority,
    negation,
    parity,
)

__all__ = ["Net", "Posterior", "equal", "identity", "logical_and", "logical_or", "majority", "negation", "parity"]

PLANS = 256  # compiled queries that a net keeps


class Net:
    """A discrete Bayes net. Nodes are added parents first; states are 0, 1, ...

    `graph` is the net as a DiGraph; each of its nodes holds `parents`, a tuple of names in the order of the table's
    axes, and `table`, P(node | parents), a read-only float64 array [*states of the parents, states].
    """

    graph: nx.DiGraph

    def __init__(self) -> None:
        self.graph = nx.DiGraph()
        self._cards: dict[str, int] = {}
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], Plan] = {}

    @classmethod
    def from_graph(cls, graph: nx.DiGraph, tables: Mapping[str, Table]) -> Net:
        """A net with the nodes and arrows of a graph; a node's parents are in the order of `graph.predecessors`.

        A table has the shape (*states of the parents) and gives P(1), or (*states of the parents, states). Callables
        make binary nodes. Raises ValueError for a cycle, for a missing or extra table, and as `add` does.
        """
        if not nx.is_directed_acyclic_graph(graph):
            cycle = [edge[0] for edge in nx.find_cycle(graph)]
            raise ValueError(f"the graph has a cycle: {' -> '.join((*cycle, cycle[0]))}")
        if missing := [name for name in graph if name not in tables]:
            raise ValueError(f"no table for node {missing[0]!r}")
        for name in tables:
            _known(name, graph)
        net = cls()
        place = {name: i for i, name in enumerate(graph)}
        for name in nx.lexicographical_topological_sort(graph, key=place.__getitem__):
            parents, table = tuple(graph.predecessors(name)), tables[name]
            states = 2
            if not callable(table) and np.ndim(table) == len(parents) + 1:
                states = np.shape(table)[-1]
            net.add(name, parents=parents, table=table, states=states)
        return net

    def add(
        self,
        name: str,
        *,
        prior: Values | None = None,
        parents: Iterable[str] = (),
        table: Table | None = None,
        states: int = 2,
    ) -> None:
        """Add a node below nodes that are there.

        `prior`, for a node without parents: P(1), or a vector [states]. `table`: an array of shape (*states of the
        parents), P(1) of a binary node, or (*states of the parents, states); or a function of the parents' values that
        returns P(1) of a binary node, the state that a node of more states takes, or a vector [states].

        Raises ValueError for a name that is taken, an unknown or repeated parent, a wrong shape, an entry outside
        [0, 1] and a row that does not sum to 1 (to 1e-9).
        """
        parents = tuple(parents)
        if name in self.graph:
            raise ValueError(f"there is a node {name!r} already")
        for parent in parents:
            _known(parent, self._cards)
        if len(set(parents)) < len(parents):
            raise ValueError(f"node {name!r} names a parent twice: {', '.join(parents)}")
        if not 2 <= states <= 127:
            raise ValueError(f"node {name!r} has {states} states, expected 2 to 127")
        if (prior is None) == (table is None):
            raise ValueError(f"node {name!r} needs a prior or a table, and not both")
        if prior is not None and parents:
            raise ValueError(f"node {name!r} has parents ({', '.join(parents)}): give a table, not a prior")
        cards = [self._cards[parent] for parent in parents]
        self._place(name, parents, conditional(name, table if prior is None else prior, cards, states))

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the nodes, parents before children: the columns of sampled and enumerated states."""
        return tuple(self.graph)

    @property
    def cards(self) -> Mapping[str, int]:
        """Number of states of each node."""
        return MappingProxyType(self._cards)

    def parents(self, name: str) -> tuple[str, ...]:
        """The node's parents, in the order of its table's axes."""
        parents: tuple[str, ...] = self._node(name)["parents"]
        return parents

    def table(self, name: str) -> Float[np.ndarray, "*parents states"]:
        """P(node | parents), read-only."""
        table: Float[np.ndarray, "*parents states"] = self._node(name)["table"]
        return table

    def joint(self, nodes: Sequence[str]) -> Float[np.ndarray, "*states"]:
        """P(nodes), with an axis for each node, in the order given."""
        table: Float[np.ndarray, "*states"] = self.posterior(nodes, {}).values[0]
        return table

    def marginal(self, node: str) -> Float[np.ndarray, " states"]:
        """P(node)."""
        return self.joint((node,))

    def posterior(self, query: str | Sequence[str], evidence: Mapping[str, Values]) -> Posterior:
        """P(query | evidence) for all rows of evidence at once.

        `evidence` gives an int array [row] for each observed node, or one int for all rows; -1 is 'not observed in this
        row'. The values have shape [row, states] for one node, and [row, *states] for a sequence of nodes (their joint
        distribution). Rows whose evidence has probability 0 are nan, and counted.

        Raises ValueError for an unknown node, a queried node in the evidence, a state that does not exist, rows of
        different number, and a query whose tables would be too large; TypeError for evidence that is no integer.
        """
        nodes = self._query((query,) if isinstance(query, str) else query)
        names = tuple(evidence)
        for name in names:
            _known(name, self._cards)
            if name in nodes:
                raise ValueError(f"node {name!r} is queried and observed")
        given = self._evidence(evidence)
        if not given.size or given.min() >= 0:
            values = self._plan(nodes, names).posterior(given)
        else:
            seen = given >= 0
            _, first, group = np.unique(row_keys(seen.astype(np.int8)), return_index=True, return_inverse=True)
            values = np.empty((given.shape[1], *(self.cards[name] for name in nodes)))
            for i, row in enumerate(first):
                observed = seen[:, row]
                plan = self._plan(nodes, tuple(name for name, here in zip(names, observed, strict=True) if here))
                values[group == i] = plan.posterior(given[observed][:, group == i])
        undefined = np.isnan(values).any(axis=tuple(range(1, values.ndim)))
        return Posterior(values, int(np.count_nonzero(undefined)))

    def sample(self, rng: np.random.Generator, size: int) -> Int8[np.ndarray, "row node"]:
        """Independent draws of all nodes, columns in `order`."""
        return situations.sample(self.graph, rng, size)

    def do(self, values: Mapping[str, int]) -> Net:
        """The net in which these nodes are set: cut from their parents, with all mass on that state."""
        cards = self.cards
        for name, value in values.items():
            self._states(name, np.asarray(value))
        net = Net()
        for name, node in self.graph.nodes.items():
            if name in values:
                net.add(name, prior=np.eye(cards[name])[values[name]], states=cards[name])
            else:
                net._place(name, node["parents"], node["table"])
        return net

    def d_separated(self, x: str | set[str], y: str | set[str], given: Iterable[str] = ()) -> bool:
        """Whether the graph alone makes x and y independent given the nodes of `given`. The three must not overlap."""
        sets = [{part} if isinstance(part, str) else set(part) for part in (x, y, given)]
        for name in set.union(*sets):
            _known(name, self._cards)
        if sum(map(len, sets)) > len(set.union(*sets)):
            raise ValueError(f"the sets of nodes overlap: {', '.join(str(sorted(part)) for part in sets)}")
        return bool(nx.is_d_separator(self.graph, *sets))

    def support(
        self, given: Mapping[str, int] | None = None
    ) -> tuple[Int8[np.ndarray, "situation node"], Float[np.ndarray, " situation"]]:
        """All joint states of positive probability, columns in `order`, rows in lexicographic order; their weights.

        `given` sets nodes without parents (a predictor's parameters); for other nodes see `do`. Raises ValueError for
        a node with parents and for more than 2**24 situations.
        """
        for name in given or {}:
            if parents := self.parents(name):
                raise ValueError(
                    f"node {name!r} has parents ({', '.join(parents)}): use do({{{name!r}: ...}}).support()"
                )
        return situations.support(self.do(given).graph if given else self.graph)

    def roll(
        self, states: Int8[np.ndarray, "situation node"], do: Mapping[str, int | Int[np.ndarray, " value"]]
    ) -> Int8[np.ndarray, "situation node"]:
        """The situations after nodes are set, to one int or to [situation], and what lies downstream is recomputed.

        The noise of a stochastic node is not modelled: where the intervention leaves its distribution given its parents
        as it was, the node keeps its value; where that becomes certain, it takes the certain value; else ValueError.
        A root that holds the noise makes a node deterministic. Nodes that are set keep the value they are set to.
        """
        situations.check_states(states, tuple(self.cards.values()))
        values = {name: self._states(name, np.asarray(value)) for name, value in do.items()}
        for name, value in values.items():
            if value.shape not in ((), (len(states),)):
                raise ValueError(f"the values of {name!r} have shape {value.shape}, expected ({len(states)},)")
        return situations.roll(self.graph, states, values)

    def _place(self, name: str, parents: tuple[str, ...], table: Float[np.ndarray, "*parents states"]) -> None:
        self.graph.add_node(name, parents=parents, table=table)
        self.graph.add_edges_from((parent, name) for parent in parents)
        self._cards[name] = table.shape[-1]

    def _node(self, name: str) -> Mapping[str, Any]:
        _known(name, self._cards)
        node: Mapping[str, Any] = self.graph.nodes[name]
        return node

    def _states(self, name: str, values: np.ndarray, least: int = 0) -> np.ndarray:
        """The values, if they are states of the node."""
        _known(name, self._cards)
        card = self._cards[name]
        if values.dtype.kind not in "iub":
            raise TypeError(f"values of node {name!r} have type {values.dtype}, expected integers")
        if values.size and (values.min() < least or values.max() >= card):
            wrong = values[(values < least) | (values >= card)].flat[0]
            raise ValueError(f"node {name!r} has no state {wrong}: its states are 0 to {card - 1}")
        return values

    def _query(self, nodes: Sequence[str]) -> tuple[str, ...]:
        nodes = tuple(nodes)
        for name in nodes:
            _known(name, self._cards)
        if len(set(nodes)) < max(len(nodes), 1):
            raise ValueError(f"a query names each node once, and at least one: ({', '.join(nodes)})")
        return nodes

    def _evidence(self, evidence: Mapping[str, Values]) -> Int[np.ndarray, "seen row"]:
        """The evidence as one array, checked."""
        if all(type(value) is int and -1 <= value < self._cards[name] for name, value in evidence.items()):
            return np.array(list(evidence.values()), dtype=np.intp)[:, None]  # one row, the short way
        columns = [np.asarray(values) for values in evidence.values()]
        rows = {len(column) for column in columns if column.ndim}
        if len(rows) > 1 or any(column.ndim > 1 for column in columns):
            shapes = ", ".join(f"{name}: {column.shape}" for name, column in zip(evidence, columns, strict=True))
            raise ValueError(f"evidence has to be one integer for each row, but the shapes are {shapes}")
        given = np.empty((len(columns), rows.pop() if rows else 1), dtype=np.intp)
        for i, (name, column) in enumerate(zip(evidence, columns, strict=True)):
            if column.dtype.kind not in "iub":
                raise TypeError(f"evidence on node {name!r} has type {column.dtype}, expected integers")
            given[i] = column
        if given.size and (given.min() < -1 or (given.max(axis=1) >= [self._cards[name] for name in evidence]).any()):
            for name, column in zip(evidence, columns, strict=True):
                self._states(name, column, least=-1)
        return given

    def _plan(self, query: tuple[str, ...], seen: tuple[str, ...]) -> Plan:
        """The compiled query. Nodes added later do not change it: they have no say on what is above them."""
        plan = self._plans.get((query, seen))
        if plan is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            plan = self._plans[query, seen] = compile_plan(self.graph, query, seen)
        return plan


def _known(name: str, names: Collection[str]) -> None:
    """Raise ValueError, with a close match, if there is no such name."""
    if name not in names:
        close = get_close_matches(str(name), map(str, names), n=1)
        raise ValueError(f"there is no node {name!r}" + (f": did you mean {close[0]!r}?" if close else ""))
