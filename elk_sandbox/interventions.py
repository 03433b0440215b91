"""Interventions that a reporter defines: the smallest edit that makes it answer otherwise, rolled forward."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from elk_sandbox.candidates import Reporters
    from elk_sandbox.view import View

__all__ = ["error_of_interventions"]


def error_of_interventions(view: "View", reporters: "Reporters") -> Float[np.ndarray, " candidate"]:
    """See `View.intervention_error`. Candidates to which the same nodes matter share the edits that are tried."""
    pixels = view.edited[:, :, [k == "pixel" for k in view.kinds]]
    shows = np.stack([(pixels == value).all(axis=-1) for value in (0, 1)])  # [answer, edit, situation]
    sizes = view.edits.sum(axis=1)
    error = np.zeros(len(reporters))
    matter, which = np.unique(reporters.depends, axis=0, return_inverse=True)
    for group, nodes in enumerate(matter):
        members = np.flatnonzero(which.reshape(-1) == group)
        allowed = np.flatnonzero(~(view.edits & ~nodes).any(axis=1))
        wanted = 1 - reporters.on(view.bits[0], members)  # [candidate, situation, question]
        done = np.zeros(wanted.shape, bool)
        right = np.zeros(wanted.shape, bool)
        for size in np.unique(sizes[allowed]):
            edits = allowed[sizes[allowed] == size]
            answers = reporters.on(view.edited[edits], members)  # [candidate, edit, situation, question]
            works = (answers > 0.5) == (wanted[:, None] > 0.5)
            seen = np.where(wanted[:, None] > 0.5, shows[1][edits][..., None], shows[0][edits][..., None])
            right |= ~done & (works & seen).any(axis=1)
            done |= works.any(axis=1)
        error[members] = ((~right).sum(axis=-1) * view.weights).sum(axis=1)
    return error
