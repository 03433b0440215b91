"""The terminal that the commands write to: results on the standard output, progress and complaints on the other."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

__all__ = ["InputError", "duration", "err", "out", "print_json", "progress", "saying", "status", "writing"]

WIDE = 140  # columns where the output is no terminal
EVERY = 3.0  # seconds between two lines of progress there
SEEN = 0.04  # share of a phase that has to be done before its pace says when it ends

out, err = Console(highlight=False), Console(stderr=True, highlight=False)
for console in (out, err):
    if not console.is_terminal:
        console.width = WIDE


class InputError(Exception):
    """What the user asked for cannot be done; one line."""


def print_json(value: Any) -> None:
    """Print it as `json_text`."""
    print(json_text(value))


def json_text(value: Any) -> str:
    """Numbers that are not finite become null, which is all that JSON has for them."""
    return json.dumps(_finite(value), indent=2, default=str, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def duration(seconds: float) -> str:
    """Return a length of time in one or two units: 8 s, 3 min, 2 h 10 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a file that cannot be written into an InputError."""
    try:
        yield
    except OSError as reason:
        raise InputError(f"{path} cannot be written: {reason.strerror}") from reason


@contextmanager
def status(words: str, *, quiet: bool) -> Iterator[None]:
    """A spinner with these words, on a terminal."""
    if quiet or not err.is_terminal:
        yield
        return
    with err.status(words):
        yield


@contextmanager
def progress(total: int, *, quiet: bool, what: str = "cells") -> Iterator[Callable[..., None]]:
    """A bar that the yielded function advances by one cell, or by as many as it is called with.

    Where there is no terminal it is a line every few seconds, and none for what is done sooner.
    """
    if quiet or not err.is_terminal:
        yield (lambda by=1: None) if quiet else _lines(total, what)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err) as bar:
        task = bar.add_task(what, total=total)
        yield lambda by=1: bar.advance(task, by)


@contextmanager
def saying(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """What is being done and which share of it, from 0 to 1: a bar, or a line as phases begin and every few seconds.

    A phase is known by what stands before the first comma with a blank.
    """
    if quiet:
        yield lambda words, share: None
        return
    if not err.is_terminal:
        phase, began, first, told = "", 0.0, 0.0, 0.0

        def line(words: str, share: float) -> None:
            nonlocal phase, began, first, told
            now, (named, _, _) = time.monotonic(), words.partition(", ")
            if fresh := named != phase:
                phase, began, first = named, now, share
            if fresh or now - told >= EVERY:
                left = (1 - share) * (now - began) / (share - first) if share > first + SEEN else None
                more = "" if left is None else f", about {duration(left)} left of this"
                err.print(Text(words + (f": {share:.0%}{more}" if share else "")), soft_wrap=True)
                told = now

        yield line
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=err) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda words, share: bar.update(task, description=escape(words), completed=share)


def _lines(total: int, what: str) -> Callable[..., None]:
    done, told = 0, time.monotonic()

    def advance(by: int = 1) -> None:
        nonlocal done, told
        done += by
        if done < total and time.monotonic() - told >= EVERY:
            err.print(Text(f"{done} of {total} {what}"))
            told = time.monotonic()

    return advance
