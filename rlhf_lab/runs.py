"""What can be said of runs without loading a model: their state, settings, last metrics, and how two differ."""

import math
from pathlib import Path
from typing import Any

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from rlhf_lab.presets import PretrainConfig, chosen_for

__all__ = ["differences", "every", "policies", "summary"]

# The metrics that a list shows, by kind of run; the last value of each.
HEADLINES = {
    "pretrain": ("validation/nats_per_character",),
    "reward": ("model/accuracy", "baseline/accuracy"),
    "ppo": ("kl/exact", "reward/proxy"),
}


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
        "left": row.progress.left if row.progress and row.ended is None else None,
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
    return sorted((int(path.name), path) for path in found)


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
