"""The figures of a run, as PNG on a light ground: one meaning has one colour and one mark in all of them."""

import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from elk_sandbox.palette import INK, QUIET
from rlhf_lab.axes import (
    draw_law,
    draw_peak,
    draw_points,
    draw_stop,
    legend,
    nats_above,
    new_figure,
    quieten,
    set_reach,
)  # fmt: skip
from rlhf_lab.best_of_n import BestOfN, Frontier
from rlhf_lab.findings import SECOND
from rlhf_lab.growth import Growth
from rlhf_lab.laws import Fit
from rlhf_lab.looks import LOOKS
from rlhf_lab.overoptimization import Curve, means

__all__ = [
    "NAMES", "Picture", "clip_picture", "diversity_picture", "factors_picture", "gold_picture", "kl_picture",
    "reward_picture",
]  # fmt: skip

NAMES = ("gold", "factors", "diversity", "kl", "clip", "reward")  # of all pictures' files
AXIS = "sqrt(KL from the original model), KL in nats a completion"
BARS = "Bars: two standard errors over completions."


@dataclass(frozen=True)
class Picture:
    """A figure as bytes."""

    name: str
    """Of its file, without the ending."""
    title: str
    png: bytes
    alt: str
    """What it shows, for those who cannot see it."""
    caption: str
    """How to read it."""


def gold_picture(
    curve: Curve, gold: Fit, proxy: Fit, stop: float, *, best: BestOfN | None = None, best_gold: Fit | None = None,
    best_proxy: Fit | None = None, optimal: Frontier | None = None,
) -> Picture:  # fmt: skip
    """Gold above, proxy below, as gains over the original model against sqrt(KL), with fits, bands and gold's peak.

    stop: nats, marked. best, best_gold, best_proxy: best-of-n and its fits; optimal: the frontier of the same pool,
    drawn beside them.
    """
    figure = new_figure(8, 7.6)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(1.35, 1))
    far = set_reach(upper, curve.d, stop)
    for axes, name, fit, scores in ((upper, "gold", gold, curve.gold), (lower, "proxy", proxy, curve.proxy)):
        found = means(scores)
        draw_points(axes, name, curve.d, found.mean - found.mean[0], found.error)
        draw_law(axes, name, fit, far)
        draw_stop(axes, stop, axes is upper)
    for axes, score, law in ((upper, "gold", best_gold), (lower, "proxy", best_proxy)):
        if best is not None:
            mean, error = getattr(best, score), getattr(best, f"{score}_error")
            trusted = np.isfinite(error)
            gain = (mean - mean[0])[trusted]
            draw_points(axes, "best_of_n", np.sqrt(best.kl[trusted]), gain, error[trusted], line=False)
            if law is not None:
                draw_law(axes, "best_of_n", law, min(far, 1.15 * float(np.sqrt(best.kl[trusted].max()))))
            if optimal is not None:
                reach = getattr(optimal, score) - mean[0]
                axes.plot(np.sqrt(optimal.kl), reach, color=LOOKS["frontier"].colour.light, ls="--", lw=1.6,
                          label=LOOKS["frontier"].label)  # fmt: skip
    if curve.second_scaled is not None:
        found = means(curve.second_scaled)
        draw_points(lower, "second", curve.d, found.mean - found.mean[0], found.error)
    draw_peak(upper, gold)
    upper.set_ylabel("gold, gain over the original model")
    lower.set_ylabel("proxy, gain over the original model")
    lower.set_xlabel(AXIS)
    nats_above(upper)
    legend(figure, (upper, lower))
    gained, optimised = means(curve.gold).mean, means(curve.proxy).mean
    alt = f"Gold of PPO over that of the original model: {_told(curve.nats, gained - gained[0])} nats. "
    alt += f"Proxy: {_told(curve.nats, optimised - optimised[0])} nats. Fitted curve of gold: {gold.peak.words}."
    caption = f"{BARS} Thick curves: the laws of Gao et al. 2022, bands 95 % over bootstrap draws of the completions. "
    caption += "Star and bar: the peak of gold's fit and its 95 % interval. Best of n at the upper bound of its KL."
    if optimal is not None:
        caption += " Dashed: the highest proxy that reweighting the original model's completions gives at that KL."
    if curve.second is not None:
        caption += f" {SECOND}"
    return _picture(figure, "gold", "Gold and proxy against KL", alt, caption)


def factors_picture(curve: Curve, stop: float) -> Picture:
    """Gold, and its two factors: gold of what is well formed and the share well formed, against sqrt(KL).

    Raises ValueError where gold has no such factors.
    """
    if curve.well_formed is None:
        raise ValueError(f"gold of {curve.name} is not made of two factors")
    figure = new_figure(8, 4.8)
    axes = figure.subplots()
    inside = means(curve.gold, curve.well_formed)
    share = means(curve.well_formed.astype(np.float64))
    for name, found in (("gold", means(curve.gold)), ("sentiment", inside), ("well_formed", share)):
        draw_points(axes, name, curve.d, found.mean, found.error)
    axes.axhline(0, color=QUIET.light, lw=0.8)
    set_reach(axes, curve.d, stop)
    draw_stop(axes, stop, True)
    axes.set(xlabel=AXIS, ylabel="mean, and share")
    nats_above(axes)
    legend(figure, (axes,))
    alt = f"Gold where well formed: {_told(curve.nats, inside.mean)} nats. "
    alt += f"Share well formed: {_told(curve.nats, share.mean)} nats."
    caption = f"Gold is the product of the other two: a text that is not well formed counts as 0. {BARS}"
    return _picture(figure, "factors", "The two factors of gold", alt, caption)


def kl_picture(
    steps: Float[np.ndarray, "step"], nats: Float[np.ndarray, "step"], fitted: Growth, stop: float
) -> Picture:
    """KL and its square root against PPO iterations, each with its line."""
    figure = new_figure(8, 4)
    told = []
    for axes, values, line, name, mark in zip(
        figure.subplots(1, 2), (nats, np.sqrt(np.maximum(nats, 0))), (fitted.kl, fitted.root),
        ("KL, nats a completion", "sqrt(KL)"), (stop, np.sqrt(stop)), strict=True,
    ):  # fmt: skip
        draw_points(axes, "kl", steps, values, None)
        axes.plot(steps, line(steps), color=QUIET.light, ls="--", lw=1.6)
        axes.axhline(mark, color=QUIET.light, lw=1, ls=(0, (1, 2)))
        axes.text(steps.max(), mark, f"{stop:g} nats", ha="right", va="bottom", fontsize=9, color=QUIET.light)
        axes.set_title(f"{name}: line, R² = {line.r2:.3f}", fontsize=11, loc="left", color=INK.light)
        axes.set(xlabel="PPO iterations", ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        told.append(f"{name} with a line of R squared {line.r2:.3f}")
    alt = f"{' and '.join(told)}; KL {_told(steps, nats, 'iteration')}."
    caption = "Dashed: straight lines by least squares. The exercise expects sqrt(KL) to be about linear in training."
    return _picture(figure, "kl", "KL against iterations", alt, caption)


def diversity_picture(curve: Curve, stop: float) -> Picture:
    """Entropy above, distinct bigrams, duplicates and overlap below, against sqrt(KL); what is None is left out.

    Raises ValueError if all of them are None.
    """
    shares = {name: getattr(curve, name) for name in ("distinct", "duplicates", "overlap")}
    shares = {name: values for name, values in shares.items() if values is not None}
    if curve.entropy is None and not shares:
        raise ValueError(f"no diversity of {curve.name} was measured")
    figure = new_figure(8, 5.6)
    panels = [{"entropy": curve.entropy}] * (curve.entropy is not None) + [shares] * bool(shares)
    drawn = list(figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0])
    for axes, panel in zip(drawn, panels, strict=True):
        for name, values in panel.items():
            draw_points(axes, name, curve.d, values, None)
        entropy = "entropy" in panel
        axes.set(ylabel="nats a token" if entropy else "share", ylim=(0, None if entropy else 1.03))
        draw_stop(axes, stop, axes is drawn[0])
    drawn[-1].set_xlabel(AXIS)
    set_reach(drawn[-1], curve.d, stop)
    nats_above(drawn[0])
    legend(figure, drawn)
    told = [f"{LOOKS[name].label}: {_told(curve.nats, values)}" for panel in panels for name, values in panel.items()]
    caption = "Of as many completions at each checkpoint. Duplicates: the share that another completion equals."
    return _picture(figure, "diversity", "Diversity against KL", f"{' nats. '.join(told)} nats.", caption)


def reward_picture(
    predicted: Float[np.ndarray, "text"], label: Float[np.ndarray, "text"], score: Float[np.ndarray, "other"],
    truth: Float[np.ndarray, "other"], truth_name: str,
) -> Picture:  # fmt: skip
    """The reward model on held-out texts: its P(positive) against labels 0, 1/2, 1, its score against a truth.

    truth: of the texts that `score` is of, the rater's own noiseless score, or gold; truth_name says which.
    """
    figure = new_figure(8, 4.2)
    left, right = figure.subplots(1, 2)
    order = np.array_split(predicted.argsort(kind="stable"), min(10, len(predicted)))
    at, found = np.array([predicted[k].mean() for k in order]), np.array([label[k].mean() for k in order])
    error = np.array([label[k].std(ddof=1) / np.sqrt(len(k)) if len(k) > 1 else np.nan for k in order])
    left.plot([0, 1], [0, 1], color=QUIET.light, lw=1, ls="--")
    draw_points(left, "proxy", at, found, error, line=False)
    left.set(xlabel="predicted P(positive), tenths of the texts", ylabel="mean label", xlim=(-0.03, 1.03))
    left.set_ylim(-0.06, 1.06)
    left.set_title("Calibration", fontsize=11, loc="left", color=INK.light)
    right.plot(truth, score, ls="none", marker="o", ms=3, alpha=0.3, mec="none", color=LOOKS["proxy"].colour.light)
    rank = float(stats.spearmanr(truth, score).statistic) if np.ptp(truth) > 0 and np.ptp(score) > 0 else np.nan
    right.set(xlabel=truth_name, ylabel="reward")
    right.set_title(f"Spearman {rank:.2f}, {len(score)} texts", fontsize=11, loc="left", color=INK.light)
    quieten(right)
    alt = f"Calibration: mean label {_told(at, found, 'a prediction of')}. Spearman with {truth_name} {rank:.2f}."
    caption = "Left: on the dashed line, a reward model means what it says; bars are two standard errors over texts."
    return _picture(figure, "reward", "The reward model on held-out texts", alt, caption)


def clip_picture(
    steps: Float[np.ndarray, "step"], outside: Float[np.ndarray, "step"], binding: Float[np.ndarray, "step"]
) -> Picture:
    """Both clip fractions, as shares of tokens, against iterations.

    outside: ratio outside 1 ± clip; binding: outside on the side where the clipped loss is the one taken.
    """
    figure = new_figure(8, 3.8)
    axes = figure.subplots()
    for name, values in (("outside", outside), ("binding", binding)):
        draw_points(axes, name, steps, 100 * values, None)
    axes.axhline(1, color=QUIET.light, lw=1, ls=(0, (1, 2)))
    axes.text(steps.max(), 1, "1 %: below it, raise the batch", ha="right", va="bottom", fontsize=9, color=QUIET.light)
    axes.set(xlabel="PPO iterations", ylabel="% of tokens", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, (axes,))
    alt = f"Share of tokens whose ratio was clipped, {_told(steps, outside, 'iteration')}."
    caption = "A share of 0 throughout means one update a batch: the ratio is then 1."
    return _picture(figure, "clip", "Clip fractions", alt, caption)


def _told(x: Float[np.ndarray, "point"], y: Float[np.ndarray, "point"], at: str = "") -> str:
    """First, highest and last value, in words."""
    if not np.isfinite(y).any():
        return "undefined"
    top = int(np.nanargmax(y))
    return ", ".join(f"{y[k]:.2g} at {at}{' ' * bool(at)}{x[k]:.2g}" for k in dict.fromkeys((0, top, len(y) - 1)))


def _picture(figure: Figure, name: str, title: str, alt: str, caption: str) -> Picture:
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": "rlhf-lab"})  # type: ignore[no-untyped-call]
    return Picture(name, title, file.getvalue(), alt, caption)
