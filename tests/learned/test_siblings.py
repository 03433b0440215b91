"""Sibling predictors: reporters of each are trained together, and one reporter's weights are tried on the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elk_sandbox import Objective, Reporters, View, worlds
from elk_sandbox.evidence.calibration import USABLE
from elk_sandbox.evidence.soft import NEAR
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned import cells, metrics, sources
from elk_sandbox.learned import exact as as_exact
from elk_sandbox.learned.calibration import correlations
from elk_sandbox.learned.exact import as_learned
from elk_sandbox.learned.judge import judged, shown
from elk_sandbox.learned.siblings import Kin, Siblings, sent, stored
from elk_sandbox.learned.training import NetTraining
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.view import FLOOR
from tests.learned.planted import planted
from tests.learned.planted_source import Planted
from tests.learned.test_cells import rows, silent
from tests.learned.test_judge import Here, proposal

FEW = Trained(4, "linear", 150)
Function = Callable[..., Any]


def relatives(world: LearnedWorld) -> Siblings:
    """The same with its units in another order and on another scale; one where a unit of the first layer is still."""
    rng, turned = np.random.default_rng(0), {}
    for name, a in world.layers.items():
        turned[name] = (a[:, rng.permutation(a.shape[1])] * 3 + 1).astype(np.float32)
    still = {name: (2 * a).astype(np.float32) for name, a in world.layers.items()}
    still["early"][:, 2] = 7
    return {"turned": turned, "still": still}


@pytest.fixture(scope="module")
def world() -> LearnedWorld:
    return planted(np.random.default_rng(0), 2000)


def training(world: LearnedWorld, siblings: Siblings, seeds: int = 3) -> NetTraining:
    meta, arrays = shown(world)
    meta |= {"knobs": {}, "reporter": "linear", "seeds": list(range(seeds)), "siblings": len(siblings)}
    return NetTraining(meta, arrays | sent(world, siblings))


def agree(reporters: Reporters, view: View) -> Objective:
    return view.cross_entropy(reporters) + 2 * view.disagreement(reporters)


def test_a_sibling_is_seen_unit_by_unit_on_the_scale_of_the_predictor_at_hand(world: LearnedWorld) -> None:
    siblings = relatives(world)
    reporters, view = training(world, siblings).shown()
    train, (weight, bias) = ~world.test, (p.detach() for p in reporters._network.parameters)
    mine = np.concatenate(list(world.layers.values()), axis=1)[train]
    assert mine.shape[1] == weight.shape[1]  # all vary, so that each unit is a node
    x = (mine - mine.mean(0)) / mine.std(0)
    order = [int(np.abs(x - node[:, None]).max(0).argmin()) for node in training(world, siblings)._views[0].x.numpy().T]
    assert sorted(order) == list(range(mine.shape[1]))
    for place, layers in enumerate(siblings.values(), 1):
        theirs = np.concatenate(list(layers.values()), axis=1)[train]
        seen = ((theirs - mine.mean(0)) / mine.std(0))[:, order][view.rows.numpy()]
        odds = np.einsum("csn,cnq->csq", seen, weight.numpy()) + bias.numpy()
        found = reporters.sibling_answers[:, place].detach().numpy()
        assert found == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-4)
    assert torch.equal(reporters.sibling_answers[:, 0], reporters.answers)


def test_specificity_counts_the_siblings_that_the_same_weights_fit(world: LearnedWorld) -> None:
    reporters, view = training(world, relatives(world)).shown()
    data, expected = view.data["viewer"], np.ones(3)
    inside = data.weights.numpy() > 0
    labels = data.labels.numpy()[:, inside, 0]
    for answers in reporters.sibling_answers[:, 1:].detach().numpy().swapaxes(0, 1):
        right = np.where(labels == 1, answers[:, inside, 0], 1 - answers[:, inside, 0])
        expected += np.exp(np.log(right.clip(FLOOR)).mean(1) / NEAR)
    assert view.specificity(reporters).values.detach().numpy() == pytest.approx(np.log(expected), abs=1e-5)


@pytest.mark.parametrize("instances", [False, True])  # over all predictors the same mean
def test_reporters_go_downhill_together_on_the_mean_over_the_predictors(world: LearnedWorld, instances: bool) -> None:
    """Against autograd through all of them."""
    trained = training(world, relatives(world))
    objective = trained.objective(
        lambda reporters, view: view.cross_entropy(reporters, instances=instances) + 2.0 * view.disagreement(reporters)
    )
    objective.values.sum().backward()
    step = trained._step
    copies = [[p.detach().requires_grad_() for p in network.parameters] for network in trained._networks]
    said = [torch.sigmoid(v.x @ w + b).double() for v, (w, b) in zip(step.views, copies, strict=True)]
    total = torch.zeros(())
    for k, mine in enumerate(said):
        data = step.views[k].data["viewer"]
        right = torch.where(data.labels == 1, mine, 1 - mine)
        loss = -(torch.where(data.labels >= 0, right.clamp(min=FLOOR).log(), 0.0).sum(-1) @ data.weights)
        apart = torch.stack([(mine - said[j]).abs()[..., 0].mean(1) for j in range(3) if j != k]).mean(0)
        total = total + (loss + 2 * apart).sum() / 3
    total.backward()
    assert float(objective.values.sum().detach()) == pytest.approx(float(total.detach()), abs=1e-6)
    for network, (weight, _) in zip(trained._networks, copies, strict=True):
        assert network.parameters[0].grad is not None and weight.grad is not None
        assert network.parameters[0].grad.numpy() == pytest.approx(weight.grad.numpy(), abs=1e-6)
    assert trained.view.asked[0][0] == "cross_entropy"


def test_reporters_of_siblings_are_trained_only_if_they_are_asked_for(world: LearnedWorld) -> None:
    alone, together = (training(world, relatives(world)) for _ in range(2))
    before = [p.detach().clone() for network in alone._networks for p in network.parameters]
    alone.step(lambda reporters, view: view.cross_entropy(reporters) + view.specificity(reporters))
    together.step(agree)
    moved = [
        [not torch.equal(p, q) for p, q in zip((p for n in t._networks for p in n.parameters), before, strict=True)]
        for t in (alone, together)
    ]
    assert moved == [[True, True, False, False, False, False], [True] * 6]
    assert not alone.answers_elsewhere() and list(together.answers_elsewhere()) == ["answers_1", "answers_2"]


def test_without_siblings_a_seed_is_trained_as_before(world: LearnedWorld) -> None:
    file, function = proposal("human_labels")
    plain = judged(file, world, FEW, child=Here(function))
    with_kin = judged(file, world, FEW, child=Here(function), kin=lambda: pytest.fail("nobody asked for them"))
    assert replace(plain, seconds=0.0) == replace(with_kin, seconds=0.0)


@pytest.mark.parametrize("name", ["cross_predictor_agreement", "reporters_agree", "assistant_ais"])
def test_proposals_on_several_predictors_train_reporters_of_each(world: LearnedWorld, name: str) -> None:
    file, function = proposal(name)
    found = judged(file, world, FEW, child=Here(function), kin=lambda: relatives(world))
    assert found.reason is None and found.siblings == ("turned", "still")
    assert found.apart is not None and found.apart_fooled is not None and found.apart.value < 0.3
    assert [sum(like.values()) for like in found.like_there.values()] == [4, 4]
    assert [c.measure for c in found.surrogates] == (["disagreement"] if "agree" in name else [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["specificity", "compress_predictor", "stacked_penalties"])
def test_proposals_on_how_many_predictors_fit_train(world: LearnedWorld, name: str) -> None:
    file, function = proposal(name)
    found = judged(file, world, FEW, child=Here(function), kin=lambda: relatives(world))
    assert found.reason is None and found.siblings == ("turned", "still") and found.apart is None
    assert "specificity" in [c.measure for c in found.surrogates]


def test_a_real_child_says_the_same(world: LearnedWorld) -> None:
    file, function = proposal("cross_predictor_agreement")
    mine, real = (
        judged(file, world, FEW, child=child, kin=lambda: relatives(world)) for child in (Here(function), None)
    )
    assert real.isolation and real.auroc == mine.auroc and real.apart == mine.apart and real.apart is not None


def test_where_there_are_none_it_is_said_why(world: LearnedWorld) -> None:
    file, function = proposal("cross_predictor_agreement")

    def none() -> Siblings:
        raise WorldError("the run has no other checkpoint")

    assert judged(file, world, FEW, child=Here(function)).reason == "the world has one predictor"
    assert judged(file, world, FEW, child=Here(function), kin=none).reason == (
        "not applicable: the run has no other checkpoint"
    )
    other = {"narrow": {n: a[:, :3] for n, a in world.layers.items()}}
    found = judged(file, world, FEW, child=Here(function), kin=lambda: other)
    assert found.reason and "has not its layers" in found.reason


def test_siblings_tell_no_truth(world: LearnedWorld) -> None:
    other = replace(world, truth=(1 - world.truth).astype(np.int8))
    mine, same = sent(world, relatives(world)), sent(other, relatives(world))
    assert mine.keys() == same.keys() and all(np.array_equal(mine[n], same[n]) for n in mine)


def test_how_often_reporters_of_predictors_differ_is_counted(world: LearnedWorld) -> None:
    rng = np.random.default_rng(0)
    scores, first, second = rng.random((3, 5, len(world.truth)))
    found = metrics.between(world, scores, [first, second])
    for name, chosen in (("apart", world.test), ("apart_fooled", world.test & world.fooled)):
        differs = [((each > 0.5) != (scores > 0.5))[:, chosen].mean() for each in (first, second)]
        assert found[name].value == pytest.approx(np.mean(differs)) and found[name].low < 0.5 < found[name].high
    assert metrics.between(world, scores, []) == {}


def test_agreement_rewards_the_simulator_where_the_sibling_does_not_know() -> None:
    """The exact world's verdict: asked to agree, reporters go where those of all predictors say the same."""
    exact = worlds.two_predictors()
    world, siblings = as_learned(exact, "exact:two_predictors"), as_exact.siblings(exact)
    assert list(siblings) == ["predictor 1"]
    found = {}
    for weight in (0.0, 5.0):
        file, function = proposal("cross_predictor_agreement")
        file = {**file, "knobs": {"weight": weight}}
        found[weight] = judged(file, world, Trained(10, "linear", 400), child=Here(function), kin=lambda: siblings)
    apart = [found[weight].apart for weight in (0.0, 5.0)]
    assert apart[0] is not None and apart[1] is not None and apart[1].value < apart[0].value
    assert found[5.0].alike["viewer_simulator"] > found[0.0].alike["viewer_simulator"]
    assert found[0.0].like["direct_translator"] > 2 and "direct_translator" not in found[5.0].like


@pytest.mark.slow
@pytest.mark.parametrize("name", ["disagreement", "specificity"])
def test_both_measures_order_reporters_as_the_exact_ones(name: str) -> None:
    values = correlations(name)
    assert "two_predictors" in values and min(v for v, _ in values.values()) >= USABLE
    assert len(values) == {"disagreement": 1, "specificity": 3}[name]  # of masked bits all instances agree


def test_they_are_made_once_and_again_when_they_change(tmp_path: Path, world: LearnedWorld) -> None:
    made: list[str] = []

    def of(digest: str) -> Siblings:
        def make() -> Siblings:
            made.append(digest)
            return relatives(world)

        return stored(tmp_path / "w", digest, make, silent)

    first, again = of("a" * 20), of("a" * 20)
    assert made == ["a" * 20] and list(first) == list(again) == ["turned", "still"]
    assert all(np.array_equal(first[s][n], again[s][n]) for s in first for n in first[s])
    of("b" * 20)
    (file,) = (tmp_path / "w").glob("*.npz")
    file.write_bytes(file.read_bytes()[:500])
    of("b" * 20)
    assert made == ["a" * 20, "b" * 20, "b" * 20]


def test_a_cell_goes_when_its_siblings_do(tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, few = rows("cross_predictor_agreement", "human_labels"), Trained(2, "linear", 20)

    def computed() -> list[dict[str, Any]]:
        return list(cells.compute(chosen, ["planted:0"], tmp_path, few, silent))

    refused = computed()
    assert refused[0]["reason"] == "not applicable: the world has one predictor" and refused[1]["reason"] is None
    assert computed() == refused and source.made == ["0"]

    def kin(digest: str) -> Callable[[str, Path], Kin]:
        return lambda rest, home: Kin(digest, lambda say: relatives(source.world(rest, home, say)))

    monkeypatch.setattr(source, "kin", kin("one"), raising=False)
    found = computed()
    assert found[0]["siblings"] == ["turned", "still"] and found[1] == refused[1] and computed() == found
    monkeypatch.setattr(source, "kin", kin("two"))
    assert computed()[0]["kin"] == "two"
    digests = {"planted:0": sources.digest("planted:0", tmp_path)}
    assert len(cells.kept(chosen, digests, tmp_path, few)) == 2
    monkeypatch.setattr(source, "kin", kin("three"))
    assert [row for row, _ in cells.kept(chosen, digests, tmp_path, few)] == ["human_labels"]


def test_siblings_that_cannot_be_made_are_tried_again(
    tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(say: object) -> Siblings:
        raise WorldError("a checkpoint is damaged")

    monkeypatch.setattr(source, "kin", lambda rest, home: Kin("one", torn), raising=False)
    chosen, few = rows("cross_predictor_agreement"), Trained(2, "linear", 20)
    (found,) = cells.compute(chosen, ["planted:0"], tmp_path, few, silent)
    assert found["reason"] == "not applicable: a checkpoint is damaged"
    whole = Kin("one", lambda say: relatives(source.world("0", tmp_path, say)))
    monkeypatch.setattr(source, "kin", lambda rest, home: whole)
    (again,) = cells.compute(chosen, ["planted:0"], tmp_path, few, silent)
    assert again["reason"] is None and again["kin"] == "one"


def test_an_exact_world_of_one_predictor_has_none(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="one predictor"):
        sources.kin("exact:screen", tmp_path)
    made = sources.kin("exact:masked_bit", tmp_path).made(silent)
    assert len(made) == 31
