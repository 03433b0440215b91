"""The knobs of a standard world as controls: what differs from the defaults is in the address, as `--set` takes it."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from elk_sandbox.declare import Knob
from elk_sandbox.pages.address import standing
from elk_sandbox.pages.knobs import parsed

__all__ = ["set_in", "world_knobs"]

PARAMETER = "vault_set"
MEANINGS = {
    "tamper": "how often the vault is tampered with",
    "diamond": "how often the diamond stays where nobody tampers",
    "diamond_tampered": "how often it stays where somebody does",
    "misreading": "how often a glare makes the viewer conclude the opposite of what the camera shows",
    "atoms": "bits of the predictor of which the diamond is the majority",
    "noise": "fair bits that mean nothing",
    "trick": "how often each kind of tampering is used",
}


def set_in(knobs: Sequence[Knob]) -> dict[str, Any]:
    """The knobs that the address sets otherwise than they are; what is no knob, or no value of it, is left out."""
    found = {}
    for setting in st.query_params.get(PARAMETER, "").split(";"):
        name, _, text = setting.partition("=")
        for knob in knobs:
            value = parsed(knob, text) if knob.name == name else None
            if value is not None and value != knob.default and _fits(knob, value):
                found[name] = value
    return found


def world_knobs(knobs: Sequence[Knob]) -> None:
    """Draw a control for each knob, folded away; a change goes to the address."""
    given = set_in(knobs)
    with st.expander("Knobs of this world", key="vault_knobs", bind="query-params", on_change="rerun") as box:
        if not box.open:
            return
        columns = st.columns(3)
        for k, knob in enumerate(knobs):
            key = f"vault_knob_{knob.name}"
            with columns[k % 3], standing(key, given.get(knob.name, knob.default)):
                _control(knob, key, knobs)
        if given:
            st.button("As they were", on_click=_reset)


def _control(knob: Knob, key: str, knobs: Sequence[Knob]) -> None:
    meaning = MEANINGS.get(knob.name)
    more: dict[str, Any] = {"key": key, "on_change": _changed, "args": (key, knob, knobs), "help": meaning}
    label = knob.name.replace("_", " ")
    if knob.choices is not None:
        st.selectbox(label, knob.choices, **more)
    elif knob.annotation == "bool":
        st.toggle(label, **more)
    else:
        st.slider(label, 0.0, 1.0, step=0.01, **more)


def _changed(key: str, knob: Knob, knobs: Sequence[Knob]) -> None:
    values = {**set_in(knobs), knob.name: st.session_state[key]}
    defaults = {each.name: each.default for each in knobs}
    _write({name: value for name, value in values.items() if value != defaults[name]})


def _write(values: dict[str, Any]) -> None:
    if values:
        st.query_params[PARAMETER] = ";".join(
            f"{n}={str(v).lower() if isinstance(v, bool) else f'{v:g}'}" for n, v in values.items()
        )
    else:
        st.query_params.pop(PARAMETER, None)


def _reset() -> None:
    st.query_params.pop(PARAMETER, None)


def _fits(knob: Knob, value: Any) -> bool:
    return knob.annotation != "float" or 0 <= value <= 1
