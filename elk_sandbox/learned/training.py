"""Reporters trained on a network's activations with a proposal's objective: N seeds in one batch. Runs in the child.

A seed is another resample of the situations, another stream of batches and patterns, and other first weights: what
differs between seeds is all that would differ if it were done again on other data. Resamples keep how many situations
each data process holds, and so do batches on average: a place in them is of the same processes for all seeds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from elk_sandbox.evidence.training import RATES, Function, Network, Training, answers_of
from elk_sandbox.learned.flips import BATCH, FLIPPED, MEANS, PATTERNS, TRIED, Draw, sure, taken
from elk_sandbox.learned.patching import Edits
from elk_sandbox.learned.relatives import Frame
from elk_sandbox.learned.view import NetReporters, NetView
from elk_sandbox.objective import Objective

__all__ = ["SLOWER", "NetTraining", "OnActivations", "Shown", "answer"]

SLOWER = 0.2  # of the rates for bits: there are hundreds of nodes
KNOWN = 10  # steps for which the nodes that a reporter reads most are taken to be the same
BLOCK = 64  # steps that are drawn at once
APART = 1_000_003  # between the seeds of a candidate's first weights on one predictor and on the next
OTHERS = ("x_", "layer_", "unit_", "mean_", "spread_")  # arrays of the siblings

Sure: TypeAlias = tuple[Tensor, Tensor] | None


class OnActivations(Network):
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


class Shown(NetReporters):
    """Changes of a few nodes pass through the first weights alone, which spares all others."""

    of_step: "tuple[Callable[[], _Step | None], int]"  # a weak reference, as a step's tensors are many, and its place

    def __init__(self, view: NetView, network: OnActivations, sure: Sure) -> None:
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

    def kin(self) -> "list[Shown]":
        step, k = self.of_step[0](), self.of_step[1]
        return [] if step is None else step.others(k)

    def patched(
        self, x: Float32[Tensor, "*candidate tried node"], after: Float32[Tensor, "tried edit node"], edits: Edits
    ) -> Float[Tensor, "candidate tried edit question"]:
        """See `error_of_patches`: what each place's nodes add to the first weights' sums is exchanged."""
        first, tried = self._network.parameters[0], len(after)
        new: Tensor = (after * edits.sets[edits.place]).flatten(0, 1) @ first
        old: Tensor = (x.unsqueeze(-2) * edits.sets).flatten(-3, -2) @ first
        new, old = (each.reshape(len(first), tried, -1, first.shape[-1]) for each in (new, old))
        return self._network.after(self._network.first(x).unsqueeze(2) + new - old.index_select(2, edits.place))

    def swapped(self, other: Tensor, nodes: Tensor) -> Tensor:
        """As `NetReporters.swapped`."""
        change = (other - self._view.x)[..., nodes] @ self._network.parameters[0][:, nodes]
        return self._network.after(self._first + change)


class _Step:
    """What is shown at one step: to the reporters of each predictor the same situations, as it sees them."""

    def __init__(self, views: Sequence[NetView], networks: Sequence[OnActivations], sure: Sequence[Sure]) -> None:
        self.views, self.joint = views, False
        self._networks, self._sure = networks, sure
        self._made: dict[int, Shown] = {}

    def of(self, k: int) -> Shown:
        """The reporters of predictor k."""
        if k not in self._made:
            self._made[k] = Shown(self.views[k], self._networks[k], self._sure[k])
            self._made[k].of_step = ref(self), k
        return self._made[k]

    def others(self, k: int) -> list[Shown]:
        """Those of all other predictors; all are trained then."""
        self.joint = True
        return [self.of(j) for j in range(len(self.views)) if j != k]


class NetTraining(Training):
    """Seeds of a reporter on their way, each shown a new batch of its own situations at each step.

    Where the objective asks for reporters of the sibling predictors a candidate is a reporter of each predictor, with
    weights of its own as nothing says which node of one is which of another. They go downhill together, on the mean of
    the objective with each predictor at hand.
    """

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self._views, seeds, kind = family(meta, arrays), list(meta["seeds"]), meta["reporter"]
        self.view: NetView = self._views[0]
        self._asked = [torch.from_numpy(np.array(arrays[n])) for n in ("asked", *_named("asked", meta))]
        self.knobs = meta["knobs"]
        self._networks = [
            OnActivations(kind, torch.arange(v.x.shape[1]), len(v.questions), [s + APART * k for s in seeds])
            for k, v in enumerate(self._views)
        ]
        self.network: OnActivations = self._networks[0]
        every = [p for network in self._networks for p in network.parameters]
        self.optimiser = torch.optim.Adam(every, lr=SLOWER * RATES[kind], fused=True)
        self._draws, self._steps, self._joint = self._drawn(seeds), 0, False
        self._sure = [self._furthest(k) for k in range(len(self._views))]

    def _drawn(self, seeds: list[int]) -> Iterator[Draw]:
        """Without end. A seed's draws depend on no other seed."""
        streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        held, size, start = _strata(self.view)
        samples = torch.stack([_resampled(held, size, start, stream) for stream in streams])
        places, edits = (torch.Generator().manual_seed(0) for _ in range(2))  # the same for all seeds
        while True:
            stratum, tried = _places(size, places), torch.rand((BLOCK, TRIED), generator=edits)
            uniform = torch.stack([torch.rand((BLOCK, BATCH + PATTERNS // 2 + 1), generator=s) for s in streams], dim=1)
            within = (uniform[..., :BATCH] * size[stratum][:, None]).long().minimum(size[stratum][:, None] - 1)
            rows = samples[torch.arange(len(seeds))[:, None], within + start[stratum][:, None]]
            for step in range(BLOCK):
                yield Draw.of(uniform[step, :, BATCH:], rows[step], tried[step])

    def shown(self) -> tuple[Shown, NetView]:
        draw = next(self._draws)
        self._steps += 1
        if self._steps % KNOWN == 0:
            self._sure = [self._furthest(k) if self._joint or not k else s for k, s in enumerate(self._sure)]
        self._step = _Step([view.batch(draw) for view in self._views], self._networks, self._sure)
        return self._step.of(0), self._step.views[0]

    def objective(self, function: Function) -> Objective:
        """The mean over the predictors whose reporters are trained; raises as `Training.objective` does."""
        found = super().objective(function)
        self._joint = self._step.joint
        if not self._joint:
            return found
        for k, view in enumerate(self._step.views[1:], 1):
            found += self.valued(function, self._step.of(k), view)
        return found / len(self._views)

    def _furthest(self, k: int) -> Sure:
        """By how far a flip of each node moves what the first weights make of it; None if all are flipped."""
        if len(self._views[k].nodes) <= FLIPPED:
            return None
        return sure(self._networks[k].parameters[0].detach().abs().sum(-1) * self._views[k].gap)

    def answers(self) -> np.ndarray:
        """[candidate, situation, question], P(yes) of those that were sent to be asked about."""
        return self._answered(0)

    def answers_elsewhere(self) -> dict[str, np.ndarray]:
        """The same of the siblings' reporters, `answers_1` ..., if they were trained."""
        return {f"answers_{k}": self._answered(k) for k in range(1, len(self._views)) if self._joint}

    def _answered(self, k: int) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(self._networks[k](self._asked[k]).double().numpy())


def family(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[NetView]:
    """Views of the predictor at hand and of its siblings, as `judge.shown` and `siblings.sent` send them."""
    said = {n: a for n, a in arrays.items() if n.startswith(("human_", "inside_", "labels_"))}
    own = {n: a for n, a in arrays.items() if n not in ("asked", *_named("asked", meta)) and not n.startswith(OTHERS)}
    views = [NetView(meta, own)]
    for x, layer in zip(_named("x", meta), _named("layer", meta), strict=True):
        last = arrays[layer].max()
        named = {
            "nodes": [f"{'predicted' if k == last else 'node'} {n}" for n, k in enumerate(arrays[layer])],
            "kinds": ["pixel" if k == last else "latent" for k in arrays[layer]],
        }
        views.append(NetView({**meta, **named}, {**said, "x": arrays[x], "layer": arrays[layer]}))
    for k, view in enumerate(views if len(views) > 1 else []):
        view.frame = Frame.of(arrays[f"unit_{k}"], arrays[f"mean_{k}"], arrays[f"spread_{k}"])
        view.siblings = tuple(each for each in views if each is not view)
    return views


def _named(array: str, meta: Mapping[str, Any]) -> list[str]:
    """Of each sibling."""
    return [f"{array}_{k + 1}" for k in range(meta.get("siblings", 0))]


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
