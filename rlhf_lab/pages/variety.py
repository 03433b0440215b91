"""How varied what a checkpoint writes is: entropy, distinct bigrams, duplicates and overlap against KL."""

from typing import Any

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import html, ink, plain, vega
from elk_sandbox.palette import INK
from rlhf_lab.evaluated import Evaluation
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.tables import charted

__all__ = ["show"]

SHARES = {"distinct": "circle", "duplicates": "square", "overlap": "triangle-up"}
TIP = [alt.Tooltip("nats:Q", format=".2f", title="KL, nats"), alt.Tooltip("iteration:Q"),
       alt.Tooltip("of:N", title="measure"), alt.Tooltip("value:Q", format=".3f")]  # fmt: skip


def show(evaluation: Evaluation, known_by: str) -> None:
    """Two charts over all checkpoints; of what was measured. known_by: of no other evaluation."""
    curve, known_by = evaluation.curve, f"{known_by}:{ink(INK)}"
    html(f'<p class="quiet">Of {curve.kl.shape[1]} completions of each checkpoint.</p>')
    columns = st.columns(2, gap="large")
    names = [name for name in SHARES if getattr(curve, name) is not None]
    if names:
        with columns[0]:
            vega(*_lines(evaluation, tuple(names), "share", known_by))
    if curve.entropy is not None:
        with columns[1]:
            vega(*_lines(evaluation, ("entropy",), "entropy, nats a token", known_by))


@st.cache_resource(show_spinner=False, max_entries=64)
def _lines(_of: Evaluation, names: tuple[str, ...], title: str, known_by: str) -> tuple[dict[str, Any], str]:
    """A chart and what it shows in words."""
    curve = _of.curve
    rows: list[dict[str, Any]] = [
        {"nats": float(nats), "iteration": int(step), "of": LOOKS[name].label, "value": float(value)}
        for name in names
        for nats, step, value in zip(curve.nats, curve.steps, getattr(curve, name), strict=True)
    ]
    labels = [LOOKS[name].label for name in names]
    legend = alt.Legend(orient="top", columns=2, labelLimit=260)
    colour = alt.Scale(domain=labels, range=[ink(LOOKS[name].colour) for name in names])
    shape = alt.Scale(domain=labels, range=[SHARES.get(name, "circle") for name in names])
    drawn = (
        charted(rows)
        .mark_line(point=alt.OverlayMarkDef(size=30, filled=True))
        .encode(
            x=alt.X("nats:Q", title="KL, nats", scale=alt.Scale(zero=True)),
            y=alt.Y("value:Q", title=title),
            color=alt.Color("of:N", title=None, scale=colour, legend=legend),
            shape=alt.Shape("of:N", title=None, scale=shape, legend=legend),
            tooltip=TIP,
        )
    )
    ends = "; ".join(
        f"{LOOKS[name].label} {getattr(curve, name)[0]:.2f} before, {getattr(curve, name)[-1]:.2f} at the end"
        for name in names
    )
    return plain(drawn.properties(height=230)), f"Against KL: {ends}."
