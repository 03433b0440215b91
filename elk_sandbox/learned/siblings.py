"""Sibling predictors: other networks that foresee the same situations, with the same layers; kept beside their world.

They are made when a proposal first asks for them.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float32

from elk_sandbox.learned.nodes import Nodes
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime import lock
from elk_sandbox.runtime.workspace import write

__all__ = ["Kin", "Siblings", "sent", "stored"]

Layers = Mapping[str, Float32[np.ndarray, "situation unit"]]
Siblings = Mapping[str, Layers]
"""By name what each computes in the situations of the world, as `LearnedWorld.layers` has it."""

Say = Callable[[str, float], None]


@dataclass(frozen=True)
class Kin:
    """The siblings that a world's predictor has."""

    digest: str  # changes with what they are made of
    made: Callable[[Say], Siblings]  # raises WorldError


def stored(folder: Path, digest: str, make: Callable[[], Siblings], say: Say) -> Siblings:
    """From the folder of their world; what is not there is made and put there, by one process while others wait."""
    file = folder / f"siblings-{digest[:16]}.npz"
    if (found := _loaded(file)) is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    with lock.waited(folder / "siblings.lock", lambda: say("another process is making the sibling predictors", 0.0)):
        if (found := _loaded(file)) is not None:
            return found
        siblings = make()
        for old in folder.glob("siblings-*.npz"):
            old.unlink(missing_ok=True)
        arrays = {f"{k}_{j}": a for k, each in enumerate(siblings.values()) for j, a in enumerate(each.values())}
        names = json.dumps([[name, list(each)] for name, each in siblings.items()])
        arrays["names"] = np.frombuffer(names.encode(), np.uint8)
        whole = io.BytesIO()
        np.savez(whole, allow_pickle=False, **arrays)
        write(file, whole.getvalue())
        return siblings


def _loaded(file: Path) -> Siblings | None:
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
            names = json.loads(kept["names"].tobytes())
            return {
                name: {layer: kept[f"{k}_{j}"] for j, layer in enumerate(layers)}
                for k, (name, layers) in enumerate(names)
            }
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):  # not there, or not whole
        return None


def sent(world: LearnedWorld, siblings: Siblings) -> dict[str, np.ndarray]:
    """What a child is sent of siblings beside what `judge.shown` sends of the world.

    Of predictor k, 0 the one at hand: `unit_k` [node], by which a node of one is found in another, and `mean_k` and
    `spread_k` [unit], by which one is seen on the scale of another; units have random numbers. Of siblings also `x_k`,
    `asked_k` and `layer_k`. Raises WorldError for siblings of another shape.
    """
    train = ~world.test
    shape = {name: a.shape for name, a in world.layers.items()}
    number = np.random.default_rng(1).permutation(sum(width for _, width in shape.values()))
    place = number.argsort()
    arrays: dict[str, np.ndarray] = {}
    for k, (name, layers) in enumerate([(world.name, world.layers), *siblings.items()]):
        if {n: a.shape for n, a in layers.items()} != shape or list(layers) != list(shape):
            raise WorldError(f"the sibling {name} of {world.name} has not its layers")
        if not all(np.isfinite(a).all() for a in layers.values()):
            raise WorldError(f"the sibling {name} of {world.name} computes numbers that are not finite")
        nodes = Nodes.of(layers, train)
        arrays |= {f"unit_{k}": number[nodes.unit], f"mean_{k}": nodes.mean[place], f"spread_{k}": nodes.spread[place]}
        if k:
            x = nodes.scaled(layers)
            arrays |= {f"x_{k}": x[train], f"asked_{k}": x[world.test], f"layer_{k}": nodes.layer}
    return arrays
