"""What a transformer computes as it reads texts: its residual stream after each block, and its output."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from elk_sandbox.learned.world import WorldError
from rlhf_lab.transformer import Transformer

__all__ = ["Layers", "coordinates", "layers", "untrained"]

ROWS = 512  # texts read at once

Layers = dict[str, Float32[np.ndarray, "text unit"]]


@torch.no_grad()
def layers(
    model: Transformer, tokens: Int[Tensor, "text time"], say: Callable[[float], None] = lambda share: None
) -> Layers:
    """The residual stream, "embedding" and then "block 1", "block 2" ..., at the last token and its mean over the text.

    tokens: rows with their prompt 0, which no mean counts. The last layer, "output", holds the logits of the token that
    comes next, see `coordinates`. Raises WorldError for texts longer than the context.
    """
    if tokens.shape[1] > model.shape.context:
        raise WorldError(
            f"texts of {tokens.shape[1] - 1} tokens and their prompt do not fit the network's context of "
            f"{model.shape.context}: choose a reward model of shorter texts"
        )
    names = ["embedding", *(f"block {k + 1}" for k in range(model.shape.layers))]
    found: dict[str, list[Tensor]] = {f"{name} {where}": [] for name in names for where in ("last", "pooled")}
    output, basis = [], coordinates(model.head)
    came_in: list[Tensor] = []
    stages = [*model.blocks, model.norm]  # what comes into each is the stream that the one before left
    hooks = [stage.register_forward_pre_hook(lambda _, given: came_in.append(given[0])) for stage in stages]
    try:
        for begin in range(0, len(tokens), ROWS):
            say(begin / len(tokens))
            came_in.clear()
            features = model.features(tokens[begin : begin + ROWS].to(model.device))
            for name, stream in zip(names, came_in, strict=True):
                found[f"{name} last"].append(stream[:, -1])
                found[f"{name} pooled"].append(stream[:, 1:].mean(1))
            output.append(features[:, -1] @ basis)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts).float().cpu().numpy() for name, parts in (*found.items(), ("output", output))}


def coordinates(head: Float[Tensor, "vocabulary width"]) -> Float[Tensor, "width width"]:
    """What turns features into their logits' coordinates in the space that the logits span.

    Logits are features @ head.T, centred, as a softmax does not see their mean. They span no more than `width`
    dimensions of the vocabulary's; in an orthonormal basis of those the distances between situations are kept, and so
    is every linear probe with a penalty on its squared weights.
    """
    centred = head - head.mean(0)
    upper: Tensor = torch.linalg.qr(centred.float(), mode="r").R
    return upper.T


def untrained(model: Transformer, seed: int) -> Transformer:
    """The same architecture as it was before any training, from this seed."""
    fresh = Transformer(model.shape, torch.Generator().manual_seed(seed))
    return fresh.to(model.device).eval()
