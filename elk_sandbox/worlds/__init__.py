"""The standard worlds, each a family: a function of a generator (None is the stock draw) and knobs."""

from collections.abc import Callable
from difflib import get_close_matches

from elk_sandbox.world import World
from elk_sandbox.worlds.atoms import atoms, hard_inference, no_human_net, pad, two_cue
from elk_sandbox.worlds.combined import all_at_once, levers
from elk_sandbox.worlds.mask import mask, masked_bit
from elk_sandbox.worlds.screen import free, screen, screen_and_scale, two_predictors
from elk_sandbox.worlds.tricks import tricks

__all__ = [
    "STANDARD",
    "all_at_once",
    "atoms",
    "find",
    "free",
    "hard_inference",
    "levers",
    "mask",
    "masked_bit",
    "no_human_net",
    "pad",
    "screen",
    "screen_and_scale",
    "tricks",
    "two_cue",
    "two_predictors",
]

_FAMILIES = (
    screen, atoms, mask, free, tricks, no_human_net, two_predictors, pad, hard_inference, masked_bit, two_cue,
    screen_and_scale, levers,
)  # fmt: skip
STANDARD: dict[str, Callable[..., World]] = {f.__name__: f for f in _FAMILIES} | {"all": all_at_once}


def find(name: str) -> Callable[..., World]:
    """The standard world of that name; KeyError with a close match otherwise."""
    if name not in STANDARD:
        near = get_close_matches(name, STANDARD, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(STANDARD)}"
        raise KeyError(f"no world is called {name!r}; {hint}")
    return STANDARD[name]
