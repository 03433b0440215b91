"""What a seeded draw varies: a family of worlds is a function of a generator, and None is its stock draw."""

from collections.abc import Sequence

import numpy as np

from elk_sandbox.nets import Net

__all__ = ["Generator", "bits_of", "choose_size", "spread", "vary", "vary_odds"]

Generator = np.random.Generator
MOST_BITS = 17


def vary(rng: Generator | None, stock: float, low: float, high: float) -> float:
    """A probability: `stock`, or uniform in [low, high]."""
    return stock if rng is None else float(rng.uniform(low, high))


def vary_odds(rng: Generator | None, stock: float) -> float:
    """A probability whose odds are those of `stock` times a log-uniform factor in [1/2, 2]."""
    if rng is None:
        return stock
    odds = stock / (1 - stock) * 2 ** rng.uniform(-1, 1)
    return float(odds / (1 + odds))


def choose_size(rng: Generator | None, stock: int) -> int:
    """An odd number of parts: `stock`, or `stock` or two more."""
    return stock if rng is None else stock + 2 * int(rng.integers(2))


def bits_of(rng: Generator | None, stock: Sequence[int]) -> tuple[int, ...]:
    """A pattern of bits: `stock`, or fair coins."""
    return tuple(stock) if rng is None else tuple(int(b) for b in rng.integers(0, 2, len(stock)))


def spread(net: Net, names: Sequence[str], whole: str) -> list[str]:
    """Add an odd number of bits whose majority is the node `whole`, every such pattern equally likely.

    Which pattern it is comes from fair root nodes, whose names are returned (hide them): so an intervention on one bit
    leaves the others as they are.
    """
    if len(names) % 2 == 0:
        raise ValueError(f"a majority needs an odd number of bits, got {len(names)}")
    if len(names) > MOST_BITS:
        raise ValueError(
            f"{len(names)} bits have 2**{len(names) - 1} patterns; at most {MOST_BITS} bits are enumerated"
        )
    patterns = np.indices((2,) * len(names)).reshape(len(names), -1)
    empty = patterns[:, patterns.sum(axis=0) * 2 < len(names)]  # [bit, pattern]: those whose majority is 0
    noise = [f"{whole} pattern {k}" for k in range(len(names) - 1)]
    for name in noise:
        net.add(name, prior=0.5)
    for k, name in enumerate(names):
        table = np.stack([empty[k], 1 - empty[k]]).reshape((2,) * len(names))
        net.add(name, parents=[whole, *noise], table=table)
    return noise
