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
            second = border.get(names[1]) if len(names) > 1 else None
            if second is None:
                _place(f"From {words}", _between(names[0], symbols[names[0]], border))
                continue
            _place(f"Going up, from {words}", f"for ${where}$" if (where := border["where"]) else "")
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
        for found in record["formulas"]:
            bad, honest = (escape(found[name]) for name in ("bad", "honest"))
            html(f"<p class='quiet'><code>{bad}</code> against <code>{honest}</code></p>")
            st.latex(found["latex"])
            for k, place in enumerate(found["where"]):
                st.markdown(f"{'or ' * bool(k)}for ${place}$")
            if not found["where"]:
                st.markdown("everywhere")


def _states(verdicts: Sequence[str]) -> str:
    labels = {s.label: s.sign for s in STATES.values()}
    return " and ".join(f"<strong>{labels.get(v, '')} {escape(v)}</strong>" for v in verdicts)


def _place(words: str, where: str) -> None:
    """A line of HTML, and where it holds as mathematics."""
    html(f"<p>{words}{':' if where else ''}</p>")
    if where:
        st.markdown(where)


def _between(name: str, symbol: str, border: Mapping[str, Any]) -> str:
    low, high = border[name]["from"], border[name]["to"]
    return f"between {symbol} = {low:g} and {high:g}" if low != high else f"at ${border['where']}$"
