"""How long a stage takes on this machine: a few of its steps are done and timed, and nothing is kept."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from elk_sandbox.runtime.run import Run
from rlhf_lab.machine import prepare
from rlhf_lab.models import load_model
from rlhf_lab.ppo import Ppo
from rlhf_lab.sampling import WORDS
from rlhf_lab.settings import PpoConfig
from rlhf_lab.transformer import Transformer

__all__ = ["Estimate", "ppo_estimate", "timed"]


@dataclass(frozen=True)
class Estimate:
    """What a stage will cost on this machine, as it is busy now."""

    seconds: float
    step: float  # seconds of one step or iteration
    words: str  # what was counted


def timed(step: Callable[[], Any], times: int = 5, done: Callable[[], bool] = lambda: False) -> float:
    """Seconds of a step, the median of some after a first that warms up, which counts only if all is done with it."""
    taken: list[float] = []
    while len(taken) <= times and not done():
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:] or taken)


def ppo_estimate(config: PpoConfig, base: Run) -> Estimate:
    """Time iterations on the base model, one of its own size standing for the reward model.

    How many there will be is not known beforehand: as many as the longest done run here with the same learning rate
    and batch took, else at most `iterations`.
    """
    device = prepare(config.device, config.threads)
    reference = load_model(base.folder / "model", device)[0].model.requires_grad_(False)
    policy = Transformer(reference.shape).to(device)
    policy.load_state_dict(reference.state_dict())

    @torch.no_grad()
    def score(tokens: torch.Tensor) -> torch.Tensor:
        return reference.features(tokens).mean((1, 2))

    learner = Ppo(
        policy, reference, score, torch.Generator().manual_seed(0), batch=config.batch, length=config.length or WORDS,
        minibatch=config.minibatch, epochs=config.epochs, learning_rate=1e-9, bf16=config.precision == "bf16",
    )  # fmt: skip

    def iterate() -> None:
        batch = learner.observe()
        learner.update(batch, batch.score)

    step = timed(iterate, 3)
    alike = [
        max(s for s, _ in base.store.metrics(row.name)["kl/exact"])
        for row in base.store.runs("ppo")
        if row.outcome == "done" and all(row.config[k] == getattr(config, k) for k in ("learning_rate", "batch"))
    ]
    if alike:
        return Estimate(step * max(alike), step, f"{max(alike)} iterations, as many as the longest such run here took")
    most = config.iterations
    return Estimate(step * most, step, f"{most} iterations at most; it stops before, at its KL")
