"""Pretraining: a transformer learns to predict the next token of a corpus, and can be stopped and resumed anywhere.

Random crops, many of them from a document's start; Muon and AdamW; dropout in training alone, so that the model itself
has none. All randomness comes from one generator on the CPU: a checkpoint holds its state.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F

from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, corpus, machine, models, resume
from rlhf_lab.estimates import Estimate
from rlhf_lab.optimizers import muon, scheduled, set_learning_rate
from rlhf_lab.presets import PretrainConfig, chosen_for
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Block, Shape, Transformer

__all__ = ["PretrainConfig", "Training", "estimate", "nats_per_character", "pretrain"]

LOG_EVERY = 20  # steps
SAVE_SECONDS = 20.0  # at most between two states, however slow the steps are
MAX_GRADIENT = 1.0  # norm, above which a gradient is cut
PART = 20_000  # characters of the validation split that are looked at on the way
ROWS = 128  # windows that are scored at once


def pretrain(config: PretrainConfig, run: Run) -> None:
    """Train a language model, from the run's last good checkpoint on, and save it as `run.folder / "model"`.

    Raises InputError for a corpus that is too short, a loss that is no number, and a run that began otherwise.
    """
    config = chosen_for(config)
    device = machine.prepare(config.device, config.threads)
    run.progress(0, config.steps, f"reading the corpus {config.corpus}")
    training = Training(config, corpus.load(config.corpus, seed=config.seed), device)
    series = checkpoints.Series(run.folder / "checkpoints")
    found = resume.newest(series)
    if found is not None:
        training.restore(*found)
    run.rewind(training.step + 1)
    saved = time.monotonic()
    before, since = training.step, time.perf_counter()
    words = ""
    while training.step < config.steps:
        training.advance()
        step = training.step
        if step % LOG_EVERY == 0:
            speed = (step - before) * config.batch * config.context / (time.perf_counter() - since)
            run.log(step, {**training.report(), "time/tokens_per_second": speed})
        if step % config.validate_every == 0:
            nats = nats_per_character(training.model, training.tokenizer, training.validation[:PART])
            run.log(step, {"validation/part": nats})
            words = f", {nats:.3f} nats a character"
        stopping = run.stop_requested()
        due = step % config.save_every == 0 or time.monotonic() - saved >= SAVE_SECONDS
        if stopping or due or step == config.steps:
            training.check()
            run.flush()
            series.save(step, *training.state())
            saved = time.monotonic()
        run.progress(step, config.steps, f"pretraining step {step} of {config.steps}{words}")
        if stopping:
            return
    nats = nats_per_character(training.model, training.tokenizer, training.validation)
    run.log(config.steps, {"validation/nats_per_character": nats, "parameters": training.model.parameter_count})
    run.flush()
    language = models.LanguageModel(training.model, training.tokenizer)
    models.save_model(run.folder / "model", language, {"corpus": training.source})
    run.progress(config.steps, config.steps, f"{nats:.3f} nats a character on the validation split")


class Training:
    """A model in training, and all that its next step depends on."""

    def __init__(self, config: PretrainConfig, source: corpus.Corpus, device: torch.device) -> None:
        """`config` has nothing left to the corpus. Raises InputError if the corpus is too short."""
        text, self.validation = source.split()
        self.config, self.device = config, device
        self.source = {"name": source.name, "sha256": source.sha256}
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and bf16_is_fast(device))
        self.tokenizer = Tokenizer.train(config.tokenizer, text, size=config.vocabulary or None, alphabet=source.text)
        self.tokens = torch.tensor([0, *self.tokenizer.encode(text)])
        held = len(self.tokenizer.encode(self.validation))
        if min(len(self.tokens) - 1, held) <= config.context:
            raise InputError(
                f"the corpus {source.name} is too short: {len(self.tokens) - 1} tokens for training and {held}, its "
                f"last tenth, for validation; both must be more than the context of {config.context}"
            )
        starts = (self.tokens == 0).nonzero()[:, 0]
        self.starts = starts[starts < len(self.tokens) - config.context]
        self.generator = torch.Generator().manual_seed(config.seed)
        shape = Shape(self.tokenizer.size, config.context, config.layers, config.heads, config.width)
        self.model = Transformer(shape, self.generator).to(device)
        self.dropout = Dropout(self.model, config.dropout)
        self.optimizers = muon(self.model, self.model.blocks, config.weight_decay)
        self.step = 0
        self.total = torch.zeros((), dtype=torch.float64, device=device)  # of the losses since the last report

    def crops(self) -> Int[Tensor, "batch time"]:
        """Random stretches of the corpus, each a context and one token long."""
        config, generator = self.config, self.generator
        first = round(config.batch * config.documents)
        at_start = self.starts[torch.randint(len(self.starts), (first,), generator=generator)]
        anywhere = torch.randint(len(self.tokens) - config.context, (config.batch - first,), generator=generator)
        begin = torch.cat([at_start, anywhere])
        return self.tokens[begin[:, None] + torch.arange(config.context + 1)].to(self.device)

    def advance(self) -> None:
        """Take one step."""
        config = self.config
        tokens = self.crops()
        self.dropout.draw(config.batch, self.generator, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            loss = -self.model.log_likelihood(tokens).mean()
        self.dropout.masks = None
        self.model.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT)
        for optimizer in self.optimizers:
            set_learning_rate(optimizer, self.rate(self.step))
            optimizer.step()
        self.total += loss.detach()
        self.step += 1

    def rate(self, step: int) -> float:
        """The learning rate of the step after `step` done ones."""
        return scheduled(self.config.learning_rate, step, self.config.steps, self.config.warmup)

    def report(self) -> dict[str, float]:
        """The mean loss since the last report, in nats a token. Raises InputError if it is no number."""
        self.check()
        mean = float(self.total) / LOG_EVERY
        self.total.zero_()
        return {"train/loss": mean, "train/learning_rate": self.rate(self.step - 1)}

    def check(self) -> None:
        """Raises InputError if a loss since the last report was not finite."""
        if not math.isfinite(float(self.total)):
            raise InputError(
                f"the loss is no number at step {self.step}: clone the run with a lower learning_rate, a longer warmup "
                "or precision fp32; the last good checkpoint is kept"
            )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain values for a checkpoint."""
        tensors = resume.gather(self.model, self.generator, *self.optimizers)
        return {**tensors, "total": self.total}, {"began": self._began(), "machine": machine.fingerprint(self.device)}

    def _began(self) -> dict[str, Any]:
        """What must be as it was for a checkpoint to be gone on from."""
        return {**asdict(self.config), "bf16": self.bf16, "corpus": self.source}

    def restore(self, step: int, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """Go back to a checkpoint. Raises InputError if it was made under other conditions."""
        machine.refuse_if_changed(meta["machine"], self.device)
        if changed := machine.changes(meta["began"], self._began()):
            raise InputError(f"the run began otherwise ({changed}): clone it to begin so")
        resume.scatter(tensors, self.model, self.generator, *self.optimizers)
        self.total.copy_(tensors["total"])
        self.step = step


class Dropout:
    """Leaves out a share of the features that the embedding and both halves of each layer give, while it is on.

    One mask a sequence, the same at all its positions (Gal and Ghahramani 2016), which is nearly free to draw.
    """

    def __init__(self, model: Transformer, share: float) -> None:
        self.share, self.width = share, model.shape.width
        self.masks: Tensor | None = None  # places rows 1 width; None while it is off
        blocks = [module for module in model.blocks if isinstance(module, Block)]
        self.places = [model.embedding, *(half for block in blocks for half in (block.out, block.down))]
        for place, module in enumerate(self.places if share > 0 else []):
            module.register_forward_hook(self._hook(place))

    def draw(self, rows: int, generator: torch.Generator, device: torch.device) -> None:
        """Turn it on, with new masks for so many sequences."""
        if self.share > 0:
            kept = torch.rand(len(self.places), rows, 1, self.width, generator=generator) >= self.share
            self.masks = (kept / (1 - self.share)).to(device)

    def _hook(self, place: int) -> Callable[[nn.Module, Any, Tensor], Tensor]:
        def apply(_: nn.Module, given: Any, features: Tensor) -> Tensor:
            return features if self.masks is None else features * self.masks[place].to(features.dtype)

        return apply


@torch.no_grad()
def nats_per_character(model: Transformer, tokenizer: Tokenizer, text: str) -> float:
    """What the model needs for a text after a blank line, in nats, over its characters; fp32.

    Every token is predicted once, in windows of the context's length that follow each other; so the first tokens of a
    window have little before them. Words that the tokenizer does not know are spelled out, see `Tokenizer.spelling`.
    """
    tokens = torch.tensor([0, *tokenizer.encode(text)])
    context = model.shape.context
    given, wanted = (list(torch.split(part, context)) for part in (tokens[:-1], tokens[1:]))
    nats = tokenizer.spelling(text)
    for i in range(0, len(given), ROWS):
        rows = nn.utils.rnn.pad_sequence(given[i : i + ROWS], batch_first=True).to(model.device)
        targets = nn.utils.rnn.pad_sequence(wanted[i : i + ROWS], batch_first=True, padding_value=-1).to(model.device)
        losses = F.cross_entropy(model(rows).flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")
        nats += float(losses.double().sum())
    return nats / len(text)


def bf16_is_fast(device: torch.device) -> bool:
    """Whether this is a CPU with instructions for bf16; on a GPU a model of this size waits for launches, not sums."""
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def estimate(config: PretrainConfig, *, steps: int = 10) -> Estimate:
    """Measure a few steps, and one look at the validation split. Raises InputError as the run does."""
    config = chosen_for(config)
    since = time.perf_counter()
    device = machine.prepare(config.device, config.threads)
    training = Training(config, corpus.load(config.corpus, seed=config.seed), device)
    for _ in range(3):  # the first ones are slower
        training.advance()
    setup = time.perf_counter() - since
    since = time.perf_counter()
    for _ in range(steps):
        training.advance()
    step = (time.perf_counter() - since) / steps
    since, part = time.perf_counter(), training.validation[:PART]
    nats_per_character(training.model, training.tokenizer, part)
    look = time.perf_counter() - since
    looks = config.steps // config.validate_every + len(training.validation) / len(part)
    total = setup + config.steps * step + looks * look
    return Estimate(total, step, f"{config.steps} steps, {training.model.parameter_count:,} parameters")
