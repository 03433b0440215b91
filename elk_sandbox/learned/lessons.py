"""What a probe on a learned world is trained on, and on which layer: no truth, and no situation of the test.

Of several latent layers the one counts on whose held-out fifth of its own labels a probe has the least loss, the
earlier of equals. The layer that is the prediction itself is left out, as in the literature: a probe of it is a human
simulator whatever it is taught.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.random import Generator
from scipy.special import expit

from elk_sandbox.learned.metrics import auroc
from elk_sandbox.learned.probes import Probe, resample
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.objective import NotApplicable

__all__ = [
    "FEW", "Lesson", "NotApplicable", "Scored", "chosen_layer", "informative_layer", "labelled", "lesson", "looks_good",
    "offered", "probed", "trusted", "untrusted", "where_it_looks_good",
]  # fmt: skip

INFORMATIVE = 0.95  # of the best layer's distance from one half, as in the paper
HELD_OUT = 0.2  # of the training situations, on which the layer is chosen
FEW = 10  # situations of a class, below which nothing is trained

Chosen: TypeAlias = Bool[np.ndarray, " situation"]
Layers: TypeAlias = Mapping[str, np.ndarray]
Fit: TypeAlias = Callable[[np.ndarray, np.ndarray, np.ndarray], Probe]  # activations, labels, weights of each seed
Choose: TypeAlias = Callable[[Layers, "Lesson", Fit, Generator], str]


@dataclass(frozen=True, eq=False)
class Scored:
    """P(yes) by a method in all situations. One row for a method that nothing is drawn in."""

    scores: Float[np.ndarray, "seed situation"]
    layer: str | None = None


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a probe is trained on: rows of the world, and a label each."""

    rows: Int[np.ndarray, " lesson"]
    labels: Int[np.ndarray, " lesson"]


def lesson(inside: Bool[np.ndarray, " situation"], labels: np.ndarray, what: str = "labels") -> Lesson:
    """Of the situations inside that have a label. Raises NotApplicable where one of the labels is rare."""
    rows = np.flatnonzero(inside & (labels >= 0))
    found = Lesson(rows, labels[rows].astype(np.int64))
    counts = np.bincount(found.labels, minlength=2)
    if counts.min() < FEW:
        raise NotApplicable(
            f"of the {what} to train on {counts[1]} say yes and {counts[0]} no; {FEW} of each are needed"
        )
    return found


def labelled(world: LearnedWorld, process: str, among: Bool[np.ndarray, " situation"] | None = None) -> Lesson:
    """The labels of a data process, of the viewer's where there is none of that name."""
    data = world.data.get(process, world.data["viewer"])
    return lesson(data.inside & ~world.test & (True if among is None else among), data.labels)


def probed(
    layers: Layers, taught: Lesson, fit: Fit, seeds: int, rng: Generator, choose: Choose | None = None
) -> Scored:
    """Probes of one layer, trained on resamples of the lesson: what they say of every situation."""
    chooser, *streams = rng.spawn(seeds + 1)
    layer = (choose or chosen_layer)(layers, taught, fit, chooser)
    probe = fit(layers[layer][taught.rows], taught.labels, resample(streams, taught.labels))
    return Scored(expit(probe(layers[layer])), layer)


def chosen_layer(layers: Layers, taught: Lesson, fit: Fit, rng: Generator) -> str:
    """The layer whose probe has the least loss in nats on held-out labels of the lesson."""
    if len(layers) == 1:
        return next(iter(layers))
    losses = {
        name: float(np.logaddexp(0, np.where(labels, -odds, odds)).mean())
        for name, (odds, labels) in _held_out(layers, taught, fit, rng).items()
    }
    return min(losses, key=losses.__getitem__)


def informative_layer(layers: Layers, taught: Lesson, fit: Fit, rng: Generator) -> str:
    """The earliest informative layer (Mallen et al. 2023): with INFORMATIVE of the best AUROC's distance from one half.

    Of held-out labels of the lesson. Late layers may hold what will be said in place of what is known.
    """
    found = {name: float(auroc(*each)) - 0.5 for name, each in _held_out(layers, taught, fit, rng).items()}
    best = max(found.values())
    return next(name for name, above in found.items() if above >= min(best, INFORMATIVE * best))  # best may be below 0


def _held_out(layers: Layers, taught: Lesson, fit: Fit, rng: Generator) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By layer, the log-odds of a probe on a held-out share of the lesson, and whether its labels are yes."""
    held = np.zeros(len(taught.rows), bool)
    for label in (0, 1):
        of = np.flatnonzero(taught.labels == label)
        held[rng.permutation(of)[: max(1, round(HELD_OUT * len(of)))]] = True
    found = {}
    for name, activations in layers.items():
        probe = fit(activations[taught.rows[~held]], taught.labels[~held], np.ones((1, int((~held).sum()))))
        found[name] = probe(activations[taught.rows[held]])[0], taught.labels[held] == 1
    return found


def offered(world: LearnedWorld, layer: str | None, among: Iterable[str] | None = None) -> Layers:
    """The layer asked for, else all but the prediction of what will be seen. Raises WorldError for an unknown one."""
    names = list(world.layers if among is None else among)
    if layer is not None and layer not in names:
        raise WorldError(f"no layer here is called {layer!r}; there are {', '.join(names)}")
    latent = [name for name in names if name != world.output] or names
    return {name: world.layers[name] for name in (latent if layer is None else [layer])}


def looks_good(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    return world.looks_good


def where_it_looks_good(world: LearnedWorld, scored: Scored) -> Scored:
    """A method that only tells real from fake positives: elsewhere the viewer is believed."""
    return Scored(np.where(looks_good(world), scored.scores, world.humans["viewer"]), scored.layer)


def trusted(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    """Situations to train on in which nothing is tampered with: the viewer's data."""
    return np.asarray(world.data["viewer"].inside & ~world.test)


def untrusted(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    """Situations to train on that the viewer's data do not hold; what is true there is not known."""
    return np.asarray(~world.data["viewer"].inside & ~world.test)
