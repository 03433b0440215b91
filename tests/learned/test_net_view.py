"""Measures of a learned world: by resampling, held against the exact measures on exact worlds."""

import numpy as np
import pytest
import torch
from torch import Tensor

from elk_sandbox.evidence.calibration import USABLE
from elk_sandbox.learned import flips
from elk_sandbox.learned.calibration import WORLDS, calibrated, correlations
from elk_sandbox.learned.flips import FLIPPED, PATTERNS, Draw, sure, taken
from elk_sandbox.learned.view import NetReporters, NetView

NODES, ROWS = 6, 400
SHARES = (0.009, 0.057, 0.175, 0.5, 0.9, 0.995)


def net(x: np.ndarray, layer: np.ndarray | None = None) -> NetView:
    rows, nodes = x.shape
    meta = {"questions": ["?"], "nodes": [f"node {k}" for k in range(nodes)], "kinds": ["latent"] * nodes,
            "listed": ["viewer"], "levels": ["viewer"], "processes": ["viewer"]}  # fmt: skip
    return NetView(meta, {
        "x": x.astype(np.float32), "layer": np.zeros(nodes, int) if layer is None else layer,
        "human_viewer": np.full(rows, 0.5),
        "inside_viewer": np.arange(rows) % 2 == 0, "labels_viewer": (np.arange(rows) % 4 == 0).astype(np.int8),
    })  # fmt: skip


def skewed(rng: np.random.Generator, noise: float = 0.0) -> np.ndarray:
    """Bits that are 1 in these shares of situations, scaled as a world's activations are."""
    x = np.stack([rng.permutation(np.arange(2000) < max(1, round(p * 2000))) for p in SHARES], axis=1).astype(float)
    x += noise * rng.normal(size=x.shape)
    return np.asarray((x - x.mean(0)) / x.std(0))


def flipped(view: NetView) -> tuple[Tensor, Tensor]:
    """Patterns, and what each of their nodes is flipped to."""
    return view.patterns, view.others(torch.arange(view.x.shape[1]))


def draws(view: NetView, count: int) -> list[NetView]:
    random = torch.Generator().manual_seed(0)
    return [
        view.batch(Draw.of(torch.rand(PATTERNS // 2 + 1, generator=random),
                           torch.randint(0, len(view.x), (64,), generator=random)))
        for _ in range(count)
    ]  # fmt: skip


def linear(weights: Tensor) -> NetReporters:
    view = net(np.random.default_rng(0).normal(size=(ROWS, NODES)))
    return NetReporters(view, lambda x: torch.sigmoid(x @ weights.T).movedim(-1, 0)[..., None])


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_however_rare_one_of_two_values_is_a_flip_goes_to_the_other(noise: float) -> None:
    view = net(skewed(np.random.default_rng(0), noise))
    patterns, others = flipped(view)
    assert patterns.shape == others.shape == (PATTERNS, NODES)
    middle = (view.x.max(0).values + view.x.min(0).values) / 2
    assert ((patterns > middle) != (others > middle)).all()
    drawn = patterns[1::2] > middle  # every second one is of nodes that are drawn each on its own
    assert 0.3 < drawn.float().mean() < 0.7 and (drawn.float().mean(0) > 0.05).all()


@pytest.mark.parametrize("node", range(NODES))
def test_who_reads_one_node_has_influence_one_however_rare_its_value(node: int) -> None:
    view = net(skewed(np.random.default_rng(0)))
    middle = (view.x[:, node].max() + view.x[:, node].min()) / 2
    reporters = NetReporters(view, lambda x: torch.sigmoid(100 * (x[..., node] - middle))[None, ..., None])
    for measure, exact in (("influence", 1), ("parts", 1), ("complexity", 2), ("reads", 1)):
        assert float(getattr(view, measure)(reporters).values[0]) == pytest.approx(exact, abs=0.01)


def test_values_come_from_the_other_part_whatever_the_scale() -> None:
    x = np.random.default_rng(0).normal(size=(ROWS, NODES)) * np.arange(1, NODES + 1) + 3
    view = net(x)
    patterns, others = flipped(view)
    apart = (patterns > view._edge) != (others > view._edge)
    assert apart.all() and set(others.unique().tolist()) <= set(view.x.unique().tolist())
    assert view._edge.numpy() == pytest.approx(x.mean(0), abs=0.3 * NODES)  # of a Gaussian, its middle


def test_a_wide_reporter_is_measured_by_some_nodes_without_bias() -> None:
    rng, nodes = np.random.default_rng(0), 4 * FLIPPED
    view = net(rng.normal(size=(ROWS, nodes)))
    weights = torch.from_numpy(rng.normal(size=(3, nodes)).astype(np.float32) ** 3)

    def on(x: Tensor) -> Tensor:
        return (0.5 + 1e-3 * x @ weights.T).movedim(-1, 0)[..., None]  # a line: every flip counts by itself

    plain, best = [], []
    for batch in draws(view, 600):
        plain.append(batch.influence(NetReporters(batch, on)).values)
        reporters = NetReporters(batch, on)
        reporters.sure = sure(weights.abs() * view.gap)
        which, stands = reporters.flips
        assert which.shape == stands.shape == (3, FLIPPED)
        moved = [NetReporters(batch, on).changed(which[k])[k] for k in range(3)]
        best.append((torch.stack(moved).mean(1)[..., 0] * stands).sum(-1))
    expected = 1e-3 * weights.abs() @ view.gap
    for found in (plain, best):
        assert torch.stack(found).mean(0).numpy() == pytest.approx(expected.numpy(), rel=0.05)
    assert (torch.stack(best).std(0) < 0.7 * torch.stack(plain).std(0)).all()


def test_who_reads_one_of_many_nodes_is_seen_at_every_step() -> None:
    nodes = 20 * FLIPPED
    view = net(np.random.default_rng(0).normal(size=(ROWS, nodes)))
    reach = torch.zeros(1, nodes)
    reach[0, 123] = 1
    for batch in draws(view, 20):
        reporters = NetReporters(batch, lambda x: x.mean(-1)[None, ..., None])
        reporters.sure = sure(reach)
        which, stands = reporters.flips
        assert stands[which == 123].sum() == 1 and (which == 123).any()


@pytest.mark.parametrize("name", ["complexity", "reads", "parts", "influence", "downstream"])
def test_the_measures_that_are_trained_on_order_reporters_as_the_exact_ones_do(name: str) -> None:
    found = correlations(name)
    assert set(found) == set(WORLDS)
    assert min(value for value, _ in found.values()) >= USABLE
    assert all(count > 50 for _, count in found.values())


def test_calibration_sees_flips_that_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parted at the median a rare value is hardly ever drawn, and what reads it costs next to nothing."""
    monkeypatch.setattr(flips, "parted", lambda ranked: torch.full(ranked.shape[1:], len(ranked) // 2))
    found = {name: min(v for v, _ in correlations.__wrapped__(name).values()) for name in ("influence", "reads")}
    assert max(found.values()) < USABLE


def test_what_keeps_no_order_is_told_and_unusable() -> None:
    asked = [["simulated", [], {"share": 0.99}], ["cross_entropy", ["operator"], {}]]
    (found,) = calibrated(asked)
    assert found.measure == "simulated share=0.99" and not found.usable
    assert found.correlation is not None and found.correlation < USABLE


@pytest.mark.parametrize(
    "asked",
    ["complexity", [["no_such", [], {}]], [["sensitivity", [], {}]], [["complexity"]], [["complexity", [[1]], {}]],
     [["complexity", [1], {}]], [["simulated", [], {"share": None}]]],
)  # fmt: skip
def test_what_is_no_measure_of_a_network_is_refused(asked: object) -> None:
    with pytest.raises(ValueError, match=r"malformed|no measure|argument"):
        calibrated(asked)


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
    batch = view.batch(Draw.of(torch.rand(PATTERNS // 2 + 1), some))
    assert torch.equal(batch.x, view.x[some]) and batch.data["viewer"].weights.tolist() == [0.5, 0.5, 0.0]
    assert float(batch.weights.sum()) == pytest.approx(1)


def test_candidates_with_batches_of_their_own_are_measured_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    view = net(rng.normal(size=(ROWS, NODES)))
    rows = torch.from_numpy(rng.integers(ROWS // 2, size=(3, 20)) * 2)  # all inside the data
    weights = torch.from_numpy(rng.normal(size=(3, NODES, 1)).astype(np.float32))
    uniform = torch.rand((3, PATTERNS // 2 + 1), generator=torch.Generator().manual_seed(0))
    several = view.batch(Draw.of(uniform, rows))
    together = NetReporters(several, lambda x: torch.sigmoid(x @ weights))
    assert several.humans["viewer"].shape == (3, 20, 1) and list(several.humans) == ["viewer"]
    for k in range(3):
        one = view.batch(Draw.of(uniform[k], rows[k]))
        alone = NetReporters(one, lambda x, k=k: torch.sigmoid(x @ weights[k])[None])
        for name in ("cross_entropy", "simulated"):
            assert getattr(several, name)(together).values[k] == pytest.approx(
                float(getattr(one, name)(alone).values[0])
            )
        assert torch.equal(several.patterns[k], one.patterns)
        which = torch.arange(NODES)
        assert torch.equal(several.others(which.expand(3, -1))[k], one.others(which))
        assert torch.equal(taken(several.patterns, which.expand(3, -1))[k], one.patterns)
