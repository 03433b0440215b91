"""Labelling in the browser: one text at a time, by key, each label in the store before it is shown as saved."""

from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.frame import TICK, begin, empty, html, opened
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab.pages.background import background, watch
from rlhf_lab.pages.card import card
from rlhf_lab.pages.label_files import exchange
from rlhf_lab.pages.label_makers import new_pool, simulate
from rlhf_lab.pages.label_state import beside
from rlhf_lab.pages.sittings import sitting_of
from rlhf_lab.pages.visitor import visitor
from rlhf_lab.sitting import Sitting

REPEATS = {"none": 0.0, "5 %": 0.05, "10 %": 0.1, "20 %": 0.2}
LOOK = """
.raters td:first-child { max-width: 9rem; overflow: hidden; text-overflow: ellipsis; }
"""


def main() -> None:
    begin("Label", f"Is this text positive, neutral or negative? A {word('reward model')} learns from what you say.")
    st.html(f"<style>{LOOK}</style>")
    store, home = opened()
    pools = [each.name for each in reversed(store.collections()) if each.kind == "pool"]
    if not pools:
        _nothing(store, home)
        return
    pool, who, repeats = _choices(pools)
    main_column, side = st.columns([5, 3], gap="large")
    with main_column:
        if who:
            st.fragment(_rate)(store, pool, who, repeats)
        else:
            empty("Whose labels are these? Say above who is labelling, and the first text appears here.")
    with side:
        st.fragment(beside, run_every=10.0)(store, pool, who)
    _more(store, home, pool, who)


def _choices(pools: list[str]) -> tuple[str, str, float]:
    left, middle, right = st.columns([3, 3, 2], vertical_alignment="bottom")
    with left:
        pool = st.selectbox("Pool", pools, key="label_pool", bind="query-params")
    with middle:
        who = st.text_input(
            "Who is labelling", visitor(), key="label_who", bind="query-params", max_chars=60,
            help="Each person sees the texts in an order of their own, and goes on where they were.",
        )  # fmt: skip
    with right:
        again = st.selectbox(
            "Shown twice", list(REPEATS), index=2, key="label_repeats", bind="query-params",
            help="The share of texts that come a second time, later: how often you say the same again is your "
            "self-agreement, the most that a reward model can agree with you.",
        )  # fmt: skip
    return str(pool), who.strip(), REPEATS[again or "none"]


def _choose(pool: str) -> None:
    st.session_state["label_pool"] = pool


def _rate(store: Store, pool: str, who: str, repeats: float) -> None:
    """The card alone runs again at a key."""
    key = f"{pool}:{who}:{repeats}"
    try:
        sitting = sitting_of(key, lambda: Sitting(store, pool, who, repeats=repeats))
    except InputError as reason:
        st.error(f"{str(reason)[:1].upper()}{str(reason)[1:]}.")
        return
    card(sitting, key, f"All {sitting.total} are labelled. U takes back the last one.")
    if not sitting.left:
        st.page_link(
            "rlhf_lab/pages/runs.py", label="Train a reward model on them", query_params={"runs_new": "Reward model"}
        )


def _nothing(store: Store, home: Path) -> None:
    models = [row.name for row in store.runs("pretrain") if row.outcome == "done"]
    if models:
        empty("There is no pool of texts yet. Sample some from a model, and label them here.")
        jobs = [background(home, "sample")]
        st.fragment(new_pool, run_every=TICK if any(j.running for j in jobs) else None)(store, home, _choose)
    else:
        empty(
            "Texts to label are samples of a language model, and there is none yet. The demo trains one and labels its "
            "samples; a pretrain run is a model of your own."
        )
        st.page_link("rlhf_lab/pages/runs.py", label="Start one of them")


def _more(store: Store, home: Path, pool: str, who: str) -> None:
    st.divider()
    jobs = [background(home, "sample"), background(home, f"simulate-{pool}")]
    st.fragment(_makers, run_every=TICK if watch(*jobs) else None)(store, home, pool, who)


def _makers(store: Store, home: Path, pool: str, who: str) -> None:
    watch(background(home, "sample"), background(home, f"simulate-{pool}"))
    files, raters, pools = st.tabs(
        ["Import and export", "Simulated raters", "New pool"], key="label_tab", bind="query-params", on_change="rerun"
    )
    if files.open:
        with files:
            exchange(store, pool, who)
    elif raters.open:
        with raters:
            html(f"<p>A simulated rater labels all of <strong>{escape(pool)}</strong> that it has not labelled.</p>")
            simulate(store, home, pool)
    elif pools.open:
        with pools:
            new_pool(store, home, _choose)


main()
