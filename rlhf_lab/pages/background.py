"""Commands of `rlhf-lab` that a page starts and that outlive it, one at a time for each name, and their answers."""

import json
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import html
from elk_sandbox.runtime.detached import Detached, command

__all__ = ["answer", "background", "complaint", "follow", "lab", "watch"]


def background(home: Path, name: str) -> Detached:
    """The command of this name in the workspace, whether it runs, ran, or was never started."""
    return Detached(home / "background", name)


def lab(home: Path, *words: str) -> list[str]:
    """A `rlhf-lab` command on this workspace."""
    return command("rlhf_lab", home, *words)


def answer(job: Detached) -> dict[str, Any] | None:
    """What a command with --json printed in the end; None if it did not come to that."""
    try:
        printed = "\n" + job.log.read_text(errors="replace")
        found = json.loads(printed[printed.index("\n{") :])
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def complaint(job: Detached) -> str:
    """The last that a command said, without its name before it; empty if it said nothing."""
    return job.last_line().removeprefix("rlhf-lab: ")


def watch(*jobs: Detached) -> bool:
    """Whether one of these runs; where that has changed since the last look, the page is drawn anew.

    For a fragment that is run every so often while something runs, and not else.
    """
    running = [job.running for job in jobs]
    seen: dict[str, bool] = st.session_state.setdefault("watched", {})
    changed = False
    for job, runs in zip(jobs, running, strict=True):
        changed |= seen.get(job.name, runs) != runs
        seen[job.name] = runs
    if changed:
        st.rerun()
    return any(running)


def follow(job: Detached, words: str, asked: str) -> dict[str, Any] | None:
    """Show how a command with --json is: its last line while it runs, why it failed; return its answer once done.

    words: what it does, as plain text. asked: what it has to have been started for; of another's end nothing is said.
    """
    if job.asked != {asked}:
        return None
    if job.running:
        words, last = escape(words), escape(job.last_line())
        html(f'<p><span class="chip running">running</span> {words} <span class="quiet">{last}</span></p>')
        return None
    found = answer(job)
    if found is None:
        st.error(f"It did not come to an end. {complaint(job) or 'It was ended before it said anything.'}")
    return found
