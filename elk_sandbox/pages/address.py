"""Choices in the address by their plain names: `bind=` writes what is shown, which `format_func` has changed."""

from collections.abc import Collection

import streamlit as st

__all__ = ["chosen", "remember", "widget"]


def widget(parameter: str, known: Collection[str], *, several: bool = False) -> str:
    """The key for a widget that stands as the address says; give it `remember` as on_change and this parameter."""
    key = f"{parameter} widget"
    found = chosen(parameter, known)
    st.session_state[key] = found if several else next(iter(found), None)
    return key


def chosen(parameter: str, known: Collection[str]) -> list[str]:
    """What the address names, of what there is."""
    return [name for name in str(st.query_params.get(parameter, "")).split(",") if name in known]


def remember(parameter: str) -> None:
    """Write the widget's choice into the address."""
    value = st.session_state[f"{parameter} widget"]
    if value:
        st.query_params[parameter] = value if isinstance(value, str) else ",".join(value)
    else:
        st.query_params.pop(parameter, None)
