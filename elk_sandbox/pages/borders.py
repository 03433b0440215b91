"""The closed forms of a flip as mathematics: who stands against whom where, and where the verdict changes."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import html
from elk_sandbox.palette import STATES

__all__ = ["formulas"]

Region = Mapping[str, Any]


def formulas(record: Mapping[str, Any], names: Sequence[str], symbols: Mapping[str, str]) -> None:
    """Draw a record that `elk-sandbox flip --json` prints."""
    left, right = st.columns(2, gap="large")
    with left:
        html("<p><strong>Where the verdict changes</strong></p>")
        borders = record["borders"]
        if not borders:
            html("<p>Nowhere that was looked at.</p>")
        for border in borders:
            words = f"{_states(border['before'])} to {_states(border['after'])}"
            where = _where(names[0], symbols, border[names[0]], record)
            second = border.get(names[1]) if len(names) > 1 else None
            if second is None:
                html(f"<p>From {words}: {_between(symbols[names[0]], border[names[0]], record)}.</p>")
                continue
            html(f"<p>Going up, from {words}{f', for {where}' if where else ''}:</p>")
            if second["latex"]:
                st.latex(second["latex"])
            else:
                told = f"{symbols[names[1]]} about {second['at']:.4g} in the middle of it"
                html(f"<p class='quiet'>No closed form; {escape(told)}.</p>")
        judge = record["judge"]
        many = len(judge["points"])
        word = "gives the same" if judge["agrees"] else "<strong>disagrees: trust the judge</strong>"
        html(f"<p class='quiet'>The judge was asked at {many} point{'s' * (many != 1)} and {word}.</p>")
    with right:
        html("<p><strong>J(cheapest named bad reporter) - J(cheapest honest candidate), nats</strong></p>")
        seen: dict[tuple[str, str, str], str] = {}
        for region in record["regions"]:
            seen.setdefault((region["bad"], region["honest"], region["latex"]), region["verdict"])
        for bad, honest, form in seen:
            html(f"<p class='quiet'><code>{escape(bad)}</code> against <code>{escape(honest)}</code></p>")
            st.latex(form)


def _states(verdicts: Sequence[str]) -> str:
    labels = {s.label: s.sign for s in STATES.values()}
    return " and ".join(f"<strong>{labels.get(v, '')} {escape(v)}</strong>" for v in verdicts)


def _axis(name: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(a for a in record["over"] if a["name"] == name)
    return found


def _where(name: str, symbols: Mapping[str, str], ends: Mapping[str, float], record: Mapping[str, Any]) -> str:
    axis, symbol = _axis(name, record), escape(symbols[name])
    low, high = ends["from"], ends["to"]
    first, last = low == axis["low"], high == axis["high"] or high is None
    if first and last:
        return ""
    if axis["kind"] in ("odd", "count") and low == high:
        return f"{symbol} = {low:g}"
    return (
        f"{symbol} from {low:.4g} on"
        if last
        else f"{symbol} up to {high:.4g}"
        if first
        else f"{symbol} from {low:.4g} to {high:.4g}"
    )


def _between(symbol: str, ends: Mapping[str, float], record: Mapping[str, Any]) -> str:
    low, high = ends["from"], ends["to"]
    return f"between {escape(symbol)} = {low:g} and {high:g}" if low != high else f"at {escape(symbol)} = {low:.6g}"
