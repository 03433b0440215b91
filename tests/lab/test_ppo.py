"""PPO: its loss and gradient against plain float64 arithmetic, the ratio of 1, and where its optimum must lie."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.terminal import InputError
from rlhf_lab.ppo import Ppo, clipped_loss
from rlhf_lab.transformer import Shape, Transformer


def model(words: int = 13, length: int = 6, seed: int = 0) -> Transformer:
    return Transformer(Shape(words, length + 1, 2, 2, 16), torch.Generator().manual_seed(seed))


def make(policy: Transformer, alone: bool = False, **settings: object) -> Ppo:
    """The reward is the number of tokens 3; the reference is the policy itself, or there is none."""
    made = {"batch": 64, "length": 6, "minibatch": 16, "learning_rate": 3e-3, "warmup": 1, **settings}
    reference = None if alone else copy.deepcopy(policy)
    score = lambda tokens: (tokens == 3).sum(1).float()  # noqa: E731
    return Ppo(policy, reference, score, torch.Generator().manual_seed(1), **made)  # type: ignore[arg-type]


def by_hand(
    new: np.ndarray, old: np.ndarray, advantage: np.ndarray, clip: float
) -> tuple[float, np.ndarray, float, float]:
    """Loss, its gradient by `new`, both fractions: token by token, from Schulman et al. 2017, eq. 7."""
    total, outside, clipped = 0.0, 0, 0
    gradient = np.zeros_like(new)
    for i, j in np.ndindex(*new.shape):
        r, a = np.exp(new[i, j] - old[i, j]), advantage[i]
        bound = 1 + clip if a > 0 else 1 - clip
        stuck = r > bound if a > 0 else r < bound
        total += bound * a if stuck and a != 0 else r * a
        gradient[i, j] = 0 if stuck else -r * a / new.size
        outside += abs(r - 1) > clip
        clipped += bool(stuck and a != 0)
    return -total / new.size, gradient, outside / new.size, clipped / new.size


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.01, 1.0), st.floats(0.05, 0.4))
def test_loss_gradient_and_fractions_are_those_of_plain_arithmetic(seed: int, spread: float, clip: float) -> None:
    rng = np.random.default_rng(seed)
    old = -rng.exponential(2, (7, 5))
    new, advantage = old + spread * rng.standard_normal((7, 5)), rng.standard_normal(7)
    value, gradient, outside, clipped = by_hand(new, old, advantage, clip)
    for dtype, close in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        free = torch.tensor(new, dtype=dtype, requires_grad=True)
        loss = clipped_loss(free, torch.tensor(old, dtype=dtype), torch.tensor(advantage, dtype=dtype), clip)
        loss.value.backward()
        assert loss.value.item() == pytest.approx(value, abs=close)
        if dtype == torch.float64:
            np.testing.assert_allclose(free.grad, gradient, atol=close)
            assert (float(loss.outside), float(loss.clipped)) == (outside, clipped)


def test_the_gradient_of_the_weights_agrees_with_float64() -> None:
    policy = model()
    ppo = make(policy)
    batch = ppo.observe()
    advantage = torch.randn(64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():  # away from the ratio of 1
        for weight in policy.parameters():
            weight += 0.01 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(4))
    exact = Transformer(policy.shape).double()
    exact.load_state_dict(policy.state_dict())
    gradients, values = [], []
    for one in (policy, exact):
        log_p = torch.log_softmax(one(batch.tokens[:, :-1]), -1).gather(-1, batch.tokens[:, 1:, None])[..., 0]
        ours = clipped_loss(log_p, batch.old.to(log_p.dtype), advantage.to(log_p.dtype), 0.2).value
        if one is exact:
            r = torch.exp(log_p - batch.old.double())
            a = advantage.double()[:, None]
            ours = -torch.where(
                a > 0, torch.where(r > 1.2, 1.2 * a, r * a), torch.where(r < 0.8, 0.8 * a, r * a)
            ).mean()
        gradients.append(
            torch.cat(
                [g.flatten().double() for g in torch.autograd.grad(ours, list(one.parameters()), allow_unused=False)]
            )
        )
        values.append(ours.item())
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert float((gradients[0] - gradients[1]).abs().max()) < 1e-6


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("epochs", [1, 3])
def test_the_ratio_is_exactly_one_before_the_first_step_of_every_iteration(bf16: bool, epochs: int) -> None:
    ppo = make(model(), bf16=bf16, epochs=epochs)
    for _ in range(3):
        batch = ppo.observe()
        told = ppo.update(batch, batch.score - batch.score.mean())
        assert told.ratio_error == 0.0
        assert batch.mismatch < (0.1 if bf16 else 1e-5)


@pytest.mark.parametrize("bf16", [False, True])
def test_the_ratio_is_exactly_one_at_the_size_of_the_demo(bf16: bool) -> None:
    """Where other kernels multiply matrices than in the small models here."""
    policy = Transformer(Shape(1000, 25, 2, 4, 80), torch.Generator().manual_seed(0))
    ppo = make(policy, bf16=bf16, batch=256, minibatch=128, length=24)
    batch = ppo.observe()
    assert ppo.update(batch, batch.score - batch.score.mean()).ratio_error == 0


def test_without_a_reference_the_samplers_log_probabilities_serve_and_the_first_ratio_is_one() -> None:
    """The loss of the first step, all of whose ratios are 1, is minus the mean advantage to the last bit."""
    ppo = make(model(), alone=True, minibatch=64)
    for _ in range(3):
        batch = ppo.observe()
        advantage = batch.score - batch.score.mean()
        told = ppo.update(batch, advantage)
        assert 0 < told.ratio_error < 1e-5
        assert told.loss == -float(advantage[:, None].expand(64, 6).mean())
        assert told.outside == told.clipped == 0


def test_old_log_probabilities_that_are_not_the_policys_show_in_the_ratio() -> None:
    ppo = make(model())
    batch = ppo.observe()
    batch.old.sub_(0.01)
    assert ppo.update(batch, batch.score).ratio_error == pytest.approx(np.expm1(0.01), rel=1e-3)


def test_a_sampler_that_is_not_the_policy_is_an_error() -> None:
    ppo = make(model(), alone=True)
    batch = ppo.observe()
    batch.old.sub_(0.01)
    with pytest.raises(RuntimeError, match=r"off by 0\.01"):
        ppo.update(batch, batch.score)


def test_kl_is_zero_at_the_start_and_the_reward_rises_with_it() -> None:
    ppo = make(model(), batch=128, minibatch=32)
    first = ppo.observe()
    assert first.divergence is not None
    assert bool((first.divergence.exact == 0).all())
    for _ in range(40):
        batch = ppo.observe()
        ppo.update(batch, batch.score - 1)
    last = ppo.observe()
    assert last.divergence is not None
    assert float(last.score.mean()) > float(first.score.mean()) + 2
    assert float(last.divergence.exact.mean()) > 1


def test_a_reward_that_is_not_finite_stops_with_a_line_and_a_ragged_minibatch_is_refused() -> None:
    ppo = make(model())
    batch = ppo.observe()
    with pytest.raises(InputError, match="not a finite number"):
        ppo.update(batch, torch.full((64,), torch.nan))
    with pytest.raises(InputError, match="whole minibatches"):
        make(model(), minibatch=24)
