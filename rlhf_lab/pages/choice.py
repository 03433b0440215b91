"""A choice of one among few, kept in the address."""

from collections.abc import Mapping

import streamlit as st

__all__ = ["one_of"]


def one_of(label: str, options: Mapping[str, str], key: str, *, quiet: bool = False) -> str:
    """The option that is chosen, the first by default; `options` gives each its words. quiet: without the label."""
    found = st.segmented_control(
        label, list(options), format_func=options.__getitem__, default=next(iter(options)), required=True, wrap=True,
        key=key, bind="query-params", label_visibility="collapsed" if quiet else "visible",
    )  # fmt: skip
    return str(found)
