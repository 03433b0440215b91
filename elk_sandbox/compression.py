"""What a known simulator can still read from the predictor's state after it was compressed for a reporter."""

from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int8

from elk_sandbox.information import v_information

if TYPE_CHECKING:
    from elk_sandbox.candidates import Reporters
    from elk_sandbox.view import View

__all__ = ["leaked"]

Reader = Literal["table", "logistic"]


def leaked(view: "View", reporters: "Reporters", reader: Reader) -> Float[np.ndarray, " candidate"]:
    """Nats; see `View.leak`.

    Behind its coin an answer is sent as itself or its opposite, each half of the time: whatever it is, what is sent
    covaries with nothing, and neither does the coin. So the best logistic reader of both says nothing, exactly.
    """
    if view.pads and reader == "logistic":
        return np.zeros(len(reporters))
    viewer = (view.humans["viewer"] > 0.5).astype(np.int8)
    kept, which = np.unique(reporters.depends, axis=0, return_inverse=True)
    bits = np.empty(len(kept))
    sizes = kept.sum(axis=1)
    for size in np.unique(sizes):
        (group,) = np.nonzero(sizes == size)
        columns = np.stack([np.flatnonzero(nodes) for nodes in kept[group]])
        states = np.moveaxis(view.bits[0][:, columns], 1, 0)  # [compressor, situation, node]
        bits[group] = v_information(view.weights, states.astype(np.float64), viewer, reader)
    found = bits[which.reshape(-1)]
    if view.pads:
        behind = reporters.map(view.bits[0], lambda answers: _padded(view, answers, viewer))
        found = np.minimum(found, behind)
    return np.asarray(found * np.log(2))


def _padded(
    view: "View",
    answers: Float[np.ndarray, "candidate situation question"],
    viewer: Int8[np.ndarray, "situation question"],
) -> Float[np.ndarray, " candidate"]:
    """Bits that a table reads from (answer XOR coin, coin), a fair coin for each question."""
    coins = np.array(list(product((0, 1), repeat=answers.shape[-1])))
    sent = np.abs(answers[:, :, None] - coins)  # [candidate, situation, coins, question]
    message = np.concatenate([sent, np.broadcast_to(coins, sent.shape)], axis=-1)
    weights = np.repeat(view.weights, len(coins)) / len(coins)
    rows = message.reshape(len(answers), len(weights), 2 * answers.shape[-1])
    return v_information(weights, rows, np.repeat(viewer, len(coins), axis=0), "table")
