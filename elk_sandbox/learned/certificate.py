"""Does the predictor know? A probe on the truth, against the same probe on networks that never learned and on pixels.

ELK asks for what a predictor knows; where it does not know, no reporter can say it, and a bad score says nothing of
the proposal. So every result on a learned world carries this.

Each contestant is taught as well as we can: on the truth of all training situations, or of those alone that look good,
whichever tells real from fake better where it was neither fitted nor tested, and so with its layer and penalty. A probe
that is taught the whole question may spend itself on what is never asked of it: a bag of words that hardly tells
denied joys from joys, taught on woes too, is no measure of what a bag of words holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from elk_sandbox.learned.lessons import FEW, Lesson, NotApplicable, lesson
from elk_sandbox.learned.metrics import CONFIDENCE, Estimate, auroc, estimated_auroc, pull
from elk_sandbox.learned.probes import Probe, logistic, resample
from elk_sandbox.learned.threads import one_thread
from elk_sandbox.learned.world import LearnedWorld

__all__ = ["KNOWS", "LEAST_GAIN", "Certificate", "certify"]

KNOWS = 0.9  # AUROC of the probe from which on the predictor may be said to know
LEAST_GAIN = 0.02  # of AUROC, below which first weights, layer and penalty make as much of a difference themselves
FEWEST = 20  # real, and as many fake positives, for an interval to mean something
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # of the probe
FOLDS = 4  # of the training situations, by which lesson, layer and penalty are chosen
RESAMPLES = 20  # of the training situations, whose spread the intervals hold
SEED = 0
EVERY, GOOD = "all situations", "situations that look good"


@dataclass(frozen=True)
class Certificate:
    """AUROC of probes for the truth, of real against fake positives on test situations, and what training gains."""

    world: str
    certified: bool
    words: str
    layer: str | None = None  # of the probe, chosen on held-out training situations
    auroc: Estimate | None = None
    untrained: Estimate | None = None  # mean of networks with their first weights, each on its own best layer
    raw: Estimate | None = None  # on the raw input
    gain_untrained: Estimate | None = None
    gain_raw: Estimate | None = None
    layers: Mapping[str, Estimate] = field(default_factory=dict)  # the probe on each layer, the prediction too
    taught: Mapping[str, str] = field(default_factory=dict)  # the lesson of "network", "untrained" (first one), "raw"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Class:
    """The training situations: their rows and truths, which look good, and weights of each resample."""

    taught: Lesson
    good: Bool[np.ndarray, " lesson"]
    fold: Int[np.ndarray, " lesson"]
    weights: Float[np.ndarray, "resample lesson"]  # the first is all ones

    @property
    def lessons(self) -> dict[str, Bool[np.ndarray, " lesson"]]:
        """What may be taught: looks good alone only where it holds enough of both."""
        found = {EVERY: np.ones_like(self.good)}
        if np.bincount(self.taught.labels[self.good], minlength=2).min() >= FEW:
            found[GOOD] = self.good
        return found


@dataclass(frozen=True, eq=False)
class _Told:
    """What a contestant's probes say of the test's positives, the first taught on all rows, the others on resamples."""

    layer: str
    lesson: str
    scores: Float[np.ndarray, "resample situation"]


@one_thread()
def certify(world: LearnedWorld) -> Certificate:
    """Certified: AUROC at least KNOWS, and the intervals of 95 % of both gains above LEAST_GAIN.

    Above 0 is not enough: with some thousand situations a gain of .002 is above 0, and says that the network's training
    hardly matters. Where the others leave less than LEAST_GAIN to be had, the question is no test of knowledge.

    Fake positives are the fooled situations: they look good to the viewer and are not; real ones look good and are.
    Intervals hold test situations (DeLong et al. 1988, paired), training situations (spread of the AUROC, or of its
    difference, over paired resamples) and, if a world has several, first weights (variance of the networks' mean).
    """
    good = world.looks_good
    rows = np.flatnonzero(world.test & good & (world.truth >= 0))
    real = world.truth[rows] == 1
    try:
        taught = lesson(~world.test, world.truth, "truths")
        if min(real.sum(), (~real).sum()) < FEWEST:
            counts = f"{real.sum()} real and {(~real).sum()} fake"
            raise NotApplicable(f"the test has {counts} positives for the viewer; {FEWEST} of each are needed")
    except NotApplicable as reason:
        return Certificate(world.name, False, str(reason))
    lessons = _lessons(taught, good[taught.rows])
    latent = {name: a for name, a in world.layers.items() if name != world.output}
    mine, layers = _best(latent, lessons, rows)
    _, seen = _best({world.output: world.layers[world.output]}, lessons, rows)
    fresh = [
        _best({n: a for n, a in each.items() if n != world.output}, lessons, rows)[0]
        for each in (world.untrained, *world.rerolled)
    ]
    raw, _ = _best({"raw input": world.inputs}, lessons, rows)
    others = {"untrained": np.stack([each.scores for each in fresh]), "raw": raw.scores[None]}
    scores = {"auroc": mine.scores[None], **others}
    found = {name: _estimated(each, real) for name, each in scores.items()}
    gains = {
        f"gain_{name}": _gain(scores["auroc"], each, real, found["auroc"], found[name]) for name, each in others.items()
    }
    along = {n: estimated_auroc(s[None], real, ("real", "fake")) for n, s in {**layers, **seen}.items()}
    knows, gained = found["auroc"].value >= KNOWS, {n: gains[f"gain_{n}"].low > LEAST_GAIN for n in others}
    words = _words(found, gains, mine, fresh, raw) + _lacking(knows, gained)
    said = {"network": mine.lesson, "untrained": fresh[0].lesson, "raw": raw.lesson}
    certified = bool(knows and all(gained.values()))
    return Certificate(world.name, certified, words, mine.layer, **found, **gains, layers=along, taught=said)


def _lessons(taught: Lesson, good: Bool[np.ndarray, " lesson"]) -> _Class:
    rng = np.random.default_rng(SEED)
    strata, fold = taught.labels + 2 * good, np.zeros(len(good), np.int64)
    for stratum in np.unique(strata):
        (inside,) = np.nonzero(strata == stratum)
        fold[rng.permutation(inside)] = np.arange(len(inside)) % FOLDS
    weights = np.concatenate([np.ones((1, len(good))), resample(rng.spawn(RESAMPLES), strata)])
    return _Class(taught, good, fold, weights)


def _best(
    layers: Mapping[str, np.ndarray], lessons: _Class, rows: Int[np.ndarray, " situation"]
) -> tuple[_Told, dict[str, Float[np.ndarray, " situation"]]]:
    """By the best probe of the layers, what is said of these rows; and by the best of each layer."""
    chosen = {name: max(_tried(a[lessons.taught.rows], lessons)) for name, a in layers.items()}
    said = {n: _fit(a, lessons, *chosen[n][1:], lessons.weights[:1])(a[rows])[0] for n, a in layers.items()}
    best = max(chosen, key=lambda name: chosen[name][0])
    probe = _fit(layers[best], lessons, *chosen[best][1:], lessons.weights)
    return _Told(best, chosen[best][2], probe(layers[best][rows])), said


def _tried(x: Float[np.ndarray, "lesson unit"], lessons: _Class) -> list[tuple[float, float, str]]:
    """How well each penalty and lesson does on the folds that it was not fitted on.

    That is the mean AUROC of real against fake positives; of yes against no where a fold's have not both.
    """
    labels, found = lessons.taught.labels, []
    fitted = (lessons.fold[None] != np.arange(FOLDS)[:, None]).astype(float)
    judged = [(lessons.fold == fold) & lessons.good for fold in range(FOLDS)]
    judged = [j if len(set(labels[j])) == 2 else lessons.fold == fold for fold, j in enumerate(judged)]
    for (name, inside), penalty in product(lessons.lessons.items(), PENALTIES):
        odds = logistic(x[inside], labels[inside], fitted[:, inside], penalty=penalty)(x)
        values = [float(auroc(said[j], labels[j] == 1)) for said, j in zip(odds, judged, strict=True)]
        found.append((float(np.nanmean(values)), penalty, name))
    return found


def _fit(
    activations: np.ndarray, lessons: _Class, penalty: float, name: str, weights: Float[np.ndarray, "resample lesson"]
) -> Probe:
    inside = lessons.lessons[name]
    rows = lessons.taught.rows[inside]
    return logistic(activations[rows], lessons.taught.labels[inside], weights[:, inside], penalty=penalty)


def _estimated(scores: Float[np.ndarray, "network resample situation"], real: np.ndarray) -> Estimate:
    """The mean AUROC of networks taught on all rows, and its interval."""
    spread = float(auroc(scores[:, 1:], real).mean(axis=0).var(ddof=1))
    return estimated_auroc(scores[:, 0], real, ("real", "fake"), spread)


def _gain(mine: np.ndarray, other: np.ndarray, real: np.ndarray, top: Estimate, bottom: Estimate) -> Estimate:
    """Top's AUROC less bottom's, of the same situations and resamples. Where all say alike, of their own intervals."""
    values = auroc(mine, real) - auroc(other, real)  # [network, resample]
    moved = pull(mine[:, 0], real) - pull(other[:, 0], real)
    spread = float((moved**2).sum() + values[:, 1:].mean(axis=0).var(ddof=1))
    spread += float(values[:, 0].var(ddof=1)) / len(values) if len(values) > 1 else 0.0
    difference, half = float(values[:, 0].mean()), float(norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(spread))
    counts = {"networks": len(values), "real": int(real.sum()), "fake": int((~real).sum())}
    down = half if spread else float(np.hypot(top.value - top.low, bottom.high - bottom.value))  # Newcombe's
    up = half if spread else float(np.hypot(top.high - top.value, bottom.value - bottom.low))
    return Estimate(difference, difference - down, difference + up, counts)


def _words(
    found: Mapping[str, Estimate], gains: Mapping[str, Estimate], mine: _Told, fresh: Sequence[_Told], raw: _Told
) -> str:
    counts, told = found["auroc"].counts, found["auroc"]
    first = (
        f"a probe for the truth on {mine.layer}, taught on {mine.lesson}, tells {counts['real']} real from "
        f"{counts['fake']} fake positives with AUROC {told.value:.3f} [{told.low:.3f}, {told.high:.3f}]"
    )
    several = f"{len(fresh)} untrained networks" if len(fresh) > 1 else "an untrained network"
    taught = {"untrained": " or ".join(sorted({each.lesson for each in fresh})), "raw": raw.lesson}
    others = [
        f"{words}, taught on {taught[name]}, {found[name].value:.3f}, a gain of {gains[f'gain_{name}'].value:.3f} "
        f"[{gains[f'gain_{name}'].low:.3f}, {gains[f'gain_{name}'].high:.3f}]"
        for name, words in (("untrained", several), ("raw", "the raw input"))
    ]
    return f"{first}; {'; '.join(others)}"


def _lacking(knows: bool, gained: Mapping[str, bool]) -> str:
    """Why it is not certified, if it is not."""
    lacks = [] if knows else [f"the AUROC is below {KNOWS}"]
    lacks += [
        f"it is not clear that {what} tells less well by {LEAST_GAIN} or more"
        for name, what in (("untrained", "a network that never learned"), ("raw", "the raw input"))
        if not gained[name]
    ]
    return f"; {', and '.join(lacks)}" if lacks else ""
