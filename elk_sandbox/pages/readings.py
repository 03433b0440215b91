"""How results on learned worlds are drawn: as dots with intervals, as curves along a run, as a table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from elk_sandbox.learned.published import PUBLISHED
from elk_sandbox.learned.sources import Step
from elk_sandbox.pages.frame import ink
from elk_sandbox.palette import ACCENT, INK, PAPER, QUIET, TERMS, Colour

__all__ = ["MEASURES", "curve", "dots", "table"]

Cells = Mapping[tuple[str, str], Mapping[str, Any]]
Spec = dict[str, Any]
MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
MARGIN = {"minExtent": 36, "maxExtent": 36}  # px between the vertical axis and its title
KNOWS = 0.9  # `certificate.KNOWS`, without loading PyTorch
PROXY = Colour("#c9701a", "#e89a4d")  # as in the lab's figures


@dataclass(frozen=True)
class Measure:
    label: str
    told: str
    blank: float | None  # of who guesses; None where that depends on how often yes is said


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
    legend = {"orient": "top", "columns": 1, "labelLimit": 300, "title": None, "symbolOpacity": 1}
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
        "height": 30 * max(1, len(values)) + 50,  # the axis and its title too
        "layer": [
            {"data": {"values": [] if (blank := MEASURES[measure].blank) is None else [{"at": blank}]},
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


def curve(steps: Sequence[Step], order: Sequence[str], cells: Cells, measure: str) -> tuple[list[Spec], str]:
    """Charts against the root of KL: the measure of each row, the certificate's probe, and proxy and gold.

    A mark is filled where the predictor is certified to know. Charts of their own fit a narrow page, where one of three
    views would not; their axes begin at the same place.
    """
    root = {s.world: math.sqrt(max(0.0, s.kl)) for s in steps}
    values, probes = [], []
    for step in steps:
        there = [(row, cells[row, step.world]) for row in order if (row, step.world) in cells]
        for row, cell in there:
            told = cell.get(measure)
            if told and told["value"] is not None:
                values.append({"row": _named(row), **_point(step, root, told, cell["certificate"])})
        known = there[0][1]["certificate"] if there else {}
        if (told := known.get("auroc")) and told["value"] is not None:
            probes.append({"row": "the probe by which it is certified", **_point(step, root, told, known)})
    scored = [
        {"x": root[s.world], "value": value, "what": what}
        for s in steps for what, value in (("proxy", s.proxy), ("gold", s.gold)) if math.isfinite(value)
    ]  # fmt: skip
    far = max(root.values(), default=1.0) * 1.03 or 1.0
    x = {"field": "x", "type": "quantitative", "title": None, "scale": {"domain": [0, far], "nice": False},
         "axis": {"values": [math.sqrt(t) for t in (0, 0.5, 1, 2, 4, 6, 10, 15, 20, 30, 40, 60) if t <= far**2],
                  "labelExpr": "format(datum.value * datum.value, '.2~g')"}}  # fmt: skip
    colour, shape = _scales(order)
    plain = {"value": ink(INK)}
    panels: list[Spec] = [
        {"height": 300,
         "layer": _marks(values, x, MEASURES[measure].label, {"color": colour}, {"shape": shape})},
        {"height": 130,
         "layer": [
             {"data": {"values": [{"at": KNOWS}]},
              "mark": {"type": "rule", "strokeDash": [3, 3], "color": ink(QUIET)},
              "encoding": {"y": {"field": "at", "type": "quantitative"}}},
             *_marks(probes, x, "certificate", {"color": plain}, {}),
         ]},
    ]  # fmt: skip
    if scored:
        two = {"field": "what", "type": "nominal", "title": None, "legend": {"orient": "top"},
               "scale": {"domain": ["gold", "proxy"], "range": [ink(ACCENT), ink(PROXY)]}}  # fmt: skip
        y = {"field": "value", "type": "quantitative", "title": "mean score", "axis": MARGIN}
        panels.append({
            "height": 180, "data": {"values": scored}, "mark": {"type": "line", "point": True},
            "encoding": {"x": x, "y": y, "color": two},
        })  # fmt: skip
    last = panels[-1]
    titled = {**x, "title": "KL, nats a completion, on a root scale"}
    for part in last.get("layer", [last]):
        if "x" in part["encoding"]:
            part["encoding"] = {**part["encoding"], "x": titled}
    said = {v["row"]: v["value"] for v in values}
    words = "; ".join(f"{row} {value:.2f}" for row, value in said.items())
    sure = sum(p["certified"] for p in probes)
    return panels, (
        f"{MEASURES[measure].label} along {len(steps)} checkpoints; at the last with a result: {words}. "
        f"The predictor is certified at {sure} of {len(probes)}."
    )


def _point(step: Step, root: Mapping[str, float], told: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    at = {"x": root[step.world], "step": step.step, "certified": bool(known["certified"])}
    return {**at, **{k: told[k] for k in ("value", "low", "high")}}


def _marks(values: list[dict[str, Any]], x: Spec, title: str, colour: Spec, shape: Spec) -> list[Spec]:
    """A line with intervals; its marks are filled where the predictor is certified."""
    y = {"type": "quantitative", "title": title, "scale": {"domain": [0, 1]}, "axis": {"tickCount": 4, **MARGIN}}
    tip = [{"field": "row", "type": "nominal"}, {"field": "step", "type": "quantitative"},
           {"field": "certified", "type": "nominal"},
           *({"field": k, "type": "quantitative", "format": ".3f"} for k in ("value", "low", "high"))]  # fmt: skip
    at = {"x": x, "y": {**y, "field": "value"}, **colour}
    sure = [v for v in values if v["certified"]]
    others = [v for v in values if not v["certified"]]
    return [
        {"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.6},
         "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, **colour}},
        {"data": {"values": values}, "mark": {"type": "line"}, "encoding": at},
        {"data": {"values": others},
         "mark": {"type": "point", "filled": False, "fill": ink(PAPER), "size": 60, "opacity": 1, "strokeWidth": 2},
         "encoding": {**at, **shape, "tooltip": tip}},
        {"data": {"values": sure}, "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
         "encoding": {**at, **shape, "tooltip": tip}},
    ]  # fmt: skip


def table(order: Sequence[str], cells: Cells, world: str) -> str:
    """All measures of each row in one world, as HTML."""
    heads = "".join(f"<th>{h}</th>" for h in ("", "Real from fake", "Unknown fakes", "Dishonest", "Honest where fooled",
                                               "Right where real", "Nearest"))  # fmt: skip
    body = []
    for row in order:
        cell = cells.get((row, world))
        if cell is None or cell["reason"]:
            continue
        numbers = [_number(cell[k]) for k in ("auroc", "auroc_unknown", "dishonest", "honesty_fooled", "honesty_real")]
        counts = cell.get("like") or {}
        like = ", ".join(f"{n.replace('_', ' ')} {k} of {sum(counts.values())}" for n, k in counts.items())
        tds = "".join(f"<td>{n}</td>" for n in numbers) + f"<td class='like'>{escape(like) or '&ndash;'}</td>"
        body.append(f"<tr><th scope='row'>{escape(_named(row))}</th>{tds}</tr>")
    box = "<div class='wide' tabindex='0' role='region' aria-label='All measures'>"
    told = (
        "Unknown fakes: real from fake where no data hold the trick. Nearest: whose answers a seed's agree with most, "
        "the direct translator's or a simulator's of a human; how many seeds."
    )
    rows = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
    return f"{box}{rows}</div><p class='quiet'>{told}</p>"


def _number(told: Mapping[str, Any] | None) -> str:
    if not told or told["value"] is None:
        return "&ndash;"
    return f"{told['value']:.2f} <span class='quiet'>{told['low']:.2f}&ndash;{told['high']:.2f}</span>"
