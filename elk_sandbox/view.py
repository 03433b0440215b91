"""What a builder may use: a View of a world without its truth, and the candidate Reporters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int8

from elk_sandbox.candidates import Reporters
from elk_sandbox.compression import leaked
from elk_sandbox.information import mutual_information, v_information
from elk_sandbox.interventions import error_of_interventions
from elk_sandbox.objective import NotApplicable, Objective

__all__ = ["Process", "View", "answer"]

FLOOR = 0.001  # of a probability in a cross-entropy: a certain wrong answer costs 6.908 nats
ROUNDING = 1e-12  # of a share
FITS = 1e-9  # a loss of at most this counts as no misfit


def said(answers: np.ndarray) -> np.ndarray:
    """1 above one half, 0 below, and one half itself."""
    return np.where(np.abs(answers - 0.5) < 1e-12, 0.5, answers > 0.5)


@dataclass(frozen=True)
class Process:
    """One data process: weights of situations (sum 1, 0 outside it) and a human's labels 1, 0 or -1 (not asked)."""

    weights: Float[np.ndarray, " situation"]
    labels: Int8[np.ndarray, "situation question"]


class View:
    """A world as arrays, without its truth. Situations are shuffled; only what is observed keeps its name.

    questions        tuple of texts
    weights          [situation], P(situation)
    bits             [sibling, situation, node], states of the predictors; sibling 0 is the predictor at hand
    nodes            names of pixels and actions, "node k" for the rest; `kinds` latent, pixel, action or parameter
    readable         [node], may a reporter read it?       edges   [node, node], edges[a, b]: a is a parent of b
                     (both ways: of two nodes with a common cause that is not shown)
    observations     [situation, observed node]
    humans           {level: P(yes) [situation, question]}
    data             {process: Process}
    relations        [(question indices, allowed answer patterns)], what humans know of their own concepts
    flips            [flip, node], sets of pixels; flipped [flip, situation, node], the bits after that intervention
    edits            [edit, node], sets of nodes; edited [edit, situation, node], the bits when these are flipped and
                     what lies downstream is recomputed; none where the world allows no interventions
    listed           levels of the humans whose simulators a builder can write down
    pads             may a compressor hide what it sends behind coins of its own?
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
        self.edits = arrays["edits"]
        self.edited = arrays["edited"]
        self.listed = tuple(meta["listed"])
        self.pads = bool(meta["pads"])
        self.observations = self.bits[0][:, [k in ("pixel", "action") for k in self.kinds]]
        self.humans = {level: arrays[f"human_{level}"] for level in meta["levels"]}
        self.data = {p: Process(arrays[f"weights_{p}"], arrays[f"labels_{p}"]) for p in meta["processes"]}

    def __getattr__(self, name: str) -> Any:
        known = sorted({n for n in (*dir(type(self)), *self.__dict__) if not n.startswith("_")})
        near = get_close_matches(name, known, n=1)
        raise AttributeError(
            f"a view has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else f", only {', '.join(known)}")
        )

    @cached_property
    def instance_bits(self) -> Int8[np.ndarray, "sibling situation node"]:
        """The siblings' bits as the predictor at hand would store them: on these a table is the same rule re-derived.

        A node that a sibling stores with the opposite value in every situation is stored otherwise; one that differs
        in some situations holds something else.
        """
        apart = self.bits ^ self.bits[:1]
        return np.asarray(self.bits ^ np.where(apart.all(axis=1, keepdims=True), apart, 0))

    def cross_entropy(self, reporters: Reporters, process: str = "viewer", *, instances: bool = False) -> Objective:
        """Nats: the process's weighted -ln max(probability given to the label, 0.001), summed over its questions.

        instances: the mean over all siblings, each with the same rule re-derived on it.
        """
        bits = self.instance_bits if instances else self.bits[:1]
        loss = self._misfit(reporters, bits, self._process(process)).mean(axis=1)
        return Objective.of(loss, f"loss on {process} data")

    def _process(self, name: str) -> Process:
        if name not in self.data:
            if near := get_close_matches(name, self.data, n=1):
                raise ValueError(f"no data process is called {name!r}; did you mean {near[0]!r}?")
            raise NotApplicable(f"this world has no data process {name!r}, only {', '.join(self.data)}")
        return self.data[name]

    def disagreement(self, reporters: Reporters) -> Objective:
        """P(some answer differs) between the predictor at hand and a sibling, same-rule instances, mean over siblings.

        0 where there is one predictor only.
        """

        def mass(answers: np.ndarray) -> np.ndarray:
            changed = 1 - np.prod(1 - np.abs(answers[:, :1] - answers[:, 1:]), axis=-1)
            return np.asarray((changed @ self.weights).mean(axis=1))

        alone = len(self.bits) == 1
        apart = np.zeros(len(reporters)) if alone else reporters.map(self.instance_bits, mass)
        return Objective.of(apart, "disagreement")

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

    def change(self, reporters: Reporters) -> Objective:
        """Nodes of the smallest decision diagram of where a reporter answers otherwise than the earlier one."""
        return self._measure(reporters, "change")

    def downstream(self, reporters: Reporters) -> Objective:
        """Largest P(some answer changes) when a set of pixels is flipped and all that is upstream of them is kept."""
        change = np.zeros(len(reporters))
        for bits in self.flipped:
            moved = (bits != self.bits[0]).any(axis=0)
            readers = reporters.reading(moved)

            def mass(answers: np.ndarray) -> np.ndarray:
                changed = 1 - np.prod(1 - np.abs(answers[:, 0] - answers[:, 1]), axis=-1)
                return np.asarray(changed @ self.weights)

            change[readers] = np.maximum(change[readers], reporters.map(np.stack([bits, self.bits[0]]), mass, readers))
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

    def usable_information(
        self, reporters: Reporters, reader: Literal["table", "logistic"] = "table", *, blank: bool = False
    ) -> Objective:
        """V-information in nats: what a reader of that class learns about the latent nodes, summed over them.

        The reader is told what is answered, yes, no or (at one half) neither; not the probability, in whose digits an
        honest reporter could hide as much as it liked. blank: it is told nothing where answers break a relation.
        """
        latent = self.bits[0][:, [k == "latent" for k in self.kinds]]

        def learned(answers: np.ndarray) -> np.ndarray:
            told = self._blanked(said(answers)) if blank else said(answers)
            return np.asarray(v_information(self.weights, told, latent, reader))

        return Objective.of(reporters.map(self.bits[0], learned) * np.log(2), "usable information")

    def _blanked(self, told: np.ndarray) -> np.ndarray:
        """One half in place of all answers where some break a relation, or leave open whether they do."""
        broken = np.zeros(told.shape[:-1], bool)
        for questions, allowed in self.relations:
            asked = told[..., list(questions)]
            broken |= ~np.any([np.all(asked == pattern, axis=-1) for pattern in allowed], axis=0)
        return np.where(broken[..., None], 0.5, told)

    def leak(self, reporters: Reporters, reader: Literal["table", "logistic"] = "logistic") -> Objective:
        """Nats of the viewer's answers that a known simulator of that class reads from the compressed state.

        Of the compressors through which the reporter can still answer the best for it counts: one that keeps the nodes
        that matter to its answers or, where pads are allowed, one that sends each answer behind a coin, and the coin.
        """
        return Objective.of(leaked(self, reporters, reader), "leak")

    def sensitivity(self, reporters: Reporters) -> Objective:
        """Mean difference of what is answered, over questions and over pairs of situations with equal observations.

        Yes, no or (at one half) neither: not the probability, for the reason that `usable_information` gives.
        """
        _, group = np.unique(self.observations, axis=0, return_inverse=True)
        groups = [np.flatnonzero(group == g) for g in range(int(group.max()) + 1)]
        pairs = sum(len(g) * (len(g) - 1) // 2 for g in groups)
        if not pairs:
            raise NotApplicable("no two situations have equal observations")

        def spread(answers: np.ndarray) -> np.ndarray:
            told, total = said(answers), np.zeros(len(answers))
            for g in groups:  # of sorted values, the k-th of n is the larger in k pairs and the smaller in n - 1 - k
                sign = 2 * np.arange(len(g)) - len(g) + 1
                total += (np.sort(told[:, g], axis=1) * sign[:, None]).sum(axis=(1, 2))
            return np.asarray(total / (pairs * answers.shape[-1]))

        return Objective.of(reporters.map(self.bits[0], spread), "sensitivity")

    def simulated(self, reporters: Reporters, process: str = "viewer", *, share: float = 0.99) -> Objective:
        """1 where some listed simulator predicts at least that share of the answers outside the process's data."""
        outside = np.where(self._process(process).weights > 0, 0.0, self.weights)
        if not self.listed or not outside.any():
            return Objective.of(np.zeros(len(reporters)), "simulated")
        lists = np.stack([said(self.humans[level]) for level in self.listed])

        def convicted(answers: np.ndarray) -> np.ndarray:
            same = (said(answers)[:, None] == lists).mean(axis=-1) @ outside
            return np.asarray((same >= share * outside.sum() - ROUNDING).any(axis=1), np.float64)

        return Objective.of(reporters.map(self.bits[0], convicted), "simulated")

    def intervention_error(self, reporters: Reporters) -> Objective:
        """Mass of situations where making a reporter answer otherwise does not make every pixel show that answer.

        The edit flips nodes that matter to the reporter, fewest first, and what lies downstream follows; among equally
        small edits that do it the best counts. 1 where no edit does. Summed over questions. After Demski (2022).
        """
        return Objective.of(error_of_interventions(self, reporters), "intervention error")

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
        labelled = [(data.labels[inside] == label) * data.weights[inside, None] for label in (0, 1)]

        def nats(answers: np.ndarray) -> np.ndarray:
            return np.stack([-np.log(np.maximum(right, FLOOR)) for right in (1 - answers, answers)])

        return reporters.expected(bits[:, inside], np.stack(labelled), nats)


def answer(
    function: Callable[..., Any], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Run a proposal on one batch of candidates: what the child process does with each request of the judge."""
    view = View(meta, arrays)
    reporters = Reporters(view, arrays)
    try:
        returned = function(reporters, view, **meta["knobs"])
        if returned is None:
            raise TypeError("the objective returned None: is a `return` missing?")
        objective = Objective.of(returned)
    except NotApplicable as reason:
        return {"not_applicable": str(reason)}, {}
    terms = dict(objective.terms)
    return {"terms": list(terms)}, {
        "values": objective.values,
        **{f"term_{n}": t for n, t in enumerate(terms.values())},
    }
