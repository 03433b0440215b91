"""Pictures for a paper or a talk: the matrix of verdicts. matplotlib is loaded when one is drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elk_sandbox.matrix import totals
from elk_sandbox.palette import INK, PAPER, QUIET, STATES, State, state

__all__ = ["DPI", "matrix_png", "save"]

DPI = 160

MARKS = (
    "K killed in the literature   k killed, derived   D made to defeat it   o killed if a contested assumption holds"
)


def matrix_png(cells: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw proposals by counterexamples: verdict as colour and sign, the literature's mark in the corner.

    A framed corner that reads ≠ marks a cell where we and the literature disagree; a contested cell is cut in two,
    above with the assumption and below without. Raises ValueError if there are no cells, OSError.
    """
    from matplotlib.figure import Figure

    if not cells:
        raise ValueError("a matrix has at least one cell")
    rows = list(dict.fromkeys(c["proposal"] for c in cells))
    columns = list(dict.fromkeys(c["counterexample"] for c in cells))
    left = 0.35 + 0.082 * max(map(len, rows))
    top = 0.2 + 0.052 * max(map(len, columns))
    legend, side = 1.15 + 0.2 * len(STATES), 0.52
    width = max(left + side * len(columns) + 0.06 * max(map(len, columns)) + 0.2, 8.4)
    height = top + side * len(rows) + legend
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER.light)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-left / side, (width - left) / side), ylim=((height - top) / side, -top / side))
    axes.axis("off")
    for k, name in enumerate(rows):
        axes.text(-0.25, k + 0.5, name.replace("_", " "), ha="right", va="center", fontsize=9.5, color=INK.light)
    for k, name in enumerate(columns):
        axes.text(
            k + 0.42, -0.15, name.replace("_", " "), ha="left", va="bottom", rotation=42, rotation_mode="anchor",
            fontsize=9.5, color=INK.light,
        )  # fmt: skip
    for cell in cells:
        _cell(axes, columns.index(cell["counterexample"]), rows.index(cell["proposal"]), cell)
    _legend(axes, len(rows) + 0.55, -left / side + 0.5, totals(cells))  # type: ignore[arg-type]
    save(figure, path)


def _cell(axes: Any, x: int, y: int, cell: Mapping[str, Any]) -> None:
    from matplotlib.patches import Polygon, Rectangle

    first, gap = STATES[state(cell)], 0.035
    x0, y0, x1, y1 = x + gap, y + gap, x + 1 - gap, y + 1 - gap
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor=first.fill.light, edgecolor="none"))
    if cell["contested"]:
        second = STATES[state(cell["contested"])]
        axes.add_patch(Polygon([(x1, y0), (x1, y1), (x0, y1)], facecolor=second.fill.light, edgecolor="none"))
        axes.plot([x0, x1], [y1, y0], color=PAPER.light, linewidth=1.6, solid_capstyle="butt")
        _sign(axes, x + 0.28, y + 0.36, first, 12)
        _sign(axes, x + 0.72, y + 0.7, second, 12)
    else:
        _sign(axes, x + 0.5, y + 0.53, first, 15)
    if cell["literature"]:
        mark, ink = cell["literature"], first.ink.light
        at = (x + 0.6, y + 0.19) if cell["contested"] else (x + 0.83, y + 0.22)
        if cell["agrees"]:
            axes.text(*at, mark, ha="center", va="center", fontsize=7, fontweight="bold", color=ink)
        else:
            frame = {"facecolor": PAPER.light, "edgecolor": INK.light, "boxstyle": "square,pad=0.18", "linewidth": 0.9}
            axes.text(
                x + 0.72, y + 0.2, f"≠{mark}", ha="center", va="center", fontsize=7, fontweight="bold",
                color=INK.light, bbox=frame, zorder=4,
            )  # fmt: skip
            axes.add_patch(
                Rectangle((x0, y0), x1 - x0, y1 - y0, facecolor="none", edgecolor=INK.light, linewidth=1.8, zorder=3)
            )


def _sign(axes: Any, x: float, y: float, shown: State, size: float) -> None:
    axes.text(x, y, shown.sign, ha="center", va="center", fontsize=size, color=shown.ink.light)


def _legend(axes: Any, y: float, x: float, counted: Mapping[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    for k, shown in enumerate(STATES.values()):
        at = y + 0.39 * k
        axes.add_patch(Rectangle((x, at), 0.46, 0.34, facecolor=shown.fill.light, edgecolor="none"))
        _sign(axes, x + 0.23, at + 0.18, shown, 9)
        axes.text(x + 0.65, at + 0.18, shown.label, va="center", fontsize=8, fontweight="bold", color=INK.light)
        axes.text(x + 2.75, at + 0.18, shown.meaning, va="center", fontsize=8, color=QUIET.light)
    at = y + 0.39 * len(STATES) + 0.25
    cut = "A cell cut in two is contested: above with the assumption on which it turns, below without it"
    axes.text(x, at, cut, va="center", fontsize=7.5, color=QUIET.light)
    at += 0.4
    axes.text(x, at, f"Corner: {MARKS}   framed ≠: we disagree", va="center", fontsize=7.5, color=QUIET.light)
    agreeing, decided = counted["agreeing"], counted["decided"]
    words = f"{counted['cells']} cells; the literature decides {decided} of them, and {agreeing} agree"
    axes.text(x, at + 0.4, words, va="center", fontsize=7.5, color=QUIET.light)


def save(figure: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": "elk-sandbox"})  # type: ignore[no-untyped-call]
