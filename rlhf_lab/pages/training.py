"""What training itself reports, iteration by iteration: KL by each estimator, and how often the loss was clipped."""

from typing import Any

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import html, ink, plain, vega
from elk_sandbox.pages.words import word
from elk_sandbox.palette import QUIET, TERMS
from elk_sandbox.runtime.run import Run
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.sparks import Points, thinned
from rlhf_lab.pages.tables import charted

__all__ = ["has_begun", "show"]

Drawn = tuple[dict[str, Any], str]  # a chart, and what it shows in words

KL = {"exact": "exact, a step", "k1": "k1", "k2": "k2, biased", "k3": "k3"}
LINES = alt.Legend(orient="top", columns=2, offset=4, symbolOpacity=1, symbolType="stroke", symbolSize=300)
MARKS = alt.Legend(orient="top", columns=1, labelLimit=300, offset=4)
CLIP = {"outside": "ratio outside 1 ± {clip:g}", "clipped": "of these, the clip decides the loss"}


def has_begun(run: Run) -> bool:
    """Whether there is anything to show."""
    return run.store.run(run.name).attempts > 0


def show(run: Run) -> None:
    """Two charts of a run's own metrics; nothing if it has none yet."""
    row, ground = run.store.run(run.name), ink(QUIET)
    if row.ended is None:
        found = _charts(run)
    else:
        found = _charts_of(run, f"{run.home}:{run.name}:{row.attempts}:{row.ended}:{ground}")
    if found is None:
        html('<p class="quiet">It has logged nothing yet.</p>')
        return
    columns = st.columns(2, gap="large")
    told = (
        f"{word('KL')} by four estimators, with two standard errors.",
        f"{word('clip fraction', 'Clip fractions')}: 0 throughout means one update a batch.",
    )
    for column, words, drawn in zip(columns, told, found, strict=True):
        with column:
            html(f'<p class="quiet">{words}</p>')
            if drawn is None:
                html('<p class="quiet">No update was made yet.</p>')
            else:
                vega(*drawn)


def _charts(run: Run) -> tuple[Drawn, Drawn | None] | None:
    """KL and clip fractions; None if it has logged none."""
    keys = [*(f"kl/{name}" for name in KL), *(f"kl/{name}_error" for name in KL), *(f"clip/{name}" for name in CLIP)]
    metrics = run.store.metrics(run.name, keys)
    if not metrics.get("kl/exact"):
        return None
    return _kl(metrics, float(run.config["kl_stop"])), _clip(metrics, float(run.config["clip"]))


@st.cache_resource(show_spinner=False, max_entries=32)
def _charts_of(_run: Run, known_by: str) -> tuple[Drawn, Drawn | None] | None:
    """Those of a run that has ended; known_by: its place, name, attempts and end, and the visitor's ground."""
    return _charts(_run)


def _kl(metrics: dict[str, Any], stop: float) -> Drawn:
    rows = []
    for name, label in KL.items():
        errors = dict(metrics.get(f"kl/{name}_error", ()))
        for step, value in _thin(metrics.get(f"kl/{name}", ())):
            bar = 2 * errors.get(step, 0.0)
            rows.append({"x": step, "y": value, "low": value - bar, "high": value + bar, "of": label})
    inks = [LOOKS["kl"].colour, TERMS[1], TERMS[2], TERMS[3]]
    colour = _legend(list(KL.values()), [ink(c) for c in inks], LINES)
    dash = alt.StrokeDash(
        "of:N",
        scale=alt.Scale(domain=list(KL.values()), range=[[1, 0], [6, 3], [2, 3], [8, 3, 2, 3]]),
        title=None,
        legend=LINES,
    )
    data = charted(rows)
    x = alt.X("x:Q", title="iteration", axis=alt.Axis(tickMinStep=1, format="d"))
    line = data.mark_line(strokeWidth=1.8).encode(
        x=x, y=alt.Y("y:Q", title="nats a completion"), color=colour, strokeDash=dash,
        tooltip=[alt.Tooltip("x:Q", title="iteration"), alt.Tooltip("of:N", title="estimator"),
                 alt.Tooltip("y:Q", format=".3f", title="nats")],
    )  # fmt: skip
    band = data.mark_area(opacity=0.12).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    rule = charted([{"y": stop}]).mark_rule(color=ink(QUIET), strokeDash=[2, 3]).encode(y="y:Q")
    last = {label: rows_[-1]["y"] for label in KL.values() if (rows_ := [r for r in rows if r["of"] == label])}
    told = ", ".join(f"{label} {value:.2f}" for label, value in last.items())
    return plain(((band + line) + rule).properties(height=250)), f"KL against iterations; at the last one {told} nats."


def _clip(metrics: dict[str, Any], clip: float) -> Drawn | None:
    labels = {name: told.format(clip=clip) for name, told in CLIP.items()}
    rows: list[dict[str, Any]] = [
        {"x": step, "y": value, "of": labels[name]}
        for name in labels
        for step, value in _thin(metrics.get(f"clip/{name}", ()))
    ]
    if not rows:
        return None
    colour = _legend(list(labels.values()), [ink(LOOKS["outside"].colour), ink(LOOKS["binding"].colour)], MARKS)
    drawn = (
        charted(rows)
        .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("x:Q", title="iteration", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("y:Q", title="share of tokens", axis=alt.Axis(format=".1%")),
            color=colour,
            shape=alt.Shape(
                "of:N", title=None, legend=MARKS,
                scale=alt.Scale(domain=list(labels.values()), range=["circle", "triangle-up"]),
            ),
            tooltip=[alt.Tooltip("x:Q", title="iteration"), alt.Tooltip("of:N", title="share"),
                     alt.Tooltip("y:Q", format=".2%", title="of tokens")],
        )
    )  # fmt: skip
    most = max(row["y"] for row in rows)
    return plain(drawn.properties(height=250)), f"Clip fractions against iterations, at most {most:.2%} of tokens."


def _thin(points: Points) -> Points:
    """As many as a chart can show, with the last."""
    kept = thinned(points)
    return kept if not kept or kept[-1] == points[-1] else [*kept, points[-1]]


def _legend(labels: list[str], colours: list[str], legend: alt.Legend) -> alt.Color:
    return alt.Color("of:N", title=None, scale=alt.Scale(domain=labels, range=colours), legend=legend)
