"""Training a reward model on few labels, step by step, so that it can be stopped and resumed anywhere.

The heads `last` and `every` are trained once. For the head `pooled` three models are first trained, each on two thirds
of the labels, and judge the other third, as do the words; from these judgements, none on labels trained on, comes how
much the votes of the transformer and the words' weights count (stacking: Wolpert 1992, Breiman 1996). Then a model is
trained on all labels, unless the votes turned out to be worth nothing.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize
from torch import Tensor, nn

from elk_sandbox.terminal import InputError
from rlhf_lab import machine, resume
from rlhf_lab.bag_of_words import Words, folds, logistic, outside
from rlhf_lab.models import LanguageModel
from rlhf_lab.optimizers import adamw, scheduled, set_learning_rate
from rlhf_lab.pretrain import bf16_is_fast
from rlhf_lab.reward_labels import require_two_kinds
from rlhf_lab.reward_model import Head, RewardModel, loss, pooled
from rlhf_lab.reward_settings import RewardConfig

__all__ = ["Mixture", "RewardTraining", "fit", "mix"]

MAX_GRADIENT = 1.0  # norm
FOLDS = 3  # of the stacking; with two, half of the labels are too few to tell what words are worth
ROWS = 512  # texts judged at once


@dataclass(frozen=True)
class Mixture:
    """What votes and words are worth: P(positive) = 1 / (1 + exp(-(intercept + votes * v + words * w)))."""

    votes: float  # 0: left out
    words: float  # 0: left out
    intercept: float  # nats
    gain: (
        float  # nats of cross-entropy by which it beats the constant, on labels not trained on, its parameters paid for
    )


def mix(
    votes: Float[np.ndarray, "text"], words: Float[np.ndarray, "text"], targets: Float[np.ndarray, "text"]
) -> Mixture:
    """The non-negative weights of least cross-entropy; votes, words, or both, whichever has the best AIC.

    Source: Akaike 1974; a parameter must gain more than one nat to be taken in.
    """

    def fitted(columns: list[int]) -> tuple[float, Float[np.ndarray, "parameter"]]:
        features = np.stack([np.ones_like(votes), votes, words], 1)[:, [0, *columns]]
        sizes = np.maximum(features.std(0), 1e-9)  # so that the optimiser sees features of one size
        sizes[0] = 1

        def objective(x: Float[np.ndarray, "parameter"]) -> tuple[float, Float[np.ndarray, "parameter"]]:
            logit = features @ (x / sizes)
            slope = 1 / (1 + np.exp(-np.clip(logit, -500, 500))) - targets
            return float((np.logaddexp(0, logit) - targets * logit).sum()), (slope @ features) / sizes

        bounds = [(None, None), *[(0.0, None)] * len(columns)]
        found = minimize(objective, np.zeros(len(bounds)), jac=True, bounds=bounds, method="L-BFGS-B")
        values = np.zeros(3)
        values[[0, *columns]] = found.x / sizes
        return float(found.fun) + len(columns), values

    constant, _ = fitted([])
    best, values = min((fitted(columns) for columns in ([1], [2], [1, 2])), key=lambda pair: pair[0])
    return Mixture(float(values[1]), float(values[2]), float(values[0]), constant - best)


class RewardTraining:
    """A reward model in training and all that its next step depends on.

    tokens are with their prompt 0, targets P(positive) in [0, 1]: 0, 1/2, 1 for the labels -1, 0, 1. Raises InputError
    for fewer than 20 labels, or not two of each kind.
    """

    def __init__(
        self,
        base: LanguageModel,
        tokens: Int[Tensor, "text time"],
        targets: Float[Tensor, "text"],
        config: RewardConfig,
        generator: torch.Generator,
    ) -> None:
        require_two_kinds(targets.numpy())
        self.base, self.config, self.generator = base, config, generator
        self.device = base.model.device
        self.tokens, self.targets = tokens.to(self.device), targets.to(self.device)
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and bf16_is_fast(self.device))
        self.rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        everything = np.arange(len(tokens))
        self.parts = [everything]  # rows that are trained on, one model after the other
        self.mixture: Mixture | None = None
        if config.head == "pooled":
            self._learn_words()
            self.fold = folds(targets.numpy(), FOLDS, self.rng)
            self.parts = [*[everything[self.fold != out] for out in range(FOLDS)], everything]
        self.step = 0  # over all parts
        self.part, self.began = -1, 0  # which is at work, and at which step it began
        self.votes = torch.zeros(len(tokens))  # on each text, of the model that was not trained on it
        self.total = torch.zeros((), dtype=torch.float64, device=self.device)  # of the losses since the last report
        self._next_part()

    def _learn_words(self) -> None:
        words = Words(self.base.tokenizer).to(self.device)
        self.counts, known = words.counts(self.tokens)
        self.of_words = logistic(self.counts, self.targets.cpu().double().numpy(), self.rng)
        words.learn(known, self.of_words.weights)
        self.words = words

    def steps_of(self, part: int) -> int:
        """How many steps a part takes: `epochs` passes, at most its share of `most_steps`."""
        rows, whole = len(self.parts[part]), len(self.tokens)
        passes = self.config.epochs * rows / min(self.config.batch, rows)
        return max(1, round(min(passes, self.config.most_steps * rows / whole)))

    @property
    def total_steps(self) -> int:
        """Of all parts; fewer are taken if the votes turn out to be worth nothing."""
        return sum(self.steps_of(part) for part in range(len(self.parts)))

    @property
    def done(self) -> bool:
        return self.part == len(self.parts)

    def _next_part(self) -> None:
        """Begin the next part with a fresh copy of the base model, whose label tokens have no opinion yet."""
        self.part, self.began = self.part + 1, self.step
        if self.part == FOLDS:
            self.mixture = self._mixed()
            if not self.mixture.votes:
                self.part += 1
                self.model = self._fresh()
        if self.done:
            self._scale()
            return
        self.model = self._fresh()
        self.optimizer = adamw(self.model.trunk, self.config.weight_decay)
        self.order = torch.empty(0, dtype=torch.long)

    def _fresh(self) -> RewardModel:
        trunk = copy.deepcopy(self.base.model).requires_grad_(True)
        with torch.no_grad():
            trunk.embedding.weight[-2:] = 0
        words = copy.deepcopy(self.words) if self.config.head == "pooled" else None
        return RewardModel(trunk, cast(Head, self.config.head), words)

    def _mixed(self) -> Mixture:
        targets = self.targets.cpu().double().numpy()
        words = outside(self.counts, targets, self.fold, self.of_words.strength)
        return mix(self.votes.double().numpy(), words, targets)

    def _scale(self) -> None:
        self.model.requires_grad_(False)
        if self.mixture is None:
            return
        self.model.trunk_scale.fill_(self.mixture.votes)
        self.model.word_scale.fill_(self.mixture.words)
        self.model.intercept.fill_(self.mixture.intercept + self.mixture.words * self.of_words.intercept)

    def _rows(self) -> Int[Tensor, "batch"]:
        """The next batch of the pass; the rest of a pass that fills no batch is left out of it."""
        rows = self.parts[self.part]
        batch = min(self.config.batch, len(rows))
        passed = (self.step - self.began) % (len(rows) // batch) * batch
        if passed == 0:
            self.order = torch.randperm(len(rows), generator=self.generator)
        return torch.from_numpy(rows)[self.order[passed : passed + batch]].to(self.device)

    def advance(self) -> None:
        """Take one step."""
        rows = self._rows()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            value = loss(self.model, self.tokens[rows], self.targets[rows])
        set_learning_rate(self.optimizer, self._rate())
        self.optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT)
        self.optimizer.step()
        self.total += value.detach()
        self.step += 1
        if self.step - self.began == self.steps_of(self.part):
            self.check()
            if self.config.head == "pooled" and self.part < FOLDS:
                self._judge_the_rest()
            self._next_part()

    def _rate(self) -> float:
        steps = self.steps_of(self.part)
        return scheduled(self.config.learning_rate, self.step - self.began, steps, self.config.warmup)

    @torch.no_grad()
    def _judge_the_rest(self) -> None:
        rest = torch.from_numpy(np.flatnonzero(self.fold == self.part))
        for rows in torch.split(rest, ROWS):
            self.votes[rows] = pooled(self.model.votes(self.tokens[rows.to(self.device)])).cpu()

    def report(self) -> float:
        """The sum of the losses since the last report, in nats. Raises InputError if it is no number."""
        self.check()
        total = float(self.total)
        self.total.zero_()
        return total

    def check(self) -> None:
        """Raises InputError if a loss since the last report was not finite."""
        if not math.isfinite(float(self.total)):
            raise InputError(
                f"the loss is no number by step {self.step}: clone the run with a lower learning_rate, or precision "
                "fp32; the last good checkpoint is kept"
            )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and values for a checkpoint of a training that is not done."""
        tensors = resume.gather(self.model, self.generator, self.optimizer)
        tensors |= {"total": self.total, "votes": self.votes, "order": self.order}
        conditions = {**asdict(self.config), "bf16": self.bf16}
        machine_now = machine.fingerprint(self.device)
        return tensors, {"part": self.part, "began": self.began, "conditions": conditions, "machine": machine_now}

    def restore(self, step: int, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """Go back to a checkpoint of a training on the same data. Raises InputError for another machine or settings."""
        machine.refuse_if_changed(meta["machine"], self.device)
        if changed := machine.changes(meta["conditions"], {**asdict(self.config), "bf16": self.bf16}):
            raise InputError(f"the run began otherwise ({changed}): clone it to change that")
        self.votes = tensors["votes"]
        self.part, self.step = meta["part"] - 1, step
        self._next_part()
        self.began, self.order = meta["began"], tensors["order"]
        self.total.copy_(tensors["total"])
        resume.scatter(tensors, self.model, self.generator, self.optimizer)


def fit(
    base: LanguageModel,
    tokens: Int[Tensor, "text time"],
    targets: Float[Tensor, "text"],
    config: RewardConfig,
    generator: torch.Generator,
    on_step: Callable[[RewardTraining], None] = lambda training: None,
) -> RewardModel:
    """Train to the end in one go, `on_step` called after each step. Raises InputError as `RewardTraining` does."""
    training = RewardTraining(base, tokens, targets, config, generator)
    while not training.done:
        training.advance()
        on_step(training)
    return training.model
