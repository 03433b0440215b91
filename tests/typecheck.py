"""The checker that jaxtyping's import hook uses in tests: beartype, on those annotations that hold an array's shape.

The others are mypy's; beartype reads some of numpy's unions more narrowly than they are meant.
"""

from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray

__all__ = ["checked"]


def _has_shape(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, AbstractArray):
        return True
    return any(map(_has_shape, get_args(annotation)))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    hints = getattr(function, "__annotations__", {})
    function.__annotations__ = {name: hint for name, hint in hints.items() if _has_shape(hint)}
    wrapped = beartype(function)
    function.__annotations__ = hints
    return wrapped
