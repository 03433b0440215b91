"""The settings of a stage as controls, drawn from the fields of its configuration: their meaning is their help."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any

import streamlit as st

from rlhf_lab.stages import CONFIGS

__all__ = ["FIRST", "settings_form"]

# What matters first, by stage; all the rest lies behind a click.
FIRST: Mapping[str, Sequence[str]] = {
    "pretrain": ("corpus", "steps", "seed", "device"),
    "reward": ("pool", "rater", "labels", "head", "seed", "device"),
    "ppo": ("target", "reward_as", "kl_stop", "past_stop", "learning_rate", "iterations", "seed", "device"),
}
ZERO = re.compile(r"\b0: ([\w ]{1,24})$")  # in a meaning, what a setting of 0 stands for, where that is short
OFFERED: Mapping[str, Sequence[str]] = {"corpus": ("stage", "shakespeare"), "device": ("cpu", "cuda")}


def settings_form(
    kind: str, given: Mapping[str, Any], key: str, offered: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Controls for every setting of a stage; those that differ from `given`, else from the default, as values.

    offered: the words that may be chosen for a setting that is a word.
    """
    known = {f.name: f for f in fields(CONFIGS[kind])}
    words = {**OFFERED, **(offered or {})}
    first = [name for name in FIRST[kind] if name in known]
    found = _row(known, first, given, key, words, 4)
    with st.expander("All settings"):
        found |= _row(known, [name for name in known if name not in first], given, key, words, 4)
    return {name: value for name, value in found.items() if value != given.get(name, known[name].default)}


def _row(
    known: Mapping[str, Field[Any]],
    names: Sequence[str],
    given: Mapping[str, Any],
    key: str,
    words: Mapping[str, Sequence[str]],
    wide: int,
) -> dict[str, Any]:
    found = {}
    for begin in range(0, len(names), wide):
        for column, name in zip(st.columns(wide), names[begin : begin + wide], strict=False):
            with column:
                found[name] = _control(known[name], given.get(name, known[name].default), f"{key}:{name}", words)
    return found


def _control(setting: Field[Any], value: Any, key: str, words: Mapping[str, Sequence[str]]) -> Any:
    label, meaning = setting.name.replace("_", " "), str(setting.metadata["meaning"])
    choices = tuple(setting.metadata["choices"])
    if choices:
        return st.selectbox(label, choices, choices.index(value), key=key, help=meaning)
    if setting.name in words:
        options = list(dict.fromkeys([*words[setting.name], *([value] if value else [])]))
        return st.selectbox(
            label, options, options.index(value) if value in options else 0, key=key, help=meaning,
            accept_new_options=setting.name == "corpus", format_func=lambda each: each or "all",
        ) or ""  # fmt: skip
    if setting.type in (int, "int"):
        if ends := ZERO.search(meaning):
            label = f"{label} (0: {ends[1]})"
        return int(st.number_input(label, value=int(value), step=1, key=key, help=meaning))
    if setting.type in (float, "float"):
        step = 10.0 ** math.floor(math.log10(abs(value))) if value else 0.1
        return float(st.number_input(label, value=float(value), format="%g", step=step, key=key, help=meaning))
    return st.text_input(label, value, key=key, help=meaning)
