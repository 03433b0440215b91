"""The standard worlds, each a family: a function of a generator (None is the stock draw) and knobs."""

from collections.abc import Callable
from difflib import get_close_matches
from inspect import Parameter, signature

from elk_sandbox.declare import Knob
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
    "knobs",
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


# The sizes that are offered; beyond, a world takes longer than one waits for.
_SIZES: dict[str, tuple[int, ...]] = {
    "atoms": (1, 3, 5, 7), "pixels": (1, 3, 5), "noise": tuple(range(7)), "parameters": tuple(range(1, 8)),
    "listed": (0, 1, 2, 3),
}  # fmt: skip


def knobs(name: str) -> tuple[Knob, ...]:
    """What can be set of a standard world. Raises KeyError as `find` does."""
    found = []
    for parameter in signature(find(name)).parameters.values():
        if parameter.kind is Parameter.KEYWORD_ONLY:
            kind, default = parameter.annotation.__name__, parameter.default
            found.append(Knob(parameter.name, kind, default, _SIZES.get(parameter.name)))
    return tuple(found)


def find(name: str) -> Callable[..., World]:
    """The standard world of that name; KeyError with a close match otherwise."""
    if name not in STANDARD:
        near = get_close_matches(name, STANDARD, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(STANDARD)}"
        raise KeyError(f"no world is called {name!r}; {hint}")
    return STANDARD[name]
