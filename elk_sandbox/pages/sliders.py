"""The sliders of the page on flips: where they begin, what each one means, and which stock value they cannot reach."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from elk_sandbox.pages.address import standing
from elk_sandbox.pages.frame import html
from elk_sandbox.pages.plane import setting, span
from elk_sandbox.symbolic.surface import Open, Surface

__all__ = ["sliders"]

MEANINGS: Mapping[str, str] = {
    "misreading": "How often a visible glare makes the human conclude the opposite of what the camera shows. At 0 "
    "there is no glare: human simulator and direct translator say the same of all that is in the data.",
    "tamper": "How often the camera is tampered with.",
}
OUTCOMES: Mapping[str, str] = {
    "strict": "a strict kill",
    "tie": "a tie",
    "survives": "a survival",
    "good": "a good survival",
}


def sliders(surface: Surface, verdict: str | None) -> dict[str, float]:
    """All open parameters at the values of the address, else the stock ones. verdict: of the stock world, if known."""
    asked = dict(s.split("=", 1) for s in st.query_params.get("flip_at", "").split(";") if "=" in s)
    found: dict[str, float] = {}
    html("<h2>Set the values</h2>")
    for name, parameter in surface.open.items():
        low, high, step = span(parameter)
        value = setting(parameter, asked.get(name, ""))
        key = f"flip_value_{name}"
        whole = parameter.discrete
        with standing(key, int(value) if whole else value):
            found[name] = float(
                st.slider(
                    f"{name} of {parameter.owner}".replace("_", " "),
                    int(low) if whole else low,
                    int(high) if whole else high,
                    step=int(step) if whole else step,
                    key=key,
                    on_change=_moved,
                    args=(list(surface.open),),
                    help=MEANINGS.get(name),
                    format="%d" if whole else "%.3f" if step < 0.01 else "%.2f",
                )
            )
    if left_out := [p for p in surface.open.values() if not _settable(p)]:
        named = " and ".join(f"{p.name.replace('_', ' ')} {p.default:g}" for p in left_out)
        outcome = OUTCOMES.get(verdict or "")
        known = f", where it is {outcome}" if outcome else ""
        told = f"The stock world has {escape(named)}{known}; that is another world, and the sliders leave it out."
        html(f'<p class="quiet">{told}</p>')
    return found


def _settable(parameter: Open) -> bool:
    """Whether the sliders reach the stock value."""
    low, high, _ = span(parameter)
    return low <= parameter.default <= high


def _moved(names: Sequence[str]) -> None:
    st.query_params["flip_at"] = ";".join(f"{n}={st.session_state[f'flip_value_{n}']:g}" for n in names)
