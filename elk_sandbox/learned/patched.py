"""Activation patching: what a network computes, and what is then seen, when a part of its state is another situation's.

A place is a set of units that one edit sets together. The rest of the network is run on from there, so that a table of
edits can be made where the network is and read where it is not (Geiger et al. 2020; Meng et al. 2022).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float16, Int8, Int16, Int32

__all__ = ["DONORS", "SITUATIONS", "Patched", "drawn"]

SITUATIONS, DONORS = 192, 3  # that are patched, and of whose values each place of each is given; tens of MB
SEED = 6


@dataclass(frozen=True, eq=False)
class Patched:
    """Edits of some situations. A node is a unit of a layer, all layers one after another in the world's order.

    Raises ValueError where the shapes do not fit each other.
    """

    rows: Int32[np.ndarray, " situation"]  # of the world, none of its test
    places: tuple[str, ...]  # for people
    sets: Bool[np.ndarray, "place node"]  # the nodes that an edit at a place sets
    place: Int16[np.ndarray, " edit"]  # at which each edit is
    after: Float16[np.ndarray, "situation edit node"]  # all nodes, once what is computed later has followed
    sensors: Int8[np.ndarray, "situation edit sensor"]  # what each says of the prediction then, 1 for yes

    def __post_init__(self) -> None:
        situations, edits, nodes = self.after.shape
        sizes = {"rows": (situations,), "sets": (len(self.places), nodes), "place": (edits,)}
        wrong = [name for name, size in sizes.items() if getattr(self, name).shape != size]
        if wrong or self.sensors.shape[:2] != (situations, edits) or not self.sensors.shape[2]:
            raise ValueError(f"{', '.join(wrong) or 'sensors'} of the patches do not fit {self.after.shape} of `after`")
        if edits and not 0 <= self.place.min() <= self.place.max() < len(self.places):
            raise ValueError(f"an edit is at one of {len(self.places)} places")
        if not np.isfinite(self.after).all():
            raise ValueError("a patched network computes numbers that are not finite")

    def arrays(self) -> dict[str, np.ndarray]:
        """All but the places' names, by names that `of` knows."""
        return {f"patched_{f.name}": getattr(self, f.name) for f in fields(self) if f.name != "places"}

    @classmethod
    def of(cls, places: tuple[str, ...], arrays: Mapping[str, np.ndarray]) -> "Patched":
        """The inverse of `arrays`."""
        return cls(places=places, **{f.name: arrays[f"patched_{f.name}"] for f in fields(cls) if f.name != "places"})


def drawn(test: Bool[np.ndarray, " situation"]) -> tuple[Int32[np.ndarray, " s"], Int32[np.ndarray, "s donor"]]:
    """Situations to be patched, and donors for each, drawn from those that are not of the test; none is its own."""
    rng, free = np.random.default_rng(SEED), np.flatnonzero(~test)
    rows = rng.permutation(free)[:SITUATIONS]
    donors = rng.choice(free, (len(rows), DONORS))
    while (same := donors == rows[:, None]).any():
        donors[same] = rng.choice(free, int(same.sum()))
    return rows.astype(np.int32), donors.astype(np.int32)
