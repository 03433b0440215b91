"""The colours and signs of verdicts: one palette for pictures, shared pages and the app.

Safe for colour-blind readers: orange against blue, in two lightnesses each, and every verdict has a sign of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ACCENT", "INK", "LINE", "PAPER", "QUIET", "STATES", "TERMS", "Colour", "State", "state", "variables"]


@dataclass(frozen=True)
class Colour:
    """One colour on light and on dark ground, as #rrggbb."""

    light: str
    dark: str

    @property
    def css(self) -> str:
        """Follows `color-scheme`, so that one text serves both grounds."""
        return f"light-dark({self.light}, {self.dark})"


@dataclass(frozen=True)
class State:
    """How a cell of the matrix is shown."""

    sign: str
    label: str
    meaning: str
    fill: Colour
    ink: Colour  # of the sign, at least 4.5 to 1 on the fill


INK = Colour("#1c2024", "#e8eaed")
PAPER = Colour("#ffffff", "#15181c")
QUIET = Colour("#5f6770", "#9aa3ad")
LINE = Colour("#dfe3e8", "#31373f")
ACCENT = Colour("#1a5f9e", "#6cb2ee")

STATES: Mapping[str, State] = {
    "strict": State(
        "\N{MULTIPLICATION SIGN}", "killed, strict", "a named bad reporter has the lower objective",
        Colour("#b8402a", "#e8775f"), Colour("#ffffff", "#220a04"),
    ),
    "tie": State(
        "=", "killed, tie", "a named bad reporter does as well as the best honest one",
        Colour("#f6c3a4", "#733a20"), Colour("#5a1f0c", "#ffd9c4"),
    ),
    "survives": State(
        "○", "survives", "the named bad reporters lost, another line says no",
        Colour("#c6ddf1", "#14467a"), Colour("#0d3a61", "#cbe4fa"),
    ),
    "good": State(
        "●", "survives, good", "the named bad reporters lost, and so say control and adversary",
        Colour("#1f6cae", "#5aa7e6"), Colour("#ffffff", "#06192a"),
    ),
    "not applicable": State(
        "\N{EN DASH}", "not applicable", "the world lacks what the objective needs",
        Colour("#eceef1", "#272c33"), Colour("#565e67", "#a3acb6"),
    ),
    "invalid": State(
        "∅", "invalid", "the counterexample is at fault",
        Colour("#e2d3ea", "#46314f"), Colour("#4c2560", "#ead3f3"),
    ),
    "error": State(
        "!", "error", "the proposal is at fault",
        Colour("#f4e09a", "#574912"), Colour("#4a3b00", "#ffeb9f"),
    ),
}  # fmt: skip

TERMS = (
    Colour("#5b7f95", "#86aec6"),
    Colour("#d9822b", "#e89a4d"),
    Colour("#7a5ba6", "#a98bd4"),
    Colour("#2f8f7a", "#4fb8a0"),
    Colour("#b4507e", "#d97ba6"),
    Colour("#8a7a2e", "#bcab55"),
)
"""Of an objective's terms, in order; the first is the loss. Lightness alternates, so that neighbours differ in grey."""


def state(cell: Mapping[str, Any]) -> str:
    """The key in STATES of a cell, or of a contested cell's other outcome."""
    if cell["relation"]:
        return str(cell["relation"])
    return "good" if cell.get("good") else str(cell["verdict"])


def variables() -> str:
    """CSS custom properties: --elk-ink and so on, --elk-STATE-fill, --elk-STATE-ink, --elk-term-N."""
    plain = {"ink": INK, "paper": PAPER, "quiet": QUIET, "line": LINE, "accent": ACCENT}
    plain |= {f"{k.replace(' ', '-')}-fill": s.fill for k, s in STATES.items()}
    plain |= {f"{k.replace(' ', '-')}-ink": s.ink for k, s in STATES.items()}
    plain |= {f"term-{k}": c for k, c in enumerate(TERMS)}
    return " ".join(f"--elk-{name}: {colour.css};" for name, colour in plain.items())
