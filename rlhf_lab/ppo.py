"""Proximal policy optimisation without a value function: the recentred reward is the advantage at every token.

One iteration samples completions of the empty prompt, scores them, and takes clipped steps on minibatches (Schulman et
al. 2017, eq. 7). The old log-probabilities come from the training path, minibatch by minibatch, so that the ratio is 1
to the last bit before the first step, in bf16 too. Where nothing else needs that pass, in fp32 and without a reference,
they are the sampler's, the same but for rounding; there the first minibatch, before any step, takes its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from elk_sandbox.terminal import InputError
from rlhf_lab.generate import sample
from rlhf_lab.graphs import Recorded
from rlhf_lab.kl import Divergence, divergence
from rlhf_lab.likelihood import log_at
from rlhf_lab.optimizers import set_learning_rate
from rlhf_lab.transformer import Transformer

__all__ = ["Batch", "Loss", "Ppo", "Score", "Update", "clipped_loss"]

ROUNDING = 1e-3  # of a ratio of 1, in fp32
Score: TypeAlias = Callable[[Tensor], Tensor]  # (batch, time) tokens with their prompt -> (batch,) rewards


@dataclass(frozen=True)
class Loss:
    """Of one minibatch."""

    value: Float[Tensor, ""]  # to be minimised
    outside: Float[Tensor, ""]  # share of tokens whose ratio is outside [1 - clip, 1 + clip]
    clipped: Float[Tensor, ""]  # share of tokens where the clipped term is the smaller, so that no gradient flows


def clipped_loss(
    new: Float[Tensor, "batch time"], old: Float[Tensor, "batch time"], advantage: Float[Tensor, "batch"], clip: float
) -> Loss:
    """-mean over tokens of min(r A, clip(r, 1 - clip, 1 + clip) A), r = exp(new - old); log-probabilities in nats."""
    ratio = torch.exp(new - old)
    free, held = ratio * advantage[:, None], ratio.clamp(1 - clip, 1 + clip) * advantage[:, None]
    outside = ((ratio - 1).abs() > clip).to(ratio.dtype).mean()
    return Loss(-torch.minimum(free, held).mean(), outside, (held < free).to(ratio.dtype).mean())


@dataclass(frozen=True)
class Batch:
    """What the policy did before an update."""

    tokens: Int[Tensor, "batch time"]  # with the prompt
    old: Float[Tensor, "batch length"]  # log-probabilities, in nats: the training path's if it was asked
    score: Float[Tensor, "batch"]  # the reward model's raw score
    divergence: Divergence | None  # from the reference, if there is one
    mismatch: float  # largest |sampler's - old| log-probability of a token: 1e-5 or so in fp32


@dataclass(frozen=True)
class Update:
    """What an update's minibatches gave, each averaged over them but for the first field."""

    ratio_error: float
    """Largest |ratio - 1| of the first minibatch before any step: 0 for old log-probabilities of the training path,
    rounding for those of the sampler; more, and something is wrong."""
    loss: float
    outside: float  # the fractions of `Loss`
    clipped: float
    clipped_first: float  # share clipped in the first epoch alone
    gradient_norm: float  # before it is cut


class Ppo:
    """A policy, its optimiser and the generator that all its randomness comes from."""

    def __init__(
        self,
        policy: Transformer,
        reference: Transformer | None,
        score: Score,
        generator: torch.Generator,
        *,
        batch: int = 512,
        length: int = 24,
        minibatch: int = 128,
        epochs: int = 1,
        learning_rate: float = 2e-4,
        warmup: int = 8,
        clip: float = 0.2,
        max_gradient: float = 1.0,
        bf16: bool = False,
    ) -> None:
        if not (batch > 1 and minibatch > 1 and batch % minibatch == 0 and epochs > 0 and length > 0):
            raise InputError(f"a batch of {batch} must hold whole minibatches of {minibatch}, both above 1")
        self.policy, self.reference, self.score, self.generator = policy, reference, score, generator
        self.batch, self.length, self.minibatch, self.epochs, self.clip = batch, length, minibatch, epochs, clip
        self.learning_rate, self.warmup, self.max_gradient, self.bf16 = learning_rate, warmup, max_gradient, bf16
        on_gpu = policy.device.type == "cuda"
        rate = torch.tensor(learning_rate, device=policy.device) if on_gpu else learning_rate
        self.optimizer = torch.optim.Adam(
            policy.parameters(), lr=rate, betas=(0.9, 0.99), fused=True, capturable=on_gpu
        )
        self.measures = bf16 or reference is not None  # whether the training path is asked for old log-probabilities
        self.steps = 0  # of the optimiser
        self._measure = Recorded(self._measured)
        self._step = Recorded(self._stepped)
        self._first = self._step if self.measures else Recorded(self._stepped_at_one)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.policy.device.type, torch.bfloat16, enabled=self.bf16)

    @torch.no_grad()
    def observe(self) -> Batch:
        """Sample completions and measure them."""
        prompt = torch.zeros(self.batch, 1, dtype=torch.long, device=self.policy.device)
        drawn = sample(self.policy, prompt, self.length, self.generator)
        old, apart = drawn.logprobs, None
        if self.measures:
            parts = [self._measure(rows) for rows in torch.split(drawn.tokens, self.minibatch)]
            old, *measured = (torch.cat(field) for field in zip(*parts, strict=True))
            apart = Divergence(*measured) if measured else None
        mismatch = float((old - drawn.logprobs).abs().max())
        return Batch(drawn.tokens, old, self.score(drawn.tokens), apart, mismatch)

    def _measured(self, rows: Int[Tensor, "minibatch time"]) -> tuple[Tensor, ...]:
        """Log-probabilities as the update computes them, to the last bit, and a divergence from the reference."""
        given, taken = rows[:, :-1], rows[:, 1:]
        with self._autocast():
            logits = self.policy(given).float()
            other = None if self.reference is None else self.reference(given).float()
        found = log_at(torch.softmax(logits, -1), taken)
        return (found,) if other is None else (found, *vars(divergence(logits, other, taken)).values())

    def update(self, batch: Batch, advantage: Float[Tensor, "batch"]) -> Update:
        """One pass (or `epochs`) of clipped steps. Raises InputError if the loss or its gradient is not finite."""
        seen: list[Tensor] = []
        for epoch in range(self.epochs):
            order = torch.arange(self.batch)
            if epoch:  # the rows of the first are in random order as they come
                order = torch.randperm(self.batch, generator=self.generator, device=self.generator.device)
            for index in torch.split(order.to(batch.tokens.device), self.minibatch):
                self.steps += 1
                set_learning_rate(self.optimizer, self.learning_rate * min(1.0, self.steps / max(1, self.warmup)))
                step = self._step if seen else self._first
                seen.append(step(batch.tokens[index], batch.old[index], advantage[index])[0])
                if len(seen) == 1 and not self.measures and (first := float(seen[0][-1])) > ROUNDING:
                    raise RuntimeError(f"sampler and training path differ: a ratio of 1 is off by {first:.1g}")
        told = torch.stack(seen)
        if not bool(torch.isfinite(told).all()):
            raise InputError(
                "the loss or its gradient is not a finite number: lower the learning rate or the reward's scale; the "
                "last good checkpoint is kept"
            )
        value, outside, clipped, norm, _ = told.mean(0).tolist()
        once = float(told[: self.batch // self.minibatch, 2].mean())
        return Update(float(told[0, -1]), value, outside, clipped, once, norm)

    def _stepped(
        self, rows: Int[Tensor, "minibatch time"], old: Tensor, advantage: Tensor, at_one: bool = False
    ) -> tuple[Float[Tensor, "told"]]:
        """A step of the optimiser; with `at_one` from old log-probabilities that are the new ones to the last bit.

        Tells of the fields of `Loss`, of the gradient's norm before it is cut, and of the largest |ratio - 1|.
        """
        with self._autocast():
            new = self.policy.log_likelihood(rows)
        error = torch.expm1(new.detach() - old).abs().max()
        loss = clipped_loss(new, new.detach() if at_one else old, advantage, self.clip)
        self.optimizer.zero_grad()
        loss.value.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_gradient)
        self.optimizer.step()
        return (torch.stack([loss.value.detach(), loss.outside, loss.clipped, norm.detach(), error]),)

    def _stepped_at_one(self, rows: Tensor, old: Tensor, advantage: Tensor) -> tuple[Tensor]:
        return self._stepped(rows, old, advantage, at_one=True)
