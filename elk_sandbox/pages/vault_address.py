"""Permalinks into the vault, for other pages."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

__all__ = ["vault_link", "vault_query"]


def vault_query(
    *,
    world: str | None = None,
    case: str | None = None,
    knobs: Mapping[str, object] | None = None,
    situation: Mapping[str, int] | None = None,
    against: str | None = None,
) -> dict[str, str]:
    """The query of a situation in the vault, for st.page_link and st.switch_page.

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


def vault_link(
    *,
    world: str | None = None,
    case: str | None = None,
    knobs: Mapping[str, object] | None = None,
    situation: Mapping[str, int] | None = None,
    against: str | None = None,
) -> str:
    """The same as a relative address, for a link in HTML (to be escaped there)."""
    query = vault_query(world=world, case=case, knobs=knobs, situation=situation, against=against)
    return f"vault?{urlencode(query, quote_via=quote)}"
