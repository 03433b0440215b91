"""How far a loop is: the time that is left by its pace, a bar on a terminal, else a line now and then."""

import time
from typing import TYPE_CHECKING

from elk_sandbox.runtime.tables import Progress
from elk_sandbox.terminal import duration, err

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Pace"]

EVERY = 15.0  # seconds between two lines where there is no terminal


class Pace:
    """Shows on the standard error what it is told, from the first word to `close`."""

    def __init__(self) -> None:
        self._begun: float | None = None  # how much was done at the first word
        self._first: tuple[float, float] | None = None  # when more was done, and how much
        self._line = 0.0  # when the last line was printed
        self._bar: tuple[Bar, TaskID] | None = None

    def show(self, done: float, total: float, words: str) -> Progress:
        """Show these words and how much is done, in any unit; return them with the time that is left."""
        now, left = time.monotonic(), None
        if self._begun is None:
            self._begun, self._line = done, now
        # Up to the first step the time goes into getting ready, and a run that goes on leaps to where it stood.
        if self._first is None and done > self._begun:
            self._first = now, done
        elif self._first and done > self._first[1]:
            since, before = self._first
            left = max(total - done, 0.0) * (now - since) / (done - before)
        told = words if left is None else f"{words}, {duration(left)} left"
        if err.is_terminal:
            bar, task = self._bar or self._start()
            bar.update(task, completed=done, total=total, description=told)
        elif now - self._line >= EVERY:
            self._line = now
            err.print(told, markup=False)
        return Progress(done, total, words, left, time.time())

    def close(self) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    def _start(self) -> "tuple[Bar, TaskID]":
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bar

        bar = Bar(BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False), console=err)
        bar.start()
        self._bar = bar, bar.add_task("")
        return self._bar
