"""How varied a set of completions is: distinct n-grams, duplicates, and what two completions share.

Each is a number for a set; distinct n-grams become rarer the larger the set, so compare sets of equal size only.
"""

import numpy as np
from jaxtyping import Int

__all__ = ["distinct", "duplicates", "overlap"]


def distinct(tokens: Int[np.ndarray, "completion time"], n: int = 2) -> float:
    """Distinct n-grams of tokens divided by all of them (Li et al. 2016, distinct-n); nan if there are none."""
    grams = _grams(tokens, n)
    return len(np.unique(grams)) / grams.size if grams.size else np.nan


def duplicates(tokens: Int[np.ndarray, "completion time"]) -> float:
    """Share of completions that another one equals; nan for none."""
    if not len(tokens):
        return np.nan
    counts = np.unique(tokens, axis=0, return_counts=True)[1]
    return float(counts[counts > 1].sum() / len(tokens))


def overlap(tokens: Int[np.ndarray, "completion time"], n: int = 2) -> float:
    """What two different completions share on average: distinct n-grams in both, by those in one.

    0 if no two share any, 1 if all are equal; over all pairs, since a gram that c of N completions hold is shared by
    c (c-1) of the N (N-1) ordered pairs. nan for fewer than two completions.
    """
    grams = _grams(tokens, n)
    if len(tokens) < 2 or not grams.size:
        return np.nan
    row = np.arange(len(tokens))[:, None]
    held = np.unique(row * (grams.max() + 1) + grams) % (grams.max() + 1)  # each completion's grams, once
    holders = np.unique(held, return_counts=True)[1].astype(np.float64)
    return float((holders * (holders - 1)).sum() / (len(tokens) - 1) / holders.sum())


def _grams(tokens: Int[np.ndarray, "completion time"], n: int) -> Int[np.ndarray, "completion gram"]:
    """Each n-gram as the number of its distinct kind."""
    if n < 1:
        raise ValueError(f"grams have at least one token, not {n}")
    if tokens.shape[1] < n or not len(tokens):
        return np.zeros((len(tokens), 0), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, n, axis=1)
    kinds = np.unique(windows.reshape(-1, n), axis=0, return_inverse=True)[1]
    return np.asarray(kinds.reshape(windows.shape[:2]), dtype=np.int64)
