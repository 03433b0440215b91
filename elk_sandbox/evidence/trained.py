"""What gradient descent is asked for, for who says it without loading PyTorch."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["SEEDS", "STEPS", "Kind", "Trained"]

SEEDS, STEPS = 20, 600  # of learned worlds, unless others are asked for

Kind = Literal["linear", "mlp"]


@dataclass(frozen=True)
class Trained:
    """What is trained: seeds 0, 1, ... of a logistic reporter or of one with a hidden layer, for a number of steps."""

    seeds: int
    reporter: Kind = "mlp"
    steps: int = STEPS
