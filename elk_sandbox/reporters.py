"""Reporters: completely specified functions of the predictor's nodes, one truth table a question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from jaxtyping import Float, Int8

from elk_sandbox import measures

__all__ = ["Reporter", "Table", "answers_of", "has_exact_measures", "measure"]

EXACT = 12  # nodes up to which every table's complexity and reads are exact


@dataclass(frozen=True, eq=False)
class Table:
    """P(yes) for every pattern of the named nodes: the cone and the function on its whole cube.

    `values` has 2**len(nodes) entries in [0, 1]; the first node is the most significant bit. There are no don't-cares:
    two tables that agree wherever the predictor can be and differ elsewhere are different reporters.
    """

    nodes: tuple[str, ...]
    values: Float[np.ndarray, " pattern"]

    def __init__(self, nodes: Sequence[str], values: Sequence[float] | np.ndarray) -> None:
        flat = np.asarray(values, np.float64).reshape(-1)
        if isinstance(nodes, str):
            raise ValueError(f"a table's nodes are a list of names, got the text {nodes!r}")
        if len(set(nodes)) != len(nodes):
            raise ValueError(f"a table names a node twice: {list(nodes)}")
        if flat.size != 2 ** len(nodes):
            raise ValueError(f"a table over {len(nodes)} nodes has {2 ** len(nodes)} values, got {flat.size}")
        if not (flat.min() >= 0 and flat.max() <= 1):  # nor nan
            raise ValueError(f"a table holds probabilities in [0, 1], got {flat[~((flat >= 0) & (flat <= 1))][0]}")
        flat.setflags(write=False)
        object.__setattr__(self, "nodes", tuple(nodes))
        object.__setattr__(self, "values", flat)

    @classmethod
    def of(cls, nodes: Sequence[str], rule: Callable[..., float]) -> "Table":
        """The table of `rule`, called once with each pattern of bits."""
        return cls(nodes, [float(rule(*bits)) for bits in product((0, 1), repeat=len(nodes))])

    @classmethod
    def constant(cls, value: float) -> "Table":
        return cls((), [value])

    @property
    def cube(self) -> np.ndarray:
        """The values with one axis of length 2 for each node."""
        return self.values.reshape((2,) * len(self.nodes))

    def reduced(self) -> "Table":
        """The same function over the nodes that matter, in sorted order: equal functions have equal reductions."""
        keep = _relevant(self.values.tobytes())
        if len(keep) == len(self.nodes) and list(self.nodes) == sorted(self.nodes):
            return self
        cube = self.cube[tuple(slice(None) if a in keep else 0 for a in range(len(self.nodes)))]
        names = [self.nodes[a] for a in keep]
        order = sorted(range(len(names)), key=names.__getitem__)
        return Table([names[a] for a in order], cube.transpose(order))

    @cached_property
    def key(self) -> tuple[tuple[str, ...], bytes]:
        """Equal for two tables that are the same function."""
        reduced = self.reduced()
        return reduced.nodes, reduced.values.tobytes()

    def negated_inputs(self, flip: Mapping[str, int]) -> "Table":
        """The same function when the nodes with flip 1 are stored with the opposite polarity."""
        axes = [a for a, name in enumerate(self.nodes) if flip.get(name, 0)]
        return Table(self.nodes, np.flip(self.cube, tuple(axes))) if axes else self

    def __call__(self, bits: Int8[np.ndarray, "*batch node"], names: Sequence[str]) -> Float[np.ndarray, "*batch"]:
        """Answers on `bits`, whose last axis is named by `names`."""
        index = np.zeros(bits.shape[:-1], np.int64)
        for node in self.nodes:
            index <<= 1
            index += bits[..., names.index(node)]
        return np.asarray(self.values[index])


@dataclass(frozen=True, eq=False)
class Reporter:
    """One table for each question of the world, in the order of its questions."""

    tables: tuple[Table, ...]

    @property
    def cone(self) -> frozenset[str]:
        return frozenset(node for table in self.tables for node in table.nodes)

    @cached_property
    def key(self) -> tuple[tuple[tuple[str, ...], bytes], ...]:
        """Equal for two reporters that are the same function."""
        return tuple(table.key for table in self.tables)

    def replacing(self, question: int, table: Table) -> "Reporter":
        return Reporter((*self.tables[:question], table, *self.tables[question + 1 :]))


def answers_of(
    reporter: Reporter, bits: Int8[np.ndarray, "*batch node"], names: Sequence[str]
) -> Float[np.ndarray, "*batch question"]:
    """P(yes) of each question on each row of node bits."""
    return np.stack([table(bits, names) for table in reporter.tables], axis=-1)


def measure(reporter: Reporter, name: str, earlier: Reporter | None = None) -> float:
    """A measure of the tables alone: complexity, reads and influence are summed over questions, parts is their union.

    Definitions: reference elk.md 1.6 (node count of the smallest decision diagram, expected reads of the best adaptive
    tree on fair bits, total influence on fair bits, number of nodes that matter). `change` is the complexity of where
    the reporter answers otherwise than the earlier one.
    """
    if name == "change":
        if earlier is None:
            raise ValueError("change is measured from an earlier reporter, and there is none")
        pairs = zip(reporter.tables, earlier.tables, strict=True)
        return measure(Reporter(tuple(_differ(a, b) for a, b in pairs)), "complexity")
    if name == "parts":
        return float(len({n for nodes, _ in reporter.key for n in nodes}))
    return float(sum(_measured(name, values) for _, values in reporter.key))


@lru_cache(maxsize=2**13)
def _relevant(values: bytes) -> tuple[int, ...]:
    return measures.relevant(_cube(values))


def _cube(values: bytes) -> np.ndarray:
    flat = np.frombuffer(values)
    return flat.reshape((2,) * (flat.size.bit_length() - 1))


@lru_cache(maxsize=2**13)
def _measured(name: str, values: bytes) -> float:
    """Of a reduced table without its nodes: tables over other nodes are often the same function."""
    cube = _cube(values)
    if name == "complexity":
        return measures.complexity(cube).nodes
    if name == "reads":
        return measures.reads(cube).value
    if name == "influence":
        return measures.influence(cube)
    raise ValueError(f"no measure of a truth table is called {name!r}")


def _differ(a: Table, b: Table) -> Table:
    """The probability that draws from the two answers differ."""
    nodes = list(dict.fromkeys([*a.nodes, *b.nodes]))
    patterns = np.array(list(product((0, 1), repeat=len(nodes))), np.int8).reshape(-1, len(nodes))
    p, q = a(patterns, nodes), b(patterns, nodes)
    return Table(nodes, p * (1 - q) + (1 - p) * q)


def has_exact_measures(reporter: Reporter) -> bool:
    """Whether complexity and reads are the least ones, and not upper bounds from the sorted order of wide tables."""
    cubes = [table.reduced().cube for table in reporter.tables]
    return all(c.ndim <= EXACT or (measures.complexity(c).exact and measures.reads(c).exact) for c in cubes)
