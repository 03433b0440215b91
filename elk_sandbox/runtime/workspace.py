"""The workspace folder, and writing a file so that a reader sees the old one or the new one and never a part."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

HOME = "ELK_SANDBOX_HOME"


def workspace(argument: str | os.PathLike[str] | None = None) -> Path:
    """Return the absolute folder for results: the argument, else $ELK_SANDBOX_HOME, else ./workspace.

    It is not created here: `write` makes the folders that it needs. Raises NotADirectoryError if a file is there.
    """
    chosen = Path(argument or os.environ.get(HOME) or "workspace").expanduser().absolute()
    if chosen.exists() and not chosen.is_dir():
        raise NotADirectoryError(f"the workspace {chosen} is a file: name a folder (--workspace or {HOME})")
    return chosen


def write(path: Path, content: str | bytes) -> None:
    """Write `content` (text as UTF-8) to `path`, whole or not at all, and lasting when this returns.

    A temporary name in the same folder, synced, renamed, and the folder synced. Two processes may write one path at
    once: the last rename stands. After a kill -9 a hidden `*.tmp` may stay behind; nothing reads it. Raises OSError.
    """
    _write(path, content, os.replace)


def write_result(path: Path, content: str | bytes) -> None:
    """As `write`, for what holds a checksum and can be computed again: when the power fails it may be lost or torn.

    No waiting for the disk, which of hundreds of small files takes longer than their computation. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, content, os.replace, lasting=False)


def write_new(path: Path, content: str | bytes) -> None:
    """Write a file as `write` does where none is. Raises FileExistsError, also if one has come just now; OSError."""
    _write(path, content, os.link)


def _write(path: Path, content: str | bytes, entered: Callable[[Path, Path], None], *, lasting: bool = True) -> None:
    if lasting:
        _make(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        entered(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if lasting:
        sync(path.parent)


def _make(folder: Path) -> None:
    """Make a folder and its parents, each entered in its own parent for good."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(folder: Path) -> None:
    """Make what was named, renamed or deleted in a folder last. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
