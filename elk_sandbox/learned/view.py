"""A View of a learned world: nodes are a network's activations, measures are differentiable surrogates by resampling.

On a network no table can be gone through. A node is *flipped* by drawing its value anew from the other half of its
values, above the median or below; *patterns* have each node drawn on its own, from either half with probability one
half. On a bit that is the flip of a fair bit, so each surrogate has a counterpart on exact worlds that it is held
against: `calibration` gives the rank correlations.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from elk_sandbox.evidence.soft import SoftProcess, SoftReporters, SoftView, surrogate
from elk_sandbox.objective import NotApplicable, Objective
from elk_sandbox.view import FLOOR

__all__ = ["SURROGATES", "NetReporters", "NetView"]

PATTERNS, FLIPPED = 32, 32  # at each step: patterns that are drawn, and nodes that are flipped in each of them
MOST_PAIRS = 4096  # of situations that look alike, at each step
SMALL = 1e-6

SURROGATES: dict[str, Callable[..., Objective]] = {}
"""Measures that are estimated here, by name; each is held against the exact measure of its name."""


class NetReporters(SoftReporters):
    """Candidates that are functions of activations: `on(x)` with answers [candidate, ..., question] as a tensor."""

    _view: "NetView"

    @cached_property
    def answers(self) -> Float[Tensor, "candidate situation question"]:
        return self.on(self._view.x)

    @cached_property
    def moved(self) -> Float[Tensor, "candidate pattern node question"]:
        """How much the answer to a drawn pattern changes when one node is flipped; of some nodes, drawn as well."""
        view = self._view
        patterns, flipped = view.drawn
        return (self.on(flipped) - self.on(patterns)[:, :, None]).abs()

    @property
    def sibling_answers(self) -> Any:
        raise NotApplicable("a learned world has one predictor")

    cube = steps = sibling_answers


class NetView(SoftView):
    """See view.View for what is the same. Situations are a batch of those that may be trained on.

    x        [situation, node], activations with mean 0 and standard deviation 1
    layer    [node], which layer it is of, in the order of computation; the last is the prediction of what is seen
    """

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.questions, self.nodes = tuple(meta["questions"]), tuple(meta["nodes"])
        self.kinds, self.listed = tuple(meta["kinds"]), tuple(meta["listed"])
        self.relations, self.pads = (), False
        self.asked: list[tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]] = []
        self.x = torch.from_numpy(np.array(arrays["x"]))
        self.layer = torch.from_numpy(np.array(arrays["layer"]))
        self.looks = torch.from_numpy(np.array(arrays["looks"]))
        self.weights = torch.full((len(self.x),), 1 / max(1, len(self.x)), dtype=torch.float64)
        self.humans = {n: torch.from_numpy(arrays[f"human_{n}"])[:, None] for n in meta["levels"]}
        self.data = {
            n: _process(torch.from_numpy(arrays[f"inside_{n}"]), torch.from_numpy(arrays[f"labels_{n}"]))
            for n in meta["processes"]
        }
        ranked = self.x.sort(dim=0).values
        half = len(ranked) // 2
        self._below, self._above = ranked[:half], ranked[len(ranked) - half :]
        self._random = torch.Generator().manual_seed(int(meta.get("seed", 0)))

    def batch(self, some: Int64[Tensor, " situation"], random: torch.Generator) -> "NetView":
        """The same with these situations only; patterns are drawn anew from `random`."""
        view: NetView = object.__new__(NetView)
        view.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("drawn", "pairs")})
        view.x, view.looks = self.x[some], self.looks[some]
        view.weights = torch.full((len(some),), 1 / len(some), dtype=torch.float64)
        view.humans = {n: p[some] for n, p in self.humans.items()}
        view.data = {n: _process(p.weights[some] > 0, p.labels[some, 0]) for n, p in self.data.items()}
        view._random = random
        return view

    @cached_property
    def drawn(self) -> tuple[Float32[Tensor, "pattern node"], Float32[Tensor, "pattern flip node"]]:
        """Patterns, and the same with one node flipped; of more than FLIPPED nodes as many are drawn."""
        count, nodes = PATTERNS, self.x.shape[1]
        high = torch.randint(0, 2, (count, nodes), generator=self._random).bool()
        patterns = self._from(high)
        which = torch.randperm(nodes, generator=self._random)[: min(FLIPPED, nodes)]
        other = self._from(~high)
        flipped = patterns[:, None].repeat(1, len(which), 1)
        flipped[:, torch.arange(len(which)), which] = other[:, which]
        return patterns, flipped

    def _from(self, high: Tensor) -> Float32[Tensor, "pattern node"]:
        """Each node drawn from its upper or its lower half."""
        place = torch.randint(0, len(self._below), high.shape, generator=self._random)
        node = torch.arange(high.shape[1])
        return torch.where(high, self._above[place, node], self._below[place, node])

    def _whole(self, sampled: Tensor) -> Tensor:
        """A sum over the flipped nodes as one over all."""
        return sampled.double() * (self.x.shape[1] / min(FLIPPED, self.x.shape[1]))

    def _loss(self, reporters: SoftReporters, bits: Tensor, process: str) -> Tensor:
        raise NotApplicable("a learned world has one predictor")

    @surrogate("loss on {} data", SURROGATES)
    def cross_entropy(self, reporters: SoftReporters, process: str = "viewer", *, instances: bool = False) -> Tensor:
        if process not in self.data:
            raise NotApplicable(f"this world has no data process {process!r}, only {', '.join(self.data)}")
        data = self.data[process]
        answers = reporters.answers.double()
        right = torch.where(data.labels == 1, answers, 1 - answers)
        nats = torch.where(data.labels >= 0, -torch.log(right.clamp(min=FLOOR)), 0.0)
        return nats.sum(-1) @ data.weights

    @surrogate("complexity", SURROGATES)
    def complexity(self, reporters: SoftReporters) -> Tensor:
        moved = _moved(reporters)
        return self._whole((moved.amax(1) + moved.mean(1)).sum((1, 2)))

    @surrogate("reads", SURROGATES)
    def reads(self, reporters: SoftReporters) -> Tensor:
        return self._whole((_moved(reporters).mean(1) + SMALL).sqrt().sum((1, 2)))

    @surrogate("parts", SURROGATES)
    def parts(self, reporters: SoftReporters) -> Tensor:
        return self._whole(_moved(reporters).amax((1, 3)).sum(1))

    @surrogate("influence", SURROGATES)
    def influence(self, reporters: SoftReporters) -> Tensor:
        return self._whole(_moved(reporters).mean(1).sum((1, 2)))

    @surrogate("downstream", SURROGATES)
    def downstream(self, reporters: SoftReporters) -> Tensor:
        """Mean change when what is predicted to be seen comes from another situation, all before it kept."""
        other = self.x[torch.randperm(len(self.x), generator=self._random)]
        swapped = torch.where(self.layer == self.layer.max(), other, self.x)
        return ((reporters.on(swapped) - reporters.answers).abs().sum(-1).double()) @ self.weights

    @surrogate("sensitivity", SURROGATES)
    def sensitivity(self, reporters: SoftReporters) -> Tensor:
        first, second = self.pairs
        answers = reporters.answers.double()
        return (answers[:, first] - answers[:, second]).abs().mean((1, 2))

    @cached_property
    def pairs(self) -> tuple[Tensor, Tensor]:
        """Of situations that look alike to a human."""
        first, second = torch.triu_indices(len(self.looks), len(self.looks), 1)
        same = (self.looks[first] == self.looks[second]).nonzero()[:, 0]
        if not len(same):
            raise NotApplicable("no two situations look alike")
        some = same[torch.randperm(len(same), generator=self._random)[:MOST_PAIRS]]
        return first[some], second[some]

    @surrogate("usable information", SURROGATES)
    def usable_information(self, reporters: SoftReporters, reader: str = "table", *, blank: bool = False) -> Tensor:
        """What the line through an answer tells of each latent node, -ln(1 - correlation^2) / 2, summed."""
        latent = self.x[:, self.layer != self.layer.max()].double()
        latent = (latent - latent.mean(0)) / (latent.std(0, unbiased=False) + SMALL)
        answers = reporters.answers.double()
        answers = answers - answers.mean(1, keepdim=True)
        scale = answers.pow(2).mean(1, keepdim=True).add(SMALL**2).sqrt()
        correlation = torch.einsum("csq,sn->cqn", answers / scale, latent) / len(latent)
        return -0.5 * torch.log1p(-correlation.pow(2).clamp(max=1 - SMALL)).sum((1, 2))


def _moved(reporters: SoftReporters) -> Float[Tensor, "candidate pattern node question"]:
    if not isinstance(reporters, NetReporters):
        raise TypeError("a learned world measures reporters that read activations")
    return reporters.moved


def _process(inside: Tensor, labels: Tensor) -> SoftProcess:
    weights = inside.double()
    return SoftProcess(weights / weights.sum().clamp(min=1), labels[:, None].to(torch.int8))


def _none(name: str, why: str) -> Any:
    def refuse(view: NetView, *_: Any, **__: Any) -> Objective:
        raise NotApplicable(f"{name}: {why}")

    return refuse


for _name, _why in {
    "disagreement": "the world has one predictor",
    "specificity": "the world has one predictor",
    "change": "the world has no earlier reporter",
    "inconsistency": "the world has one question, and no relations",
    "intervention_error": "the world has no interventions",
    "leak": "a network's state is not enumerated",
}.items():
    setattr(NetView, _name, _none(_name.replace("_", " "), _why))
