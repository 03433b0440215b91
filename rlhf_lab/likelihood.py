"""Log-probabilities of the tokens taken, from the features at each position.

On a CPU in fp32 one buffer of a minibatch's positions by the vocabulary serves for logits, probabilities and their
gradient; plain autograd over a log-softmax passes through four.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["log_at", "log_likelihood", "softmax"]


def log_likelihood(
    features: Float[Tensor, "batch time width"],
    weight: Float[Tensor, "vocabulary width"],
    taken: Int[Tensor, "batch time"],
) -> Float[Tensor, "batch time"]:
    """log softmax(features @ weight.T) at the tokens taken, in nats, no less than fp32.

    A probability below the smallest normal number counts as that number (-87 nats in fp32); its gradient is exact. The
    gradient can be asked for once.
    """
    found: Tensor = _LogLikelihood.apply(features.flatten(0, 1), weight, taken.flatten())  # type: ignore[no-untyped-call]
    return found.view(taken.shape)


def log_at(probabilities: Float[Tensor, "*rows vocabulary"], taken: Int[Tensor, "*rows"]) -> Float[Tensor, "*rows"]:
    """The logarithm of the probability of each token taken, bounded as in `log_likelihood`."""
    chosen = probabilities.gather(-1, taken[..., None])[..., 0]
    return chosen.clamp_min(torch.finfo(chosen.dtype).tiny).log()


def softmax(logits: Float[Tensor, "*rows vocabulary"]) -> Float[Tensor, "*rows vocabulary"]:
    """Probabilities, on a CPU in place of the logits."""
    return torch.softmax(logits, -1, out=logits if logits.is_cpu else None)


class _LogLikelihood(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, taken: Tensor) -> Tensor:
        ctx.kinds, device = (features.dtype, weight.dtype), features.device.type
        product = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else features.dtype
        features, weight = features.to(product), weight.to(product)
        with torch.autocast(device, enabled=False):  # whose cache would keep the weight's copy without its history
            logits = F.linear(features, weight)
        probabilities = softmax(logits if product == torch.float64 else logits.float())
        ctx.save_for_backward(features, weight, taken, probabilities)
        return log_at(probabilities, taken)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, Tensor, None]:
        features, weight, taken, gradient = ctx.saved_tensors  # the last was the probabilities, changed in place
        gradient.mul_(-given[:, None]).scatter_add_(-1, taken[:, None], given[:, None])
        gradient = gradient.to(features.dtype)
        of_features, of_weight = ctx.kinds
        return (gradient @ weight).to(of_features), (features.T @ gradient).T.to(of_weight), None
