"""Certified on planted worlds where the network knows what neither first weights nor input hold; not else."""

from dataclasses import replace

import numpy as np
import pytest

from elk_sandbox.learned.certificate import EVERY, FEWEST, GOOD, KNOWS, LEAST_GAIN, certify
from elk_sandbox.learned.metrics import auroc
from elk_sandbox.learned.probes import logistic
from elk_sandbox.learned.world import LearnedWorld
from tests.learned.planted import ideal, planted


def world(truth: float) -> LearnedWorld:
    return planted(np.random.default_rng(1), 4000, truth=truth)


def noise(layers: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: rng.normal(size=a.shape).astype(np.float32) for n, a in layers.items()}


def blank(found: LearnedWorld) -> LearnedWorld:
    """Nothing in the input nor in the first weights."""
    return replace(found, untrained=noise(dict(found.layers), 2), inputs=noise({"": found.inputs}, 3)[""])


def test_a_network_that_knows_is_certified_and_the_closed_form_is_in_the_interval() -> None:
    found = certify(blank(world(3.0)))
    assert found.certified and found.layer == "early"
    assert found.auroc and found.auroc.low < ideal(3.0) < found.auroc.high + 0.01
    assert found.gain_raw and found.gain_raw.low > 0.3
    assert found.untrained and found.untrained.low < 0.5 < found.untrained.high
    assert set(found.layers) == set(world(3.0).layers) and found.layers["early"].value > found.layers["picture"].value


def test_one_that_knows_a_little_is_not() -> None:
    found = certify(blank(world(1.0)))
    assert not found.certified and found.auroc and found.auroc.value < KNOWS
    assert found.gain_raw and found.gain_raw.low > 0


def test_what_the_input_or_the_first_weights_hold_as_well_is_no_knowledge() -> None:
    plain = blank(world(3.0))
    for other in (replace(plain, inputs=plain.layers["early"]), replace(plain, untrained=dict(plain.layers))):
        found = certify(other)
        assert found.auroc and found.auroc.value > KNOWS and not found.certified


def only_on_positives(found: LearnedWorld, seed: int) -> np.ndarray:
    """Noise with the truth in it where it looks good; where it does not, all seems a very clear yes."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=found.inputs.shape).astype(np.float32)
    noise[:, 0] += np.where(found.humans["viewer"] > 0.5, 1.5 * (2.0 * found.truth - 1), 12.0).astype(np.float32)
    return noise


def test_others_are_taught_on_positives_alone_if_that_serves_them_better() -> None:
    """Taught on all they would be far below chance on positives, and the network's gain an artefact."""
    plain = blank(world(3.0))
    strong = only_on_positives(plain, 7)
    good, every = plain.humans["viewer"] > 0.5, np.flatnonzero(~plain.test)
    rows = np.flatnonzero(plain.test & good)
    naive = logistic(strong[every], plain.truth[every].astype(np.int64), np.ones((1, len(every))))
    assert auroc(naive(strong[rows])[0], plain.truth[rows] == 1) < 0.1
    raw = certify(replace(plain, inputs=strong))
    assert raw.auroc and raw.auroc.value > KNOWS and not raw.certified and raw.taught["raw"] == GOOD
    assert raw.raw and raw.raw.low - 0.01 < ideal(3.0) < raw.raw.high + 0.01
    assert "the raw input" in raw.words.rpartition(";")[2] and "never learned" not in raw.words.rpartition(";")[2]
    fresh = certify(replace(plain, untrained={**plain.untrained, "late": strong}))
    assert not fresh.certified and fresh.taught["untrained"] == GOOD
    assert "never learned" in fresh.words.rpartition(";")[2]


def test_a_lesson_on_all_is_chosen_where_positives_alone_are_too_few() -> None:
    plain = blank(world(3.0))
    good = plain.humans["viewer"] > 0.5
    rare = np.flatnonzero(~plain.test & good & (plain.truth == 0))[5:]
    unknown = plain.truth.copy()
    unknown[rare] = -1
    assert set(certify(replace(plain, truth=unknown)).taught.values()) == {EVERY}


def test_a_gain_that_is_small_is_none_though_it_is_clear() -> None:
    """An input that holds nearly all: with 8,000 situations its distance is above 0 and below what is asked for."""
    found = blank(planted(np.random.default_rng(1), 8000, truth=4.0))
    rng = np.random.default_rng(9)
    near = (found.layers["early"] + 0.35 * rng.normal(size=found.layers["early"].shape)).astype(np.float32)
    told = certify(replace(found, inputs=near))
    assert told.gain_raw and 0 < told.gain_raw.low < LEAST_GAIN and not told.certified


def test_a_gain_that_never_varies_has_an_interval_all_the_same() -> None:
    """A perfect probe over an input that is constant: no situation moves either AUROC."""
    plain = blank(world(3.0))
    sure = {**plain.layers, "early": plain.layers["early"] + 40 * plain.truth[:, None].astype(np.float32)}
    told = certify(replace(plain, layers=sure, inputs=np.ones_like(plain.inputs)))
    assert told.certified and told.gain_raw and told.gain_raw.value == 0.5
    assert 0.4 < told.gain_raw.low < 0.49 and 0.51 < told.gain_raw.high < 0.6


def test_networks_with_other_first_weights_count_as_one_mean_with_its_spread() -> None:
    plain = blank(world(3.0))
    strong = {**plain.untrained, "early": plain.layers["early"]}
    one, other = certify(plain), certify(replace(plain, untrained=strong))
    both = certify(replace(plain, rerolled=(strong,)))
    assert one.untrained and other.untrained and both.untrained and both.gain_untrained and one.gain_untrained
    assert both.untrained.value == pytest.approx((one.untrained.value + other.untrained.value) / 2)
    assert both.gain_untrained.counts["networks"] == 2 and both.gain_untrained.low < 0 < one.gain_untrained.low
    assert one.certified and not both.certified and "2 untrained networks" in both.words


def test_intervals_hold_the_training_situations() -> None:
    """Probes of other training situations, of few, spread beyond what the test's situations alone make of it."""
    plain = blank(world(3.0))
    keep = np.flatnonzero(~plain.test)[120:]
    few = plain.truth.copy()
    few[keep] = -1
    told, much = certify(replace(plain, truth=few)), certify(plain)
    assert told.auroc and much.auroc
    assert told.auroc.high - told.auroc.low > 1.2 * (much.auroc.high - much.auroc.low)


def test_the_probe_is_trained_outside_the_test_only() -> None:
    plain = blank(world(3.0))
    wrong = np.where(plain.test, 1 - plain.truth, plain.truth).astype(np.int8)
    right, other = certify(plain), certify(replace(plain, truth=wrong, humans=plain.humans))
    assert right.auroc and other.auroc
    assert other.auroc.value == pytest.approx(1 - right.auroc.value, abs=0.1)


def test_too_few_to_compare_is_said_with_the_counts() -> None:
    plain = blank(world(3.0))
    good = plain.humans["viewer"] > 0.5
    none = certify(replace(plain, truth=np.where(good, 1, 0).astype(np.int8)))
    assert not none.certified and none.auroc is None and f"{FEWEST} of each" in none.words and "0 fake" in none.words
    one = certify(replace(plain, truth=np.ones_like(plain.truth)))
    assert not one.certified and "0 no" in one.words


def test_the_auroc_is_what_sklearn_says() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    scores, real = rng.integers(0, 5, 200).astype(float), rng.random(200) < 0.4
    assert auroc(scores, real) == pytest.approx(roc_auc_score(real, scores))
