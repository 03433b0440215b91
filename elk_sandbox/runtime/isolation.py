"""One child process for one user's file: what it may use, how it is asked, and how each of its faults is told.

The child restricts itself before it runs the user's file and reports what could be enforced (`Child.enforced`). Nothing
in a reply is trusted, every read has a deadline, and whatever happens ends as an answer or as one `UserError`.
"""

import functools
import os
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from elk_sandbox.runtime.child import PREFIX, pack, sizes, unpack
from elk_sandbox.runtime.confine import LEVELS, Enforced
from elk_sandbox.runtime.process import MOST_WORDS, START, IsolationError, Process

__all__ = ["DEFAULT", "PLAIN", "Child", "IsolationError", "Level", "Limits", "UserError", "isolation_level"]

Level = Literal["L0", "L1", "L2"]

PLAIN = "elk_sandbox.runtime.child"
"""The role that hands `meta` and `arrays` to the user's function as they are."""

REQUIRE = "ELK_SANDBOX_ISOLATION"
TICK = 0.1  # seconds between two looks at the child's threads and files


@dataclass(frozen=True)
class Limits:
    """What a child may use."""

    wall: float = 10.0  # seconds a call
    cpu: int = 60  # seconds of processor time in all
    memory: int = 2 << 30  # bytes of address space
    output: int = 8 << 20  # bytes printed in all, and bytes in one file


DEFAULT = Limits()


class UserError(Exception):
    """The user's file is at fault: `path`, `line` (None: unknown), a one-line `message`.

    `kind` is syntax, import, missing, exception, memory, exit, output, permission, time, cpu, killed, crash, threads or
    reply (what came back is not well formed).
    """

    def __init__(self, message: str, path: str, line: int | None, kind: str) -> None:
        super().__init__(message, path, line, kind)
        self.message, self.path, self.line, self.kind = message, path, line, kind

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class Child:
    """A user's file in a process of its own. One call at a time."""

    def __init__(
        self, role: str, path: str, text: str, function: str, *, limits: Limits = DEFAULT, level: Level = "L2"
    ) -> None:
        """Fork the child and return before it is ready; the first of a role waits for the role's imports.

        Args:
            role: dotted module with `answer(function, meta, arrays) -> (meta, arrays)`, imported before restriction.
            path: the file's name for messages. text: what it holds. function: the name to be called in it.
            level: the most to enforce; a lower one is for showing that the self-test can fail.

        Raises IsolationError.
        """
        self.path, self.limits = path, limits
        self._required = _required_level()
        self._failed: UserError | None = None
        self._enforced: Enforced | None = None
        self._calls = 0
        caps = {"cpu": limits.cpu, "memory": limits.memory, "output": limits.output}
        job = {"path": path, "text": text, "function": function, "limits": caps}
        self._process = Process(role, job | {"most": level, "require": self._required})

    @property
    def pid(self) -> int:
        """Process number, also that of its session and process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be called (again): neither closed, nor ended by a fault."""
        return self._process.open

    @property
    def isolation(self) -> str:
        """One line on what is enforced, for people and run records."""
        return (self._enforced or self.enforced).label

    @property
    def enforced(self) -> Enforced:
        """What the child says it restricted before it ran the user's file; waits for it.

        Raises IsolationError if it did not start, or if the environment's ELK_SANDBOX_ISOLATION asks for more.
        """
        if self._enforced is None:
            try:
                head, _ = unpack(self._exchange(b"", START))
                rlimits, landlock, seccomp, notes = head["enforced"]
            except (UserError, ValueError, LookupError) as error:
                self.close()
                self._failed = None  # ours, not the user's
                said = _plain(self.output().decode(errors="replace")[-MOST_WORDS:])
                raise IsolationError(f"the child did not start: {error}: {said}") from None
            self._enforced = Enforced(rlimits, landlock, seccomp, tuple(notes))
        got = self._enforced
        if LEVELS.index(got.level) < LEVELS.index(self._required):
            self.close()
            why = "; ".join(got.notes) or "no more was asked of this child"
            raise IsolationError(f"{REQUIRE}={self._required} asks for more than is here, {got.label} ({why})")
        return got

    def call(
        self, meta: Mapping[str, object], arrays: Mapping[str, np.ndarray], wall: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Hand `meta` (JSON) and `arrays` to the role's `answer` and return its reply, within `wall` seconds.

        The reply is well formed and nothing else: its contents are the user's, to be checked by the caller. After an
        exception in the user's file the child is ready for the next call; after any other fault it is gone.
        Raises UserError, and IsolationError as `enforced` does.
        """
        if self._failed:
            raise UserError(*self._failed.args)
        if not self._process.open:
            raise ValueError("the child is closed")
        patience = self.limits.wall if wall is None else wall
        _ = self.enforced
        self._calls += 1
        frame = self._exchange(pack({"call": self._calls, "wall": patience, "meta": meta}, arrays), patience)
        try:
            head, values = unpack(frame)
            if head.get("call") != self._calls:
                raise ValueError("not the answer to this call")
            if problem := head.get("error"):
                line = problem["line"] if isinstance(problem["line"], int) else None
                raise UserError(_plain(problem["message"]), self.path, line, _plain(problem["kind"]))
            if not isinstance(head["meta"], dict):
                raise ValueError("not a reply")
            return head["meta"], values
        except (ValueError, LookupError, TypeError) as error:
            raise self._fault("reply", f"the answer is not well formed ({_plain(error)})") from None

    def output(self, most: int = 8192) -> bytes:
        """The first `most` bytes that the child printed. They are the user's: escape them before display."""
        return self._process.output(most)

    def close(self) -> None:
        """End the child's whole process group and remove its folder. Safe to call twice."""
        self._process.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, frame: bytes, patience: float) -> bytearray:
        """Write `frame` while reading one whole frame, for at most `patience` seconds."""
        requests, replies = self._process.requests, self._process.replies
        now = time.monotonic()
        deadline, look = now + patience, now + TICK
        rest, reply, wanted = memoryview(frame), bytearray(), PREFIX.size
        poller = select.poll()
        poller.register(replies, select.POLLIN)
        if rest:
            poller.register(requests, select.POLLOUT)
        while len(reply) < wanted:
            ready = dict(poller.poll(1000 * max(0.0, min(deadline, look) - now)))
            if requests.fileno() in ready:
                with suppress(BrokenPipeError):  # then the end of the replies says why
                    rest = rest[requests.write(rest) or 0 :]
                if not rest or ready[requests.fileno()] & select.POLLERR:
                    poller.unregister(requests)
            if replies.fileno() in ready:
                part = replies.read(min(wanted - len(reply), 1 << 20))
                if part == b"":
                    raise self._death()
                reply += part or b""
                if len(reply) == PREFIX.size:
                    wanted += self._announced(reply)
            now = time.monotonic()
            if now >= deadline:
                line = self._process.whereabouts(self.path, ask=True)
                raise self._fault("time", f"no answer within {patience:.3g} s", line)
            if now >= look:
                look = now + TICK
                if excess := self._process.excess():
                    raise self._fault(*excess, self._process.whereabouts(self.path, ask=True))
        return reply

    def _announced(self, prefix: bytearray) -> int:
        try:
            return sizes(prefix)
        except ValueError as error:
            raise self._fault("reply", f"the answer is not well formed ({error})") from None

    def _death(self) -> UserError:
        """Why the pipe was closed."""
        try:
            status = self._process.status(patience=0.5)
        except IsolationError:  # nobody's fault here, and no answer will come
            self.close()
            raise
        if status is None:
            line = self._process.whereabouts(self.path, ask=True)
            return self._fault("reply", "closed the pipe that carries its answer", line)
        line = self._process.whereabouts(self.path)
        if status >= 0:
            return self._fault("exit", f"ended its process (exit status {status}) instead of answering", line)
        if -status == signal.SIGXCPU:
            return self._fault("cpu", f"used more than {self.limits.cpu} s of processor time", line)
        if -status == signal.SIGKILL:
            return self._fault("killed", "was killed: by itself, or because memory or processor time ran out", line)
        return self._fault("crash", f"crashed ({signal.Signals(-status).name})", line)

    def _fault(self, kind: str, message: str, line: int | None = None) -> UserError:
        """End the child, and remember why for later calls."""
        self._failed = UserError(message, self.path, line, kind)
        self.close()
        return self._failed


@functools.cache
def isolation_level() -> str:
    """What is enforced here, as a child reports it, such as "L2: rlimits + Landlock ABI 7 + seccomp"."""
    with Child(PLAIN, "probe.py", "", "probe") as child:
        return child.enforced.label


def _required_level() -> str:
    level = os.environ.get(REQUIRE, LEVELS[0])
    if level not in LEVELS:
        raise IsolationError(f"{REQUIRE}={level!r} is none of {', '.join(LEVELS)}")
    return level


def _plain(words: object) -> str:
    """One short line that a terminal can show: what a child says may hold anything."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(words)[: 8 * MOST_WORDS]).split())
    return line if len(line) <= MOST_WORDS else line[:MOST_WORDS] + " ..."
