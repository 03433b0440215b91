"""The operating system's side of a child: start it, look after it, end it with all that it left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

__all__ = ["Process"]

MOST_THREADS = 256
MOST_FILES = 1000
MOST_DISK = 256 << 20
MOST_TRACE = 1 << 16
MOST_KEPT = 8192  # bytes of output that outlive the process

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from elk_sandbox.runtime.child import main; main()"
# What -I does, less its refusal of a fixed hash seed: the order of a set of words must not change a verdict.
FLAGS = ("-P", "-s", "-B", "-X", "utf8", "-c", BOOT)
# One arena for malloc: threads would each reserve 64 MiB of the address space that is limited.
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"} | dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


class Process:
    """A fresh interpreter in a session, a temporary folder and an environment of its own, with two pipes to it.

    `requests` is written, `replies` is read, neither blocks. All is released by `close`, when the object is collected,
    or when the parent's interpreter ends.
    """

    def __init__(self, job: Mapping[str, object]) -> None:
        """Start `elk_sandbox.runtime.child` on a JSON-able `job`; return at once."""
        with ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="elk-sandbox-")
            stack.callback(_remove, self.folder)
            self._output = stack.enter_context(tempfile.TemporaryFile())
            self._trace = stack.enter_context(tempfile.TemporaryFile())
            self.replies, reply = _pipe(stack)
            request, self.requests = _pipe(stack)
            inherited = {"request": request.fileno(), "reply": reply.fileno(), "trace": self._trace.fileno()}
            with tempfile.TemporaryFile() as standard_input:
                standard_input.write(json.dumps({**job, **inherited}).encode())
                standard_input.seek(0)
                self._process = subprocess.Popen(
                    [sys.executable, *FLAGS, PACKAGE_ROOT],
                    stdin=standard_input,
                    stdout=self._output,
                    stderr=self._output,
                    cwd=self.folder,
                    env=ENVIRONMENT | dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), self.folder),
                    pass_fds=tuple(inherited.values()),
                    start_new_session=True,
                )
            stack.callback(_end, self._process)
            request.close()
            reply.close()
            os.set_blocking(self.requests.fileno(), False)
            os.set_blocking(self.replies.fileno(), False)
            self._kept = b""
            self._finalizer = weakref.finalize(self, _release, os.getpid(), stack.pop_all())

    @property
    def pid(self) -> int:
        """Its number, and that of its session and process group."""
        return self._process.pid

    @property
    def open(self) -> bool:
        """Whether it was not closed yet; it may have died on its own."""
        return self._finalizer.alive

    def close(self) -> None:
        """Kill its process group, reap it, close the pipes, remove its folder. Safe to call twice."""
        if self.open:
            self._kept = self.output(MOST_KEPT)
            self._finalizer()

    def output(self, most: int) -> bytes:
        """The first `most` bytes that it printed (after `close` at most 8192)."""
        return os.pread(self._output.fileno(), most, 0) if self.open else self._kept[:most]

    def status(self, patience: float) -> int | None:
        """Its exit status, minus the signal that killed it; None if it lives on after `patience` seconds."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(patience)
        return None

    def excess(self) -> tuple[str, str] | None:
        """Kind and message where it grows in a way that no rlimit bounds for root: threads, files."""
        with suppress(OSError):  # no /proc, or already gone
            if os.stat(f"/proc/{self.pid}/task").st_nlink - 2 > MOST_THREADS:
                return "threads", f"started more than {MOST_THREADS} threads"
        count = size = 0
        for folder, folders, files in os.walk(self.folder):
            count += len(folders) + len(files)
            for name in files[:MOST_FILES]:
                with suppress(OSError):
                    size += os.lstat(os.path.join(folder, name)).st_size
            if count > MOST_FILES or size > MOST_DISK:
                return "output", f"wrote more than {MOST_FILES} files or {MOST_DISK} bytes of them"
        return None

    def whereabouts(self, path: str, ask: bool = False) -> int | None:
        """The innermost line of the file `path` in its last dump of its stack; `ask`: let it write one now."""
        trace = self._trace.fileno()
        if ask:
            os.kill(self.pid, signal.SIGUSR1)
            until = time.monotonic() + 0.3
            while not os.fstat(trace).st_size and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.01)  # the dump is written piece by piece
        text = os.pread(trace, MOST_TRACE, max(0, os.fstat(trace).st_size - MOST_TRACE)).decode(errors="replace")
        name = re.escape(path.encode("ascii", "backslashreplace").decode())  # as faulthandler writes it
        match = re.search(rf'File "{name}", line (\d+)', text.rpartition("most recent call first")[2])
        return int(match[1]) if match else None


def _pipe(stack: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return stack.enter_context(FileIO(reading, "r")), stack.enter_context(FileIO(writing, "w"))


def _release(owner: int, resources: ExitStack) -> None:
    if os.getpid() == owner:  # a fork of the parent holds copies, and owns nothing
        resources.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group that is all zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _remove(folder: str) -> None:
    """Level by level, by renaming: a file may nest folders deeper than a path or Python's stack reaches."""
    waiting, moved = [folder], 0
    with suppress(OSError):
        while waiting:
            here = waiting.pop()
            for entry in list(os.scandir(here)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)
                    moved += 1
                    waiting.append(f"{folder}-{moved}")
                    os.rename(entry.path, waiting[-1])
                else:
                    os.unlink(entry.path)
            os.rmdir(here)
