"""A lock on a file that is held for life: it tells who lives, since the kernel releases it on any death."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["adopt", "held", "release", "take", "waited"]

TRIES = 10  # at a lock that somebody who only looks holds for a moment
PAUSE = 0.02  # seconds between two
WAIT = 1.0  # seconds between two looks at whether another process is done

_held: set[int] = set()


def take(path: Path) -> int | None:
    """Lock the file, made if there is none, and return the descriptor that holds it; None if a process has it.

    A program that this process starts does not inherit it unless it is passed on, a forked child lets go of it.
    Raises OSError.
    """
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        if _is(descriptor, path):
            _held.add(descriptor)
            return descriptor
        os.close(descriptor)  # the file was deleted while we took it
    return None


def adopt(descriptor: int, path: Path) -> bool:
    """Whether this inherited descriptor holds the lock on the file; if so it is ours and goes no further."""
    if not _is(descriptor, path):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    os.set_inheritable(descriptor, False)
    _held.add(descriptor)
    return True


def release(descriptor: int) -> None:
    _held.discard(descriptor)
    os.close(descriptor)


@contextmanager
def waited(path: Path, tell: Callable[[], None]) -> Iterator[None]:
    """Hold the lock once whoever has it is done; `tell` is called at each look before. Raises OSError."""
    while (descriptor := take(path)) is None:
        tell()
        time.sleep(WAIT)
    try:
        yield
    finally:
        release(descriptor)


def held(path: Path) -> bool:
    """Whether a process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _let_go() -> None:
    """Close in a forked child what its parent holds, so that an orphan does not pass for its parent."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)
