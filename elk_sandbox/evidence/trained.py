"""What gradient descent is asked for, for who says it without loading PyTorch."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Trained"]

Kind = Literal["linear", "mlp"]


@dataclass(frozen=True)
class Trained:
    """What is trained: seeds 0, 1, ... of a logistic reporter or of one with a hidden layer, for a number of steps."""

    seeds: int
    reporter: Kind = "mlp"
    steps: int = 600
