"""The reward stage: from the labels of a pool to a reward model, judged on held-out labels beside a bag of words.

The labels are copied into the run's folder when it begins, so that it goes on with the same ones after a kill, whoever
labels meanwhile, and so that it is known later what the model learned from.
"""

import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, resume
from rlhf_lab.bag_of_words import BagOfWords
from rlhf_lab.estimates import Estimate, timed
from rlhf_lab.machine import prepare
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.reward_evaluation import Evaluation, Scores, evaluate, exact_interval
from rlhf_lab.reward_labels import chosen, require_two_kinds, split, targets
from rlhf_lab.reward_model import RewardModel, save_reward
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.reward_training import ROWS, RewardTraining

__all__ = ["Data", "estimate", "labelled", "reward"]

LOG_EVERY = 10  # steps


@dataclass(frozen=True, eq=False)
class Data:
    """Labelled texts, in the order of their pool."""

    numbers: Int[np.ndarray, "text"]  # of the items in the pool
    tokens: Int[Tensor, "text time"]  # with the prompt 0
    targets: Float[np.ndarray, "text"]  # P(positive): 0, 1/2 or 1 for a label of -1, 0 or 1
    texts: tuple[str, ...]


def labelled(store: Store, config: RewardConfig, base: LanguageModel) -> Data:
    """The labels that a run is to learn from. Raises InputError if there are too few, or of texts that do not fit."""
    found = chosen(store, config)
    tokens, shape = found.tokens, base.model.shape
    lengths = sorted({len(row) for row in tokens})
    if len(lengths) > 1 or not 0 < lengths[0] < shape.context:
        raise InputError(
            f"the texts of {config.pool!r} have {' and '.join(map(str, lengths))} tokens: a reward model learns from "
            f"texts of one length, below the base model's context of {shape.context}"
        )
    if max(map(max, tokens)) >= shape.vocabulary:
        raise InputError(
            f"the texts of {config.pool!r} are of another model's tokens: make a pool of this base's samples"
        )
    rows = torch.tensor([[0, *row] for row in tokens])
    return Data(found.numbers, rows, targets(found), found.texts)


def reward(config: RewardConfig, run: Run) -> None:
    """Train a reward model, from the run's last good checkpoint on, and save it as `run.folder / "model"`.

    The evaluation is in its meta as plain values. Raises InputError for labels that do not do, a loss that is no
    number, and a run that began otherwise.
    """
    device = prepare(config.device, config.threads)
    language, _ = load_model(run.folder.parent / run.parents["base"] / "model", device)
    data = _kept(run.folder / "labels", run.store, config, language)
    train, held = split(len(data.targets), config.held_out, config.seed)
    training = _training(config, language, data, train)
    model = _trained(training, config, run)
    if model is None:
        return
    run.progress(training.step, training.step, "judging it beside a bag of words")
    baseline = BagOfWords([data.texts[i] for i in train], data.targets[train], np.random.default_rng(config.seed))
    found = evaluate(
        logits(model, data.tokens[torch.from_numpy(held)]).cpu().double().numpy(),
        baseline.logit([data.texts[i] for i in held]),
        data.targets[held],
        np.random.default_rng(config.seed),
    )
    run.log(training.step, _told(found))
    run.flush()
    mixture = None if training.mixture is None else asdict(training.mixture)
    described = {
        "length": data.tokens.shape[1] - 1,
        "trained_on": len(train),
        "mixture": mixture,
        "evaluation": asdict(found),
        "run": run.name,
    }
    save_reward(run.folder / "model", model, language.tokenizer, described)
    run.progress(training.step, training.step, _in_words(found))


def _kept(folder: Path, store: Store, config: RewardConfig, base: LanguageModel) -> Data:
    """The labels that the run began with; those of now if it begins, unless they do not do: then InputError."""
    if folder.exists():
        tensors, meta = checkpoints.load(folder)
        return Data(
            tensors["numbers"].numpy(), tensors["tokens"], tensors["targets"].numpy(), tuple(meta["texts"])
        )  # fmt: skip
    data = labelled(store, config, base)
    train, _ = split(len(data.targets), config.held_out, config.seed)
    require_two_kinds(data.targets[train])
    tensors = {"numbers": torch.tensor(data.numbers), "tokens": data.tokens, "targets": torch.tensor(data.targets)}
    checkpoints.save(folder, tensors, {"pool": config.pool, "texts": data.texts})
    return data


def _training(
    config: RewardConfig, language: LanguageModel, data: Data, train: Int[np.ndarray, "train"]
) -> RewardTraining:
    rows = torch.from_numpy(train)
    targets = torch.from_numpy(data.targets)[rows].float()
    return RewardTraining(language, data.tokens[rows], targets, config, torch.Generator().manual_seed(config.seed))


def _trained(training: RewardTraining, config: RewardConfig, run: Run) -> RewardModel | None:
    """The model when it is done, None if somebody asked to stop before."""
    series = checkpoints.Series(run.folder / "resume")
    found = resume.newest(series)
    if found is not None:
        training.restore(*found)
    run.rewind(training.step + 1)
    saved = time.monotonic()
    while not training.done:
        training.advance()
        step = training.step
        if step % LOG_EVERY == 0:
            run.log(step, {"train/loss": training.report() / LOG_EVERY})
        run.progress(step, training.total_steps, f"reward model: step {step} of {training.total_steps}")
        stopping = run.stop_requested()
        if not training.done and (stopping or time.monotonic() - saved >= config.save_every):
            training.check()
            run.flush()
            series.save(step, *training.state())
            saved = time.monotonic()
        if stopping:
            return None
    return training.model


@torch.no_grad()
def logits(model: RewardModel, tokens: Int[Tensor, "text time"]) -> Float[Tensor, "text"]:
    """The logit of each row of tokens, in parts of 512."""
    device = model.trunk.device
    return torch.cat([model.logit(rows.to(device)) for rows in torch.split(tokens, ROWS)])


def _in_words(found: Evaluation) -> str:
    """The evaluation in a line."""
    if not found.count:
        return "Nothing was held out to judge it by."
    right = [one.accuracy for one in (found.model, found.baseline)]
    ends = [exact_interval(one.value, one.count) for one in right]
    model, words = (f"{one.value:.2f} [{low:.2f}, {high:.2f}]" for one, (low, high) in zip(right, ends, strict=True))
    chance = "" if ends[0][0] > 0.5 else " Not shown to be better than chance: label more texts."
    return f"Accuracy on {found.count} labels held out: {model}, of a bag of words {words}.{chance}"


def _told(found: Evaluation) -> dict[str, float]:
    """An evaluation as metrics: what is defined of it."""
    told: dict[str, float] = {"held_out/texts": found.count}
    for role in ("model", "baseline", "difference"):
        scores: Scores = getattr(found, role)
        for field in fields(scores):
            one = getattr(scores, field.name)
            told |= {f"{role}/{field.name}{end}": getattr(one, part) for part, end in ENDS.items()}
    return {key: value for key, value in told.items() if math.isfinite(value)}


ENDS = {"value": "", "low": "_low", "high": "_high"}


def estimate(config: RewardConfig, base: Run) -> Estimate:
    """Time steps on the base model and the pool's labels. Raises InputError as `labelled` does."""
    device = prepare(config.device, config.threads)
    language, _ = load_model(base.folder / "model", device)
    data = labelled(base.store, config, language)
    train, _ = split(len(data.targets), config.held_out, config.seed)
    training = _training(config, language, data, train)
    step = timed(training.advance, done=lambda: training.done)
    return Estimate(step * training.total_steps, step, f"{training.total_steps} steps at most")
