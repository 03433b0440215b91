"""Truth-table measures against brute force and under the laws that they must obey."""

from itertools import pairwise, permutations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox import measures
from elk_sandbox.measures import Reads, Size, complexity, influence, reads, relevant


def table(function, n):
    return np.array([function(*bits) for bits in product((0, 1), repeat=n)]).reshape((2,) * n)


@st.composite
def tables(draw, least=0, most=4, terminals=(0.0, 1.0)):
    n = draw(st.integers(least, most))
    values = draw(st.lists(st.sampled_from(terminals), min_size=2**n, max_size=2**n))
    return np.array(values).reshape((2,) * n)


three_terminals = (0.1, 0.5, 0.9)


def diagram_nodes(t, order):
    """Node count of the reduced diagram in one order: top down, hash-consed, plain Python."""
    unique = {}

    def build(sub):
        if sub.ndim == 0:
            return float(sub)
        low, high = build(sub[0]), build(sub[1])
        if low == high:
            return low
        return unique.setdefault((sub.ndim, low, high), ("node", len(unique)))

    build(t.transpose(order))
    return len(unique)


def fewest_nodes(t):
    return min(diagram_nodes(t, order) for order in permutations(range(t.ndim)))


def fewest_reads(t):
    """Expected reads of the best decision tree, by trying every variable at every node."""
    if np.all(t == t.flat[0]):
        return 0.0
    return 1 + min((fewest_reads(t.take(0, i)) + fewest_reads(t.take(1, i))) / 2 for i in range(t.ndim))


def influence_by_enumeration(t):
    flips = 0
    for bits in product((0, 1), repeat=t.ndim):
        for i in range(t.ndim):
            flipped = (*bits[:i], 1 - bits[i], *bits[i + 1 :])
            flips += t[bits] != t[flipped]
    return flips / 2**t.ndim


def without_symmetry(monkeypatch):
    """Every bit its own class: the plain dynamic programmes over sets of variables and over subcubes."""
    monkeypatch.setattr(measures, "_by_counts", lambda t: ((1,) * t.ndim, t))


def fresh(t):
    """Both measures without the memo."""
    key = t.tobytes(), t.dtype.str, t.ndim
    return measures._complexity.__wrapped__(*key), measures._reads.__wrapped__(*key)


# --- brute force ---


@settings(deadline=None)
@given(tables() | tables(terminals=three_terminals))
def test_complexity_is_the_least_over_all_orders(t):
    assert complexity(t) == Size(fewest_nodes(t), exact=True)


@settings(max_examples=15, deadline=None)
@given(tables(5, 5) | tables(5, 5, terminals=three_terminals))
def test_complexity_of_five_bits_is_the_least_over_all_orders(t):
    assert complexity(t).nodes == fewest_nodes(t)


@settings(deadline=None)
@given(tables() | tables(terminals=three_terminals))
def test_reads_is_the_least_over_all_trees(t):
    assert reads(t) == Reads(fewest_reads(t), exact=True)


@settings(deadline=None)
@given(tables(0, 5) | tables(0, 5, terminals=three_terminals))
def test_influence_and_relevant_by_enumeration(t):
    assert influence(t) == influence_by_enumeration(t)
    matters = {
        i
        for bits in product((0, 1), repeat=t.ndim)
        for i in range(t.ndim)
        if t[bits] != t[(*bits[:i], 1 - bits[i], *bits[i + 1 :])]
    }
    assert relevant(t) == tuple(sorted(matters))


def test_every_function_of_three_bits():
    for code in range(256):
        t = np.array([code >> i & 1 for i in range(8)], np.int8).reshape(2, 2, 2)
        assert complexity(t).nodes == fewest_nodes(t)
        assert reads(t).value == fewest_reads(t)


# --- laws ---


@settings(deadline=None)
@given(tables(1, 6, terminals=three_terminals), st.data())
def test_measures_do_not_depend_on_order_or_polarity(t, data):
    order = data.draw(st.permutations(range(t.ndim)))
    flipped = data.draw(st.sets(st.sampled_from(range(t.ndim))))
    for other in (np.flip(t.transpose(order), tuple(flipped)), 1 - t):
        assert complexity(other) == complexity(t)
        assert reads(other) == reads(t)
        assert influence(other) == influence(t)
        assert len(relevant(other)) == len(relevant(t))


@settings(deadline=None)
@given(tables(0, 5), st.data())
def test_an_axis_that_does_not_matter_changes_nothing(t, data):
    axis = data.draw(st.integers(0, t.ndim))
    other = np.stack([t, t], axis)
    assert (complexity(other), reads(other), influence(other)) == (complexity(t), reads(t), influence(t))
    assert axis not in relevant(other)


@settings(deadline=None)
@given(tables(0, 6) | tables(0, 6, terminals=three_terminals))
def test_influence_reads_dependence_and_nodes_are_in_this_order(t):
    """Flipping a bit that the tree did not read changes nothing, and each bit that matters needs a node."""
    assert influence(t) <= reads(t).value + 1e-12
    assert reads(t).value <= len(relevant(t)) <= complexity(t).nodes


@settings(deadline=None)
@given(tables(1, 5), st.data())
def test_fixing_a_bit_never_adds_nodes_nor_reads_on_average(t, data):
    axis = data.draw(st.integers(0, t.ndim - 1))
    parts = [np.asarray(t.take(bit, axis)) for bit in (0, 1)]
    assert max(complexity(part).nodes for part in parts) <= complexity(t).nodes
    assert sum(reads(part).value for part in parts) / 2 <= reads(t).value


@settings(deadline=None)
@given(tables(0, 5))
def test_softened_answers_cost_the_same(t):
    soft = np.where(t == 1, 0.9, 0.1)
    assert (complexity(soft), reads(soft), influence(soft)) == (complexity(t), reads(t), influence(t))


@settings(deadline=None)
@given(tables(0, 4))
def test_dtype_does_not_matter(t):
    for dtype in (bool, np.int8, np.int64, np.float32):
        assert (complexity(t.astype(dtype)), reads(t.astype(dtype))) == (complexity(t), reads(t))


# --- exchangeable bits ---


@st.composite
def symmetric_tables(draw):
    """A table over counts of classes, spread over shuffled axes, some of them complemented."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).filter(lambda s: 2 <= sum(s) <= 7))
    over_counts = {
        ones: draw(st.sampled_from(three_terminals)) for ones in product(*(range(size + 1) for size in sizes))
    }
    ends = np.cumsum([0, *sizes])
    t = table(lambda *bits: over_counts[tuple(sum(bits[a:b]) for a, b in pairwise(ends))], sum(sizes))
    order = draw(st.permutations(range(t.ndim)))
    return np.flip(t.transpose(order), tuple(draw(st.sets(st.sampled_from(range(t.ndim))))))


@settings(deadline=None)
@given(symmetric_tables())
def test_counts_of_exchangeable_bits_give_what_the_plain_programme_gives(t):
    with_counts = fresh(t)
    with pytest.MonkeyPatch.context() as patch:
        without_symmetry(patch)
        assert fresh(t) == with_counts


@settings(deadline=None)
@given(symmetric_tables())
def test_classes_are_the_transpositions_that_leave_the_table_unchanged(t):
    """Compared with all pairs, each tried with and without a complement; classes must be equivalence classes."""
    kept = relevant(t)
    t = t[tuple(slice(None) if axis in kept else 0 for axis in range(t.ndim))]

    def exchangeable(i, j):
        return any(
            np.array_equal(t, np.flip(t.swapaxes(i, j), flipped)) for flipped in ((), (i, j))
        )  # complementing both after a swap = complementing one of them before and after

    classes = {frozenset(j for j in range(t.ndim) if i == j or exchangeable(i, j)) for i in range(t.ndim)}
    assert sum(len(members) for members in classes) == t.ndim
    sizes, over_counts = measures._by_counts(np.unique(t, return_inverse=True)[1].reshape(t.shape))
    assert sorted(sizes) == sorted(len(members) for members in classes)
    assert over_counts.shape == tuple(size + 1 for size in sizes)


def test_random_polarity_keeps_the_classes_of_a_majority():
    t = np.flip(table(lambda *bits: int(sum(bits) > 4), 9), (0, 3, 4, 8))
    assert measures._by_counts(t)[0] == (9,)


def test_twelve_bits_without_symmetry_are_exact():
    rng = np.random.default_rng(0)
    t = rng.integers(0, 2, (2,) * 12)
    size, time = complexity(t), reads(t)
    assert size.exact and time.exact
    assert size.nodes <= min(diagram_nodes(t, rng.permutation(12)) for _ in range(5))
    assert influence(t) <= time.value <= 12


def test_more_than_twelve_bits_without_symmetry_give_the_stated_order():
    t = np.random.default_rng(2).integers(0, 2, (2,) * 13)
    assert complexity(t) == Size(diagram_nodes(t, range(13)), exact=False)
    bound = reads(t)
    assert not bound.exact and influence(t) <= bound.value <= 13


@settings(max_examples=50, deadline=None)
@given(tables(0, 4) | tables(0, 4, terminals=three_terminals))
def test_the_stated_order_against_one_order(t):
    nodes, expected = measures._in_axis_order(np.unique(t, return_inverse=True)[1].reshape(t.shape))

    def path(sub):
        if sub.ndim == 0:
            return 0
        below = (path(sub[0]) + path(sub[1])) / 2
        return below if np.array_equal(sub[0], sub[1]) else 1 + below

    assert nodes == diagram_nodes(t, range(t.ndim)) >= complexity(t).nodes
    assert expected == path(t) >= reads(t).value


def test_cubes_bound():
    assert measures._cube_count((1,) * 12) == measures.CUBES
    assert measures._cube_count((11, 1, 1)) == comb(13, 2) * 3 * 3


# --- bad input ---


@pytest.mark.parametrize("measure", [complexity, reads, influence, relevant])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((2, 3)), r"shape \(2,\) \* n, got \(2, 3\)"),
        (np.array([0.0, np.nan]), "nan"),
        (np.array(["yes", "no"]), "numbers"),
    ],
)
def test_bad_tables_are_refused(measure, bad, message):
    with pytest.raises(ValueError, match=message):
        measure(bad)
