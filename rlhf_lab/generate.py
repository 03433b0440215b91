"""Sampling with a key-value cache: a whole batch at once, from exactly the distribution that scoring gives."""

import math
import zlib
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from elk_sandbox.terminal import InputError
from rlhf_lab.graphs import Recorded
from rlhf_lab.likelihood import log_at, softmax
from rlhf_lab.transformer import Transformer

__all__ = ["Sample", "sample", "stream"]

BLOCK = 32  # tokens of the vocabulary whose probabilities are summed first, then looked into


@dataclass(frozen=True)
class Sample:
    """Completions of a batch of prompts."""

    tokens: Int[Tensor, "batch time"]  # the prompt, then the completion
    logprobs: Float[Tensor, "batch length"]  # of each completion token, in nats, fp32


def stream(purpose: str, seed: int) -> torch.Generator:
    """Random numbers of one purpose: with any seeds, no two purposes draw the same texts of a model.

    So what is labelled is never what is evaluated or rated.
    """
    words = np.random.SeedSequence([zlib.crc32(purpose.encode()), seed]).generate_state(2)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


@torch.no_grad()
def sample(
    model: Transformer,
    prompt: Int[Tensor, "batch prompt"],
    length: int,
    generator: torch.Generator,
    temperature: float = 1.0,
) -> Sample:
    """Complete each prompt by `length` tokens, drawn from softmax(logits / temperature).

    One uniform number a token and the inverse of the cumulative distribution: exact, and cheaper than exponential
    noise over the vocabulary. Raises InputError for a prompt that is empty or does not leave room in the context.
    """
    batch, given = prompt.shape
    time = given + length
    if not (given and length > 0 and time <= model.shape.context and temperature > 0):
        raise InputError(
            f"a prompt of {given} and a completion of {length} tokens at temperature {temperature} do not fit: at "
            f"least one token each, together at most the context of {model.shape.context}, and a temperature above 0"
        )
    device = model.device
    uniform = torch.rand(batch, length, generator=generator, device=generator.device).to(device)
    return Sample(*_decoder(model, (batch, given, length, temperature))(prompt.to(device), uniform))


def head(model: Transformer, temperature: float) -> tuple[Float[Tensor, "padded width"], Float[Tensor, "padded"]]:
    """Weights and biases of logits / temperature, filled up to whole blocks with tokens of probability 0."""
    vocabulary = model.shape.vocabulary
    spare = -vocabulary % BLOCK
    weight = F.pad(model.head.float() / temperature, (0, 0, 0, spare))
    return weight, F.pad(torch.zeros(vocabulary, device=model.device), (0, spare), value=-math.inf)


def draw(
    probabilities: Float[Tensor, "batch padded"], uniform: Float[Tensor, "batch"]
) -> tuple[Int[Tensor, "batch"], Float[Tensor, "batch"]]:
    """A token a row by the inverse cumulative distribution, and its log-probability in nats.

    First a block of tokens, then the token in it. What is looked for lies in (0, sum], the sum as rounded, so that both
    ends fall where there is mass. Sums in float64: on a GPU they are not in order, and what is off there by a rounding
    must be less than any step of the uniform number.
    """
    blocks = probabilities.view(len(probabilities), -1, BLOCK)
    mass = blocks.sum(-1).cumsum(-1, dtype=torch.float64)
    wanted = (1 - uniform)[:, None] * mass[:, -1:]
    which = torch.searchsorted(mass, wanted)
    before = F.pad(mass, (1, 0)).gather(-1, which)
    inside = blocks.gather(1, which[..., None].expand(-1, -1, BLOCK))[:, 0].cumsum(-1, dtype=torch.float64)
    place = torch.searchsorted(inside, torch.minimum(wanted - before, inside[:, -1:]))
    tokens = (which * BLOCK + place)[:, 0]
    return tokens, log_at(probabilities, tokens)


def decode(
    model: Transformer, temperature: float, prompt: Int[Tensor, "batch prompt"], uniform: Float[Tensor, "batch length"]
) -> tuple[Int[Tensor, "batch time"], Float[Tensor, "batch length"]]:
    """Read the prompt token by token, then draw and read: the fields of `Sample`."""
    (batch, given), length = prompt.shape, uniform.shape[1]
    tokens = torch.cat([prompt, prompt.new_zeros(batch, length)], 1)
    logprobs = torch.empty_like(uniform)
    cache = Cache(model, batch, given + length)
    weight, bias = head(model, temperature)
    logits = uniform.new_empty(batch, len(weight))
    for t in range(given + length - 1):
        features = cache.step(tokens[:, t], t)
        if (at := t + 1 - given) >= 0:
            torch.addmm(bias, features.float(), weight.T, out=logits)
            tokens[:, t + 1], logprobs[:, at] = draw(softmax(logits), uniform[:, at])
    return tokens, logprobs


def _decoder(model: Transformer, sizes: tuple[int, int, int, float]) -> Recorded:
    """What decoded the model's last batch, if that was of the same sizes and the weights lie where they lay."""
    asked = (sizes, model.embedding.weight.dtype, tuple(p.data_ptr() for p in model.parameters()))
    known, decoder = _last.get(model, (None, None))
    if decoder is None or known != asked:
        mine = ref(model)  # held by no recording of its own, which would keep it for ever

        def run(prompt: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
            found = mine()
            assert found is not None
            return decode(found, sizes[-1], prompt, uniform)

        decoder = Recorded(run)
        _last[model] = asked, decoder
    return decoder


_last: WeakKeyDictionary[Transformer, tuple[Any, Recorded]] = WeakKeyDictionary()


class Cache:
    """Keys and values of what was read so far, for every layer: batch heads time depth."""

    def __init__(self, model: Transformer, batch: int, time: int) -> None:
        self.model = model
        shape, like = model.shape, model.embedding.weight
        self.depth = shape.width // shape.heads
        self.held = like.new_empty((shape.layers, 2, batch, shape.heads, time, self.depth))
        self.nothing = like.new_zeros(())  # for what a product that is scaled is added to

    def step(self, tokens: Int[Tensor, "batch"], t: int) -> Float[Tensor, "batch width"]:
        """Read one token a row at position t and return the features there."""

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            held = self.held[layer]
            held[0, :, :, t], held[1, :, :, t] = k[:, 0], v[:, 0]
            keys, values = held.flatten(1, 2)[:, :, : t + 1].unbind()
            query, scale = q.reshape(-1, 1, self.depth), self.depth**-0.5
            scores = torch.baddbmm(self.nothing, query, keys.transpose(1, 2), beta=0, alpha=scale)
            return torch.bmm(softmax(scores), values).view(q.shape)

        return self.model.run(tokens[:, None], self.model.positions.weight[t], attend)[:, 0]
