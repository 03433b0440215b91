"""The statistics of a blind rating against scipy, statsmodels, scikit-learn, published numbers and enumeration."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from rlhf_lab.blind_rating import alpha, compare, compare_arms, kappa, power, proportion

BEFORE = np.array([0.35, 0.40, 0.25])


def ratings(size: st.SearchStrategy[int]) -> st.SearchStrategy[np.ndarray]:
    return size.flatmap(lambda n: st.lists(st.sampled_from([-1, 0, 1]), min_size=n, max_size=n)).map(
        lambda values: np.array(values, dtype=np.int64)
    )


def positive(share: float) -> np.ndarray:
    return np.array([(1 - share) / 2, (1 - share) / 2, share])


@settings(max_examples=60, deadline=None)
@given(ratings(st.integers(10, 40)), ratings(st.integers(10, 40)))
def test_large_arms_are_scipys(a: np.ndarray, b: np.ndarray) -> None:
    found = compare(("a", "b"), a, b)
    expected = stats.mannwhitneyu(b, a, method="asymptotic")
    assert found.method == "asymptotic"
    assert found.u == expected.statistic
    if len({*a, *b}) > 1:
        assert found.mann_whitney == pytest.approx(expected.pvalue, abs=1e-12)
    else:
        assert found.mann_whitney == 1
    table = [[(a == 1).sum(), (a != 1).sum()], [(b == 1).sum(), (b != 1).sum()]]
    assert found.fisher == pytest.approx(stats.fisher_exact(table).pvalue)


@settings(max_examples=25, deadline=None)
@given(ratings(st.integers(1, 5)), ratings(st.integers(1, 6)))
def test_small_arms_are_every_way_to_deal_the_ratings(a: np.ndarray, b: np.ndarray) -> None:
    found = compare(("a", "b"), a, b)
    pooled, n = np.concatenate([a, b]), len(a)

    def distance(chosen: tuple[int, ...]) -> float:
        first = pooled[list(chosen)]
        second = np.delete(pooled, chosen)
        u = sum((y > x) + (y == x) / 2 for x in first for y in second)
        return abs(u - n * len(b) / 2)

    dealt = [distance(chosen) for chosen in combinations(range(len(pooled)), n)]
    assert found.method == "exact"
    assert found.mann_whitney == pytest.approx(np.mean(np.array(dealt) >= distance(tuple(range(n))) - 1e-9))


def test_exact_p_of_nine_is_scipys_enumeration() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-1, 2, 8), np.maximum(rng.integers(-1, 2, 9), 0)
    expected = stats.mannwhitneyu(b, a, method=stats.PermutationMethod(n_resamples=30_000), alternative="two-sided")
    assert compare(("a", "b"), a, b).mann_whitney == pytest.approx(expected.pvalue, abs=1e-9)


def test_three_against_three_can_never_be_significant() -> None:
    """The normal approximation would say .046; of 20 ways to deal them 2 are as extreme."""
    found = compare(("a", "b"), np.array([-1, -1, -1]), np.array([1, 1, 1]))
    assert found.mann_whitney == pytest.approx(0.1)
    assert found.superiority == 1


@pytest.mark.parametrize("before, after", [((6, 20), (16, 20)), ((0, 20), (20, 20)), ((3, 7), (9, 31))])
def test_shares_and_their_difference(before: tuple[int, int], after: tuple[int, int]) -> None:
    a, b = (np.repeat([1, 0], [k, n - k]) for k, n in (before, after))
    found = compare(("a", "b"), a, b)
    expected = confint_proportions_2indep(*after, *before, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert found.difference == pytest.approx(after[0] / after[1] - before[0] / before[1])
    for share, (k, n) in zip(found.positive, (before, after), strict=True):
        low = stats.beta.ppf(0.025, k, n - k + 1) if k else 0.0
        high = stats.beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
        assert (share.low, share.high) == pytest.approx((low, high))


def test_an_arm_without_ratings_is_nan_with_its_count() -> None:
    found = compare(("a", "b"), np.array([1, 0, -1, 1]), np.zeros(0, dtype=np.int64))
    assert found.counts == ((1, 1, 2), (0, 0, 0))
    undefined = (found.difference, found.low, found.fisher, found.u, found.superiority, found.mann_whitney)
    assert np.isnan(undefined).all() and np.isnan(found.positive[1].share) and found.positive[1].trials == 0


def test_what_is_no_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="-1, 0 or 1, not 3"):
        compare(("a", "b"), np.array([0, 3]), np.array([0]))
    with pytest.raises(ValueError, match="5 of 4"):
        proportion(5, 4)


@pytest.mark.parametrize("after, percent", [(0.60, 35), (0.70, 60), (0.75, 73), (0.80, 85)])
def test_power_of_fisher_is_that_of_the_reference(after: float, percent: int) -> None:
    """rlhf.md 6.5: 20 against 20, from a positive share of .30."""
    assert round(100 * power((20, 20), positive(0.3), positive(after)).fisher) == percent


@pytest.mark.parametrize("after, percent", [((0.15, 0.35, 0.50), 44), ((0.05, 0.30, 0.65), 87)])
def test_power_of_mann_whitney_is_near_that_of_the_reference(after: tuple[float, ...], percent: int) -> None:
    """rlhf.md 6.5 has 44 % and 87 %; over all tables it is 44.6 % and 85.4 %."""
    assert 100 * power((20, 20), BEFORE, np.array(after)).mann_whitney == pytest.approx(percent, abs=2)


@pytest.mark.parametrize("size", [(20, 20), (12, 25)])
def test_power_is_the_share_of_simulated_sheets(size: tuple[int, int]) -> None:
    rng, after, sheets = np.random.default_rng(1), np.array([0.1, 0.3, 0.6]), 4000
    first = rng.choice([-1, 0, 1], (sheets, size[0]), p=BEFORE)
    second = rng.choice([-1, 0, 1], (sheets, size[1]), p=after)
    expected = power(size, BEFORE, after)
    ranks = stats.mannwhitneyu(first, second, axis=1, method="asymptotic").pvalue
    assert np.mean(ranks < 0.05) == pytest.approx(expected.mann_whitney, abs=0.03)
    positives, times = np.unique([(first == 1).sum(axis=1), (second == 1).sum(axis=1)], axis=1, return_counts=True)
    p = [stats.fisher_exact([[a, size[0] - a], [b, size[1] - b]]).pvalue for a, b in positives.T]
    assert times @ (np.array(p) < 0.05) / sheets == pytest.approx(expected.fisher, abs=0.03)


def test_power_for_few_ratings_is_of_the_exact_test() -> None:
    rng, after = np.random.default_rng(2), np.array([0.1, 0.1, 0.8])
    sheets = [(rng.choice([-1, 0, 1], 6, p=BEFORE), rng.choice([-1, 0, 1], 7, p=after)) for _ in range(500)]
    found = np.mean([compare(("a", "b"), *sheet).mann_whitney < 0.05 for sheet in sheets])
    assert found == pytest.approx(power((6, 7), BEFORE, after).mann_whitney, abs=0.07)


@pytest.mark.parametrize("size", [(5, 5), (9, 9), (20, 20), (40, 40)])
@pytest.mark.parametrize("rates", [(0.35, 0.4, 0.25), (0.1, 0.8, 0.1), (0.5, 0.0, 0.5)])
def test_no_effect_is_rarely_found(size: tuple[int, int], rates: tuple[float, ...]) -> None:
    found = power(size, np.array(rates), np.array(rates))
    assert found.fisher <= 0.05
    assert found.mann_whitney <= (0.05 if size[0] < 10 else 0.0575)


def test_power_grows_with_ratings() -> None:
    few, many = (power((n, n), BEFORE, np.array([0.15, 0.35, 0.5])) for n in (20, 40))
    assert many.fisher > few.fisher + 0.2 and many.mann_whitney > few.mann_whitney + 0.2


def test_power_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="must sum to 1"):
        power((20, 20), BEFORE, np.array([0.5, 0.5, 0.5]))
    with pytest.raises(ValueError, match="not 0 and 20"):
        power((0, 20), BEFORE, BEFORE)


def test_three_arms_are_corrected_over_their_pairs() -> None:
    rng = np.random.default_rng(2)
    arms = {name: rng.choice([-1, 0, 1], 25, p=p) for name, p in (
        ("original", BEFORE), ("checkpoint", [0.1, 0.3, 0.6]), ("twin", [0.6, 0.3, 0.1])
    )}  # fmt: skip
    found = compare_arms(arms)
    assert [c.names for c in found] == list(combinations(arms, 2))
    for name in ("fisher", "mann_whitney"):
        p = [getattr(c, name) for c in found]
        assert [getattr(c, f"{name}_holm") for c in found] == pytest.approx(multipletests(p, method="holm")[1])
    (alone,) = compare_arms({name: arms[name] for name in ("original", "twin")})
    assert alone.fisher_holm == alone.fisher == compare(("a", "b"), arms["original"], arms["twin"]).fisher


def test_an_empty_arm_takes_no_part_in_the_correction() -> None:
    arms = {"a": np.repeat([-1, 1], [15, 5]), "b": np.repeat([-1, 1], [5, 15]), "c": np.zeros(0, dtype=np.int64)}
    found = compare_arms(arms)
    assert found[0].mann_whitney_holm == found[0].mann_whitney
    assert np.isnan([c.fisher_holm for c in found[1:]]).all()


@given(ratings(st.just(12)), ratings(st.just(12)))
def test_kappa_is_scikit_learns(a: np.ndarray, b: np.ndarray) -> None:
    if len({*a, *b}) == 1:
        assert np.isnan(kappa(a, b))
    else:
        assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)


def test_alpha_of_krippendorffs_example() -> None:
    """Computing Krippendorff's Alpha-Reliability (2011): 4 observers, 12 units, some missing; ordinal .815."""
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    data = np.array([[np.nan if c == "." else float(c) for c in row] for row in rows])
    assert alpha(data) == pytest.approx(0.815, abs=5e-4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 8))
def test_alpha_by_its_pairs(seed: int, raters: int, items: int) -> None:
    """Mean squared ordinal distance of two ratings of one item, by that of two ratings of any items."""
    rng = np.random.default_rng(seed)
    data = rng.choice([-1.0, 0.0, 1.0, np.nan], (raters, items))
    kept = [column[~np.isnan(column)] for column in data.T]
    kept = [column for column in kept if len(column) > 1]
    pool = np.concatenate([*kept, np.zeros(0)])
    if len(set(pool)) < 2:
        assert np.isnan(alpha(data))
        return

    def apart(x: float, y: float) -> float:
        low, high = min(x, y), max(x, y)
        between = ((pool >= low) & (pool <= high)).sum()
        return float(between - ((pool == low).sum() + (pool == high).sum()) / 2) ** 2

    observed = sum(2 * apart(x, y) / (len(c) - 1) for c in kept for x, y in combinations(c, 2)) / len(pool)
    expected = np.mean([apart(x, y) for x, y in combinations(pool, 2)])
    assert alpha(data) == pytest.approx(1 - observed / expected, abs=1e-9)


def test_agreement_at_the_ends() -> None:
    same = np.array([[1.0, -1.0, 0.0], [1.0, -1.0, 0.0]])
    assert alpha(same) == 1
    assert np.isnan(alpha(np.ones((2, 3)))) and np.isnan(alpha(np.full((2, 3), np.nan)))
    nothing = np.zeros(0, dtype=np.int64)
    assert np.isnan(kappa(nothing, nothing))
