"""Sampling with a key-value cache: a whole batch at once, from exactly the distribution that scoring gives."""

import math
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from elk_sandbox.terminal import InputError
from rlhf_lab.transformer import Transformer

__all__ = ["Sample", "sample", "stream"]


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
    uniform = torch.rand(batch, length, generator=generator, device=generator.device).to(model.device)
    tokens = torch.zeros(batch, time, dtype=torch.long, device=model.device)
    tokens[:, :given] = prompt
    logprobs = torch.empty(batch, length, device=model.device)
    cache = Cache(model, batch, time)
    step = cache.graphed_step if model.device.type == "cuda" else cache.step
    for t in range(time - 1):
        features = step(tokens[:, t], t)
        if t >= given - 1:
            drawn, logprob = draw(model.logits(features).float() / temperature, uniform[:, t + 1 - given])
            tokens[:, t + 1], logprobs[:, t + 1 - given] = drawn, logprob
    return Sample(tokens, logprobs)


def draw(
    logits: Float[Tensor, "batch vocabulary"], uniform: Float[Tensor, "batch"]
) -> tuple[Int[Tensor, "batch"], Float[Tensor, "batch"]]:
    """A token a row by the inverse cumulative distribution, and its log-probability in nats."""
    logprobs = torch.log_softmax(logits, -1)
    cumulative = logprobs.exp().cumsum_(-1)
    # In (0, 1], and scaled by the last entry, which rounding leaves a little off 1: both ends fall where there is mass.
    tokens = torch.searchsorted(cumulative, ((1 - uniform) * cumulative[:, -1])[:, None])
    return tokens[:, 0], logprobs.gather(-1, tokens)[:, 0]


class Cache:
    """Keys and values of what was read so far, for every layer: (batch heads) time depth."""

    def __init__(self, model: Transformer, batch: int, time: int) -> None:
        shape, dtype = model.shape, model.embedding.weight.dtype
        self.model = model
        size = (shape.layers, batch * shape.heads, time, shape.width // shape.heads)
        # `static_step` weighs what is not written yet by 0, so it must be finite.
        make = torch.zeros if model.device.type == "cuda" else torch.empty
        self.keys = make(size, device=model.device, dtype=dtype)
        self.values = make(size, device=model.device, dtype=dtype)
        self._graph: torch.cuda.CUDAGraph | None = None

    def step(self, tokens: Int[Tensor, "batch"], t: int) -> Float[Tensor, "batch width"]:
        """Read one token a row at position t and return the features there."""

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            rows, depth = q.shape[0] * q.shape[2], q.shape[3]
            keys, values = self.keys[layer, :, : t + 1], self.values[layer, :, : t + 1]
            keys[:, t], values[:, t] = k.reshape(rows, depth), v.reshape(rows, depth)
            weights = torch.softmax(torch.bmm(q.reshape(rows, 1, depth) * depth**-0.5, keys.transpose(1, 2)), -1)
            return torch.bmm(weights, values).view(q.shape)

        return self.model.run(tokens[:, None], self.model.positions.weight[t], attend)[:, 0]

    def static_step(self, tokens: Int[Tensor, "batch"], t: Int[Tensor, "1"]) -> Float[Tensor, "batch width"]:
        """The same with shapes that do not depend on t, which lies on the device: what a CUDA graph can replay."""
        times = torch.arange(self.keys.shape[2], device=t.device)
        future = torch.where(times > t, -math.inf, 0.0).to(self.keys.dtype)

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            rows, depth = q.shape[0] * q.shape[2], q.shape[3]
            self.keys[layer].index_copy_(1, t, k.reshape(rows, 1, depth))
            self.values[layer].index_copy_(1, t, v.reshape(rows, 1, depth))
            scores = torch.bmm(q.reshape(rows, 1, depth) * depth**-0.5, self.keys[layer].transpose(1, 2)) + future
            return torch.bmm(torch.softmax(scores, -1), self.values[layer]).view(q.shape)

        return self.model.run(tokens[:, None], self.model.positions(t), attend)[:, 0]

    def graphed_step(self, tokens: Int[Tensor, "batch"], t: int) -> Float[Tensor, "batch width"]:
        """`static_step` captured once as a CUDA graph and replayed: one launch a token in place of dozens."""
        if self._graph is None:
            self._tokens, self._t = tokens.clone(), torch.zeros(1, dtype=torch.long, device=tokens.device)
            side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):  # capture wants its kernels and workspaces to exist already
                for _ in range(2):
                    self.static_step(self._tokens, self._t)
            torch.cuda.current_stream().wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._features = self.static_step(self._tokens, self._t)
        self._tokens.copy_(tokens)
        self._t.fill_(t)
        self._graph.replay()
        return self._features
