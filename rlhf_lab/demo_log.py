"""How far a demo is, by what it printed and left, and what time is left; no model is loaded for it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import Progress

__all__ = ["SEED", "STEPS", "DemoState", "Step", "at_work", "demo_state", "time_left"]


@dataclass(frozen=True)
class Step:
    """One step of the exercise."""

    what: str  # it does
    seconds: float  # that it took on two idle cores
    runs: tuple[str, ...] = ()  # the runs whose progress it is, one after the other; each takes as long


SEED = 2  # gold turned with it on every kind of CPU that was tried; not so with each seed, see docs/measured.md
# In the order in which they are done.
STEPS = {
    "pretrain": Step("a language model from scratch", 75.0, ("base",)),
    "label": Step("samples of it, labelled by a simulated rater", 4.0),
    "reward": Step("two reward models", 12.0, ("reward", "second")),
    "ppo": Step("a policy, to the KL stop and on", 60.0, ("ppo",)),
    "twin": Step("its negative twin", 25.0, ("twin",)),
    "evaluate": Step("every checkpoint, by proxy and gold", 25.0, ("ppo",)),
    "blind": Step("a blind rating", 2.0),
    "report": Step("figures and a report", 10.0),
}
STEP = re.compile(r"^\[(\d+)/(\d+)\] (\w+): (.*?)(?: \(about (.+)\))?$", re.MULTILINE)
END = re.compile(r"^\d+ s\. Go on: ", re.MULTILINE)  # the first words of the last line of a demo that is done


@dataclass(frozen=True)
class DemoState:
    """Where a demo stands."""

    state: Literal["new", "running", "interrupted", "done"]
    step: int  # that it is at, or was, from 1; 0 before the first
    words: str  # what that step does
    left: str  # what was said of the time that is left when it began
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


def at_work(job: Detached, store: Store, name: str, number: int) -> tuple[float, Progress] | None:
    """How much of step `number`, from 1, is done, and what its run last said; None if this job said nothing of it."""
    step, told = list(STEPS.items())[number - 1]
    rows = {row.name: row for row in store.runs()}
    for k, role in reversed(list(enumerate(told.runs))):
        row = rows.get(f"{name}-{role}")
        said = row.progress if row else None
        if said is None or said.at < (job.since or 0.0):
            continue
        if said.words.startswith("evaluating") == (step == "evaluate"):
            share = min(said.done / said.total, 1.0) if said.total else 0.0
            return (k + share) / len(told.runs), said
    return None


def time_left(number: int, done: float, progress: Progress) -> float | None:
    """Seconds to the end of the demo, of step `number` by its own pace and of later ones as much slower than usual.

    done: the share of the step. None while the step's pace is not known.
    """
    if progress.left is None or progress.done >= progress.total:
        return None
    now, *later = list(STEPS.values())[number - 1 :]
    share = done * len(now.runs) % 1  # of the run that is at work
    whole = len(now.runs) * progress.left / (1 - share)  # the step from its beginning
    return whole * (1 - done) + whole / now.seconds * sum(each.seconds for each in later)
