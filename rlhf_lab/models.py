"""A language model on disk: weights, sizes and tokenizer in one checkpoint."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rlhf_lab import checkpoints
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

__all__ = ["LanguageModel", "digest", "load_model", "save_model"]

KIND = "language model"


@dataclass(frozen=True)
class LanguageModel:
    """A transformer and the tokenizer that its tokens are of."""

    model: Transformer
    tokenizer: Tokenizer

    def text(self, tokens: Tensor) -> str:
        """The text of one completion, given with its prompt token 0."""
        return self.tokenizer.decode(tokens[1:].tolist())

    def texts(self, tokens: Tensor) -> list[str]:
        """The texts of a batch of completions, given with their prompt token 0."""
        return [self.tokenizer.decode(row) for row in tokens[:, 1:].tolist()]


def save_model(folder: Path, language: LanguageModel, meta: Mapping[str, Any] | None = None) -> None:
    """Save a language model as a checkpoint; `meta` says where it comes from. Raises CheckpointError."""
    described = {
        "format": 1,
        "kind": KIND,
        "shape": asdict(language.model.shape),
        "tokenizer": language.tokenizer.to_json(),
        **(meta or {}),
    }
    checkpoints.save(folder, language.model.state_dict(), described)


def load_model(folder: Path, device: torch.device | str = "cpu") -> tuple[LanguageModel, dict[str, Any]]:
    """Return a saved language model and its meta. Raises CheckpointError for what is no intact language model."""
    tensors, meta = checkpoints.load(folder)
    if meta.get("kind") != KIND:
        raise checkpoints.CheckpointError(f"{folder} is no language model but a {meta.get('kind', 'checkpoint')}")
    model = Transformer(Shape(**meta["shape"]))
    restore(model, tensors, folder)
    return LanguageModel(model.to(device), Tokenizer.from_json(meta["tokenizer"])), meta


def restore(model: torch.nn.Module, tensors: Mapping[str, Tensor], source: Path) -> None:
    """Put saved weights into a model. Raises CheckpointError if they are another model's."""
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError as reason:
        raise checkpoints.CheckpointError(f"{source} holds the weights of another model than it says") from reason


def digest(model: torch.nn.Module) -> str:
    """The SHA-256 of all weights, names and order included: what a reference is known by."""
    whole = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        whole.update(name.encode())
        whole.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()
