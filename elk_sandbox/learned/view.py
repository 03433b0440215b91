"""A View of a learned world: nodes are a network's activations, measures are differentiable surrogates by resampling.

On a network no table can be gone through: nodes are flipped in patterns that are drawn, see `flips`. On a bit that is
the flip of a fair bit, so each surrogate has a counterpart on exact worlds that it is held against: `calibration` gives
the rank correlations.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int8, Int64
from torch import Tensor

from elk_sandbox.evidence.soft import NEAR, RAMP, SoftProcess, SoftReporters, SoftView, changed, surrogate
from elk_sandbox.learned.flips import FLIPPED, MEANS, ORDERS, PATTERNS, Draw, Said, parts, rows_of, taken
from elk_sandbox.learned.patching import Edits, Patching, error_of_patches
from elk_sandbox.learned.relatives import Frame, misfit, seen_as, siblings_of
from elk_sandbox.objective import NotApplicable, Objective

__all__ = ["SURROGATES", "NetReporters", "NetView"]

SMALL = 1e-6

SURROGATES: dict[str, Callable[..., Objective]] = {}
"""Measures that are estimated here, by name; each is held against the exact measure of its name."""


class NetReporters(SoftReporters):
    """Candidates that are functions of activations: `on(x)` with answers [candidate, ..., question] as a tensor."""

    _view: "NetView"
    patched: Patching | None = None  # a shorter way to what is answered after edits
    sure: tuple[Tensor, Tensor] | None = None  # nodes that are flipped at each step, as `sure` gives them

    @cached_property
    def answers(self) -> Float[Tensor, "candidate situation question"]:
        return self.on(self._view.x)

    @cached_property
    def moved(self) -> Float[Tensor, "candidate pattern flip question"]:
        """How much the answer to each pattern changes when one node is flipped, of those that are flipped."""
        return self.changed(self.flips[0])

    def changed(self, which: Int64[Tensor, " flip"]) -> Float[Tensor, "candidate pattern flip question"]:
        """How much it changes by each of these nodes."""
        patterns = self._view.patterns
        each = patterns[:, None].repeat(1, len(which), 1)
        each[:, torch.arange(len(which)), which] = self._view.others(which)
        return (self.on(each) - self.on(patterns)[:, :, None]).abs()

    @cached_property
    def usual(self) -> Float[Tensor, "candidate flip question"]:
        """The mean of `moved`."""
        return self.moved[:, :MEANS].mean(1).double()

    @cached_property
    def largest(self) -> Float[Tensor, "candidate flip question"]:
        """The largest of `moved`."""
        return self.moved.amax(1).double()

    def swapped(self, other: Tensor, nodes: Tensor) -> Float[Tensor, "candidate situation question"]:
        """Answers when these nodes have the values [..., situation, node] of other situations."""
        x = self._view.x.clone()
        x[..., nodes] = other[..., nodes]
        return self.on(x)

    @cached_property
    def flips(self) -> tuple[Int64[Tensor, "*candidate flip"], Float[Tensor, "*candidate flip"]]:
        """Nodes that are flipped, and for how many nodes each stands."""
        nodes, order = self._view.x.shape[-1], self._view.order
        if nodes <= FLIPPED:
            return torch.arange(nodes), torch.ones(nodes)
        if self.sure is None:
            return order[..., :FLIPPED], torch.full((FLIPPED,), nodes / FLIPPED)
        first, known = self.sure
        rest = order[..., : FLIPPED - first.shape[-1]].expand(len(first), -1)
        share = torch.where(known.gather(-1, rest), 0.0, nodes / rest.shape[-1])  # by the chance that a node is drawn
        return torch.cat([first, rest], dim=-1), torch.cat([torch.ones(first.shape), share], dim=-1)

    @cached_property
    def sibling_answers(self) -> Float[Tensor, "candidate sibling situation question"]:
        """The same weights on every predictor, each node of a sibling on the scale of the predictor at hand."""
        others = [self.on(seen_as(self._view, each)) for each in siblings_of(self._view)]
        return torch.stack([self.answers, *others], dim=1)

    @cached_property
    def instances(self) -> Float[Tensor, "candidate sibling situation question"]:
        """The candidate, and its own reporter of each sibling."""
        siblings_of(self._view)
        return torch.stack([self.answers, *(each.answers for each in self.kin())], dim=1)

    def kin(self) -> "Sequence[NetReporters]":
        """The reporters of the siblings."""
        raise NotApplicable("these are candidates without reporters of other predictors")

    @property
    def cube(self) -> Any:
        raise NotApplicable("activations are not enumerated")

    steps = cube


class NetView(SoftView):
    """See view.View for what is the same. Situations are a batch of those that may be trained on.

    Where candidates are shown batches of their own, x, the humans' answers and labels have the candidate as their first
    axis; which places of a batch a data process holds is the same for all.

    x        [situation, node], activations with mean 0 and standard deviation 1
    layer    [node], which layer it is of, in the order of computation; the last is the prediction of what is seen
    gap      [node], between the means of its lower and its higher values
    siblings views of the other predictors in all situations, if they were sent
    """

    siblings: "tuple[NetView, ...]" = ()
    frame: Frame | None = None  # where there are siblings

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.questions, self.nodes = tuple(meta["questions"]), tuple(meta["nodes"])
        self.kinds, self.listed = tuple(meta["kinds"]), tuple(meta["listed"])
        self.relations, self.pads = (), False
        self.asked: list[tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]] = []
        self.x = torch.from_numpy(np.array(arrays["x"]))
        self.layer = torch.from_numpy(np.array(arrays["layer"]))
        self.weights = torch.full((len(self.x),), 1 / max(1, len(self.x)), dtype=torch.float64)
        sent = {k: torch.from_numpy(a) for k, a in arrays.items() if k not in ("x", "layer")}
        self.humans = {n: _of_questions(sent[f"human_{n}"]) for n in meta["levels"]}
        self.data = {n: _process(sent[f"inside_{n}"], _of_questions(sent[f"labels_{n}"])) for n in meta["processes"]}
        random = torch.Generator().manual_seed(int(meta.get("seed", 0)))
        self._edge, self._lows, self._highs = parts(self.x, random)
        self._mixed = torch.where(torch.rand(self._lows.shape, generator=random) < 0.5, self._lows, self._highs)
        self.gap = self._highs.mean(0) - self._lows.mean(0)
        middle = (self._highs.mean(0) + self._lows.mean(0)) / 2
        self._edits = Edits.of(self.x, middle, sent) if "patched_after" in sent else None
        self._orders = torch.rand((ORDERS, self.x.shape[1]), generator=random).argsort(dim=1)
        self._draw = Draw.of(torch.rand(PATTERNS // 2 + 1, generator=random), torch.arange(len(self.x)))

    def batch(self, draw: Draw) -> "NetView":
        """The same with the situations and patterns of a draw."""
        view: NetView = object.__new__(NetView)
        view.__dict__.update({k: v for k, v in self.__dict__.items() if k not in ("patterns", "mixed", "order")})
        rows = draw.rows
        count = rows.shape[-1]
        view.x = rows_of(self.x, rows)
        view.weights = torch.full((count,), 1 / count, dtype=torch.float64)
        view.humans = Said(self.humans, rows)  # type: ignore[assignment]
        one = rows.reshape(-1, count)[0]
        view.data = {n: _process(p.weights[one] > 0, rows_of(p.labels, rows)) for n, p in self.data.items()}
        view._draw = draw
        return view

    @property
    def rows(self) -> Int64[Tensor, "*candidate situation"]:
        """Of all situations, which these are."""
        return self._draw.rows

    @cached_property
    def patterns(self) -> Float32[Tensor, "*candidate pattern node"]:
        """In turn a situation, every so many of the batch, and one of nodes that are drawn each on its own."""
        return torch.stack([self.x[..., self.places, :], self.mixed], dim=-2).flatten(-3, -2)

    @property
    def places(self) -> Int64[Tensor, " pattern"]:
        """Of the situations among the patterns."""
        half = PATTERNS // 2
        return torch.arange(half) * self.x.shape[-2] // half

    @cached_property
    def mixed(self) -> Float32[Tensor, "*candidate pattern node"]:
        return rows_of(self._mixed, self._draw.patterns)

    def others(self, which: Int64[Tensor, "*candidate flip"]) -> Float32[Tensor, "*candidate pattern flip"]:
        """What these nodes of the patterns are flipped to."""
        place = self._draw.order[..., None], which
        low, high = (each[place].unsqueeze(-2) for each in (self._lows, self._highs))
        return torch.where(taken(self.patterns, which) > self._edge[which].unsqueeze(-2), low, high)

    @cached_property
    def order(self) -> Int64[Tensor, "*candidate node"]:
        """In which nodes are drawn."""
        return rows_of(self._orders, self._draw.order)

    def _held(self, process: str) -> SoftProcess:
        self._process(process)  # which says what is wrong with a name
        return self.data[process]

    @surrogate("loss on {} data", SURROGATES)
    def cross_entropy(self, reporters: SoftReporters, process: str = "viewer", *, instances: bool = False) -> Tensor:
        data = self._held(process)
        if instances:
            return misfit(_on_nodes(reporters).instances, data).mean(1)
        return misfit(reporters.answers[:, None], data)[:, 0]

    @surrogate("disagreement", SURROGATES)
    def disagreement(self, reporters: SoftReporters) -> Tensor:
        """Between a candidate and its own reporters of the siblings, mean over these."""
        answers = _on_nodes(reporters).instances.double()
        return (changed(answers[:, :1], answers[:, 1:]) @ self.weights).mean(1)

    @surrogate("specificity", SURROGATES)
    def specificity(self, reporters: SoftReporters) -> Tensor:
        """Of the same weights on the siblings: how many of them they fit, a loss of L counting exp(-L / NEAR)."""
        others = misfit(_on_nodes(reporters).sibling_answers[:, 1:], self._held("viewer"))
        return torch.log(1 + torch.exp(-others / NEAR).sum(1))

    @surrogate("complexity", SURROGATES)
    def complexity(self, reporters: SoftReporters) -> Tensor:
        return _total(reporters, lambda some: (some.largest + some.usual).sum(-1))

    @surrogate("reads", SURROGATES)
    def reads(self, reporters: SoftReporters) -> Tensor:
        return _total(reporters, lambda some: (some.usual + SMALL).sqrt().sum(-1))

    @surrogate("parts", SURROGATES)
    def parts(self, reporters: SoftReporters) -> Tensor:
        return _total(reporters, lambda some: some.largest.amax(-1))

    @surrogate("influence", SURROGATES)
    def influence(self, reporters: SoftReporters) -> Tensor:
        return _total(reporters, lambda some: some.usual.sum(-1))

    @surrogate("downstream", SURROGATES)
    def downstream(self, reporters: SoftReporters) -> Tensor:
        """Mean change when what is predicted to be seen comes from another situation, all before it kept."""
        order = torch.randperm(self.x.shape[-2], generator=torch.Generator().manual_seed(int(self._draw.rows.sum())))
        seen = (self.layer == self.layer.max()).nonzero()[:, 0]
        swapped = _on_nodes(reporters).swapped(self.x[..., order, :], seen)
        return ((swapped - reporters.answers).abs().sum(-1).double()) @ self.weights

    @surrogate("simulated", SURROGATES)
    def simulated(self, reporters: SoftReporters, process: str = "viewer", *, share: float = 0.99) -> Tensor:
        """Rises from 0 to 1 over the last RAMP below the share of answers that convicts."""
        outside = torch.where(self._held(process).weights > 0, 0.0, self.weights)
        if not self.listed or not outside.sum() > 0:
            return reporters.answers.double().sum((1, 2)) * 0
        lists = torch.stack([0.5 + 0.5 * torch.sign(self.humans[level] - 0.5) for level in self.listed], dim=-3)
        same = (1 - (reporters.answers.double()[:, None] - lists).abs()).mean(-1) @ outside / outside.sum()
        return ((same - share + RAMP) / RAMP).clamp(0, 1).amax(1)

    @surrogate("intervention error", SURROGATES)
    def intervention_error(self, reporters: SoftReporters) -> Tensor:
        """See `patching`; some situations of the world's table of edits at each step."""
        if self._edits is None:
            own = ", and of its siblings no edits are known" if self.siblings else ""
            raise NotApplicable(f"the world has no interventions{own}")
        reporters, which = _on_nodes(reporters), (self._draw.tried * len(self._edits.base)).long()
        mixed = self.mixed[..., : len(which), :]
        return error_of_patches(self._edits, which, mixed, reporters.on, reporters.patched)

    SURROGATES["mutual_information"] = SoftView.mutual_information


def _total(reporters: SoftReporters, of: Callable[[NetReporters], Tensor]) -> Float[Tensor, " candidate"]:
    """The sum over all nodes of what is asked of those that are flipped."""
    reporters = _on_nodes(reporters)
    _, stands = reporters.flips
    return (of(reporters) * stands).sum(-1)


def _on_nodes(reporters: SoftReporters) -> NetReporters:
    if not isinstance(reporters, NetReporters):
        raise TypeError("a learned world measures reporters that read activations")
    return reporters


def _of_questions(said: Tensor) -> Tensor:
    """[situation, question]; one question may be left out."""
    return said.reshape(len(said), -1)


def _process(inside: Tensor, labels: Int8[Tensor, "*candidate situation question"]) -> SoftProcess:
    weights = inside.double()
    return SoftProcess(weights / weights.sum().clamp(min=1), labels)


def _none(name: str, why: str) -> Any:
    def refuse(view: NetView, *_: Any, **__: Any) -> Objective:
        raise NotApplicable(f"{name}: {why}")

    return refuse


for _name, _why in {
    "change": "the world has no earlier reporter",
    "inconsistency": "the world has one question, and no relations",
    "leak": "a network's state is not enumerated",
    "sensitivity": "hardly two situations look exactly alike to a network, and there is no surrogate for others",
    "usable_information": "activations are not enumerated, and no surrogate of it keeps its order",
}.items():
    setattr(NetView, _name, _none(_name.replace("_", " "), _why))
