"""Tables of text, and numbers as their cells show them: for the report, the terminal and the app alike."""

from dataclasses import dataclass

import numpy as np

__all__ = ["MISSING", "Table", "interval", "number", "percent", "plus_minus"]

MISSING = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """Rows of text under headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """As long as the columns; the first cell names the row."""
    note: str = ""
    """How to read it."""


def number(value: float, digits: int = 3) -> str:
    """So many digits, at most three after the point; a dash where undefined."""
    if np.isnan(value):
        return MISSING
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    decimals = max(0, min(3, digits - 1 - int(np.floor(np.log10(abs(value)))))) if value else 0
    return f"{value:z.{decimals}f}"


def percent(value: float) -> str:
    """A share as whole percents, with one decimal below 10 %."""
    return MISSING if np.isnan(value) else f"{100 * value:.{1 if 0 < abs(value) < 0.095 else 0}f} %"


def plus_minus(value: float, error: float) -> str:
    """A mean and its standard error, to the same decimals."""
    if np.isnan(value):
        return MISSING
    decimals = 3 if max(abs(value), abs(error)) < 1 else 2
    return f"{value:z.{decimals}f}" + ("" if np.isnan(error) else f" ± {error:.{decimals}f}")


def interval(low: float, high: float) -> str:
    """Two ends in brackets; a dash where undefined."""
    return MISSING if np.isnan(low) or np.isnan(high) else f"[{number(low)}, {number(high)}]"
