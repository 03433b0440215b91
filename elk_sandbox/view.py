"""What a builder may use: a View of a world without its truth, and the candidate Reporters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from elk_sandbox.information import mutual_information, v_information
from elk_sandbox.objective import NotApplicable, Objective

__all__ = ["MEASURES", "Process", "Reporters", "View", "answer", "requirements"]

FLOOR = 0.001  # of a probability in a cross-entropy: a certain wrong answer costs 6.908 nats
FITS = 1e-9  # a loss of at most this counts as no misfit
BLOCK = 2**20  # answers computed at once: a few megabytes, which stay in the cache


def said(answers: np.ndarray) -> np.ndarray:
    """1 above one half, 0 below, and one half itself."""
    return np.where(np.abs(answers - 0.5) < 1e-12, 0.5, answers > 0.5)


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

    def reading(self, nodes: Bool[np.ndarray, " node"]) -> Int[np.ndarray, " reader"]:
        """Which candidates have one of these nodes in a cone."""
        return np.flatnonzero((nodes[self._cones] & (self._cones >= 0)).any(axis=(1, 2)))

    def on(
        self, bits: Int8[np.ndarray, "*batch node"], candidates: Int[np.ndarray, " chosen"] | None = None
    ) -> Float[np.ndarray, "chosen *batch question"]:
        """P(yes) of the candidates, or of those chosen, on any array of node bits."""
        chosen = np.arange(len(self)) if candidates is None else candidates
        cones, offsets = self._cones[chosen], self._offsets[chosen]
        columns = np.ascontiguousarray(np.moveaxis(bits, -1, 0)).reshape(bits.shape[-1], -1)
        out = np.empty((len(cones), columns.shape[1], cones.shape[1]))
        sizes = (cones >= 0).sum(-1)
        step = max(1, BLOCK // max(1, 8 * columns.shape[1]))
        for question, size in product(range(cones.shape[1]), np.unique(sizes)):
            (members,) = np.nonzero(sizes[:, question] == size)
            for start in range(0, len(members), step):
                some = members[start : start + step]
                index = np.zeros((len(some), columns.shape[1]), np.int32)
                for place in range(size):
                    index <<= 1
                    index += columns[cones[some, question, place]]
                index += offsets[some, question, None]
                out[some, :, question] = self._tables[index]
        return out.reshape(len(cones), *bits.shape[:-1], cones.shape[1])

    def expected(
        self,
        bits: Int8[np.ndarray, "sibling situation node"],
        weights: Float[np.ndarray, "kind situation question"],
        cost: Callable[[np.ndarray], np.ndarray],
    ) -> Float[np.ndarray, "candidate sibling"]:
        """Sum over kinds, situations and questions of weights * cost(answers)[kind].

        Candidates with one cone share the weights of its patterns, so situations are gone through once for each cone.
        """
        total = np.zeros((len(self), len(bits)))
        columns = np.ascontiguousarray(np.moveaxis(bits, -1, 0)).reshape(bits.shape[-1], -1)
        for question in range(self._cones.shape[1]):
            cones, group = np.unique(self._cones[:, question], axis=0, return_inverse=True)
            kinds = [np.tile(w, len(bits)) for w in weights[:, :, question]]
            for k, cone in enumerate(cones):
                nodes = cone[cone >= 0]
                size = 1 << len(nodes)
                index = np.repeat(np.arange(len(bits)), bits.shape[1])
                for node in nodes:
                    index = 2 * index + columns[node]
                mass = np.stack([np.bincount(index, w, size * len(bits)).reshape(len(bits), size) for w in kinds])
                (members,) = np.nonzero(group == k)
                tables = self._tables[self._offsets[members, question, None] + np.arange(size)]
                total[members] += np.einsum("kcp,ksp->cs", cost(tables), mass)
        return total

    def map(
        self,
        bits: Int8[np.ndarray, "*batch node"],
        value: Callable[[np.ndarray], np.ndarray],
        candidates: Int[np.ndarray, " chosen"] | None = None,
    ) -> Float[np.ndarray, " chosen"]:
        """`value(answers on bits)` a candidate, a block of candidates at a time, so that memory stays bounded."""
        chosen = np.arange(len(self)) if candidates is None else candidates
        step = max(1, BLOCK // max(1, bits[..., 0].size * self._cones.shape[1]))
        blocks = [chosen[start : start + step] for start in range(0, len(chosen), step)]
        return np.concatenate([value(self.on(bits, block)) for block in blocks] or [np.zeros(0)])


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

    def __getattr__(self, name: str) -> Any:
        known = sorted({n for n in (*dir(type(self)), *self.__dict__) if not n.startswith("_")})
        near = get_close_matches(name, known, n=1)
        raise AttributeError(
            f"a view has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else f", only {', '.join(known)}")
        )

    def cross_entropy(self, reporters: Reporters, process: str = "viewer") -> Objective:
        """Nats: the process's weighted -ln max(probability given to the label, 0.001), summed over its questions."""
        if process not in self.data:
            if near := get_close_matches(process, self.data, n=1):
                raise ValueError(f"no data process is called {process!r}; did you mean {near[0]!r}?")
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

    def usable_information(self, reporters: Reporters, reader: Literal["table", "logistic"] = "table") -> Objective:
        """V-information in nats: what a reader of that class learns about the latent nodes, summed over them.

        The reader is told what is answered, yes, no or (at one half) neither; not the probability, in whose digits an
        honest reporter could hide as much as it liked.
        """
        latent = self.bits[0][:, [k == "latent" for k in self.kinds]]
        bits = reporters.map(self.bits[0], lambda answers: v_information(self.weights, said(answers), latent, reader))
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


def requirements(needs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what a proposal declares into measures of tables and things that a world must have."""
    measures = [n for n in needs if n in MEASURES]
    things = [n for n in needs if n in THINGS]
    if strangers := [n for n in needs if n not in MEASURES + THINGS]:
        raise ValueError(f"needs names {strangers}; known are {', '.join(MEASURES + THINGS)}")
    return measures, things


MEASURES = ("complexity", "reads", "parts", "influence")
THINGS = ("siblings", "relations", "pixels")
