"""A file's knobs as controls. What differs from the defaults is in the address, as `--set` takes it."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from elk_sandbox.declare import Knob, RegistryError
from elk_sandbox.pages.address import standing

__all__ = ["controls", "parsed", "set_knobs"]

PARAMETER = "workbench_set"


def set_knobs(knobs: Sequence[Knob]) -> list[str]:
    """knob=value for those that the address sets; what is no knob here, or no value of it, is left out."""
    found = []
    for setting in st.query_params.get(PARAMETER, "").split(";"):
        name, _, text = setting.partition("=")
        for knob in knobs:
            if knob.name == name and parsed(knob, text) not in (None, knob.default):
                found.append(setting)
    return found


def controls(knobs: Sequence[Knob], every: Sequence[Knob]) -> None:
    """Draw a control for each of these knobs; a change goes to the address. every: all that the file has."""
    given = dict(setting.split("=", 1) for setting in set_knobs(every))
    for knob in knobs:
        value = parsed(knob, given[knob.name]) if knob.name in given else knob.default
        key = f"workbench_knob_{knob.name}_{knob.annotation}"
        with standing(key, value):
            _control(knob, key, every)


def _control(knob: Knob, key: str, knobs: Sequence[Knob]) -> None:
    default = "on" if knob.default is True else "off" if knob.default is False else f"{knob.default}"
    told: dict[str, Any] = {
        "key": key, "on_change": _changed, "args": (knob, key, knobs),
        "help": f"{knob.annotation}, as written: {default}",
    }  # fmt: skip
    label = knob.name.replace("_", " ")
    if knob.choices is not None:
        st.selectbox(label, knob.choices, **told)
    elif knob.annotation == "bool":
        st.checkbox(label, **told)
    elif knob.annotation == "str":
        st.text_input(label, **told)
    elif knob.annotation == "int":
        st.number_input(label, step=1, **told)
    else:
        st.number_input(label, step=_step(float(str(knob.default))), format="%g", **told)


def _step(default: float) -> float:
    """One in the first digit of the default."""
    return float(10.0 ** math.floor(math.log10(abs(default)))) if default else 0.1


def _changed(knob: Knob, key: str, knobs: Sequence[Knob]) -> None:
    others = [s for s in set_knobs(knobs) if not s.startswith(f"{knob.name}=")]
    value = st.session_state[key]
    if value is not None and value != knob.default:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if ";" not in text:
            others.append(f"{knob.name}={text}")
    if others:
        st.query_params[PARAMETER] = ";".join(others)
    else:
        st.query_params.pop(PARAMETER, None)


def parsed(knob: Knob, text: str) -> Any:
    """A knob's value as the address writes it; None for what is none."""
    try:
        return knob.parse(text)
    except RegistryError:
        return None
