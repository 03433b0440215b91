"""How KL grows with the steps of a run: two straight lines, through KL and through its square root."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

__all__ = ["Growth", "Line", "growth"]


@dataclass(frozen=True)
class Line:
    """A straight line by ordinary least squares."""

    slope: float
    intercept: float
    r2: float
    """Share of variance explained; nan where there is none, or fewer than three points."""

    def __call__(self, x: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        return self.intercept + self.slope * x


@dataclass(frozen=True)
class Growth:
    """KL against steps: the exercise expects its square root to be the straighter of the two."""

    kl: Line
    root: Line


def growth(steps: Float[np.ndarray, "step"], nats: Float[np.ndarray, "step"]) -> Growth:
    """Fit KL and its square root to the steps, with intercepts."""
    return Growth(_line(steps, nats), _line(steps, np.sqrt(np.maximum(nats, 0))))


def _line(x: Float[np.ndarray, "step"], y: Float[np.ndarray, "step"]) -> Line:
    if len(x) < 3 or x.min() == x.max():
        return Line(np.nan, np.nan, np.nan)
    found = stats.linregress(x, y)
    r2 = 1 - ((y - found.intercept - found.slope * x) ** 2).sum() / y.var() / len(y) if y.var() > 0 else np.nan
    return Line(float(found.slope), float(found.intercept), float(r2))
