"""The policy, the reference and the reward model's trunk: a decoder-only transformer, small and from scratch.

Pre-norm, learned positions, tied embedding, no biases, no dropout, so that sampling and scoring agree. Axes: batch,
time, width; heads x depth = width. After the design of GPT-2 (Radford et al. 2019).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from elk_sandbox.terminal import InputError
from rlhf_lab.likelihood import log_likelihood

__all__ = ["LABELS", "Shape", "Transformer", "causal"]

LABELS = 2  # tokens after the text's own: happy, sad; embedded and predicted by a reward model, never generated
# (layer, queries, keys, values) -> what each query found; all four are batch time heads depth
Attend: TypeAlias = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Shape:
    """The sizes of a transformer. Raises InputError for a width that the heads do not divide, or a size below 1."""

    vocabulary: int  # text tokens; the label tokens come on top
    context: int = 64  # longest sequence, in tokens
    layers: int = 4
    heads: int = 4
    width: int = 128

    def __post_init__(self) -> None:
        if min(self.vocabulary, self.context, self.layers, self.heads, self.width) < 1 or self.width % self.heads:
            raise InputError(f"a transformer's sizes are at least 1 and its heads divide its width, not {self}")


class Block(nn.Module):
    """Attention and a hidden layer of four times the width, each added to what came in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm_hidden = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Float[Tensor, "batch time width"], layer: int, attend: Attend) -> Tensor:
        q, k, v = self.qkv(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        x = x + self.out(attend(layer, q, k, v).flatten(2))
        hidden: Tensor = self.down(F.gelu(self.up(self.norm_hidden(x))))
        return x + hidden


class Transformer(nn.Module):
    """Logits of the next text token at every position."""

    def __init__(self, shape: Shape, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary + LABELS, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width, bias=False)
        deep = 0.02 / math.sqrt(2 * shape.layers)  # so that the sum over the layers keeps its scale
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = deep if name.endswith(("out.weight", "down.weight")) else 0.02
                nn.init.normal_(weight, std=scale, generator=generator)

    def features(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """What the last norm gives at every position. Raises InputError for more tokens than the context holds."""
        time = tokens.shape[1]
        if time > self.shape.context:
            raise InputError(f"{time} tokens do not fit a context of {self.shape.context}: ask for a shorter text")
        return self.run(tokens, self.positions.weight[:time], causal)

    def run(self, tokens: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """The stack on tokens at these positions, looking back as `attend` does."""
        x = self.embedding(tokens) + positions
        for layer, block in enumerate(self.blocks):
            x = block(x, layer, attend)
        normed: Tensor = self.norm(x)
        return normed

    @property
    def head(self) -> Float[Tensor, "vocabulary width"]:
        """The embedding of the text tokens, by which features become their logits."""
        return self.embedding.weight[: self.shape.vocabulary]

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time vocabulary"]:
        """Logits of the text tokens."""
        return F.linear(self.features(tokens), self.head)

    def log_likelihood(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time-1"]:
        """Of each token after the first, given those before it, in nats; see `likelihood.log_likelihood`."""
        return log_likelihood(self.features(tokens[:, :-1]), self.head, tokens[:, 1:])

    @property
    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())

    @property
    def device(self) -> torch.device:
        return self.embedding.weight.device


def causal(_: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Each position looks at itself and what is before it."""
    if q.dtype != torch.bfloat16 or not q.is_cpu:
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    # On a CPU in bf16 the fused kernel takes twice and a half the time of this, forward and backward together.
    future = torch.full((q.shape[1], q.shape[1]), -math.inf).triu(1)
    scores = torch.matmul((q * q.shape[-1] ** -0.5).transpose(1, 2), k.permute(0, 2, 3, 1))
    return torch.matmul(torch.softmax(scores + future, -1).to(v.dtype), v.transpose(1, 2)).transpose(1, 2)
