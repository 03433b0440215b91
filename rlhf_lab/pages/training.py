"""What training itself reports, iteration by iteration: KL by each estimator, and how often the loss was clipped."""

from typing import Any

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import chart, html, ink
from elk_sandbox.pages.words import word
from elk_sandbox.palette import QUIET, TERMS
from elk_sandbox.runtime.run import Run
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.tables import charted

__all__ = ["show"]

KL = {"exact": "exact, a step", "k1": "k1", "k2": "k2, biased", "k3": "k3"}
LEGEND = alt.Legend(orient="top", columns=2, labelLimit=260, offset=4, symbolOpacity=1)
CLIP = {"outside": "ratio outside 1 ± {clip:g}", "clipped": "of these, the clip decides the loss"}


def show(run: Run) -> None:
    """Two charts of a run's own metrics; nothing if it has none yet."""
    keys = [*(f"kl/{name}" for name in KL), *(f"kl/{name}_error" for name in KL), *(f"clip/{name}" for name in CLIP)]
    metrics = run.store.metrics(run.name, keys)
    if not metrics.get("kl/exact"):
        return
    html("<h2>As training saw it <span>at every iteration</span></h2>")
    columns = st.columns(2, gap="large")
    with columns[0]:
        html(f'<p class="quiet">{word("KL")} by four estimators, nats a completion, with two standard errors.</p>')
        _kl(metrics, float(run.config["kl_stop"]))
    with columns[1]:
        html(f'<p class="quiet">{word("clip fraction", "Clip fractions")}: 0 throughout means one update a batch.</p>')
        _clip(metrics, float(run.config["clip"]))


def _kl(metrics: dict[str, Any], stop: float) -> None:
    rows = []
    for name, label in KL.items():
        errors = dict(metrics.get(f"kl/{name}_error", ()))
        for step, value in metrics.get(f"kl/{name}", ()):
            bar = 2 * errors.get(step, 0.0)
            rows.append({"x": step, "y": value, "low": value - bar, "high": value + bar, "of": label})
    inks = [LOOKS["kl"].colour, TERMS[1], TERMS[2], TERMS[3]]
    colour = _legend(list(KL.values()), [ink(c) for c in inks])
    dash = alt.StrokeDash(
        "of:N",
        scale=alt.Scale(domain=list(KL.values()), range=[[1, 0], [6, 3], [2, 3], [8, 3, 2, 3]]),
        title=None,
        legend=LEGEND,
    )
    data = charted(rows)
    x = alt.X("x:Q", title="iteration")
    line = data.mark_line(strokeWidth=1.8).encode(
        x=x, y=alt.Y("y:Q", title="nats"), color=colour, strokeDash=dash,
        tooltip=[alt.Tooltip("x:Q", title="iteration"), alt.Tooltip("of:N", title="estimator"),
                 alt.Tooltip("y:Q", format=".3f", title="nats")],
    )  # fmt: skip
    band = data.mark_area(opacity=0.12).encode(x=x, y="low:Q", y2="high:Q", color=colour)
    rule = charted([{"y": stop}]).mark_rule(color=ink(QUIET), strokeDash=[2, 3]).encode(y="y:Q")
    last = {label: rows_[-1]["y"] for label in KL.values() if (rows_ := [r for r in rows if r["of"] == label])}
    told = ", ".join(f"{label} {value:.2f}" for label, value in last.items())
    chart((band + rule + line).properties(height=250), f"KL against iterations; at the last one {told} nats.")


def _clip(metrics: dict[str, Any], clip: float) -> None:
    labels = {name: told.format(clip=clip) for name, told in CLIP.items()}
    rows = [
        {"x": step, "y": value, "of": labels[name]}
        for name in labels
        for step, value in metrics.get(f"clip/{name}", ())
    ]
    if not rows:
        html('<p class="quiet">No update was made yet.</p>')
        return
    colour = _legend(list(labels.values()), [ink(LOOKS["outside"].colour), ink(LOOKS["binding"].colour)])
    drawn = (
        charted(rows)
        .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("x:Q", title="iteration"),
            y=alt.Y("y:Q", title="share of tokens", axis=alt.Axis(format=".1%")),
            color=colour,
            shape=alt.Shape(
                "of:N", title=None, legend=LEGEND,
                scale=alt.Scale(domain=list(labels.values()), range=["circle", "triangle-up"]),
            ),
            tooltip=[alt.Tooltip("x:Q", title="iteration"), alt.Tooltip("of:N", title="share"),
                     alt.Tooltip("y:Q", format=".2%", title="of tokens")],
        )
    )  # fmt: skip
    most = max(row["y"] for row in rows)
    chart(drawn.properties(height=250), f"Clip fractions against iterations, at most {most:.2%} of tokens.")


def _legend(labels: list[str], colours: list[str]) -> alt.Color:
    return alt.Color(
        "of:N", title=None, scale=alt.Scale(domain=labels, range=colours), legend=LEGEND
    )  # fmt: skip
