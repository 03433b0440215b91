"""Which labels of a pool a reward model is to learn from, and whether they do. No PyTorch here: a page asks."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab import labels
from rlhf_lab.labels import Labels
from rlhf_lab.reward_settings import RewardConfig

__all__ = ["check", "chosen", "require_two_kinds", "split", "targets"]

LEAST = 20  # labels to train on


def chosen(store: Store, config: RewardConfig) -> Labels:
    """The labels that are asked for, held out ones among them. Raises InputError if the pool has fewer."""
    if not config.pool:
        raise InputError("name the pool whose labels are to be learned from: --pool NAME, or --set pool=NAME")
    found = labels.current(store, config.pool, [config.rater] if config.rater else None)
    end = config.first + config.labels if config.labels else len(found.numbers)
    if end > len(found.numbers) or config.first >= end:
        raise InputError(
            f"the pool {config.pool!r} has {len(found.numbers)} labelled texts, not the {max(end, config.first + 1)} "
            "that are asked for: label more, or ask for fewer"
        )
    taken = slice(config.first, end)
    return replace(
        found, numbers=found.numbers[taken], values=found.values[taken], raters=found.raters[taken],
        texts=found.texts[taken], tokens=found.tokens[taken],
    )  # fmt: skip


def targets(found: Labels) -> Float[np.ndarray, "text"]:
    """P(positive): 0, 1/2 or 1 for a label of -1, 0 or 1."""
    return (found.values + 1) / 2


def split(count: int, held_out: float, seed: int) -> tuple[Int[np.ndarray, "train"], Int[np.ndarray, "held"]]:
    """Which of so many labels to train on and which to hold out, each in order."""
    shuffled = np.random.default_rng([seed, count]).permutation(count)
    held = round(held_out * count)
    return np.sort(shuffled[held:]), np.sort(shuffled[:held])


def require_two_kinds(targets: Float[np.ndarray, "text"]) -> None:
    """Raises InputError for fewer labels than a head needs, or labels of too few of one kind."""
    if len(targets) < LEAST:
        raise InputError(
            f"{len(targets)} labels to train on are too few: label more texts, at least {LEAST} beside those held "
            "out, better 300"
        )
    happy, sad = int((targets > 0.5).sum()), int((targets < 0.5).sum())
    if min(happy, sad) < 2:
        raise InputError(
            f"of {len(targets)} labels to train on {happy} are positive and {sad} negative: a reward model needs at "
            "least 2 of each, so label more texts, of the kind that is missing"
        )


def check(store: Store, config: RewardConfig) -> None:
    """Raises InputError if a run with these settings would find its labels wanting."""
    found = targets(chosen(store, config))
    train, _ = split(len(found), config.held_out, config.seed)
    require_two_kinds(found[train])
