"""Ways from one page to another, with what is to be seen there in the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

__all__ = ["to_matrix", "to_vault", "to_workbench"]

PAGES = "elk_sandbox/pages"


def to_vault(found: Mapping[str, Any] | None, counterexample: str, label: str = "See it in the vault") -> None:
    """The situation of a witness, in the vault; nothing where there is none, or no such page."""
    if not found:
        return
    situation = ",".join(f"{name}={value}" for name, value in found["situation"].items())
    _link("vault", label, {"vault_world": counterexample, "vault_case": situation})


def to_workbench(file: str, against: str, label: str, **more: str) -> None:
    """A file by its name on the workbench, against another."""
    _link("workbench", label, {"workbench_file": file, "workbench_against": against, **more})


def to_matrix(proposal: str, counterexample: str, label: str) -> None:
    """A cell of the matrix."""
    _link("matrix", label, {"proposal": proposal, "counterexample": counterexample})


def _link(page: str, label: str, query: dict[str, str]) -> None:
    try:
        st.page_link(f"{PAGES}/{page}.py", label=label, query_params=query)
    except StreamlitAPIException:
        return  # this app does not have the page
