"""An exact world looked at as if it were learned: situations are drawn, the predictor's bits are its activations.

So that methods and proposals can be compared on worlds where all is known with those that were trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int
from numpy.random import Generator

from elk_sandbox import worlds
from elk_sandbox.keys import code_digest
from elk_sandbox.learned.patched import Patched, drawn
from elk_sandbox.learned.siblings import Kin, Siblings
from elk_sandbox.learned.sources import Say, Step
from elk_sandbox.learned.world import LearnedWorld, Process, WorldError
from elk_sandbox.runtime.tasks import key_of
from elk_sandbox.world import World

__all__ = ["DRAWN", "as_learned", "source"]

DRAWN = 6000  # situations; a third is the test
SEED = 0
FRESH = 3  # shuffles that stand for networks that never learned
LACKS = {
    "contrast": "its predictor's nodes are written and it reads no answer that could be appended",
    "persona": "its predictor is asked in one role",
}
LAYERS = {"latent": ("latent", "parameter"), "seen": ("pixel", "action")}


@dataclass(frozen=True)
class Exact:
    """The source of the worlds called exact:NAME, of the stock draw."""

    def world(self, rest: str, home: Path, say: Say) -> LearnedWorld:
        return as_learned(self._found(rest), f"exact:{rest}")

    def kin(self, rest: str, home: Path) -> Kin:
        """The world's other predictors. Raises WorldError where it has one."""
        world = self._found(rest)
        if world.siblings == 1:
            raise WorldError("the world has one predictor")
        return Kin(self.digest(rest, home), lambda say: siblings(world))

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        """Raises WorldError: it is one world."""
        raise WorldError(f"exact:{rest} is one world and no sequence; --along takes run:NAME")

    def listed(self, home: Path) -> Sequence[str]:
        """Two whose first question a viewer can be fooled about; the others are there by name."""
        return ["exact:screen", "exact:atoms"]

    def digest(self, rest: str, home: Path) -> str:
        """Of the name and the code."""
        self._found(rest)
        return key_of({"code": code_digest(), "exact": rest})

    def _found(self, rest: str) -> World:
        try:
            return worlds.find(rest)()
        except KeyError as reason:
            raise WorldError(str(reason.args[0])) from None


source = Exact()


def as_learned(world: World, name: str) -> LearnedWorld:
    """Raises WorldError for a world without latent nodes or without anything that is seen.

    The first question counts. A situation is plain if it lies in the viewer's data, else of the kind "other", which is
    known if some data hold it. There are no first weights: for `untrained` stand the bits of other situations.
    """
    rng = np.random.default_rng(SEED)
    rows = _drawn(world, rng)
    layers = _layers(world, rows, 0)
    if missing := LAYERS.keys() - layers.keys():
        raise WorldError(f"{name} has no {missing.pop()} node that may be read")
    test = np.arange(DRAWN) >= DRAWN - DRAWN // 3
    others = [rng.permutation(DRAWN) for _ in range(FRESH)]
    humans = {level: beliefs[rows, 0].astype(np.float64) for level, beliefs in world.beliefs.items()}
    data = {
        process: Process(
            process if process in humans else "viewer",
            (weights > 0)[rows],
            np.where((weights > 0)[rows], world.labels[process][rows, 0], -1).astype(np.int8),
        )
        for process, weights in world.data.items()
    }
    return LearnedWorld(
        name=name,
        question=world.questions[0],
        layers=layers,
        untrained={n: a[others[0]] for n, a in layers.items()},
        rerolled=tuple({n: a[mixed] for n, a in layers.items()} for mixed in others[1:]),
        inputs=layers["seen"],
        humans=humans,
        truth=world.truth[rows, 0].astype(np.int8),
        kinds=("plain", "other"),
        kind=(~data["viewer"].inside).astype(np.int16),
        data=data,
        test=test,
        sensors=layers["seen"].astype(np.int8),
        words={"plain": "in the viewer's data", "other": "outside the viewer's data"},
        patched=_patched(world, rows, test),
        lacks=LACKS if world.edits else {**LACKS, "patched": "none of its nodes can be set"},
        about={"exact world": name.partition(":")[2], "situations drawn": DRAWN},
    )


def siblings(world: World) -> Siblings:
    """What the other predictors of a world hold in the situations that `as_learned` draws."""
    rows = _drawn(world, np.random.default_rng(SEED))
    return {f"predictor {k}": _layers(world, rows, k) for k in range(1, world.siblings)}


def _drawn(world: World, rng: Generator) -> Int[np.ndarray, " situation"]:
    return rng.choice(len(world.weights), DRAWN, p=world.weights)


def _layers(world: World, rows: Int[np.ndarray, " situation"], predictor: int) -> dict[str, np.ndarray]:
    """Its bits that may be read, by layer; a layer without any is left out."""
    readable, layers = dict(zip(world.nodes, world.readable, strict=True)), {}
    for layer, kinds in LAYERS.items():
        if nodes := [n for n in world.of_kind(*kinds) if readable[n]]:
            layers[layer] = world.states[predictor][rows][:, world.columns(nodes)].astype(np.float32)
    return layers


def _patched(world: World, drawn_as: np.ndarray, test: np.ndarray) -> Patched | None:
    """The world's roll-forward. Edits flip nodes and need no donor; those of nodes that nobody reads are left out."""
    readable = dict(zip(world.nodes, world.readable, strict=True))
    nodes = [n for kinds in LAYERS.values() for n in world.of_kind(*kinds) if readable[n]]
    which = [k for k, edit in enumerate(world.edits) if set(edit) <= set(nodes)]
    if not which:
        return None
    rows, _ = drawn(test)
    after = world.edited[which][:, drawn_as[rows]].swapaxes(0, 1)
    return Patched(
        rows=rows,
        places=tuple(", ".join(world.edits[k]) for k in which),
        sets=np.array([[n in world.edits[k] for n in nodes] for k in which]),
        place=np.arange(len(which), dtype=np.int16),
        after=after[:, :, world.columns(nodes)].astype(np.float16),
        sensors=after[:, :, world.columns(world.of_kind("pixel"))],
    )
