"""A run: a folder with a lock, a row in the store, and a stage that works at it until it is done, stopped or killed.

The process that works at a run holds the lock on its folder for life. So a run whose lock is free and that came to no
end of its own was killed, wherever and however; it can be executed again, and the stage goes on from its checkpoint.
"""

import os
import secrets
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from elk_sandbox.declare import suggest
from elk_sandbox.runtime import lock
from elk_sandbox.runtime.detached import outlive
from elk_sandbox.runtime.run import Run, folder_of
from elk_sandbox.runtime.store import Store, check_name
from elk_sandbox.runtime.tables import Outcome
from elk_sandbox.terminal import InputError, writing

__all__ = [
    "Run",
    "Running",
    "State",
    "clone",
    "create",
    "delete",
    "execute",
    "open_run",
    "start_detached",
    "state",
    "stop",
]

State = Literal["new", "running", "interrupted", "stopped", "done", "failed"]

INHERITED = "ELK_SANDBOX_LOCK"  # the descriptor by which a detached command has its run's lock


class Running(InputError):
    """A process works at the run."""


def create(
    store: Store, home: Path, name: str, kind: str, config: Mapping[str, Any], parents: Mapping[str, str]
) -> Run:
    """Enter a new run; `config` holds plain values, `parents` the name of the run that it builds on for each role.

    Raises InputError if the name is taken (NameTaken), is no plain name, or its folder holds the work of another run.
    """
    check_name(name, "run")
    folder = folder_of(home, name)
    taken = any(row.name == name for row in store.runs())
    if not taken and folder.is_dir() and any(each.name not in ("lock", "log") for each in folder.iterdir()):
        raise InputError(f"{folder} holds files of a run that the store does not know: move it away")
    return Run(store, home, store.create_run(name, kind, config, parents))


def open_run(store: Store, home: Path, name: str) -> Run:
    """Return a run. Raises InputError, with a close match, if there is none of that name."""
    return Run(store, home, store.run(name))


def clone(store: Store, home: Path, name: str, new: str, changes: Mapping[str, Any]) -> Run:
    """Enter a run `new` of the same kind, parents and configuration, but for `changes`.

    Raises InputError as `create` does, and if the configuration has no such setting.
    """
    row = store.run(name)
    for key in changes:
        if key not in row.config:
            raise InputError(f"a {row.kind} run has no setting {key!r}{suggest(key, row.config)}")
    return create(store, home, new, row.kind, row.config | dict(changes), row.parents)


def state(run: Run) -> State:
    """Return how a run is: running if its lock is held, else as it ended; interrupted if it was killed."""
    while True:
        row = run.store.run(run.name)
        if lock.held(run.lock_file):
            return "running"
        if run.store.run(run.name) == row:  # else it started or ended while we looked
            return row.outcome or ("new" if row.started is None else "interrupted")


def stop(run: Run) -> bool:
    """Ask a running run to stop at its next step; False if it does not run."""
    running = lock.held(run.lock_file)
    if running:
        run.store.ask_to_stop(run.name)
    return running


def delete(store: Store, home: Path, name: str, *, force: bool = False) -> None:
    """Delete a run, its metrics and its folder.

    Raises InputError if it runs, or a command beside it (NAME.lock in its folder), or, unless forced, if runs are
    built on it, which are named.
    """
    run = open_run(store, home, name)
    with _locked(run):
        if beside := [file.stem for file in sorted(run.folder.glob("*.lock")) if lock.held(file)]:
            raise Running(f"{name!r} is at work ({', '.join(beside)}): wait until that is done")
        store.delete_run(name, force=force)
        condemned = run.folder.with_name(f".{name}.{secrets.token_hex(8)}.deleted")
        with writing(condemned):
            run.folder.rename(condemned)
            shutil.rmtree(condemned)


def execute(run: Run, stage: Callable[[Run], None]) -> State:
    """Work at the run until the stage returns, and say how it ended: done, stopped, or failed with a message.

    An InputError of the stage is the message; of any other exception the traceback is in the log. A first Ctrl-C or
    SIGTERM asks the stage to stop; a second one raises KeyboardInterrupt here, and the run is interrupted. Raises
    InputError if a process works at the run, or if the store cannot be written.
    """
    inherited = _inherited(run)
    with _locked(run, inherited):
        if inherited is None:
            _begin(run)
        run.told_to_stop = run.signalled = False
        outcome: Outcome = "failed"
        message = ""
        try:
            with _signals(run):
                stage(run)
            outcome = "stopped" if run.told_to_stop else "done"
        except InputError as reason:
            message = str(reason)
        except Exception as reason:
            message = f"{traceback.format_exception_only(reason)[-1].strip()} (traceback: {run.log_file})"
            _append(run, traceback.format_exc())
        finally:
            run.close()
        run.store.mark_ended(run.name, outcome, message)
        return outcome


def start_detached(run: Run, command: Sequence[str]) -> bool:
    """Start a command that executes the run and outlives us; False if a process works at it already.

    The command has the lock from the first moment on, so that of two that start one wins and a request to stop reaches
    it. What it prints goes to the log. Raises InputError if it cannot be started.
    """
    try:
        with _locked(run) as descriptor, writing(run.log_file), run.log_file.open("ab") as log:
            _begin(run)
            try:
                outlive(command, descriptor, log, **{INHERITED: str(descriptor), "PYTHONUNBUFFERED": "1"})
            except OSError as reason:
                message = f"{command[0]} cannot be started: {reason.strerror}"
                run.store.mark_ended(run.name, "failed", message)
                raise InputError(message) from reason
    except Running:
        return False
    return True


@contextmanager
def _locked(run: Run, descriptor: int | None = None) -> Iterator[int]:
    """Hold the run's lock, by this descriptor or a new one. Raises Running, or InputError if the run is no more."""
    if descriptor is None:
        run.store.run(run.name)
        with writing(run.folder):
            run.folder.mkdir(parents=True, exist_ok=True)
            descriptor = lock.take(run.lock_file)
    if descriptor is None:
        raise Running(f"{run.name!r} is running: stop it first, or wait until it is done")
    try:
        yield descriptor
    finally:
        lock.release(descriptor)


def _inherited(run: Run) -> int | None:
    """Return the descriptor that `start_detached` passed to this process, if it holds this run's lock."""
    number = os.environ.get(INHERITED, "")
    if not number.isdecimal() or not lock.adopt(int(number), run.lock_file):
        return None
    del os.environ[INHERITED]
    return int(number)


def _begin(run: Run) -> None:
    run.store.mark_started(run.name)
    row = run.store.run(run.name)
    _append(run, f"attempt {row.attempts}, {time.strftime('%Y-%m-%d %H:%M:%S')}\n")


def _append(run: Run, text: str) -> None:
    with writing(run.log_file), run.log_file.open("a", encoding="utf-8") as file:
        file.write(text)


@contextmanager
def _signals(run: Run) -> Iterator[None]:
    """Make the first Ctrl-C or SIGTERM a request to stop, where this thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: FrameType | None) -> None:
        if run.signalled:
            raise KeyboardInterrupt
        run.signalled = True
        os.write(2, b"\nstopping at the next step; once more to stop at once\n")

    before = {each: signal.signal(each, heard) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, signal.SIG_DFL if handler is None else handler)
