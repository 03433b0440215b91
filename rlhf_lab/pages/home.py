"""Where a visitor begins: what this is, one button for each half, the latest runs, and what isolation enforces here."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox import judged
from elk_sandbox.markup import badge, sentence
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.files import addresses, registry
from elk_sandbox.pages.frame import TICK, begin, html, opened
from elk_sandbox.pages.words import word
from elk_sandbox.runtime import measured
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import RegistryError
from elk_sandbox.runtime.store import Store
from rlhf_lab.pages.background import watch
from rlhf_lab.pages.demo_panel import demo, demo_job, runs_of
from rlhf_lab.pages.run_list import GOING, run_list

BASELINE = "human_labels", "human_simulator"
RECENT = 5
ELK = {
    "vault": ("Vault", "Walk about in an exact world: what happens, what is seen, what each reporter answers."),
    "workbench": ("Workbench", "Write a proposal or a counterexample, and judge it."),
    "matrix": ("Matrix", "Every proposal against every counterexample, beside the literature's verdicts."),
    "flip": ("When does it flip?", "The boundary where a verdict turns, as a formula and a plot."),
    "networks": ("Networks", "The same proposals on networks that were trained."),
}
LAB = {
    "runs": ("Runs", "Start, watch, stop and resume the demo or any stage."),
    "label": ("Label", "Positive, neutral or negative: one text at a time, by keys."),
    "reward": ("Reward model", "What it learned from the labels, and where it is wrong."),
    "checkpoints": ("Checkpoints", "The same texts at every checkpoint, token by token."),
    "overoptimization": ("Over-optimisation", "Proxy and gold against KL."),
    "blind": ("Blind rating", "Rate without knowing which model wrote what."),
}
LOOK = """
.elk ul.attacks { list-style: none; padding: 0; margin: 0.5rem 0 0; columns: 17rem; column-gap: 2rem;
  font-size: 0.9rem; }
.elk ul.attacks li { display: flex; gap: 0.6rem; break-inside: avoid; padding: 0.15rem 0; }
.elk ul.attacks b { flex: none; width: 5.6rem; font-weight: 600; }
.elk ul.attacks b.no { color: var(--elk-strict-ink); background: var(--elk-strict-fill); border-radius: 0.2rem;
  padding: 0 0.3rem; }
.elk ul.attacks b.yes { color: var(--elk-quiet); }
"""


def main() -> None:
    begin(
        "elk-sandbox",
        "Training rewards what a judge approves of, and a judge sees a part of the truth. Here you see the gap between "
        "what was approved and what is true: exactly in small worlds, and in a language model trained by your labels.",
    )
    st.html(f"<style>{LOOK}</style>")
    store, home = opened()
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        _elk(home)
    with right, st.container(border=True, height="stretch"):
        _rlhf(store, home)
    active = demo_job(home, "demo").running or any(each.state in GOING for each in runs_of(store, home))
    st.fragment(_recent, run_every=TICK if active else None)(store, home)
    html('<h2 style="margin-top: 1rem">What isolation enforces on this machine</h2>')
    job = Detached(home, "doctor")
    if not job.asked and measured.kept(home) is None and refusal() is None:
        _measure(home)  # once by itself: what is enforced is known only by trying
    st.fragment(_isolation, run_every=TICK if watch(job) else None)(home)


def _elk(home: Path) -> None:
    html(
        f"<h2>ELK</h2><p>Write an objective as one small file, and learn in which worlds it selects an honest "
        f"{word('reporter')}, and where a {word('human simulator')} wins.</p>"
    )
    job = Detached(home, "baseline")
    st.fragment(_baseline, run_every=TICK if watch(job) else None)(home)
    _pages("elk_sandbox/pages", ELK)


def _baseline(home: Path) -> None:
    job = Detached(home, "baseline")
    running = watch(job)
    try:
        cell, keys = judged.kept(registry(), home, *BASELINE), addresses()
    except (RegistryError, KeyError) as reason:
        st.error(f"The baseline is not among the files: {reason}")
        return
    proposal, counterexample = BASELINE
    link = {"proposal": proposal, "counterexample": counterexample}
    if cell:
        html(
            f"<p>{badge(cell)}</p><p>The baseline, {escape(proposal)} against {escape(counterexample)}: "
            f"{escape(sentence(cell))}</p>"
        )
        st.page_link("elk_sandbox/pages/matrix.py", label="See why, in the matrix", query_params=link)
    elif running:
        html('<p><span class="chip running">judging</span> human_labels against human_simulator</p>')
    elif why := refusal():
        st.warning(why)
    else:
        if job.asked:
            st.error(f"The command ended without a verdict. {job.last_line()}")
        if st.button("Judge the baseline, 2 s", type="primary"):
            job.start([*command("elk_sandbox", home, "judge", proposal, counterexample), "--json"], ["baseline"])
            st.rerun()
    html(f'<p class="quiet">{judged.there(keys.values(), home)} of {len(keys)} cells of the matrix are judged.</p>')


def _rlhf(store: Store, home: Path) -> None:
    html(
        f"<h2>RLHF</h2><p>Pretrain a small transformer, label its samples, train a {word('reward model')} on the "
        f"labels and a policy on that, and see where {word('over-optimisation')} begins.</p>"
    )
    demo(store, home)
    _pages("rlhf_lab/pages", LAB)


def _pages(folder: str, shown: Mapping[str, tuple[str, str]]) -> None:
    """Links to a half's pages, each with what is done there."""
    with st.container(horizontal=True, gap="small"):
        for name, (label, told) in shown.items():
            st.page_link(f"{folder}/{name}.py", label=label, help=told)


def _recent(store: Store, home: Path) -> None:
    runs = runs_of(store, home)
    states = {each.row.name: each.state for each in runs}
    changed = st.session_state.get("home_seen", states) != states
    st.session_state["home_seen"] = states
    if changed:
        st.rerun()
    if not runs:
        return
    running, many = sum(state in GOING for state in states.values()), len(states)
    pools = sum(each.kind == "pool" for each in store.collections())
    html(
        f"<h2>Recent runs</h2><p class=quiet>{many} run{'s' * (many != 1)}, {running or 'none'} running; "
        f"{pools} pool{'s' * (pools != 1)} of texts.</p>"
    )
    picked, _ = run_list(runs[:RECENT], "", may_act=False)
    if picked in states:
        st.switch_page("rlhf_lab/pages/runs.py", query_params={"runs_run": str(picked)})


def _isolation(home: Path) -> None:
    job = Detached(home, "doctor")
    running = watch(job)
    found = measured.kept(home)
    if running:
        html('<p><span class="chip running">measuring</span> 13 attacks are tried from inside a child process.</p>')
        return
    if found is None:
        if why := refusal():
            html(f"<p>{escape(why)}</p>")
            return
        told = job.last_line() if job.asked else ""
        last = f'<span class="quiet">{escape(told)}</span>'
        html(f"<p>It was not measured with this kernel, Python and these packages. {last}</p>")
        st.button("Measure it, 3 s", on_click=_measure, args=(home,))
        return
    attacks = found["attacks"]
    items = "".join(
        f'<li title="{escape(each["detail"], quote=True)}"><b class="{"yes" if each["blocked"] else "no"}">'
        f"{'blocked' if each['blocked'] else 'NOT BLOCKED'}</b><span>{escape(each['name'])}</span></li>"
        for each in attacks
    )
    html(
        f"<p>Files of proposals run in a child process. {found['blocked']} of {len(attacks)} attacks from inside it "
        f'were blocked here, <code>{escape(found["isolation"])}</code>.</p><ul class="attacks">{items}</ul>'
    )
    if refusal() is None:
        st.button("Measure again", on_click=_measure, args=(home,))


def _measure(home: Path) -> None:
    Detached(home, "doctor").start([*command("elk_sandbox", home, "doctor"), "--json"], ["doctor"])


main()
