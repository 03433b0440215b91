"""Choices in the address by their plain names: `bind=` writes what is shown, which `format_func` has changed."""

import math
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import streamlit as st

__all__ = ["chosen", "plain", "remember", "standing", "widget"]


def widget(parameter: str, known: Collection[str], *, several: bool = False) -> str:
    """The key for a widget that stands as the address says; give it `remember` as on_change and this parameter."""
    key = f"{parameter} widget"
    found = chosen(parameter, known)
    st.session_state[key] = found if several else next(iter(found), None)
    return key


@contextmanager
def standing(key: str, value: object) -> Iterator[None]:
    """Draw the widget of this key within: it stands at this value.

    It is told so only where it does not: what a page sets goes over what the user does until the page is drawn. A run
    that was cut off before the widget was drawn has told nothing.
    """
    drawn, there = f"{key} drawn", st.session_state.get(key)
    close = isinstance(there, float) and isinstance(value, float) and math.isclose(there, value)
    if not st.session_state.get(drawn) or key not in st.session_state or not (close or there == value):
        st.session_state[drawn] = False
        st.session_state[key] = value
    yield
    st.session_state[drawn] = True


def plain(told: str, known: Collection[str]) -> str | None:
    """The name that a label means: older addresses hold a verdict's sign before it, and blanks for underscores."""
    if told in known:
        return told
    bare = re.sub(r"^\W+", "", told).strip()
    name = bare.removesuffix(", a draft").replace(" ", "_")
    meant = [f"draft:{name}"] if bare.endswith(", a draft") else [bare, name]
    return next((each for each in meant if each in known), None)


def chosen(parameter: str, known: Collection[str]) -> list[str]:
    """What the address names, of what there is."""
    given = str(st.query_params.get(parameter, ""))
    if (one := plain(given, known)) is not None:
        return [one]
    return [name for part in given.split(",") if (name := plain(part, known)) is not None]


def remember(parameter: str, known: Collection[str] = ()) -> None:
    """Write the widget's choice into the address. known: to find the name by, where labels change.

    The browser sends the label; if it has changed meanwhile, Streamlit takes the old one for a value.
    """
    value = st.session_state[f"{parameter} widget"]
    if isinstance(value, str) and known:
        value = plain(value, known)
        st.session_state[f"{parameter} widget"] = value
    if value:
        st.query_params[parameter] = value if isinstance(value, str) else ",".join(value)
    else:
        st.query_params.pop(parameter, None)
