"""The samples behind a region of the curve."""

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from elk_sandbox.pages.frame import html
from rlhf_lab.evaluated import Evaluation
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.choice import one_of

__all__ = ["show"]

SHOWN = 5  # samples of a checkpoint
MOST = 3  # checkpoints side by side
ORDERS = {"drawn": "As drawn", "proxy": "Highest proxy", "gold": "Lowest gold", "gap": "Proxy high, gold low"}
KEY = "oo_region"  # in the address
SET = "oo_set"  # in the session: the region that the brush or the address set last


@st.fragment
def show(evaluation: Evaluation, brushed: tuple[float, float] | None) -> None:
    """Samples of at most three checkpoints of the region that was brushed, or set by the slider."""
    curve = evaluation.curve
    nats = [float(n) for n in curve.nats]
    names = [f"{n:z.2f} nats, iteration {step}" for n, step in zip(nats, curve.steps, strict=True)]
    last = len(nats) - 1
    if brushed and brushed != st.session_state.get("oo_brushed"):
        inside = [k for k, n in enumerate(nats) if brushed[0] <= n <= brushed[1]]
        middle = (brushed[0] + brushed[1]) / 2
        near = min(range(len(nats)), key=lambda k: abs(nats[k] - middle))
        st.session_state[SET] = (inside[0], inside[-1]) if inside else (near, near)
        st.query_params[KEY] = _written(st.session_state[SET])
    st.session_state["oo_brushed"] = brushed
    if not _fits(st.session_state.get(SET), last):
        st.session_state[SET] = _read(st.query_params.get(KEY, ""), last) or (0, last)
    begun = st.session_state[SET]
    key = f"oo_ends_{evaluation.meta['run']}_{_written(begun)}"  # another brush makes another slider
    html("<h2>Samples <span>brush the chart of gold, or move the ends</span></h2>")
    ends: Any = st.select_slider(
        "Checkpoints from, to", range(len(nats)), value=begun, format_func=names.__getitem__, key=key,
        on_change=_remember, args=(key,), label_visibility="collapsed",
    )  # fmt: skip
    order = one_of("Order", ORDERS, "oo_order", quiet=True)
    chosen = sorted({int(k) for k in np.linspace(ends[0], ends[1], MOST).round()})
    st.html(f"<style>{LOOK}</style>")
    html(f'<div class="beside">{"".join(_checkpoint(evaluation, k, order) for k in chosen)}</div>')


def _checkpoint(evaluation: Evaluation, k: int, order: str) -> str:
    curve = evaluation.curve
    proxy, gold = curve.proxy[k], curve.gold[k]
    values = {"proxy": -proxy, "gold": gold, "gap": gold / (gold.std() or 1) - proxy / (proxy.std() or 1)}
    rows = np.argsort(values[order], kind="stable") if order in values else np.arange(len(proxy))
    shown = "".join(_sample(evaluation, k, int(i)) for i in rows[:SHOWN])
    title = "Original model" if k == 0 else f"Iteration {curve.steps[k]}"
    note = f"{curve.nats[k]:z.2f} nats, gold {_minus(gold.mean())}, proxy {_minus(proxy.mean())}"
    return f'<div><h3>{title}</h3><p class="quiet">{note}</p>{shown}</div>'


def _sample(evaluation: Evaluation, k: int, i: int) -> str:
    curve = evaluation.curve
    lost = curve.well_formed is not None and not curve.well_formed[k, i]
    form = ' · <span class="lost">not well formed</span>' if lost else ""
    worth = (
        f'<span class="proxy">proxy {_minus(curve.proxy[k, i])}</span> · '
        f'<span class="gold">gold {_minus(curve.gold[k, i])}</span>{form}'
    )
    text = escape(evaluation.texts[k][i].strip("\n"))
    return f"<div class='sample'><p class='said'>{text}</p><p class='worth'>{worth}</p></div>"


def _minus(value: float) -> str:
    return f"{value:z.2f}".replace("-", "\N{MINUS SIGN}")


def _written(region: tuple[int, int]) -> str:
    return f"{region[0]}-{region[1]}"


def _read(told: str, last: int) -> tuple[int, int] | None:
    low, _, high = told.partition("-")
    if not (low.isdecimal() and high.isdecimal()):
        return None
    found = int(low), int(high)
    return found if _fits(found, last) else None


def _fits(region: object, last: int) -> bool:
    return isinstance(region, tuple) and len(region) == 2 and 0 <= region[0] <= region[1] <= last


def _remember(key: str) -> None:
    st.query_params[KEY] = _written(st.session_state[key])


LOOK = f"""
.elk .beside {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr));
  gap: 1rem 2rem; }}
.elk .beside > div {{ min-width: 0; }}
.elk .beside h3 {{ font-size: 0.9375rem; font-weight: 600; padding: 0; margin: 0; }}
.elk .beside .quiet {{ font-size: 0.8125rem; margin: 0 0 0.4rem; font-variant-numeric: tabular-nums; }}
.elk .sample {{ border-top: 1px solid var(--elk-line); padding: 0.55rem 0 0.15rem; }}
.elk .said {{ white-space: pre-wrap; font: 1rem/1.5 ui-serif, Georgia, serif; margin: 0 0 0.2rem; }}
.elk .worth {{ font-size: 0.8125rem; color: var(--elk-quiet); font-variant-numeric: tabular-nums; margin: 0 0 0.3rem; }}
.elk .worth .proxy::before {{ content: "\\25A0\\00A0"; color: {LOOKS["proxy"].colour.css}; }}
.elk .worth .gold::before {{ content: "\\25CF\\00A0"; color: {LOOKS["gold"].colour.css}; }}
.elk .worth .lost {{ color: var(--elk-ink); font-weight: 600; }}
"""
