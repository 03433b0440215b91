"""Published methods on planted activations: closed forms, what they may see, what they say where they do not apply."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from elk_sandbox.learned.lessons import Scored
from elk_sandbox.learned.methods import METHODS, NEEDS, assessed, evaluate
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.terminal import json_text
from tests.learned.planted import by_looks, ideal, planted

SEEDS = 3
TRAINED = [name for name in METHODS if name not in ("viewer", "sensors", "constant")]
HONEST = [name for name, method in METHODS.items() if not method.oracle]


def run(world: LearnedWorld, name: str, seeds: int = SEEDS, layer: str | None = None) -> Scored:
    return METHODS[name].run(world, seeds, np.random.default_rng(7), layer)


@pytest.fixture(scope="module")
def world() -> LearnedWorld:
    return planted(np.random.default_rng(1), 1500)


@pytest.mark.parametrize("name", METHODS)
def test_scores_are_probabilities_of_every_situation(world: LearnedWorld, name: str) -> None:
    found = run(world, name)
    assert found.scores.shape == (SEEDS if name in TRAINED else 1, len(world.truth))
    assert np.isfinite(found.scores).all() and found.scores.min() >= 0 and found.scores.max() <= 1
    assert (found.layer is None) == (name not in TRAINED)


@pytest.mark.parametrize("name", HONEST)
def test_no_method_sees_the_truth_or_what_is_said_of_test_situations(world: LearnedWorld, name: str) -> None:
    rng = np.random.default_rng(0)
    data = {
        n: replace(p, labels=np.where(world.test & p.inside, 1 - p.labels, p.labels).astype(np.int8))
        for n, p in world.data.items()
    }
    blind = replace(world, truth=rng.integers(2, size=len(world.truth)).astype(np.int8), data=data)
    assert np.array_equal(run(world, name).scores, run(blind, name).scores)


def test_an_oracle_does_see_the_truth(world: LearnedWorld) -> None:
    oracles = [name for name, method in METHODS.items() if method.oracle]
    assert oracles == ["ceiling", "ceiling_positives"]
    other = replace(world, truth=1 - world.truth)
    for name in oracles:
        assert not np.allclose(run(world, name).scores, run(other, name).scores)


def test_the_ceiling_of_positives_is_higher_where_what_looks_bad_misleads(world: LearnedWorld) -> None:
    """Where it looks bad, all is as if it were a very clear yes: taught on that too, a probe is below chance."""
    early = np.random.default_rng(4).normal(size=world.layers["early"].shape).astype(np.float32)
    good = world.humans["viewer"] > 0.5
    early[:, 0] += np.where(good, 1.5 * (2.0 * world.truth - 1), 12.0).astype(np.float32)
    misled = replace(world, layers={**world.layers, "early": early})
    every, positives = (assessed(misled, METHODS[n], SEEDS, np.random.default_rng(0), "early")
                        for n in ("ceiling", "ceiling_positives"))  # fmt: skip
    assert every.auroc and positives.auroc and every.auroc.value < 0.2
    assert positives.auroc.value == pytest.approx(ideal(3), abs=0.03)
    told = run(misled, "ceiling_positives", layer="early").scores
    assert np.array_equal(told[:, ~good], np.broadcast_to(world.humans["viewer"][~good], told[:, ~good].shape))


@pytest.mark.parametrize("name", METHODS)
def test_a_test_situation_changes_no_other_score(world: LearnedWorld, name: str) -> None:
    moved = np.flatnonzero(world.test)[::2]
    kept = np.setdiff1d(np.arange(len(world.truth)), moved)
    layers = {n: a.copy() for n, a in world.layers.items()}
    contrast = {n: (yes.copy(), no.copy()) for n, (yes, no) in (world.contrast or {}).items()}
    for array in [*layers.values(), *(each for pair in contrast.values() for each in pair)]:
        array[moved] += 100
    found = run(replace(world, layers=layers, contrast=contrast), name).scores
    assert np.abs(run(world, name).scores - found)[:, kept].max() < 1e-9


@pytest.mark.parametrize("name", TRAINED)
def test_a_seed_does_not_depend_on_how_many_there_are(world: LearnedWorld, name: str) -> None:
    assert np.abs(run(world, name, 5).scores[:2] - run(world, name, 2).scores).max() < (1e-4 if name == "ccs" else 1e-7)


def test_the_layer_is_the_one_that_predicts_held_out_labels(world: LearnedWorld) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=world.layers["early"].shape).astype(np.float32)
    for place, good in enumerate(("early", "late")):
        layers = {**world.layers, "early": noise, "late": noise, good: world.layers["early"]}
        assert run(replace(world, layers=layers), "logistic_operator").layer == list(layers)[place]
    same = {**world.layers, "late": world.layers["early"]}
    assert run(replace(world, layers=same), "logistic_operator").layer == "early"


def test_results_do_not_depend_on_what_else_is_asked_for(world: LearnedWorld) -> None:
    told: list[tuple[str, float]] = []
    both = evaluate(
        world, ["logistic_viewer", "easy_to_hard"], SEEDS, say=lambda words, share: told.append((words, share))
    )
    (alone,) = evaluate(world, ["easy_to_hard"], SEEDS)
    assert replace(both[1], seconds=0.0) == replace(alone, seconds=0.0)
    assert told == [("logistic_viewer", 0.0), ("easy_to_hard", 0.5), ("done", 1.0)]


def test_probes_come_to_the_closed_forms() -> None:
    rng = np.random.default_rng(2)
    looks, blank = planted(rng, 12_000), planted(rng, 12_000, look=0)
    viewer = assessed(looks, METHODS["logistic_viewer"], SEEDS, rng, "early")
    assert viewer.layer == "early" and viewer.auroc is not None
    assert viewer.auroc.value == pytest.approx(by_looks(2, 2), abs=0.015)
    assert viewer.auroc.low < by_looks(2, 2) < viewer.auroc.high
    for result in evaluate(blank, ["ceiling", "logistic_operator", "difference_in_means", "logistic_viewer"], SEEDS):
        assert result.auroc is not None and result.auroc_unknown is not None
        assert result.auroc.value == pytest.approx(ideal(2), abs=0.015), result.name
        assert result.auroc_unknown.value == pytest.approx(ideal(2), abs=0.02), result.name
    assert ideal(2) - by_looks(2, 2) > 0.05  # so that the two are told apart


def test_the_floor_and_the_guess_are_exact(world: LearnedWorld) -> None:
    viewer, constant = evaluate(world, ["viewer", "constant"])
    fooled = (world.fooled & world.test).sum() / world.test.sum()
    assert viewer.auroc is not None and viewer.dishonest is not None and viewer.honesty_fooled is not None
    assert (viewer.auroc.value, viewer.honesty_fooled.value) == (0.5, 0.0)
    assert viewer.dishonest.value == pytest.approx(fooled)
    assert constant.auroc is not None and constant.dishonest is not None
    assert (constant.auroc.value, constant.dishonest.value) == (0.5, 1.0)


def test_a_sensor_that_gives_a_screen_away_is_heard(world: LearnedWorld) -> None:
    (sensors,) = evaluate(world, ["sensors"])
    assert sensors.auroc is not None and sensors.auroc_unknown is not None
    assert sensors.auroc.value > 0.55 and sensors.auroc_unknown.value == 0.5
    joint = planted(np.random.default_rng(1), 1500, broken=0)
    (found,) = evaluate(joint, ["tampering_evidence"], SEEDS)  # all sensors are always fooled together
    assert found.auroc is None and found.reason is not None and "10 of each are needed" in found.reason


def test_anomalies_are_what_is_unlike_trusted_situations() -> None:
    world = planted(np.random.default_rng(4), 3000, trace=8)
    found = run(world, "mechanistic_anomaly").scores
    good = world.test & (world.humans["viewer"] > 0.5)
    tampered = good & (world.kind > 0)
    assert (found[:, tampered] < 0.5).mean() > 0.95
    assert (found[:, good & (world.kind == 0)] < 0.5).mean() < 0.03
    assert np.array_equal(
        found[0, ~(world.humans["viewer"] > 0.5)], world.humans["viewer"][~(world.humans["viewer"] > 0.5)]
    )


def test_what_bob_knows_is_in_the_early_layer_only() -> None:
    world = planted(np.random.default_rng(4), 6000, truth=4)
    early, late = (
        assessed(world, METHODS["easy_to_hard"], SEEDS, np.random.default_rng(0), layer) for layer in ("early", "late")
    )
    assert early.recovered is not None and late.recovered is not None
    assert early.recovered.low > 0.7 and late.recovered.high < 0.3


def test_easy_to_hard_takes_the_earliest_layer_that_tells_nearly_as_well_as_the_best() -> None:
    """Late holds what is said, which is the truth as Alice: her labels are fitted there as well, and Bob's are not."""
    world = planted(np.random.default_rng(4), 6000, truth=4)
    found = assessed(world, METHODS["easy_to_hard"], SEEDS, np.random.default_rng(0))
    assert found.layer == "early" and found.recovered is not None and found.recovered.low > 0.7
    turned = {name: world.layers[name] for name in ("late", "early", "picture")}
    fresh = {name: world.untrained[name] for name in turned}
    late = assessed(
        replace(world, layers=turned, untrained=fresh), METHODS["easy_to_hard"], SEEDS, np.random.default_rng(0)
    )
    assert late.layer == "late"
    blurred = planted(np.random.default_rng(4), 6000, truth=4)
    blurred.layers["early"][:] += 8 * np.random.default_rng(5).normal(size=blurred.layers["early"].shape)
    assert assessed(blurred, METHODS["easy_to_hard"], SEEDS, np.random.default_rng(0)).layer == "late"


def test_methods_are_told_which_reference_they_answer_like() -> None:
    world = planted(np.random.default_rng(4), 3000, truth=6, look=2)
    told = {each.name: each for each in evaluate(world, ["ceiling", "viewer", "constant", "logistic_viewer"], SEEDS)}
    assert told["ceiling"].like == {"direct_translator": SEEDS} and told["ceiling"].alike["direct_translator"] > 0.99
    assert told["viewer"].like == {"viewer_simulator": 1} and told["viewer"].alike["viewer_simulator"] == 1
    assert told["constant"].like == {"none": 1}
    rows = world.test & (world.truth >= 0)
    same = (world.humans["viewer"][rows] > 0.5) == (world.truth[rows] == 1)
    assert told["viewer"].alike["direct_translator"] == pytest.approx(same.mean())
    assert json.loads(json.dumps(told["ceiling"].as_dict()))["like"] == {"direct_translator": SEEDS}


LACKING: dict[str, tuple[Callable[[LearnedWorld], LearnedWorld], tuple[str, ...]]] = {
    "persona": (lambda w: replace(w, persona=None), ("easy_to_hard",)),
    "contrast": (lambda w: replace(w, contrast=None), ("ccs", "logistic_contrast")),
    "sensors": (lambda w: replace(w, sensors=w.sensors[:, :1]), ("tampering_evidence",)),
    "sensor": (lambda w: replace(w, sensors=w.sensors[:, :0]), ("sensors",)),
    "untrusted": (
        lambda w: replace(w, test=w.test | ~w.data["viewer"].inside),
        ("dirtiness", "tampering_evidence"),
    ),
}


def test_every_need_is_tried() -> None:
    assert set(LACKING) == set(NEEDS) == {need for method in METHODS.values() for need in method.needs}


@pytest.mark.parametrize("need", LACKING)
def test_what_a_world_lacks_is_said(world: LearnedWorld, need: str) -> None:
    without, names = LACKING[need]
    for result in evaluate(without(world), names, 2):
        assert result.reason == f"not applicable: {NEEDS[need][1]}" and result.auroc is None
    for result in evaluate(replace(without(world), lacks={need: "for a reason"}), names, 2):
        assert result.reason == f"not applicable: {NEEDS[need][1]}: for a reason"
    for result in evaluate(world, names, 2):
        assert result.reason is None and result.auroc is not None


def test_one_label_only_is_said(world: LearnedWorld) -> None:
    data = {n: replace(p, labels=np.where(p.inside, 1, -1).astype(np.int8)) for n, p in world.data.items()}
    (found,) = evaluate(replace(world, data=data), ["logistic_viewer"], 2)
    assert found.reason is not None and "say yes and 0 no; 10 of each are needed" in found.reason


def test_bad_requests_are_one_line(world: LearnedWorld) -> None:
    with pytest.raises(WorldError, match="no method is called 'css'; there are logistic_viewer"):
        evaluate(world, ["css"])
    with pytest.raises(WorldError, match="0 seeds cannot be trained"):
        evaluate(world, ["viewer"], 0)
    with pytest.raises(WorldError, match="no layer here is called 'middle'; there are early, late, picture"):
        run(world, "logistic_viewer", layer="middle")


def test_results_are_json(world: LearnedWorld) -> None:
    results = evaluate(replace(world, persona=None), ["logistic_operator", "easy_to_hard"], 2)
    told = json.loads(json_text([result.as_dict() for result in results]))
    assert results[0].auroc is not None and results[0].recovered is not None
    assert told[0]["auroc"] == {
        "value": results[0].auroc.value, "low": results[0].auroc.low, "high": results[0].auroc.high,
        "counts": dict(results[0].auroc.counts),
    }  # fmt: skip
    assert isnan(results[0].recovered.value) and told[0]["recovered"]["value"] is None
    assert told[1]["reason"] == "not applicable: the world has no personas"


def test_contrast_pairs_are_kept(world: LearnedWorld, tmp_path: Path) -> None:
    world.save(tmp_path)
    found = LearnedWorld.load(tmp_path).contrast
    assert found is not None and world.contrast is not None and list(found) == ["early"]
    for one, other in zip(found["early"], world.contrast["early"], strict=True):
        assert np.array_equal(one, other)
    replace(world, contrast=None).save(tmp_path)
    assert LearnedWorld.load(tmp_path).contrast is None
    yes, no = world.contrast["early"]
    with pytest.raises(WorldError, match="contrast pairs are two arrays of one shape"):
        replace(world, contrast={"nowhere": (yes, no)})
    with pytest.raises(WorldError, match="contrast pairs are two arrays of one shape"):
        replace(world, contrast={"early": (yes, no[:, 1:])})
