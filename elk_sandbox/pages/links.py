"""Ways from one page to another, with what is to be seen there in the address."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

__all__ = ["to_matrix", "to_vault", "to_workbench", "vault_query"]

PAGES = "elk_sandbox/pages"


def to_vault(cell: Mapping[str, Any], found: Mapping[str, Any] | None) -> None:
    """The situation of a cell's witness, in the vault with the counterexample's case; nothing where there is none."""
    if found:
        query = vault_query(
            case=cell["counterexample"],
            knobs=cell["knobs"]["counterexample"],
            situation=found["situation"],
            against=found["reporter"],
        )
        st.page_link(f"{PAGES}/vault.py", label="See it in the vault", query_params=query)


def to_workbench(file: str, against: str, label: str, *, blind: bool = False) -> None:
    """A file by its name on the workbench, against another; blind: without the literature."""
    query = {"workbench_file": file, "workbench_against": against} | ({"workbench_blind": "1"} if blind else {})
    st.page_link(f"{PAGES}/workbench.py", label=label, query_params=query)


def to_matrix(proposal: str, counterexample: str, label: str) -> None:
    """A cell of the matrix."""
    query = {"proposal": proposal, "counterexample": counterexample}
    st.page_link(f"{PAGES}/matrix.py", label=label, query_params=query)


def vault_query(
    *,
    world: str | None = None,
    case: str | None = None,
    knobs: Mapping[str, object] | None = None,
    situation: Mapping[str, int] | None = None,
    against: str | None = None,
) -> dict[str, str]:
    """The query of a situation in the vault.

    world: a standard world; or case: a counterexample, with the knobs that differ from its own. situation: values of
    nodes, as a witness has them. against: the dishonest reporter that the direct translator is compared with.
    Raises ValueError unless exactly one of world and case is given.
    """
    if (world is None) == (case is None):
        raise ValueError("name a world or a case, and not both")
    found = {"vault_world": world} if world is not None else {"vault_case": str(case)}
    if knobs:
        found["vault_set"] = ";".join(f"{k}={_text(v)}" for k, v in knobs.items())
    if situation is not None:
        found["vault_at"] = ",".join(n for n, v in situation.items() if v) or "-"
    if against is not None:
        found["vault_against"] = against
    return {k: str(v) for k, v in found.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
