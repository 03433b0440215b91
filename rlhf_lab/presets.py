"""Settings of the pretraining stage, and those that suit each corpus."""

from dataclasses import dataclass, fields, replace
from typing import Any

from rlhf_lab.settings import require, setting

__all__ = ["PretrainConfig", "chosen_for"]

LEFT, LEFT_OPEN = "; 0: what suits the corpus", "; -1: what suits the corpus"


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of a pretrain run. Raises InputError for those that cannot be."""

    corpus: str = setting("stage", "stage, shakespeare, or a text file's path")
    tokenizer: str = setting(
        "auto", "what a token is; auto: what suits the corpus", choices=("auto", "char", "word", "bpe")
    )
    vocabulary: int = setting(0, "tokens at most, of word and bpe; 0: 4096 and 2048")
    context: int = setting(0, "tokens that the model sees at once" + LEFT)
    layers: int = setting(0, "of the transformer" + LEFT)
    heads: int = setting(0, "of each layer" + LEFT)
    width: int = setting(0, "features a token" + LEFT)
    steps: int = setting(0, "of the optimiser" + LEFT)
    batch: int = setting(0, "crops of the corpus a step, of `context` tokens each" + LEFT)
    learning_rate: float = setting(
        0.0, "of the layers' matrices, by Muon, at its peak; the rest has 0.3 of it, by AdamW" + LEFT
    )
    warmup: int = setting(20, "steps over which the learning rate rises to its peak; at most half of all")
    weight_decay: float = setting(-1.0, "of the layers' matrices" + LEFT_OPEN)
    dropout: float = setting(-1.0, "share of features left out in training, and in training alone" + LEFT_OPEN)
    documents: float = setting(-1.0, "share of crops that begin at a document's start, as samples do" + LEFT_OPEN)
    precision: str = setting(
        "auto", "of the matrix products in training; auto: bf16 where it is fast", choices=("auto", "fp32", "bf16")
    )
    validate_every: int = setting(250, "steps between two looks at a part of the validation split")
    save_every: int = setting(250, "steps between two states from which a killed run goes on; 20 s at most")
    seed: int = setting(0, "of all randomness, the corpus stage included")
    device: str = setting("cpu", "cpu or cuda")
    threads: int = setting(0, "of PyTorch; 0: as many as it takes by itself")

    def __post_init__(self) -> None:
        for name in ("vocabulary", "context", "layers", "heads", "width", "steps", "batch", "learning_rate"):
            value = getattr(self, name)
            require(value >= 0, f"{name} is {value}: it must be above 0, or 0 for what suits the corpus")
        suits = "or -1 for what suits the corpus"
        require(
            self.documents == -1 or 0 <= self.documents <= 1,
            f"documents is {self.documents}: it must be from 0 to 1, {suits}",
        )
        require(
            self.dropout == -1 or 0 <= self.dropout < 1,
            f"dropout is {self.dropout}: it must be at least 0 and below 1, {suits}",
        )
        require(
            self.weight_decay == -1 or self.weight_decay >= 0,
            f"weight_decay is {self.weight_decay}: it must be at least 0, {suits}",
        )
        require(min(self.validate_every, self.save_every) > 0, "intervals are at least 1")
        require(min(self.warmup, self.threads) >= 0, "warm-up and threads are at least 0")


STAGE: dict[str, Any] = {
    "tokenizer": "word", "context": 32, "layers": 4, "heads": 4, "width": 80, "documents": 1.0,
    "steps": 690, "batch": 192, "learning_rate": 2e-2, "weight_decay": 0.1, "dropout": 0.0,
}  # fmt: skip
SHAKESPEARE: dict[str, Any] = {
    "tokenizer": "bpe", "context": 64, "layers": 4, "heads": 6, "width": 192, "documents": 0.5,
    "steps": 2200, "batch": 16, "learning_rate": 1e-2, "weight_decay": 0.3, "dropout": 0.15,
}  # fmt: skip


def chosen_for(config: PretrainConfig) -> PretrainConfig:
    """The same with all that was left to the corpus filled in; what suits Shakespeare's serves any other text."""
    left = {f.name for f in fields(config) if getattr(config, f.name) == f.default}
    suits = STAGE if config.corpus == "stage" else SHAKESPEARE
    return replace(config, **{name: value for name, value in suits.items() if name in left})
