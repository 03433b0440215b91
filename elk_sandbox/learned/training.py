"""Reporters trained on a network's activations with a proposal's objective: N seeds in one batch. Runs in the child."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from elk_sandbox.evidence.soft import SoftReporters, SoftView
from elk_sandbox.evidence.training import RATES, Network, Training, answers_of
from elk_sandbox.learned.view import NetReporters, NetView

__all__ = ["BATCH", "NetTraining", "answer"]

BATCH = 256  # situations at each step
SLOWER = 0.2  # of the rates for bits: there are hundreds of nodes


class _OnActivations(Network):
    dtype = torch.float32

    def inputs(self, bits: Float32[Tensor, "row node"]) -> Float32[Tensor, "row node"]:
        return bits


class NetTraining(Training):
    """Seeds of a reporter on their way, a new batch of situations at each step; all seeds see the same batches."""

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.view: NetView = NetView(meta, {k: v for k, v in arrays.items() if k != "asked"})
        self.asked = torch.from_numpy(np.array(arrays["asked"]))
        self.knobs, kind = meta["knobs"], meta["reporter"]
        nodes = torch.arange(self.view.x.shape[1])
        self.network = _OnActivations(kind, nodes, len(self.view.questions), list(meta["seeds"]))
        self.optimiser = torch.optim.Adam(self.network.parameters, lr=SLOWER * RATES[kind])
        self.random = torch.Generator().manual_seed(0)

    def shown(self) -> tuple[SoftReporters, SoftView]:
        some = torch.randint(0, len(self.view.x), (BATCH,), generator=self.random)
        view = self.view.batch(some, self.random)
        return NetReporters(view, self.network), view

    def answers(self) -> np.ndarray:
        """[candidate, situation, question], P(yes) of those that were sent to be asked about."""
        with torch.no_grad():
            return np.asarray(self.network(self.asked).double().numpy())


answer = answers_of(NetTraining)
