"""The plane of two open parameters as a chart: verdicts as coloured and named regions, borders, the present setting."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from elk_sandbox.pages.frame import ink
from elk_sandbox.palette import INK, PAPER, STATES
from elk_sandbox.symbolic.surface import VERDICTS, Open, Run, Surface

__all__ = ["line", "plane", "setting", "span"]

COLUMNS = 160  # of a continuous first axis
MOST = 15  # values of a discrete axis that are shown
HEIGHT = 380
ROOM = 0.14  # of the height, that a label needs
Rows = list[dict[str, Any]]
Spec = dict[str, Any]


def span(parameter: Open) -> tuple[float, float, float]:
    """What is shown of a parameter and can be set: low, high, step. At a share's ends it is another world: left out."""
    if parameter.discrete:
        return parameter.low, min(parameter.high, parameter.low + (MOST - 1) * parameter.step), float(parameter.step)
    if parameter.kind == "share":
        step = 0.01 if parameter.high > 0.5 else 0.005
        return parameter.low + step, parameter.high - step, step
    high = max(2.0, 2 * parameter.default)
    return 0.01, high, 0.01


def setting(parameter: Open, text: str) -> float:
    """The value that a permalink writes, put into the span and onto its steps; where it writes none, the usual one."""
    low, high, step = span(parameter)
    try:
        value = float(text)
    except ValueError:
        at_the_end = parameter.kind == "share" and parameter.default <= parameter.low
        value = parameter.low + 0.1 * (parameter.high - parameter.low) if at_the_end else parameter.default
    if not low <= value <= high:
        value = high if value > high else low  # nan too
    return round(min(low + round((value - low) / step) * step, high), 6)


def _ends(parameter: Open) -> tuple[float, float]:
    """Of the axis."""
    low, high, _ = span(parameter)
    if parameter.discrete:
        return low, high
    return (parameter.low, parameter.high) if parameter.kind == "share" else (0.0, high)


def plane(
    surface: Surface, x: str, y: str, at: Mapping[str, float], judged: Sequence[Mapping[str, Any]]
) -> tuple[Spec, str]:
    """The chart, and what it shows in words. judged: points at which the judge was asked, by parameter."""
    first, second = surface.open[x], surface.open[y]
    low, high = _ends(first)
    xs: list[float] = (
        np.arange(low, high + 0.5, first.step) if first.discrete else np.linspace(low, high, 2 * COLUMNS + 1)[1::2]
    ).tolist()
    runs = surface.runs(x, y, xs, _ends(second), at)
    half = first.step / 2 if first.discrete else (high - low) / COLUMNS / 2
    present = [v for v in VERDICTS if any(r.verdict == v for r in runs)]
    fill = _coloured({v: ink(STATES[v].fill) for v in VERDICTS})
    top, part = {"y2": {"field": "y2"}}, {"detail": {"field": "part", "type": "nominal"}}
    if first.discrete:
        cells = [{**_cell(r), "x": r.x - half, "x2": r.x + half} for r in runs]
        layers = [_layer(cells, {"type": "rect", "opacity": 1}, fill | top | {"x2": {"field": "x2"}})]
    else:
        layers = [_layer(_strips(runs, half), {"type": "area", "opacity": 1}, fill | top | part)]
    border = {"type": "line", "color": ink(INK), "strokeWidth": 2, "clip": True}
    order = {"order": {"field": "order", "type": "quantitative"}}
    layers.append(_layer(_borders(runs, xs, half if first.discrete else 0.0), border, part | order))
    text = {"type": "text", "fontSize": 13, "fontWeight": 600, "dy": -14}
    inks = _coloured({v: ink(STATES[v].ink) for v in VERDICTS})
    layers.append(_layer(_labels(runs, xs), text, inks | {"text": {"field": "text", "type": "nominal"}}))
    asked = [{"x": p[x], "y": p[y], "told": "agrees here"} for p in judged if x in p and y in p]
    cross = {"type": "point", "shape": "cross", "size": 60, "color": ink(INK), "filled": True, "stroke": ink(PAPER)}
    layers.append(_layer(asked, cross | {"clip": True}, _hover("judge")))
    here = {"x": at[x], "y": at[y], "told": f"{x} = {at[x]:g}, {y} = {at[y]:g}"}
    layers += [
        _layer(
            [here], {"type": "point", "size": 230, "color": colour, "strokeWidth": wide, "clip": True}, _hover("here")
        )
        for colour, wide in ((ink(PAPER), 6), (ink(INK), 2.5))
    ]
    told = f"Over {x} and {y}: " + "; ".join(_told(runs, xs, v, x) for v in present)
    encoding = {"x": _scale("x", first), "y": _scale("y", second)}
    spec = {"height": HEIGHT, "encoding": encoding, "layer": layers, "resolve": {"scale": {"color": "independent"}}}
    return spec, f"{told}. The ring is at {here['told']}."


def line(surface: Surface, x: str, at: Mapping[str, float]) -> tuple[Spec, str]:
    """The difference over one parameter, with the line of a tie, and what it shows in words."""
    first = surface.open[x]
    low, high = _ends(first)
    xs = np.arange(low, high + 0.5, first.step) if first.discrete else np.linspace(low, high, COLUMNS + 2)[1:-1]
    gaps = np.broadcast_to(surface.difference({**at, x: xs}), xs.shape)
    codes = np.broadcast_to(surface.codes({**at, x: xs}), xs.shape)
    rows = [
        {"x": a, "y": b, "verdict": STATES[VERDICTS[c]].label}
        for a, b, c in zip(xs.tolist(), gaps.tolist(), codes.tolist(), strict=True)
    ]
    names = [STATES[v].label for v in VERDICTS]
    fills, marks = [ink(STATES[v].fill) for v in VERDICTS], ["triangle-down", "square", "circle"]
    looks = {
        channel: {"field": "verdict", "type": "nominal", "title": None, "scale": {"domain": names, "range": found}}
        for channel, found in (("color", fills), ("shape", marks))
    }
    here = {"x": at[x], "y": float(surface.difference(at)), "told": f"{x} = {at[x]:g}"}
    layers = [
        _layer([{"y": 0}], {"type": "rule", "color": ink(INK), "strokeDash": [4, 4]}, {"x": None}),
        *([] if first.discrete else [_layer(rows, {"type": "line", "color": ink(INK), "strokeWidth": 1}, {})]),
        _layer(rows, {"type": "point", "size": 70, "filled": True, "opacity": 1}, looks),
        _layer([here], {"type": "point", "size": 260, "color": ink(INK), "strokeWidth": 2.5}, _hover("here")),
    ]
    up = {"field": "y", "type": "quantitative", "title": "J(bad) - J(honest), nats", "axis": {"format": "~g"}}
    told = [f"{STATES[VERDICTS[c]].label} from {x} = {v:.4g}" for v, c in _starts(xs.tolist(), codes.tolist())]
    spec = {"height": HEIGHT, "encoding": {"x": _scale("x", first), "y": up}, "layer": layers}
    return spec, f"The difference over {x}: {'; '.join(told)}."


def _coloured(colours: Mapping[str, str]) -> Spec:
    """Verdicts in these colours, whether they are there or not."""
    scale = {"domain": [STATES[v].label for v in colours], "range": list(colours.values())}
    return {"color": {"field": "verdict", "type": "nominal", "scale": scale, "legend": None}}


def _layer(rows: Rows, mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def _hover(title: str) -> Spec:
    return {"tooltip": {"field": "told", "type": "nominal", "title": title}}


def _scale(field: str, parameter: Open) -> Spec:
    scale = {"domain": _domain(parameter), "nice": False, "zero": False}
    axis = _axis(parameter)
    return {"field": field, "type": "quantitative", "title": _title(parameter), "scale": scale, "axis": axis}


def _starts(xs: Sequence[float], codes: Sequence[int]) -> list[tuple[float, int]]:
    return [(next(group)[0], code) for code, group in groupby(zip(xs, codes, strict=True), key=lambda pair: pair[1])]


def _domain(parameter: Open) -> list[float]:
    low, high = _ends(parameter)
    margin = parameter.step / 2 if parameter.discrete else 0.0
    return [low - margin, high + margin]


def _axis(parameter: Open) -> Spec:
    low, high = _ends(parameter)
    if parameter.discrete:
        return {"values": np.arange(low, high + 0.5, parameter.step).tolist(), "grid": False, "format": "d"}
    return {"grid": False, "format": "~g"}


def _title(parameter: Open) -> str:
    name = parameter.symbol if parameter.symbol == parameter.name else f"{parameter.symbol} ({parameter.name})"
    return f"{name}, nats" if parameter.kind == "weight" else name


def _borders(runs: Sequence[Run], xs: Sequence[float], half: float) -> Rows:
    """Lines between regions: along the second axis from column to column, and up where a whole column changes."""
    rows: Rows = []
    columns = [list(group) for _, group in groupby(runs, key=lambda r: r.x)]
    part, before = 0, None
    for column in columns:
        shape = [r.verdict for r in column]
        if shape != before:
            part += 1
        if before is not None and len(shape) == len(before) == 1 and shape != before:
            x = (column[0].x + xs[xs.index(column[0].x) - 1]) / 2
            for y in (column[0].low, column[0].high):
                rows.append({"x": x, "y": y, "part": f"up {part}", "order": y})
        before = shape
        for k, run in enumerate(column[:-1]):
            name = f"{part} {k}" if not half else f"{run.x} {k}"
            rows += [
                {"x": run.x + shift, "y": run.high, "part": name, "order": run.x + shift}
                for shift in ((-half, half) if half else (0.0,))
            ]
    return rows


def _cell(run: Run) -> dict[str, Any]:
    return {"y": run.low, "y2": run.high, "verdict": STATES[run.verdict].label}


def _strips(runs: Sequence[Run], half: float) -> Rows:
    """Of columns whose verdicts follow each other alike, each verdict as one area that reaches to the next columns'."""
    rows: Rows = []
    columns = [list(group) for _, group in groupby(runs, key=lambda r: r.x)]
    for part, (_, group) in enumerate(groupby(columns, key=lambda column: [r.verdict for r in column])):
        alike = list(group)
        for k in range(len(alike[0])):
            name = {"part": f"{part} {k}"}
            rows.append({**_cell(alike[0][k]), **name, "x": alike[0][k].x - half})
            rows += [{**_cell(column[k]), **name, "x": column[k].x} for column in alike]
            rows.append({**_cell(alike[-1][k]), **name, "x": alike[-1][k].x + half})
    return rows


def _labels(runs: Sequence[Run], xs: Sequence[float]) -> Rows:
    """For every verdict a place in the widest stretch of columns where it has room."""
    total = max(r.high for r in runs) - min(r.low for r in runs)
    found: Rows = []
    for verdict in VERDICTS:
        tall: dict[int, Run] = {}
        for run in runs:
            k = xs.index(run.x)
            high = tall[k].high - tall[k].low if k in tall else ROOM * total
            if run.verdict == verdict and run.high - run.low > high:
                tall[k] = run
        stretches: list[list[int]] = []
        for k in sorted(tall):
            if stretches and stretches[-1][-1] == k - 1:
                stretches[-1].append(k)
            else:
                stretches.append([k])
        widest = max(stretches, key=len, default=[])
        if len(widest) >= 0.15 * len(xs):
            run = tall[widest[len(widest) // 2]]
            state = STATES[verdict]
            text = f"{state.sign}  {state.label}"
            found.append({"x": run.x, "y": (run.low + run.high) / 2, "verdict": state.label, "text": text})
    return found


def _told(runs: Sequence[Run], xs: Sequence[float], verdict: str, x: str) -> str:
    mine = {r.x for r in runs if r.verdict == verdict}
    label = STATES[verdict].label
    if len(mine) == len(xs):
        alone = all(r.verdict == verdict for r in runs)
        return f"{label} everywhere" if alone else f"{label} at every {x} for some values of the other"
    return f"{label} for {x} from {min(mine):.3g} to {max(mine):.3g}"
