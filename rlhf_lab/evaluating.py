"""A run's evaluation as a command, and which reward models may stand beside its proxy; no model is loaded for it."""

from pathlib import Path

from safetensors.numpy import load

from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.run import Run, folder_of
from rlhf_lab.checkpoint_files import CheckpointError, read

__all__ = ["evaluating", "seconds", "shared_labels"]


def evaluating(run: Run) -> Detached:
    """The one command that evaluates this run or fits its laws, whether it runs, ran, or was never started."""
    return Detached(run.folder, "evaluate")


def seconds(run: Run) -> list[str]:
    """The reward runs of the same base that are done and did not train the policy, the latest first."""
    return [
        row.name
        for row in reversed(run.store.runs("reward"))
        if row.outcome == "done"
        and row.name != run.parents.get("reward")
        and row.parents.get("base") == run.parents.get("base")
    ]


def shared_labels(home: Path, one: str, two: str) -> int | None:
    """How many texts two reward runs have both learned or been judged from; None if that is not known.

    A second reward model is a meter of its own only where there is none.
    """
    try:
        (pool, numbers, texts), (other_pool, others, other_texts) = (
            _learned(folder_of(home, name) / "labels") for name in (one, two)
        )
    except (CheckpointError, KeyError):
        return None
    return len(numbers & others) if pool == other_pool else len(texts & other_texts)


def _learned(folder: Path) -> tuple[str, frozenset[int], frozenset[str]]:
    data, meta = read(folder)
    return meta["pool"], frozenset(map(int, load(data)["numbers"])), frozenset(meta["texts"])
