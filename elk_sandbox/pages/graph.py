"""A net with beliefs on its nodes as a picture: causes above effects, a node filled as far as it is likely to be 1."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from textwrap import wrap

from elk_sandbox.beliefs import Believed
from elk_sandbox.layered import Bends, Places, layout
from elk_sandbox.pages.svg import Picture, Shape, el

__all__ = ["legend", "net"]

ACROSS, DOWN, RADIUS = 64.0, 62.0, 17.0
CORNERS = {
    "parameter": ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)),
    "action": ((-0.5, -0.87), (0.5, -0.87), (1.0, 0.0), (0.5, 0.87), (-0.5, 0.87), (-1.0, 0.0)),
}
SHORT = 3  # characters of a name that stands beside its node; a longer one stands below
LINE = 14  # characters of a line below a node
LEGIBLE = 0.62  # of the natural width, below which it scrolls


@dataclass(frozen=True)
class _Graph:
    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def _laid_out(nodes: tuple[str, ...], edges: tuple[tuple[str, str], ...]) -> tuple[Places, Bends]:
    return layout(_Graph(nodes, edges))


def net(
    believed: Believed, words: Mapping[str, tuple[str, str]], actual: Mapping[str, int], who: str, picks: bool = False
) -> Picture:
    """Draw a net of beliefs.

    actual: every node's value; a node on whose other side of 1/2 the belief lies is marked as wrong.
    picks: nodes are buttons that report their name.
    """
    place, bends = _laid_out(believed.nodes, believed.edges)
    at = {n: (ACROSS * x, -DOWN * y) for n, (x, y) in place.items()}
    shapes = [
        _edge([at[a], *((ACROSS * x, -DOWN * y) for x, y in bends[a, b]), at[b]], _foreign(believed, a, b))
        for a, b in believed.edges
    ]
    shapes += [_node(believed, n, *at[n], words, actual.get(n), picks) for n in believed.nodes]
    xs, ys = [x for x, _ in at.values()], [y for _, y in at.values()]
    xs += [ACROSS * x for inner in bends.values() for x, _ in inner]
    left, width = min(xs) - 46, max(xs) - min(xs) + 92
    low = max(y + 12 * len(_lines(n)) for n, (_, y) in at.items())
    top, height = min(ys) - 24, low - min(ys) + 44
    told = ", ".join(f"{n} {_number(believed.chances[n])}" for n in believed.nodes)
    label = f"{who}: P(node is 1) for {told}"
    return Picture(width, height, label, shapes, LEGIBLE * width if width > 330 else 0.0, left, top)


def _foreign(believed: Believed, a: str, b: str) -> bool:
    return "hidden" in (believed.kinds[a], believed.kinds[b])


def _number(chance: float) -> str:
    return "?" if math.isnan(chance) else f"{chance:.0f}" if chance in (0.0, 1.0) else f"{chance:.2f}"


def _node(
    believed: Believed, name: str, x: float, y: float, words: Mapping[str, tuple[str, str]], actual: int | None,
    picks: bool,
) -> Shape:  # fmt: skip
    chance, kind = believed.chances[name], believed.kinds[name]
    wrong = actual is not None and not math.isnan(chance) and abs(chance - actual) > 0.5
    told = f"{name}: P(1) = {_number(chance)}"
    if name in words and chance in (0.0, 1.0):
        told += f", {words[name][int(chance)]}"
    if name in believed.asked:
        told += f"; answers {believed.asked[name]!r}"
    if wrong and actual is not None:
        told += f"; in truth it is {actual}"
    hidden = " hidden" if kind == "hidden" else ""
    inside: list[Shape] = [_outline(kind, x, y, f"node{hidden}")]
    if not math.isnan(chance) and chance > 0:
        inside.append(_filled(kind, x, y, chance))
    eye = " eye" if name in believed.seen and kind == "pixel" else ""
    inside.append(_outline(kind, x, y, f"rim{hidden}{eye}"))
    if wrong:
        inside.append(el("circle", cx=x, cy=y, r=RADIUS + 5, cls="wrong"))
        inside.append(el("text", "\N{NOT EQUAL TO}", x=x - RADIUS - 15, y=y + 5, cls="wrongink"))
    shade = "quiet" if hidden else ""
    inside.append(el("text", _number(chance), x=x, y=y + 4, cls=f"mid small {shade}"))
    if len(name) <= SHORT:
        inside.append(el("text", name, x=x + RADIUS + (9 if wrong else 4), y=y + 15, cls=f"strong halo {shade}"))
    else:
        inside += [
            el("text", line, x=x, y=y + RADIUS + 12 + 12 * k, cls=f"mid small halo {shade}")
            for k, line in enumerate(_lines(name))
        ]
    if picks and not hidden:
        inside.append(el("circle", cx=x, cy=y, r=RADIUS + 4, cls="hit"))
    return el("g", *inside, told=told, pick=name if picks else "", pressed=chance == 1.0)


def _lines(name: str) -> Sequence[str]:
    """A long name, whole, in as many lines as it takes."""
    return wrap(name, LINE) or [name]


def legend(nets: Sequence[Believed]) -> list[Picture]:
    """What a node's shape, filling and number mean: one small picture for each sort of node that is in these nets."""
    kinds = {kind for each in nets for kind in each.kinds.values()}
    told = [("latent", "", 0.7, "filled, and numbered, as far as it is likely to be 1")]
    told += [("pixel", "", 0.0, "a pixel, what the camera shows")] if "pixel" in kinds else []
    if any(n in each.seen and each.kinds[n] == "pixel" for each in nets for n in each.nodes):
        told.append(("pixel", "eye", 1.0, "a pixel that is looked at"))
    told += [("hidden", "hidden", 0.5, "in the world, no node of the predictor")] if "hidden" in kinds else []
    told += [("action", "", 1.0, "an action")] if "action" in kinds else []
    told += [("parameter", "", 1.0, "a parameter")] if "parameter" in kinds else []
    found = []
    for kind, cls, chance, words in told:
        shapes = [_outline(kind, 20, 20, f"node {cls}")]
        shapes += [_filled(kind, 20, 20, chance)] if chance else []
        shapes.append(_outline(kind, 20, 20, f"rim {cls}"))
        shapes.append(el("text", _number(chance), x=20, y=24, cls="mid small"))
        lines = wrap(words, 30)
        shapes += [
            el("text", line, x=46, y=24.5 + 15 * (k - (len(lines) - 1) / 2), cls="quiet")
            for k, line in enumerate(lines)
        ]
        found.append(Picture(54 + 7 * max(map(len, lines)), 40, words, shapes))
    return found


def _outline(kind: str, x: float, y: float, cls: str) -> Shape:
    if kind == "pixel":
        side = 1.8 * RADIUS
        return el("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, rx=3, cls=cls)
    if kind in ("action", "parameter"):
        r = 1.2 * RADIUS
        points = CORNERS[kind]
        return el("polygon", points=" ".join(f"{x + r * a:.1f},{y + r * b:.1f}" for a, b in points), cls=cls)
    return el("circle", cx=x, cy=y, r=RADIUS, cls=cls)


def _filled(kind: str, x: float, y: float, chance: float) -> Shape:
    """From below up to the chance."""
    if chance >= 1:
        return _outline(kind, x, y, "level")
    r = 0.9 * RADIUS if kind == "pixel" else RADIUS
    top = y + r - 2 * r * chance
    if kind == "pixel":
        return el("rect", x=x - r, y=top, width=2 * r, height=y + r - top, cls="level")
    half = math.sqrt(max(0.0, r * r - (top - y) ** 2))
    large = int(chance > 0.5)
    path = f"M {x - half:.2f} {top:.2f} A {r} {r} 0 {large} 0 {x + half:.2f} {top:.2f} Z"
    return el("path", d=path, cls="level")


def _edge(points: Sequence[tuple[float, float]], foreign: bool) -> Shape:
    """A curve from node to node that ends at their rims, with a head."""
    line = [_toward(points[0], points[1], RADIUS + 1), *points[1:-1], _toward(points[-1], points[-2], RADIUS + 3)]
    path = f"M {line[0][0]:.1f} {line[0][1]:.1f}"
    for bend, after in pairwise(line[1:]):
        end = after if after is line[-1] else ((bend[0] + after[0]) / 2, (bend[1] + after[1]) / 2)
        path += f" Q {bend[0]:.1f} {bend[1]:.1f} {end[0]:.1f} {end[1]:.1f}"
    if len(line) == 2:
        path += f" L {line[1][0]:.1f} {line[1][1]:.1f}"
    (x, y), (px, py) = line[-1], line[-2]
    long = math.hypot(x - px, y - py) or 1.0
    ux, uy = (x - px) / long, (y - py) / long
    corners = ((x, y), (x - 7 * ux + 3.2 * uy, y - 7 * uy - 3.2 * ux), (x - 7 * ux - 3.2 * uy, y - 7 * uy + 3.2 * ux))
    head = el("polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in corners), cls="head")
    return el("g", el("path", d=path, cls="arrow foreign" if foreign else "arrow"), head)


def _toward(one: tuple[float, float], other: tuple[float, float], gap: float) -> tuple[float, float]:
    dx, dy = other[0] - one[0], other[1] - one[1]
    long = math.hypot(dx, dy) or 1.0
    return one[0] + gap * dx / long, one[1] + gap * dy / long
