"""The empirical methods of the literature on a learned world, each a function from the world to scores of situations.

What trains sees no truth and no test situation, except in those that are marked as oracles: these say what could be
had. `lessons` says what they are trained on and how a layer is chosen.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.special import expit

from elk_sandbox.learned import metrics, probes
from elk_sandbox.learned.lessons import (
    FEW,
    NotApplicable,
    Scored,
    informative_layer,
    labelled,
    lesson,
    looks_good,
    offered,
    probed,
    trusted,
    untrusted,
    where_it_looks_good,
)
from elk_sandbox.learned.likeness import likeness
from elk_sandbox.learned.metrics import Estimate
from elk_sandbox.learned.probes import difference, logistic, mahalanobis, resample
from elk_sandbox.learned.world import LearnedWorld, WorldError

__all__ = ["METHODS", "Method", "MethodResult", "assessed", "evaluate"]

FLAGGED = 0.01  # share of trusted situations that a test for anomalies calls anomalous

Run = Callable[[LearnedWorld, int, Generator, str | None], Scored]


@dataclass(frozen=True)
class Method:
    """Called with a world, how many seeds, a generator that they are drawn from, and a layer or None to choose one."""

    name: str
    source: str
    about: str
    run: Run
    needs: tuple[str, ...] = ()  # of NEEDS
    oracle: bool = False  # it is told the truth, so it shows what could be had; nothing to choose


NEEDS: dict[str, tuple[Callable[[LearnedWorld], bool], str]] = {
    "persona": (lambda world: world.persona is not None, "the world has no personas"),
    "contrast": (lambda world: bool(world.contrast), "the world has no contrast pairs"),
    "sensor": (lambda world: world.sensors.shape[1] > 0, "the world has no sensors"),
    "sensors": (
        lambda world: world.sensors.shape[1] > 1,
        "the world has no two sensors that could contradict each other",
    ),
    "untrusted": (lambda world: bool(untrusted(world).any()), "the world has no untrusted situations outside its test"),
}
"""What a world may lack: how to see that it has it, and what to say where it has not."""


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
    honesty_fooled: Estimate | None = None  # share right where it looks good and is not
    honesty_real: Estimate | None = None  # where it looks good and is
    balanced: Estimate | None = None  # mean of these two
    recovered: Estimate | None = None  # fraction of the gap between Bob's and Alice's own answers
    recovered_hard: Estimate | None = None
    like: dict[str, int] = field(default_factory=dict)  # seeds by the nearest reference reporter, as `likeness` has it
    alike: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able but for nan."""
        return asdict(self)


METHODS: dict[str, Method] = {}


def method(source: str, *needs: str, oracle: bool = False) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        name = run.__name__
        METHODS[name] = Method(name, source, " ".join((run.__doc__ or "").split()), run, needs, oracle)
        return run

    return register


def evaluate(
    world: LearnedWorld,
    names: Sequence[str] | None = None,
    seeds: int = 20,
    rng: Generator | None = None,
    say: Callable[[str, float], None] = lambda words, share: None,
) -> list[MethodResult]:
    """Every method named, all where none is, in that order. Raises WorldError for an unknown name, or for no seed.

    Each draws from `rng` as it is given: a method's numbers do not depend on which others are asked for, and seeds of
    two methods that train on the same situations have the same resamples.
    """
    if seeds < 1:
        raise WorldError(f"{seeds} seeds cannot be trained; ask for 1 or more")
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
        for need in which.needs:
            there, otherwise = NEEDS[need]
            if not there(world):
                why = f": {world.lacks[need]}" if need in world.lacks else ""
                raise NotApplicable(f"not applicable: {otherwise}{why}")
        scored = which.run(world, seeds, rng, layer)
    except NotApplicable as reason:
        return MethodResult(which.name, which.source, which.oracle, perf_counter() - began, reason=str(reason))
    scores = scored.scores
    like, alike = likeness(world, scores)
    return MethodResult(
        which.name,
        which.source,
        which.oracle,
        layer=scored.layer,
        **metrics.scored(world, scores),
        like=like,
        alike=alike,
        seconds=perf_counter() - began,
    )


@method("ARC 2021: train on what humans say")
def logistic_viewer(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the labels that the viewer gives where nothing is tampered with."""
    return probed(offered(world, layer), labelled(world, "viewer"), logistic, seeds, rng)


@method("Roger et al. 2023; ARC 2021: labels of those who know more")
def logistic_operator(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the operator's labels, who knows some kinds of tampering."""
    return probed(offered(world, layer), labelled(world, "operator"), logistic, seeds, rng)


@method("Mallen et al. 2023; Marks and Tegmark 2023")
def difference_in_means(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """The direction from the mean of what the operator calls no to that of what they call yes."""
    return probed(offered(world, layer), labelled(world, "operator"), difference, seeds, rng)


@method("Burns, Ye, Klein, Steinhardt 2022", "contrast")
def ccs(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Contrast-consistent search: a direction on which yes and no disagree, found without labels.

    Of the layers the one with the least loss counts. Which side means yes is what agrees with more of the viewer's
    labels. Trained on all situations outside the test.
    """
    pairs = world.contrast or {}
    _, *streams = rng.spawn(seeds + 1)
    rows, found = np.flatnonzero(~world.test), {}
    weights = resample(streams, np.zeros(len(rows), bool))
    for name in offered(world, layer, pairs):
        pair = pairs[name]
        yes, no, losses = probes.ccs(pair[0][rows], pair[1][rows], weights, deepcopy(streams))
        found[name] = float(losses.mean()), (expit(yes(pair[0])) + 1 - expit(no(pair[1]))) / 2
    best = min(found, key=lambda name: found[name][0])
    scores, taught = found[best][1], labelled(world, "viewer")
    right = ((scores[:, taught.rows] > 0.5) == (taught.labels == 1)).mean(axis=1)
    return Scored(np.where(right[:, None] < 0.5, 1 - scores, scores), best)


@method("Mallen et al. 2023: logistic regression on contrast pairs", "contrast")
def logistic_contrast(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe, on the operator's labels, of the difference that appending yes or no makes to the activations."""
    pairs = world.contrast or {}
    layers = {name: pairs[name][0] - pairs[name][1] for name in offered(world, layer, pairs)}
    return probed(layers, labelled(world, "operator"), logistic, seeds, rng)


@method("Mallen et al. 2023: from Alice's easy questions to Bob's hard ones", "persona")
def easy_to_hard(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the operator's labels of what is easy and asked as Alice, of the earliest informative layer."""
    easy = np.asarray((world.persona == 0) & (True if world.hard is None else ~world.hard))
    taught = labelled(world, "operator", easy)
    return probed(offered(world, layer), taught, logistic, seeds, rng, informative_layer)


@method("Roger et al. 2023: probing for evidence of tampering", "sensors", "untrusted")
def tampering_evidence(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe that tells trusted situations in which all sensors say yes from others in which they disagree."""
    every, some = (world.sensors == 1).all(axis=1), (world.sensors == 1).any(axis=1)
    clean, broken = trusted(world) & every, untrusted(world) & some & ~every
    taught = lesson(
        clean | broken, clean.astype(np.int8), "situations in which sensors agree, or contradict each other,"
    )
    return where_it_looks_good(world, probed(offered(world, layer), taught, logistic, seeds, rng))


@method("Roger et al. 2023: dirtiness probing", "untrusted")
def dirtiness(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe that tells trusted from untrusted situations, among those that look good."""
    clean, dirty = trusted(world) & looks_good(world), untrusted(world) & looks_good(world)
    taught = lesson(clean | dirty, clean.astype(np.int8), "situations that look good, trusted or not,")
    return where_it_looks_good(world, probed(offered(world, layer), taught, logistic, seeds, rng))


@method("Christiano 2022, as distance: Mallen et al. 2023, after Lee et al. 2018")
def mechanistic_anomaly(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Mahalanobis distance of the activations from the trusted situations that look good, mean of the latent layers.

    In each layer distances count in units of how they spread over trusted situations that a seed's resample leaves
    out. The one that a hundredth of these exceed is called as likely fake as real.
    """
    rows = np.flatnonzero(trusted(world) & looks_good(world))
    if len(rows) < 2 * FEW:  # fewer might all be in some resample
        raise NotApplicable(f"{len(rows)} trusted situations look good; {2 * FEW} are needed")
    _, *streams = rng.spawn(seeds + 1)
    weights = resample(streams, np.zeros(len(rows), bool))
    layers = offered(world, layer)
    inside, total = np.isin(np.arange(len(world.truth)), rows), np.zeros((seeds, len(world.truth)))
    for activations in layers.values():
        far = mahalanobis(activations, inside, weights)
        for distance, weight, row in zip(far, weights, total, strict=True):
            left_out = distance[rows][weight == 0]
            row += (distance - left_out.mean()) / (left_out.std() or 1.0) / len(layers)
    limits = [np.quantile(row[rows][weight == 0], 1 - FLAGGED) for row, weight in zip(total, weights, strict=True)]
    scores = expit(np.array(limits)[:, None] - total)
    return where_it_looks_good(world, Scored(scores, ", ".join(layers)))


@method("Roger et al. 2023: ground truth", oracle=True)
def ceiling(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the truth of situations of all kinds, outside the test."""
    return probed(offered(world, layer), lesson(~world.test, world.truth, "truths"), logistic, seeds, rng)


@method("Roger et al. 2023: ground truth, of positives", oracle=True)
def ceiling_positives(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """Logistic probe on the truth of situations that look good, outside the test; elsewhere the viewer is believed.

    Where fakes and what looks bad at once need unlike directions, this tells real from fake better than `ceiling`.
    """
    taught = lesson(~world.test & looks_good(world), world.truth, "truths of situations that look good")
    return where_it_looks_good(world, probed(offered(world, layer), taught, logistic, seeds, rng))


@method("ARC 2021: the human simulator")
def viewer(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """What the viewer says: the human simulator at its best, and the floor."""
    return Scored(world.humans["viewer"][None])


@method("Roger et al. 2023: measurement predictor alone", "sensor")
def sensors(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """The share of sensors that say yes."""
    return Scored((world.sensors == 1).mean(axis=1)[None])


@method("a guess")
def constant(world: LearnedWorld, seeds: int, rng: Generator, layer: str | None = None) -> Scored:
    """One half, always: AUROC 1/2, and never right."""
    return Scored(np.full((1, len(world.truth)), 0.5))
