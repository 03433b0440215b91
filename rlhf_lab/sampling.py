"""Texts from a run's model: samples to be labelled, snippets of its corpus, and a beginning continued."""

from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, generate
from rlhf_lab import corpus as corpora
from rlhf_lab.labels import Text
from rlhf_lab.launch import PIECES, WORDS
from rlhf_lab.machine import prepare
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.ppo_run import policies

__all__ = ["completion_length", "continued", "model_folders", "snippets", "texts"]

BATCH = 1024  # completions drawn at once


def model_folders(run: Run) -> list[tuple[int, Path]]:
    """The models of a run and the iteration of each: of a pretrain run one, of a ppo run its checkpoints.

    Raises InputError for a run of another kind, or without a model yet.
    """
    if run.kind == "ppo":
        found = policies(run)
    elif run.kind == "pretrain":
        found = [(0, run.folder / "model")] if (run.folder / "model").is_dir() else []
    else:
        raise InputError(f"{run.name!r} is a {run.kind} run, which has no model that writes")
    if not found:
        raise InputError(f"{run.name!r} has no model yet: wait for it, or `rlhf-lab resume {run.name}`")
    return found


def completion_length(language: LanguageModel, length: int | None, given: int = 1) -> int:
    """The length asked for, or the default for the model's tokens, within its context."""
    usual = WORDS if language.tokenizer.kind == "word" else PIECES
    return length if length is not None else max(1, min(usual, language.model.shape.context - given))


def texts(
    run: Run,
    count: int,
    *,
    checkpoint: int | None = None,
    length: int | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    purpose: str = "pool",
    device: str = "cpu",
) -> list[Text]:
    """Draw unconditional samples for one purpose, see `generate.stream`.

    Raises InputError for a checkpoint or a device that there is not.
    """
    prepare(device)
    folders = dict(model_folders(run))
    chosen = max(folders) if checkpoint is None else checkpoint
    if chosen not in folders:
        raise InputError(f"{run.name!r} has checkpoints at iterations {', '.join(map(str, folders))}, not {chosen}")
    language, _ = load_model(folders[chosen], device)
    generator = generate.stream(purpose, seed)
    size = completion_length(language, length)
    rows = []
    for begin in range(0, count, BATCH):
        prompt = torch.zeros(min(BATCH, count - begin), 1, dtype=torch.long, device=device)
        rows.append(generate.sample(language.model, prompt, size, generator, temperature).tokens)
    tokens = torch.cat(rows)
    return [
        Text(text, tuple(row), run.name)
        for text, row in zip(language.texts(tokens), tokens[:, 1:].tolist(), strict=True)
    ]


def snippets(run: Run, count: int, *, length: int | None = None, seed: int = 0) -> list[Text]:
    """Cut so many snippets from the corpus of a pretrain run, each from a document's start; fewer if it has no more."""
    if run.kind != "pretrain":
        raise InputError(
            f"corpus snippets are mixed into samples of a pretrain run, and {run.name!r} is a {run.kind} run"
        )
    language, _ = load_model(run.folder / "model")
    source = corpora.load(run.config["corpus"], seed=run.config["seed"])
    documents = [d for d in source.text.split("\n\n") if d]
    size = completion_length(language, length)
    rng = np.random.default_rng(seed)
    found: list[Text] = []
    for at in rng.permutation(len(documents)):
        if len(found) == count:
            break
        tokens = language.tokenizer.encode("\n\n".join(documents[at : at + 40]))[:size]
        if len(tokens) == size:
            found.append(Text(language.tokenizer.decode(tokens), tuple(tokens), source.name))
    return found


def continued(
    run: Run,
    prefix: str,
    *,
    length: int | None = None,
    temperature: float = 1.0,
    seed: int = 0,
    device: str = "cpu",
) -> list[dict[str, Any]]:
    """The beginning continued at every checkpoint, by the same random numbers: iteration, KL in nats, and text."""
    prepare(device)
    found = []
    for iteration, folder in model_folders(run):
        language, meta = load_model(folder, device)
        given = torch.tensor([[0, *language.tokenizer.encode(prefix)]], device=device)
        size = completion_length(language, length, given.shape[1])
        generator = generate.stream("continuation", seed)
        drawn = generate.sample(language.model, given, size, generator, temperature).tokens[0, given.shape[1] :]
        text = language.tokenizer.decode([*given[0, 1:].tolist(), *drawn.tolist()])
        begun = language.tokenizer.decode(given[0, 1:].tolist())
        found.append({"iteration": iteration, "kl": meta.get("kl"), "text": text.removeprefix(begun)})
    return found


def before_the_stop(run: Run) -> int:
    """The iteration of the last checkpoint before the KL first reached the run's stop."""
    kl = [(i, checkpoints.load(folder)[1]["kl"]) for i, folder in policies(run)]
    within = [i for i, _ in takewhile(lambda each: each[1] < run.config["kl_stop"], kl)]
    if not within:
        raise InputError(f"{run.name!r} has no checkpoint yet: wait for it, or `rlhf-lab resume {run.name}`")
    if within[-1] == 0:
        raise InputError(
            f"{run.name!r} has but one checkpoint before its stop, the original model: wait for its next, or "
            f"`rlhf-lab resume {run.name}`"
        )
    return within[-1]
