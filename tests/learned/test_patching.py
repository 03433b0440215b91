"""Interventions on a network: a table of edits, what is sent of it, the error by brute force and on exact worlds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from elk_sandbox import worlds
from elk_sandbox.evidence.calibration import USABLE
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned import patching
from elk_sandbox.learned.calibration import EDITED, calibrated, correlations
from elk_sandbox.learned.exact import as_learned
from elk_sandbox.learned.judge import judged, shown
from elk_sandbox.learned.patched import Patched, drawn
from elk_sandbox.learned.patching import Edits, error_of_patches
from elk_sandbox.learned.training import NetTraining
from elk_sandbox.learned.view import NetReporters, NetView
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.objective import NotApplicable
from elk_sandbox.reporters import Table
from tests.learned.planted import planted
from tests.learned.test_judge import Here, proposal

SITUATIONS, NODES, PLACES, EDITS = 12, 5, 6, 14


def table(rng: np.random.Generator) -> Patched:
    sets = rng.random((PLACES, NODES)) < 0.4
    sets[0], sets[1] = sets[1] | sets[2], sets[2]  # one holds others, two are the same
    return Patched(
        rows=rng.permutation(40)[:SITUATIONS].astype(np.int32),
        places=tuple(f"place {k}" for k in range(PLACES)),
        sets=sets,
        place=rng.integers(PLACES, size=EDITS).astype(np.int16),
        after=rng.normal(size=(SITUATIONS, EDITS, NODES)).astype(np.float16),
        sensors=rng.integers(2, size=(SITUATIONS, EDITS, 2)).astype(np.int8),
    )


def by_hand(patches: Patched, x: np.ndarray, mixed: np.ndarray, which: list[int], answer: object) -> float:
    """One candidate's error, edit by edit; answer: P(yes) of one state."""

    def says(state: np.ndarray) -> float:
        return float(answer(state))  # type: ignore[operator]

    alone = np.zeros(PLACES)
    for n, s in enumerate(which):
        for state in (x[patches.rows[s]], mixed[n]):
            for e, p in enumerate(patches.place):
                put = np.where(patches.sets[p], patches.after[s, e], state)
                alone[p] = max(alone[p], abs(says(put) - says(state)))
    inside = [[q for q in range(PLACES) if patches.sets[q].any() and not (patches.sets[q] & ~patches.sets[p]).any()]
              for p in range(PLACES)]  # fmt: skip
    matters = [min((alone[q] for q in within), default=1.0) for within in inside]
    total = 0.0
    for s in which:
        state = x[patches.rows[s]]
        crossed = (patches.after[s] > 0) != (state > 0)
        sizes = (crossed & patches.sets[patches.place]).sum(1)
        for wanted, weight in ((1, 1 - says(state)), (0, says(state))):
            left, right = 1.0, 0.0
            for size in sorted(set(sizes) - {0}):
                edits = np.flatnonzero(sizes == size)
                then = [says(patches.after[s, e]) if wanted else 1 - says(patches.after[s, e]) for e in edits]
                turned = [matters[patches.place[e]] * t for e, t in zip(edits, then, strict=True)]
                seen = [t for t, e in zip(turned, edits, strict=True) if (patches.sensors[s, e] == wanted).all()]
                right += left * max(seen, default=0.0)
                left *= 1 - max(turned)
            total += weight * (1 - right)
    return total / len(which)


@pytest.mark.parametrize("seed", range(4))
def test_the_error_is_what_going_through_the_edits_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    patches, x = table(rng), rng.normal(size=(40, NODES)).astype(np.float32)
    sent = {name: torch.from_numpy(a) for name, a in patches.arrays().items()}
    edits = Edits.of(torch.from_numpy(x), torch.zeros(NODES), sent)
    weights = rng.normal(size=(3, NODES, 1)).astype(np.float32) * np.array([1, 4, 1])[:, None, None]
    weights, weights[2, 1:] = weights.astype(np.float32), 0  # the last reads one node
    which, mixed = rng.integers(SITUATIONS, size=4), rng.normal(size=(3, 4, NODES)).astype(np.float32)

    def on(states: Tensor) -> Tensor:
        rows = states if states.ndim == 2 else states.flatten(1, -2)
        made: Tensor = rows @ torch.from_numpy(weights)
        return torch.sigmoid(made).reshape(3, *states.shape[states.ndim > 2 : -1], 1)

    found = error_of_patches(edits, torch.from_numpy(which), torch.from_numpy(mixed), on)
    expected = [
        by_hand(patches, x, mixed[k], which.tolist(), lambda state, k=k: 1 / (1 + np.exp(-state @ weights[k, :, 0])))
        for k in range(3)
    ]
    assert found.numpy() == pytest.approx(expected, abs=1e-5)
    assert len({round(value, 3) for value in expected}) == 3


def view_of(world: LearnedWorld) -> tuple[NetView, dict[str, np.ndarray]]:
    meta, arrays = shown(world)
    return NetView(meta, {k: v for k, v in arrays.items() if k != "asked"}), arrays


def columns(world: LearnedWorld, view: NetView) -> dict[int, int]:
    """Of the world's nodes the columns that a view has them in; shuffled, so found by their values."""
    every = np.concatenate([a[~world.test] for a in world.layers.values()], axis=1)
    every = (every - every.mean(0)) / np.where(every.std(0) > 0, every.std(0), 1)
    layer = np.repeat(np.arange(len(world.layers)), [a.shape[1] for a in world.layers.values()])
    close = np.abs(every[:, :, None] - view.x.numpy()[:, None]).max(0) < 1e-3
    close &= layer[:, None] == view.layer.numpy()
    return {a: int(np.flatnonzero(close[a])[0]) for a in range(every.shape[1]) if close[a].any()}


@pytest.mark.parametrize("scale, expected", [(True, {"d": 0.01, "c": 0.91}), (False, {"m": 0.0})])
def test_exact_worlds_have_their_exact_errors(scale: bool, expected: dict[str, float]) -> None:
    made = worlds.screen_and_scale() if scale else worlds.atoms(scale=True)
    world = as_learned(made, "exact:it")
    names = [n for kind in ("latent", "pixel") for n in made.of_kind(kind)]
    view, _ = view_of(world)
    at = columns(world, view)
    assert view._edits is not None
    for name, error in expected.items():
        node = at[names.index(name)]
        low = float(view.x[:, node].min())

        def on(x: Tensor, node: int = node, low: float = low) -> Tensor:
            return (x[..., node] > low + 0.01)[None, ..., None].float()

        every = torch.arange(len(view._edits.base))
        found = float(error_of_patches(view._edits, every, view._mixed[: len(every)], on)[0])
        assert abs(found - error) <= 4 * np.sqrt(error * (1 - error) / len(every))


def test_the_error_orders_reporters_as_the_exact_one_does() -> None:
    found = correlations("intervention_error")
    assert set(found) == set(EDITED)
    assert min(value for value, _ in found.values()) >= USABLE and all(n > 100 for _, n in found.values())
    (told,) = calibrated([["intervention_error", [], {}]])
    assert told.usable and told.correlation == min(value for value, _ in found.values())


def test_calibration_sees_edits_of_what_a_reporter_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """If any edit will do, who reads the camera has the diamond moved."""

    def all_matter(edits: Edits, moved: Tensor) -> Tensor:
        return torch.ones(len(moved), len(edits.sets), moved.shape[2])

    monkeypatch.setattr(patching, "_matters", all_matter)
    assert min(value for value, _ in correlations.__wrapped__("intervention_error").values()) < USABLE


def test_a_constant_has_no_edit_and_gradients_reach_a_reporter() -> None:
    view, _ = view_of(as_learned(worlds.screen_and_scale(), "exact:screen_and_scale"))
    weights = torch.zeros(2, view.x.shape[1])
    weights[0] = 1.0
    weights.requires_grad_()
    reporters = NetReporters(view, lambda x: torch.sigmoid(x @ weights.T).movedim(-1, 0)[..., None])
    values = view.intervention_error(reporters).values
    assert values[1] == 1 and 0 < values[0] < 1
    values.sum().backward()
    assert weights.grad is not None and bool((weights.grad[0] != 0).any())


def test_the_trained_take_a_shorter_way_to_the_same_error_and_slopes() -> None:
    _, function = proposal("causal_interventions")
    meta, arrays = shown(as_learned(worlds.screen_and_scale(), "exact:screen_and_scale"))
    training = NetTraining({**meta, "knobs": {}, "reporter": "mlp", "seeds": [0, 1, 2]}, arrays)
    for _ in range(30):
        training.step(function)
    reporters, view = training.shown()
    errors, slopes = [], []
    for each in (reporters, NetReporters(view, training.network)):
        errors.append(view.intervention_error(each).values)
        slopes.append(torch.autograd.grad(errors[-1].sum(), training.network.parameters, retain_graph=True))
    assert torch.allclose(errors[0], errors[1], atol=1e-5) and float(errors[0].detach().std()) > 1e-3
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, atol=1e-5) and float(one.abs().max()) > 1e-4


def test_patches_are_kept_with_their_world(tmp_path: Path) -> None:
    world = as_learned(worlds.atoms(scale=True), "exact:it")
    assert world.patched is not None
    world.save(tmp_path)
    again = LearnedWorld.load(tmp_path).patched
    assert again is not None and again.places == world.patched.places
    assert all(np.array_equal(a, again.arrays()[name]) for name, a in world.patched.arrays().items())
    without = replace(world, patched=None)
    without.save(tmp_path)
    assert LearnedWorld.load(tmp_path).patched is None


def test_no_situation_of_the_test_is_patched_and_none_gives_to_itself() -> None:
    test = np.arange(60) % 3 == 0
    rows, donors = drawn(test)
    assert len(rows) == len(set(rows.tolist())) == 40 and not test[rows].any() and not test[donors].any()
    assert (donors != rows[:, None]).all() and len(np.unique(donors)) > 20
    world = as_learned(worlds.screen_and_scale(), "exact:it")
    assert world.patched is not None and not world.test[world.patched.rows].any()
    inside = np.flatnonzero(world.test)[: len(world.patched.rows)].astype(np.int32)
    with pytest.raises(WorldError, match="situations to train on"):
        replace(world, patched=replace(world.patched, rows=inside))
    with pytest.raises(ValueError, match="one of 7 places"):
        replace(world.patched, place=world.patched.place + 1)


def test_what_is_sent_is_the_table_in_the_nodes_of_the_view() -> None:
    world = as_learned(worlds.screen_and_scale(), "exact:screen_and_scale")
    view, arrays = view_of(world)
    at, patches = columns(world, view), world.patched
    assert patches is not None and sorted(at.values()) == list(range(view.x.shape[1]))
    for node, column in at.items():
        assert np.array_equal(arrays["patched_sets"][:, column], patches.sets[:, node])
        after, x = arrays["patched_after"][:, :, column].astype(np.float32), view.x.numpy()[:, column]
        assert {round(v, 1) for v in np.unique(after).tolist()} == {round(v, 1) for v in np.unique(x).tolist()}
        yes = patches.after[:, :, node] == 1
        assert after[yes].min() > after[~yes].max()
    assert np.array_equal(np.flatnonzero(~world.test)[arrays["patched_rows"]], patches.rows)


def test_what_no_edit_touches_is_as_it_was_however_little_it_varies() -> None:
    rng = np.random.default_rng(0)
    world = planted(rng, 400)
    layers = {name: a.copy() for name, a in world.layers.items()}
    layers["early"][:, 3] = 0.9 + 1e-4 * rng.normal(size=400)  # a unit that is nearly saturated
    rows, _ = drawn(world.test)
    before = np.concatenate([a[rows] for a in layers.values()], axis=1)
    sets = np.zeros((1, before.shape[1]), bool)
    sets[0, 0] = True
    after = before[:, None].astype(np.float16)
    after[:, 0, 0] = -after[:, 0, 0]
    sensors = np.ones((len(rows), 1, 1), np.int8)
    world = replace(world, layers=layers, patched=Patched(rows, ("it",), sets, np.zeros(1, np.int16), after, sensors))
    _, arrays = shown(world)
    then, base = arrays["patched_after"][:, 0].astype(np.float32), arrays["x"][arrays["patched_rows"]]
    still = ~arrays["patched_sets"][0]
    assert still.sum() == before.shape[1] - 1
    assert np.abs(then - base)[:, still].max() < 5e-3  # standard deviations
    assert np.abs(then - base)[:, ~still].max() > 1


def test_who_has_no_interventions_says_why() -> None:
    file, function = proposal("causal_interventions")
    world = planted(np.random.default_rng(0), 600)
    found = judged(file, replace(world, lacks={"patched": "it was planted"}), Trained(2, steps=5), child=Here(function))
    assert found.reason == "not applicable: the world has no interventions: it was planted"
    view, _ = view_of(world)
    with pytest.raises(NotApplicable, match="no interventions"):
        view.intervention_error(NetReporters(view, lambda x: x[None, ..., :1]))


def test_the_shipped_proposal_trains_where_there_are_some() -> None:
    file, function = proposal("causal_interventions")
    world = as_learned(worlds.screen_and_scale(), "exact:screen_and_scale")
    found = judged(file, world, Trained(3, steps=40), child=Here(function))
    assert found.reason is None and found.auroc is not None
    assert [c.measure for c in found.surrogates] == ["intervention_error"] and found.surrogates[0].usable


def test_the_reference_of_the_tests_is_the_worlds() -> None:
    """The two errors that the tests above hold sampled worlds to are those of the exact measure."""
    from tests.test_strategies import ask

    world = worlds.screen_and_scale()
    assert ask(world, "intervention_error", Table(["c"], [0, 1]), Table(["d"], [0, 1])) == pytest.approx([0.91, 0.01])
