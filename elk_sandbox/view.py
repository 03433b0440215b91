"""What a builder may use: a View of a world without its truth, the candidate Reporters, and the Objective they get."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int8

from elk_sandbox.information import mutual_information, v_information

__all__ = ["NotApplicable", "Objective", "Process", "Reporters", "View", "answer"]

FLOOR = 0.001  # of a probability in a cross-entropy: a certain wrong answer costs 6.908 nats
FITS = 1e-9  # a loss of at most this counts as no misfit
BLOCK = 2**24  # answers computed at once


class NotApplicable(Exception):
    """The world lacks what the objective needs."""


@dataclass(frozen=True)
class Objective:
    """Nats, one value a candidate, smaller is better; `terms` are the named summands that add up to `values`.

    Sums, differences and scalar multiples carry the names along; a bare array joins as the term "other".
    """

    values: Float[np.ndarray, " candidate"]
    terms: Mapping[str, Float[np.ndarray, " candidate"]] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, name: str = "other") -> "Objective":
        if isinstance(value, Objective):
            return value
        values = np.asarray(value, np.float64)
        return cls(values, {name: values})

    def __add__(self, other: Any) -> "Objective":
        other = Objective.of(other)
        names = dict.fromkeys([*self.terms, *other.terms])
        terms = {n: np.asarray(self.terms.get(n, 0.0) + other.terms.get(n, 0.0)) for n in names}
        return Objective(self.values + other.values, terms)

    def __mul__(self, weight: float) -> "Objective":
        if isinstance(weight, Objective) or np.ndim(weight) != 0:
            raise TypeError("an objective is multiplied by a number; multiply arrays by way of .values")
        return Objective(self.values * weight, {n: t * weight for n, t in self.terms.items()})

    def __neg__(self) -> "Objective":
        return self * -1.0

    def __sub__(self, other: Any) -> "Objective":
        return self + -Objective.of(other)

    def __rsub__(self, other: Any) -> "Objective":
        return Objective.of(other) - self

    __radd__ = __add__
    __rmul__ = __mul__
    __array_ufunc__ = None  # array + objective is ours, not numpy's elementwise attempt


@dataclass(frozen=True)
class Process:
    """One data process: weights of situations (sum 1, 0 outside it) and a human's labels 1, 0 or -1 (not asked)."""

    weights: Float[np.ndarray, " situation"]
    labels: Int8[np.ndarray, "situation question"]


class Reporters:
    """The candidates. Each is a complete truth table over some nodes for each question; which is which is not said."""

    def __init__(self, view: "View", arrays: Mapping[str, np.ndarray]) -> None:
        self._view = view
        self._cones = arrays["cones"]  # [candidate, question, place], -1 beyond the cone
        self._offsets = arrays["offsets"]  # [candidate, question], into _tables
        self._tables = arrays["tables"]
        self.measures = {k.removeprefix("measure_"): v for k, v in arrays.items() if k.startswith("measure_")}
        self._answers: np.ndarray | None = None

    def __len__(self) -> int:
        return int(self._cones.shape[0])

    @property
    def answers(self) -> Float[np.ndarray, "candidate situation question"]:
        """P(yes) of every candidate in every situation, on the predictor at hand."""
        if self._answers is None:
            self._answers = self.on(self._view.bits[0])
            self._answers.setflags(write=False)
        return self._answers

    @property
    def sibling_answers(self) -> Float[np.ndarray, "candidate sibling situation question"]:
        """The same tables applied to every sibling predictor; sibling 0 is the predictor at hand."""
        return self.on(self._view.bits)

    def on(
        self, bits: Int8[np.ndarray, "*batch node"], candidates: slice = slice(None)
    ) -> Float[np.ndarray, "candidate *batch question"]:
        """P(yes) of the candidates on any array of node bits."""
        cones, offsets = self._cones[candidates], self._offsets[candidates]
        columns = np.ascontiguousarray(np.moveaxis(bits, -1, 0)).reshape(bits.shape[-1], -1)
        out = np.empty((len(cones), columns.shape[1], cones.shape[1]))
        sizes = (cones >= 0).sum(-1)
        for question, size in product(range(cones.shape[1]), np.unique(sizes)):
            (members,) = np.nonzero(sizes[:, question] == size)
            step = max(1, BLOCK // max(1, 8 * columns.shape[1]))
            for start in range(0, len(members), step):
                chosen = members[start : start + step]
                index = np.zeros((len(chosen), columns.shape[1]), np.int32)
                for place in range(size):
                    index <<= 1
                    index += columns[cones[chosen, question, place]]
                index += offsets[chosen, question, None]
                out[chosen, :, question] = self._tables[index]
        return out.reshape(len(cones), *bits.shape[:-1], cones.shape[1])

    def map(
        self, bits: Int8[np.ndarray, "*batch node"], value: Callable[[np.ndarray], np.ndarray]
    ) -> Float[np.ndarray, " candidate"]:
        """`value(answers on bits)` a candidate, a block of candidates at a time, so that memory stays bounded."""
        step = max(1, BLOCK // max(1, bits[..., 0].size * self._cones.shape[1]))
        blocks = [slice(start, start + step) for start in range(0, len(self), step)]
        return np.concatenate([value(self.on(bits, block)) for block in blocks])


class View:
    """A world as arrays, without its truth. Situations are shuffled; only what is observed keeps its name.

    questions        tuple of texts
    weights          [situation], P(situation)
    bits             [sibling, situation, node], states of the predictors; sibling 0 is the predictor at hand
    nodes            names of pixels and actions, "node k" for the rest; `kinds` latent, pixel, action or parameter
    readable         [node], may a reporter read it?       edges   [node, node], edges[a, b]: a is a parent of b
    observations     [situation, observed node]
    humans           {level: P(yes) [situation, question]}
    data             {process: Process}
    relations        [(question indices, allowed answer patterns)], what humans know of their own concepts
    flips            [flip, node], sets of pixels; flipped [flip, situation, node], the bits after that intervention
    """

    xp = np

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.questions = tuple(meta["questions"])
        self.nodes = tuple(meta["nodes"])
        self.kinds = tuple(meta["kinds"])
        self.relations = tuple((tuple(q), tuple(map(tuple, allowed))) for q, allowed in meta["relations"])
        self.weights = arrays["weights"]
        self.bits = arrays["bits"]
        self.readable = arrays["readable"]
        self.edges = arrays["edges"]
        self.flips = arrays["flips"]
        self.flipped = arrays["flipped"]
        self.observations = self.bits[0][:, [k in ("pixel", "action") for k in self.kinds]]
        self.humans = {level: arrays[f"human_{level}"] for level in meta["levels"]}
        self.data = {p: Process(arrays[f"weights_{p}"], arrays[f"labels_{p}"]) for p in meta["processes"]}

    def cross_entropy(self, reporters: Reporters, process: str = "viewer") -> Objective:
        """Nats: the process's weighted -ln max(probability given to the label, 0.001), summed over its questions."""
        if process not in self.data:
            raise NotApplicable(f"this world has no data process {process!r}, only {', '.join(self.data)}")
        return Objective.of(self._misfit(reporters, self.bits[:1], self.data[process])[:, 0], f"loss on {process} data")

    def complexity(self, reporters: Reporters) -> Objective:
        """Nodes of the smallest reduced ordered decision diagram, summed over questions."""
        return self._measure(reporters, "complexity")

    def reads(self, reporters: Reporters) -> Objective:
        """Expected reads of the best adaptive decision tree on fair independent bits, summed over questions."""
        return self._measure(reporters, "reads")

    def parts(self, reporters: Reporters) -> Objective:
        """Number of nodes that matter to some answer."""
        return self._measure(reporters, "parts")

    def influence(self, reporters: Reporters) -> Objective:
        """Total influence: sum over nodes of P(flipping it changes the answer), fair bits, summed over questions."""
        return self._measure(reporters, "influence")

    def downstream(self, reporters: Reporters) -> Objective:
        """Largest P(some answer changes) when a set of pixels is flipped and all that is upstream of them is kept."""
        change = np.zeros(len(reporters))
        before = None if len(reporters) * len(self.weights) * len(self.questions) > BLOCK else reporters.answers
        for bits in self.flipped:

            def moved(now: np.ndarray, was: np.ndarray) -> np.ndarray:
                return np.asarray((1 - np.prod(1 - np.abs(now - was), axis=-1)) @ self.weights)

            if before is not None:
                change = np.maximum(change, moved(reporters.on(bits), before))
            else:
                both = np.stack([bits, self.bits[0]])
                change = np.maximum(change, reporters.map(both, lambda a: moved(a[:, 0], a[:, 1])))
        return Objective.of(change, "downstream")

    def siblings_that_fit(self, reporters: Reporters) -> Float[np.ndarray, " candidate"]:
        """N: on how many siblings the same table has no loss on the viewer's data; the predictor at hand counts."""
        fits = self._misfit(reporters, self.bits, self.data["viewer"]) <= FITS
        fits[:, 0] = True
        return np.asarray(fits.sum(axis=1), np.float64)

    def specificity(self, reporters: Reporters) -> Objective:
        """ln N nats, N as in `siblings_that_fit`: how little fitting the data says about which predictor this is."""
        return Objective.of(np.log(self.siblings_that_fit(reporters)), "specificity")

    def inconsistency(self, reporters: Reporters) -> Objective:
        """P(the answers break a relation that humans know between their concepts), over all situations."""
        if not self.relations:
            return Objective.of(np.zeros(len(reporters)), "inconsistency")
        patterns = np.array(list(product((0, 1), repeat=len(self.questions))))
        held = [[tuple(p[list(q)]) in allowed for q, allowed in self.relations] for p in patterns]
        broken = patterns[~np.all(held, axis=1)]

        def mass(answers: np.ndarray) -> np.ndarray:
            chance = [np.prod(np.where(p, answers, 1 - answers), axis=-1) @ self.weights for p in broken]
            return np.asarray(np.sum(chance, axis=0)) if chance else np.zeros(len(answers))

        return Objective.of(reporters.map(self.bits[0], mass), "inconsistency")

    def usable_information(self, reporters: Reporters, reader: Literal["table", "logistic"] = "table") -> Objective:
        """V-information in nats: what a reader of that class learns from the answers about the latent nodes, summed."""
        latent = self.bits[0][:, [k == "latent" for k in self.kinds]]
        bits = reporters.map(self.bits[0], lambda answers: v_information(self.weights, answers, latent, reader))
        return Objective.of(bits * np.log(2), "usable information")

    def mutual_information(self, reporters: Reporters) -> Objective:
        """Mutual information in nats between the answers and the situation: what an unbounded reader could learn."""
        bits = reporters.map(self.bits[0], lambda answers: mutual_information(self.weights, answers))
        return Objective.of(bits * np.log(2), "mutual information")

    def _measure(self, reporters: Reporters, name: str) -> Objective:
        if name not in reporters.measures:
            raise ValueError(f'say that the objective needs it: @proposal(..., needs=("{name}",))')
        return Objective.of(reporters.measures[name], name)

    @staticmethod
    def _misfit(reporters: Reporters, bits: np.ndarray, data: Process) -> Float[np.ndarray, "candidate sibling"]:
        inside = data.weights > 0
        weights, labels = data.weights[inside], data.labels[inside]

        def loss(answers: np.ndarray) -> np.ndarray:
            right = np.where(labels == 1, answers, 1 - answers)
            nats = np.where(labels >= 0, -np.log(np.maximum(right, FLOOR)), 0.0)
            return np.asarray(nats.sum(-1) @ weights)

        return np.stack([reporters.map(sibling[inside], loss) for sibling in bits], axis=1)


def answer(
    function: Callable[..., Any], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Run a proposal on one batch of candidates: what the child process does with each request of the judge."""
    view = View(meta, arrays)
    reporters = Reporters(view, arrays)
    try:
        objective = Objective.of(function(reporters, view, **meta["knobs"]))
    except NotApplicable as reason:
        return {"not_applicable": str(reason)}, {}
    terms = dict(objective.terms)
    return {"terms": list(terms)}, {
        "values": objective.values,
        **{f"term_{n}": t for n, t in enumerate(terms.values())},
    }


def requirements(needs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what a proposal declares into measures of tables and things that a world must have."""
    measures = [n for n in needs if n in MEASURES]
    things = [n for n in needs if n in THINGS]
    if strangers := [n for n in needs if n not in MEASURES + THINGS]:
        raise ValueError(f"needs names {strangers}; known are {', '.join(MEASURES + THINGS)}")
    return measures, things


MEASURES = ("complexity", "reads", "parts", "influence")
THINGS = ("siblings", "relations", "pixels")
