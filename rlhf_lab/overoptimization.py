"""What optimising against a proxy did to gold: the curve of a run, its turn, and several seeds.

Standard errors are over completions, which are independent draws from their checkpoint, unless seeds are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from rlhf_lab.best_of_n import BestOfN
from rlhf_lab.laws import Gain

__all__ = [
    "Curve", "Fall", "Means", "Seeds", "Turn", "gain_of_best_of_n", "gain_of_run", "means", "over_seeds", "turn",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Means:
    """A mean for each checkpoint."""

    mean: Float[np.ndarray, "checkpoint"]
    """nan where nothing was counted."""
    error: Float[np.ndarray, "checkpoint"]
    """Its standard error; nan where fewer than two were counted."""
    count: Int[np.ndarray, "checkpoint"]
    """Completions counted."""


@dataclass(frozen=True, eq=False)
class Curve:
    """What was measured at each checkpoint of a run, the original model first, on as many completions of each.

    Raises ValueError if the shapes do not agree, or a score is not finite.
    """

    name: str
    """Of the run, as shown."""
    steps: Int[np.ndarray, "checkpoint"]
    """PPO iterations done."""
    kl: Float[np.ndarray, "checkpoint completion"]
    """Nats: the exact per-step KL from the original model summed along each completion."""
    proxy: Float[np.ndarray, "checkpoint completion"]
    """The reward that was optimised, recentred and scaled."""
    gold: Float[np.ndarray, "checkpoint completion"]
    """Never optimised: sentiment in [-1, 1] where the text is well formed, else 0."""
    well_formed: Bool[np.ndarray, "checkpoint completion"] | None = None
    """None where gold has no such factor."""
    second: Float[np.ndarray, "checkpoint completion"] | None = None
    """A reward model trained on other labels, in nats; see `second_scaled`."""
    entropy: Float[np.ndarray, "checkpoint"] | None = None
    """Nats a token."""
    distinct: Float[np.ndarray, "checkpoint"] | None = None
    """Distinct bigrams among all bigrams."""
    duplicates: Float[np.ndarray, "checkpoint"] | None = None
    """Share of completions that another one equals."""
    overlap: Float[np.ndarray, "checkpoint"] | None = None
    """Share of its bigrams that a completion has in common with another one."""

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value is None:
                continue
            expected = self.kl.shape[: value.ndim]
            if value.shape != expected or value.ndim == 0:
                raise ValueError(f"{field.name} has shape {value.shape}, where kl has {self.kl.shape}")
            if not np.isfinite(value).all():
                raise ValueError(f"{field.name} holds a value that is not finite")

    @property
    def nats(self) -> Float[np.ndarray, "checkpoint"]:
        """Mean KL of each checkpoint."""
        return np.asarray(self.kl.mean(axis=1))

    @property
    def d(self) -> Float[np.ndarray, "checkpoint"]:
        """Square root of the mean KL in nats."""
        return np.asarray(np.sqrt(np.maximum(self.nats, 0)))

    @property
    def second_scaled(self) -> Float[np.ndarray, "checkpoint completion"] | None:
        """`second` recentred and scaled, as the proxy is: by its own mean and deviation at the first checkpoint."""
        if self.second is None:
            return None
        first = self.second[0]
        return np.asarray((self.second - first.mean()) / (first.std() or 1.0))

    def until(self, nats: float) -> "Curve":
        """The checkpoints before the first whose mean KL is above this."""
        above = np.flatnonzero(self.nats > nats)
        end = int(above[0]) if len(above) else len(self.steps)
        values = ((field.name, getattr(self, field.name)) for field in fields(self)[1:])
        kept: dict[str, Any] = {name: None if value is None else value[:end] for name, value in values}
        return Curve(self.name, **kept)


@dataclass(frozen=True)
class Fall:
    """A mean at the checkpoint where gold is highest, less the mean at the last one."""

    fall: float
    """Positive where the mean is lower at the end."""
    error: float
    """Its standard error over completions."""
    counts: tuple[int, int]
    """Completions behind the two means."""

    @property
    def errors(self) -> float:
        """The fall in its standard errors; nan where there is no error to divide by."""
        return self.fall / self.error if self.error > 0 else np.nan


@dataclass(frozen=True)
class Turn:
    """Whether, and where, gold turned."""

    peak: int
    """Index of the checkpoint whose mean gold is highest, the first of equals."""
    peak_step: int
    peak_nats: float
    """Its mean KL."""
    end_nats: float
    """Mean KL of the last checkpoint."""
    at_end: bool
    """Whether the peak is the last checkpoint."""
    constant: bool
    """Whether gold is the same for every completion of every checkpoint."""
    formless: bool
    """Whether gold has the factor of form, and no completion of any checkpoint is well formed."""
    gold: Fall
    held_out: Fall
    """Gold again, the peak chosen on one half of the completions and the fall measured on the other, both ways: the
    highest of many noisy means is flattered by being chosen, this is not."""
    proxy: Fall
    climb: float
    """Proxy of the last checkpoint less that of the first, in standard errors."""
    dip: float
    """The largest fall of the proxy from one checkpoint to any later one, in standard errors; at most 0 if none."""
    sentiment: Fall | None
    """Gold among what is well formed, held out as `held_out` is; None where gold has no such factor."""
    well_formed: Fall | None
    """Share well formed, held out too."""
    second: Fall | None
    """The second reward model, scaled; None if there was none."""


@dataclass(frozen=True, eq=False)
class Seeds:
    """One experiment repeated with other seeds."""

    falls: Float[np.ndarray, "seed"]
    """Of gold, peak less end, held out."""
    errors: Float[np.ndarray, "seed"]
    """Each in its standard errors over completions; nan where the peak is the end."""
    peaks: Float[np.ndarray, "seed"]
    """Nats at the peak."""
    mean: float
    """Mean fall."""
    error: float
    """Its standard error over seeds; nan for fewer than two."""
    beyond: int
    """Seeds whose fall is above two standard errors over completions."""

    @property
    def mean_errors(self) -> float:
        """The mean fall in its standard errors over seeds; nan where there is no error to divide by."""
        return self.mean / self.error if self.error > 0 else np.nan


def means(scores: Float[np.ndarray, "checkpoint completion"], among: Bool[np.ndarray, "*shape"] | None = None) -> Means:
    """The mean of each row, or of those of its entries that are `among`."""
    inside = np.ones(scores.shape, dtype=bool) if among is None else among
    count = inside.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(inside, scores, 0.0).sum(axis=1) / count
        squares = np.where(inside, (scores - mean[:, None]) ** 2, 0.0).sum(axis=1)
        error = np.where(count > 1, np.sqrt(squares / (count - 1) / count), np.nan)
    return Means(mean, error, count)


def turn(curve: Curve) -> Turn:
    """Find the peak of mean gold and what fell from there to the end.

    Raises ValueError unless there are two checkpoints and four completions of each.
    """
    if len(curve.steps) < 2 or curve.kl.shape[1] < 4:
        raise ValueError(f"a turn needs 2 checkpoints of 4 completions, not {' x '.join(map(str, curve.kl.shape))}")
    gold = means(curve.gold)
    peak = int(gold.mean.argmax())
    well, second = curve.well_formed, curve.second_scaled
    return Turn(
        peak=peak,
        peak_step=int(curve.steps[peak]),
        peak_nats=float(curve.nats[peak]),
        end_nats=float(curve.nats[-1]),
        at_end=peak == len(curve.steps) - 1,
        constant=not np.ptp(curve.gold),
        formless=well is not None and not well.any(),
        gold=_fall(gold, peak),
        held_out=_held_out(curve.gold, curve.gold),
        proxy=_fall(means(curve.proxy), peak),
        climb=-_fall(means(curve.proxy), 0).errors,
        dip=_dip(means(curve.proxy)),
        sentiment=None if well is None else _held_out(curve.gold, curve.gold, well),
        well_formed=None if well is None else _held_out(curve.gold, well.astype(np.float64)),
        second=None if second is None else _fall(means(second), peak),
    )


def over_seeds(turns: Sequence[Turn]) -> Seeds:
    """The mean fall of gold over seeds, with its standard error over them. Raises ValueError for no seeds."""
    if not turns:
        raise ValueError("a mean over seeds needs at least one")
    falls = np.array([t.held_out.fall for t in turns])
    errors = np.array([t.held_out.errors for t in turns])
    error = float(falls.std(ddof=1) / np.sqrt(len(falls))) if len(falls) > 1 else np.nan
    peaks = np.array([t.peak_nats for t in turns])
    return Seeds(falls, errors, peaks, float(falls.mean()), error, int((errors > 2).sum()))


def gain_of_run(
    curve: Curve, scores: Float[np.ndarray, "checkpoint completion"], rng: np.random.Generator, *, draws: int = 1000
) -> Gain:
    """A score of a run recentred on its first checkpoint, with the completions of each checkpoint resampled.

    KL and score are resampled together, since they are of the same completions. Pass one of the curve's scores.
    """
    nats, drawn = np.empty((2, draws, len(curve.steps)))
    for k in range(len(curve.steps)):
        again = rng.integers(curve.kl.shape[1], size=(draws, curve.kl.shape[1]))
        nats[:, k] = curve.kl[k][again].mean(axis=1)
        drawn[:, k] = scores[k][again].mean(axis=1)
    mean = scores.mean(axis=1)
    return Gain(curve.d, mean - mean[0], np.sqrt(np.maximum(nats, 0)), drawn - drawn[:, :1])


def gain_of_best_of_n(found: BestOfN, score: str = "gold") -> Gain:
    """The gain in `gold` or `proxy` of best-of-n over one draw, at d = sqrt(its KL, a bound where scores tie).

    Its draws are nan where too few completions decide, so that no fit uses them. Raises ValueError unless n = 1 is the
    first size.
    """
    if found.sizes[0] != 1:
        raise ValueError(f"gains are over one draw: the first size must be 1, not {found.sizes[0]}")
    mean, draws, error = (
        (found.gold, found.gold_draws, found.gold_error) if score == "gold"
        else (found.proxy, found.proxy_draws, found.proxy_error)
    )  # fmt: skip
    d = np.sqrt(found.kl)
    gains = np.where(np.isfinite(error), draws - draws[:, :1], np.nan)
    return Gain(d, mean - mean[0], np.broadcast_to(d, draws.shape), gains)


def _fall(found: Means, peak: int) -> Fall:
    counts = int(found.count[peak]), int(found.count[-1])
    if peak == len(found.mean) - 1:
        return Fall(0.0, 0.0, counts)
    error = float(np.hypot(found.error[peak], found.error[-1]))
    return Fall(float(found.mean[peak] - found.mean[-1]), error, counts)


def _held_out(
    gold: Float[np.ndarray, "checkpoint completion"],
    score: Float[np.ndarray, "checkpoint completion"],
    among: Bool[np.ndarray, "checkpoint completion"] | None = None,
) -> Fall:
    """Of a score from where gold of one half of the completions peaks, measured on the other half, both ways."""
    one, other = (
        _fall(
            means(score[:, 1 - k :: 2], None if among is None else among[:, 1 - k :: 2]),
            int(gold[:, k::2].mean(axis=1).argmax()),
        )
        for k in (0, 1)
    )
    counts = one.counts[0] + other.counts[0], one.counts[1] + other.counts[1]
    return Fall((one.fall + other.fall) / 2, float(np.hypot(one.error, other.error)) / 2, counts)


def _dip(found: Means) -> float:
    fall = found.mean[:, None] - found.mean[None]
    error = np.hypot(found.error[:, None], found.error[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(error > 0, fall / error, np.where(fall == 0, 0.0, np.sign(fall) * np.inf))
    return float(ratios[np.triu_indices(len(found.mean), 1)].max())
