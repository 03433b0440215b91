"""Beside the card: who has labelled how much of a pool, and how far they agree with themselves and each other."""

from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.frame import html, place
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.store import Store
from rlhf_lab import labels

__all__ = ["beside", "raters_of"]

OTHERS = 3  # raters with whom one is compared
MANY = 5000  # labels in a pool from which on agreement is not reckoned anew at every one
SELDOM = 200  # labels between two reckonings, then


def beside(store: Store, pool: str, who: str) -> None:
    """Everyone's progress, and this rater's agreement; looked up again only after somebody has judged something."""
    home, event = place(), store.latest_event()
    texts, raters = _tally(store, home, pool, event)
    labels_given = sum(many for _, many, _ in raters)
    seldom = event // SELDOM if labels_given > MANY else event
    own, others = _agreement(store, home, pool, who, seldom)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}<small>{"simulated" if simulated else ""}</small></th>'
        f"<td>{many}</td><td>{many / max(texts, 1):.0%}</td></tr>"
        for name, many, simulated in raters
    )
    if rows:
        head = '<tr><th scope="col">rater</th><th scope="col">texts</th><th scope="col">of all</th></tr>'
        html(f'<h2>Labelled by</h2><table class="raters"><thead>{head}</thead><tbody>{rows}</tbody></table>')
    else:
        html('<h2>Labelled by</h2><p class="quiet">Nobody yet.</p>')
    lines = []
    if own.n:
        lines.append((word("self-agreement"), f"{own.share:.0%} of {own.n} texts labelled twice"))
    elif who:
        lines.append((word("self-agreement"), '<span class="quiet">known once texts came twice</span>'))
    for other, found in others.items():
        chance = "" if found.kappa != found.kappa else f", {word('kappa')} {found.kappa:.2f}"
        lines.append((f"with {escape(other)}", f"{found.share:.0%} of {found.n} texts{chance}"))
    if lines:
        listed = "".join(f"<dt>{name}</dt><dd>{told}</dd>" for name, told in lines)
        html(f"<h2>Agreement</h2><dl>{listed}</dl>")


def raters_of(store: Store, pool: str) -> list[str]:
    """Who has labels in a pool, in the order in which they came."""
    return [name for name, _, _ in _tally(store, place(), pool, store.latest_event())[1]]


@st.cache_data(show_spinner=False, max_entries=64)
def _tally(_store: Store, home: Path, pool: str, event: int) -> tuple[int, list[tuple[str, int, bool]]]:
    """Texts in the pool, and each rater with her labels and whether she is simulated. home, event: what it is of."""
    simulated = labels.described(_store, pool)
    return _store.count(pool), [(name, many, name in simulated) for name, many in _store.tally(pool).items()]


@st.cache_data(show_spinner=False, max_entries=64)
def _agreement(
    _store: Store, home: Path, pool: str, who: str, event: int
) -> tuple[labels.Agreement, dict[str, labels.Agreement]]:
    """With herself, and with at most three others who share texts with her. home, event: what it is of."""
    others = [name for name in _store.tally(pool) if name != who][:OTHERS] if who else []
    found = {other: labels.between(_store, pool, who, other) for other in others}
    return labels.self_agreement(_store, pool, who), {other: each for other, each in found.items() if each.n}
