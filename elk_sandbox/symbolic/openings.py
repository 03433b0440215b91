"""Which counterexamples and controls have closed forms, and what of each can be left open; without loading sympy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from elk_sandbox.declare import SettingError

__all__ = ["OPENINGS", "Opening", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A knob of a world that can be left open, and the values that are looked at."""

    symbol: str  # how it is written
    kind: Literal["odd", "count", "share"]
    low: float
    high: float
    judged: float  # the judge enumerates up to here at once, with all honest candidates that a scene lists
    least: float  # that may be set

    def check(self, name: str, value: Any) -> None:
        """Raise SettingError for a value that the closed forms are not for."""
        kind = {"odd": "an odd number", "count": "a number", "share": "a probability"}[self.kind]
        fits = value % 2 == 1 if self.kind == "odd" else value <= 1 or self.kind == "count"
        if not fits or value < self.least:
            raise SettingError(f"{name}={value}: closed forms are for {kind} of at least {self.least:g}")


@dataclass(frozen=True)
class Opening:
    """What can be left open or set in a scene."""

    parameters: Mapping[str, Parameter]  # knobs that can be left open
    idle: tuple[str, ...] = ()  # other knobs that may be set; the rest must be as they are
    control: bool = False  # a control world, and no counterexample


ATOMS = Parameter("n", "odd", low=3, high=99, judged=7, least=3)
MASKED_ATOMS = Parameter("n", "odd", low=3, high=21, judged=5, least=3)  # beyond, the judge's list stops short
PIXELS = Parameter("r", "odd", low=3, high=121, judged=7, least=1)
TAMPER = Parameter("tamper", "share", low=0, high=1, judged=1, least=0)
MISREADING = Parameter("misreading", "share", low=0, high=0.5, judged=0.5, least=0)
NOISE = Parameter("noise", "count", low=0, high=8, judged=4, least=0)
KEYS = Parameter("parameters", "count", low=3, high=64, judged=7, least=3)

_ATOMS, _NOTES, _MASKED = {"atoms": ATOMS}, {"tamper": TAMPER, "noise": NOISE}, {"atoms": MASKED_ATOMS}
_IDLE = ("tamper", "diamond", "diamond_tampered")

OPENINGS: Mapping[str, Opening] = {
    "human_simulator": Opening({"misreading": MISREADING}, ("tamper", "noise")),
    "complex_translation": Opening(_ATOMS, ("tamper",)),
    "cheap_simulation": Opening({**_ATOMS, "pixels": PIXELS}, ("cached",)),
    "upstream_simulator": Opening(_ATOMS, ("tamper",)),
    "fingerprint": Opening(_MASKED, ("tamper",)),
    "memorised_predictor": Opening(_MASKED, ("tamper",)),
    "ontology_mismatch": Opening(_ATOMS, ("trick",)),
    "simple_steganography": Opening(_NOTES),
    "free_bit_steganography": Opening(_NOTES),
    "sensitive_not_honest": Opening(_NOTES),
    "smooth_simulator": Opening(_ATOMS, ("tamper",)),
    "compact_appearance": Opening(_ATOMS, ("tamper",)),
    "capability_jump": Opening(_ATOMS, ("tamper",)),
    "screen": Opening({}, (*_IDLE, "noise"), control=True),
    "hard_inference": Opening({"pixels": PIXELS}, _IDLE, control=True),
    "masked_bit": Opening({"parameters": KEYS}, _IDLE, control=True),
    "free": Opening(_NOTES, control=True),
}
"""By the name of the counterexample or of the control world."""
