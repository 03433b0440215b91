"""Blind rating in the browser: see what a sheet can show, make it, rate it, and only then learn who wrote what."""

from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.frame import TICK, begin, html, opened
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab.blind_sheet import progress
from rlhf_lab.pages.background import background, watch
from rlhf_lab.pages.blind_make import make
from rlhf_lab.pages.blind_result import LOOK, result
from rlhf_lab.pages.card import card
from rlhf_lab.pages.sittings import sitting_of
from rlhf_lab.pages.visitor import visitor
from rlhf_lab.sitting import Sitting

TABS = ["Rate", "Result", "New sheet"]


def main() -> None:
    begin(
        "Blind rating",
        "Do you like what training has made of the model? Texts of the original and of the trained model, or of its "
        f"{word('negative twin')} too, shuffled: you rate each without knowing who wrote it.",
    )
    st.html(f"<style>{LOOK}</style>")
    store, home = opened()
    sheets = [each.name for each in reversed(store.collections()) if each.kind == "sheet"]
    if not sheets:
        html("<h2>Make the first sheet</h2>")
        _making(store, home)
        return
    left, right = st.columns(2)
    sheet = str(left.selectbox("Sheet", sheets, key="blind_sheet", bind="query-params"))
    who = right.text_input(
        "Who is rating", visitor(), key="blind_who", bind="query-params", max_chars=60,
        help="Several people can rate one sheet, each in an order of their own; go on later where you were.",
    )  # fmt: skip
    chosen = st.segmented_control("Part", TABS, default=TABS[0], key="blind_part", bind="query-params",
                                  label_visibility="collapsed", required=True)  # fmt: skip
    if chosen == "Result":
        result(store, sheet, who.strip())
    elif chosen == "New sheet":
        _making(store, home)
    else:
        _rating(store, sheet, who.strip())


def _making(store: Store, home: Path) -> None:
    st.fragment(_make, run_every=TICK if watch(background(home, "blind")) else None)(store, home)


def _make(store: Store, home: Path) -> None:
    watch(background(home, "blind"))
    make(store, home, _choose)


def _choose(sheet: str) -> None:
    st.session_state["blind_sheet"] = sheet
    st.session_state["blind_part"] = "Rate"


def _rating(store: Store, sheet: str, who: str) -> None:
    main_column, side = st.columns([5, 3], gap="large")
    with main_column:
        if who:
            st.fragment(_rate)(store, sheet, who)
        else:
            html('<div class="empty"><p>Say above who is rating, and the first text appears here.</p></div>')
    with side:
        st.fragment(_raters, run_every=10.0)(store, sheet)


def _rate(store: Store, sheet: str, who: str) -> None:
    key = f"{sheet}:{who}"
    try:
        sitting = sitting_of(key, lambda: Sitting(store, sheet, who))
    except InputError as reason:
        st.error(f"{str(reason)[:1].upper()}{str(reason)[1:]}.")
        return
    card(sitting, key, f"All {sitting.total} are rated. Now see which model wrote what.")
    over = not sitting.left
    if over and st.button("See the result", type="primary", key="blind_see", on_click=_see):
        st.rerun()
    seen = st.session_state.get("blind_over")
    st.session_state["blind_over"] = key, over
    if seen == (key, not over):
        st.rerun()  # all of the page: who has rated how much stands outside this fragment


def _see() -> None:
    st.session_state["blind_part"] = "Result"


def _raters(store: Store, sheet: str) -> None:
    """How far everyone is; nothing of the arms."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{done} of {total}</td></tr>'
        for name, (done, total) in progress(store, sheet).items()
    )
    html(f"<h2>Rated by</h2>{f'<table><tbody>{rows}</tbody></table>' if rows else '<p class=quiet>Nobody yet.</p>'}")
    html('<p class="quiet">Which text is of which model stays hidden from you until you have rated all.</p>')


main()
