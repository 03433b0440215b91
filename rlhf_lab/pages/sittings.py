"""A visitor's sitting over a pool or a sheet, kept while the page is drawn again."""

from typing import Any

import streamlit as st

from rlhf_lab.sitting import Sitting

__all__ = ["sitting_of"]


def sitting_of(key: str, make: Any) -> Sitting:
    """The sitting of this visitor under a key, made where there is none. Raises InputError as it does."""
    sittings: dict[str, Sitting] = st.session_state.setdefault("sittings", {})
    if key not in sittings:
        sittings.clear()  # one at a time: what was said under another key is in the store
        sittings[key] = make()
    return sittings[key]
