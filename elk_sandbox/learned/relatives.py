"""Sibling predictors in the child that trains: how nodes of one are found in another, and what is asked of both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from elk_sandbox.evidence.soft import SoftProcess
from elk_sandbox.learned.flips import rows_of
from elk_sandbox.objective import NotApplicable
from elk_sandbox.view import FLOOR

if TYPE_CHECKING:
    from elk_sandbox.learned.view import NetView

__all__ = ["Frame", "misfit", "seen_as", "siblings_of"]


@dataclass(frozen=True, eq=False)
class Frame:
    """By which numbers a view's nodes are found in its siblings, and the scale of all units, by these numbers."""

    unit: Int64[Tensor, " node"]
    mean: Float32[Tensor, " unit"]
    spread: Float32[Tensor, " unit"]

    @classmethod
    def of(cls, *arrays: np.ndarray) -> "Frame":
        return cls(*(torch.from_numpy(np.array(each)) for each in arrays))


def siblings_of(view: "NetView") -> "tuple[NetView, ...]":
    """Raises NotApplicable where none were sent; the parent then sends them, if there are any."""
    if not view.siblings:
        lack = NotApplicable("the world has one predictor")
        lack.lacks = "siblings"
        raise lack
    return view.siblings


def seen_as(view: "NetView", other: "NetView") -> Float32[Tensor, "*candidate situation node"]:
    """What another predictor computes in the situations of a view: its units of the same numbers, on the view's scale.

    A unit that never varies there has its one value.
    """
    mine, theirs = view.frame, other.frame
    if mine is None or theirs is None:
        raise ValueError("these views are of predictors whose nodes have no numbers")
    place = torch.full(theirs.mean.shape, -1).scatter(0, theirs.unit, torch.arange(len(theirs.unit)))[mine.unit]
    gain = torch.where(place >= 0, theirs.spread[mine.unit], 0.0)
    values = rows_of(other.x, view.rows)[..., place.clamp(min=0)]
    return (values * gain + theirs.mean[mine.unit] - mine.mean[mine.unit]) / mine.spread[mine.unit]


def misfit(
    answers: Float[Tensor, "candidate sibling situation question"], data: SoftProcess
) -> Float[Tensor, "candidate sibling"]:
    """Mean cross-entropy with the labels of a process, in nats; of labels that were not given nothing."""
    labels, answers = data.labels.unsqueeze(-3), answers.double()
    right = torch.where(labels == 1, answers, 1 - answers)
    nats = torch.where(labels >= 0, -torch.log(right.clamp(min=FLOOR)), 0.0)
    return nats.sum(-1) @ data.weights
