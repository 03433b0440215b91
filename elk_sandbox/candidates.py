"""The candidates that a proposal is shown: complete truth tables over the nodes of a View, all at once."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

if TYPE_CHECKING:
    from elk_sandbox.view import View

__all__ = ["Reporters"]

BLOCK = 2**20  # answers computed at once: a few megabytes, which stay in the cache


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

    @cached_property
    def depends(self) -> Bool[np.ndarray, "candidate node"]:
        """Which nodes matter to some answer of each candidate."""
        found = np.zeros((len(self), len(self._view.nodes)), bool)
        sizes = (self._cones >= 0).sum(-1)
        for question, size in product(range(self._cones.shape[1]), np.unique(sizes)):
            (members,) = np.nonzero(sizes[:, question] == size)
            if not members.size:
                continue
            tables = self._tables[self._offsets[members, question, None] + np.arange(1 << size)]
            for place in range(size):
                halves = tables.reshape(len(members), 1 << place, 2, -1)
                matters = (halves[:, :, 0] != halves[:, :, 1]).any(axis=(1, 2))
                found[members[matters], self._cones[members[matters], question, place]] = True
        return found

    def _by_cone(self, question: int) -> Iterator[tuple[int, Int[np.ndarray, " member"]]]:
        """Candidates by the size of their cones, those with one cone side by side."""
        cones = self._cones[:, question]
        sizes = (cones >= 0).sum(-1)
        for size in sorted(set(sizes.tolist())):
            (members,) = np.nonzero(sizes == size)
            yield size, members[np.lexsort(cones[members, :size].T)] if size else members

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
        sibling = np.repeat(np.arange(len(bits)), bits.shape[1])
        for question in range(self._cones.shape[1]):
            kinds = [np.tile(w, len(bits)) for w in weights[:, :, question]]
            for size, members in self._by_cone(question):
                step = max(1, BLOCK // max(1, 8 * columns.shape[1], len(bits) << size))
                for start in range(0, len(members), step):
                    some = members[start : start + step]
                    cones = self._cones[some, question, :size]
                    fresh = np.ones(len(some), bool)
                    fresh[1:] = (cones[1:] != cones[:-1]).any(axis=1)
                    group, shape = fresh.cumsum() - 1, (int(fresh.sum()), len(bits), 1 << size)
                    index = np.arange(shape[0])[:, None] * len(bits) + sibling
                    for place in cones[fresh].T:
                        index <<= 1
                        index += columns[place]
                    flat, length = index.ravel(), index.size // max(1, len(sibling))
                    mass = [np.bincount(flat, np.tile(w, length), prod(shape)).reshape(shape) for w in kinds]
                    tables = self._tables[self._offsets[some, question, None] + np.arange(1 << size)]
                    for nats, m in zip(cost(tables), mass, strict=True):
                        total[some] += np.einsum("cp,csp->cs", nats, m[group])
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
