"""Where in a plane something holds, in words for the terminal and LaTeX for the app, with exact ends if known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from elk_sandbox.symbolic.forms import Expr, plain, tex
from elk_sandbox.symbolic.regions import Axis, Cell, Plane

__all__ = ["TEX", "WORDS", "Style", "end", "joined", "merged", "pairs", "span", "stretch"]

WIDE = 100  # characters of a form within a line


@dataclass(frozen=True)
class Style:
    """A way to write conditions."""

    form: Callable[[Expr], str]
    to: str  # at most
    least: str  # at least
    both: str  # between two conditions that hold together
    about: str  # before a number that is not exact, {}


WORDS = Style(str, "<=", ">=", " and ", "about {}")
TEX = Style(tex, r"\le", r"\ge", r" \text{ and } ", r"{} \text{{ or so}}")


def stretch(plane: Plane, low: float, high: float, style: Style) -> str:
    """Values of the first axis, '' for all of them."""
    axis = plane.axes[0]
    s = style.form(axis.symbol)
    if low == axis.low and high == axis.high:
        return ""
    if axis.discrete:
        if low == high:
            return f"{s} = {low:g}"
        if style is WORDS:
            return f"{s} from {low:g} on" if high == axis.high else f"{s} from {low:g} to {high:g}"
        return f"{s} {style.least} {low:g}" if high == axis.high else f"{low:g} {style.to} {s} {style.to} {high:g}"
    first, last = (end(plane, value, style) for value in (low, high))
    if low == axis.low:
        return f"{s} < {last}"
    return f"{s} > {first}" if high == axis.high else f"{first} < {s} < {last}"


def end(plane: Plane, value: float, style: Style, digits: int = 6) -> str:
    """An end of a stretch of the first axis: its form, where there is one, with its value."""
    form = plane.edges.get(value)
    number = f"{value:.{digits}g}"
    if form is None or len(str(form)) > WIDE or str(form) == number:
        return number
    return f"{style.form(form)} {'' if style is WORDS else '~'}({number})"


def span(axis: Axis, cell: Cell, style: Style) -> str:
    """Values of the second axis, '' for all of them."""
    s, first, last = style.form(axis.symbol), cell.low == axis.low, cell.high == axis.high
    low, high = _short(cell.low_form, cell.low, style), _short(cell.high_form, cell.high, style)
    if first and last:
        return ""
    if first:
        return f"{s} < {high}"
    if last:
        return f"{s} {style.least if axis.discrete else '>'} {low}"
    if axis.discrete:
        return f"{s} = {low}" if cell.high - cell.low <= axis.step else f"{low} {style.to} {s} < {high}"
    return f"{low} < {s} < {high}"


def _short(form: Expr, value: float, style: Style) -> str:
    """An end in closed form, where that is short; else its value in the middle of the stretch."""
    short = None if form is None else plain(form)
    fits = short is not None and len(str(short)) <= WIDE
    return style.form(short) if fits else style.about.format(f"{value:.4g}")


def merged(cells: Sequence[Cell], of: Callable[[Cell], Any]) -> Iterator[Cell]:
    """Neighbours that have this in common together."""
    for _, group in groupby(cells, key=of):
        alike = list(group)
        yield replace(alike[0], high=alike[-1].high, high_form=alike[-1].high_form)


def joined(strips: Sequence[tuple[int, float, float, Any]]) -> list[tuple[float, float, Any]]:
    """Strips, each by its number and ends, that are neighbours and of which the same is to be said."""
    found: list[tuple[int, float, float, Any]] = []
    for number, low, high, what in strips:
        if found and found[-1][0] == number - 1 and found[-1][3] == what:
            low = found.pop()[1]
        found.append((number, low, high, what))
    return [place[1:] for place in found]


def pairs(plane: Plane, style: Style) -> Mapping[tuple[str, str], list[str]]:
    """Who stands against whom, and the places in which they do; none if that is everywhere."""
    found: dict[tuple[str, str], list[tuple[int, float, float, Any]]] = {}
    axes = plane.axes
    for number, strip in enumerate(plane.strips):
        for cell in merged(strip.cells, lambda c: (c.bad, c.honest)):
            across = span(axes[1], cell, style) if axes[1:] else ""
            found.setdefault((cell.bad, cell.honest), []).append((number, strip.low, strip.high, across))
    words = {}
    for pair, places in found.items():
        told = [(stretch(plane, a, b, style) if axes else "", across) for a, b, across in joined(places)]
        words[pair] = list(dict.fromkeys(style.both.join(w for w in both if w) for both in told if any(both)))
    return words
