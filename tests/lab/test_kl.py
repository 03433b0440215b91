"""Estimators of KL against a policy whose every completion can be gone through."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lab.generate import sample
from rlhf_lab.kl import divergence, mean_and_error
from rlhf_lab.transformer import Shape, Transformer

WORDS, LENGTH = 4, 3


def model(seed: int, scale: float = 25.0) -> Transformer:
    made = Transformer(Shape(WORDS, LENGTH + 1, 1, 1, 8), torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        made.embedding.weight *= scale
        made.positions.weight *= scale
    return made


def everything() -> torch.Tensor:
    return torch.tensor([(0, *rest) for rest in itertools.product(range(WORDS), repeat=LENGTH)])


@torch.no_grad()
def whole(one: Transformer) -> torch.Tensor:
    """The log-probability of each completion."""
    return one.log_likelihood(everything()).sum(1)


@torch.no_grad()
@pytest.mark.parametrize("seed", range(3))
def test_exact_k1_and_k3_have_the_true_kl_as_their_mean_and_k2_has_not(seed: int) -> None:
    policy, reference = model(seed), model(seed + 100)
    tokens, log_p, log_r = everything(), whole(policy), whole(reference)
    truth = float((log_p.exp() * (log_p - log_r)).sum())
    assert truth > 0.05
    found = divergence(policy(tokens[:, :-1]), reference(tokens[:, :-1]), tokens[:, 1:])
    mean = {k: float((log_p.exp() * getattr(found, k)).sum()) for k in ("exact", "k1", "k2", "k3")}
    assert mean["exact"] == pytest.approx(truth, rel=1e-9)
    assert mean["k1"] == pytest.approx(truth, rel=1e-9)
    assert mean["k3"] == pytest.approx(truth, rel=1e-9)
    assert abs(mean["k2"] - truth) > 1e-3
    entropy = float(-(log_p.exp() * log_p).sum())
    assert float((log_p.exp() * found.entropy).sum()) == pytest.approx(entropy, rel=1e-9)


@torch.no_grad()
def test_on_samples_all_agree_with_the_true_kl_within_their_errors_and_exact_varies_least() -> None:
    policy, reference = model(1), model(101)
    log_p, log_r = whole(policy), whole(reference)
    truth = float((log_p.exp() * (log_p - log_r)).sum())
    drawn = sample(policy, torch.zeros(40_000, 1, dtype=torch.long), LENGTH, torch.Generator().manual_seed(5)).tokens
    found = divergence(policy(drawn[:, :-1]), reference(drawn[:, :-1]), drawn[:, 1:])
    error = {}
    for k in ("exact", "k1", "k3"):
        mean, error[k] = mean_and_error(getattr(found, k))
        assert abs(mean - truth) < 4 * error[k]
    assert error["exact"] < error["k1"]
    assert error["exact"] < error["k3"]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_step_of_the_exact_kl_and_k3_is_no_less_than_zero(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    policy, reference = (torch.randn(5, 1, 7, generator=generator, dtype=torch.float64) * 3 for _ in range(2))
    taken = torch.randint(7, (5, 1), generator=generator)
    found = divergence(policy, reference, taken)
    assert (found.exact >= -1e-12).all() and (found.k3 >= -1e-12).all() and (found.k2 >= 0).all()
    same = divergence(policy, policy, taken)
    assert (same.exact == 0).all() and (same.k1 == 0).all() and (same.k3 == 0).all()


def test_one_value_has_no_error() -> None:
    mean, error = mean_and_error(torch.tensor([2.0]))
    assert mean == 2 and error != error
