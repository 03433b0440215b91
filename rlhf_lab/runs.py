"""What can be said of runs without loading a model: their state, settings, last metrics, and how two differ."""

import math
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from elk_sandbox.runtime import jobs, lock
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import RunRow
from rlhf_lab.presets import PretrainConfig, chosen_for

__all__ = ["Listed", "before_the_stop", "differences", "every", "has_moved", "listed", "marks", "policies", "summary"]

# The metrics that a list shows, by kind of run; the last value of each.
HEADLINES = {
    "pretrain": ("validation/nats_per_character",),
    "reward": ("model/accuracy", "baseline/accuracy"),
    "ppo": ("kl/exact", "reward/proxy"),
}


@dataclass(frozen=True)
class Listed:
    """A run as a line of a list."""

    row: RunRow
    state: jobs.State | Literal["starting"]  # starting: what it is a part of is about to go on with it
    headline: dict[str, float]  # the last values of the metrics by which runs of its kind are known


def listed(store: Store, home: Path) -> list[Listed]:
    """All runs with their state and headline figures, the latest first; in a few queries, however many there are."""
    figures = store.latest([key for keys in HEADLINES.values() for key in keys])
    found = []
    for row in reversed(store.runs()):
        run = Run(store, home, row)
        state = jobs.state(run) if row.outcome is None else "running" if lock.held(run.lock_file) else row.outcome
        mine = figures.get(row.name, {})
        found.append(Listed(row, state, {key: mine[key] for key in HEADLINES.get(row.kind, ()) if key in mine}))
    return found


def every(store: Store, home: Path) -> list[dict[str, Any]]:
    """The summaries of all runs, in the order in which they were made."""
    return [summary(Run(store, home, row)) for row in store.runs()]


def summary(run: Run) -> dict[str, Any]:
    """A run as plain values: what it is, how it is, and the last value of each metric."""
    row = run.store.run(run.name)
    last = {key: {"step": steps[-1][0], "value": steps[-1][1]} for key, steps in run.metrics().items()}
    return {
        "name": row.name,
        "kind": row.kind,
        "state": jobs.state(run),
        "message": row.message,
        "progress": row.progress
        and {"done": row.progress.done, "total": row.progress.total, "words": row.progress.words},
        "left": row.said.left if row.said and row.ended is None else None,
        "attempts": row.attempts,
        "created": row.created,
        "parents": row.parents,
        "settings": vars(chosen_for(PretrainConfig(**row.config))) if row.kind == "pretrain" else row.config,
        "metrics": last,
        "headline": {key: last[key]["value"] for key in HEADLINES.get(row.kind, ()) if key in last},
        "folder": str(run.folder),
    }


def policies(run: Run) -> list[tuple[int, Path]]:
    """The iterations of a run's checkpoints and their folders, in order; the first, 0, is the original model."""
    found = (run.folder / "checkpoints").glob("[0-9]*")
    return sorted((int(path.name), path) for path in found if path.name.isdecimal())


def marks(run: Run) -> list[tuple[int, float]]:
    """The iterations of a ppo run's checkpoints, and the KL in nats of each; nan where none was logged."""
    nats = dict(run.store.metrics(run.name, ["kl/exact"]).get("kl/exact", ()))
    return [(at, nats.get(at, math.nan)) for at, _ in policies(run)]


def has_moved(run: Run) -> bool:
    """Whether a ppo run has a checkpoint beside the original model."""
    return any(at for at, _ in policies(run))


def before_the_stop(run: Run) -> int | None:
    """The iteration of the last checkpoint before the KL first reached the run's stop; None if that is the first."""
    within = list(takewhile(lambda each: each[1] < run.config["kl_stop"], marks(run)))
    return within[-1][0] if within and within[-1][0] else None


def differences(one: dict[str, Any], two: dict[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Settings, parents and last metrics in which two summaries differ: what the first has, then the second.

    None where one has no such entry. Metrics of the clock are left out.
    """
    found: dict[str, dict[str, list[Any]]] = {}
    for part in ("parents", "settings", "metrics"):
        a, b = one[part], two[part]
        if part == "metrics":
            a, b = ({k: v["value"] for k, v in each.items() if not k.startswith("time/")} for each in (a, b))
        keys = [*a, *(key for key in b if key not in a)]
        found[part] = {key: [a.get(key), b.get(key)] for key in keys if not _same(a.get(key), b.get(key))}
    return found


def _same(a: Any, b: Any) -> bool:
    both = isinstance(a, float) and isinstance(b, float)
    return bool(a == b or (both and math.isnan(a) and math.isnan(b)))
