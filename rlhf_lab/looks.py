"""How the lab draws its quantities: one meaning has one colour and one mark, in figures, report and app."""

from collections.abc import Mapping
from dataclasses import dataclass

from elk_sandbox.palette import ACCENT, TERMS, Colour

__all__ = ["LOOKS", "MINUS", "PLUS", "POOR", "Look"]

POOR = 0.8  # of R²: a law below it misses the curve, and its peak is not drawn


@dataclass(frozen=True)
class Look:
    """How one quantity is drawn."""

    label: str
    colour: Colour
    mark: str


LOOKS: Mapping[str, Look] = {
    "gold": Look("gold", ACCENT, "o"),
    "proxy": Look("proxy, the reward", Colour("#c9701a", "#e89a4d"), "s"),
    "sentiment": Look("gold where well formed", TERMS[3], "v"),
    "well_formed": Look("share well formed", TERMS[0], "^"),
    "second": Look("second reward model", TERMS[4], "D"),
    "best_of_n": Look("best of n", TERMS[2], "P"),
    "frontier": Look("highest proxy at that KL", TERMS[5], ""),
    "entropy": Look("entropy", Colour("#3d4650", "#b9c2cb"), "o"),
    "distinct": Look("distinct bigrams", Colour("#3f74b8", "#7fade3"), "s"),
    "duplicates": Look("duplicates", Colour("#a33b3b", "#e08a8a"), "^"),
    "overlap": Look("overlap of two completions", Colour("#a5791d", "#d8b25c"), "D"),
    "words": Look("bag of words", Colour("#5f6770", "#9aa3ad"), "^"),
    "kl": Look("KL", Colour("#3d4650", "#b9c2cb"), "o"),
    "outside": Look("ratio outside 1 ± 0.2", Colour("#3d4650", "#b9c2cb"), "o"),
    "binding": Look("of these, the clip decides the loss", Colour("#a33b3b", "#e08a8a"), "^"),
}

PLUS, MINUS = Colour("#1f6cae", "#5aa7e6"), Colour("#b8402a", "#e8775f")
"""Of numbers of either sign, centred on 0, as of positive and negative labels: what a token adds to the reward, or how
much likelier training made it."""
