"""A world as a picture: its net, what humans see and label, and its situations. matplotlib is loaded when it draws."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.layered import Bends, Places, layout
from elk_sandbox.palette import ACCENT, INK, PAPER, QUIET, STATES, TERMS
from elk_sandbox.pictures import DPI, save
from elk_sandbox.world import World

__all__ = ["Group", "groups", "world_figure", "world_png"]

Group = tuple[str, str, str, float, int]
"""Where the situations lie, what the viewer believes there, the truth, their probability, and how many they are."""


STEP = (0.82, 0.86)  # inches from node to node, and from layer to layer
PAST = 0.2  # inches above and below a layer between which an edge that spans it goes straight down
SHORT = 3  # letters of a name that fits into its node's sign
LETTER = 0.6  # width of a letter, of its size
ROOM = 0.66  # inches that a long name may be wide
WIDEST = 5.5  # inches of a net beside which words are put
TITLE, KINDS, LINE_STEP = 0.95, 0.5, 0.21  # inches
LOOKS = {  # of a node's kind: marker, fill, edge
    "latent": ("o", "#e4eef7", ACCENT.light),
    "pixel": ("s", "#fbe3d0", "#b5601c"),
    "action": ("^", "#d9f0ea", "#23705f"),
    "parameter": ("D", "#e9e0f3", "#5d4289"),
    "hidden": ("o", "#ffffff", "#9aa1a9"),
}


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
    """Draw a world as `world_figure` does, into a file. Raises OSError."""
    save(world_figure(world, name), path)


def world_figure(world: World, name: str) -> Any:
    """A world: the predictor's net, what is asked, what each human sees and labels, and its situations grouped.

    Nodes that are not the predictor's are grey and dashed, those that no reporter may read have a double frame. The
    words stand beside a narrow net and below a wide one, so that both are legible on a screen.
    """
    from matplotlib.figure import Figure

    place, bends = layout(world)
    place = {n: _inches(p) for n, p in place.items()}
    bends = {
        edge: [(x, y + up) for x, y in map(_inches, inner) for up in (PAST, -PAST)] for edge, inner in bends.items()
    }
    xs, ys = zip(*place.values(), *(point for inner in bends.values() for point in inner), strict=True)
    wide, deep = max(max(xs) - min(xs) + 1.2, 4.2), max(ys) - min(ys) + 0.9
    lines = _facts(world)
    below = wide > WIDEST
    drawn, told = TITLE + deep + KINDS, LINE_STEP * len(lines) + 0.4
    width, height = (max(wide, 6.0) + 0.5, drawn + told) if below else (wide + 6.4, max(drawn, told))
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER.light)
    figure.text(0.3 / width, 1 - 0.42 / height, name, fontsize=16, fontweight="bold", color=INK.light, va="center")
    counted = f"{len(world.weights)} situations"
    counted += f", {world.siblings} sibling predictors" if world.siblings > 1 else ""
    figure.text(0.3 / width, 1 - 0.72 / height, counted, fontsize=9, color=QUIET.light, va="center")
    axes = figure.add_axes((0.25 / width, 1 - (TITLE + deep) / height, wide / width, deep / height))
    _net(axes, world, place, bends)
    middle = (min(xs) + max(xs)) / 2
    axes.set(xlim=(middle - wide / 2, middle + wide / 2), ylim=(min(ys) - 0.45, max(ys) + 0.45))
    axes.axis("off")
    _kinds(figure, world, 0.2 / width, 1 - (TITLE + deep) / height)
    _words(figure, lines, 0.3 if below else wide + 0.55, drawn + 0.1 if below else 0.42)
    return figure


def _inches(point: tuple[float, float]) -> tuple[float, float]:
    return point[0] * STEP[0], point[1] * STEP[1]


def _net(axes: Any, world: World, place: Places, bends: Bends) -> None:
    """Nodes and edges in inches: a short name within its node's sign, a long one within a box, and no edge on it."""
    from matplotlib.patches import FancyArrowPatch

    kinds = dict(zip(world.nodes, world.kinds, strict=True))
    for a, b in world.edges:
        foreign = "hidden" in (kinds[a], kinds[b])
        path = _trimmed([place[a], *bends[a, b], place[b]], a, b)
        axes.add_patch(
            FancyArrowPatch(
                path=path, arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0, zorder=1,
                color="#b4bac1" if foreign else "#4a525b", linewidth=0.8 if foreign else 1.1,
                linestyle=(0, (3, 2)) if foreign else "solid",
            )
        )  # fmt: skip
    for node, (x, y) in place.items():
        hidden = kinds[node] == "hidden"
        frames = 1 if hidden or node in world.readable_nodes else 2
        (_sign if len(node) <= SHORT else _boxed)(axes, x, y, node, kinds[node], frames)


def _sign(axes: Any, x: float, y: float, node: str, kind: str, frames: int) -> None:
    marker, fill, edge = LOOKS[kind]
    axes.scatter(
        [x], [y], s=360, marker=marker, facecolor=fill, edgecolor=edge, zorder=2, linewidth=1.2, linestyle=_dashes(kind)
    )
    if frames > 1:
        axes.scatter([x], [y], s=630, marker=marker, facecolor="none", edgecolor=edge, linewidth=0.9)
    axes.text(x, y, node, ha="center", va="center", fontsize=8.5, color=_ink(kind), zorder=3)


def _boxed(axes: Any, x: float, y: float, node: str, kind: str, frames: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    _, fill, edge = LOOKS[kind]
    words, size, half, high = _box(node)
    for k in range(frames):
        h, v = half + 0.045 * k, high + 0.045 * k
        axes.add_patch(
            FancyBboxPatch(
                (x - h, y - v), 2 * h, 2 * v, facecolor="none" if k else fill, edgecolor=edge, zorder=2,
                boxstyle="square,pad=0" if kind == "pixel" else "round,pad=0,rounding_size=0.1",
                linewidth=1.2, linestyle=_dashes(kind),
            )
        )  # fmt: skip
    axes.text(x, y, words, ha="center", va="center", fontsize=size, linespacing=1.15, color=_ink(kind), zorder=3)


def _box(node: str) -> tuple[str, float, float, float]:
    """A long name in lines, its size in points, and half the width and height of its box in inches."""
    lines = textwrap.wrap(node, 10, break_long_words=False)
    longest = LETTER * max(map(len, lines))
    size = min(8.0, 72 * ROOM / longest)
    return "\n".join(lines), size, longest * size / 144 + 0.05, 1.2 * len(lines) * size / 144 + 0.06


def _dashes(kind: str) -> Any:
    return (0, (2.5, 1.6)) if kind == "hidden" else "solid"


def _ink(kind: str) -> str:
    return QUIET.light if kind == "hidden" else INK.light


def _border(node: str, step: np.ndarray) -> np.ndarray:
    """From a node's middle to where an edge in this direction leaves it: a box only above and below."""
    if len(node) <= SHORT:
        return 0.14 * step
    _, _, half, high = _box(node)
    across = np.clip(step[0] / abs(step[1]) * high, -0.8 * half, 0.8 * half)
    return np.array([across, np.copysign(high + 0.02, step[1])])


def _trimmed(points: Sequence[tuple[float, float]], first: str, last: str) -> Any:
    """A smooth path through the points that ends short of the nodes at the first and the last."""
    from matplotlib.path import Path as Curve

    at = np.array(points)
    for end, toward, node in ((0, 1, first), (-1, -2, last)):
        step = at[toward] - at[end]
        at[end] += _border(node, step / np.hypot(*step))
    if len(at) == 2:
        return Curve(at)
    middles = (at[1:-2] + at[2:-1]) / 2
    knots = [at[0], *(p for bend, middle in zip(at[1:-2], middles, strict=True) for p in (bend, middle)), *at[-2:]]
    return Curve(np.array(knots), [Curve.MOVETO] + [Curve.CURVE3] * (len(knots) - 1))


def _kinds(figure: Any, world: World, left: float, top: float) -> None:
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
        handles=handles, loc="upper left", bbox_to_anchor=(left, top), ncols=len(handles),
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


def _words(figure: Any, lines: Sequence[Line], left: float, top: float) -> None:
    width, height = figure.get_size_inches()
    y, step = 1 - top / height, LINE_STEP / height
    stops = (0.0, 1.75, 3.05, 4.45, 5.4)  # inches; the last two are right edges
    for kind, columns in lines:
        bold = kind in ("heading", "wrong")
        colour = TERMS[1].light if kind == "wrong" else QUIET.light if kind in ("head", "note") else INK.light
        colour = STATES["strict"].fill.light if kind == "wrong" else colour
        for k, text in enumerate(columns):
            figure.text(
                (left + stops[k]) / width, y, text, fontsize=9 if kind == "heading" else 8.2, color=colour, va="center",
                ha="right" if k >= 3 else "left", fontweight="bold" if bold else "normal",
            )  # fmt: skip
        y -= step if kind != "gap" else 0.6 * step
