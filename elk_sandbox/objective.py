"""What a proposal returns: nats, one value a candidate, with its summands by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

__all__ = ["NotApplicable", "Objective"]


def _numbers(value: Any) -> Any:
    """float64, in numpy, or as a torch tensor if it is one: gradients are taken on it. Torch is not loaded here."""
    return value.double() if hasattr(value, "requires_grad") else np.asarray(value, np.float64)


class NotApplicable(Exception):
    """The world lacks what the objective needs. lacks: of `needs.THINGS`, if it could be had."""

    lacks: str | None = None


@dataclass(frozen=True)
class Objective:
    """Nats, one value a candidate, smaller is better; `terms` are the named summands that add up to `values`.

    Sums, differences and scalar multiples carry the names along; a bare array joins as the term "other".
    """

    values: Float[Any, " candidate"]
    terms: Mapping[str, Float[Any, " candidate"]] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, name: str = "other") -> "Objective":
        if isinstance(value, Objective):
            return value
        values = _numbers(value)
        return cls(values, {name: values})

    def _beside(self, other: Any) -> "Objective":
        """`other` as an objective of the same shape; a number counts for every candidate."""
        if not isinstance(other, Objective):
            array = _numbers(other)
            if array.ndim == 0:
                numpy = isinstance(self.values, np.ndarray)
                array = np.full_like(self.values, array) if numpy else self.values * 0 + other
            return self._beside(Objective.of(array))
        if other.values.shape != self.values.shape:
            raise ValueError(
                f"shapes {self.values.shape} and {other.values.shape} do not add up: one value a candidate"
            )
        return other

    def __add__(self, other: Any) -> "Objective":
        other = self._beside(other)
        names = dict.fromkeys([*self.terms, *other.terms])
        terms = {n: _numbers(self.terms.get(n, 0.0) + other.terms.get(n, 0.0)) for n in names}
        return Objective(self.values + other.values, terms)

    def __mul__(self, weight: float) -> "Objective":
        if isinstance(weight, Objective) or np.ndim(weight) != 0:
            raise TypeError("an objective is multiplied by a number; multiply arrays by way of .values")
        return Objective(self.values * weight, {n: t * weight for n, t in self.terms.items()})

    def __truediv__(self, divisor: float) -> "Objective":
        return self * (1 / divisor)

    def __neg__(self) -> "Objective":
        return self * -1.0

    def __sub__(self, other: Any) -> "Objective":
        return self + -self._beside(other)

    def __rsub__(self, other: Any) -> "Objective":
        return self._beside(other) + -self

    __radd__ = __add__
    __rmul__ = __mul__
    __array_ufunc__ = None  # array + objective is ours, not numpy's elementwise attempt
