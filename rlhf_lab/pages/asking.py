"""A beginning that the visitor types, and the command that continues it at every checkpoint."""

from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, html
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.run import Run
from rlhf_lab.closeups import Ask
from rlhf_lab.pages.background import complaint, lab

__all__ = ["asked", "offer"]

WAITING = "ck_waiting"  # in the session: the key of the closeup that this visitor asked for


def asked() -> Ask:
    """What the address and the field ask for."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        prefix = st.text_input(
            "A beginning", key="ck_begin", bind="query-params", placeholder="empty: texts from their start",
            help="Continued at every checkpoint by the same random numbers.", max_chars=200,
        )  # fmt: skip
        seed = st.number_input("Random numbers", 0, 9999, key="ck_seed", bind="query-params", width=140)
    return Ask((prefix or "").rstrip(" "), int(seed or 0))  # a blank belongs to the token that follows


def offer(run: Run, ask: Ask, found: dict[str, Any] | None, steps: list[int]) -> None:
    """Say what is there of this closeup, and start the command that makes or renews it."""
    job = Detached(run.home, "closeup")
    key = f"{run.name}/{ask.key}"
    behind = len(steps) - len(found["checkpoints"]) if found else len(steps)
    busy = job.running
    mine = busy and key in job.asked
    if mine or (busy and st.session_state.get(WAITING) == key):
        st.fragment(_watch, run_every=TICK)(run, ask, job, key, len(steps))
        return
    if not behind:
        return
    if key in job.asked:  # it was tried
        st.session_state.pop(WAITING, None)
        if not found:
            last = complaint(job) or "its log is empty"
            st.error(f"The beginning was not continued: {last}")
    elif not busy and st.session_state.get(WAITING) == key and job.start(_command(run, ask), [key]):
        st.rerun()
    if found:
        more = f"{behind} checkpoint{'s' * (behind > 1)} more"
        html(f'<p class="quiet">The run has {more} than when these texts were written.</p>')
        label = "Write them anew"
    else:
        what = f"“{ask.prefix}”" if ask.prefix else "Texts from their start"
        st.html(
            f'<div class="elk"><div class="empty"><p>{escape(what)} {"has" if ask.prefix else "have"} not been '
            f"continued yet. Each of the {len(steps)} checkpoints writes {ask.count} texts by the same random numbers; "
            f"they are kept with the run.</p></div></div>"
        )
        label = f"Continue at {len(steps)} checkpoints, about {5 + round(0.15 * len(steps))} s"
    if (why := refusal()) is not None:
        st.info(why)
    elif st.button(label, type="primary", key="ck_go"):
        st.session_state[WAITING] = key
        job.start(_command(run, ask), [key])
        st.rerun()


def _watch(run: Run, ask: Ask, job: Detached, key: str, checkpoints: int) -> None:
    """Progress until the command ends; then the page is drawn anew."""
    if not job.running:
        st.rerun()
    if key not in job.asked:
        st.progress(0.0, text="Waiting for another beginning, which is being continued")
        return
    line = job.last_line()
    done = line.removeprefix("looking at checkpoint ").partition(" ")[0]
    share = int(done) / checkpoints if done.isdecimal() and checkpoints else 0.0
    st.progress(min(share, 1.0), text=f"Writing at checkpoint {done} of {checkpoints}" if share else "Loading PyTorch")


def _command(run: Run, ask: Ask) -> list[str]:
    words = [f"--prefix={ask.prefix}", "--seed", str(ask.seed), "--count", str(ask.count), "--json"]
    return lab(run.home, "closeup", run.name, *words)
