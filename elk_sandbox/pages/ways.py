"""Ways from one page to another, with what is to be seen there in the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

__all__ = ["to_matrix", "to_vault", "to_workbench"]

PAGES = "elk_sandbox/pages"


def to_vault(cell: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
    """The situation of a cell's witness, in the vault with the counterexample's case; nothing where there is none."""
    if not found:
        return
    query = {
        "vault_case": cell["counterexample"],
        "vault_set": ";".join(f"{k}={_text(v)}" for k, v in cell["knobs"]["counterexample"].items()),
        "vault_at": ",".join(node for node, value in found["situation"].items() if value) or "-",
        "vault_against": found["reporter"],
    }
    _link("vault", "See it in the vault", query)


def to_workbench(file: str, against: str, label: str, *, blind: bool = False) -> None:
    """A file by its name on the workbench, against another; blind: without the literature."""
    more = {"workbench_blind": "1"} if blind else {}
    _link("workbench", label, {"workbench_file": file, "workbench_against": against, **more})


def to_matrix(proposal: str, counterexample: str, label: str) -> None:
    """A cell of the matrix."""
    _link("matrix", label, {"proposal": proposal, "counterexample": counterexample})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _link(page: str, label: str, query: dict[str, str]) -> None:
    try:
        st.page_link(f"{PAGES}/{page}.py", label=label, query_params={k: v for k, v in query.items() if v})
    except StreamlitAPIException:
        return  # this app does not have the page
