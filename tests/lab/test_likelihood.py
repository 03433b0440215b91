"""Log-probabilities of tokens taken, and their gradients, against PyTorch's own log-softmax in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lab.likelihood import log_at, log_likelihood


def inputs(seed: int, scale: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *size: torch.randn(*size, generator=generator, dtype=torch.float64)  # noqa: E731
    taken = torch.randint(9, (5, 4), generator=generator)
    return scale * draw(5, 4, 6), draw(9, 6), draw(5, 4), taken


def gradients(
    features: torch.Tensor, weight: torch.Tensor, given_: torch.Tensor, taken: torch.Tensor, plain: bool = False
) -> tuple[torch.Tensor, ...]:
    """The log-probabilities, and the gradient of their sum with these weights."""
    x, w = features.clone().requires_grad_(), weight.clone().requires_grad_()
    if plain:
        found = torch.log_softmax(x @ w.T, -1).gather(-1, taken[..., None])[..., 0]
    else:
        found = log_likelihood(x, w, taken)
    (found * given_).sum().backward()
    assert x.grad is not None and w.grad is not None
    return found.detach(), x.grad, w.grad


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 8.0))
def test_values_and_gradients_are_those_of_the_log_softmax(seed: int, scale: float) -> None:
    exact = gradients(*inputs(seed, scale), plain=True)
    for dtype, close in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
        features, weight, upstream, taken = inputs(seed, scale)
        ours = gradients(features.to(dtype), weight.to(dtype), upstream.to(dtype), taken)
        bounded = (exact[0].clamp_min(np.log(torch.finfo(dtype).tiny)), *exact[1:])
        for mine, theirs in zip(ours, bounded, strict=True):
            assert mine.dtype == dtype
            torch.testing.assert_close(mine.double(), theirs, atol=close * (1 + scale), rtol=close)


def test_under_autocast_the_products_are_in_bf16_and_the_rest_is_not() -> None:
    features, weight, upstream, taken = inputs(0, 1.0)
    exact = gradients(features, weight, upstream, taken, plain=True)
    with torch.autocast("cpu", torch.bfloat16):
        ours = gradients(features.float(), weight.float(), upstream.float(), taken)
    for mine, theirs in zip(ours, exact, strict=True):
        assert mine.dtype == torch.float32
        assert 0 < float((mine - theirs).abs().max()) < 0.05 * float(theirs.abs().max())


def test_under_autocast_a_later_product_with_the_same_weight_has_its_gradient() -> None:
    """Autocast keeps copies of weights; one made without history would cut the second product off."""
    features, weight, _, taken = (t.float() if t.is_floating_point() else t for t in inputs(0, 1.0))
    weight.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        first = log_likelihood(features, weight, taken).sum()
        second = torch.nn.functional.linear(features, weight).float().sum()
    (gradient,) = torch.autograd.grad(second, weight)
    assert float(gradient.abs().sum()) > 0
    assert first.requires_grad


def test_what_cannot_be_told_from_impossible_has_a_finite_logarithm_and_the_right_gradient() -> None:
    features = torch.tensor([[[1.0, 0.0]]], requires_grad=True)
    weight = torch.tensor([[0.0, 0.0], [200.0, 0.0]])
    found = log_likelihood(features, weight, torch.tensor([[0]]))
    assert found.item() == pytest.approx(-87.34, abs=0.01)
    found.backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad[0, 0], torch.tensor([-200.0, 0.0]))


def test_the_gradient_can_be_asked_for_once() -> None:
    features, weight, _, taken = inputs(1, 1.0)
    found = log_likelihood(features.requires_grad_(), weight, taken).sum()
    found.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="inplace"):
        found.backward()


def test_log_at() -> None:
    probabilities = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    torch.testing.assert_close(log_at(probabilities, torch.tensor([1, 0])), torch.tensor([0.75, 1.0]).log())
