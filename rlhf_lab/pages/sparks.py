"""Small plots of a run's metrics against its steps, as SVG that follows the visitor's ground."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from elk_sandbox.pages.script import MAKE
from elk_sandbox.palette import Colour, variables

__all__ = ["Points", "small", "sparks", "thinned"]

_CSS = f"""
.sparks {{ {variables()} color: var(--elk-ink); font: 0.875rem/1.4 system-ui, sans-serif; display: grid;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.1rem 1.5rem; }}
figure {{ margin: 0; min-width: 0; }}
figcaption {{ display: flex; justify-content: space-between; gap: 0.5rem; }}
figcaption b {{ font-variant-numeric: tabular-nums; font-weight: 600; }}
abbr {{ text-decoration: underline dotted var(--elk-quiet); text-underline-offset: 0.2em; cursor: help; }}
.plot {{ position: relative; height: 5.5rem; margin: 0.2rem 0 0 3.25rem; border-bottom: 1px solid var(--elk-line);
  border-left: 1px solid var(--elk-line); }}
svg {{ position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }}
polyline {{ fill: none; stroke-width: 1.6; vector-effect: non-scaling-stroke; stroke-linejoin: round; }}
line {{ stroke: var(--elk-quiet); vector-effect: non-scaling-stroke; stroke-dasharray: 5 4; }}
.plot span, .ends {{ color: var(--elk-quiet); font-size: 0.75rem; line-height: 1; }}
.plot span {{ position: absolute; right: calc(100% + 0.35rem); font-variant-numeric: tabular-nums; }}
.plot .high {{ top: 0; }} .plot .low {{ bottom: 0; }}
.plot .limit {{ right: auto; left: 0.25rem; transform: translateY(-120%);
  background: color-mix(in srgb, var(--elk-paper) 70%, transparent); }}
.plot .limit.under {{ transform: translateY(20%); }}
.ends {{ display: flex; justify-content: space-between; margin: 0.25rem 0 0 3.25rem; }}
"""

_JS = (
    MAKE
    + """
export default function ({ data, parentElement }) {
  const draw = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  parentElement.querySelector(".sparks").replaceChildren(...data.plots.map((each) => {
    const figure = make("figure"), caption = make("figcaption"), plot = make("div", "", "plot");
    const title = make(each.meaning ? "abbr" : "span", each.title), ends = make("div", "", "ends");
    if (each.meaning) { title.title = each.meaning; title.tabIndex = 0; }
    caption.append(title, make("b", each.last));
    const whole = { viewBox: "0 0 300 100", preserveAspectRatio: "none" };
    const svg = draw("svg", { ...whole, role: "img", "aria-label": each.told });
    if (each.limit) {
      svg.append(draw("line", { x1: 0, x2: 300, y1: each.limit.at, y2: each.limit.at }));
      const told = make("span", each.limit.told, each.limit.under ? "limit under" : "limit");
      told.style.top = `${each.limit.at}%`;
      plot.append(told);
    }
    const line = draw("polyline", { points: each.line });
    line.style.stroke = each.colour;
    svg.append(line);
    plot.append(svg, make("span", each.high, "high"), make("span", each.low, "low"));
    ends.append(make("span", each.from), make("span", each.to));
    figure.append(caption, plot, ends);
    return figure;
  }));
}
"""
)

_component = st.components.v2.component("rlhf_lab_sparks", html='<div class="sparks"></div>', css=_CSS, js=_JS)
MOST = 300  # points of a line
WIDE, HIGH = 300.0, 100.0  # of the drawing, in its own units

Points = Sequence[tuple[int, float]]


def thinned(points: Points, most: int = MOST) -> Points:
    """At most so many of the points: of each stretch its lowest and its highest, so that no spike is lost."""
    if len(points) <= most:
        return points
    stretch = math.ceil(2 * len(points) / most)
    kept = []
    for begin in range(0, len(points), stretch):
        part = [point for point in points[begin : begin + stretch] if math.isfinite(point[1])]
        if part:
            ends = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
            kept += sorted(ends)
    return kept


def small(
    title: str, points: Points, colour: Colour, *, meaning: str = "", unit: str = "step", limit: float | None = None
) -> dict[str, Any] | None:
    """One plot for `sparks`: its line, the ends of both axes, the last value; None where there is no number.

    meaning: of a word of the field. limit: a dashed line with this value, where the line has come half as far.
    """
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    if not finite:
        return None
    first, last = finite[0][0], finite[-1][0]
    low, high = min(value for _, value in finite), max(value for _, value in finite)
    limit = limit if limit is not None and high > limit / 2 else None
    high = high if limit is None else max(high, limit)
    span, wide = (high - low) or 1.0, (last - first) or 1
    line = [
        f"{WIDE * (step - first) / wide:.1f},{HIGH * (1 - (value - low) / span):.1f}" for step, value in thinned(finite)
    ]
    if len(line) == 1:
        line.append(f"{WIDE:g},{line[0].split(',')[1]}")
    return {
        "title": title,
        "meaning": meaning,
        "line": " ".join(line),
        "colour": colour.css,
        "last": f"{finite[-1][1]:.4g}",
        "low": f"{low:.3g}",
        "high": f"{high:.3g}",
        "from": f"{unit} {first}",
        "to": str(last),
        "told": f"{title}: from {finite[0][1]:.4g} at {unit} {first} to {finite[-1][1]:.4g} at {unit} {last}",
        "limit": limit and _limit(HIGH * (1 - (limit - low) / span), limit),
    }


def _limit(at: float, limit: float) -> dict[str, Any]:
    """Its words begin on the left, where the line is yet to rise; below it where the title stands above."""
    return {"at": at, "told": f"stop, {limit:g}", "under": at < HIGH / 4}


def sparks(plots: Sequence[dict[str, Any]], key: str) -> None:
    """Draw plots of `small` beside each other, as many as there is room for."""
    _component(key=key, data={"plots": list(plots)})
