"""Best-of-n against every subset, order statistics of the normal, exact tilts, and populations with known atoms."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from rlhf_lab.best_of_n import ENOUGH, best_of_n, frontier, kl, kl_with_ties, size_of, sizes, weights

MAX_OF_NORMALS = {1: 0.0, 2: 0.564190, 4: 1.029375, 16: 1.765991, 64: 2.343733, 256: 2.826863, 1000: 3.241436}
KL = {2: 0.193147, 4: 0.636294, 16: 1.835089, 64: 3.174508, 256: 4.549084, 1000: 5.908755}


def by_enumeration(proxy: np.ndarray, n: int) -> np.ndarray:
    """Every subset of n is as likely as another, and so is every one of those that share its highest proxy."""
    found = np.zeros(len(proxy))
    for subset in combinations(range(len(proxy)), n):
        best = [i for i in subset if proxy[i] == max(proxy[list(subset)])]
        found[best] += 1 / len(best) / comb(len(proxy), n)
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-2, 3), min_size=1, max_size=9), st.data())
def test_weights_are_those_of_every_subset(scores: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(scores)))
    proxy = np.array(scores, dtype=np.float64)
    np.testing.assert_allclose(weights(proxy, n), by_enumeration(proxy, n), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 100, 16_383, 16_384])
def test_weights_of_a_large_pool_sum_to_one_and_agree_with_whole_numbers(n: int) -> None:
    pool = 16_384
    found = weights(np.arange(pool, dtype=np.float64), n)
    assert abs(found.sum() - 1) < 1e-12
    for rank in (n, (n + pool) // 2, pool):
        exact = comb(rank - 1, n - 1) / comb(pool, n) if n < 200 else None
        if exact is not None:
            assert found[rank - 1] == pytest.approx(exact, rel=1e-9)
    assert found[-1] == pytest.approx(n / pool, rel=1e-12)


def test_ties_are_the_average_over_random_orders() -> None:
    rng = np.random.default_rng(0)
    proxy, gold = rng.integers(0, 4, 40).astype(float), rng.normal(size=40)
    exact = weights(proxy, 5) @ gold
    broken = []
    for _ in range(4000):
        rank = np.lexsort((rng.random(40), proxy)).argsort().astype(float)
        broken.append(weights(rank, 5) @ gold)
    assert abs(np.mean(broken) - exact) < 4 * np.std(broken) / np.sqrt(len(broken))


def test_the_estimator_is_unbiased_for_normal_scores() -> None:
    """Gold = rho proxy + noise: its best-of-n gains rho E[max of n normals] (closed forms of oversight.md 3)."""
    rng, rho, pool, repeats = np.random.default_rng(1), 0.6, 400, 600
    asked = [n for n in MAX_OF_NORMALS if n <= 256]
    proxy = rng.normal(size=(repeats, pool))
    gold = rho * proxy + 0.8 * rng.normal(size=(repeats, pool))
    for n in asked:
        w = weights(np.arange(pool, dtype=float), n)
        order = proxy.argsort(axis=1)
        found = np.take_along_axis(gold, order, axis=1) @ w
        assert abs(found.mean() - rho * MAX_OF_NORMALS[n]) < 3.5 * found.std() / np.sqrt(repeats)


@pytest.mark.parametrize("tail, expected, tolerance", [("normal", 2.30, 0.1), ("cauchy", 0.04, 0.12)])
def test_heavy_tails_make_the_proxy_worthless(tail: str, expected: float, tolerance: float) -> None:
    rng, pool = np.random.default_rng(2), 200_000
    gold = rng.normal(size=pool)
    error = rng.normal(size=pool) if tail == "normal" else rng.standard_cauchy(pool)
    assert weights(gold + error, 1024) @ gold == pytest.approx(expected, abs=tolerance)


def test_kl_is_the_integral_and_its_table() -> None:
    for n, nats in KL.items():
        assert kl(np.array(float(n))) == pytest.approx(nats, abs=1e-6)
        integral = integrate.quad(lambda u, n=n: n * u ** (n - 1) * (np.log(n) + (n - 1) * np.log(u)), 0, 1)[0]
        assert kl(np.array(float(n))) == pytest.approx(integral, abs=1e-7)
    assert size_of(10.0) == pytest.approx(59_873, rel=1e-4)  # e^11, as oversight.md rounds it


@given(st.floats(1.0, 1e12))
def test_size_of_inverts_kl(n: float) -> None:
    assert kl(np.array(size_of(float(kl(np.array(n)))))) == pytest.approx(float(kl(np.array(n))), abs=1e-9)


def test_size_of_at_the_edges() -> None:
    assert size_of(0.0) == 1
    assert np.isnan(size_of(-1.0))
    assert size_of(5000.0) == np.inf


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30), st.integers(1, 40))
def test_kl_with_ties_of_a_finite_alphabet(scores: list[int], n: int) -> None:
    """The pool twice over is all ties: then best-of-n with replacement is a distribution over finitely many scores."""
    proxy = np.array(scores * 2, dtype=float)
    _, counts = np.unique(proxy, return_counts=True)
    p = counts / counts.sum()
    q = np.diff(np.concatenate(([0.0], np.cumsum(p))) ** n)
    found = kl_with_ties(proxy, n)
    assert found == pytest.approx(stats.entropy(q / q.sum(), p), abs=1e-9)
    assert found <= kl(np.array(float(n))) + 1e-12


def test_kl_with_ties_is_the_bound_without_ties() -> None:
    proxy = np.random.default_rng(3).normal(size=500)
    for n in (1, 2, 37, 500):
        assert kl_with_ties(proxy, n) == pytest.approx(float(kl(np.array(float(n)))), abs=1e-9)


def test_errors_are_those_of_fresh_pools() -> None:
    """The bootstrap's standard error beside the spread of the estimate over 300 independent pools, ties included."""
    rng, asked = np.random.default_rng(4), np.array([1, 4, 16, 64])

    def pool() -> tuple[np.ndarray, np.ndarray]:
        proxy = np.round(rng.normal(size=1500), 1)
        return proxy, 0.5 * proxy + rng.normal(size=1500)

    fresh = [best_of_n(*pool(), asked, rng, draws=2) for _ in range(300)]
    found = best_of_n(*pool(), asked, rng, draws=400)
    assert found.tied > 0.9
    assert (found.kl_with_ties[1:] < found.kl[1:]).all()
    np.testing.assert_allclose(found.gold_error, np.std([f.gold for f in fresh], axis=0), rtol=0.25)
    np.testing.assert_allclose(found.proxy_error, np.std([f.proxy for f in fresh], axis=0), rtol=0.3)
    np.testing.assert_allclose(found.gold_draws.mean(axis=0), found.gold, atol=3 * found.gold_error.max())


def test_the_result_is_the_weights() -> None:
    rng = np.random.default_rng(5)
    proxy, gold = np.round(rng.normal(size=200), 1), rng.normal(size=200)
    asked = np.array([1, 3, 20, 200])
    found = best_of_n(proxy, gold, asked, rng, draws=3)
    for k, n in enumerate(asked):
        w = weights(proxy, int(n))
        assert found.gold[k] == pytest.approx(w @ gold, abs=1e-12)
        assert found.proxy[k] == pytest.approx(w @ proxy, abs=1e-12)
        assert found.effective[k] == pytest.approx(1 / (w @ w), rel=1e-9)
    assert found.gold[0] == pytest.approx(gold.mean(), abs=1e-12)
    assert np.isnan(found.gold_error[found.effective < ENOUGH]).all()
    assert np.isfinite(found.gold_error[found.effective >= ENOUGH]).all()


def test_default_sizes_have_enough_behind_them() -> None:
    for pool in (1, 50, 4096, 16_384):
        asked = sizes(pool)
        assert asked[0] == 1 and (np.diff(asked) > 0).all()
        assert 1 / (weights(np.arange(pool, dtype=float), int(asked[-1])) ** 2).sum() >= min(pool, 0.95 * ENOUGH)


def test_the_frontier_of_normal_scores() -> None:
    """Tilting N(0, 1) by exp(L x) is N(L, 1), KL = L^2 / 2: proxy sqrt(2 KL), gold rho times that."""
    rng, pool, rho = np.random.default_rng(6), 200_000, 0.7
    proxy = rng.normal(size=pool)
    gold = rho * proxy + rng.normal(size=pool)
    nats = np.array([0.0, 0.1, 0.5, 1.0, 2.0])
    found = frontier(proxy, gold, nats)
    np.testing.assert_allclose(found.strength, np.sqrt(2 * nats), atol=0.03)
    np.testing.assert_allclose(found.proxy, np.sqrt(2 * nats), atol=0.02)
    assert (np.abs(found.gold - rho * np.sqrt(2 * nats)) < 4 * found.gold_error + 0.01).all()
    assert found.gold_error[0] == pytest.approx(gold.std() / np.sqrt(pool), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 1.5))
def test_nothing_at_the_same_kl_beats_the_frontier(seed: int, nats: float) -> None:
    """Random reweightings of the pool, each beside the frontier at its own KL; and best-of-n below it."""
    rng = np.random.default_rng(seed)
    proxy = rng.normal(size=400)
    q = np.exp(rng.normal(size=400) + rng.uniform(0, 1) * proxy)
    q /= q.sum()
    rivals = [(float(stats.entropy(q, np.full(400, 1 / 400))), q @ proxy)]
    rivals += [(float(stats.entropy(w, np.full(400, 1 / 400))), w @ proxy) for w in (weights(proxy, 3),)]
    for distance, reached in rivals:
        found = frontier(proxy, proxy, np.array([distance, nats]))
        assert found.proxy[0] >= reached - 1e-9
    w = np.exp(found.strength[1] * proxy)
    w /= w.sum()
    assert stats.entropy(w, np.full(400, 1 / 400)) == pytest.approx(nats, abs=1e-8)


def test_the_frontier_ends_where_the_pool_does() -> None:
    proxy = np.random.default_rng(7).normal(size=1000)
    found = frontier(proxy, proxy, np.array([1.0, 5.0, np.log(1000) + 0.1]))
    assert np.isfinite(found.gold[0]) and np.isnan(found.gold[1:]).all()
    assert found.effective[1] < ENOUGH and np.isnan(found.effective[2])


@pytest.mark.parametrize(
    "proxy, n, words", [([1.0, 2.0], 3, "best of 3 from a pool of 2"), ([1.0, np.nan], 1, "finite"), ([], 1, "one")]
)
def test_what_makes_no_sense_is_refused(proxy: list[float], n: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        weights(np.array(proxy), n)
