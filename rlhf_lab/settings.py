"""Settings of the stages: frozen dataclasses whose fields say what they mean; commands and pages draw them from here.

No PyTorch here, so that a command that only lists or stops answers at once.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any

from elk_sandbox.terminal import InputError

__all__ = ["RATER", "PpoConfig", "require", "setting", "settings_of"]

RATER = "rater:"  # a reward of this beginning is a simulated rater's own score, by a program


def setting(default: Any, meaning: str, *, choices: tuple[str, ...] = ()) -> Any:
    """A field of a stage's configuration: its default, a line of meaning, and the words it may be (none: any)."""
    return field(default=default, metadata={"meaning": meaning, "choices": choices})


def settings_of(config: type[Any], values: dict[str, Any]) -> Any:
    """The configuration with these values, unknown ones refused. Raises InputError."""
    known = {f.name: f for f in fields(config)}
    for name, value in values.items():
        if name not in known:
            raise InputError(f"there is no setting {name!r}: choose among {', '.join(known)}")
        choices = known[name].metadata.get("choices")
        if choices and value not in choices:
            raise InputError(f"{name} is one of {', '.join(choices)}, not {value!r}")
    made = config(**values)
    for name in known:
        value = getattr(made, name)
        require(not isinstance(value, float) or math.isfinite(value), f"{name} is {value}: it must be a finite number")
    require(getattr(made, "seed", 0) >= 0, f"seed is {getattr(made, 'seed', 0)}: it must be at least 0")
    return made


def require(condition: bool, line: str) -> None:
    """Raises InputError with the line unless the condition holds."""
    if not condition:
        raise InputError(line)


@dataclass(frozen=True)
class PpoConfig:
    """Settings of a PPO run."""

    target: str = setting(
        "positive", "the sentiment that is rewarded; the negative twin swaps it", choices=("positive", "negative")
    )
    reward_as: str = setting("logp", "log P(target), or its logit where log P saturates", choices=("logp", "logit"))
    batch: int = setting(512, "completions an iteration")
    length: int = setting(0, "tokens of a completion; 0: as many as the reward model's texts have")
    minibatch: int = setting(128, "completions a step of the optimiser")
    epochs: int = setting(1, "passes over each batch")
    learning_rate: float = setting(3e-4, "of Adam")
    warmup: int = setting(12, "steps over which the learning rate rises to its value")
    clip: float = setting(0.2, "the ratio is held within 1 - clip and 1 + clip")
    kl_penalty: float = setting(0.0, "shaped reward lost a nat of k1, in the reward; 0: none")
    kl_stop: float = setting(10.0, "nats per completion at which the run is to stop")
    past_stop: float = setting(0.0, "run on past the stop, which is then only marked, to so many nats; 0: do not")
    iterations: int = setting(200, "at most so many")
    spacing: float = setting(0.25, "a checkpoint each time sqrt(KL) has grown by so much")
    constants: int = setting(4096, "samples of the original model that fix the reward's mean and scale")
    precision: str = setting("fp32", "of the training path; sampling is fp32", choices=("fp32", "bf16"))
    save_every: float = setting(10.0, "seconds between two states from which a killed run goes on")
    seed: int = setting(0, "of all randomness")
    device: str = setting("cpu", "cpu or cuda")
    threads: int = setting(0, "of PyTorch; 0: as many as it takes by itself")

    def __post_init__(self) -> None:
        for name, least in {"length": 0, "epochs": 1, "batch": 2, "minibatch": 2}.items():
            value = getattr(self, name)
            require(value >= least, f"{name} is {value}: it must be at least {least}")
        require(
            self.batch % self.minibatch == 0,
            f"a batch of {self.batch} must hold whole minibatches, not such of {self.minibatch}: choose a --minibatch "
            "that divides it",
        )
        require(min(self.learning_rate, self.kl_stop, self.spacing) > 0, "learning rate, stop and spacing are above 0")
        require(0 < self.clip < 1, f"clip is {self.clip}: it is above 0 and below 1")
        require(self.kl_penalty >= 0, f"kl_penalty is {self.kl_penalty}: below 0 it would pay for KL")
        require(self.iterations > 0 and self.constants > 1, "at least one iteration, and two samples for the constants")
        require(
            not self.past_stop or self.past_stop > self.kl_stop, "past_stop is 0, or more nats than those of kl_stop"
        )

    @property
    def last_kl(self) -> float:
        """Nats at which no further update is made."""
        return self.past_stop or self.kl_stop
