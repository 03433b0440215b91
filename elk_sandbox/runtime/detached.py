"""A command that outlives whoever started it: one at a time for each name, known to run by a lock that it holds."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from elk_sandbox.runtime import lock, workspace

__all__ = ["Detached", "command", "outlive"]


def command(package: str, home: Path, *words: str) -> list[str]:
    """A command line of a package of ours, on this workspace, as `Detached.start` takes it."""
    return [sys.executable, "-m", package, *words, "--workspace", str(home)]


@dataclass(frozen=True)
class Detached:
    """A command's lock, log and request in a folder.

    The command inherits the lock and holds it for life, so the kernel releases it on any death: neither a restart of
    the starter nor a process id that is used again misleads.
    """

    folder: Path
    name: str

    @property
    def log(self) -> Path:
        """All that the command printed."""
        return self.folder / f"{self.name}.log"

    @property
    def running(self) -> bool:
        return lock.held(self._lock)

    @property
    def since(self) -> float | None:
        """When the last command was started, in seconds since the epoch; None if there was none."""
        return _changed(self._number)

    @property
    def spoke(self) -> float | None:
        """When it last printed, as above."""
        return _changed(self.log)

    @property
    def asked(self) -> frozenset[str]:
        """The keys that the last command was asked for; empty if there was none."""
        try:
            return frozenset(map(str, json.loads((self.folder / f"{self.name}.json").read_bytes())))
        except (OSError, ValueError, TypeError):
            return frozenset()

    @property
    def _number(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def _lock(self) -> Path:
        return self.folder / f"{self.name}.lock"

    def start(self, command: Sequence[str], keys: Iterable[str]) -> bool:
        """Start the command, which is to give these keys; False if one runs already. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = lock.take(self._lock)
        if descriptor is None:
            return False
        try:
            workspace.write(self.folder / f"{self.name}.json", json.dumps(sorted(keys)))
            self._number.unlink(missing_ok=True)
            with self.log.open("wb") as log:
                workspace.write(self._number, str(outlive(command, descriptor, log)))
        finally:
            lock.release(descriptor)
        return True

    def _numbered(self) -> int | None:
        try:
            return int(self._number.read_bytes())
        except (OSError, ValueError):
            return None

    def stop(self) -> bool:
        """Ask the command, and all that it started, to end (SIGTERM); False if it does not run."""
        number = self._numbered()
        # It runs after the number was read, and has that number still: so this is the number of what runs.
        if number is None or not self.running or self._numbered() != number:
            return False
        with suppress(ProcessLookupError):
            os.killpg(number, signal.SIGTERM)
        return True

    def last_line(self) -> str:
        """The last line that says something, or nothing."""
        try:
            lines = self.log.read_text(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _changed(file: Path) -> float | None:
    try:
        return file.stat().st_mtime
    except OSError:
        return None


def outlive(command: Sequence[str], descriptor: int, log: IO[bytes], **settings: str) -> int:
    """Start a command that inherits this lock, outlives us and prints to the log; its number. Raises OSError.

    settings: environment variables beside ours.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        pass_fds=[descriptor], env=os.environ | {"COLUMNS": "500", "NO_COLOR": "1"} | settings,
    )  # fmt: skip
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie stays
    return process.pid
