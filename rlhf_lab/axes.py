"""The pieces that the lab's figures are drawn of. Explicit figures and axes only, no state of pyplot."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from elk_sandbox.palette import INK, LINE, PAPER, QUIET
from rlhf_lab.laws import Fit
from rlhf_lab.looks import LOOKS, POOR

__all__ = [
    "draw_law", "draw_peak", "draw_points", "draw_stop", "legend", "nats_above", "new_figure", "quieten", "set_reach",
]  # fmt: skip

DPI = 160
CROWDED = 30  # points from which marks are small


def new_figure(width: float, height: float) -> Figure:
    """Inches."""
    return Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER.light, layout="constrained")


def draw_points(
    axes: Axes, name: str, x: Float[np.ndarray, "point"], y: Float[np.ndarray, "point"],
    error: Float[np.ndarray, "point"] | None, *, line: bool = True,
) -> None:  # fmt: skip
    """Marks with bars of two standard errors on either side, joined by a thin line."""
    look = LOOKS[name]
    axes.errorbar(
        x, y, None if error is None else 2 * error, color=look.colour.light, marker=look.mark, lw=1.1,
        ms=3 if len(x) > CROWDED else 5, ls="-" if line else "none", elinewidth=1.1, capsize=2, zorder=3,
        label=look.label,
    )  # fmt: skip
    quieten(axes)


def draw_law(axes: Axes, name: str, fit: Fit, far: float) -> None:
    """A fitted curve and its band, from 0 to far."""
    d = np.linspace(0, far, 300)
    if np.isfinite(fit.a):
        colour = LOOKS[name].colour.light
        axes.plot(d, fit(d), color=colour, lw=2.4, alpha=0.55, zorder=2)
        axes.fill_between(d, *fit.band(d), color=colour, alpha=0.15, lw=0, zorder=1)


def draw_peak(axes: Axes, fit: Fit) -> None:
    """The fitted peak, with its interval as a bar as far as the axes go; none of a law that misses the curve."""
    peak, far = fit.peak, axes.get_xlim()[1]
    if not 0 < peak.d <= far or fit.r2 < POOR:
        return
    low, high = peak.d_interval
    end = f"{high**2:.2g}" if np.isfinite(high) else "∞"
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, top + 0.08 * (top - bottom))
    axes.plot([low, min(high, far)], [peak.value] * 2, color=INK.light, lw=1.4, marker="|", ms=8, zorder=5)
    axes.plot([peak.d], [peak.value], marker="*", ms=13, color=INK.light, zorder=6, ls="none")
    axes.text(
        peak.d, 0.98, f"peak of the fit: {peak.kl:.2g} nats [{low**2:.2g}, {end}]", va="top", fontsize=10,
        ha="center" if far / 4 < peak.d < 3 * far / 4 else "left" if peak.d < far / 2 else "right",
        transform=axes.get_xaxis_transform(), color=INK.light, zorder=6,
    )  # fmt: skip


def draw_stop(axes: Axes, stop: float, told: bool) -> None:
    """A line at the stop, in nats, on an axis of sqrt(KL), with a word if told."""
    at = np.sqrt(stop)
    axes.axvline(at, color=QUIET.light, lw=1, ls=(0, (1, 2)), zorder=0)
    if told:
        axes.text(at, 0.02, f" {stop:g} nats", transform=axes.get_xaxis_transform(), fontsize=9, color=QUIET.light)


def set_reach(axes: Axes, d: Float[np.ndarray, "point"], stop: float) -> float:
    """Let the axis of sqrt(KL) hold these and the stop, in nats; return where it ends."""
    far = 1.04 * float(max(d.max(), 1.05 * np.sqrt(stop)))
    axes.set_xlim(-0.02 * far, far)
    return far


def nats_above(axes: Axes) -> None:
    """A second axis above: KL itself."""
    nats = axes.secondary_xaxis("top", functions=(_square, _root))
    nats.set_xlabel("KL, nats", fontsize=10, color=QUIET.light)
    far = axes.get_xlim()[1] ** 2
    ticks = [t for t in (0, 0.5, 1, 2, 4, 6, 10, 15, 20, 25, 30, 40, 60, 80, 100, 150, 200) if t <= far]
    nats.set_ticks(ticks, [f"{t:g}" for t in ticks])
    nats.tick_params(colors=QUIET.light, labelsize=9)
    nats.spines["top"].set_color(LINE.light)


def quieten(axes: Axes) -> None:
    """Fewer lines, softer ones."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET.light)
    axes.tick_params(colors=QUIET.light, labelsize=10)
    axes.xaxis.label.set(color=INK.light, fontsize=11)
    axes.yaxis.label.set(color=INK.light, fontsize=11)
    axes.grid(color=LINE.light, lw=0.6)
    axes.set_axisbelow(True)


def legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One entry a label, in the order of LOOKS, above all panels."""
    marks = {label: mark for axes in panels for mark, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    labels = [look.label for look in LOOKS.values() if look.label in marks]
    figure.legend(
        [marks[label] for label in labels], labels, loc="outside upper left", ncols=3, frameon=False, fontsize=10,
        labelcolor=INK.light, handletextpad=0.4, columnspacing=1.3,
    )  # fmt: skip


def _square(d: Any) -> Any:
    """Odd, since the axis begins a little left of 0."""
    return d * np.abs(d)


def _root(kl: Any) -> Any:
    return np.sign(kl) * np.sqrt(np.abs(kl))
