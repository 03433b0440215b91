"""How long a PPO run takes on this machine."""

import torch

from elk_sandbox.runtime.run import Run
from rlhf_lab.estimates import Estimate, timed
from rlhf_lab.machine import prepare
from rlhf_lab.models import load_model
from rlhf_lab.ppo import Ppo
from rlhf_lab.sampling import completion_length
from rlhf_lab.settings import PpoConfig
from rlhf_lab.transformer import Transformer

__all__ = ["estimate"]


def estimate(config: PpoConfig, base: Run) -> Estimate:
    """Time iterations on the base model, one of its own size standing for the reward model.

    How many there will be is not known beforehand: as many as the longest done run here with the same learning rate,
    batch and length took, else at most `iterations`.
    """
    device = prepare(config.device, config.threads)
    language, _ = load_model(base.folder / "model", device)
    reference, length = language.model.requires_grad_(False), config.length or completion_length(language, None)
    policy = Transformer(reference.shape).to(device)
    policy.load_state_dict(reference.state_dict())

    @torch.no_grad()
    def score(tokens: torch.Tensor) -> torch.Tensor:
        return reference.features(tokens).mean((1, 2))

    learner = Ppo(
        policy, reference, score, torch.Generator().manual_seed(0), batch=config.batch, length=length,
        minibatch=config.minibatch, epochs=config.epochs, learning_rate=1e-9, bf16=config.precision == "bf16",
    )  # fmt: skip

    def iterate() -> None:
        batch = learner.observe()
        learner.update(batch, batch.score)

    step = timed(iterate, 3)
    same = {"learning_rate": config.learning_rate, "batch": config.batch, "length": length}
    alike = [
        max(s for s, _ in base.store.metrics(row.name)["kl/exact"])
        for row in base.store.runs("ppo")
        if row.outcome == "done" and same.items() <= row.config.items()
    ]
    of = f"of completions of {length} tokens"
    if alike:
        words = f"{max(alike)} iterations {of}, as many as the longest such run here took"
        return Estimate(step * max(alike), step, words)
    most = config.iterations
    return Estimate(step * most, step, f"{most} iterations {of} at most; it stops before, at its KL")
