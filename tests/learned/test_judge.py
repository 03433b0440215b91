"""Proposals on a learned world: trained in the child without truth, scored here, the same file as on exact worlds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from elk_sandbox import keys, worlds
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned.exact import as_learned
from elk_sandbox.learned.flips import FLIPPED, MEANS
from elk_sandbox.learned.judge import judged, shown
from elk_sandbox.learned.likeness import likeness
from elk_sandbox.learned.training import NetTraining, answer
from elk_sandbox.learned.view import NetReporters, NetView
from elk_sandbox.learned.world import LearnedWorld
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.registry import Registry
from tests.learned.planted import by_looks, planted

WORLD = planted(np.random.default_rng(0), 2000)
FEW = Trained(4, "linear", 150)
TRAINS = {
    "human_labels", "operator_data", "complexity", "computation_time", "downstream", "continuity", "few_parts",
}  # fmt: skip


class Here:
    """An examinee in this process that runs the function given."""

    def __init__(self, function: Callable[..., Any], **instead: Any) -> None:
        self.function, self.instead = function, instead

    def call(self, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float | None = None) -> Any:
        if meta["do"] in self.instead:
            return self.instead[meta["do"]]
        return answer(self.function, meta, arrays)


def proposal(name: str) -> tuple[Mapping[str, Any], Callable[..., Any]]:
    entry = Registry.default().proposals[name]
    space: dict[str, Any] = {}
    exec(compile(entry.text, str(entry.path), "exec"), space)
    return keys.source(entry, entry.settings()), space[name]


@pytest.mark.parametrize("name", sorted(Registry.default().proposals))
def test_every_shipped_proposal_trains_or_says_why_not(name: str) -> None:
    file, function = proposal(name)
    found = judged(file, WORLD, FEW, child=Here(function))
    if name in TRAINS:
        assert found.reason is None and found.auroc is not None and sum(found.like.values()) == FEW.seeds
        assert found.auroc.counts["seeds"] == FEW.seeds
    else:
        assert found.reason and "\n" not in found.reason
        assert any(w in found.reason for w in ("no data process", "one predictor", "no relations", "no earlier",
                                               "no interventions", "surrogate", "not enumerated"))  # fmt: skip


def test_the_viewers_labels_train_a_simulator_and_the_operators_a_better_reporter() -> None:
    trained = Trained(6, "linear", 600)
    viewer, operator = (
        judged(*(lambda f: (f[0], WORLD, trained))(proposal(n)), child=Here(proposal(n)[1]))
        for n in ("human_labels", "operator_data")
    )
    assert viewer.like == {"viewer_simulator": 6} and operator.like == {"direct_translator": 6}
    assert viewer.auroc and operator.auroc and viewer.dishonest and operator.dishonest
    assert (
        viewer.auroc.low - 0.05 < by_looks(2, 2) < viewer.auroc.high + 0.1
    )  # the labels that it has are finitely many
    assert operator.auroc.value > viewer.auroc.high and operator.dishonest.value < viewer.dishonest.low


def test_a_real_child_says_the_same() -> None:
    file, function = proposal("complexity")
    mine, real = judged(file, WORLD, FEW, child=Here(function)), judged(file, WORLD, FEW)
    assert real.isolation and mine.isolation is None
    assert real.auroc == mine.auroc and real.alike == mine.alike


def test_what_is_sent_holds_no_truth_and_of_test_situations_activations_only() -> None:
    meta, arrays = shown(WORLD)
    test = WORLD.test
    other = replace(
        WORLD,
        truth=(1 - WORLD.truth).astype(np.int8),
        humans={n: np.where(test, 1 - p, p) for n, p in WORLD.humans.items()},
        data={
            n: replace(p, labels=np.where(test, 1 - p.labels, p.labels).astype(np.int8)) for n, p in WORLD.data.items()
        },
        kind=np.zeros_like(WORLD.kind),
    )
    again, same = shown(other)
    assert meta == again and arrays.keys() == same.keys()
    assert all(np.array_equal(arrays[n], same[n]) for n in arrays)
    assert arrays["x"].mean(0) == pytest.approx(0, abs=1e-5) and arrays["x"].std(0) == pytest.approx(1, abs=1e-3)
    names = " ".join(meta["nodes"])
    assert "early" not in names and "late" not in names


EDITABLE = as_learned(worlds.screen_and_scale(), "exact:screen_and_scale")


@pytest.mark.parametrize("name, world", [("human_labels", WORLD), ("causal_interventions", EDITABLE)])
def test_a_seed_does_not_depend_on_which_others_are_trained(name: str, world: LearnedWorld) -> None:
    _, function = proposal(name)
    meta, arrays = shown(world)
    answers = []
    for seeds in ([0, 1, 2], [1]):
        training = NetTraining({**meta, "knobs": {}, "reporter": "mlp", "seeds": seeds}, arrays)
        for _ in range(20):
            training.step(function)
        answers.append(training.answers())
    assert answers[1][0] == pytest.approx(answers[0][1], abs=1e-5)
    assert not np.allclose(answers[0][0], answers[0][1], atol=1e-3)


def test_each_seed_has_its_own_resample_and_batches_of_the_same_processes() -> None:
    meta, arrays = shown(WORLD)
    training = NetTraining({**meta, "knobs": {}, "reporter": "linear", "seeds": [0, 1, 2]}, arrays)
    known = np.stack([arrays[f"inside_{n}"] for n in meta["processes"]], axis=1)
    rows, places = [], []
    for _ in range(400):
        draw = next(training._draws)
        of = known[draw.rows]
        assert (of == of[:1]).all()
        assert (draw.rows[0] != draw.rows[1]).any() and (draw.patterns[0] != draw.patterns[1]).any()
        rows.append(draw.rows.numpy())
        places.append(of[0].mean(0))
    assert np.mean(places, axis=0) == pytest.approx(known.mean(0), abs=0.02)
    drawn = [np.unique(np.concatenate([r[k] for r in rows])) for k in range(3)]
    share = [len(d) / len(known) for d in drawn]
    assert share == pytest.approx([1 - np.exp(-1)] * 3, abs=0.03)  # as many, drawn with replacement
    assert len(np.intersect1d(drawn[0], drawn[1])) / len(known) == pytest.approx((1 - np.exp(-1)) ** 2, abs=0.04)


@pytest.mark.parametrize("nodes", [None, 8])  # as wide as it is, and so narrow that every node is flipped
def test_a_network_measures_its_flips_as_any_reporter_would(nodes: int | None) -> None:
    meta, arrays = shown(WORLD)
    assert len(meta["nodes"]) > FLIPPED
    arrays = {**arrays, **{n: arrays[n][..., -nodes:] for n in ("x", "layer", "asked") if nodes}}
    meta = {**meta, "nodes": meta["nodes"][-nodes:] if nodes else meta["nodes"]}
    training = NetTraining({**meta, "knobs": {}, "reporter": "mlp", "seeds": [0, 1]}, arrays)
    mine, view = training.shown()
    assert isinstance(mine, NetReporters) and isinstance(view, NetView)
    which = mine.flips[0].expand(2, -1)
    patterns, values = view.patterns, view.others(which)
    for k in range(2):
        for j in (0, 5, which.shape[1] - 1):
            other = patterns.clone()
            other[:, :, which[k, j]] = values[k, :, j]
            change = (training.network(other) - training.network(patterns)).abs()[k, :, 0]
            largest, usual = mine.largest[k, j, 0].item(), mine.usual[k, j, 0].item()
            assert (largest, usual) == pytest.approx((change.max().item(), change[:MEANS].mean().item()), abs=1e-5)
    seen = (view.layer == view.layer.max()).nonzero()[:, 0]
    other = view.x.roll(1, dims=1)
    mixed = view.x.clone()
    mixed[..., seen] = other[..., seen]
    assert torch.allclose(mine.swapped(other, seen), training.network(mixed), atol=1e-5)


def scored(scores: np.ndarray) -> tuple[dict[str, int], dict[str, float]]:
    every = np.full((len(scores), len(WORLD.truth)), np.nan)
    every[:, WORLD.test] = scores
    return likeness(WORLD, every)


def test_whom_a_reporter_is_nearest_to() -> None:
    truth = WORLD.truth[WORLD.test].astype(float)
    viewer = WORLD.humans["viewer"][WORLD.test]
    like, alike = scored(np.stack([truth, viewer, viewer]))
    assert like == {"direct_translator": 1, "viewer_simulator": 2}
    apart = float(np.mean((truth > 0.5) != (viewer > 0.5)))
    assert apart > 0.1 and alike["direct_translator"] == pytest.approx(1 - 2 * apart / 3)


def test_equally_near_references_are_all_named() -> None:
    agree = replace(WORLD, truth=(WORLD.humans["viewer"] > 0.5).astype(np.int8))
    scores = np.where(agree.test, agree.truth.astype(float), np.nan)[None]
    like, _ = likeness(agree, scores)
    assert like == {"direct_translator or viewer_simulator": 1}


@pytest.mark.parametrize(
    "kind, passing", [("exception", False), ("import", False), ("time", True), ("killed", True), ("reply", True)]
)
def test_what_may_pass_is_told_apart_from_faults_of_the_file(kind: str, passing: bool) -> None:
    class Faulty:
        def call(self, *_: Any) -> Any:
            raise UserError("no answer within 30 s", "file.py", None, kind)

    file, _ = proposal("human_labels")
    found = judged(file, WORLD, FEW, child=Faulty())
    assert found.reason and found.passing is passing


def test_a_fault_of_our_own_scoring_is_not_laid_at_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("a bug")

    monkeypatch.setattr("elk_sandbox.learned.judge.likeness", broken)
    file, function = proposal("human_labels")
    with pytest.raises(ValueError, match="a bug"):
        judged(file, WORLD, FEW, child=Here(function))


@pytest.mark.parametrize(
    "reply, words",
    [
        ({"begin": ({"asked": "x"}, {})}, "malformed"),
        ({"answers": ({}, {"answers": np.zeros((4, 3, 1))})}, "malformed"),
        ({"answers": ({}, {"answers": np.full((4, int(WORLD.test.sum()), 1), 2.0)})}, "no probability"),
        ({"answers": ({}, {"answers": np.full((4, int(WORLD.test.sum()), 1), np.nan)})}, "no probability"),
        ({"train": ({}, {"objective": np.full(4, np.inf)})}, "not finite"),
    ],
)
def test_nothing_that_comes_back_is_taken_on_trust(reply: dict[str, Any], words: str) -> None:
    file, function = proposal("human_labels")
    found = judged(file, WORLD, FEW, child=Here(function, **reply))
    assert found.reason and words in found.reason and found.auroc is None and found.passing


def test_a_world_without_a_fake_gives_no_auroc_and_says_so() -> None:
    honest = replace(WORLD, truth=(WORLD.humans["viewer"] > 0.5).astype(np.int8))
    file, function = proposal("human_labels")
    found = judged(file, honest, FEW, child=Here(function))
    assert found.auroc and np.isnan(found.auroc.value) and found.auroc.counts["fake"] == 0
    assert found.honesty_fooled and np.isnan(found.honesty_fooled.value)


def test_a_faulty_file_is_one_line_with_its_place() -> None:
    file, _ = proposal("human_labels")
    text = str(file["text"]).replace(
        "return view.cross_entropy(reporters)", "return view.cross_entropy(reporters) * np"
    )
    found = judged({**file, "text": text}, WORLD, FEW)
    assert found.reason and "NameError" in found.reason and "\n" not in found.reason


def test_the_world_is_the_same_for_the_planted_and_the_kept(tmp_path: Any) -> None:
    WORLD.save(tmp_path)
    again = LearnedWorld.load(tmp_path)
    first, second = shown(WORLD)[1], shown(again)[1]
    assert all(np.array_equal(first[n], second[n]) for n in first)
    assert torch.get_default_dtype() == torch.float32
