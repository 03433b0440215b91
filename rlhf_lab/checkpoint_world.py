"""A run's checkpoint as a learned world: it reads speeches of the stage, or what it wrote itself.

The texts are the same for all checkpoints of a run, so that along it only the network changes. Half of them are for
training; with ",own" the other half gives way to the checkpoint's own samples, of which nothing is trained on. What it
writes often counts often: shares of its samples are then its policy's.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from elk_sandbox.learned.sources import Say
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.terminal import InputError
from rlhf_lab.activations import Layers, layers, untrained
from rlhf_lab.checkpoint_choice import Chosen
from rlhf_lab.generate import sample, stream
from rlhf_lab.machine import prepare
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.passages import Passage, Tokens, drawn, passages
from rlhf_lab.raters import Rater
from rlhf_lab.reward_model import load_reward
from rlhf_lab.reward_run import logits
from rlhf_lab.text_patches import patched, worth
from rlhf_lab.text_world import (
    BELIEF,
    ENDINGS,
    HONESTS,
    MOST,
    OTHERS,
    SEED,
    UNTRAINED,
    Contrast,
    assembled,
    belief,
    halves,
    paired,
)
from rlhf_lab.tokenizer import Tokenizer

__all__ = ["made", "opening", "siblings"]

OWN = 4000  # samples of the checkpoint


@torch.no_grad()
def made(chosen: Chosen, say: Say) -> LearnedWorld:
    """The world of a checkpoint. Raises WorldError, or CheckpointError for a file that is missing or altered."""
    prepare()
    say("drawing texts", 0.0)
    language = _predictor(chosen)
    texts, test, counts = _texts(chosen, language, say)
    rows = torch.tensor([[0, *text.tokens] for text in texts])
    trained = layers(language.model, rows, lambda share: say("reading the texts", 0.6 + 0.2 * share))
    say("reading them without having learned", 0.8)
    fresh, *rerolled = (layers(untrained(language.model, seed), rows) for seed in UNTRAINED)
    say("reading them with an ending", 0.85)
    contrast = _contrast(language, rows)
    say("asking the judges", 0.9)
    models = {role: _reward(folder, rows, language.tokenizer) for role, folder in chosen.rewards.items()}
    humans = {"viewer": belief(chosen.viewer, [text.text for text in texts])} if chosen.viewer else {}
    if "reward_model" in models:
        humans = {"viewer": models["reward_model"], **humans, "reward_model": models.pop("reward_model")}
    say("patching the network", 0.95)
    worths = worth(language.tokenizer, chosen.viewer, language.model.shape.vocabulary)
    patches = patched(language.model, rows, test, humans["viewer"] > BELIEF, worths)
    about = {
        "run": chosen.run,
        "run's kind": chosen.kind,
        "step": chosen.step,
        "texts": "its own samples" if chosen.own else "speeches of the stage",
        **({"samples": counts} if chosen.own else {}),
        "tokens of a text": chosen.length,
        "viewer": chosen.viewer.to_json() if chosen.viewer else "the reward model: people labelled, or several raters",
        "reward models": {role: folder.parent.name for role, folder in chosen.rewards.items()},
        "network": vars(language.model.shape),
    }
    return assembled(
        chosen.name, texts, test, trained, fresh, humans, models, about, rerolled=rerolled, contrast=contrast,
        patched=patches,
    )  # fmt: skip


@torch.no_grad()
def siblings(chosen: Chosen, others: Sequence[Chosen], say: Say) -> dict[str, Layers]:
    """What other checkpoints make of the texts of a world, by name. Raises CheckpointError as `made` does."""
    prepare()
    texts, _, _ = _texts(chosen, _predictor(chosen), say)
    rows, found = torch.tensor([[0, *text.tokens] for text in texts]), {}
    for k, each in enumerate(others):
        say(f"{each.run}@{each.step} is reading the texts", 0.6 + 0.4 * k / len(others))
        found[f"{each.run}@{each.step}"] = layers(_predictor(each).model, rows)
    return found


def opening(tokenizer: Tokenizer, length: int) -> Callable[[str], tuple[str, Tokens] | None]:
    """What makes of a speech its first `length` tokens and their text; None of a shorter one, or one misspelt."""

    def fitted(speech: str) -> tuple[str, Tokens] | None:
        tokens = tuple(tokenizer.encode(speech)[:length])
        text = tokenizer.decode(tokens)
        return (text, tokens) if len(tokens) == length and speech.startswith(text) else None

    return fitted


def _predictor(chosen: Chosen) -> LanguageModel:
    if chosen.kind != "reward":
        return load_model(chosen.folder)[0]
    model, meta = load_reward(chosen.folder)
    return LanguageModel(model.trunk, Tokenizer.from_json(meta["tokenizer"]))


def _contrast(language: LanguageModel, rows: Int[Tensor, "text time"]) -> Contrast | str:
    """What it makes of the texts with either ending, or why there is none."""
    ended, context = [], language.model.shape.context
    for ending in ENDINGS:
        try:
            tokens = language.tokenizer.encode(ending)
            spelt = language.tokenizer.decode(tokens) == ending
        except InputError:  # a symbol without a token
            spelt = False
        if not spelt:
            return f"its tokens cannot spell the ending {ending.strip()!r}"
        if rows.shape[1] + len(tokens) > context:
            return f"with the ending {ending.strip()!r} its texts do not fit its context of {context} tokens"
        ended.append(layers(language.model, torch.cat([rows, torch.tensor(tokens).expand(len(rows), -1)], 1)))
    return paired(*ended)


def _texts(chosen: Chosen, language: LanguageModel, say: Say) -> tuple[list[Passage], np.ndarray, dict[str, int]]:
    """Texts, which of them are the test, and of own samples how many there were and why some are left out."""
    texts = _speeches(language.tokenizer, chosen, say)
    if not texts:
        raise WorldError(
            f"the tokens of {chosen.run!r} spell no speech of the stage of {chosen.length} tokens: take a run whose "
            "base learned the corpus stage"
        )
    test = halves(texts)
    if not chosen.own:
        return texts, test, {}
    say("sampling the checkpoint", 0.5)
    texts = [text for text, held in zip(texts, test, strict=True) if not held]
    seen = {text.text for text in texts}
    samples = _samples(language, chosen.length)
    clear = list(passages(samples, chosen.viewer, repeats=True))
    own = [each for each in clear if each.text not in seen]
    counts = {
        "drawn": len(samples),
        "left out, no clear sentiment": len(samples) - len(clear),
        "left out, among the texts trained on": len(clear) - len(own),
        "scored": len(own),
        "distinct": len({each.text for each in own}),
    }
    return [*texts, *own], np.arange(len(texts) + len(own)) >= len(texts), counts


_last: dict[tuple[str, int, Rater | None], list[Passage]] = {}  # a run's checkpoints all read the same


def _speeches(tokenizer: Tokenizer, chosen: Chosen, say: Say) -> list[Passage]:
    key = json.dumps(tokenizer.to_json()), chosen.length, chosen.viewer
    if key not in _last:
        _last.clear()
        _last[key] = drawn(
            opening(tokenizer, chosen.length),
            chosen.viewer,
            np.random.default_rng(SEED),
            honest=HONESTS,
            others=OTHERS,
            most=MOST,
            say=lambda share: say("drawing texts", 0.5 * share),
        )
    return list(_last[key])


def _samples(language: LanguageModel, length: int) -> list[tuple[str, Tokens]]:
    prompt = torch.zeros(OWN, 1, dtype=torch.long)
    rows = sample(language.model, prompt, length, stream("learned world", SEED)).tokens
    return [(language.text(row), tuple(row[1:].tolist())) for row in rows]


def _reward(folder: Path, rows: Int[Tensor, "text time"], tokenizer: Tokenizer) -> Float[np.ndarray, " text"]:
    """P(positive) by a reward model."""
    model, meta = load_reward(folder)
    if meta["tokenizer"] != tokenizer.to_json():
        raise WorldError(f"the reward model {folder.parent.name!r} learned other tokens than this network's")
    return torch.sigmoid(logits(model, rows).double()).numpy()
