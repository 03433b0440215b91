"""Pictures for a paper or a talk: the matrix of verdicts, and a world. matplotlib is loaded when one is drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.layered import Bends, Places, layout
from elk_sandbox.matrix import totals
from elk_sandbox.palette import ACCENT, INK, PAPER, QUIET, STATES, TERMS, State, state
from elk_sandbox.world import World

__all__ = ["DPI", "Group", "groups", "matrix_png", "save", "world_png"]

DPI = 160
Group = tuple[str, str, str, float, int]
"""Where the situations lie, what the viewer believes there, the truth, their probability, and how many they are."""

MARKS = (
    "K killed in the literature   k killed, derived   D made to defeat it   o killed if a contested assumption holds"
)
LOOKS = {  # of a node's kind: marker, fill, edge
    "latent": ("o", "#e4eef7", ACCENT.light),
    "pixel": ("s", "#fbe3d0", "#b5601c"),
    "action": ("^", "#d9f0ea", "#23705f"),
    "parameter": ("D", "#e9e0f3", "#5d4289"),
    "hidden": ("o", "#ffffff", "#9aa1a9"),
}


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


def groups(world: World, question: int) -> list[Group]:
    """Situations by where they lie, what the viewer believes of a question, and its truth; probabilities sum to 1."""
    where = np.where(world.data["viewer"] > 0, 0, np.where(world.in_data.any(axis=0), 1, 2))
    belief = world.beliefs["viewer"][:, question]
    said = np.where(np.abs(belief - 0.5) < 1e-12, 2, np.where(belief > 0.5, 0, 1))
    truth = np.where(world.truth[:, question] < 0, 2, 1 - world.truth[:, question])
    places, words = ("viewer's data", "other data", "outside all data"), ("yes", "no", "unsure")
    found = []
    for at, says, true in sorted({(int(a), int(b), int(c)) for a, b, c in zip(where, said, truth, strict=True)}):
        inside = (where == at) & (said == says) & (truth == true)
        true_word = (*words[:2], "ambiguous")[true]
        found.append((places[at], words[says], true_word, float(world.weights[inside].sum()), int(inside.sum())))
    return found


def world_png(world: World, name: str, path: Path) -> None:
    """Draw a world: the predictor's net, what is asked, what each human sees and labels, and its situations grouped.

    Nodes that are not the predictor's are grey and dashed, those that no reporter may read have a double frame.
    Raises OSError.
    """
    from matplotlib.figure import Figure

    place, bends = layout(world)
    xs = [x for x, _ in (*place.values(), *(point for inner in bends.values() for point in inner))]
    across = max(xs) - min(xs) + 1.6
    deep = 1 - min(y for _, y in place.values()) + 0.5
    net_width = max(0.82 * across, 4.2)
    text = _facts(world)
    height = max(0.98 * deep + 1.1, 0.21 * len(text) + 1.2)
    width = net_width + 6.4
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER.light)
    figure.text(0.3 / width, 1 - 0.42 / height, name, fontsize=16, fontweight="bold", color=INK.light, va="center")
    counted = f"{len(world.weights)} situations"
    counted += f", {world.siblings} sibling predictors" if world.siblings > 1 else ""
    figure.text(0.3 / width, 1 - 0.72 / height, counted, fontsize=9, color=QUIET.light, va="center")
    axes = figure.add_axes((0.2 / width, 0.55 / height, net_width / width, 1 - 1.45 / height))
    _net(axes, world, place, bends)
    axes.set(xlim=(min(xs) - 0.8, max(xs) + 0.8), ylim=(0.1 - deep, 0.4))
    axes.axis("off")
    _kinds(figure, world, width, height)
    _words(figure, text, (net_width + 0.5) / width, height)
    save(figure, path)


def _net(axes: Any, world: World, place: Places, bends: Bends) -> None:
    from matplotlib.patches import FancyArrowPatch

    kinds = dict(zip(world.nodes, world.kinds, strict=True))
    for a, b in world.edges:
        foreign = "hidden" in (kinds[a], kinds[b])
        axes.add_patch(
            FancyArrowPatch(
                path=_trimmed([place[a], *bends[a, b], place[b]], 0.15), arrowstyle="-|>", mutation_scale=9,
                shrinkA=0, shrinkB=0, color="#b4bac1" if foreign else "#4a525b", zorder=1,
                linewidth=0.8 if foreign else 1.1, linestyle=(0, (3, 2)) if foreign else "solid",
            )
        )  # fmt: skip
    for node, (x, y) in place.items():
        marker, fill, edge = LOOKS[kinds[node]]
        hidden, short = kinds[node] == "hidden", len(node) <= 3
        size = 360.0 if short else 130.0
        axes.scatter(
            [x], [y], s=size, marker=marker, facecolor=fill, edgecolor=edge, zorder=2, linewidth=1.2,
            linestyle=(0, (2.5, 1.6)) if hidden else "solid",
        )  # fmt: skip
        if not hidden and node not in world.readable_nodes:
            axes.scatter([x], [y], s=1.75 * size, marker=marker, facecolor="none", edgecolor=edge, linewidth=0.9)
        ink = QUIET.light if hidden else INK.light
        if short:
            axes.text(x, y, node, ha="center", va="center", fontsize=8.5, color=ink, zorder=3)
        else:
            axes.text(x, y - 0.17, node.replace(" ", "\n", 1), ha="center", va="top", fontsize=6.5, color=ink, zorder=3)


def _trimmed(points: Sequence[tuple[float, float]], gap: float) -> Any:
    """A smooth path through the points that ends `gap` short of the first and the last."""
    from matplotlib.path import Path as Curve

    at = np.array(points)
    for end, toward in ((0, 1), (-1, -2)):
        step = at[toward] - at[end]
        at[end] += gap * step / np.hypot(*step)
    if len(at) == 2:
        return Curve(at)
    middles = (at[1:-2] + at[2:-1]) / 2
    knots = [at[0], *(p for bend, middle in zip(at[1:-2], middles, strict=True) for p in (bend, middle)), *at[-2:]]
    return Curve(np.array(knots), [Curve.MOVETO] + [Curve.CURVE3] * (len(knots) - 1))


def _kinds(figure: Any, world: World, width: float, height: float) -> None:
    from matplotlib.lines import Line2D

    told = {"latent": "latent", "pixel": "pixel", "action": "action", "parameter": "parameter"}
    told["hidden"] = "no node of the predictor"
    handles = [
        Line2D(
            [], [], marker=LOOKS[k][0], markerfacecolor=LOOKS[k][1], markeredgecolor=LOOKS[k][2], markersize=8,
            linestyle="none", label=word,
        )
        for k, word in told.items() if k in world.kinds
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0.2 / width, 0.1 / height), ncols=len(handles),
        frameon=False, fontsize=8, labelcolor=INK.light, handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip


Line = tuple[str, tuple[str, ...]]
"""How a line is set (heading, text, head, row or wrong), and its columns."""


def _facts(world: World) -> list[Line]:
    lines: list[Line] = [("heading", ("What humans see",))]
    kinds: dict[str, list[str]] = {}
    for level, sees in world.sees.items():
        kinds.setdefault(" ".join(sees) or "nothing", []).append(level)
    lines += [("text", (f"{', '.join(levels)}: {sees}",)) for sees, levels in kinds.items()]
    lines += [("gap", ()), ("heading", ("Data",))]
    labelled: dict[tuple[float, str], list[str]] = {}
    for process, weights in world.data.items():
        mass = round(float(world.weights[weights > 0].sum()), 12)
        labelled.setdefault((mass, world.labelled_by[process]), []).append(process)
    for (mass, by), processes in labelled.items():
        lines.append(("text", (f"{', '.join(processes)}: probability {mass:.4g}, labelled by the {by}",)))
    lines.append(("gap", ()))
    tables: dict[tuple[Group, ...], list[str]] = {}
    for q, question in enumerate(world.questions):
        tables.setdefault(tuple(groups(world, q)), []).append(question)
    for table, questions in tables.items():
        lines += [("heading", (" / ".join(f"“{q}”" for q in questions),))]
        lines.append(("head", ("situations", "viewer believes", "truth", "probability", "how many")))
        for place, said, truth, probability, many in table:
            wrong = truth != "ambiguous" and said != truth
            row = (place, said, truth, f"{probability:.4g}", str(many))
            lines.append(("wrong" if wrong else "row", row))
        lines.append(("gap", ()))
    if any(kind == "wrong" for kind, _ in lines):
        lines += [("note", ("bold: the viewer is wrong or cannot say",))]
    return lines


def _words(figure: Any, lines: Sequence[Line], left: float, height: float) -> None:
    y, step, width = 1 - 0.42 / height, 0.21 / height, figure.get_figwidth()
    stops = (0.0, 1.75, 3.05, 4.45, 5.4)  # inches; the last two are right edges
    for kind, columns in lines:
        bold = kind in ("heading", "wrong")
        colour = TERMS[1].light if kind == "wrong" else QUIET.light if kind in ("head", "note") else INK.light
        colour = STATES["strict"].fill.light if kind == "wrong" else colour
        for k, text in enumerate(columns):
            figure.text(
                left + stops[k] / width, y, text, fontsize=9 if kind == "heading" else 8.2, color=colour, va="center",
                ha="right" if k >= 3 else "left", fontweight="bold" if bold else "normal",
            )  # fmt: skip
        y -= step if kind != "gap" else 0.6 * step


def save(figure: Any, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": "elk-sandbox"})  # type: ignore[no-untyped-call]
