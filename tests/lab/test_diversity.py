"""Diversity against counting by hand, over sets and pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rlhf_lab.diversity import distinct, duplicates, overlap

completions = st.tuples(st.integers(2, 6), st.integers(3, 6)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 3))
)


def grams(row: np.ndarray, n: int) -> list[tuple[int, ...]]:
    return [tuple(row[k : k + n].tolist()) for k in range(len(row) - n + 1)]


@given(completions, st.integers(1, 3))
def test_all_of_them_by_counting(tokens: np.ndarray, n: int) -> None:
    listed = [gram for row in tokens for gram in grams(row, n)]
    assert distinct(tokens, n) == pytest.approx(len(set(listed)) / len(listed))
    rows = tokens.tolist()
    assert duplicates(tokens) == pytest.approx(sum(rows.count(row) > 1 for row in rows) / len(rows))
    sets = [set(grams(row, n)) for row in tokens]
    shared = np.mean([len(a & b) for a, b in combinations(sets, 2)])
    assert overlap(tokens, n) == pytest.approx(shared / np.mean([len(s) for s in sets]))


def test_the_ends_of_the_scale() -> None:
    same, different = np.tile(np.arange(8), (5, 1)), np.arange(40).reshape(5, 8)
    assert (duplicates(same), overlap(same), distinct(same)) == pytest.approx((1, 1, 1 / 5))
    assert (duplicates(different), overlap(different), distinct(different)) == (0, 0, 1)


def test_what_is_not_there_is_nan() -> None:
    nothing = np.zeros((0, 8), dtype=np.int64)
    assert np.isnan([distinct(nothing), duplicates(nothing), overlap(nothing)]).all()
    assert np.isnan([overlap(np.ones((1, 8), dtype=np.int64)), distinct(np.ones((3, 1), dtype=np.int64))]).all()
    with pytest.raises(ValueError, match="at least one token"):
        distinct(np.ones((2, 2), dtype=np.int64), 0)
