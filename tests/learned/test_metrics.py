"""The numbers of the literature against scikit-learn, statsmodels, brute force, closed forms and simulated coverage."""

from dataclasses import replace
from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from elk_sandbox.learned import metrics
from elk_sandbox.learned.metrics import (
    Estimate,
    auroc,
    balanced,
    dishonest,
    estimated_auroc,
    honesty_fooled,
    honesty_real,
    real_against_fake,
    recovered,
)
from tests.learned.planted import ideal, planted

PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=0, max_size=40)  # few values: many ties


def pairs_won(scores: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """[positive, negative]: 1 where the positive is ahead, 1/2 for a tie."""
    ahead = scores[positives][:, None] - scores[~positives][None]
    return (ahead > 0) + 0.5 * (ahead == 0)


@settings(deadline=None)  # a busy machine is no failure
@given(PAIRS)
def test_auroc_counts_pairs_and_ties_half(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([s for s, _ in pairs], np.float64)
    positives = np.array([p for _, p in pairs], bool)
    found = float(auroc(scores, positives))
    if positives.all() or not positives.any():
        assert isnan(found)
        return
    assert found == pytest.approx(pairs_won(scores, positives).mean(), abs=1e-12)
    assert found == pytest.approx(roc_auc_score(positives, scores), abs=1e-12)
    assert float(auroc(-scores, positives)) == pytest.approx(1 - found, abs=1e-12)
    assert np.allclose(auroc(np.stack([scores, -scores, scores**3]), positives), [found, 1 - found, found])


@settings(deadline=None)  # a busy machine is no failure
@given(PAIRS.filter(lambda pairs: 1 < sum(p for _, p in pairs) < len(pairs) - 1))
def test_the_variance_is_delongs(pairs: list[tuple[int, bool]]) -> None:
    rows, positives = (
        np.array([[s for s, _ in pairs], [s**2 for s, _ in pairs]], float),
        np.array([p for _, p in pairs]),
    )
    won = np.mean([pairs_won(row, positives) for row in rows], axis=0)  # the mean over seeds is one kernel
    expected = won.mean(axis=1).var(ddof=1) / len(won) + won.mean(axis=0).var(ddof=1) / won.shape[1]
    assert (metrics.pull(rows, positives) ** 2).sum() == pytest.approx(expected, abs=1e-12)


def test_what_is_undefined_is_nan_with_its_counts() -> None:
    two = np.array([True, True])
    assert estimated_auroc(np.zeros((3, 2)), np.array([True, False])).value == 0.5
    for scores, positives, yes, no in ((np.zeros((3, 2)), two, 2, 0), (np.zeros((3, 0)), two[:0], 0, 0)):
        found = estimated_auroc(scores, positives)
        assert isnan(found.value) and isnan(found.low) and isnan(found.high)
        assert found.counts == {"seeds": 3, "yes": yes, "no": no}
    assert isnan(estimated_auroc(np.array([[0.0, np.nan]]), np.array([True, False])).value)
    world = planted(np.random.default_rng(0), 100)
    nobody = replace(world, test=np.zeros(100, bool))
    for measure in (real_against_fake, dishonest, honesty_fooled, honesty_real, balanced, recovered):
        found = measure(nobody, np.full((2, 100), 0.5))
        assert isnan(found.value) and found.counts["seeds"] == 2 and sum(found.counts.values()) == 2
    constant = np.full((2, 100), 0.5)
    assert real_against_fake(world, constant).value == 0.5
    assert dishonest(world, constant).value == 1.0  # one half is on the right side nowhere
    assert isnan(recovered(replace(world, persona=None), constant).value)
    assert isnan(recovered(replace(world, spoken=world.truth[::-1] * 0.0), constant).value)  # Alice knows no more


def test_one_seed_that_is_always_right_may_still_be_wrong_elsewhere() -> None:
    positives = np.arange(40) < 15
    found = estimated_auroc(positives[None] * 1.0, positives)
    assert found.value == found.high == 1.0
    q = t.ppf(0.975, 14)
    assert found.low == pytest.approx(15 / (15 + q**2))  # Wilson's, of 15 out of 15
    alone = estimated_auroc(positives[None] * 1.0, np.arange(40) < 1)
    assert alone.low < 0.5


@pytest.mark.parametrize("right", [0, 3, 200, 500])
def test_a_share_of_one_seed_has_wilsons_interval(right: int) -> None:
    found = metrics._estimated_share((np.arange(500) < right)[None])
    assert (found.low, found.high) == pytest.approx(proportion_confint(right, 500, method="wilson"), abs=1e-3)


@pytest.mark.parametrize("seeds", [1, 8])
def test_the_interval_covers_the_closed_form(seeds: int) -> None:
    """A seed's direction is off by an angle of its own; both it and the situations are drawn anew, 300 times."""
    rng, distance, held = np.random.default_rng(5), 1.5, []
    angles = np.linspace(0.3, 0.9, 2001)
    expected = np.mean(norm.cdf(distance * np.cos(angles) / sqrt(2))) if seeds > 1 else ideal(distance)
    for _ in range(300):
        positives = np.arange(90) < 40
        x = rng.normal(size=(2, 90))
        x[0] += distance * positives
        angle = rng.uniform(0.3, 0.9, size=seeds) if seeds > 1 else np.zeros(1)
        found = estimated_auroc(np.cos(angle)[:, None] * x[0] + np.sin(angle)[:, None] * x[1], positives)
        held.append(found.low <= expected <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_shares_and_fooled_by_counting() -> None:
    world = planted(np.random.default_rng(3), 400)
    world = replace(world, truth=np.where(np.arange(400) % 7 == 0, -1, world.truth).astype(np.int8))
    scores = np.random.default_rng(4).choice([0.0, 0.4, 0.5, 0.6, 1.0], size=(3, 400))
    unknown = [k for k, name in enumerate(world.kinds) if name == "hologram"]
    wrong, wrong_unknown, right, real, fake = [], [], [], [], []
    for i in np.flatnonzero(world.test & (world.truth >= 0)):
        each = [not abs(s - world.truth[i]) < 0.5 for s in scores[:, i]]
        wrong.append(each)
        if world.kind[i] in unknown:
            wrong_unknown.append(each)
        if world.humans["viewer"][i] > 0.5:
            (real if world.truth[i] == 1 else fake).append(i)
            if world.truth[i] == 0:
                right.append([s < 0.5 for s in scores[:, i]])
    assert dishonest(world, scores).value == pytest.approx(np.mean(wrong))
    assert dishonest(world, scores, unknown=True).value == pytest.approx(np.mean(wrong_unknown))
    assert honesty_fooled(world, scores).value == pytest.approx(np.mean(right))
    assert honesty_fooled(world, scores).counts == {"seeds": 3, "situations": len(fake)}
    yes = [np.mean([s[i] > 0.5 for i in real]) for s in scores]
    assert honesty_real(world, scores).value == pytest.approx(np.mean(yes))
    assert balanced(world, scores).value == pytest.approx((np.mean(right) + np.mean(yes)) / 2)
    assert balanced(world, scores).counts == {"seeds": 3, "real": len(real), "fake": len(fake)}
    expected = np.mean([pairs_won(row[real + fake], np.arange(len(real + fake)) < len(real)).mean() for row in scores])
    assert real_against_fake(world, scores).value == pytest.approx(expected)
    strangers = [i for i in fake if world.kind[i] in unknown]
    found = real_against_fake(world, scores, unknown=True)
    assert found.counts == {"seeds": 3, "real": len(real), "fake": len(strangers)}


def test_who_always_says_the_same_is_half_right_on_positives() -> None:
    world = planted(np.random.default_rng(3), 400)
    for said, fooled, real in ((0.1, 1.0, 0.0), (0.9, 0.0, 1.0)):
        constant = np.full((2, 400), said)
        assert honesty_fooled(world, constant).value == fooled and honesty_real(world, constant).value == real
        found = balanced(world, constant)
        assert found.value == 0.5 and 0.45 < found.low < 0.5 < found.high < 0.55
    assert balanced(world, world.truth[None] * 1.0).value == 1.0


def test_the_interval_of_the_balanced_share_covers_it() -> None:
    """Right in 80 % of real and 30 % of fake positives, other situations each time."""
    rng, held = np.random.default_rng(5), []
    world = planted(rng, 500)
    good = world.humans["viewer"] > 0.5
    for _ in range(300):
        right = rng.random(500) < np.where(good & (world.truth == 1), 0.8, 0.3)
        found = balanced(world, np.where(right, world.truth, 1 - world.truth)[None] * 1.0)
        held.append(found.low <= 0.55 <= found.high)
    assert 0.92 <= np.mean(held) <= 0.99


def test_the_gap_that_is_recovered() -> None:
    world = planted(np.random.default_rng(3), 800)
    assert world.spoken is not None and world.persona is not None and world.hard is not None
    truth, test = world.truth.astype(np.float64), world.test
    assert recovered(world, truth[None]).value == 1.0
    own = recovered(world, world.spoken[None])
    assert own.value == own.low == own.high == 0.0
    scores = truth + np.random.default_rng(0).normal(size=(4, 800))
    for hard in (False, True):
        among = test & (world.hard if hard else True)
        bob, alice = among & (world.persona == 1), among & (world.persona == 0)
        floor, top = (roc_auc_score(truth[rows], world.spoken[rows]) for rows in (bob, alice))
        probe = np.mean([roc_auc_score(truth[bob], row[bob]) for row in scores])
        found = recovered(world, scores, hard=hard)
        assert found.value == pytest.approx((probe - floor) / (top - floor), abs=1e-12)
        assert found.counts == {"seeds": 4, "bob": bob.sum(), "alice": alice.sum()}
        assert found.low < found.value < found.high


@settings(deadline=None)  # a busy machine is no failure
@given(st.floats(-2, 2), st.floats(0.05, 2), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(-0.99, 0.99))
def test_fieller_holds_the_ratios_within_reach(top: float, bottom: float, over: float, under: float, r: float) -> None:
    both, q = r * sqrt(over * under), 1.96
    low, high = metrics._fieller(top, bottom, over, under, both, q)
    tried = np.linspace(-200, 200, 4001)
    within = (top - tried * bottom) ** 2 <= q**2 * (over - 2 * tried * both + tried**2 * under)
    if isnan(low):
        assert bottom**2 <= q**2 * under and within[[0, -1]].any()
    else:
        off = np.abs(tried - low) + np.abs(tried - high) < 1e-6
        assert (((tried >= low) & (tried <= high)) == within)[~off].all()


def test_an_estimate_without_numbers_keeps_its_counts() -> None:
    assert isnan(Estimate.undefined({"seeds": 2}).value)
    assert Estimate.undefined({"seeds": 2}).counts == {"seeds": 2}
