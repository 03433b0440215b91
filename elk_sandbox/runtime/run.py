"""A run as its stage sees it: what it is to do, and where to say how it goes."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elk_sandbox.runtime.pace import Pace
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import Progress, RunRow

__all__ = ["Run"]

OFTEN = 1.0  # seconds between two visits to the store for one purpose
MANY = 10_000  # metric values that are kept back at most


class Run:
    """A run of the store and its folder; `jobs` makes them, executes them, and says whether they live."""

    def __init__(self, store: Store, home: Path, row: RunRow) -> None:
        self.store = store
        self.home = home
        self.name = row.name
        self.kind = row.kind
        self.config: dict[str, Any] = row.config
        self.parents: dict[str, str] = row.parents
        self.folder = folder_of(home, row.name)
        self.told_to_stop = False  # the stage has heard it
        self.signalled = False  # a first Ctrl-C or SIGTERM came
        self._asked = -OFTEN  # when the store was last asked
        self._values: list[tuple[str, int, float]] = []
        self._flushed = time.monotonic()
        self._pace = Pace()
        self._progress: Progress | None = None  # not yet in the store
        self._kept = -OFTEN  # when words were last kept there

    @property
    def lock_file(self) -> Path:
        """Held by the process that works at the run."""
        return self.folder / "lock"

    @property
    def log_file(self) -> Path:
        """What its detached processes printed, and the tracebacks of failures."""
        return self.folder / "log"

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Record metrics of a step; what the step already has under a key is replaced.

        They are in the store within a second of the next call, or when `flush` returns.
        """
        self._values += [(key, step, float(value)) for key, value in values.items()]
        if len(self._values) >= MANY or time.monotonic() - self._flushed >= OFTEN:
            self.flush()

    def flush(self) -> None:
        """Put all logged metrics on the disk. Call it before a checkpoint is saved.

        In this order a checkpoint never is ahead of its metrics; those that are ahead of the last checkpoint are
        taken back by the run that resumes from it, see `rewind`, and written again with the same values.
        """
        self.store.record(self.name, self._values)
        self._values.clear()
        self._flushed = time.monotonic()

    def rewind(self, step: int) -> None:
        """Take back the metrics of this step and later ones: the run is about to log them anew.

        For whoever resumes from a checkpoint, or begins anew; else what is shown of the run would end where a killed
        attempt did, and not where this one is.
        """
        self.flush()
        self.store.forget_from(self.name, step)

    def metrics(self) -> dict[str, list[tuple[int, float]]]:
        """Return (step, value) in the order of steps, for each key; what was just logged too."""
        self.flush()
        return self.store.metrics(self.name)

    def stop_requested(self) -> bool:
        """Whether somebody asked the run to stop, or a first Ctrl-C or SIGTERM came. To be called at every step.

        A stage that hears True saves a checkpoint and returns; the run is then stopped, not done.
        """
        now = time.monotonic()
        if not self.told_to_stop and now - self._asked >= OFTEN:
            self._asked = now
            self.told_to_stop = self.store.run(self.name).want_stop
        self.told_to_stop |= self.signalled
        return self.told_to_stop

    def progress(self, done: float, total: float, words: str) -> None:
        """Show how far the run is, in any unit, with the time left; the last words are kept in the store."""
        self._progress = self._pace.show(done, total, words)
        if time.monotonic() - self._kept >= OFTEN:
            self._keep_progress()

    def close(self) -> None:
        """Take the bar off the terminal and put what was logged and said in the store."""
        self._pace.close()
        self.flush()
        self._keep_progress()

    def _keep_progress(self) -> None:
        if self._progress is not None:
            self.store.mark_progress(self.name, self._progress)
            self._progress, self._kept = None, time.monotonic()


def folder_of(home: Path, name: str) -> Path:
    return home / "runs" / name
