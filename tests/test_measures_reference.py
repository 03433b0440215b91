"""Truth-table measures of known functions: reference/elk.md section 3, closed forms, and the largest sizes."""

from functools import lru_cache
from itertools import product
from math import comb

import numpy as np
import pytest

from elk_sandbox import measures
from elk_sandbox.measures import Reads, Size, complexity, influence, reads, relevant


def table(function, n):
    return np.array([function(*bits) for bits in product((0, 1), repeat=n)]).reshape((2,) * n)


def majority(*bits):
    return int(2 * sum(bits) > len(bits))


@lru_cache
def majority_reads(n):
    """Reads of a majority do not depend on the order, so they are a walk over (ones, zeros)."""

    @lru_cache
    def left(ones, zeros):
        return 0.0 if 2 * max(ones, zeros) > n else 1 + (left(ones + 1, zeros) + left(ones, zeros + 1)) / 2

    return left(0, 0)


@pytest.mark.parametrize(
    ("n", "k", "t", "i"),
    [
        (3, 4, 2.5, 1.5),
        (5, 9, 4.125, 1.875),
        (7, 16, 5.8125, 2.1875),
        (9, 25, 7.5391, 2.4609),
        (11, 36, 9.2930, 2.7070),
    ],
)
def test_majority_of_atoms(n, k, t, i):
    d = table(majority, n)
    assert complexity(d) == Size(k, exact=True) and k == ((n + 1) // 2) ** 2
    assert reads(d).value == majority_reads(n) == pytest.approx(t, abs=5e-5)
    assert influence(d) == n * comb(n - 1, (n - 1) // 2) / 2 ** (n - 1) == pytest.approx(i, abs=5e-5)
    assert relevant(d) == tuple(range(n))


@pytest.mark.parametrize("n", [3, 5, 7, 9, 11])
def test_early_exit(n):
    k, t = ((n + 1) // 2) ** 2, majority_reads(n)
    through_m = table(lambda m, *u: m and majority(*u), n + 1)
    through_m_and_t = table(lambda m, s, *u: m and (not s or majority(*u)), n + 2)
    assert (complexity(through_m), reads(through_m)) == (Size(k + 1, True), Reads(1 + t / 2, True))
    assert (complexity(through_m_and_t), reads(through_m_and_t)) == (Size(k + 2, True), Reads(1.5 + t / 4, True))


@pytest.mark.parametrize("n", [3, 5, 7])
def test_fingerprints(n):
    constant_no = table(lambda m, *s: m if all(s) else 0, n + 1)
    not_m = table(lambda m, *s: m if all(s) else 1 - m, n + 1)
    assert (complexity(constant_no).nodes, reads(constant_no).value) == (n + 1, 2 - 0.5**n)
    assert (complexity(not_m).nodes, reads(not_m).value) == (n + 2, 3 - 0.5 ** (n - 1))


@pytest.mark.parametrize(("checked", "constant_no", "not_m"), [(0, 1, 1), (1, 2, 3), (2, 3, 4), (3, 4, 5), (5, 6, 7)])
def test_fingerprints_of_some_bits(checked, constant_no, not_m):
    for garbage, nodes in ((lambda m: 0, constant_no), (lambda m: 1 - m, not_m)):
        t = table(lambda m, *s, g=garbage: m if all(s) else g(m), checked + 1)
        assert complexity(t).nodes == nodes


def test_fingerprint_with_flag():
    garbage = {7: lambda m, t: 0, 8: lambda m, t: 1 - m, 9: lambda m, t: 1 - (m & (1 - t))}
    for nodes, wrong in garbage.items():
        t = table(lambda m, t, *s, g=wrong: m & (1 - t) if all(s) else g(m, t), 7)
        assert complexity(t).nodes == nodes


def test_difference_from_an_earlier_reporter_that_read_one_atom():
    assert complexity(table(lambda m, u: m ^ u, 2)).nodes == 3
    assert complexity(table(lambda *u: majority(*u) ^ u[0], 5)).nodes == 10


def test_influence_of_early_exit():
    """The least influence of an honest function of (u, m), n = 5, is below that of the early exit."""
    assert influence(table(lambda m, *u: m and majority(*u), 6)) == 1.4375


def test_flag_reporter():
    flag = table(lambda m, t: m and not t, 2)
    assert (complexity(flag).nodes, reads(flag).value) == (2, 1.5)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 12, 14])
def test_parity(n):
    t = np.indices((2,) * n).sum(axis=0) % 2
    assert (complexity(t), reads(t), influence(t)) == (Size(2 * n - 1, True), Reads(float(n), True), n)


@pytest.mark.parametrize("n", [0, 1, 4, 13])
def test_constants_cost_nothing(n):
    t = np.full((2,) * n, 0.7)
    assert (complexity(t), reads(t), influence(t), relevant(t)) == (Size(0, True), Reads(0.0, True), 0, ())


def test_one_variable_among_many():
    t = np.indices((2,) * 6)[4]
    assert (complexity(t).nodes, reads(t).value, influence(t), relevant(t)) == (1, 1, 1, (4,))


def test_order_matters_and_is_found():
    """x1 y1 + x2 y2 + x3 y3 + x4 y4: 8 nodes with pairs together, 30 with all x before all y."""
    t = table(lambda *b: int(any(b[i] and b[i + 4] for i in range(4))), 8)
    assert complexity(t) == Size(8, exact=True)
    assert measures._in_axis_order(t)[0] == 30


def test_multiplexer():
    """Two address bits choose one of four data bits: read the address, then the data."""
    t = table(lambda a, b, *data: data[2 * a + b], 6)
    assert (complexity(t).nodes, reads(t).value, influence(t)) == (7, 3, 2 * 0.5 + 4 * 0.25)


def test_majority_of_eleven_and_two_more():
    t = table(lambda m, s, *u: m and (not s or majority(*u)), 13)
    shuffled = np.flip(t.transpose(np.random.default_rng(1).permutation(13)), (2, 5, 11))
    for each in (t, shuffled):
        assert complexity(each) == Size(38, exact=True)
        assert reads(each) == Reads(1.5 + majority_reads(11) / 4, exact=True)
