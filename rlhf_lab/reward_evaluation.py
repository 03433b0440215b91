"""How good a reward model is on labels held out, always beside a bag of words that learned from the same labels.

Intervals are 95 % percentile bootstrap intervals over the held-out texts (Efron 1979); those of a difference resample
both models' judgements of a text together.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest, rankdata

__all__ = ["Bin", "Estimate", "Evaluation", "Scores", "evaluate", "exact_interval", "mean_interval", "reliability"]

BINS = 10
LEVEL = 0.95
PART = 100  # resamples computed at once
Metric: TypeAlias = Callable[
    [Float[np.ndarray, "*s text"], Float[np.ndarray, "*s text"], Float[np.ndarray, "*s text"]], Float[np.ndarray, "*s"]
]


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; nan where it is undefined."""

    value: float
    low: float
    high: float
    count: int  # texts that it rests on


@dataclass(frozen=True)
class Scores:
    """What a model's logits are worth."""

    accuracy: Estimate  # share of the texts not labelled neutral whose sign the logit has; a logit of 0 is half right
    spearman: Estimate  # rank correlation of the logit with the label, or with gold where it is given
    calibration_error: Estimate  # mean over texts of |mean P(positive) - mean target| of the text's bin (`Bin`)
    brier: Estimate  # mean of (P(positive) - target)^2; the target of a neutral label is 1/2


@dataclass(frozen=True)
class Bin:
    """The texts whose P(positive) lies within [low, high), the last bin's high included."""

    low: float
    high: float
    count: int
    predicted: float  # mean P(positive); nan for no text
    observed: float  # mean target; nan for no text


@dataclass(frozen=True)
class Evaluation:
    """A reward model and its baseline on the same held-out texts."""

    count: int
    neutral: int  # of them, with a target of 1/2, which the accuracy leaves out
    model: Scores
    baseline: Scores  # logistic regression on a bag of words
    difference: Scores  # model minus baseline, text by text
    reliability: tuple[Bin, ...]  # of the model
    baseline_reliability: tuple[Bin, ...]


def evaluate(
    logit: Float[np.ndarray, "text"],
    baseline: Float[np.ndarray, "text"],
    targets: Float[np.ndarray, "text"],
    rng: np.random.Generator,
    gold: Float[np.ndarray, "text"] | None = None,
    resamples: int = 1000,
) -> Evaluation:
    """Judge two models' log P(positive) / P(negative) against targets in [0, 1], 1/2 for neutral.

    gold: what the rank correlation is taken with in place of the targets. A metric is undefined (nan) for no texts, the
    accuracy for neutral ones alone, the correlation where one side is constant.
    """
    against = targets if gold is None else gold
    found: dict[str, dict[str, Estimate]] = {"model": {}, "baseline": {}, "difference": {}}
    index = rng.integers(len(targets), size=(resamples, len(targets))) if len(targets) else None
    for name, metric in METRICS.items():
        count = int((targets != 0.5).sum()) if name == "accuracy" else len(targets)
        whole = np.array([metric(one, targets, against) if len(targets) else np.nan for one in (logit, baseline)])
        drawn = np.full((2, 1), np.nan)
        if index is not None:
            rows = np.split(index, range(PART, resamples, PART))
            drawn = np.array(
                [
                    np.concatenate([metric(one[part], targets[part], against[part]) for part in rows])
                    for one in (logit, baseline)
                ]
            )
        found["model"][name] = _estimate(whole[0], drawn[0], count)
        found["baseline"][name] = _estimate(whole[1], drawn[1], count)
        found["difference"][name] = _estimate(whole[0] - whole[1], drawn[0] - drawn[1], count)
    scores = {name: Scores(**values) for name, values in found.items()}
    return Evaluation(
        len(targets), int((targets == 0.5).sum()), **scores, reliability=reliability(logit, targets),
        baseline_reliability=reliability(baseline, targets),
    )  # fmt: skip


def reliability(logit: Float[np.ndarray, "text"], targets: Float[np.ndarray, "text"]) -> tuple[Bin, ...]:
    """Ten bins of P(positive), equally wide."""
    positive = _sigmoid(logit)
    place = _bin(positive)
    bins = []
    for b in range(BINS):
        here = place == b
        means = (float(positive[here].mean()), float(targets[here].mean())) if here.any() else (np.nan, np.nan)
        bins.append(Bin(b / BINS, (b + 1) / BINS, int(here.sum()), *means))
    return tuple(bins)


def exact_interval(share: float, count: int) -> tuple[float, float]:
    """The exact 95 % interval of a share of `count` texts (Clopper and Pearson 1934); nan for none.

    It does not shrink to a point where all are right, as a bootstrap does. Half a text (a logit of 0) is no draw of a
    binomial: the low end then takes it as wrong and the high end as right, which is too wide.
    """
    if not count:
        return math.nan, math.nan
    fewest, most = (int(rounded(round(share * count, 6))) for rounded in (math.floor, math.ceil))
    low, high = (binomtest(right, count).proportion_ci(LEVEL, "exact") for right in (fewest, most))
    return float(low.low), float(high.high)


def mean_interval(mean: float, count: int) -> tuple[float, float]:
    """A 95 % interval of the mean of `count` values in [0, 1]: Wilson's (1927), of a share.

    It holds for values between 0 and 1 too and is then too wide: their variance is at most that of a share. nan for
    none.
    """
    if not count:
        return math.nan, math.nan
    z = 1.959963984540054
    weight = 1 + z * z / count
    half = z * math.sqrt(mean * (1 - mean) / count + z * z / (4 * count * count)) / weight
    middle = (mean + z * z / (2 * count)) / weight
    return max(0.0, middle - half), min(1.0, middle + half)


def _accuracy(logit: np.ndarray, targets: np.ndarray, against: np.ndarray) -> np.ndarray:
    decided = targets != 0.5
    right = np.where(logit == 0, 0.5, (logit > 0) == (targets > 0.5))
    return _ratio((right * decided).sum(-1), decided.sum(-1))


def _spearman(logit: np.ndarray, targets: np.ndarray, against: np.ndarray) -> np.ndarray:
    x, y = (rankdata(values, axis=-1) for values in (logit, against))
    x, y = (ranks - ranks.mean(-1, keepdims=True) for ranks in (x, y))
    return _ratio((x * y).sum(-1), np.sqrt((x * x).sum(-1) * (y * y).sum(-1)))


def _calibration_error(logit: np.ndarray, targets: np.ndarray, against: np.ndarray) -> np.ndarray:
    positive = _sigmoid(logit)
    place = _bin(positive)
    gaps = [np.abs(((positive - targets) * (place == b)).sum(-1)) for b in range(BINS)]
    return np.asarray(sum(gaps) / targets.shape[-1])


def _brier(logit: np.ndarray, targets: np.ndarray, against: np.ndarray) -> np.ndarray:
    return np.asarray(((_sigmoid(logit) - targets) ** 2).mean(-1))


METRICS: dict[str, Metric] = {
    "accuracy": _accuracy, "spearman": _spearman, "calibration_error": _calibration_error, "brier": _brier,
}  # fmt: skip
assert list(METRICS) == [f.name for f in fields(Scores)]


def _estimate(value: float, drawn: Float[np.ndarray, "resample"], count: int) -> Estimate:
    defined = drawn[np.isfinite(drawn)]
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(defined, [tail, 100 - tail]) if len(defined) else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high), count)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    found = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0, -logit)))


def _bin(positive: np.ndarray) -> np.ndarray:
    return np.minimum((positive * BINS).astype(np.int64), BINS - 1)
