"""The laws of over-optimisation of Gao, Schulman and Hilton (2022, arXiv 2210.10760), by weighted least squares.

With d the square root of the KL from the original model in nats, and a score's gain R over that model, R(0) = 0:

    best-of-n   R(d) = d (a - b d)        peak at d = a / 2b, there R = a^2 / 4b
    rl          R(d) = d (a - b log d)    peak at d = exp(a/b - 1), there R = b d

Both are linear in (a, b). The bands and intervals are of the sampling of completions; that the law holds is assumed.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import xlogy

from rlhf_lab.looks import POOR

__all__ = ["FIRST", "LEVEL", "Fit", "Gain", "Law", "Peak", "Prediction", "fit", "predict"]

Law: TypeAlias = Literal["best-of-n", "rl"]
FIRST = 0.5
"""Of d: points nearer the original model are left out of the RL fit, where that law has infinite slope at 0."""
FEWEST = 3
"""Points that two coefficients are fitted to."""
LEVEL = 0.95
Interval: TypeAlias = tuple[float, float]
NAN: Interval = (np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class Gain:
    """A score's gain over the original model, point by point, and on each bootstrap draw of the completions."""

    d: Float[np.ndarray, "point"]
    """Square root of the KL from the original model in nats."""
    gain: Float[np.ndarray, "point"]
    """Mean score less that of the original model, so 0 at d = 0."""
    d_draws: Float[np.ndarray, "draw point"]
    gain_draws: Float[np.ndarray, "draw point"]

    @property
    def error(self) -> Float[np.ndarray, "point"]:
        """Standard error of the gain; nan where it is not to be trusted."""
        return np.asarray(self.gain_draws.std(axis=0, ddof=1))

    def where(self, kept: Bool[np.ndarray, "point"]) -> "Gain":
        return Gain(self.d[kept], self.gain[kept], self.d_draws[:, kept], self.gain_draws[:, kept])


@dataclass(frozen=True)
class Peak:
    """Where a fitted curve is highest."""

    d: float
    """Square root of the KL in nats; nan if there is no peak."""
    value: float
    """Gain there."""
    d_interval: Interval
    """95 % over bootstrap draws; a draw without a peak counts as infinitely far, so an end can be inf."""
    value_interval: Interval
    absent: float
    """Share of the draws whose curve has no peak (b <= 0)."""
    beyond: float
    """Share of the draws whose peak, if any, lies beyond the last point fitted."""
    words: str
    """What to say of it."""

    @property
    def kl(self) -> float:
        """In nats."""
        return self.d**2


@dataclass(frozen=True, eq=False)
class Fit:
    """One law fitted to one score."""

    law: Law
    a: float
    b: float
    a_interval: Interval
    """95 % over bootstrap draws."""
    b_interval: Interval
    peak: Peak
    r2: float
    """Share of the variance of the fitted points that the curve explains; nan if they do not vary."""
    used: int
    """Points fitted."""
    reach: float
    """The largest d fitted."""
    left_out: int
    """Points not fitted: at d = 0, for the RL law below FIRST, or without a standard error."""
    draws: Float[np.ndarray, "draw 2"]
    """(a, b) of each bootstrap draw."""

    def __call__(self, d: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        """The fitted gain."""
        return np.asarray(_columns(self.law, d) @ np.array([self.a, self.b]))

    def band(self, d: Float[np.ndarray, "point"]) -> Float[np.ndarray, "2 point"]:
        """Lower and upper 95 % limit of the curve, at each d."""
        return _limits(self.draws @ _columns(self.law, d).T)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A law fitted at low KL and tried at high KL."""

    fit: Fit
    split: float
    """Nats up to which points were fitted; those beyond were predicted."""
    d: Float[np.ndarray, "point"]
    """Of the predicted points."""
    measured: Float[np.ndarray, "point"]
    predicted: Float[np.ndarray, "point"]
    bias: float
    """Mean of predicted less measured."""
    bias_interval: Interval
    """95 % over bootstrap draws, of the fitted and of the predicted points."""
    rmse: float
    """Root mean square of predicted less measured."""
    rmse_constant: float
    """The same if the mean of the fitted points is predicted throughout."""
    ratio: float
    """rmse / rmse_constant: below 1 the law predicts better than a constant."""
    ratio_interval: Interval


def fit(law: Law, gain: Gain) -> Fit:
    """Fit by least squares, each point weighted by 1 / its squared standard error.

    No point counts for more than 100 times the typical one, lest a score that has stopped varying decides alone.
    All nan if fewer than FEWEST points can be used.
    """
    kept = _usable(law, gain)
    used = gain.where(kept)
    count, left = int(kept.sum()), int((~kept).sum())
    if count < FEWEST:
        words = f"no fit: {count} points, and {FEWEST} are needed"
        peak = Peak(np.nan, np.nan, NAN, NAN, np.nan, np.nan, words)
        return Fit(
            law, np.nan, np.nan, NAN, NAN, peak, np.nan, count, np.nan, left, np.full((len(gain.gain_draws), 2), np.nan)
        )
    error = np.maximum(used.error, np.median(used.error) / 10)
    weight = 1 / error**2 if error.all() else np.ones(count)
    a, b = _least_squares(law, used.d[None], used.gain[None], weight)[0]
    draws = _least_squares(law, used.d_draws, used.gain_draws, weight)
    limits = _limits(draws)
    reach = float(used.d.max())
    found = Fit(
        law, float(a), float(b), _pair(limits[:, 0]), _pair(limits[:, 1]),
        _peak(law, float(a), float(b), draws, (float(used.d.min()), reach)), np.nan, count, reach, left, draws,
    )  # fmt: skip
    spread = float(((used.gain - used.gain.mean()) ** 2).sum())
    missed = float(((used.gain - found(used.d)) ** 2).sum())
    r2 = 1 - missed / spread if spread > 0 else np.nan
    if r2 < POOR and found.peak.d <= reach:
        words = f"{found.peak.words}, but the law misses the curve"
        found = replace(found, peak=replace(found.peak, words=words))
    return replace(found, r2=r2)


def predict(law: Law, gain: Gain, split: float) -> Prediction:
    """Fit up to `split` nats, predict the points beyond. All nan if there is nothing to fit or nothing beyond."""
    low, high = gain.where(gain.d**2 <= split), gain.where((gain.d**2 > split) & np.isfinite(gain.gain))
    found = fit(law, low)
    predicted = found(high.d)
    if not len(high.d) or not found.used >= FEWEST:
        return Prediction(found, split, high.d, high.gain, predicted, np.nan, NAN, np.nan, np.nan, np.nan, NAN)
    fitted = _usable(law, low)
    per_draw = np.einsum("kpc,kc->kp", _columns(law, high.d_draws), found.draws) - high.gain_draws
    constants = low.gain_draws[:, fitted].mean(axis=1, keepdims=True) - high.gain_draws
    wrong, constant = predicted - high.gain, low.gain[fitted].mean() - high.gain
    rmse, rmse_constant = _root(wrong), _root(constant)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a gold that does not vary
        ratios = _root(per_draw) / _root(constants)
    return Prediction(
        found, split, high.d, high.gain, predicted, float(wrong.mean()), _pair(_limits(per_draw.mean(axis=1))),
        float(rmse), float(rmse_constant), float(rmse / rmse_constant) if rmse_constant > 0 else np.nan,
        _pair(_limits(ratios)),
    )  # fmt: skip


def _usable(law: Law, gain: Gain) -> Bool[np.ndarray, "point"]:
    far = gain.d >= FIRST if law == "rl" else gain.d > 0
    return np.asarray(far & np.isfinite(gain.gain) & np.isfinite(gain.error))


def _columns(law: Law, d: Float[np.ndarray, "*point"]) -> Float[np.ndarray, "*point 2"]:
    return np.stack([d, -(xlogy(d, d) if law == "rl" else d**2)], axis=-1)


def _least_squares(
    law: Law,
    d: Float[np.ndarray, "draw point"],
    gain: Float[np.ndarray, "draw point"],
    weight: Float[np.ndarray, "point"],
) -> Float[np.ndarray, "draw 2"]:
    x = _columns(law, d) * np.sqrt(weight)[:, None]
    return np.asarray((np.linalg.pinv(x) @ (gain * np.sqrt(weight))[..., None])[..., 0])


def _peak(law: Law, a: float, b: float, draws: Float[np.ndarray, "draw 2"], fitted: Interval) -> Peak:
    """Of a law; fitted: the least and the largest d of its points."""
    first, reach = fitted
    (d,), (value,) = _summit(law, np.array([[a, b]]))
    d_draws, value_draws = _summit(law, draws)
    limits, heights = _pair(_limits(d_draws)), _pair(_limits(value_draws))
    absent, beyond = float((draws[:, 1] <= 0).mean()), float((d_draws > reach).mean())
    if b <= 0:
        words = "no peak: the fitted curve rises without end" if a > 0 else "no peak: the fitted curve has no maximum"
        return Peak(np.nan, np.nan, limits, heights, absent, beyond, words)
    words = f"peak at {d**2:.3g} nats"
    if d > reach:
        words = f"no peak within the {reach**2:.3g} nats fitted"
    elif d == 0:
        words = "falls from the start"
    elif d < first:
        words = f"falls from the first point fitted, {first**2:.2g} nats, on"
        return Peak(np.nan, np.nan, limits, heights, absent, beyond, words)
    return Peak(float(d), float(value), limits, heights, absent, beyond, words)


def _summit(law: Law, ab: Float[np.ndarray, "draw 2"]) -> Float[np.ndarray, "2 draw"]:
    """d and R of the maximum over d >= 0; infinite where there is none."""
    a, b = ab.T
    exists = b > 0
    safe = np.where(exists, b, 1.0)
    with np.errstate(over="ignore"):
        if law == "rl":
            d = np.exp(a / safe - 1)
            value = safe * d
        else:
            d = np.maximum(a, 0) / (2 * safe)
            value = safe * d**2
    return np.where(exists, [d, value], np.inf)


def _limits(draws: Float[np.ndarray, "draw *rest"]) -> Float[np.ndarray, "2 *rest"]:
    """The middle 95 %, no value between two draws, so that infinite ones can be among them."""
    tail = (1 - LEVEL) / 2
    low = np.quantile(draws, tail, axis=0, method="lower")
    return np.stack([low, np.quantile(draws, 1 - tail, axis=0, method="higher")])


def _pair(limits: Float[np.ndarray, "2"]) -> Interval:
    return float(limits[0]), float(limits[1])


def _root(wrong: Float[np.ndarray, "*draw point"]) -> Float[np.ndarray, "*draw"]:
    return np.asarray(np.sqrt((wrong**2).mean(axis=-1)))
