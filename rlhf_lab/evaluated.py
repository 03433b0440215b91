"""An evaluation that is kept, read without PyTorch: what every checkpoint wrote, and what that is worth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from safetensors.numpy import load as arrays_of

from elk_sandbox.runtime.run import Run
from rlhf_lab.checkpoint_files import read
from rlhf_lab.overoptimization import Curve
from rlhf_lab.runs import policies

__all__ = ["Evaluation", "load_evaluation"]


@dataclass(frozen=True)
class Evaluation:
    """A run's checkpoints, looked at, and a pool of the original model's samples for best-of-n."""

    curve: Curve
    texts: list[list[str]]  # of each checkpoint, its completions
    pool_proxy: Float[np.ndarray, "completion"]  # as the curve's proxy
    pool_gold: Float[np.ndarray, "completion"]
    pool_well_formed: Bool[np.ndarray, "completion"] | None
    pool_texts: list[str]
    meta: dict[str, Any]

    def is_of(self, run: Run) -> bool:
        """Whether it saw all checkpoints that the run has now: a run may have gone on since."""
        return list(self.curve.steps) == [step for step, _ in policies(run)]


def load_evaluation(folder: Path) -> Evaluation:
    """Raises CheckpointError for what is missing or altered."""
    data, meta = read(folder)
    arrays = arrays_of(data)
    curve = {key: value for key, value in arrays.items() if not key.startswith("pool_")}
    texts, pool_texts = meta.pop("texts"), meta.pop("pool_texts")
    return Evaluation(
        Curve(meta["run"], **curve), texts, arrays["pool_proxy"], arrays["pool_gold"], arrays.get("pool_well_formed"),
        pool_texts, meta,
    )  # fmt: skip
