"""A button that times a few steps of something in the background, and what came of it."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from elk_sandbox.pages.frame import TICK, html
from elk_sandbox.terminal import duration
from rlhf_lab.pages.background import background, follow, lab, watch

__all__ = ["button", "outcome", "timing"]


def button(home: Path, words: Sequence[str], key: str, *, unable: bool = False) -> None:
    """Have `rlhf-lab estimate` time what these words name; one at a time."""
    job = background(home, "estimate")
    if st.button("Estimate the time", key=key, disabled=unable or job.running, help="Times a few steps."):
        job.start(lab(home, "estimate", *words, "--json"), [_asked(words)])
        st.rerun()


def _asked(words: Sequence[str]) -> str:
    return " ".join(["estimate", *words])


def outcome(home: Path, words: Sequence[str]) -> None:
    """What timing these words came to, or that it is on its way."""
    found = follow(background(home, "estimate"), "Timing a few steps.", _asked(words))
    if found:
        html(
            f"<p>About <strong>{duration(found['seconds'])}</strong> on this machine as it is now: {found['words']}, "
            f"{found['step']:.2g} s each.</p>"
        )


def timing(home: Path, words: Sequence[str], key: str) -> None:
    """Both, drawn anew by themselves while it is timed."""
    st.fragment(_timing, run_every=TICK if watch(background(home, "estimate")) else None)(home, words, key)


def _timing(home: Path, words: Sequence[str], key: str) -> None:
    watch(background(home, "estimate"))
    button(home, words, key)
    outcome(home, words)
