"""The PPO stage: from a base model and a reward to a policy, with its checkpoints evenly spaced in sqrt(KL).

Gold is not read here: what trains and stops the run is the reward and the KL alone. The one exception is a run whose
reward is the rater that gold is, `rater:careful` on stage: the marked control.
"""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from elk_sandbox.runtime.jobs import Run
from elk_sandbox.terminal import InputError
from rlhf_lab import raters, resume
from rlhf_lab.checkpoint_files import check_of
from rlhf_lab.checkpoints import Series
from rlhf_lab.diversity import duplicates
from rlhf_lab.generate import sample, stream
from rlhf_lab.kl import mean_and_error
from rlhf_lab.machine import fingerprint, prepare, refuse_if_changed
from rlhf_lab.models import LanguageModel, digest, load_model, save_model
from rlhf_lab.ppo import Batch, Ppo, Score, Update
from rlhf_lab.reward_model import RewardConstants, constants, load_reward
from rlhf_lab.runs import policies
from rlhf_lab.settings import RATER, PpoConfig, require
from rlhf_lab.transformer import Transformer

__all__ = ["policies", "ppo", "reward_score"]


def reward_score(
    name: str, folder: Path, language: LanguageModel, device: torch.device, length: int
) -> Callable[[Tensor], Tensor]:
    """The logit of positive for rows of `length` tokens and their prompt: of a reward run, or `rater:NAME`, a program.

    Raises InputError for a reward model of other tokens, or of texts of another length.
    """
    if not name.startswith(RATER):
        model, meta = load_reward(folder / "model", device)
        if meta["tokenizer"] != language.tokenizer.to_json():
            raise InputError(f"the reward model {name!r} was trained on another base model's tokens: choose its base")
        require(
            meta["length"] == length,
            f"the reward model {name!r} learned from texts of {meta['length']} tokens: say --length {meta['length']}",
        )
        return lambda tokens: model.logit(tokens)
    rater = raters.make(name.removeprefix(RATER))

    def logit(tokens: Tensor) -> Tensor:
        return torch.as_tensor(rater.score(language.texts(tokens)), dtype=torch.float32, device=device)

    return logit


def shaped(logit: Callable[[Tensor], Tensor], config: PpoConfig) -> Score:
    """The raw reward of token rows, in nats: log P(target) or the logit of it.

    The target is swapped, the reward's sign is not: of log P these differ, of the logit they are the same.
    """
    sign = 1 if config.target == "positive" else -1  # P(negative) = sigmoid(-logit)
    as_logp = config.reward_as == "logp"

    @torch.no_grad()
    def score(tokens: Tensor) -> Tensor:
        found = torch.cat([logit(rows) for rows in torch.split(tokens, 512)]).float() * sign
        return F.logsigmoid(found) if as_logp else found

    return score


def ppo(config: PpoConfig, run: Run) -> None:
    """Run or resume. Raises InputError for parents that do not fit, another machine, or a loss that is not finite."""
    device = prepare(config.device, config.threads)
    runs = run.folder.parent
    language, _ = load_model(runs / run.parents["base"] / "model", device)
    require(config.length > 0, "say how many tokens a completion has: --length")
    require(
        config.length < language.model.shape.context,
        f"completions of {config.length} tokens and their prompt do not fit the base model's context of "
        f"{language.model.shape.context}: choose a shorter --length",
    )
    reference = language.model.eval().requires_grad_(False)
    name = run.parents["reward"]
    score = shaped(reward_score(name, runs / name, language, device, config.length), config)
    generator = stream("ppo", config.seed)
    policy = Transformer(reference.shape).to(device)
    policy.load_state_dict(reference.state_dict())
    learner = Ppo(
        policy, reference, score, generator, batch=config.batch, length=config.length, minibatch=config.minibatch,
        epochs=config.epochs, learning_rate=config.learning_rate, warmup=config.warmup, clip=config.clip,
        bf16=config.precision == "bf16",
    )  # fmt: skip
    _Loop(config, run, learner, language, device).go()


class _Loop:
    """The iterations of a run, and what is kept of them."""

    def __init__(
        self, config: PpoConfig, run: Run, learner: Ppo, language: LanguageModel, device: torch.device
    ) -> None:
        self.config, self.run, self.learner, self.language, self.device = config, run, learner, language, device
        self.series = Series(run.folder / "resume")
        self.reference = digest(language.model)
        self.reward = check_of(run.folder.parent / run.parents["reward"] / "model")  # empty for a rater
        self.iteration = 0
        self.constants: RewardConstants  # of the original model's samples: fixed for the whole run
        self.next_mark = 0.0  # of sqrt(KL), at which a checkpoint is due
        self.saved = time.monotonic()

    def go(self) -> None:
        if not self._restore():
            for _, folder in policies(self.run):  # that another machine left, where checkpoints fall elsewhere
                shutil.rmtree(folder)
            self._fix_constants()
        self.run.rewind(self.iteration)  # whose metrics come next
        while True:
            began = time.perf_counter()
            batch = self.learner.observe()
            kl = self._tell(batch)
            root = math.sqrt(max(0.0, kl))
            last = kl >= self.config.last_kl or self.iteration >= self.config.iterations
            if root >= self.next_mark or last:
                self._keep_policy(batch, kl)
                self.next_mark = (math.floor(root / self.config.spacing) + 1) * self.config.spacing
            done = max(root / math.sqrt(self.config.last_kl), self.iteration / self.config.iterations)
            self.run.progress(min(done, 1.0), 1.0, self._words(batch, kl))
            if last:
                return
            self._tell_update(self.learner.update(batch, self._advantage(batch)))
            self.run.log(self.iteration, {"time/iteration": time.perf_counter() - began})
            self.iteration += 1
            stopping = self.run.stop_requested()
            if stopping or time.monotonic() - self.saved >= self.config.save_every:
                self._keep_state()
            if stopping:
                return

    def _advantage(self, batch: Batch) -> Tensor:
        reward = self.constants.shaped(batch.score)
        if self.config.kl_penalty and batch.divergence is not None:
            reward = reward - self.config.kl_penalty * batch.divergence.k1
        return reward

    @torch.no_grad()
    def _fix_constants(self) -> None:
        prompt = torch.zeros(self.config.constants, 1, dtype=torch.long, device=self.device)
        drawn = sample(self.learner.policy, prompt, self.config.length, self.learner.generator)
        self.constants = constants(self.learner.score(drawn.tokens))

    def _tell(self, batch: Batch) -> float:
        """Log what the policy is before this iteration's update; returns its KL in nats per completion."""
        assert batch.divergence is not None
        told: dict[str, float] = {}
        for name in ("exact", "k1", "k2", "k3"):
            told[f"kl/{name}"], told[f"kl/{name}_error"] = mean_and_error(getattr(batch.divergence, name))
        told["reward/proxy"], told["reward/proxy_error"] = mean_and_error(batch.score)
        told["reward/shaped"] = float(self.constants.shaped(batch.score).mean())
        told["reward/sd"] = float(batch.score.std())
        told["entropy"] = float(batch.divergence.entropy.mean()) / self.config.length
        told["duplicates"] = duplicates(batch.tokens.cpu().numpy())
        told["ratio/mismatch"] = batch.mismatch
        self.run.log(self.iteration, told)
        return told["kl/exact"]

    def _tell_update(self, update: Update) -> None:
        told = {
            "ratio/error_before": update.ratio_error,
            "clip/outside": update.outside,
            "clip/clipped": update.clipped,
            "clip/clipped_first_epoch": update.clipped_first,
            "loss": update.loss,
            "gradient_norm": update.gradient_norm,
        }
        self.run.log(self.iteration, told)

    def _words(self, batch: Batch, kl: float) -> str:
        past = " past the stop" if kl >= self.config.kl_stop else ""
        return f"iteration {self.iteration}: {kl:.2f} nats{past}, reward {float(batch.score.mean()):.3f}"

    def _keep_policy(self, batch: Batch, kl: float) -> None:
        assert batch.divergence is not None
        described = {
            "iteration": self.iteration, "kl": kl, "kl_error": mean_and_error(batch.divergence.exact)[1],
            "proxy": float(batch.score.mean()), **asdict(self.constants), "reference": self.reference,
            "run": self.run.name,
        }  # fmt: skip
        folder = self.run.folder / "checkpoints" / f"{self.iteration:06d}"
        save_model(folder, LanguageModel(self.learner.policy, self.language.tokenizer), described)

    def _keep_state(self) -> None:
        self.run.flush()
        meta: dict[str, Any] = {
            "config": asdict(self.config), "iteration": self.iteration, "steps": self.learner.steps,
            **asdict(self.constants), "next_mark": self.next_mark, "reference": self.reference, "reward": self.reward,
            "machine": fingerprint(self.device),
        }  # fmt: skip
        tensors = resume.gather(self.learner.policy, self.learner.generator, self.learner.optimizer)
        self.series.save(self.iteration, tensors, meta)
        self.saved = time.monotonic()

    def _restore(self) -> bool:
        found = resume.newest(self.series)
        if found is None:
            return False
        _, tensors, meta = found
        refuse_if_changed(meta["machine"], self.device)
        if meta["reference"] != self.reference:
            raise InputError(
                f"the base model {self.run.parents['base']!r} is not the one that this run began with, so its KL would "
                "be another: bring the old one back, or clone the run and start anew"
            )
        if meta.get("reward", self.reward) != self.reward:
            raise InputError(
                f"the reward model {self.run.parents['reward']!r} is not the one that this run began with: bring the "
                "old one back, or clone the run and start anew"
            )
        resume.scatter(tensors, self.learner.policy, self.learner.generator, self.learner.optimizer)
        self.iteration, self.learner.steps = meta["iteration"], meta["steps"]
        self.constants = RewardConstants(meta["mean"], meta["sd"], meta["count"])
        self.next_mark = meta["next_mark"]
        return True
