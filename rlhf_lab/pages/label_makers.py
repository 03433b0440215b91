"""Where texts and labels come from without typing them: a new pool of samples, and simulated raters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.runtime.store import Store, check_name
from elk_sandbox.terminal import InputError
from rlhf_lab.labels import described
from rlhf_lab.pages.background import background, follow, lab
from rlhf_lab.raters import KNOBS, RATERS, Knob

__all__ = ["new_pool", "simulate"]


def new_pool(store: Store, home: Path, choose: Callable[[str], None] | None = None) -> None:
    """Controls of `rlhf-lab sample RUN --pool NAME`.

    choose: has the page that draws this show the new pool; without it a link leads to the page Label. A link to the
    page that one is on changes the address alone, and not the widgets that are bound to it.
    """
    runs = [row.name for row in store.runs() if row.kind == "pretrain" and row.outcome == "done"]
    runs += [row.name for row in store.runs() if row.kind == "ppo"]
    if not runs:
        st.caption("Samples need a model: start a pretrain run or the demo on the page Runs.")
        return
    job = background(home, "sample")
    one, two, three = st.columns([3, 3, 2], vertical_alignment="bottom")
    run = one.selectbox("Sampled from", runs, key="pool_run", help="Of a PPO run it is the last checkpoint.")
    taken = {each.name for each in store.collections()}
    name = two.text_input("Name of the pool", _free("pool", taken), key="pool_name", max_chars=64).strip()
    count = three.number_input("Texts", 1, 100_000, 300, step=50, key="pool_count")
    with st.expander("More"):
        four, five, six = st.columns(3)
        snippets = four.number_input(
            "Share cut from the corpus", 0.0, 0.9, 0.0, step=0.1, key="pool_snippets",
            help="Snippets of the corpus instead of samples, mixed in; of a pretrain run only.",
        )  # fmt: skip
        length = five.number_input("Tokens", 0, 512, 0, key="pool_length", help="0: 24 with words as tokens, else 48.")
        seed = six.number_input("Seed", 0, 2**31, 0, key="pool_seed")
    if why := refusal():
        st.warning(why)
        return
    words = ["sample", run, "--count", str(count), "--pool", name, "--seed", str(seed), "--json"]
    words += ["--snippets", str(snippets)] if snippets else []
    words += ["--length", str(length)] if length else []
    unable = job.running or not name or name in taken
    # With a key it stays the same button while its label follows the field, so that a click just after typing counts.
    if st.button(f"Sample {count} texts", type="primary", key="pool_go", disabled=unable):
        try:
            check_name(name, "pool")
        except InputError as reason:
            st.error(str(reason))
        else:
            job.start(lab(home, *words), [name])
            st.rerun()
    (last,) = job.asked or ("",)
    ready = follow(job, f"Sampling the pool {last}.", last) is not None and last in taken
    if name in taken and not (ready and name == last):
        st.caption(f"There is a pool or sheet called {name} already.")
    if not ready:
        return
    many = store.count(last)
    st.success(f"{last}: {many} text{'s are' if many != 1 else ' is'} ready")
    if choose is None:
        st.page_link("rlhf_lab/pages/label.py", label=f"Label {last}", query_params={"label_pool": last})
    elif st.button(f"Label {last}", key="pool_label", on_click=choose, args=(last,)):
        st.rerun()  # all of the page: what was chosen is drawn outside this fragment


def _free(name: str, taken: set[str]) -> str:
    return next(each for k in range(1, len(taken) + 2) if (each := f"{name}-{k}") not in taken)


def simulate(store: Store, home: Path, pool: str) -> None:
    """Controls of `rlhf-lab label POOL --simulate RATER`: every knob, drawn from its own limits."""
    job = background(home, f"simulate-{pool}")
    one, two, three = st.columns([3, 3, 2], vertical_alignment="bottom")
    name = str(one.selectbox("Rater", list(RATERS), key="simulate_rater"))
    who = two.text_input("Known as", name, key=f"simulate_who:{name}", max_chars=60).strip()
    seed = three.number_input("Seed", 0, 2**31, 0, key="simulate_seed")
    st.caption(f"{name}: {RATERS[name][1]}.")
    with st.expander("Knobs"):
        usual = {knob: each.neutral for knob, each in KNOBS.items()} | RATERS[name][0]
        columns, set_ = st.columns(3), {}
        for at, (knob, each) in enumerate(KNOBS.items()):
            with columns[at % 3]:
                value = _knob(f"{name}:{knob}", knob, each, usual[knob])
            if value != usual[knob]:
                set_[knob] = value
    if why := refusal():
        st.warning(why)
        return
    words = ["label", pool, "--simulate", name, "--rater", who or name, "--seed", str(seed), "--json"]
    for knob, value in set_.items():
        words += ["--set", f"{knob}={'none' if value is None else value}"]
    if st.button(f"Let {who or name} label all", type="primary", key=f"simulate_go:{pool}", disabled=job.running):
        job.start(lab(home, *words), [pool])
        st.rerun()
    found = follow(job, f"Labelling {pool}.", pool)
    if found is not None:
        known = ", ".join(described(store, pool))
        st.success(f"{found['rater']} labelled {found['labelled']} texts. Simulated raters of this pool: {known}.")


def _knob(key: str, name: str, knob: Knob, usual: Any) -> Any:
    label = name.replace("_", " ")
    if knob.choices:
        return st.selectbox(label, knob.choices, knob.choices.index(usual), key=f"knob:{key}", help=knob.meaning)
    kind: type = int if knob.whole else float
    low, high = (None if abs(each) == float("inf") else kind(each) for each in (knob.low, knob.high))
    return st.number_input(
        label, low, high, None if usual is None else kind(usual), key=f"knob:{key}", help=knob.meaning,
        placeholder="none" if knob.optional else None, step=1 if knob.whole else 0.05,
    )  # fmt: skip
