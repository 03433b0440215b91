"""AdamW on a warm-up and a straight line down to zero, and an optimiser's state as tensors for a checkpoint."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["adamw", "restore_state", "scheduled", "set_learning_rate", "state_tensors"]


def adamw(model: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) that shrinks matrices and leaves the norms' scales alone."""
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def scheduled(peak: float, step: int, steps: int, warmup: int) -> float:
    """The learning rate of the step that follows `step` done ones: up to `peak` in `warmup` steps, then down to 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step) / (steps - warmup)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The same for all weights."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments and counters of every weight, by names like `optimizer.3.exp_avg`."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{i}.{name}": torch.as_tensor(v) for i, values in state.items() for name, v in values.items()}


def restore_state(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `state_tensors` gave, among other tensors; rates and the like are left as they are."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, i, name = key.split(".")
            state.setdefault(int(i), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
