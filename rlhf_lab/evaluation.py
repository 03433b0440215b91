"""Looking at a run: completions of every checkpoint from the same random numbers, and what each is worth.

Gold is read here, after the run, and nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, diversity, raters
from rlhf_lab.estimates import Estimate, timed
from rlhf_lab.evaluated import Evaluation, load_evaluation
from rlhf_lab.generate import sample, stream
from rlhf_lab.kl import divergence
from rlhf_lab.machine import prepare
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.ppo_run import policies, reward_score, shaped
from rlhf_lab.settings import PpoConfig, settings_of
from rlhf_lab.stage import read
from rlhf_lab.transformer import Transformer

__all__ = ["Evaluation", "estimate", "evaluate", "load_evaluation", "worth_of"]

COMPLETIONS, POOL = 1000, 8192  # of each checkpoint; of the original model, for best-of-n
ROWS, PART = 512, 1024  # completions scored, and drawn, at once
GOLDS = ("careful", "vader")


def worth_of(name: str, texts: Sequence[str]) -> tuple[Float[np.ndarray, "text"], Bool[np.ndarray, "text"] | None]:
    """Gold of each text in [-1, 1], and whether it is well formed: the careful reader's, or VADER's compound (no form).

    The careful reader's gold is the sentiment of what is well formed and 0 of all else.
    """
    if name == "careful":
        readings = [read(text) for text in texts]
        formed = np.array([r.well_formed for r in readings])
        return np.where(formed, [r.sentiment for r in readings], 0.0), formed
    if name == "vader":
        rater = raters.make("vader", scale=1.0)
        return rater.score(texts), None
    raise InputError(f"no gold is called {name!r}: careful (for the stage corpus) or vader")


@dataclass(frozen=True)
class _Meters:
    """What a checkpoint's completions are judged by."""

    base: LanguageModel
    config: PpoConfig
    gold: str
    scores: dict[str, Callable[[Tensor], Tensor]]  # by role: proxy, and second if there is one


def _checkpoints(run: Run) -> list[tuple[int, Path]]:
    """The iterations and folders that are looked at. Raises InputError as `evaluate` does."""
    if run.kind != "ppo":
        raise InputError(f"{run.name!r} is a {run.kind} run: evaluate looks at the checkpoints of a ppo run")
    found = policies(run)
    if not found:
        raise InputError(f"{run.name!r} has no checkpoint yet: wait for its first, or resume it")
    if len(found) < 2:
        raise InputError(f"{run.name!r} has but one checkpoint, the original model: wait for its next, or resume it")
    return found


def _meters(run: Run, gold: str | None, second: str | None, at: torch.device) -> _Meters:
    base_run = run.store.run(run.parents["base"])
    gold = gold or ("careful" if base_run.config["corpus"] == "stage" else "vader")
    config: PpoConfig = settings_of(PpoConfig, run.config)
    runs = run.folder.parent
    base, _ = load_model(runs / run.parents["base"] / "model", at)
    names = {"proxy": run.parents["reward"], **({"second": second} if second else {})}
    scores = {
        role: shaped(reward_score(name, runs / name, base, at, config.length), config) for role, name in names.items()
    }
    return _Meters(base, config, gold, scores)


def _look(policy: LanguageModel, by: _Meters, completions: int, seed: int) -> tuple[dict[str, Any], list[str]]:
    """What a checkpoint writes is worth, by name, and the texts."""
    tokens = _draw(policy.model, by.config.length, completions, stream("evaluation", seed))
    texts = by.base.texts(tokens)
    worth, formed = worth_of(by.gold, texts)
    kl, entropy = _divergence(policy.model, by.base.model, tokens)
    row: dict[str, Any] = {role: score(tokens).double().cpu().numpy() for role, score in by.scores.items()}
    row |= {"kl": kl, "gold": worth, "entropy": entropy / by.config.length}
    written = tokens[:, 1:].cpu().numpy()
    row |= {"distinct": diversity.distinct(written), "duplicates": diversity.duplicates(written)}
    row["overlap"] = diversity.overlap(written)
    if formed is not None:
        row["well_formed"] = formed
    return row, texts


@torch.no_grad()
def evaluate(
    run: Run,
    *,
    gold: str | None = None,
    second: str | None = None,
    completions: int = COMPLETIONS,
    pool: int = POOL,
    seed: int = 0,
    device: str = "cpu",
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Sample each checkpoint of a PPO run and score what it says; kept in the run's folder `evaluation`.

    gold: careful or vader; by default careful if the base learned the corpus stage, else vader.
    second: a reward run whose model did not train the policy. All checkpoints draw from the same random numbers.
    Raises InputError for a run without checkpoints, another kind of run, a second model of other tokens, or a device
    that is not here.
    """
    found, at = _checkpoints(run), prepare(device)
    by = _meters(run, gold, second, at)
    columns: dict[str, list[Any]] = {}
    texts = []
    for done, (_, folder) in enumerate(found):
        tell(done, len(found) + 1)
        language, meta = load_model(folder, at)
        row, written = _look(language, by, completions, seed)
        texts.append(written)
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    tell(len(found), len(found) + 1)
    tokens = _draw(by.base.model, by.config.length, pool, stream("best of n", seed))
    pool_texts = by.base.texts(tokens)
    pool_gold, pool_formed = worth_of(by.gold, pool_texts)
    arrays = {key: np.array(value) for key, value in columns.items()}
    arrays["proxy"] = (arrays["proxy"] - meta["mean"]) / meta["sd"]
    arrays |= {"pool_proxy": (by.scores["proxy"](tokens).double().cpu().numpy() - meta["mean"]) / meta["sd"]}
    arrays |= {"pool_gold": pool_gold, "steps": np.array([step for step, _ in found])}
    if pool_formed is not None:
        arrays["pool_well_formed"] = pool_formed
    described = {
        "run": run.name, "gold": by.gold, "second": second, "completions": completions, "pool": pool, "seed": seed,
        "texts": texts, "pool_texts": pool_texts,
    }  # fmt: skip
    tensors = {key: torch.as_tensor(value) for key, value in arrays.items()}
    checkpoints.save(run.folder / "evaluation", tensors, described)
    tell(len(found) + 1, len(found) + 1)
    return load_evaluation(run.folder / "evaluation")


@torch.no_grad()
def estimate(
    run: Run, *, second: str | None = None, completions: int = COMPLETIONS, pool: int = POOL, device: str = "cpu"
) -> Estimate:
    """Time the last checkpoint, completions of the pool being taken to cost as much. Raises as `evaluate` does."""
    found, at = _checkpoints(run), prepare(device)
    by = _meters(run, None, second, at)
    step = timed(lambda: _look(load_model(found[-1][1], at)[0], by, completions, 0), 1)
    words = f"before the laws are fitted, a pool of {pool} completions and {len(found)} checkpoints of {completions}"
    return Estimate(step * (len(found) + pool / completions), step, words)


def _draw(model: Transformer, length: int, count: int, generator: torch.Generator) -> Tensor:
    """In parts, since the keys and values of a pool would be gigabytes."""
    rows = torch.zeros(count, 1, dtype=torch.long, device=model.device)
    return torch.cat([sample(model, part, length, generator).tokens for part in torch.split(rows, PART)])


def _divergence(policy: Transformer, reference: Transformer, tokens: Tensor) -> tuple[np.ndarray, float]:
    """KL of each completion in nats, and the mean entropy of a completion."""
    apart = [divergence(policy(r[:, :-1]), reference(r[:, :-1]), r[:, 1:]) for r in torch.split(tokens, ROWS)]
    exact, entropy = (torch.cat([getattr(d, name) for d in apart]).double().cpu() for name in ("exact", "entropy"))
    return exact.numpy(), float(entropy.mean())
