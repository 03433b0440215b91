"""Start something new: a stage with its settings, or an evaluation; every one a command in the background."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, empty, html
from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.jobs import open_run
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab.evaluating import evaluating
from rlhf_lab.labels import raters
from rlhf_lab.launch import cloned, enter, go_on
from rlhf_lab.pages import timing
from rlhf_lab.pages.background import answer, background, follow, lab, watch
from rlhf_lab.pages.demo_panel import demo_form
from rlhf_lab.pages.label_makers import new_pool
from rlhf_lab.pages.second import second_model
from rlhf_lab.pages.stage_form import settings_form
from rlhf_lab.raters import RATERS, make
from rlhf_lab.reward_labels import check
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.settings import RATER, settings_of

__all__ = ["PARTS", "clone_form", "evaluate_form", "start"]

PARTS = {
    "demo": "The demo",
    "pretrain": "Language model",
    "reward": "Reward model",
    "ppo": "PPO policy",
    "pool": "Pool of samples",
}


def start(store: Store, home: Path, chosen: str) -> None:
    """The form of one part, which is drawn anew by itself."""
    jobs = {"demo": "demo", "pool": "sample"}
    job = background(home, jobs.get(chosen, "estimate"))
    if chosen == "demo":
        demo_form(store, home)
        return
    st.fragment(_part, run_every=TICK if watch(job) else None)(store, home, chosen)


def _part(store: Store, home: Path, chosen: str) -> None:
    if chosen == "pool":
        watch(background(home, "sample"))
        new_pool(store, home)
        return
    watch(background(home, "estimate"))
    parents = _parents(store, chosen)
    if parents is None:
        return
    offered: dict[str, Any] = {}
    if chosen == "reward":
        pools = [each.name for each in reversed(store.collections()) if each.kind == "pool"]
        if not pools:
            empty("A reward model learns from the labels of a pool, and there is none yet.")
            st.page_link("rlhf_lab/pages/label.py", label="Make a pool and label it")
            return
        asked = st.session_state.get("new:reward:pool", pools[0])
        offered = {"pool": pools, "rater": ["", *(raters(store, asked) if asked in pools else [])]}
    changed = settings_form(chosen, {}, f"new:{chosen}", offered)
    _launch(store, home, chosen, changed, parents)


def _parents(store: Store, kind: str) -> dict[str, str] | None:
    """What the stage is to build on, chosen among runs that are done; None, and said, where something is missing."""
    if kind == "pretrain":
        return {}
    done = {k: [row.name for row in reversed(store.runs(k)) if row.outcome == "done"] for k in ("pretrain", "reward")}
    if not done["pretrain"]:
        empty("This builds on a language model, and none is done yet: start one first, or the demo.")
        return None
    columns = st.columns(2)
    base = str(columns[0].selectbox("Base model", done["pretrain"], key=f"new:{kind}:base"))
    if kind == "reward":
        return {"base": base}
    rewards = [*done["reward"], *(f"{RATER}{name}" for name in RATERS if not make(name).alias)]
    reward = columns[1].selectbox(
        "Reward", rewards, key="new:ppo:reward",
        help="A reward model, or a simulated rater's own score; the control, where gold trains, is rater:careful on "
             "stage, else rater:vader.",
    )  # fmt: skip
    return {"base": base, "reward": str(reward)}


def _launch(store: Store, home: Path, kind: str, changed: dict[str, Any], parents: Mapping[str, str]) -> None:
    taken = {row.name for row in store.runs()}
    left, middle, right = st.columns([3, 2, 3], vertical_alignment="bottom")
    usual = _free(kind, taken)
    name = left.text_input("Name of the run", usual, key=f"new:{kind}:name:{usual}", max_chars=64).strip()
    if why := refusal():
        st.warning(why)
        return
    short = _wanting(store, kind, changed)
    if middle.button("Start", type="primary", key=f"start:{kind}", width="stretch", disabled=bool(short)):
        try:
            go_on(enter(store, home, kind, name, changed, dict(parents)))
        except InputError as reason:
            st.error(str(reason))
        else:
            st.query_params["runs_run"] = name
            st.session_state["runs_begun"] = name, kind
            st.rerun()
    _told_short(store, short, str(changed.get("pool", "")))
    _begun(store, home, kind)
    words = [kind, *(["--base", parents["base"]] if parents else [])]
    for key, value in changed.items():
        words += ["--set", f"{key}={value}"]
    with right:
        timing.button(home, words, f"estimate:{kind}", unable=bool(short))
    timing.outcome(home, words)


def _wanting(store: Store, kind: str, settings: Mapping[str, Any]) -> str:
    """Why a reward model could not be trained on the labels that there are; empty if it could."""
    if kind != "reward":
        return ""
    try:
        config = settings_of(RewardConfig, dict(settings))
    except InputError:
        return ""  # the button says why
    try:
        check(store, config)
    except InputError as reason:
        return str(reason)
    return ""


def _told_short(store: Store, short: str, pool: str) -> None:
    if not short:
        return
    st.warning(f"{short[:1].upper()}{short[1:]}.")
    if pool in {each.name for each in store.collections() if each.kind == "pool"}:
        st.page_link("rlhf_lab/pages/label.py", label=f"Open {pool}", query_params={"label_pool": pool})


def _begun(store: Store, home: Path, kind: str) -> None:
    """What was started here last, near the button, since the run itself appears further up."""
    name, of = st.session_state.get("runs_begun", ("", ""))
    if of != kind or name not in {row.name for row in store.runs(kind)}:
        return
    state = jobs.state(open_run(store, home, name))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chip = f'<span class="chip {state}">{"starting" if state == "new" else state}</span>'
        html(f"<p>{chip} <strong>{escape(name)}</strong> was started, and stands in the list above.</p>")
        if st.button(f"Show {name}", key=f"show:{kind}", on_click=_show, args=(name,)):
            st.rerun()  # all of the page: the run stands outside this fragment


def _show(name: str) -> None:
    """Have the page show this run, and scroll to it."""
    st.query_params["runs_run"] = name
    st.session_state["runs_show"] = st.session_state.get("runs_show", 0) + 1


def clone_form(store: Store, home: Path, row: Any) -> None:
    """Run anew with the same parents, and with the settings that are changed here."""
    html(f"<p>With the parents of <strong>{row.name}</strong>, and its settings but for what you change.</p>")
    offered = {}
    if row.kind == "reward":
        pools = [each.name for each in store.collections() if each.kind == "pool"]
        given = row.config.get("pool", "")
        whose = raters(store, given) if given in pools else {}
        offered = {"pool": pools, "rater": ["", *whose]}
    changed = settings_form(row.kind, row.config, f"clone:{row.name}", offered)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    usual = _free(row.name, {each.name for each in store.runs()})
    new = left.text_input("Name of the new run", usual, key=f"clone:{row.name}:name:{usual}", max_chars=64).strip()
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items()) or "nothing is changed yet"
    short = _wanting(store, row.kind, row.config | changed)
    go = f"clone:{row.name}:go"
    if right.button("Start the clone", type="primary", key=go, width="stretch", disabled=bool(short)):
        try:
            go_on(cloned(store, home, row.name, new, changed))
        except InputError as reason:
            st.error(str(reason))
        else:
            _show(new)
            st.rerun()
    st.caption(f"Changed: {told}.")
    _told_short(store, short, str((row.config | changed).get("pool", "")))


def evaluate_form(store: Store, home: Path, name: str) -> None:
    """`rlhf-lab evaluate`: gold, proxy and a second reward model at every checkpoint."""
    run = open_run(store, home, name)
    job = evaluating(run)
    one, two, three, four = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    with one:
        second = second_model(run, f"evaluate:{name}:second")
    gold = two.selectbox("Gold", ["usual", "careful", "vader"], key=f"evaluate:{name}:gold",
                         help="The careful reader on the stage corpus, VADER elsewhere.")  # fmt: skip
    many = three.number_input("Completions", 4, 100_000, 1000, step=250, key=f"evaluate:{name}:n",
                              help="Of each checkpoint.")  # fmt: skip
    words = ["evaluate", name, "--completions", str(many)]
    words += ["--second", second] if second else []
    words += ["--gold", gold] if gold and gold != "usual" else []
    if four.button("Evaluate", type="primary", key=f"evaluate:{name}:go", disabled=job.running, width="stretch"):
        job.start(lab(home, *words, "--json"), [name])
        st.rerun()
    found = follow(job, "Sampling every checkpoint.", name)
    if found and answer(job):
        st.success(str(found.get("headline") or "It is evaluated."))


def _free(name: str, taken: set[str]) -> str:
    stem = name.rstrip("0123456789").rstrip("-") or name
    return next(each for k in range(1, len(taken) + 2) if (each := f"{stem}-{k}") not in taken)
