"""Reporters trained on a proposal: N seeds are N candidates in one batch, the loss is the sum over candidates.

Runs in the child. It is sent a view without truth and returns what the trained reporters answer.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int8
from torch import Tensor

from elk_sandbox.evidence.soft import SoftReporters, SoftView
from elk_sandbox.objective import NotApplicable, Objective

__all__ = ["HIDDEN", "RATES", "Network", "Training", "answer", "answers_of"]

HIDDEN = 16  # tanh units of an mlp
RATES = {"linear": 0.05, "mlp": 0.02}  # of Adam

Function = Callable[..., Any]


class Network:
    """Candidates of one kind, one a seed: `linear` is logistic on the bits that are read, `mlp` has a hidden layer.

    Every seed draws its own first weights from a generator of its own, so that a candidate does not depend on which
    others are in the batch. Weights lie in `parameters`, the candidate is their first axis.
    """

    dtype = torch.float64

    def __init__(self, kind: str, read: Tensor, questions: int, seeds: list[int]) -> None:
        wide = [len(read), HIDDEN, questions] if kind == "mlp" else [len(read), questions]
        self.read, self.parameters = read, []
        streams = [torch.Generator().manual_seed(seed) for seed in seeds]
        for inputs, outputs in pairwise(wide):
            drawn = [torch.randn((inputs, outputs), generator=s, dtype=self.dtype) for s in streams]
            self.parameters.append((torch.stack(drawn) / sqrt(max(1, inputs))).requires_grad_())
            self.parameters.append(torch.zeros((len(seeds), 1, outputs), dtype=self.dtype, requires_grad=True))

    def inputs(self, bits: Int8[Tensor, "row node"]) -> Float[Tensor, "row read"]:
        """What the first layer is given."""
        return 2.0 * bits[:, self.read].to(self.dtype) - 1

    def __call__(self, bits: Tensor) -> Float[Tensor, "candidate *batch question"]:
        """P(yes)."""
        x = self.inputs(bits.reshape(-1, bits.shape[-1]))
        *hidden, weight, bias = self.parameters
        if hidden:
            x = torch.tanh(x @ hidden[0] + hidden[1])
        yes = torch.sigmoid(x @ weight + bias)
        return yes.reshape(len(yes), *bits.shape[:-1], yes.shape[-1])


class Training:
    """Seeds of a reporter on their way: `step` trains, `objective` is where they are."""

    def __init__(self, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        self.view = SoftView(meta, arrays)
        self.knobs, kind = meta["knobs"], meta["reporter"]
        self.network = Network(kind, self.view.read, len(self.view.questions), list(meta["seeds"]))
        self.optimiser = torch.optim.Adam(self.network.parameters, lr=RATES[kind])

    def shown(self) -> tuple[SoftReporters, SoftView]:
        """What the objective is asked of at this step."""
        return SoftReporters(self.view, self.network), self.view

    def answers(self) -> np.ndarray:
        """[candidate, sibling, situation, question], P(yes)."""
        with torch.no_grad():
            return np.asarray(self.network(self.view.bits).numpy())

    def answers_elsewhere(self) -> dict[str, np.ndarray]:
        """By name, what reporters of other predictors answer, where any were trained."""
        return {}

    def objective(self, function: Function) -> Objective:
        """Raises NotApplicable where it cannot be followed downhill, TypeError or ValueError where it is none."""
        return self.valued(function, *self.shown())

    def valued(self, function: Function, reporters: SoftReporters, view: SoftView) -> Objective:
        """The objective of reporters that are shown; raises as `objective` does."""
        returned = function(reporters, view, **self.knobs)
        if returned is None:
            raise TypeError("the objective returned None: is a `return` missing?")
        objective = Objective.of(returned)
        count = len(self.network.parameters[0])
        for name, term in [("objective", objective.values), *objective.terms.items()]:
            if not isinstance(term, Tensor) or term.shape != (count,):
                raise TypeError(f"{name} is no tensor of one number for each of {count} candidates: use view.xp")
            if not term.requires_grad and bool((term != term[0]).any()):
                raise NotApplicable(f"{name} has no gradient: not applicable to gradient descent")
        return objective

    def step(self, function: Function) -> Float[Tensor, " candidate"]:
        """One step of the optimiser; the objective before it."""
        self.optimiser.zero_grad()
        values: Tensor = self.objective(function).values
        if values.requires_grad:
            values.sum().backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
        return values.detach()


def answers_of(start: Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], "Training"]) -> Function:
    """What a child does with each request: `begin`, `train` some steps, or say what the reporters `answer`.

    begin     what of the View the objective asked for: [[name, [arguments], {named arguments}]]
    train     objective [candidate] before the last of the steps
    answers   as `Training.answers` and `Training.answers_elsewhere`

    What is lacking is told as `not_applicable`, with `lacks` where it could be had.
    """
    current: list[Training] = []  # of this process, from `begin` to the next

    def answer(
        function: Function, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        try:
            if meta["do"] == "begin":
                current[:] = [start(meta, arrays)]
                current[0].objective(function)
                return {"asked": [[name, given, dict(named)] for name, given, named in current[0].view.asked]}, {}
            (training,) = current
            if meta["do"] == "train":
                values = [training.step(function) for _ in range(meta["steps"])]
                return {}, {"objective": values[-1].numpy()}
            return {}, {"answers": training.answers(), **training.answers_elsewhere()}
        except NotApplicable as reason:
            return {"not_applicable": str(reason), "lacks": reason.lacks}, {}

    return answer


answer = answers_of(Training)
