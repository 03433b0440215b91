"""What a training loop saves so that it goes on bit for bit: weights, optimiser, generator."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from elk_sandbox.terminal import err
from rlhf_lab.checkpoints import Series
from rlhf_lab.optimizers import restore_state, state_tensors

__all__ = ["gather", "newest", "scatter"]

MODEL = "model."


def newest(series: Series) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
    """The last good state of a run, see `Series.newest`; what it passes over is told on the terminal."""
    found = series.newest()
    for complaint in series.complaints:
        err.print(complaint)
    if series.complaints:
        err.print("going on from the checkpoint before" if found else "no good checkpoint is left: beginning anew")
    return found


def gather(model: torch.nn.Module, generator: torch.Generator, *optimizers: torch.optim.Optimizer) -> dict[str, Tensor]:
    """All tensors of a training loop, by name."""
    tensors = {f"{MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
    return tensors | state_tensors(optimizers) | {"generator": generator.get_state()}


def scatter(
    tensors: Mapping[str, Tensor],
    model: torch.nn.Module,
    generator: torch.Generator,
    *optimizers: torch.optim.Optimizer,
) -> None:
    """Put what `gather` gave back. Raises RuntimeError if it is of another model."""
    weights = {name.removeprefix(MODEL): tensor for name, tensor in tensors.items() if name.startswith(MODEL)}
    model.load_state_dict(weights)
    restore_state(optimizers, tensors)
    generator.set_state(tensors["generator"])
