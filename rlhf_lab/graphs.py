"""CUDA graphs: what is called again and again on tensors of the same shapes costs one launch in place of hundreds."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

__all__ = ["Recorded"]

Tensors: TypeAlias = tuple[Tensor, ...]


class Recorded:
    """A function of tensors on a GPU, recorded at its second call and replayed from then on, to the same bits.

    The first call runs as it is: a recording wants its kernels loaded and an optimiser's state in place. What the
    function reads or changes besides its arguments must stay at its address. On a CPU every call just runs.
    """

    def __init__(self, function: Callable[..., Tensors]) -> None:
        self.function = function
        self._called = False
        self._graph: torch.cuda.CUDAGraph | None = None
        self._given: Tensors = ()
        self._found: Tensors = ()

    def __call__(self, *given: Tensor) -> Tensors:
        if not given[0].is_cuda or not self._called:
            self._called = True
            return self.function(*given)
        if self._graph is None:
            self._given = tuple(each.clone() for each in given)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._found = self.function(*self._given)
            self._graph = graph
        for place, value in zip(self._given, given, strict=True):
            place.copy_(value)
        self._graph.replay()
        return tuple(each.clone() for each in self._found)
