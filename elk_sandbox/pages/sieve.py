"""Which rows and columns of the matrix are shown; every choice is in the address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import streamlit as st

from elk_sandbox import literature
from elk_sandbox.pages.address import remember, widget
from elk_sandbox.palette import STATES
from elk_sandbox.runtime.registry import Entry, Registry

__all__ = ["Sieve", "is_mine", "sieve"]

WHOSE = ("all", "shipped", "mine")


@dataclass(frozen=True)
class Sieve:
    """What somebody wants to see."""

    find: str
    proposals: str  # all, shipped or mine
    counterexamples: str
    states: tuple[str, ...]  # keys of STATES; none: every cell
    blind: bool  # only what was asked for, and no word of the literature

    def rows(self, registry: Registry) -> list[str]:
        """Names of proposals, those that hold the word; all of them if none does."""
        names = _whose(registry.proposals, self.proposals)
        return self._named(names) or names

    def columns(self, registry: Registry) -> list[str]:
        """Names of counterexamples; if a proposal holds the word, it is about that, and all of them."""
        names = _whose(registry.counterexamples, self.counterexamples)
        about_rows = self._named(_whose(registry.proposals, self.proposals))
        return names if about_rows else self._named(names) or names

    def _named(self, names: list[str]) -> list[str]:
        word = self.find.strip().lower().replace(" ", "_")
        return [n for n in names if word in n.lower()]


def sieve() -> Sieve:
    """Draw the choices."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        find = st.text_input("Find", placeholder="part of a name", key="matrix_find", bind="query-params", width=220)
        whose = [
            st.segmented_control(
                kind.capitalize(), WHOSE, default="all", key=f"matrix_{kind}", bind="query-params", required=True
            )
            for kind in ("proposals", "counterexamples")
        ]
        blind = st.toggle(
            "Blind", key="matrix_blind", bind="query-params",
            help="Only what you had judged yourself, one cell at a time, and no word of the literature.",
        )  # fmt: skip
    key = widget("matrix_verdict", STATES, several=True)
    states = st.pills(
        "Verdict", list(STATES), selection_mode="multi", key=key, on_change=remember, args=("matrix_verdict",),
        format_func=lambda key: f"{STATES[key].sign} {STATES[key].label}",
    )  # fmt: skip
    return Sieve(find, str(whose[0] or "all"), str(whose[1] or "all"), tuple(states), bool(blind))


def is_mine(entry: Entry) -> bool:
    """Whether it is no file of the literature's."""
    return entry.name not in (*literature.STRATEGIES, *literature.COUNTEREXAMPLES)


def _whose(entries: Mapping[str, Entry], whose: str) -> list[str]:
    found: Iterable[Entry] = entries.values()
    return [e.name for e in found if whose == "all" or is_mine(e) == (whose == "mine")]
