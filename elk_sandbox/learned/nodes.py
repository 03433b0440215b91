"""Which units of a network a reporter is shown, in which order and on which scale."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

__all__ = ["Nodes"]

SMALL = 1e-6

Layers = Mapping[str, Float32[np.ndarray, "situation unit"]]


@dataclass(frozen=True, eq=False)
class Nodes:
    """Those units that vary over what is trained on, shuffled within their layer; units are counted through layers."""

    unit: Int[np.ndarray, " node"]
    layer: Int[np.ndarray, " node"]
    mean: Float32[np.ndarray, " unit"]  # of all units, over what is trained on
    spread: Float32[np.ndarray, " unit"]

    @classmethod
    def of(cls, layers: Layers, train: Bool[np.ndarray, " situation"]) -> "Nodes":
        rng, start = np.random.default_rng(0), 0
        units: list[np.ndarray] = []
        layer: list[int] = []
        means: list[np.ndarray] = []
        spreads: list[np.ndarray] = []
        for k, activations in enumerate(layers.values()):
            mean, spread = activations[train].mean(0), activations[train].std(0)
            varies = np.flatnonzero(spread > SMALL)
            rng.shuffle(varies)
            units.append(start + varies)
            start += len(mean)
            layer += [k] * len(varies)
            means.append(mean)
            spreads.append(spread)
        return cls(np.concatenate(units), np.array(layer, np.int64), np.concatenate(means), np.concatenate(spreads))

    def scaled(self, layers: Layers) -> Float32[np.ndarray, "situation node"]:
        """Each node with mean 0 and standard deviation 1 over what is trained on."""
        every = np.concatenate(list(layers.values()), axis=1)[:, self.unit]
        return np.asarray((every - self.mean[self.unit]) / self.spread[self.unit], np.float32)
