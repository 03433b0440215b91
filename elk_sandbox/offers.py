"""What a view offers to the proposals that look through it, as its own docstrings say it."""

import inspect
from dataclasses import dataclass

from elk_sandbox.view import View

__all__ = ["Offer", "offers"]


@dataclass(frozen=True)
class Offer:
    """A method of a view."""

    call: str  # with its arguments by name, those that can be left out with their values
    meaning: str  # the first paragraph of its docstring


def offers() -> list[Offer]:
    """The public methods of `View`, in the order in which they are written."""
    found = []
    for name, method in vars(View).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        given = [p for p in inspect.signature(method).parameters.values() if p.name != "self"]
        words = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in given]
        meaning = " ".join((method.__doc__ or "").split("\n\n")[0].split())
        found.append(Offer(f"{name}({', '.join(words)})", meaning))
    return found
