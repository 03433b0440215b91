"""How far a demo is that runs in the background, by what it printed and left; no model is loaded for it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.store import Store

__all__ = ["STEPS", "DemoState", "demo_state"]

# What each step does, in the order in which they are done.
STEPS = {
    "pretrain": "a language model from scratch",
    "label": "samples of it, labelled by a simulated rater",
    "reward": "two reward models",
    "ppo": "a policy, to the KL stop and on",
    "twin": "its negative twin",
    "evaluate": "every checkpoint, by proxy and gold",
    "blind": "a blind rating",
    "report": "figures and a report",
}
STEP = re.compile(r"^\[(\d+)/(\d+)\] (\w+): (.*?)(?: \(about (.+) left\))?$", re.MULTILINE)
END = re.compile(r"^\d+ s\. Go on: ", re.MULTILINE)  # the first words of the last line of a demo that is done


@dataclass(frozen=True)
class DemoState:
    """Where a demo stands."""

    state: Literal["new", "running", "interrupted", "done"]
    step: int  # that it is at, or was, from 1; 0 before the first
    words: str  # what that step does
    left: str  # the time that was said to be left when it began
    last: str  # the last line that it printed


def demo_state(job: Detached, store: Store, home: Path, name: str) -> DemoState:
    """The state of the demo `name`, whether the app started it or somebody in a terminal."""
    running = job.running  # before the log is read: what it leaves when it ends is seen
    try:
        printed = job.log.read_text(errors="replace")
    except OSError:
        printed = ""
    steps = STEP.findall(printed)
    number, words, left = (int(steps[-1][0]), f"{steps[-1][2]}: {steps[-1][3]}", steps[-1][4]) if steps else (0, "", "")
    done = bool(END.search(printed)) or (not job.asked and (home / "runs" / f"{name}-ppo" / "report").is_dir())
    begun = bool(job.asked) or any(row.name == f"{name}-base" for row in store.runs())
    state: Literal["new", "running", "interrupted", "done"] = (
        "running" if running else "done" if done else "interrupted" if begun else "new"
    )
    return DemoState(state, number, words, left, job.last_line())
