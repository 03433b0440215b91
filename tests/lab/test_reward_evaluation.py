"""Metrics against scikit-learn and scipy, intervals against scipy's bootstrap, and what is undefined."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, brier_score_loss

from rlhf_lab.reward_evaluation import Estimate, Evaluation, evaluate, mean_interval, reliability


def drawn(count: int, seed: int, neutral: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, a worse model's logits, and targets that the first are calibrated for."""
    rng = np.random.default_rng(seed)
    logit = 1.5 * rng.normal(size=count)
    targets = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(float)
    targets[rng.random(count) < neutral] = 0.5
    return logit, logit + rng.normal(size=count), targets


def judged(logit: np.ndarray, other: np.ndarray, targets: np.ndarray, seed: int = 0, resamples: int = 50) -> Evaluation:
    return evaluate(logit, other, targets, np.random.default_rng(seed), resamples=resamples)


@settings(deadline=None, max_examples=40)
@given(count=st.integers(5, 200), seed=st.integers(0, 999))
def test_the_metrics_are_those_of_scikit_learn_and_scipy(count: int, seed: int) -> None:
    logit, other, targets = drawn(count, seed)
    found, decided = judged(logit, other, targets), targets != 0.5
    positive = 1 / (1 + np.exp(-logit))
    assert found.neutral == count - decided.sum() and found.model.accuracy.count == decided.sum()
    if decided.any():
        expected = accuracy_score(targets[decided] == 1, logit[decided] > 0)
        assert found.model.accuracy.value == pytest.approx(expected)
    if len(set(targets)) > 1:
        assert found.model.spearman.value == pytest.approx(stats.spearmanr(logit, targets).statistic)
    assert found.model.brier.value == pytest.approx(np.mean((positive - targets) ** 2))
    bins = [(positive >= b / 10) & (positive < (b + 1) / 10) for b in range(10)]
    gaps = [here.sum() * abs(positive[here].mean() - targets[here].mean()) for here in bins if here.any()]
    assert found.model.calibration_error.value == pytest.approx(sum(gaps) / count)


def test_the_brier_score_of_decided_labels_is_scikit_learns() -> None:
    logit, other, targets = drawn(300, 0, neutral=0)
    expected = brier_score_loss(targets, 1 / (1 + np.exp(-logit)))
    assert judged(logit, other, targets).model.brier.value == pytest.approx(expected)


def test_the_intervals_are_those_of_scipys_paired_percentile_bootstrap() -> None:
    logit, other, targets = drawn(250, 3)
    found = evaluate(logit, other, targets, np.random.default_rng(0), resamples=4000)

    def spearman(x: np.ndarray, y: np.ndarray) -> float:
        return float(stats.spearmanr(x, y).statistic)

    def difference(x: np.ndarray, z: np.ndarray, y: np.ndarray) -> float:
        return spearman(x, y) - spearman(z, y)

    for ours, statistic, data in (
        (found.model.spearman, spearman, (logit, targets)),
        (found.difference.spearman, difference, (logit, other, targets)),
    ):
        theirs = stats.bootstrap(
            data, statistic, paired=True, vectorized=False, method="percentile", n_resamples=1500,
            rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        width = theirs.high - theirs.low
        assert ours.low == pytest.approx(theirs.low, abs=0.08 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.08 * width)


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """The true accuracy of the sign is E max(p, 1 - p), by simulation of a million texts."""
    sure = np.abs(drawn(1_000_000, 99)[0])
    truth = float(np.mean(1 / (1 + np.exp(-sure))))
    held = [judged(*drawn(200, seed, 0), resamples=200).model.accuracy for seed in range(200)]
    assert 0.9 <= np.mean([each.low <= truth <= each.high for each in held]) <= 0.99


def test_gold_takes_the_place_of_the_labels_in_the_rank_correlation_alone() -> None:
    logit, other, targets = drawn(100, 0)
    with_gold = evaluate(logit, other, targets, np.random.default_rng(0), gold=logit**3, resamples=20)
    assert with_gold.model.spearman.value == pytest.approx(1)
    assert with_gold.model.brier == judged(logit, other, targets, resamples=20).model.brier


def test_a_model_is_no_better_than_itself() -> None:
    logit, _, targets = drawn(80, 0)
    assert judged(logit, logit, targets).difference.spearman == Estimate(0, 0, 0, 80)


def test_the_bins_hold_every_text_once_and_certainty_is_in_the_last() -> None:
    logit = np.array([-800.0, 0.0, 800.0, 800.0])
    bins = reliability(logit, np.array([0.0, 0.5, 1.0, 0.0]))
    assert [b.count for b in bins] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert bins[9].predicted == 1 and bins[9].observed == 0.5 and math.isnan(bins[1].predicted)


def test_what_is_undefined_is_nan_with_its_count() -> None:
    constant = judged(np.ones(10), np.ones(10), np.array([0.0, 1.0] * 5))
    assert math.isnan(constant.model.spearman.value) and math.isnan(constant.model.spearman.low)
    assert constant.model.spearman.count == 10 and constant.model.accuracy.value == 0.5
    neutral = judged(np.arange(10.0), np.ones(10), np.full(10, 0.5))
    assert math.isnan(neutral.model.accuracy.value) and neutral.model.accuracy.count == 0
    nothing = judged(np.zeros(0), np.zeros(0), np.zeros(0))
    assert nothing.count == 0 and math.isnan(nothing.model.brier.value) and math.isnan(nothing.difference.brier.high)


def test_a_logit_of_nought_is_half_right() -> None:
    found = judged(np.zeros(4), np.zeros(4), np.array([0.0, 1.0, 1.0, 1.0]))
    assert found.model.accuracy.value == 0.5


@pytest.mark.parametrize("successes, count", [(0, 1), (3, 7), (7, 7), (40, 100)])
def test_the_interval_of_a_mean_is_wilsons_of_a_share(successes: int, count: int) -> None:
    wilson = stats.binomtest(successes, count).proportion_ci(method="wilson")
    assert mean_interval(successes / count, count) == pytest.approx((wilson.low, wilson.high), abs=1e-9)


def test_the_interval_of_a_mean_of_nothing_is_undefined() -> None:
    assert all(map(math.isnan, mean_interval(math.nan, 0)))
