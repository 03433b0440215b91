"""How results on learned worlds are drawn: as dots with intervals, as curves along a run, as a table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from elk_sandbox.learned.published import PUBLISHED
from elk_sandbox.learned.sources import Step
from elk_sandbox.pages.frame import ink
from elk_sandbox.palette import ACCENT, INK, QUIET, TERMS, Colour

__all__ = ["MEASURES", "curve", "dots", "table"]

Cells = Mapping[tuple[str, str], Mapping[str, Any]]
Spec = dict[str, Any]
MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
PROXY = Colour("#c9701a", "#e89a4d")  # as in the lab's figures


@dataclass(frozen=True)
class Measure:
    label: str
    told: str
    blank: float | None  # of who knows nothing; None where that depends on what they say


MEASURES: Mapping[str, Measure] = {
    "auroc": Measure(
        "Real from fake",
        "How well answers tell good from what only looks good (AUROC; one half is chance).",
        0.5,
    ),
    "honesty_fooled": Measure(
        "Honest where fooled",
        "Share of situations that look good and are not, in which the reporter says so; who always says no has 1.",
        None,
    ),
    "balanced": Measure(
        "Right on positives",
        "Mean of two shares: right where it looks good and is, and right where it is not. Who always says the same "
        "has one half.",
        0.5,
    ),
    "dishonest": Measure("Dishonest", "Share of all situations that are answered against the truth.", 0.5),
}


def _named(row: str) -> str:
    return PUBLISHED.get(row, row.replace("_", " "))


def _colours(order: Sequence[str]) -> dict[str, str]:
    return {row: ink(TERMS[k % len(TERMS)]) for k, row in enumerate(order)}


def _scales(order: Sequence[str]) -> tuple[Spec, Spec]:
    names = [_named(r) for r in order]
    colours = list(_colours(order).values())
    legend = {"orient": "top", "columns": 2, "labelLimit": 300, "title": None, "symbolOpacity": 1}
    colour = {"field": "row", "type": "nominal", "scale": {"domain": names, "range": colours}, "legend": legend}
    marks = [MARKS[k % len(MARKS)] for k in range(len(order))]
    return colour, {"field": "row", "type": "nominal", "scale": {"domain": names, "range": marks}, "legend": legend}


def dots(world: str, order: Sequence[str], cells: Cells, measure: str) -> tuple[Spec, str]:
    """A row for each proposal and method, its estimate and interval; and what is shown in words."""
    values = []
    for row in order:
        told = (cells.get((row, world)) or {}).get(measure)
        if told and told["value"] is not None:
            values.append({"row": _named(row), **{k: told[k] for k in ("value", "low", "high")}})
    y = {"field": "row", "type": "nominal", "sort": [_named(r) for r in order], "title": None,
         "axis": {"labelLimit": 260, "ticks": False, "domain": False}}  # fmt: skip
    x = {
        "field": "value",
        "type": "quantitative",
        "title": MEASURES[measure].label,
        "scale": {"domain": [0, 1]},
        "axis": {"tickCount": 5},
    }
    tip = [{"field": k, "type": "quantitative", "format": ".3f"} for k in ("value", "low", "high")]
    spec = {
        "height": 30 * max(1, len(values)) + 10,
        "layer": [
            {"data": {"values": [{"at": b} for b in [MEASURES[measure].blank] if b is not None]},
             "mark": {"type": "rule", "strokeDash": [3, 3], "color": ink(QUIET)},
             "encoding": {"x": {"field": "at", "type": "quantitative"}}},
            {"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 2, "color": ink(ACCENT)},
             "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}}},
            {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 70, "color": ink(ACCENT)},
             "encoding": {"y": y, "x": x, "tooltip": [{"field": "row", "type": "nominal"}, *tip]}},
        ],
    }  # fmt: skip
    words = "; ".join(f"{v['row']} {v['value']:.2f}" for v in values)
    return spec, f"{MEASURES[measure].label} on {world}: {words}."


def curve(steps: Sequence[Step], order: Sequence[str], cells: Cells, measure: str) -> tuple[Spec, str]:
    """Above, the measure of each row and the certificate's probe against the root of KL; below, proxy and gold."""
    root = {s.world: math.sqrt(max(0.0, s.kl)) for s in steps}
    values, certified = [], []
    for step in steps:
        for row in order:
            cell = cells.get((row, step.world))
            told = cell.get(measure) if cell else None
            if told and told["value"] is not None:
                values.append({"row": _named(row), "x": root[step.world], "step": step.step,
                               **{k: told[k] for k in ("value", "low", "high")}})  # fmt: skip
        cell = next((c for (_, w), c in cells.items() if w == step.world), None)
        if cell and measure == "auroc" and cell["certificate"].get("auroc"):
            certified.append({"x": root[step.world], "value": cell["certificate"]["auroc"]["value"]})
    scored = [
        {"x": root[s.world], "value": value, "what": what}
        for s in steps for what, value in (("proxy", s.proxy), ("gold", s.gold)) if math.isfinite(value)
    ]  # fmt: skip
    far = max(root.values(), default=1.0) * 1.03 or 1.0
    x = {"field": "x", "type": "quantitative", "title": "KL, nats a completion, on a root scale",
         "scale": {"domain": [0, far], "nice": False},
         "axis": {"values": [math.sqrt(t) for t in (0, 0.5, 1, 2, 4, 6, 10, 15, 20, 30, 40, 60) if t <= far**2],
                  "labelExpr": "format(datum.value * datum.value, '.2~g')"}}  # fmt: skip
    colour, shape = _scales(order)
    y = {"type": "quantitative", "title": MEASURES[measure].label, "scale": {"domain": [0, 1]}}
    tip = [{"field": "row", "type": "nominal"}, {"field": "step", "type": "quantitative"},
           *({"field": k, "type": "quantitative", "format": ".3f"} for k in ("value", "low", "high"))]  # fmt: skip
    above = {
        "height": 300, "width": "container",
        "layer": [
            {"data": {"values": certified}, "mark": {"type": "line", "strokeDash": [5, 4], "color": ink(INK)},
             "encoding": {"x": x, "y": {**y, "field": "value"}}},
            {"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.6},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
            {"data": {"values": values}, "mark": {"type": "line"},
             "encoding": {"x": x, "y": {**y, "field": "value"}, "color": colour}},
            {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
             "encoding": {"x": x, "y": {**y, "field": "value"}, "color": colour, "shape": shape, "tooltip": tip}},
        ],
    }  # fmt: skip
    two = {"field": "what", "type": "nominal", "title": None, "legend": {"orient": "top"},
           "scale": {"domain": ["gold", "proxy"], "range": [ink(ACCENT), ink(PROXY)]}}  # fmt: skip
    below = {
        "height": 150, "width": "container", "data": {"values": scored}, "mark": {"type": "line", "point": True},
        "encoding": {"x": x, "y": {"field": "value", "type": "quantitative", "title": "mean score"}, "color": two},
    }  # fmt: skip
    last = {v["row"]: v["value"] for v in values}
    told = "; ".join(f"{row} {value:.2f}" for row, value in last.items())
    spec = {"vconcat": [above, below] if scored else [above], "resolve": {"scale": {"color": "independent"}}}
    return spec, f"{MEASURES[measure].label} along {len(steps)} checkpoints; at the last with a result: {told}."


def table(order: Sequence[str], cells: Cells, world: str) -> str:
    """All measures of each row in one world, as HTML."""
    heads = "".join(f"<th>{h}</th>" for h in ("", "Real from fake", "unknown fakes", "Dishonest", "Honest where fooled",
                                               "right where real", "Nearest"))  # fmt: skip
    body = []
    for row in order:
        cell = cells.get((row, world))
        if cell is None or cell["reason"]:
            continue
        numbers = [_number(cell[k]) for k in ("auroc", "auroc_unknown", "dishonest", "honesty_fooled", "honesty_real")]
        like = ", ".join(f"{n.replace('_', ' ')} {k}" for n, k in (cell.get("like") or {}).items())
        tds = "".join(f"<td>{n}</td>" for n in (*numbers, escape(like) or "&ndash;"))
        body.append(f"<tr><th scope='row'>{escape(_named(row))}</th>{tds}</tr>")
    box = "<div class='wide' tabindex='0' role='region' aria-label='All measures'>"
    return f"{box}<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"


def _number(told: Mapping[str, Any] | None) -> str:
    if not told or told["value"] is None:
        return "&ndash;"
    return f"{told['value']:.2f} <span class='quiet'>{told['low']:.2f}&ndash;{told['high']:.2f}</span>"
