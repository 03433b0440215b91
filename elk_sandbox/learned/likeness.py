"""Which reference reporter answers like a trained one, or like a published method."""

from collections import Counter

import numpy as np
from jaxtyping import Float

from elk_sandbox.learned.world import LearnedWorld

__all__ = ["likeness"]


def likeness(
    world: LearnedWorld, scores: Float[np.ndarray, "seed situation"]
) -> tuple[dict[str, int], dict[str, float]]:
    """How many seeds are nearest to which reference reporter, and the mean share of answers that are that one's.

    References: the direct translator, who says what is true, a simulator of each human, and who always says the same.
    Counted on test situations whose truth is not ambiguous; an answer of one half is nobody's. Of equally near ones all
    are named, joined by " or "; "none" where no answer is that of any.
    """
    rows = np.flatnonzero(world.test & (world.truth >= 0))
    said = {"direct_translator": world.truth[rows] == 1}
    said |= {f"{level}_simulator": p[rows] > 0.5 for level, p in world.humans.items()}
    said |= {"always_no": np.zeros(len(rows), bool), "always_yes": np.ones(len(rows), bool)}
    answers = scores[:, rows]
    shares = {name: np.where(words, answers > 0.5, answers < 0.5).mean(axis=1) for name, words in said.items()}
    names = list(shares)
    close = np.stack([shares[n] for n in names])
    most = (close == close.max(0)) & (close.max(0) > 0)
    nearest = [" or ".join(n for n, is_so in zip(names, seed, strict=True) if is_so) or "none" for seed in most.T]
    return dict(sorted(Counter(nearest).items())), {n: float(s.mean()) for n, s in shares.items()}
