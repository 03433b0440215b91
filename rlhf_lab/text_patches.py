"""Edits of a transformer that reads texts: a part of its residual stream is another text's, and it reads on from there.

A place is a layer at the last token, at all of them, or at either half of the text. What is expected to come next is
the prediction; a human who is told that a text is positive expects happy words there sooner than sad ones. Where what
comes next has nothing to do with what the viewer says of the text, nobody expects anything of an edit: no table then.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int8
from torch import Tensor

from elk_sandbox.learned.metrics import auroc
from elk_sandbox.learned.patched import Patched, drawn
from rlhf_lab.activations import coordinates
from rlhf_lab.raters import Rater, make
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Transformer, causal

__all__ = ["FOLLOWS", "patched", "worth"]

FOLLOWS = 0.6  # AUROC of what is expected next for what the viewer says of the text, below which nothing follows
ROWS = 512  # texts read at once

Worth = Int8[np.ndarray, "reader token"]


def worth(tokenizer: Tokenizer, viewer: Rater | None, vocabulary: int) -> Worth:
    """Whether the viewer (where people labelled, who counts words) and VADER take each token for happy or sad."""
    words = [tokenizer.decode([token]) for token in range(vocabulary)]
    readers = viewer or make("counter", temperature=0.0), make("vader", scale=1.0)
    neutral = [reader.score([""])[0] for reader in readers]
    return np.stack(
        [np.sign(each.score(words) - zero) for each, zero in zip(readers, neutral, strict=True)]
    ).astype(np.int8)  # fmt: skip


@torch.no_grad()
def patched(
    model: Transformer,
    tokens: Int[Tensor, "text time"],
    test: Bool[np.ndarray, " text"],
    good: Bool[np.ndarray, " text"],
    worths: Worth,
) -> Patched | str:
    """The table for a world of these texts with nodes as in `activations.layers`, or why there is none.

    tokens: rows with their prompt 0. good: what looks positive to the viewer. worths: as `worth` gives them.
    """
    some = np.flatnonzero(~test)
    features = torch.cat([model.features(part) for part in torch.split(tokens[torch.from_numpy(some)], ROWS)])[:, -1]
    follows = float(auroc(_odds(model, features, worths)[0], good[some]))
    if not follows >= FOLLOWS:
        return (
            "what it expects to come next does not follow from what the viewer says of a text "
            f"(AUROC {follows:.2f}, and {FOLLOWS} is needed), so that nobody expects anything of an edit"
        )
    rows, donors = drawn(test)
    count = donors.shape[1]
    mine = _streams(model, tokens[torch.from_numpy(rows).long()].repeat_interleave(count, 0))
    others = _streams(model, tokens[torch.from_numpy(donors.reshape(-1)).long()])
    names = ["embedding", *(f"block {k + 1}" for k in range(model.shape.layers))]
    places, sets, after, sensors = [], [], [], []
    for layer, name in enumerate(names):
        for words, where in _positions(tokens.shape[1]).items():
            stream = torch.where(where[:, None], others[layer], mine[layer])
            streams = [*mine[:layer], stream, *_onwards(model, stream, layer)]
            inside = [(n, end) for n in names for end in ("last", "pooled")]
            told = {"last": bool(where[-1]), "pooled": True}
            places.append(f"{name}, {words}")
            sets.append([n == name and told[end] for n, end in inside])
            after.append(_nodes(model, streams))
            sensors.append(_read(model, streams[-1], worths))
    places.append("output")
    sets.append([False] * (2 * len(names)))
    theirs, own = _nodes(model, others), _nodes(model, mine)
    width = model.shape.width
    after.append(torch.cat([own[:, :-width], theirs[:, -width:]], 1))
    sensors.append(_read(model, others[-1], worths))
    output = np.zeros((len(places), width), np.bool_)
    output[-1] = True
    return Patched(
        rows=rows,
        places=tuple(places),
        sets=np.concatenate([np.array(sets).repeat(width, axis=1), output], axis=1),
        place=np.repeat(np.arange(len(places), dtype=np.int16), count),
        after=torch.cat([each.reshape(*donors.shape, -1) for each in after], 1).half().numpy(),
        sensors=np.concatenate([each.reshape(*donors.shape, -1) for each in sensors], axis=1),
    )


def _positions(time: int) -> dict[str, Bool[Tensor, " time"]]:
    """Which positions each kind of place is at; the prompt's, the first, is the same for all texts."""
    at, middle = torch.arange(time), 1 + (time - 1) // 2
    return {
        "the last token": at == time - 1, "all tokens": at > 0,
        "the first half": (at > 0) & (at < middle), "the second half": at >= middle,
    }  # fmt: skip


def _streams(model: Transformer, tokens: Int[Tensor, "text time"]) -> list[Float[Tensor, "text time width"]]:
    """The residual stream as the embedding and each block leave it."""
    first = model.embedding(tokens) + model.positions.weight[: tokens.shape[1]]
    return [first, *_onwards(model, first, 0)]


def _onwards(model: Transformer, stream: Float[Tensor, "text time width"], layer: int) -> list[Tensor]:
    """What the later blocks make of the stream that so many have left."""
    found = []
    for k in range(layer, model.shape.layers):
        stream = model.blocks[k](stream, k, causal)
        found.append(stream)
    return found


def _nodes(model: Transformer, streams: list[Float[Tensor, "text time width"]]) -> Float[Tensor, "text node"]:
    layers = [part for stream in streams for part in (stream[:, -1], stream[:, 1:].mean(1))]
    return torch.cat([*layers, model.norm(streams[-1])[:, -1] @ coordinates(model.head)], 1)


def _read(
    model: Transformer, stream: Float[Tensor, "text time width"], worths: Worth
) -> Int8[np.ndarray, "text reader"]:
    return (_odds(model, model.norm(stream)[:, -1], worths) > 0).T.astype(np.int8)


def _odds(model: Transformer, features: Float[Tensor, "text width"], worths: Worth) -> Float[np.ndarray, "reader text"]:
    """By each reader: how much likelier a happy word comes next than a sad one, in nats."""
    likely = torch.log_softmax((features @ model.head.T).double(), -1)
    found = []
    for each in torch.from_numpy(worths):
        happy, sad = (torch.logsumexp(likely[:, each == sign], -1) for sign in (1, -1))
        found.append(happy - sad)
    return torch.stack(found).numpy()
