"""Sampling: from exactly the distribution that scoring gives, whatever the path."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional as F

from elk_sandbox.terminal import InputError
from rlhf_lab.generate import draw, sample, stream
from rlhf_lab.transformer import Shape, Transformer


def model(words: int = 11, context: int = 12, seed: int = 0, heads: int = 2) -> Transformer:
    made = Transformer(Shape(words, context, 2, heads, 18), torch.Generator().manual_seed(seed))
    with torch.no_grad():
        made.embedding.weight *= 20  # far from uniform
    return made


@torch.no_grad()
@pytest.mark.parametrize("given, heads, words", [(1, 2, 11), (4, 6, 32), (1, 3, 100), (1, 1, 33)])
def test_the_samplers_log_probabilities_are_the_scorers(given: int, heads: int, words: int) -> None:
    policy = model(words, heads=heads)
    prompt = torch.randint(words, (9, given), generator=torch.Generator().manual_seed(1))
    drawn = sample(policy, prompt, 12 - given, torch.Generator().manual_seed(2))
    assert torch.equal(drawn.tokens[:, :given], prompt)
    assert int(drawn.tokens.max()) < words
    scored = policy.log_likelihood(drawn.tokens)[:, given - 1 :]
    torch.testing.assert_close(drawn.logprobs, scored, atol=1e-5, rtol=0)


def test_draws_follow_the_softmax() -> None:
    logits = torch.randn(1, 70, generator=torch.Generator().manual_seed(3)) * 2
    expected = torch.softmax(logits[0], -1)
    uniform = torch.rand(60_000, generator=torch.Generator().manual_seed(4))
    tokens, logprobs = draw(F.pad(expected, (0, 26)).repeat(60_000, 1), uniform)
    counts = torch.bincount(tokens, minlength=70).double()
    assert stats.chisquare(counts.numpy(), (expected.double() / expected.double().sum() * 60_000).numpy()).pvalue > 1e-4
    torch.testing.assert_close(logprobs, expected.log()[tokens])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 2**24 - 1))
def test_a_draw_is_the_inverse_of_the_cumulative_distribution(seed: int, blocks: int, step: int) -> None:
    """By float64 in one go; only tokens with mass, at both ends of the uniform interval too."""
    rng = np.random.default_rng(seed)
    mass = rng.exponential(size=32 * blocks) * (rng.random(32 * blocks) < 0.2)
    mass[rng.integers(32 * blocks)] += 1e-6
    probabilities = torch.tensor(mass / mass.sum(), dtype=torch.float32)
    uniform = step / 2**24
    token = int(draw(probabilities[None], torch.tensor([uniform]))[0])
    assert mass[token] > 0
    reached = np.cumsum(probabilities.double().numpy()) / float(probabilities.double().sum())
    assert reached[token] >= 1 - uniform - 1e-6
    assert token == 0 or reached[token - 1] <= 1 - uniform + 1e-6


def test_the_same_seed_draws_the_same_and_temperature_sharpens() -> None:
    policy, prompt = model(), torch.zeros(300, 1, dtype=torch.long)
    first, again = (sample(policy, prompt, 5, torch.Generator().manual_seed(7)).tokens for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, sample(policy, prompt, 5, torch.Generator().manual_seed(8)).tokens)
    cold = sample(policy, prompt, 5, torch.Generator().manual_seed(7), temperature=1e-3).tokens
    assert len(cold.unique(dim=0)) == 1


@pytest.mark.parametrize("given, length, temperature", [(0, 3, 1.0), (1, 0, 1.0), (6, 7, 1.0), (1, 3, 0.0)])
def test_what_does_not_fit_is_refused(given: int, length: int, temperature: float) -> None:
    with pytest.raises(InputError, match="do not fit"):
        prompt = torch.zeros(2, given, dtype=torch.long)
        sample(model(), prompt, length, torch.Generator(), temperature)


def test_no_two_purposes_have_the_same_random_numbers() -> None:
    """A shorter draw of one generator is the beginning of a longer one: what is labelled would be what is evaluated."""
    purposes = ("pool", "blind", "evaluation", "best of n", "ppo", "continuation")
    first = {(p, seed): float(torch.rand((), generator=stream(p, seed))) for p in purposes for seed in range(20)}
    assert len(set(first.values())) == len(first)
    assert torch.equal(torch.rand(3, generator=stream("pool", 7)), torch.rand(3, generator=stream("pool", 7)))
