"""The empirical methods of the literature on a learned world, each a function from the world to scores of situations.

What trains sees no truth and no test situation, except in those that are marked as oracles: these say what could be
had. Where there are several layers, the one counts on whose held-out fifth of its own labels a probe has the least
loss; the earlier of equals. That choice sees neither truth nor test situations.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.random import Generator

from elk_sandbox.learned import metrics
from elk_sandbox.learned.metrics import Estimate
from elk_sandbox.learned.world import LearnedWorld, WorldError

__all__ = ["METHODS", "Method", "MethodResult", "Scored", "evaluate"]

HELD_OUT = 0.2  # of the training situations, on which the layer is chosen
FEW = 10  # situations of a class, below which nothing is trained
FLAGGED = 0.01  # share of trusted situations that a test for anomalies calls anomalous


class NotApplicable(ValueError):
    """The world lacks what the method needs; one line."""


@dataclass(frozen=True, eq=False)
class Scored:
    """P(yes) by a method in all situations. One row for a method that nothing is drawn in."""

    scores: Float[np.ndarray, "seed situation"]
    layer: str | None = None


Run = Callable[[LearnedWorld, int, Generator, str | None], Scored]


@dataclass(frozen=True)
class Method:
    """Called with a world, how many seeds, a generator that they are drawn from, and a layer or None to choose one."""

    name: str
    source: str
    about: str
    run: Run
    oracle: bool = False  # it is told the truth, so it shows what could be had; nothing to choose


@dataclass(frozen=True)
class MethodResult:
    """A method in a world. Where it is not applicable all numbers are None, and `reason` says why."""

    name: str
    source: str
    oracle: bool
    seconds: float
    reason: str | None = None
    layer: str | None = None
    auroc: Estimate | None = None  # of real against fake positives
    auroc_unknown: Estimate | None = None  # the fakes of unknown kinds only
    dishonest: Estimate | None = None  # share of situations on the wrong side of 1/2
    dishonest_unknown: Estimate | None = None
    honesty_fooled: Estimate | None = None
    recovered: Estimate | None = None  # fraction of the gap between Bob's and Alice's own answers
    recovered_hard: Estimate | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for nan."""
        return asdict(self)


METHODS: dict[str, Method] = {}


def method(source: str, *, oracle: bool = False) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        name = run.__name__
        METHODS[name] = Method(name, source, " ".join((run.__doc__ or "").split()), run, oracle)
        return run

    return register


def evaluate(
    world: LearnedWorld,
    names: Sequence[str] | None = None,
    seeds: int = 20,
    rng: Generator | None = None,
    say: Callable[[str, float], None] = lambda words, share: None,
) -> list[MethodResult]:
    """Every method named, all without names, in that order. Each draws from `rng` as it is given, so that a method's
    numbers do not depend on which others are asked for. Raises WorldError for an unknown name.
    """
    chosen = list(METHODS) if names is None else list(names)
    for name in chosen:
        if name not in METHODS:
            raise WorldError(f"no method is called {name!r}; there are {', '.join(METHODS)}")
    rng, results = rng or np.random.default_rng(0), []
    for done, name in enumerate(chosen):
        say(name, done / len(chosen))
        results.append(assessed(world, METHODS[name], seeds, deepcopy(rng)))
    say("done", 1.0)
    return results


def assessed(world: LearnedWorld, which: Method, seeds: int, rng: Generator, layer: str | None = None) -> MethodResult:
    """One method in a world, on a layer or on the one that it chooses."""
    began = perf_counter()
    try:
        scored = which.run(world, seeds, rng, layer)
    except NotApplicable as reason:
        return MethodResult(which.name, which.source, which.oracle, perf_counter() - began, reason=str(reason))
    scores = scored.scores
    return MethodResult(
        which.name,
        which.source,
        which.oracle,
        layer=scored.layer,
        auroc=metrics.real_against_fake(world, scores),
        auroc_unknown=metrics.real_against_fake(world, scores, unknown=True),
        dishonest=metrics.dishonest(world, scores),
        dishonest_unknown=metrics.dishonest(world, scores, unknown=True),
        honesty_fooled=metrics.honesty_fooled(world, scores),
        recovered=metrics.recovered(world, scores),
        recovered_hard=metrics.recovered(world, scores, hard=True),
        seconds=perf_counter() - began,
    )


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


Fit = Callable[[np.ndarray, Int[np.ndarray, " lesson"], Float[np.ndarray, "seed lesson"]], Any]


def probed(world: LearnedWorld, taught: Lesson, fit: Fit, seeds: int, rng: Generator, layer: str | None) -> Scored:
    """Probes of one layer, trained on resamples of the lesson: what they say of every situation."""
    from scipy.special import expit

    from elk_sandbox.learned.probes import resample

    chooser, *streams = rng.spawn(seeds + 1)
    layer = layer or chosen_layer(world, taught, fit, chooser)
    probe = fit(world.layers[layer][taught.rows], taught.labels, resample(streams, taught.labels))
    return Scored(expit(probe(world.layers[layer])), layer)


def chosen_layer(world: LearnedWorld, taught: Lesson, fit: Fit, rng: Generator) -> str:
    """The layer whose probe has the least loss in nats on held-out labels of the lesson."""
    held = np.zeros(len(taught.rows), bool)
    for label in (0, 1):
        of = np.flatnonzero(taught.labels == label)
        held[rng.permutation(of)[: max(1, round(HELD_OUT * len(of)))]] = True
    losses = {}
    for name, activations in world.layers.items():
        probe = fit(activations[taught.rows[~held]], taught.labels[~held], np.ones((1, int((~held).sum()))))
        odds = probe(activations[taught.rows[held]])[0]
        losses[name] = float(np.logaddexp(0, np.where(taught.labels[held] == 1, -odds, odds)).mean())
    return min(losses, key=losses.__getitem__)


def looks_good(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    return world.humans["viewer"] > 0.5


def where_it_looks_good(world: LearnedWorld, scored: Scored) -> Scored:
    """A method that only tells real from fake positives: elsewhere the viewer is believed."""
    return Scored(np.where(looks_good(world), scored.scores, world.humans["viewer"]), scored.layer)


def trusted(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    """Situations to train on in which nothing is tampered with: the viewer's data."""
    return np.asarray(world.data["viewer"].inside & ~world.test)


def untrusted(world: LearnedWorld) -> Bool[np.ndarray, " situation"]:
    """Situations to train on that the viewer's data do not hold; what is true there is not known."""
    found = ~world.data["viewer"].inside & ~world.test
    if not found.any():
        raise NotApplicable("the world has no untrusted situations outside its test")
    return np.asarray(found)


def _logistic(x: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Any:
    from elk_sandbox.learned.probes import logistic

    return logistic(x, labels, weights)


def _difference(x: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Any:
    from elk_sandbox.learned.probes import difference

    return difference(x, labels, weights)


@method("ARC 2021: train on what humans say")
def logistic_viewer(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the labels that the viewer gives where nothing is tampered with."""
    return probed(world, labelled(world, "viewer"), _logistic, seeds, rng, layer)


@method("Roger et al. 2023; ARC 2021: labels of those who know more")
def logistic_operator(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the operator's labels, who knows some kinds of tampering."""
    return probed(world, labelled(world, "operator"), _logistic, seeds, rng, layer)


@method("Mallen et al. 2023; Marks and Tegmark 2023")
def difference_in_means(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """The direction from the mean of what the operator calls no to that of what they call yes."""
    return probed(world, labelled(world, "operator"), _difference, seeds, rng, layer)


@method("Burns, Ye, Klein, Steinhardt 2022")
def ccs(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Contrast-consistent search: a direction on which yes and no disagree, found without labels.

    Of the layers the one with the least loss counts. Which side means yes is what agrees with more of the viewer's
    labels. Trained on all situations outside the test.
    """
    from scipy.special import expit

    from elk_sandbox.learned import probes

    if not world.contrast:
        raise NotApplicable("the world has no contrast pairs")
    _, *streams = rng.spawn(seeds + 1)
    rows, found = np.flatnonzero(~world.test), {}
    weights = probes.resample(streams, np.zeros(len(rows), bool))
    for name in [layer] if layer else world.contrast:
        pair = world.contrast[name]
        yes, no, losses = probes.ccs(pair[0][rows], pair[1][rows], weights, deepcopy(streams))
        found[name] = float(losses.mean()), (expit(yes(pair[0])) + 1 - expit(no(pair[1]))) / 2
    best = min(found, key=lambda name: found[name][0])
    scores, taught = found[best][1], labelled(world, "viewer")
    right = ((scores[:, taught.rows] > 0.5) == (taught.labels == 1)).mean(axis=1)
    return Scored(np.where(right[:, None] < 0.5, 1 - scores, scores), best)


@method("Mallen et al. 2023: from Alice's easy questions to Bob's hard ones")
def easy_to_hard(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the operator's labels of what is easy and asked as Alice."""
    if world.persona is None:
        raise NotApplicable("the world has no personas")
    easy = (world.persona == 0) & (True if world.hard is None else ~world.hard)
    return probed(world, labelled(world, "operator", easy), _logistic, seeds, rng, layer)


@method("Roger et al. 2023: probing for evidence of tampering")
def tampering_evidence(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe that tells trusted situations in which all sensors say yes from untrusted ones in which they
    contradict each other."""
    if world.sensors.shape[1] < 2:
        raise NotApplicable("the world has no two sensors that could contradict each other")
    every, some = (world.sensors == 1).all(axis=1), (world.sensors == 1).any(axis=1)
    clean, broken = trusted(world) & every, untrusted(world) & some & ~every
    taught = lesson(
        clean | broken, clean.astype(np.int8), "situations in which sensors agree, or contradict each other,"
    )
    return where_it_looks_good(world, probed(world, taught, _logistic, seeds, rng, layer))


@method("Roger et al. 2023: dirtiness probing")
def dirtiness(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe that tells trusted from untrusted situations, among those that look good."""
    clean, dirty = trusted(world) & looks_good(world), untrusted(world) & looks_good(world)
    taught = lesson(clean | dirty, clean.astype(np.int8), "situations that look good, trusted or not,")
    return where_it_looks_good(world, probed(world, taught, _logistic, seeds, rng, layer))


@method("Christiano 2022, as distance: Mallen et al. 2023, after Lee et al. 2018")
def mechanistic_anomaly(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Mahalanobis distance of the activations from the trusted situations that look good, mean of the latent layers.

    In each layer distances count in units of how they spread over trusted situations that a seed's resample leaves
    out. The one that a hundredth of these exceed is called as likely fake as real.
    """
    from scipy.special import expit

    from elk_sandbox.learned.probes import mahalanobis, resample

    rows = np.flatnonzero(trusted(world) & looks_good(world))
    if len(rows) < FEW:
        raise NotApplicable(f"{len(rows)} trusted situations look good; {FEW} are needed")
    _, *streams = rng.spawn(seeds + 1)
    weights = resample(streams, np.zeros(len(rows), bool))
    latent = [layer] if layer else [name for name in world.layers if name != world.output]
    inside, total = np.isin(np.arange(len(world.truth)), rows), np.zeros((seeds, len(world.truth)))
    for name in latent:
        far = mahalanobis(world.layers[name], inside, weights)
        for distance, weight, row in zip(far, weights, total, strict=True):
            left_out = distance[rows][weight == 0]
            row += (distance - left_out.mean()) / (left_out.std() or 1.0) / len(latent)
    limits = [np.quantile(row[rows][weight == 0], 1 - FLAGGED) for row, weight in zip(total, weights, strict=True)]
    scores = expit(np.array(limits)[:, None] - total)
    return where_it_looks_good(world, Scored(scores, layer or "all latent"))


@method("Roger et al. 2023: ground truth", oracle=True)
def ceiling(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the truth of situations of all kinds, outside the test."""
    return probed(world, lesson(~world.test, world.truth, "truths"), _logistic, seeds, rng, layer)


@method("ARC 2021: the human simulator")
def viewer(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """What the viewer says: the human simulator at its best, and the floor."""
    return Scored(world.humans["viewer"][None])


@method("Roger et al. 2023: measurement predictor alone")
def sensors(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """The share of sensors that say yes."""
    if not world.sensors.shape[1]:
        raise NotApplicable("the world has no sensors")
    return Scored((world.sensors == 1).mean(axis=1)[None])


@method("a guess")
def constant(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """One half, always: AUROC 1/2, and never right."""
    return Scored(np.full((1, len(world.truth)), 0.5))
