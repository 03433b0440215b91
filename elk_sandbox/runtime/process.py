"""The operating system's side of a child: start it, look after it, end it with all that it left behind."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path

from elk_sandbox.runtime.zygote import LIVES, NUMBER

__all__ = ["MOST_WORDS", "START", "IsolationError", "Process", "Zygote", "zygote_of"]

START = 60.0  # seconds for our own part: interpreter, numpy, role
MOST_THREADS = 256
MOST_FILES = 1000
MOST_DISK = 256 << 20
MOST_TRACE = 1 << 16
MOST_KEPT = 8192  # bytes of output that outlive the process
MOST_WORDS = 400

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from elk_sandbox.runtime.zygote import main; main()"
# What -I does, less its refusal of a fixed hash seed: the order of a set of words must not change a verdict.
FLAGS = ("-P", "-s", "-B", "-X", "utf8", "-c", BOOT)
# One arena for malloc: threads would each reserve 64 MiB of the address space that is limited. What is freed is kept,
# or each call would get its pages from the kernel again.
MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(256 << 20)}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ENVIRONMENT = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", **MALLOC, **THREADS}


class IsolationError(RuntimeError):
    """No child could be had, or it is lost: it did not start, its zygote died, or what was asked for is not there."""


class Zygote:
    """A process that has imported a role and forks children for this process, which it does not outlive.

    A fresh interpreter in a session and with an environment of its own; it never runs a user's file.
    """

    def __init__(self, role: str) -> None:
        """Start `elk_sandbox.runtime.zygote` on the role; return at once."""
        with ExitStack() as stack:
            self._said = stack.enter_context(tempfile.TemporaryFile())
            self._control, theirs = socket.socketpair()
            stack.enter_context(self._control)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, *FLAGS, PACKAGE_ROOT, role],
                    stdin=theirs.fileno(),
                    stdout=self._said,
                    stderr=self._said,
                    cwd="/",
                    env=ENVIRONMENT,
                    start_new_session=True,
                )
            stack.callback(_dismiss, self._process)
            self._finalizer = weakref.finalize(self, _release, os.getpid(), stack.pop_all())

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can fork; it may have died on its own."""
        return self._finalizer.alive and self._process.poll() is None

    def fork(self, *descriptors: int) -> tuple[socket.socket, int]:
        """A child with these descriptors: the line that keeps its number from being another's, and its number.

        Raises IsolationError.
        """
        line, theirs = socket.socketpair()
        with ExitStack() as stack:
            stack.enter_context(line)
            line.settimeout(START)
            with theirs, suppress(BrokenPipeError, ConnectionResetError):  # the line tells
                socket.send_fds(self._control, [b"."], [theirs.fileno(), *descriptors])
            try:
                number = _heard(line)
            except IsolationError as error:
                said = " ".join(os.pread(self._said.fileno(), MOST_TRACE, 0).decode(errors="replace").split())
                self._finalizer()
                raise IsolationError(f"{error}: {said[-MOST_WORDS:]}") from None
            if number < 0:
                raise IsolationError(f"no child could be forked: {os.strerror(-number)}")
            stack.pop_all()
        return line, number


_zygotes: dict[tuple[int, str], Zygote] = {}
_starting = threading.Lock()


def zygote_of(role: str) -> Zygote:
    """The one of this process; it is started when it is first asked for, and anew where it has died."""
    key = os.getpid(), role  # a fork of this process starts its own
    with _starting:
        if key not in _zygotes or not _zygotes[key].alive:
            _zygotes[key] = Zygote(role)
        return _zygotes[key]


class Process:
    """A child in a session, a temporary folder and an environment of its own, with two pipes to it.

    `requests` is written, `replies` is read, neither blocks. All is released by `close`, when the object is collected,
    or when the parent's interpreter ends.
    """

    def __init__(self, role: str, job: Mapping[str, object]) -> None:
        """Fork a child from the role's zygote, on a JSON-able `job` for `elk_sandbox.runtime.child`.

        Returns before the child is ready. Raises IsolationError.
        """
        with ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="elk-sandbox-")
            stack.callback(_remove, self.folder)
            self._output = stack.enter_context(tempfile.TemporaryFile())
            self._trace = stack.enter_context(tempfile.TemporaryFile())
            self.replies, reply = _pipe(stack)
            request, self.requests = _pipe(stack)
            with tempfile.TemporaryFile() as standard_input:
                standard_input.write(json.dumps({**job, "role": role, "folder": self.folder}).encode())
                standard_input.seek(0)
                given = [file.fileno() for file in (standard_input, self._output, request, reply, self._trace)]
                self._line, self.pid = _fork(role, given)  # its number is also that of its session and process group
            stack.callback(_end, self._line, self.pid)
            request.close()
            reply.close()
            os.set_blocking(self.requests.fileno(), False)
            os.set_blocking(self.replies.fileno(), False)
            self._kept = b""
            self._finalizer = weakref.finalize(self, _release, os.getpid(), stack.pop_all())

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
        """Its exit status, minus the signal that killed it; None if it lives on after `patience` seconds.

        Raises IsolationError if its zygote died, and it with it.
        """
        until = time.monotonic() + patience
        while True:
            with suppress(BrokenPipeError, ConnectionResetError):
                self._line.send(b"?")
            status = _heard(self._line)
            if status != LIVES or time.monotonic() > until:
                return None if status == LIVES else status
            time.sleep(0.005)

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
        if ask and not _let_go(self._line):
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


def _fork(role: str, descriptors: list[int]) -> tuple[socket.socket, int]:
    try:
        return zygote_of(role).fork(*descriptors)
    except IsolationError:  # it may have been killed since it was last used
        return zygote_of(role).fork(*descriptors)


def _heard(line: socket.socket) -> int:
    """One number from a line."""
    try:
        said = line.recv(NUMBER.size)
    except TimeoutError:
        raise IsolationError(f"the zygote, which children are forked from, said nothing for {START:.0f} s") from None
    except ConnectionResetError:
        said = b""
    if not said:
        raise IsolationError("the zygote, which children are forked from, died")
    return int(NUMBER.unpack(said)[0])


def _let_go(line: socket.socket) -> bool:
    """Whether the zygote no longer holds the other end: it died, and the number of its child may be another's."""
    poller = select.poll()
    poller.register(line, select.POLLIN)
    return bool(poller.poll(0))


def _end(line: socket.socket, pid: int) -> None:
    with line, suppress(OSError):
        if not _let_go(line):
            os.killpg(pid, signal.SIGKILL)
        line.shutdown(socket.SHUT_WR)
        line.recv(1)  # the end, once the zygote has reaped it


def _dismiss(zygote: subprocess.Popen[bytes]) -> None:
    zygote.kill()
    zygote.wait()


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
