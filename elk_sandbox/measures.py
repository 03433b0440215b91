"""What a reporter costs as a function of bits: nodes (K), reads (T), bits that matter (dep) and influence (I).

A reporter's answer to one question is a **table**: an array of shape `(2,) * n`, entry `table[x1, ..., xn]` is P(yes)
when its n bits are x. Every distinct value is one terminal, so 0/1 tables and softened ones (0.9/0.1) are alike. The
measures are properties of that function and not of a world (reference/elk.md 1.6): bits are fair and independent, and
there are no don't-cares. Exact values do not change when axes are permuted, inputs or answers complemented, or axes
added that do not matter. Sums over several questions are the caller's.

K and T are dynamic programmes over the *cubes* of the table, the functions that remain when some bits are fixed. Bits
that can be exchanged, directly or with one of the two complemented, form a class, and of a class only the numbers of
ones and of zeros fixed so far count: (m + 1)(m + 2) / 2 cubes for m bits, where bits without symmetry have 3 each.
Up to `CUBES` the results are exact; beyond, they are upper bounds and say so.

Source of the programme for K: Friedman and Supowit (1990), best order of a decision diagram over the sets of variables
that can lie at its bottom.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb, prod

import numpy as np
from jaxtyping import Int, Int32, Shaped

CUBES = 3**12
"""Most cubes that are enumerated: 12 bits without symmetry, or more bits in exchangeable classes."""

_REMEMBERED = 2**12  # entries; larger tables are measured at each call, so that the memo stays small
_SMALL = 3**9  # cubes; lattices up to this size are kept for every shape, of larger ones only the latest two


@dataclass(frozen=True)
class Size:
    """Nodes of a reduced ordered decision diagram: terminals excluded, no complement edges."""

    nodes: int
    exact: bool
    """True: the least over all variable orders. False: the order of the axes, an upper bound."""


@dataclass(frozen=True)
class Reads:
    """Expected number of bits that a decision tree reads when all bits are fair and independent."""

    value: float
    exact: bool
    """True: the best adaptive tree. False: the tree that reads in the order of the axes and skips what no longer
    matters, an upper bound."""


def relevant(table: Shaped[np.ndarray, "..."]) -> tuple[int, ...]:
    """Axes that matter: flipping that bit changes the answer somewhere. dep(table) is their number."""
    _check(table)
    return tuple(axis for axis in range(table.ndim) if (table.take(0, axis) != table.take(1, axis)).any())


def influence(table: Shaped[np.ndarray, "..."]) -> float:
    """Total influence I: the sum over bits of P(flipping the bit changes the answer), all bits fair."""
    _check(table)
    return float(sum((table.take(0, axis) != table.take(1, axis)).mean() for axis in range(table.ndim)))


def complexity(table: Shaped[np.ndarray, "..."]) -> Size:
    """Complexity K: nodes of the smallest reduced ordered decision diagram over all variable orders.

    Beyond `CUBES` cubes the nodes in the given order of the axes, with `exact=False`. The result is remembered.
    Raises ValueError for a shape other than (2,) * n, for entries that are no numbers, and for nan.
    """
    _check(table)
    measure = _complexity if table.size <= _REMEMBERED else _complexity.__wrapped__
    size: Size = measure(table.tobytes(), table.dtype.str, table.ndim)
    return size


def reads(table: Shaped[np.ndarray, "..."]) -> Reads:
    """Time T: expected reads of the best adaptive decision tree on fair independent bits.

    Beyond `CUBES` cubes the reads in the given order of the axes, with `exact=False`. The result is remembered.
    Raises ValueError for a shape other than (2,) * n, for entries that are no numbers, and for nan.
    """
    _check(table)
    measure = _reads if table.size <= _REMEMBERED else _reads.__wrapped__
    result: Reads = measure(table.tobytes(), table.dtype.str, table.ndim)
    return result


def _check(table: Shaped[np.ndarray, "..."]) -> None:
    if table.shape != (2,) * table.ndim:
        raise ValueError(f"a truth table has shape (2,) * n, got {table.shape}")
    if table.dtype.kind not in "biuf":
        raise ValueError(f"a truth table holds numbers, got dtype {table.dtype}")
    if table.dtype.kind == "f" and np.isnan(table).any():
        raise ValueError("a truth table holds nan: every pattern of bits needs an answer")


@lru_cache(maxsize=2**14)
def _complexity(raw: bytes, dtype: str, n: int) -> Size:
    terminals = _terminals(raw, dtype, n)
    if terminals.ndim == 0:
        return Size(0, exact=True)
    sizes, leaves = _by_counts(terminals)
    if _cube_count(sizes) > CUBES:
        return Size(_in_axis_order(terminals)[0], exact=False)
    lattice = _lattice(sizes)
    # Cubes over the same free bits get equal numbers iff they are the same function of those bits.
    function = np.empty(lattice.group.size, np.int64)
    function[: leaves.size] = leaves.ravel()
    least = np.full(lattice.below.shape[1], np.iinfo(np.int64).max // 2)
    least[0] = 0
    for cubes, groups in lattice.layers:
        low, high = function[lattice.split_low[cubes]], function[lattice.split_high[cubes]]
        base = max(low.max(), high.max()) + 1
        key = (lattice.group[cubes] * base + low) * base + high
        _, first, function[cubes] = np.unique(key, return_index=True, return_inverse=True)
        first += cubes.start
        # A node for each function that depends on the bit which is read at the top of the group's diagram.
        depends = function[lattice.low[:, first]] != function[lattice.high[:, first]]
        starts = np.searchsorted(lattice.group[first], np.arange(groups.start, groups.stop))
        nodes = np.add.reduceat(depends, starts, axis=1, dtype=np.int64)
        least[groups] = (least[lattice.below[:, groups]] + nodes).min(axis=0)
    return Size(int(least[-1]), exact=True)


@lru_cache(maxsize=2**14)
def _reads(raw: bytes, dtype: str, n: int) -> Reads:
    terminals = _terminals(raw, dtype, n)
    if terminals.ndim == 0:
        return Reads(0.0, exact=True)
    sizes, leaves = _by_counts(terminals)
    if _cube_count(sizes) > CUBES:
        return Reads(_in_axis_order(terminals)[1], exact=False)
    lattice = _lattice(sizes)
    answer = np.empty(lattice.group.size, np.int64)  # of a constant cube; -1 for the others
    answer[: leaves.size] = leaves.ravel()
    expected = np.full(lattice.group.size, np.inf)  # inf keeps a class without free bits out of the minimum
    expected[: leaves.size] = 0
    for cubes, _ in lattice.layers:
        low, high = answer[lattice.split_low[cubes]], answer[lattice.split_high[cubes]]
        answer[cubes] = np.where(low == high, low, -1)
        best = 1 + (expected[lattice.low[:, cubes]] + expected[lattice.high[:, cubes]]).min(axis=0) / 2
        expected[cubes] = np.where(answer[cubes] < 0, best, 0)
    return Reads(float(expected[-1]), exact=True)


def _terminals(raw: bytes, dtype: str, n: int) -> Int[np.ndarray, "..."]:
    """The table over its relevant axes, answers replaced by the number of their terminal."""
    values = np.frombuffer(raw, dtype)
    table = np.unique(values, return_inverse=True)[1].reshape((2,) * n)
    keep = relevant(table)
    return np.array(table[tuple(slice(None) if axis in keep else 0 for axis in range(n))], order="C")


def _by_counts(table: Int[np.ndarray, "..."]) -> tuple[tuple[int, ...], Int[np.ndarray, "..."]]:
    """Sizes of the classes of exchangeable bits, largest first, and the table over the number of ones in each class.

    Two bits are exchangeable if swapping them leaves the table as it is, perhaps after one of them is complemented;
    the relation is transitive, so one member stands for its class.
    """
    classes: list[list[int]] = []
    for bit in range(table.ndim):
        for members in classes:
            one = members[0]
            pair = table.reshape(2**one, 2, 2 ** (bit - one - 1), 2, -1)
            if (pair[:, 0, :, 1] == pair[:, 1, :, 0]).all():
                members.append(bit)
                break
            if (pair[:, 0, :, 0] == pair[:, 1, :, 1]).all():
                table = np.ascontiguousarray(np.flip(table, bit))
                members.append(bit)
                break
        else:
            classes.append([bit])
    classes.sort(key=len, reverse=True)
    sizes = tuple(len(members) for members in classes)
    grouped = table.transpose([bit for members in classes for bit in members]).reshape([2**size for size in sizes])
    with_ones = [2 ** np.arange(size + 1) - 1 for size in sizes]  # the pattern whose last k bits are one, for each k
    return sizes, grouped[np.ix_(*with_ones)] if sizes else grouped


def _in_axis_order(table: Int[np.ndarray, "..."]) -> tuple[int, float]:
    """Nodes and expected reads of the reduced diagram that reads the bits in the order of the axes."""
    function, expected = table.ravel(), np.zeros(table.size)
    nodes = 0
    for _ in range(table.ndim):
        low, high = function[::2], function[1::2]
        function = np.unique(low * (function.max() + 1) + high, return_inverse=True)[1]
        nodes += np.unique(function[low != high]).size
        expected = np.where(low == high, expected[::2], 1 + (expected[::2] + expected[1::2]) / 2)
    return nodes, float(expected[0])


@dataclass(frozen=True)
class _Lattice:
    """The cubes for given class sizes, by number of free bits, and among those by group: the same free bits."""

    group: Int[np.ndarray, " cube"]
    low: Int32[np.ndarray, "class cube"]
    """The cube after a free bit of the class is fixed to 0; the cube itself where the class has none."""
    high: Int32[np.ndarray, "class cube"]
    split_low: Int32[np.ndarray, " cube"]
    """The same, for the first class that has a free bit."""
    split_high: Int32[np.ndarray, " cube"]
    below: Int[np.ndarray, "class group"]
    """The group after a free bit of the class is fixed."""
    layers: tuple[tuple[slice, slice], ...]
    """Cubes and groups with 1, 2, ... free bits."""


def _cube_count(sizes: tuple[int, ...]) -> int:
    return prod(comb(size + 2, 2) for size in sizes)


def _lattice(sizes: tuple[int, ...]) -> _Lattice:
    return _small_lattice(sizes) if _cube_count(sizes) <= _SMALL else _large_lattice(sizes)


def _build_lattice(sizes: tuple[int, ...]) -> _Lattice:
    # A class in a cube is a pair (ones, zeros) of counts. Pairs are numbered by ones first, so that the cubes without
    # a free bit come in the order of the table over counts.
    pairs = [[(ones, zeros) for ones in range(size + 1) for zeros in range(size + 1 - ones)] for size in sizes]
    shape = tuple(len(states) for states in pairs)
    strides = [prod(shape[j + 1 :]) for j in range(len(sizes))]
    total = prod(shape)
    free, code = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for j, (size, states) in enumerate(zip(sizes, pairs, strict=True)):
        left = np.array([size - ones - zeros for ones, zeros in states], np.int32)
        left = left.reshape([-1 if axis == j else 1 for axis in range(len(sizes))])
        free += left
        code = code * (size + 1) + left
    free, code = free.ravel(), code.ravel()
    order = np.lexsort((code, free)).astype(np.int32)
    rank = np.empty_like(order)
    rank[order] = np.arange(total, dtype=np.int32)
    free = free[order]
    _, first, group = np.unique(free * np.int64(code.max() + 1) + code[order], return_index=True, return_inverse=True)
    low, high = np.empty((2, len(sizes), total), np.int32)
    for j, states in enumerate(pairs):
        number = {state: i for i, state in enumerate(states)}
        state_of = order // strides[j] % shape[j]
        for child, one, zero in ((low, 0, 1), (high, 1, 0)):
            step = [(number.get((a + one, b + zero), i) - i) * strides[j] for i, (a, b) in enumerate(states)]
            child[j] = rank[order + np.array(step, np.int32)[state_of]]
    cube = np.arange(total)
    split = (low != cube).argmax(axis=0)
    bits = np.arange(1, sum(sizes) + 2)
    cubes, groups = np.searchsorted(free, bits), np.searchsorted(free[first], bits)
    return _Lattice(
        group=group,
        low=low,
        high=high,
        split_low=low[split, cube],
        split_high=high[split, cube],
        below=group[low[:, first]],
        layers=tuple(
            (slice(*cubes[layer : layer + 2].tolist()), slice(*groups[layer : layer + 2].tolist()))
            for layer in range(sum(sizes))
        ),
    )


_small_lattice = lru_cache(maxsize=256)(_build_lattice)
_large_lattice = lru_cache(maxsize=2)(_build_lattice)
