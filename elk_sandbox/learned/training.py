"""Reporters trained on a network's activations with a proposal's objective: N seeds in one batch. Runs in the child.

A seed is another resample of the situations, another stream of batches and patterns, and other first weights: what
differs between seeds is all that would differ if it were done again on other data. Resamples keep how many situations
each data process holds, and so do batches on average: a place in them is of the same processes for all seeds.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from elk_sandbox.evidence.soft import SoftReporters, SoftView
from elk_sandbox.evidence.training import RATES, Network, Training, answers_of
from elk_sandbox.learned.flips import BATCH, FLIPPED, MEANS, PATTERNS, Draw, sure, taken
from elk_sandbox.learned.view import NetReporters, NetView

__all__ = ["NetTraining", "answer"]

SLOWER = 0.2  # of the rates for bits: there are hundreds of nodes
KNOWN = 10  # steps for which the nodes that a reporter reads most are taken to be the same
BLOCK = 64  # steps that are drawn at once


class _OnActivations(Network):
    """x [situation, node], or with the candidates as the first axis."""

    dtype = torch.float32

    def __call__(self, x: Tensor) -> Float[Tensor, "candidate *batch question"]:
        return self.after(self.first(x))

    def first(self, x: Float32[Tensor, "*given node"]) -> Float[Tensor, "candidate *batch unit"]:
        """What the first weights make of activations."""
        weight, bias, *_ = self.parameters
        if x.ndim < 4:
            return x @ weight + bias
        made: Tensor = x.flatten(1, -2) @ weight + bias
        return made.reshape(*x.shape[:-1], -1)

    def after(self, first: Float[Tensor, "candidate *batch unit"]) -> Float[Tensor, "candidate *batch question"]:
        _, _, *last = self.parameters
        if not last:
            return torch.sigmoid(first)
        hidden = torch.tanh(first)
        return torch.sigmoid(hidden.flatten(1, -2) @ last[0] + last[1]).reshape(*hidden.shape[:-1], -1)


class _Trained(NetReporters):
    """Changes of a few nodes pass through the first weights alone, which spares all others."""

    def __init__(self, view: NetView, network: _OnActivations, sure: tuple[Tensor, Tensor] | None) -> None:
        super().__init__(view, network)
        self.sure = sure
        self._network = network
        self._first = network.first(view.x)
        self.answers = network.after(self._first)

    @cached_property
    def _before(self) -> Float[Tensor, "candidate pattern unit"]:
        """What the first weights make of the patterns."""
        situations = self._first.index_select(1, self._view.places)
        return torch.stack([situations, self._network.first(self._view.mixed)], dim=2).flatten(1, 2)

    @cached_property
    def _change(self) -> tuple[Float[Tensor, "candidate pattern flip"], Float[Tensor, "candidate flip unit"]]:
        """By how much each node is flipped in each pattern, and its first weights."""
        weight = self._network.parameters[0]
        which = self.flips[0].expand(len(weight), -1)  # all nodes of a narrow net: the same for all candidates
        change = self._view.others(which) - taken(self._view.patterns, which)
        return change, weight.gather(1, which[..., None].expand(-1, -1, weight.shape[-1]))

    def _moved(self, first: int) -> Float[Tensor, "candidate pattern flip question"]:
        before = self._before[:, :first]
        change, rows = self._change
        after = torch.addcmul(before[:, :, None], change[:, :first, :, None], rows[:, None])
        return (self._network.after(after) - self._network.after(before)[:, :, None]).abs()

    @cached_property
    def usual(self) -> Float[Tensor, "candidate flip question"]:
        return self._moved(MEANS).mean(1).double()

    @cached_property
    def largest(self) -> Float[Tensor, "candidate flip question"]:
        """Of the one question; followed downhill where it is found, which spares the other patterns."""
        change, rows = self._change
        with torch.no_grad():
            where = self._moved(PATTERNS)[..., 0].argmax(1)
        before = self._before.gather(1, where[..., None].expand(-1, -1, rows.shape[-1]))
        after = before + change.gather(1, where[:, None])[:, 0, :, None] * rows
        return (self._network.after(after) - self._network.after(before)).abs().double()

    def swapped(self, other: Tensor, nodes: Tensor) -> Tensor:
        change = (other - self._view.x)[..., nodes] @ self._network.parameters[0][:, nodes]
        return self._network.after(self._first + change)


class NetTraining(Training):
    """Seeds of a reporter on their way, each shown a new batch of its own situations at each step."""

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.view: NetView = NetView(meta, {k: v for k, v in arrays.items() if k != "asked"})
        self.asked = torch.from_numpy(np.array(arrays["asked"]))
        self.knobs, kind = meta["knobs"], meta["reporter"]
        nodes = torch.arange(self.view.x.shape[1])
        self.network: _OnActivations = _OnActivations(kind, nodes, len(self.view.questions), list(meta["seeds"]))
        self.optimiser = torch.optim.Adam(self.network.parameters, lr=SLOWER * RATES[kind], fused=True)
        self._draws, self._sure, self._steps = self._drawn(list(meta["seeds"])), self._furthest(), 0

    def _drawn(self, seeds: list[int]) -> Iterator[Draw]:
        """Without end. A seed's draws depend on no other seed."""
        streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        held, size, start = _strata(self.view)
        samples = torch.stack([_resampled(held, size, start, stream) for stream in streams])
        places = torch.Generator().manual_seed(0)
        while True:
            stratum = _places(size, places)
            uniform = torch.stack([torch.rand((BLOCK, BATCH + PATTERNS // 2 + 1), generator=s) for s in streams], dim=1)
            within = (uniform[..., :BATCH] * size[stratum][:, None]).long().minimum(size[stratum][:, None] - 1)
            rows = samples[torch.arange(len(seeds))[:, None], within + start[stratum][:, None]]
            for step in range(BLOCK):
                yield Draw.of(uniform[step, :, BATCH:], rows[step])

    def shown(self) -> tuple[SoftReporters, SoftView]:
        view = self.view.batch(next(self._draws))
        self._steps += 1
        if self._steps % KNOWN == 0:
            self._sure = self._furthest()
        return _Trained(view, self.network, self._sure), view

    def _furthest(self) -> tuple[Tensor, Tensor] | None:
        """By how far a flip of each node moves what the first weights make of it; None if all are flipped."""
        if len(self.view.nodes) <= FLIPPED:
            return None
        return sure(self.network.parameters[0].detach().abs().sum(-1) * self.view.gap)

    def answers(self) -> np.ndarray:
        """[candidate, situation, question], P(yes) of those that were sent to be asked about."""
        with torch.no_grad():
            return np.asarray(self.network(self.asked).double().numpy())


def _strata(view: NetView) -> tuple[Int64[Tensor, " situation"], Int64[Tensor, " stratum"], Int64[Tensor, " stratum"]]:
    """Situations in the order of the data processes that hold them; how many each such set has, and where it begins."""
    inside = torch.stack([p.weights > 0 for p in view.data.values()], dim=1)
    _, stratum, size = torch.unique(inside, dim=0, return_inverse=True, return_counts=True)
    return stratum.argsort(stable=True), size, size.cumsum(0) - size


def _resampled(held: Tensor, size: Tensor, start: Tensor, stream: torch.Generator) -> Int64[Tensor, " situation"]:
    """As many of each stratum, drawn with replacement."""
    of = torch.arange(len(size)).repeat_interleave(size)
    within = (torch.rand(len(held), generator=stream) * size[of]).long().minimum(size[of] - 1)
    return held[start[of] + within]


def _places(size: Tensor, random: torch.Generator) -> Int64[Tensor, "step place"]:
    """Of which stratum each place of a batch is: in proportion to their sizes, rounded by chance."""
    ends = size.cumsum(0).double() / size.sum()
    offset = torch.rand((BLOCK, 1), generator=random, dtype=torch.float64)
    marks = (torch.arange(BATCH) + offset) / BATCH
    return torch.searchsorted(ends, marks).clamp(max=len(size) - 1)


answer = answers_of(NetTraining)
