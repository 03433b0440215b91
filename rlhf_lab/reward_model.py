"""The reward model: the pretrained transformer, asked at the tokens of a text whether happy or sad comes next.

happy and sad are the two label tokens, the last rows of the embedding, by which the transformer predicts them as it
predicts any token; no text token can come where a label is asked for, so the softmax is over these two. Heads:

    last    the exercise: cross-entropy at the last token; all other positions are masked
    every   the same at every token of the completion, the last one weighted by half; its logit is the last token's
    pooled  every token votes by its log odds of happy against sad, and the votes are summed; beside them each word has
            a weight, as in a bag of words; both terms are scaled by what they are worth on labels not trained on
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints
from rlhf_lab.bag_of_words import Words
from rlhf_lab.models import restore
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

__all__ = [
    "Head", "RewardConstants", "RewardModel", "constants", "load_reward", "loss", "save_reward",
]  # fmt: skip

Head: TypeAlias = Literal["last", "every", "pooled"]
KIND = "reward model"
LAST_SHARE = 0.5  # of the loss of the head `every` that the last position has


class RewardModel(nn.Module):
    """log P(positive) / P(negative) of token rows, P being that of the two labels alone."""

    trunk_scale: Float[Tensor, ""]  # what the sum of the votes is multiplied by
    word_scale: Float[Tensor, ""]  # what the weights of the words are multiplied by
    intercept: Float[Tensor, ""]  # nats

    def __init__(self, trunk: Transformer, head: Head, words: Words | None = None) -> None:
        super().__init__()
        if (words is not None) != (head == "pooled"):
            raise ValueError(f"words belong to the pooled head, not to {head!r}")
        self.trunk, self.head, self.words = trunk, head, words
        self.register_buffer("trunk_scale", torch.ones(()))
        self.register_buffer("word_scale", torch.zeros(()))
        self.register_buffer("intercept", torch.zeros(()))

    def votes(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        """The log odds of happy against sad as the next token, at every position."""
        happy, sad = self.trunk.embedding.weight[-2:]
        odds: Tensor = self.trunk.features(tokens).float() * (happy - sad)  # no matrix product: fp32 under autocast too
        return odds.sum(-1)

    def logit(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch"]:
        """log P(positive) / P(negative) in nats; tokens include the prompt 0."""
        if self.words is None:
            return self.votes(tokens)[:, -1]
        found: Tensor = self.intercept + self.word_scale * self.words(tokens)
        if self.trunk_scale != 0:
            found = found + self.trunk_scale * pooled(self.votes(tokens))
        return found

    def prefixes(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        """The logit of every beginning of a row, from the prompt alone to the whole, by one forward pass.

        At t it is what `logit` gives of tokens[:, : t + 1], since no position looks ahead; a word cut by the end of a
        beginning counts as the word that is left of it.
        """
        if self.words is None:
            return self.votes(tokens)
        found: Tensor = self.intercept + self.word_scale * self.words.prefixes(tokens)
        if self.trunk_scale != 0:
            votes = F.pad(self.votes(tokens)[:, 1:], (1, 0))
            found = found + self.trunk_scale * votes.cumsum(1)
        return found

    def score(self, tokens: Int[Tensor, "batch time"], kind: Literal["logp", "logit"] = "logp") -> Tensor:
        """log P(positive) (batch,), or the logit, which does not saturate."""
        logit = self.logit(tokens)
        return logit if kind == "logit" else F.logsigmoid(logit)


def pooled(votes: Float[Tensor, "batch time"]) -> Float[Tensor, "batch"]:
    """The sum over the completion; the prompt has no vote."""
    return votes[:, 1:].sum(1)


def loss(model: RewardModel, tokens: Int[Tensor, "batch time"], targets: Float[Tensor, "batch"]) -> Float[Tensor, ""]:
    """The head's mean loss in nats; targets are P(positive): 0, 1/2 or 1 for a label of -1, 0 or 1.

    The cross-entropy is that between the two labels alone. Over the whole vocabulary a few hundred labels are spent on
    learning that a label comes next, and the reward ends up constant. Of the head `pooled` it is that of the votes
    alone, without words and scales.
    """
    votes = model.votes(tokens)
    if model.head == "pooled":
        return F.binary_cross_entropy_with_logits(pooled(votes), targets)
    last = F.binary_cross_entropy_with_logits(votes[:, -1], targets)
    if model.head == "last":
        return last
    votes = votes[:, 1:]
    return LAST_SHARE * last + (1 - LAST_SHARE) * F.binary_cross_entropy_with_logits(
        votes, targets[:, None].expand(votes.shape)
    )


@dataclass(frozen=True)
class RewardConstants:
    """What recentres and scales a reward, fixed for a whole run from samples of the original model."""

    mean: float  # of their scores
    sd: float  # of their scores
    count: int  # samples

    def shaped(self, score: Float[Tensor, "batch"]) -> Float[Tensor, "batch"]:
        """(score - mean) / sd."""
        return (score - self.mean) / self.sd


def constants(scores: Float[Tensor, "sample"]) -> RewardConstants:
    """The constants of these scores. Raises InputError if they do not differ or are no numbers."""
    scores = scores.double()
    mean, sd = float(scores.mean()), float(scores.std())
    if not 0 < sd < float("inf"):
        raise InputError(
            f"the {len(scores)} scores of the original model's samples do not differ, or are no numbers: train the "
            "reward model on more labels, or with a lower learning rate"
        )
    return RewardConstants(mean, sd, len(scores))


def save_reward(folder: Path, model: RewardModel, tokenizer: Tokenizer, meta: Mapping[str, Any] | None = None) -> None:
    """Save a reward model as a checkpoint; `meta` says where it comes from. Raises CheckpointError."""
    described = {
        "format": 1,
        "kind": KIND,
        "head": model.head,
        "shape": asdict(model.trunk.shape),
        "words": len(model.words.known) if model.words is not None else 0,
        "tokenizer": tokenizer.to_json(),
        **(meta or {}),
    }
    checkpoints.save(folder, model.state_dict(), described)


def load_reward(folder: Path, device: torch.device | str = "cpu") -> tuple[RewardModel, dict[str, Any]]:
    """Return a saved reward model, no longer to be trained, and its meta.

    Raises CheckpointError for what is no intact reward model.
    """
    tensors, meta = checkpoints.load(folder)
    if meta.get("kind") != KIND:
        raise checkpoints.CheckpointError(f"{folder} is no reward model but a {meta.get('kind', 'checkpoint')}")
    words = Words(Tokenizer.from_json(meta["tokenizer"]), meta["words"]) if meta["head"] == "pooled" else None
    model = RewardModel(Transformer(Shape(**meta["shape"])), meta["head"], words)
    restore(model, tensors, folder)
    return model.to(device).eval().requires_grad_(False), meta
