"""Optimisers, their schedule, and their state as tensors for a checkpoint."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

__all__ = ["adamw", "muon", "restore_state", "scheduled", "set_learning_rate", "state_tensors"]

REST = 0.3  # of the rate of the layers' matrices: what all else moves by under `muon`


def adamw(model: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) that shrinks matrices and leaves the norms' scales alone."""
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)


def muon(model: nn.Module, layers: nn.Module, weight_decay: float) -> tuple[torch.optim.Optimizer, ...]:
    """Muon (Jordan et al. 2024) for the matrices of the layers, AdamW for embeddings and norms, which do not decay.

    A step of Muon is scaled to the size of one of AdamW (Liu et al. 2025), so that one learning rate serves both.
    """
    matrices = [p for p in layers.parameters() if p.dim() == 2]
    inside = {id(p) for p in matrices}
    rest = {"params": [p for p in model.parameters() if id(p) not in inside], "share": REST}
    return (
        torch.optim.Muon(matrices, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([rest], betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    )


def scheduled(peak: float, step: int, steps: int, warmup: int) -> float:
    """The rate of the step that follows `step` done ones: in a straight line up to its peak, in another down to 0.

    The way up takes `warmup` steps, at most half of all.
    """
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (steps - step) / (steps - warmup)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The same for all weights, but for groups that have their share of it."""
    for group in optimizer.param_groups:
        wanted = rate * group.get("share", 1.0)
        if isinstance(group["lr"], Tensor):  # read by a recorded step where it lies
            group["lr"].fill_(wanted)
        else:
            group["lr"] = wanted


def state_tensors(optimizers: Iterable[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """The moments and counters of every weight, by names like `optimizer.0.3.exp_avg`."""
    return {
        f"optimizer.{which}.{i}.{name}": torch.as_tensor(value)
        for which, optimizer in enumerate(optimizers)
        for i, values in optimizer.state_dict()["state"].items()
        for name, value in values.items()
    }


def restore_state(optimizers: Iterable[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Put back what `state_tensors` gave, among other tensors; rates and the like are left as they are."""
    for which, optimizer in enumerate(optimizers):
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(f"optimizer.{which}."):
                _, _, i, name = key.split(".")
                state.setdefault(int(i), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
