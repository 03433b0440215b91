"""What a step of training on a network is shown: situations, patterns of activations, nodes that are flipped in them.

A node's values are parted into lower and higher ones where that leaves least variance within the parts (Otsu 1979): a
node of two values between them however rare one is, one that is nearly so too, a symmetric one at its middle. A node is
*flipped* by giving it a value of the other part. Half of the *patterns* are situations, the others have each node drawn
on its own, from either part with probability one half: in a wide network these alone may all lie where a reporter says
the same, whatever it says of situations.

Of more than FLIPPED nodes some are flipped at each step: half of them those that a reporter reaches furthest for, which
are counted for sure, half drawn from all nodes, where they stand for those that are not sure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

__all__ = [
    "BATCH",
    "FLIPPED",
    "MEANS",
    "ORDERS",
    "PATTERNS",
    "POOL",
    "TRIED",
    "Draw",
    "Said",
    "parted",
    "parts",
    "rows_of",
    "sure",
    "taken",
]  # fmt: skip

BATCH, PATTERNS, FLIPPED = 32, 32, 32  # at each step: situations, patterns, and nodes that are flipped in each pattern
MEANS = 8  # of the patterns, over which means are taken; a largest change needs all, lest it be missed
TRIED = 4  # situations of a table of edits, each with all its edits
POOL, ORDERS = 2048, 1024  # patterns, and orders of nodes, that are drawn once and taken from at each step


@dataclass(frozen=True, eq=False)
class Draw:
    """What a step is shown; where the candidates are the first axis each is shown its own."""

    rows: Int64[Tensor, "*candidate situation"]
    patterns: Int64[Tensor, "*candidate pattern"]  # below POOL, those of nodes that are drawn each on its own
    order: Int64[Tensor, "*candidate"]  # below ORDERS, of nodes and of what they are flipped to
    tried: Float[Tensor, " tried"]  # from 0 to 1, places in a table of edits; the same for all candidates

    @classmethod
    def of(
        cls,
        uniform: Float[Tensor, "*candidate draw"],
        rows: Int64[Tensor, "*candidate situation"],
        tried: Float[Tensor, " tried"] | None = None,
    ) -> "Draw":
        """By numbers from 0 to 1, one of each pattern and one more. tried: by default at even distances."""
        patterns = (uniform * POOL).long()
        places = torch.arange(TRIED) / TRIED if tried is None else tried
        return cls(rows, patterns[..., :-1], (uniform[..., -1] * ORDERS).long(), places)


def rows_of(table: Tensor, some: Tensor) -> Tensor:
    """table[some]; indexing takes five times as long."""
    return table.index_select(0, some.reshape(-1)).view(*some.shape, -1)


def sure(
    reach: Float[Tensor, "candidate node"],
) -> tuple[Int64[Tensor, "candidate flip"], Bool[Tensor, "candidate node"]]:
    """The nodes that a candidate reaches furthest for, half of those that are flipped, and which these are."""
    first = reach.topk(FLIPPED // 2).indices
    return first, torch.zeros(reach.shape, dtype=torch.bool).scatter(-1, first, True)


def taken(values: Tensor, which: Tensor) -> Tensor:
    """Of values [..., pattern, node] those of the nodes [..., flip]."""
    return values.gather(-1, which.unsqueeze(-2).expand(*values.shape[:-1], which.shape[-1]))


def parted(ranked: Float32[Tensor, "situation node"]) -> Int64[Tensor, " node"]:
    """How many of each node's values, in rising order, are lower ones: at least one, and not all where it varies."""
    count = len(ranked)
    below = ranked.double().sub(ranked.double().mean(0)).cumsum(0)[:-1]
    size = torch.arange(1, count, dtype=torch.float64)[:, None]
    between = below**2 / (size * (count - size))
    return torch.where(ranked[1:] > ranked[:-1], between, -1.0).argmax(0) + 1


def parts(x: Float32[Tensor, "situation node"], random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Above which a value is a higher one [node], and POOL draws from each node's lower and higher ones."""
    ranked = x.sort(dim=0).values
    lower, columns = parted(ranked), torch.arange(x.shape[1])
    low, high = torch.rand((2, POOL, x.shape[1]), generator=random)
    lows = ranked[(low * lower).long().minimum(lower - 1), columns]
    higher = len(x) - lower
    highs = ranked[lower + (high * higher).long().minimum(higher - 1), columns]
    return ranked[lower - 1, columns], lows, highs


class Said(Mapping[str, Tensor]):
    """What humans say of the situations of a batch, looked up when it is asked for."""

    def __init__(self, humans: Mapping[str, Tensor], rows: Tensor) -> None:
        self._humans, self._rows = humans, rows

    def __getitem__(self, level: str) -> Tensor:
        return rows_of(self._humans[level], self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._humans)

    def __len__(self) -> int:
        return len(self._humans)
