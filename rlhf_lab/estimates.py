"""How long a stage takes on this machine: a few of its steps are done and timed, and nothing is kept."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Estimate", "timed"]


@dataclass(frozen=True)
class Estimate:
    """What a stage will cost on this machine, as it is busy now."""

    seconds: float
    step: float  # seconds of one step or iteration
    words: str  # what was counted


def timed(step: Callable[[], Any], times: int = 5, done: Callable[[], bool] = lambda: False) -> float:
    """Seconds of a step, the median of some after a first that warms up, which counts only if all is done with it."""
    taken: list[float] = []
    while len(taken) <= times and not done():
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:] or taken)
