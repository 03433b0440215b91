"""The certificate on planted worlds: it says yes and no where it should; AUROC and DeLong against others."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from elk_sandbox.learned import certificate
from elk_sandbox.learned.certificate import Certificate, auroc, certify, delong, probe
from elk_sandbox.learned.world import LearnedWorld, Process


def planted(
    *,
    trained: float = 4.0,
    untrained: float = 0.3,
    raw: float = 0.3,
    output: float = 0.0,
    count: int = 2400,
    seed: int = 0,
) -> LearnedWorld:
    """A world of units of which one is the truth, in so many standard deviations, among noise; half looks good."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, count).astype(np.int8)
    tricked = rng.random(count) < 0.5
    looks = np.where(tricked, 1.0, truth)

    def layer(strength: float, units: int = 6) -> np.ndarray:
        values = rng.normal(size=(count, units))
        values[:, 1] += strength * truth
        return values.astype(np.float32)

    seen = rng.normal(size=(count, 3)).astype(np.float32)
    inside = ~tricked
    return LearnedWorld(
        name="planted", question="?", truth=truth, kinds=("honest", "trick"), kind=tricked.astype(np.int16),
        layers={"first": layer(0.5), "second": layer(trained), "output": layer(output)},
        untrained={"first": layer(untrained), "second": layer(0.0), "output": layer(0.0)},
        inputs=np.concatenate([seen, layer(raw)], axis=1),
        humans={"viewer": np.where(looks > 0, 0.97, 0.03)},
        data={"viewer": Process("viewer", inside, np.where(inside, looks > 0, -1).astype(np.int8))},
        test=np.arange(count) >= count * 2 // 3, sensors=looks[:, None].astype(np.int8),
    )  # fmt: skip


def test_a_predictor_that_learned_the_truth_is_certified() -> None:
    found = certify(planted())
    assert found.certified and found.reason == "" and found.words.startswith("certified: AUROC 0.99")
    assert found.trained.layer == "second" and found.untrained.layer == "first"
    assert found.gain_raw_low > 0.2 and found.gain_untrained_low > 0.2
    scored = planted()
    looks = scored.test & (scored.humans["viewer"] > 0.5)
    assert (found.real, found.fooled) == (scored.truth[looks].sum(), (1 - scored.truth[looks]).sum())


@pytest.mark.parametrize(
    "strengths, reason",
    [
        ({"trained": 0.5}, "is below 0.9"),
        ({"untrained": 4.0}, "the gain over the untrained network may be"),
        ({"raw": 5.0}, "the gain over the raw input may be"),
        ({"trained": 0.0, "output": 5.0}, "is below 0.9"),
        ({"count": 90}, "20 of each are needed"),
    ],
)
def test_one_that_did_not_is_not(strengths: dict[str, float], reason: str) -> None:
    found = certify(planted(**strengths))  # type: ignore[arg-type]
    assert not found.certified
    assert reason in found.reason and found.words.startswith("uncertified (")


def test_without_anyone_fooled_all_is_undefined_with_its_count() -> None:
    world = planted()
    nobody = replace(world, humans={"viewer": np.where(world.truth == 1, 0.97, 0.03)})
    found = certify(nobody)
    assert not found.certified and found.fooled == 0 and found.real > 0
    assert math.isnan(found.trained.auroc) and math.isnan(found.gain_raw) and math.isnan(found.gain_raw_low)
    assert found.reason == f"{found.real} real and 0 fooled situations in the test, and 20 of each are needed"


def test_dead_units_give_a_constant_score_and_half() -> None:
    world = planted()
    layers = {name: np.zeros_like(layer) for name, layer in world.layers.items()}
    found = certify(replace(world, layers=layers))
    assert found.trained.auroc == 0.5 and not found.certified


def test_the_test_is_never_learned_from() -> None:
    """With the truth of all test situations turned round, the probe scores them as before."""
    world = planted()
    turned = replace(world, truth=np.where(world.test, 1 - world.truth, world.truth).astype(np.int8))
    one, other = probe(world, world.layers["second"]), probe(turned, world.layers["second"])
    assert np.array_equal(one[0], other[0]) and one[1:] == other[1:]
    noise = world.layers["second"].copy()
    noise[world.test] = 1e3
    kept = ~world.test
    assert np.allclose(probe(world, noise)[0][kept], one[0][kept])


def test_the_probe_is_scikit_learns_on_standardised_units() -> None:
    world = planted(trained=1.0)
    scores, penalty, _ = probe(world, world.layers["second"])
    units, outside = world.layers["second"].astype(float), ~world.test
    scale = StandardScaler().fit(units[outside])
    model = LogisticRegression(C=penalty, tol=1e-10, max_iter=10_000)
    model.fit(scale.transform(units[outside]), world.truth[outside])
    assert np.allclose(scores, model.decision_function(scale.transform(units)), atol=1e-3)


def test_it_survives_being_kept() -> None:
    found = certify(planted())
    assert Certificate.from_dict(found.as_dict()) == found
    world = replace(planted(trained=0.0), about={certificate.KEPT: found.as_dict()})
    assert certificate.of(world) == found
    assert certificate.of(planted()) == found


scores = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40)


@settings(max_examples=60, deadline=None)
@given(scores)
def test_auroc_is_scikit_learns_and_the_count_of_pairs(drawn: list[tuple[int, bool]]) -> None:
    values, positive = np.array([v for v, _ in drawn], float), np.array([p for _, p in drawn])
    if positive.all() or not positive.any():
        assert math.isnan(auroc(values, positive))
        return
    pairs = [(a > b) + (a == b) / 2 for a in values[positive] for b in values[~positive]]
    assert auroc(values, positive) == pytest.approx(np.mean(pairs))
    assert auroc(values, positive) == pytest.approx(roc_auc_score(positive, values))


def test_delong_by_its_definition() -> None:
    """Structural components pair by pair, as in the paper of 1988."""
    rng = np.random.default_rng(7)
    positive = np.arange(60) < 25
    two = rng.integers(0, 9, (2, 60)) + 2.0 * positive
    areas, spread = delong(two, positive)
    win = [(s[positive][:, None] > s[~positive]) + (s[positive][:, None] == s[~positive]) / 2 for s in two]
    by_real, by_fake = np.cov([w.mean(1) for w in win]), np.cov([w.mean(0) for w in win])
    assert areas == pytest.approx([w.mean() for w in win])
    assert spread == pytest.approx(by_real / 25 + by_fake / 35)


@pytest.mark.slow
def test_the_intervals_hold_what_they_should() -> None:
    """Over 400 draws of two binormal scores that are correlated, 95 % of intervals hold the known difference."""
    rng, held = np.random.default_rng(11), 0
    expected = 0.9213503964748575 - 0.7602499389065233  # Phi(2 / sqrt 2) - Phi(1 / sqrt 2)
    for _ in range(400):
        positive = np.arange(300) < 150
        shared = rng.normal(size=300)
        two = np.stack([0.6 * shared + 0.8 * rng.normal(size=300) + mean * positive for mean in (2.0, 1.0)])
        areas, spread = delong(two, positive)
        half = 1.959964 * np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
        held += abs(areas[0] - areas[1] - expected) <= half
    assert 0.92 <= held / 400 <= 0.98


def test_delong_of_one_a_class_is_undefined() -> None:
    areas, spread = delong(np.array([[1.0, 2.0]]), np.array([True, False]))
    assert areas.tolist() == [0.0] and np.isnan(spread).all()
