"""The curves of over-optimisation: gold above, the proxies below, as gains over the original model against KL."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import ink, plain, vega
from elk_sandbox.palette import INK, PAPER, QUIET
from rlhf_lab.looks import LOOKS, POOR
from rlhf_lab.pages.tables import charted

__all__ = ["as_csv", "draw"]

Plotted = dict[str, Any]
SHAPES = {
    "gold": "circle", "proxy": "square", "second": "diamond", "best_of_n": "cross", "sentiment": "triangle-down",
    "well_formed": "triangle-up",
}  # fmt: skip
BRUSH = "brush"
LEGEND = alt.Legend(orient="top", columns=2, labelLimit=300, offset=4, symbolOpacity=1)
AXIS = alt.Axis(minExtent=40)  # so that the charts stand below each other
TICKS = (0, 0.5, 1, 2, 4, 6, 10, 15, 20, 25, 30, 40, 60, 80, 100, 150, 200, 300)  # nats


def draw(
    plotted: Plotted, others: Sequence[Plotted], axis: str, gold: str, parts: set[str]
) -> tuple[float, float] | None:
    """Draw both charts; the region, in nats, that is brushed in the upper one.

    axis: `root` for sqrt(KL), `kl`. gold: `whole`, or `factors`. others: runs as thin lines. parts: what else is drawn,
    of `laws`, `best`, `second`, `frontier`.
    """
    known = tuple((each["run"], each["evaluation"]) for each in (plotted, *others))
    upper, lower, told = _charts(known, (axis, gold, tuple(sorted(parts)), ink(INK)), _drawn_of=(plotted, others))
    state = vega(upper, told[0], key=f"oo_gold_{axis}_{gold}", select=True)
    vega(lower, told[1], key=f"oo_proxy_{axis}")
    return _brushed(state, axis)


@st.cache_resource(show_spinner=False, max_entries=64)
def _charts(
    known: tuple[tuple[str, str], ...], asked: tuple[str, str, tuple[str, ...], str],
    _drawn_of: tuple[Plotted, Sequence[Plotted]],
) -> tuple[Any, Any, tuple[str, str]]:  # fmt: skip
    """Both charts and what they show in words; kept, as building them takes longer than anything else here.

    known: run and evaluation of all that is drawn; asked: axis, gold, parts, and the ground's ink.
    """
    (plotted, others), (axis, gold, shown, _) = _drawn_of, asked
    parts = set(shown)
    far = 1.085 * max(float(max([*p["nats"], 1.05 * p["stop"]])) for p in (plotted, *others))  # as the laws go
    x = _x(axis, far)
    if gold == "factors":
        names, title = ["gold", "sentiment", "well_formed"], "mean gold, and its factors"
    else:
        names, title = ["gold"], "gold, gain over the original"
    layers = [_stop(plotted, axis, told=True), _zero()]
    layers += _layers(plotted, others, names, axis, parts if gold == "whole" else set(), gain=gold == "whole")
    if gold == "whole" and "laws" in parts:
        layers += _peak(plotted, axis, far)
    layers[0] = layers[0].add_params(alt.selection_interval(name=BRUSH, encodings=["x"]))
    upper = alt.layer(*layers).encode(x=x, y=_y(title, plotted, others, names)).properties(height=330)
    proxies = ["proxy", *(["second"] if "second" in parts and "second" in plotted["scores"] else [])]
    below = [_stop(plotted, axis, told=False), _zero(), *_layers(plotted, others, proxies, axis, parts, gain=True)]
    y = _y("proxy, gain in standard deviations", plotted, others, proxies)
    lower = alt.layer(*below).encode(x=x, y=y).properties(height=260)
    return plain(upper), plain(lower), (_alt(plotted, names), _alt(plotted, proxies))


def _y(title: str, plotted: Plotted, others: Sequence[Plotted], names: Sequence[str]) -> alt.Y:
    """Where all is zero the scale is set: Vega would label the one tick of an empty one with six decimals."""
    scores = [each["scores"][name] for each in (plotted, *others) for name in names if name in each["scores"]]
    some = plotted["best"] or any(value for score in scores for part in ("mean", "error") for value in score[part])
    return alt.Y(title=title, axis=AXIS) if some else alt.Y(title=title, axis=AXIS, scale=alt.Scale(domain=[-1, 1]))


def _x(axis: str, far: float) -> alt.X:
    """KL itself, or its root with the nats as labels: the same numbers are read on both."""
    if axis == "kl":
        return alt.X("x:Q", title="KL, nats a completion", scale=alt.Scale(domain=[0, far]))
    ticks = [math.sqrt(t) for t in TICKS if t <= far * 1.02]
    return alt.X(
        "x:Q", title="KL, nats a completion, on a root scale",
        axis=alt.Axis(
            values=ticks, labelExpr="format(datum.value * datum.value, '.2~g')", labelOverlap="greedy",
            labelSeparation=8,
        ),
        scale=alt.Scale(domain=[0, math.sqrt(far)], nice=False),
    )  # fmt: skip


def _layers(
    plotted: Plotted, others: Sequence[Plotted], names: Iterable[str], axis: str, parts: set[str], *, gain: bool
) -> list[Any]:
    """Thin lines of other runs, laws with their bands, then points with bars on top."""
    found: list[Any] = []
    shown = list(names)
    drawn = [name for name in shown if name in plotted["scores"]]
    of_best = "best" in parts and bool(plotted["best"])
    legend = [*drawn, *(["best_of_n"] if of_best else [])]
    colour, shape = _colour(legend), _shape(legend)
    for other in others:
        lines = [_points(other, name, axis, gain) for name in drawn if name in other["scores"]]
        thin = charted([row for line in lines for row in line]).mark_line(strokeWidth=1, opacity=0.75)
        found.append(thin.encode(x="x:Q", y="y:Q", color=colour, detail=["run:N", "of:N"], tooltip=TIP))
        ends = charted([line[-1] for line in lines if line])
        label = ends.mark_text(align="left", dx=4, fontSize=11, color=ink(QUIET))
        found.append(label.encode(x="x:Q", y="y:Q", text="run:N"))
    score = shown[0]
    if "laws" in parts:
        found += _law(plotted["laws"].get(f"{score}, PPO"), score, axis)
    if "frontier" in parts and plotted["frontier"]:
        rows = [{"x": _place(f["nats"], axis), "y": f[score], "of": LOOKS["frontier"].label, "nats": f["nats"]}
                for f in plotted["frontier"]]  # fmt: skip
        line = charted(rows).mark_line(color=ink(LOOKS["frontier"].colour), strokeDash=[6, 4], strokeWidth=1.6)
        found.append(line.encode(x="x:Q", y="y:Q", tooltip=TIP[1:4]))
    if of_best:
        if "laws" in parts:
            found += _law(plotted["laws"].get(f"{score}, best-of-n"), "best_of_n", axis)
        rows = [
            {
                "x": _place(b["nats"], axis), "y": b[score], "low": b[score] - 2 * b[f"{score}_error"],
                "high": b[score] + 2 * b[f"{score}_error"], "of": LOOKS["best_of_n"].label, "nats": b["nats"],
                "run": f"best of {b['n']}",
            }
            for b in plotted["best"]
        ]  # fmt: skip
        found += _marks(rows, colour, shape, line=False)
    found += _marks([row for name in drawn for row in _points(plotted, name, axis, gain)], colour, shape, line=True)
    return found


TIP = [
    alt.Tooltip("run:N"), alt.Tooltip("of:N", title="score"), alt.Tooltip("nats:Q", format=".2f", title="KL, nats"),
    alt.Tooltip("y:Q", format=".3f", title="value"), alt.Tooltip("iteration:Q"),
]  # fmt: skip


def _points(plotted: Plotted, name: str, axis: str, gain: bool) -> list[dict[str, Any]]:
    """Means of each checkpoint with two standard errors either way, less that of the original model if a gain."""
    score = plotted["scores"][name]
    first = (score["mean"][0] or 0.0) if gain else 0.0
    rows = []
    for step, nats, mean, error in zip(plotted["steps"], plotted["nats"], score["mean"], score["error"], strict=True):
        if mean is None:
            continue
        y, bar = mean - first, 2 * (error or 0.0)
        rows.append({
            "x": _place(nats, axis), "y": y, "low": y - bar, "high": y + bar, "of": LOOKS[name].label, "nats": nats,
            "iteration": step, "run": plotted["run"],
        })  # fmt: skip
    return rows


def _marks(rows: list[dict[str, Any]], colour: alt.Color, shape: alt.Shape, *, line: bool) -> list[Any]:
    data = charted(rows)
    crowded = len(rows) > 40
    bars = data.mark_rule(strokeWidth=1.2, opacity=0.35 if crowded else 1)
    found = [bars.encode(x="x:Q", y="low:Q", y2="high:Q", color=colour)]
    if line:
        found.append(data.mark_line(strokeWidth=1.3).encode(x="x:Q", y="y:Q", color=colour))
    points = data.mark_point(filled=True, opacity=1, size=22 if crowded else 55)
    found.append(points.encode(x="x:Q", y="y:Q", color=colour, shape=shape, tooltip=TIP))
    return [alt.layer(*found)]  # which have their rows in common


def _colour(names: Sequence[str]) -> alt.Color:
    labels = [LOOKS[name].label for name in names]
    scale = alt.Scale(domain=labels, range=[ink(LOOKS[name].colour) for name in names])
    return alt.Color("of:N", title=None, scale=scale, legend=LEGEND)


def _shape(names: Sequence[str]) -> alt.Shape:
    """The mark of each quantity, in the same legend as its colour."""
    scale = alt.Scale(domain=[LOOKS[name].label for name in names], range=[SHAPES[name] for name in names])
    return alt.Shape("of:N", title=None, scale=scale, legend=LEGEND)


def _law(law: dict[str, Any] | None, name: str, axis: str) -> list[Any]:
    """A fitted law and the band of its bootstrap draws."""
    if not law or not law["curve"]:
        return []
    rows = [{"x": _place(c["d"] ** 2, axis), "y": c["gain"], "low": c["low"], "high": c["high"]} for c in law["curve"]]
    colour, data = ink(LOOKS[name].colour), charted(rows)
    band = data.mark_area(opacity=0.16, color=colour).encode(x="x:Q", y="low:Q", y2="high:Q")
    return [band + data.mark_line(opacity=0.5, strokeWidth=3, color=colour).encode(x="x:Q", y="y:Q")]


def _peak(plotted: Plotted, axis: str, far: float) -> list[Any]:
    """The peak of gold's fit as a star, its interval as a bar, and both in words; none of a fit that misses."""
    law = plotted["laws"].get("gold, PPO")
    peak = law and law["peak"]
    if not peak or law["r2"] is None or law["r2"] < POOR or not peak["d"] or peak["d"] ** 2 > far:
        return []
    high = min(peak["high"] or math.inf, math.sqrt(far))
    end = f"{peak['high'] ** 2:.2g}" if peak["high"] else "without end"
    told = f"peak of the fit: {peak['d'] ** 2:.2g} nats [{(peak['low'] or 0) ** 2:.2g}, {end}]"
    row = {"x": _place(peak["d"] ** 2, axis), "y": peak["value"], "low": _place((peak["low"] or 0) ** 2, axis),
           "high": _place(high**2, axis), "told": told}  # fmt: skip
    data, colour = charted([row]), ink(INK)
    align: Any = "left" if peak["d"] ** 2 < far / 3 else "right" if peak["d"] ** 2 > 2 * far / 3 else "center"
    return [
        data.mark_rule(color=colour, strokeWidth=1.6).encode(x="low:Q", x2="high:Q", y="y:Q"),
        data.mark_point(shape=STAR, size=130, filled=True, opacity=1, color=colour).encode(
            x="x:Q", y="y:Q", tooltip=alt.Tooltip("told:N", title="gold")
        ),
        *(data.mark_text(dy=-16, align=align, fontSize=12, **halo).encode(x="x:Q", y="y:Q", text="told:N")
          for halo in ({"stroke": ink(PAPER), "strokeWidth": 4, "opacity": 0.8}, {"color": colour})),
    ]  # fmt: skip


STAR = (
    "M0,-1L0.235,-0.324L0.951,-0.309L0.38,0.124L0.588,0.809L0,0.4L-0.588,0.809L-0.38,0.124L-0.951,-0.309L-0.235,-0.324Z"
)


def _stop(plotted: Plotted, axis: str, *, told: bool) -> Any:
    """The stop as a dotted line; the exercise's is at 10 nats."""
    row = {"x": _place(plotted["stop"], axis), "told": f"stop, {plotted['stop']:g} nats" if told else ""}
    rule = charted([row]).mark_rule(color=ink(QUIET), strokeDash=[2, 3], strokeWidth=1.3).encode(x="x:Q")
    if not told:
        return rule
    text = charted([row]).mark_text(color=ink(QUIET), align="left", dx=5, dy=-4, baseline="bottom", fontSize=12)
    return rule + text.encode(x="x:Q", y=alt.value("height"), text="told:N")


def _zero() -> Any:
    return charted([{"y": 0}]).mark_rule(color=ink(QUIET), strokeWidth=0.8).encode(y="y:Q")


def _place(nats: float, axis: str) -> float:
    return math.sqrt(max(nats, 0.0)) if axis == "root" else nats


def _brushed(state: Any, axis: str) -> tuple[float, float] | None:
    """The brushed part of the axis, in nats."""
    found = dict(state.selection.get(BRUSH) or {}) if state and state.selection else {}
    ends = found.get("x")
    if not ends or len(ends) != 2:
        return None
    low, high = sorted(max(float(end), 0.0) for end in ends)
    return (low**2, high**2) if axis == "root" else (low, high)


def _alt(plotted: Plotted, names: Iterable[str]) -> str:
    """First, highest and last value of each curve."""
    told = []
    for name in names:
        values = [
            (n, v) for n, v in zip(plotted["nats"], plotted["scores"][name]["mean"], strict=True) if v is not None
        ]
        if values:
            picked = dict.fromkeys((values[0], max(values, key=lambda pair: pair[1]), values[-1]))
            told.append(f"{LOOKS[name].label}: " + ", ".join(f"{v:.2f} at {n:.1f} nats" for n, v in picked))
    peak = (plotted["laws"].get("gold, PPO") or {}).get("peak")
    words = f" Fitted curve of gold: {peak['words']}." if peak and "gold" in names else ""
    return f"Means against KL. {'; '.join(told)}.{words}"


def as_csv(found: Sequence[Plotted]) -> str:
    """All points as a table: run, iteration, KL, and each score with its standard error."""
    names = list(dict.fromkeys(name for each in found for name in each["scores"]))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["run", "iteration", "kl_nats", *(f"{n}{end}" for n in names for end in ("", "_error"))])
    for each in found:
        for k, step in enumerate(each["steps"]):
            scores = [each["scores"].get(n) for n in names]
            cells = [s[part][k] if s else None for s in scores for part in ("mean", "error")]
            writer.writerow([each["run"], step, each["nats"][k], *cells])
    return file.getvalue()
