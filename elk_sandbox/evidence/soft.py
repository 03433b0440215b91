"""A View whose arrays are torch tensors and whose measures are differentiable surrogates.

A surrogate is defined on a reporter as a function of bits, never on weights, so that a network and a truth table are
measured alike. Where a measure is a formula in the answers it is that formula; the other definitions are below.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor

from elk_sandbox.candidates import Reporters
from elk_sandbox.objective import NotApplicable, Objective
from elk_sandbox.view import FLOOR, Process, View

__all__ = ["NEAR", "SURROGATES", "SoftProcess", "SoftReporters", "SoftView", "changed", "surrogate"]

MOST_NODES = 13  # that vary and can be read: their whole cube is gone through at each step
MOST_QUESTIONS = 8  # of a sum over patterns of answers
NEAR = 0.1  # nats: a sibling on which the loss is L counts as exp(-L / NEAR) of one that fits
RAMP = 0.02  # share of answers below the threshold from which on being predicted by a listed simulator counts
SHARP = 8.0  # power that brings an answer's odds near to yes or no before a reader is told it

SURROGATES: dict[str, Callable[..., Objective]] = {}
"""View methods that a SoftView has a differentiable form of, by name."""

Soft = Callable[..., Tensor]


class SoftProcess(NamedTuple):
    """A data process, as view.Process, of tensors."""

    weights: Tensor  # [situation]
    labels: Tensor  # [situation, question]


def surrogate(
    term: str, book: dict[str, Callable[..., Objective]] = SURROGATES
) -> Callable[[Soft], Callable[..., Objective]]:
    """Enter a method as the surrogate of the View method of its name; a view notes which were asked for, and how."""

    def enter(method: Soft) -> Callable[..., Objective]:
        @wraps(method)
        def measured(view: "SoftView", reporters: "SoftReporters", *given: Any, **named: Any) -> Objective:
            call = (method.__name__, given, tuple(sorted(named.items())))
            if call not in view.asked:
                view.asked.append(call)
            value = method(view, reporters, *given, **named)
            return Objective.of(value, term.format(*(given or ("viewer",))))

        book[method.__name__] = measured
        return measured

    return enter


class SoftReporters:
    """Candidates that are functions of bits: `on(bits)` with answers [candidate, ..., question] as a tensor."""

    def __init__(self, view: "SoftView", on: Callable[[Tensor], Tensor]) -> None:
        self._view, self.on = view, on

    def __len__(self) -> int:
        return len(self.answers)

    def __getattr__(self, name: str) -> Any:
        raise NotApplicable(f"no surrogate for reporters.{name}: not applicable to gradient descent")

    @cached_property
    def answers(self) -> Float[Tensor, "candidate situation question"]:
        return self.on(self._view.bits[0])

    @cached_property
    def sibling_answers(self) -> Float[Tensor, "candidate sibling situation question"]:
        return self.on(self._view.bits)

    @cached_property
    def cube(self) -> Float[Tensor, "candidate question pattern"]:
        """Answers on every pattern of the nodes that are read, the first the most significant bit."""
        return self.on(self._view.patterns).movedim(-1, 1)

    @cached_property
    def steps(self) -> Float[Tensor, "candidate question read pattern"]:
        """How much the answer changes when one node that is read is flipped, on every pattern."""
        place = torch.arange(len(self._view.read))
        flipped = torch.arange(self.cube.shape[-1]) ^ (1 << place.flip(0))[:, None]
        return (self.cube[:, :, None] - self.cube[:, :, flipped]).abs()


class SoftView(View):
    """See view.View for the arrays. `read`: nodes that can be read and vary, the inputs of every trained reporter."""

    xp: Any = torch

    weights: Tensor  # type: ignore[assignment]
    bits: Tensor  # type: ignore[assignment]
    instance_bits: Tensor  # type: ignore[assignment]
    flipped: Tensor  # type: ignore[assignment]
    observations: Tensor
    humans: dict[str, Tensor]  # type: ignore[assignment]
    data: dict[str, SoftProcess]  # type: ignore[assignment]

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(meta, arrays)
        _ = self.instance_bits
        states = np.concatenate([a.reshape(-1, len(self.nodes)) for a in (self.bits, self.flipped, self.edited)])
        self.read = torch.from_numpy(np.flatnonzero(self.readable & (states != states[0]).any(axis=0)))
        self.asked: list[tuple[str, tuple[Any, ...], tuple[tuple[str, Any], ...]]] = []
        earlier = Reporters(self, arrays) if meta.get("earlier") else None
        for name, value in list(self.__dict__.items()):
            self.__dict__[name] = _tensors(value)
        self._earlier = earlier

    @cached_property
    def patterns(self) -> Int8[Tensor, "pattern node"]:
        if len(self.read) > MOST_NODES:
            words = f"{len(self.read)} nodes are read, and their patterns are gone through for at most {MOST_NODES}"
            raise NotApplicable(f"{words}: not applicable to gradient descent")
        bits = torch.zeros((1 << len(self.read), len(self.nodes)), dtype=torch.int8)
        place = torch.arange(len(self.read)).flip(0)
        bits[:, self.read] = ((torch.arange(len(bits))[:, None] >> place) & 1).to(torch.int8)
        return bits

    def _loss(self, reporters: SoftReporters, bits: Tensor, process: str) -> Float[Tensor, "candidate sibling"]:
        data = self.data[process]
        inside = data.weights > 0
        answers, labels = reporters.on(bits[:, inside]), data.labels[inside]
        right = torch.where(labels == 1, answers, 1 - answers)
        nats = torch.where(labels >= 0, -torch.log(right.clamp(min=FLOOR)), 0.0)
        return nats.sum(-1) @ data.weights[inside]

    @surrogate("loss on {} data")
    def cross_entropy(self, reporters: SoftReporters, process: str = "viewer", *, instances: bool = False) -> Tensor:
        if process not in self.data:
            raise NotApplicable(f"this world has no data process {process!r}, only {', '.join(self.data)}")
        return self._loss(reporters, self.instance_bits if instances else self.bits[:1], process).mean(1)

    @surrogate("disagreement")
    def disagreement(self, reporters: SoftReporters) -> Tensor:
        if len(self.bits) == 1:
            return torch.zeros(len(reporters), dtype=torch.float64)
        answers = reporters.on(self.instance_bits)
        return (changed(answers[:, :1], answers[:, 1:]) @ self.weights).mean(1)

    @surrogate("complexity")
    def complexity(self, reporters: SoftReporters) -> Tensor:
        return _nodes(reporters.cube)

    @surrogate("reads")
    def reads(self, reporters: SoftReporters) -> Tensor:
        return _spectrum(reporters.cube).sum(1)

    @surrogate("parts")
    def parts(self, reporters: SoftReporters) -> Tensor:
        return reporters.steps.amax((1, 3)).sum(1)

    @surrogate("influence")
    def influence(self, reporters: SoftReporters) -> Tensor:
        return reporters.steps.mean(3).sum((1, 2))

    @surrogate("change")
    def change(self, reporters: SoftReporters) -> Tensor:
        if self._earlier is None:
            raise NotApplicable("the world has no earlier reporter")
        before = torch.from_numpy(self._earlier.on(self.patterns.numpy())[0].T)
        return _nodes(reporters.cube * (1 - before) + (1 - reporters.cube) * before)

    @surrogate("downstream")
    def downstream(self, reporters: SoftReporters) -> Tensor:
        if not len(self.flipped):
            return torch.zeros(len(reporters), dtype=torch.float64)
        return (changed(reporters.on(self.flipped), reporters.answers[:, None]) @ self.weights).amax(1)

    @surrogate("specificity")
    def specificity(self, reporters: SoftReporters) -> Tensor:
        others = torch.exp(-self._loss(reporters, self.bits[1:], "viewer") / NEAR)
        return torch.log(1 + others.sum(1))

    @surrogate("inconsistency")
    def inconsistency(self, reporters: SoftReporters) -> Tensor:
        patterns, chance = self._drawn(reporters.answers)
        broken = ~self._allowed(patterns)
        return chance[:, :, broken].sum(2) @ self.weights

    @surrogate("usable information")
    def usable_information(self, reporters: SoftReporters, reader: str = "table", *, blank: bool = False) -> Tensor:
        """What a table learns from draws of the sharpened answers; it stands for the logistic reader as well."""
        yes, no = reporters.answers**SHARP, (1 - reporters.answers) ** SHARP
        patterns, chance = self._drawn(yes / (yes + no))
        told = self._blanked(patterns.astype(np.float64)) if blank else patterns
        group = torch.from_numpy(np.unique(told, axis=0, return_inverse=True)[1].reshape(-1))
        message = torch.zeros((*chance.shape[:2], int(group.max()) + 1), dtype=torch.float64)
        message = message.index_add(2, group, chance) * self.weights[:, None]
        latent = self.bits[0][:, [k == "latent" for k in self.kinds]].to(torch.float64)
        joint = torch.stack([torch.einsum("csm,sb->cbm", message, bit) for bit in (latent, 1 - latent)])
        bit, heard = joint.sum(3), joint.sum(0)
        return (_plogp(joint).sum((0, 3)) - _plogp(bit).sum(0) - _plogp(heard).sum(2)).sum(1)

    @surrogate("sensitivity")
    def sensitivity(self, reporters: SoftReporters) -> Tensor:
        _, group = np.unique(self.observations.numpy(), axis=0, return_inverse=True)
        first, second = np.triu_indices(len(group), 1)
        same = group.reshape(-1)[first] == group.reshape(-1)[second]
        if not same.any():
            raise NotApplicable("no two situations have equal observations")
        return (reporters.answers[:, first[same]] - reporters.answers[:, second[same]]).abs().mean((1, 2))

    @surrogate("simulated")
    def simulated(self, reporters: SoftReporters, process: str = "viewer", *, share: float = 0.99) -> Tensor:
        outside = torch.where(self.data[process].weights > 0, 0.0, self.weights)
        if not outside.sum() > 0:
            return torch.zeros(len(reporters), dtype=torch.float64)
        lists = torch.stack([self.humans[level] for level in self.listed])
        same = (1 - (reporters.answers[:, None] - lists).abs()).mean(3) @ outside / outside.sum()
        return ((same - share + RAMP) / RAMP).clamp(0, 1).amax(1)

    @surrogate("mutual information")
    def mutual_information(self, reporters: SoftReporters) -> Tensor:
        _, chance = self._drawn(reporters.answers)
        within = (_plogp(reporters.answers) + _plogp(1 - reporters.answers)).sum(2) @ self.weights
        return within - _plogp(torch.einsum("csp,s->cp", chance, self.weights)).sum(1)

    def _drawn(self, answers: Tensor) -> tuple[np.ndarray, Float[Tensor, "candidate situation pattern"]]:
        """All patterns of answers, and their chance when each answer is drawn with its probability."""
        if answers.shape[2] > MOST_QUESTIONS:
            words = f"{answers.shape[2]} questions, and patterns are summed over at most {MOST_QUESTIONS}"
            raise NotApplicable(f"{words}: not applicable to gradient descent")
        patterns = np.array(list(product((0, 1), repeat=answers.shape[2])))
        chance = torch.where(torch.from_numpy(patterns == 1), answers[:, :, None], 1 - answers[:, :, None])
        return patterns, chance.prod(3)

    def _allowed(self, patterns: np.ndarray) -> np.ndarray:
        held = [[tuple(p[list(q)]) in allowed for q, allowed in self.relations] for p in patterns]
        return np.array([all(h) for h in held])


def _missing(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotApplicable(f"no surrogate for {name}: not applicable to gradient descent")

    return refuse


for _name, _value in list(vars(View).items()):
    if callable(_value) and not _name.startswith("_") and _name not in SURROGATES:
        setattr(SoftView, _name, _missing(_name))


def _tensors(value: Any) -> Any:
    """The same with every numpy array a tensor, also within tuples, dictionaries and data processes."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value))
    if isinstance(value, Process):
        return SoftProcess(_tensors(value.weights), _tensors(value.labels))
    return {k: _tensors(v) for k, v in value.items()} if isinstance(value, dict) else value


def changed(answers: Tensor, others: Tensor) -> Float[Tensor, "*batch"]:
    """P(some answer differs); the last axis are the questions."""
    return 1 - (1 - (answers - others).abs()).prod(-1)


def _plogp(p: Tensor) -> Tensor:
    return p * torch.log(p.clamp(min=1e-30))  # whose slope at 0 is finite, and the value 0


def _spectrum(cube: Float[Tensor, "candidate question pattern"]) -> Float[Tensor, "candidate question"]:
    """Sum over sets S of nodes of |S| |f(S)|^(3/2), f the Fourier coefficients of the answers as -1 and 1.

    With the power 2 it is the total influence, which no decision tree's expected reads fall below (O'Donnell, 2014,
    Analysis of Boolean functions, ch. 8); with 1 it is n for an `and` of n nodes, as complexity is. Between the two it
    orders functions about as both do. One bit 1, `and` 1.4, `xor` 2, majority of five 3.6.
    """
    nodes = cube.shape[-1].bit_length() - 1
    first, second = (_hadamard(1 << half) for half in (nodes // 2, nodes - nodes // 2))
    signs = (2 * cube - 1).reshape(*cube.shape[:-1], len(first), len(second))
    coefficients = (first @ signs @ second).reshape(cube.shape)
    count = torch.tensor([k.bit_count() for k in range(cube.shape[-1])], dtype=torch.float64)
    return (coefficients.abs() ** 1.5) @ count


def _nodes(cube: Float[Tensor, "candidate question pattern"]) -> Float[Tensor, " candidate"]:
    """The spectrum's sum, by a power that leaves its order alone, in about the number of nodes of a decision diagram.

    One bit 1, `and` 1.8, `xor` 3.2, majority of five 8.5; exactly 1, 2, 3 and 9.
    """
    return cube.shape[1] * (_spectrum(cube).mean(1).clamp(min=1e-12)) ** (5 / 3)


def _hadamard(size: int) -> Float[Tensor, "size size"]:
    """The character of each pair of patterns over the number of patterns: the transform gives mean(answer x sign)."""
    k = np.arange(size)
    ones = np.array([int(v).bit_count() for v in (k[:, None] & k).reshape(-1)]).reshape(size, size)
    return torch.from_numpy((1.0 - 2 * (ones % 2)) / size)
