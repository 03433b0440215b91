"""The interventions that a reporter defines, on a network: `interventions.error_of_interventions`, relaxed.

The edits are those of a table (`patched`). As on exact worlds the smallest that makes the reporter answer otherwise is
taken, and an edit may only set what the reporter reads. What is yes or no there is a number from 0 to 1 here:

    a node is flipped    if its value crosses to its other part (see `flips`); an edit is as large as it flips nodes
    a place matters      by the largest change of an answer when its nodes alone are patched; a place that holds others
                         matters no more than the least of those
    an edit turns        as far as its place matters times P(the answer that is wanted) after it
    done at a size       by the edit of that size that turns most, if none that is smaller has

On bits and with answers that are 0 or 1 this is the exact definition, but that a node matters there if it does in any
pattern of the nodes, here if it does in a situation that is looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float, Float16, Float32, Int64
from torch import Tensor

__all__ = ["Edits", "error_of_patches"]

Patching: TypeAlias = Callable[[Tensor, Tensor, "Edits"], Tensor]


@dataclass(frozen=True, eq=False)
class Edits:
    """A table of edits as a view holds it."""

    base: Float32[Tensor, "situation node"]
    after: Float16[Tensor, "situation edit node"]
    sets: Bool[Tensor, "place node"]
    holds: Bool[Tensor, "place place"]  # the nodes of the second are among the first's
    place: Int64[Tensor, " edit"]
    order: Int64[Tensor, "situation edit"]  # 0 for the smallest edits of a situation, 1 for those next in size ...
    real: Bool[Tensor, "situation edit"]  # it flips some node
    shows: Bool[Tensor, "situation edit answer"]  # do all sensors say no, and do all say yes?

    @classmethod
    def of(
        cls, x: Float32[Tensor, "situation node"], middle: Float[Tensor, " node"], sent: Mapping[str, Tensor]
    ) -> "Edits":
        """x: activations of all situations; middle: of each node, between its parts; sent: as `judge.shown` says."""
        base, after = x[sent["patched_rows"].long()], sent["patched_after"]
        sets, place = sent["patched_sets"], sent["patched_place"].long()
        sizes = torch.stack([
            ((rows > middle) ^ (own > middle)).logical_and(sets[place]).sum(-1)
            for rows, own in zip(after.float(), base, strict=True)
        ])  # fmt: skip
        ranked = [torch.unique(each, return_inverse=True)[1] for each in sizes]
        sensors = sent["patched_sensors"]
        shows = torch.stack([(sensors == answer).all(-1) for answer in (0, 1)], dim=-1)
        held = (sets[:, None] | ~sets).all(-1) & sets.any(-1)
        return cls(base, after, sets, held, place, torch.stack(ranked), sizes > 0, shows)


def error_of_patches(
    edits: Edits,
    which: Int64[Tensor, " tried"],
    mixed: Float32[Tensor, "*candidate tried node"],
    on: Callable[[Tensor], Tensor],
    patched: Patching | None = None,
) -> Float[Tensor, " candidate"]:
    """Share of the situations `which` where, made to answer otherwise, some sensor does not show that answer.

    on: answers [candidate, ..., question] to activations. patched: answers to activations [..., tried, node] when each
    edit gives the nodes of its place alone the values `after` [tried, edit, node], if there is a shorter way to them.
    Summed over questions.
    """
    base, after = edits.base[which], edits.after[which].float()
    before, then = on(base).double(), _asked(on, after).double()
    if patched is None:
        sets = edits.sets[edits.place]
        alone = [_asked(on, torch.where(sets, after, x.unsqueeze(-2))) for x in (base, mixed)]
    else:
        alone = [patched(x, after, edits) for x in (base, mixed)]
    moved = [(t - on(x).unsqueeze(2)).abs().amax(1) for t, x in zip(alone, (base, mixed), strict=True)]
    reach = _matters(edits, torch.maximum(*moved).double()).index_select(1, edits.place)[:, None]
    reach = reach * edits.real[which, :, None].double()
    order = edits.order[which, :, None].expand(then.shape)
    wrong = torch.zeros_like(before)
    for answer, said in ((0, before), (1, 1 - before)):
        turned = reach * (then if answer else 1 - then)
        seen = turned * edits.shows[which, :, answer, None].double()
        done, right = _largest(turned, order), _largest(seen, order)
        left = torch.cat([torch.ones_like(done[:, :, :1]), (1 - done).cumprod(2)[:, :, :-1]], dim=2)
        wrong = wrong + said * (1 - (left * right).sum(2))
    return wrong.sum(-1).mean(1)


def _asked(on: Callable[[Tensor], Tensor], x: Tensor) -> Float[Tensor, "candidate tried edit question"]:
    """Answers to [..., tried, edit, node]; what all candidates are asked alike is a row of situations to them."""
    if x.ndim > 3:
        return on(x)
    said = on(x.flatten(0, 1))
    return said.reshape(len(said), *x.shape[:2], -1)


def _matters(
    edits: Edits, moved: Float[Tensor, "candidate edit question"]
) -> Float[Tensor, "candidate place question"]:
    count, questions = len(edits.sets), moved.shape[2]
    where = edits.place[None, :, None].expand(len(moved), -1, questions)
    by = torch.zeros((len(moved), count, questions), dtype=moved.dtype).scatter_reduce(1, where, moved, "amax")
    return torch.where(edits.holds[None, :, :, None], by[:, None], torch.inf).amin(2).clamp(max=1)


def _largest(values: Tensor, order: Tensor) -> Float[Tensor, "candidate tried size question"]:
    """By size the largest value of its edits, 0 where there is none."""
    return torch.zeros_like(values).scatter_reduce(2, order, values, "amax")
