"""Settings of a reward run. No PyTorch here, as in `settings`."""

from dataclasses import dataclass

from rlhf_lab.settings import require, setting

__all__ = ["RewardConfig"]


@dataclass(frozen=True)
class RewardConfig:
    """Settings of a reward run. Raises InputError for those that cannot be."""

    pool: str = setting("", "the pool whose labels are learned from")
    rater: str = setting("", "whose labels; empty: all raters', by majority")
    first: int = setting(0, "labels passed over, in the order of the pool")
    labels: int = setting(0, "labels taken from there on, held out ones among them; 0: all")
    held_out: float = setting(0.2, "share of them that is not trained on but judged by, drawn by the seed")
    head: str = setting(
        "pooled", "what is asked: the last token, every token, or all summed up", choices=("last", "every", "pooled")
    )
    epochs: int = setting(10, "passes over the training labels, if they do not take more steps than most_steps")
    most_steps: int = setting(480, "steps at most")
    batch: int = setting(32, "texts a step")
    learning_rate: float = setting(1e-3, "of AdamW, at its peak; from there a straight line down to 0")
    warmup: int = setting(20, "steps until then")
    weight_decay: float = setting(0.1, "of AdamW")
    precision: str = setting(
        "auto", "of the training's matrix products; auto: bf16 where it is fast", choices=("auto", "fp32", "bf16")
    )
    save_every: float = setting(10.0, "seconds between two states from which a killed run goes on")
    seed: int = setting(0, "of all randomness")
    device: str = setting("cpu", "cpu or cuda")
    threads: int = setting(0, "of PyTorch; 0: as many as it takes by itself")

    def __post_init__(self) -> None:
        counts = {name: getattr(self, name) for name in ("epochs", "most_steps", "batch")}
        for name, value in counts.items():
            require(value > 0, f"{name} is {value}: it must be at least 1")
        require(min(self.first, self.labels, self.warmup) >= 0, "first, labels and warmup are at least 0")
        require(0 <= self.held_out < 1, f"the share held out is at least 0 and below 1, not {self.held_out}")
        require(
            self.learning_rate > 0 and self.weight_decay >= 0, "the learning rate is above 0, weight decay at least 0"
        )
