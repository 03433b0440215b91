"""KL(policy || reference) of sampled completions, in nats per completion, by every estimator that peers report.

With x = log policy - log reference at a token that the policy drew: k1 = x, k2 = x^2 / 2, k3 = exp(-x) - 1 + x, each
summed over the completion. The exact per-step KL over the vocabulary, summed along the completion, has the same mean as
k1 and k3 and far less variance: it is k1 with each token's noise integrated out. k2 is biased.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["Divergence", "divergence", "mean_and_error"]


@dataclass(frozen=True)
class Divergence:
    """Of each completion, in nats."""

    exact: Float[Tensor, "batch"]
    k1: Float[Tensor, "batch"]
    k2: Float[Tensor, "batch"]
    k3: Float[Tensor, "batch"]
    entropy: Float[Tensor, "batch"]  # of the policy's next token, summed over the completion


def divergence(
    policy: Float[Tensor, "batch time vocabulary"],
    reference: Float[Tensor, "batch time vocabulary"],
    taken: Int[Tensor, "batch time"],
) -> Divergence:
    """Compare the next-token logits of both along completions `taken`, which the policy drew."""
    p, r = torch.log_softmax(policy, -1), torch.log_softmax(reference, -1)
    weight = p.exp()
    x = (p - r).gather(-1, taken[..., None])[..., 0]
    return Divergence(
        exact=(weight * (p - r)).sum((1, 2)),
        k1=x.sum(1),
        k2=(x**2 / 2).sum(1),
        k3=(torch.expm1(-x) + x).sum(1),
        entropy=-(weight * p).sum((1, 2)),
    )


def mean_and_error(values: Float[Tensor, "batch"]) -> tuple[float, float]:
    """The mean and its standard error; of fewer than two values the error is nan."""
    count = len(values)
    return float(values.mean()), float(values.std() / math.sqrt(count)) if count > 1 else math.nan
