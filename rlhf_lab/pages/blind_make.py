"""A new blind sheet: what it could show is said first, live, and then the texts are sampled by the command line."""

import math
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import empty, html
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, check_name
from elk_sandbox.runtime.tables import RunRow
from elk_sandbox.terminal import InputError
from rlhf_lab.pages.background import background, follow, lab
from rlhf_lab.runs import before_the_stop, has_moved, marks

__all__ = ["make"]

MOST = 80  # texts of each arm, up to which the power is known at once


def make(store: Store, home: Path, choose: Callable[[str], None]) -> None:
    """Controls of `rlhf-lab blind make`, with the power beside them; choose has the page show the new sheet."""
    runs = [row for row in reversed(store.runs("ppo")) if has_moved(Run(store, home, row))]
    if not runs:
        empty(
            "A sheet compares a trained policy with its original model, and there is no PPO run with a checkpoint yet."
        )
        st.page_link("rlhf_lab/pages/runs.py", label="Start the demo, or a PPO run")
        return
    left, right = st.columns([5, 4], gap="large")
    with left:
        words, sheet = _choices(store, home, runs)
        n = int(st.slider("Texts of each model", 5, MOST, 20, key="blind_n", bind="query-params"))
    with right:
        _power(n, 3 if "--twin" in words else 2)
    job = background(home, "blind")
    if why := refusal():
        st.warning(why)
        return
    taken = sheet in {each.name for each in store.collections()}
    if st.button("Make the sheet", type="primary", disabled=job.running or taken or not sheet):
        try:
            check_name(sheet, "sheet")
        except InputError as reason:
            st.error(str(reason))
        else:
            job.start(lab(home, "blind", "make", sheet, *words, "--n", str(n), "--json"), [sheet])
            st.rerun()
    (last,) = job.asked or ("",)
    found = follow(job, f"Sampling the texts of {last}.", last)
    ready = found and last in {each.name for each in store.collections()}
    if taken and not (ready and sheet == last):
        st.caption(f"There is a sheet or pool called {sheet} already.")
    if found and ready:
        st.success(f"{last}: {found['texts']} texts are ready")
        if st.button(f"Rate {last}: {found['texts']} texts", key="blind_rate", on_click=choose, args=(last,)):
            st.rerun()  # all of the page: what was chosen is drawn outside this fragment


def _choices(store: Store, home: Path, runs: list[RunRow]) -> tuple[list[str], str]:
    """The words of the command after the sheet's name, and that name."""
    by_name = {row.name: row for row in runs}
    one, two = st.columns(2)
    positive = [name for name, row in by_name.items() if row.config.get("target") != "negative"]
    names = positive + [n for n in by_name if n not in positive]
    name = str(one.selectbox("Trained model", names, key="blind_run", bind="query-params"))
    run = Run(store, home, by_name[name])
    usual = before_the_stop(run)
    nats = {at: f"iteration {at}" + ("" if math.isnan(kl) else f", {kl:.1f} nats") for at, kl in marks(run) if at}
    at = two.selectbox(
        "Checkpoint", list(nats), list(nats).index(usual) if usual in nats else 0, key=f"blind_at:{name}",
        format_func=nats.__getitem__, help="The last one before the KL stop, unless you choose another.",
    )  # fmt: skip
    twins = [n for n, row in by_name.items() if n != name and row.config.get("target") == "negative"]
    three, four = st.columns(2)
    twin = three.selectbox(
        "Third arm", ["none", *twins], key="blind_twin", bind="query-params",
        help="The negative twin: a run with --target negative, at its last checkpoint before the stop.",
    )  # fmt: skip
    taken = {each.name for each in store.collections()}
    usual_name = next(each for k in range(1, len(taken) + 2) if (each := f"{name}-blind-{k}") not in taken)
    sheet = four.text_input("Name of the sheet", usual_name, key=f"blind_name:{usual_name}", max_chars=64).strip()
    words = [name, "--checkpoint", str(at)]
    return words + (["--twin", twin] if twin and twin != "none" else []), sheet


def _power(n: int, arms: int) -> None:
    most = ", corrected for three comparisons: the chances are at least these" if arms > 2 else ""
    rows = "".join(
        f'<tr><th scope="row">{before:.0%} to {after:.0%}</th><td>{fisher:.0%}</td><td>{ranks:.0%}</td>'
        f"<td>{both:.0%}</td></tr>"
        for before, after, fisher, ranks, both in _chances(n, arms)
    )
    html(
        f"<h2>What {n} and {n} can show</h2><p>The chance of p &lt; .05, were the share of texts that you rate "
        f"positive to change so much. The result calls a difference clear if both tests do{most}.</p>"
        "<table><thead><tr>"
        f'<th scope="col">share positive</th><th scope="col">{word("Fisher")}</th>'
        f'<th scope="col">{word("Mann-Whitney")}</th><th scope="col">both</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


@st.cache_data(show_spinner=False, max_entries=100)
def _chances(n: int, arms: int) -> list[tuple[float, float, float, float, float]]:
    from rlhf_lab.blind_power import chances

    return [(each.before, each.after, each.fisher, each.mann_whitney, each.both) for each in chances(n, arms)]
