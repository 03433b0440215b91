"""The plane of two parameters as a picture: verdicts as colours, the border as a line, in the style of the others."""

import math
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.palette import INK, LINE, PAPER, QUIET, STATES, State
from elk_sandbox.pictures import DPI, save
from elk_sandbox.symbolic.flip import Flip
from elk_sandbox.symbolic.regions import Axis, Plane
from elk_sandbox.symbolic.told import objective

__all__ = ["plane_figure", "plane_png"]

FINE = 600  # points along a continuous axis
BEYOND = (7, 2)  # values of a discrete first and second axis that are shown past the last change
LONGEST = 34  # letters of a line in a label
MARGIN = 7  # pixels about a label that must lie within its region
VERDICTS = ("strict", "tie", "survives")


def plane_png(flip: Flip, path: Path) -> None:
    """Draw a flip over two parameters into a file. Raises OSError."""
    save(plane_figure(flip), path)


def plane_figure(flip: Flip) -> Any:
    """A flip over two parameters."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    plane = flip.plane
    (x, xs), (y, ys) = _grids(plane)
    bad, honest, verdict = plane.who(*np.meshgrid(xs, ys, indexing="ij"))
    figure = Figure(figsize=(8.4, 5.9), dpi=DPI, facecolor=PAPER.light)
    axes = figure.add_axes((0.1, 0.2, 0.86, 0.64), facecolor=PAPER.light)
    colours = ListedColormap([STATES[v].fill.light for v in VERDICTS])
    axes.pcolormesh(_edges(x, xs), _edges(y, ys), verdict.T, cmap=colours, vmin=-0.5, vmax=2.5, rasterized=True)
    _lines(axes, x, xs, y, ys)
    _border(axes, plane, x, xs)
    axes.set(xlim=_edges(x, xs)[[0, -1]], ylim=_edges(y, ys)[[0, -1]])
    _labels(axes, plane, np.stack([verdict, bad, honest]))
    for axis, place in ((x, axes.xaxis), (y, axes.yaxis)):
        name = str(axis.symbol) if str(axis.symbol) == axis.name else f"{axis.symbol} ({axis.name})"
        place.set_label_text(f"{name}, nats" if axis.kind == "weight" else name, color=INK.light, fontsize=10)
    axes.tick_params(colors=QUIET.light, labelsize=8.5, length=3)
    for spine in axes.spines.values():
        spine.set_color(LINE.light)
    title = f"{flip.proposal.replace('_', ' ')}  against  {flip.counterexample.replace('_', ' ')}"
    figure.text(0.1, 0.935, title, fontsize=13, fontweight="bold", color=INK.light)
    figure.text(0.1, 0.885, objective(flip).replace("_", " "), fontsize=8.5, color=QUIET.light)
    _legend(figure, [STATES[v] for k, v in enumerate(VERDICTS) if (verdict == k).any()])
    return figure


def _labels(axes: Any, plane: Plane, who: np.ndarray) -> None:
    """In every region that has room, its verdict and who decides it, in the middle of the room and on one ground."""
    from scipy.ndimage import distance_transform_edt, minimum_filter

    fine = [-(-FINE // size) for size in who.shape[1:]]
    who = who.repeat(fine[0], axis=1).repeat(fine[1], axis=2)
    size = np.array(who.shape[1:])
    for verdict, bad, honest in np.unique(who.reshape(3, -1), axis=1).T:
        inside = (who == np.array([verdict, bad, honest])[:, None, None]).all(axis=0)
        state = STATES[VERDICTS[verdict]]
        words = f"{state.label}\n{list(plane.bad)[bad]}\nagainst {list(plane.honest)[honest]}".replace("_", " ")
        words = "\n".join(textwrap.fill(line, LONGEST) for line in words.splitlines())
        ground = {"facecolor": state.fill.light, "edgecolor": "none", "pad": 3}
        text = axes.text(0, 0, words, transform=axes.transAxes, ha="center", va="center", fontsize=8, linespacing=1.4,
                         color=state.ink.light, bbox=ground)  # fmt: skip
        box = text.get_window_extent()
        needs = (np.array([box.width, box.height]) + 2 * MARGIN) / axes.bbox.size
        free = minimum_filter(inside, np.ceil(needs * size).astype(int), mode="constant", cval=0)
        if not free.any():
            text.remove()
            continue
        edge = distance_transform_edt(np.pad(inside, 1), sampling=1 / size / needs)[1:-1, 1:-1]
        at = np.unravel_index(int(np.where(free, edge, 0).argmax()), edge.shape)
        text.set_position((np.array(at) + 0.5) / size)


def _grids(plane: Plane) -> tuple[tuple[Axis, np.ndarray], tuple[Axis, np.ndarray]]:
    """What is shown of each axis: past the last change, not to the end of what was looked at."""
    x, y = plane.axes
    turns = [s.low for s in plane.strips[1:]]
    xs = _values(x, turns, BEYOND[0])
    shown = [v for v in x.values if v <= xs[-1]]
    return (x, xs), (y, _values(y, [c.high for v in shown for c in plane.cells(v)[:-1]], BEYOND[1]))


def _values(axis: Axis, turns: list[float], beyond: int) -> np.ndarray:
    if axis.discrete:
        last = max(turns, default=axis.low)
        return np.array([v for v in axis.values if v <= last + beyond * axis.step])
    high = axis.high if math.isfinite(axis.high) else max([1.0, *(1.4 * t for t in turns)])
    edges = np.linspace(axis.low, high, FINE + 1)
    return np.asarray((edges[1:] + edges[:-1]) / 2)


def _edges(axis: Axis, values: np.ndarray) -> np.ndarray:
    step = float(axis.step) if axis.discrete else values[1] - values[0]
    return np.append(values - step / 2, values[-1] + step / 2)


def _lines(axes: Any, x: Axis, xs: np.ndarray, y: Axis, ys: np.ndarray) -> None:
    """A discrete axis has ticks at its values, and white lines between its columns."""
    for axis, values, ticks, line in ((x, xs, axes.set_xticks, axes.axvline), (y, ys, axes.set_yticks, axes.axhline)):
        if axis.discrete:
            ticks(values)
            for edge in _edges(axis, values)[1:-1]:
                line(edge, color=PAPER.light, linewidth=1.2)


def _border(axes: Any, plane: Plane, x: Axis, xs: np.ndarray) -> None:
    """Steps over a discrete first axis, curves over a continuous one; dotted where only who decides changes."""
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3.4, foreground=PAPER.light)]
    firm = {"color": INK.light, "linewidth": 1.6, "path_effects": halo, "solid_capstyle": "butt"}
    faint = {"linewidth": 1.2, "linestyle": (0, (1, 2))}
    for strip in plane.strips:
        inside = [float(v) for v in xs if strip.low <= v <= strip.high]
        along = {v: plane.cells(v) for v in inside}
        for k, (below, above) in enumerate(pairwise(strip.cells)):
            points = [(v, cells[k].high) for v, cells in along.items() if len(cells) == len(strip.cells)]
            ink = {"color": STATES[below.verdict.removeprefix("killed, ")].ink.light}
            style = firm if below.verdict != above.verdict else faint | ink
            if not plane.axes[1].discrete and x.discrete:
                for v, high in points:
                    axes.plot([v - x.step / 2, v + x.step / 2], [high, high], **style)
            elif not plane.axes[1].discrete and points:
                axes.plot(*zip(*points, strict=True), **style)
    for border in (b for b in plane.borders if b.at is None and not x.discrete):
        axes.axvline(border.low, **firm)


def _legend(figure: Any, shown: list[State]) -> None:
    from matplotlib.patches import Rectangle

    for k, state in enumerate(shown):
        left = 0.1 + 0.29 * k
        figure.add_artist(Rectangle((left, 0.05), 0.03, 0.035, facecolor=state.fill.light, edgecolor="none"))
        figure.text(left + 0.015, 0.0675, state.sign, ha="center", va="center", fontsize=9, color=state.ink.light)
        figure.text(left + 0.038, 0.0675, state.label, va="center", fontsize=8.5, fontweight="bold", color=INK.light)
