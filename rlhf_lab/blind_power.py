"""What a blind sheet of a size can show, said before anything is rated."""

from dataclasses import dataclass

import numpy as np

from rlhf_lab.blind_rating import SIGNIFICANT, powers

__all__ = ["EFFECTS", "Chance", "chances"]

EFFECTS = ((0.3, 0.6), (0.3, 0.7), (0.3, 0.8), (0.1, 0.3))  # shares positive: original, trained


@dataclass(frozen=True)
class Chance:
    """How likely an effect of a size is to be seen, p < .05."""

    before: float  # share positive in the first arm; what is not positive is half neutral, half negative
    after: float  # in the second
    fisher: float
    mann_whitney: float
    both: float  # by both tests, which is when a result calls it clear


def chances(n: int, arms: int = 2) -> list[Chance]:
    """The power of each test and of both at each of EFFECTS, with n texts in each arm. Raises ValueError for n below 1.

    Of three arms three pairs are compared, and p is corrected after Holm: a third of the level is reckoned with, the
    least that he gives a pair, so the power is at least this.
    """
    rates = [tuple(np.array([(1 - share) / 2, (1 - share) / 2, share]) for share in pair) for pair in EFFECTS]
    level = SIGNIFICANT / (arms * (arms - 1) // 2)
    found = powers((n, n), [(before, after) for before, after in rates], level=level)
    return [Chance(*pair, each.fisher, each.mann_whitney, each.both) for pair, each in zip(EFFECTS, found, strict=True)]
