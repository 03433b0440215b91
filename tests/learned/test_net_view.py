"""Measures of a learned world: by resampling, held against the exact measures on exact worlds."""

import numpy as np
import pytest
import torch
from torch import Tensor

from elk_sandbox.evidence.calibration import USABLE
from elk_sandbox.learned.calibration import WORLDS, calibrated, correlations
from elk_sandbox.learned.view import FLIPPED, PATTERNS, NetReporters, NetView

NODES, ROWS = 6, 400


def net(x: np.ndarray, layer: np.ndarray | None = None, looks: np.ndarray | None = None) -> NetView:
    rows, nodes = x.shape
    meta = {"questions": ["?"], "nodes": [f"node {k}" for k in range(nodes)], "kinds": ["latent"] * nodes,
            "listed": [], "levels": ["viewer"], "processes": ["viewer"]}  # fmt: skip
    return NetView(meta, {
        "x": x.astype(np.float32), "layer": np.zeros(nodes, int) if layer is None else layer,
        "looks": np.arange(rows) if looks is None else looks, "human_viewer": np.full(rows, 0.5),
        "inside_viewer": np.arange(rows) % 2 == 0, "labels_viewer": (np.arange(rows) % 4 == 0).astype(np.int8),
    })  # fmt: skip


def bits(rng: np.random.Generator) -> np.ndarray:
    return np.stack([rng.permutation(np.repeat([0.0, 1.0], ROWS // 2)) for _ in range(NODES)], axis=1)


def linear(weights: Tensor) -> NetReporters:
    view = net(np.random.default_rng(0).normal(size=(ROWS, NODES)))
    return NetReporters(view, lambda x: torch.sigmoid(x @ weights.T).movedim(-1, 0)[..., None])


def test_on_fair_bits_a_flip_is_a_flip_and_nothing_else_moves() -> None:
    view = net(bits(np.random.default_rng(0)))
    patterns, flipped = view.drawn
    assert patterns.shape == (PATTERNS, NODES) and flipped.shape == (PATTERNS, NODES, NODES)
    changed = flipped != patterns[:, None]
    node = changed[0].nonzero()[:, 1]
    assert sorted(node.tolist()) == list(range(NODES))
    assert (changed.sum(-1) == 1).all() and (changed == changed[:1]).all()
    assert set(patterns.unique().tolist()) == {0.0, 1.0} and 0.3 < patterns.mean() < 0.7


def test_of_many_nodes_some_are_flipped_and_sums_are_scaled() -> None:
    view = net(np.random.default_rng(0).normal(size=(ROWS, 4 * FLIPPED)))
    reporters = NetReporters(view, lambda x: x.mean(-1)[None, ..., None])
    assert view.drawn[1].shape[1] == FLIPPED
    moved = reporters.moved.double()
    assert view.influence(reporters).values == pytest.approx(4 * float(moved.mean(1).sum()))


def test_values_come_from_the_other_half_whatever_the_scale() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, NODES)) * np.arange(1, NODES + 1) + 3
    view = net(x)
    median = torch.from_numpy(np.median(x, axis=0).astype(np.float32))
    patterns, flipped = view.drawn
    for row in range(flipped.shape[1]):
        (node,) = (flipped[0, row] != patterns[0]).nonzero()[:, 0].tolist()
        before, after = patterns[:, node] > median[node], flipped[:, row, node] > median[node]
        assert (before != after).all()


@pytest.mark.parametrize("name", ["complexity", "reads", "parts", "influence", "downstream"])
def test_the_measures_that_are_trained_on_order_reporters_as_the_exact_ones_do(name: str) -> None:
    found = correlations(name)
    assert set(found) == set(WORLDS)
    assert min(value for value, _ in found.values()) >= USABLE
    assert all(count > 50 for _, count in found.values())


def test_those_that_do_not_are_told_and_unusable() -> None:
    found = {c.measure: c for c in calibrated([["sensitivity", [], {}], ["usable_information", [], {}]])}
    assert all(c.correlation is not None and c.correlation < USABLE and not c.usable for c in found.values())
    assert calibrated([["cross_entropy", ["operator"], {}]]) == []


def test_a_reporter_of_one_node_has_one_part_and_a_constant_none() -> None:
    one, none = torch.zeros(1, NODES), torch.zeros(1, NODES)
    one[0, 2] = 50.0
    parts = [float(linear(w)._view.parts(linear(w)).values[0]) for w in (one, none)]
    assert parts[0] == pytest.approx(1, abs=1e-3) and parts[1] == 0
    assert float(linear(one)._view.influence(linear(one)).values[0]) == pytest.approx(1, abs=0.1)


def test_downstream_sees_what_is_read_of_the_prediction_only() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    view = net(x, layer=np.array([0, 1]))
    weights = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    reporters = NetReporters(view, lambda x: torch.sigmoid(x @ weights.T).movedim(-1, 0)[..., None])
    latent, pixel = view.downstream(reporters).values.tolist()
    assert latent == 0 and 0.3 < pixel < 0.6


def test_the_loss_is_of_the_situations_inside_and_gradients_reach_the_reporters() -> None:
    view = net(np.random.default_rng(0).normal(size=(ROWS, NODES)))
    weights = torch.zeros(2, NODES, requires_grad=True)
    reporters = NetReporters(view, lambda x: torch.sigmoid(x @ weights.T).movedim(-1, 0)[..., None])
    loss = view.cross_entropy(reporters).values
    assert loss.tolist() == pytest.approx([np.log(2)] * 2)
    total = loss.sum() + sum(getattr(view, n)(reporters).values.sum() for n in ("complexity", "reads", "downstream"))
    total.backward()
    assert weights.grad is not None and bool((weights.grad != 0).any())


def test_a_batch_is_the_same_view_of_fewer_situations() -> None:
    view = net(np.random.default_rng(0).normal(size=(ROWS, NODES)))
    some = torch.tensor([4, 8, 9])
    batch = view.batch(some, torch.Generator().manual_seed(1))
    assert torch.equal(batch.x, view.x[some]) and batch.data["viewer"].weights.tolist() == [0.5, 0.5, 0.0]
    assert float(batch.weights.sum()) == pytest.approx(1)
