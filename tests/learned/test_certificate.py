"""Certified on planted worlds where the network knows what neither first weights nor input hold; not else."""

from dataclasses import replace

import numpy as np
import pytest

from elk_sandbox.learned.certificate import FEWEST, KNOWS, certify
from elk_sandbox.learned.metrics import auroc
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
