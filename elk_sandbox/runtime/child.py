"""The child's side: restrict itself, run the user's file, answer requests until the pipe closes.

A frame, both ways: magic, length of the head, length of the body (`PREFIX`); the head is JSON and names the arrays; the
body is their bytes in C order, each padded to 16. No pickle. The parent takes nothing in a reply on trust.
"""

import faulthandler
import importlib
import json
import os
import re
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import numpy as np

import elk_sandbox
from elk_sandbox.runtime.confine import LEVELS, PROJECT, confine

__all__ = ["PREFIX", "answer", "main", "pack", "sizes", "unpack"]

REQUEST, REPLY, TRACE = 3, 4, 5
"""Descriptors of a child: the pipe of requests, that of replies, the file for its stack."""

PREFIX = struct.Struct("<4sIQ")
MAGIC = b"ELK1"
MOST_HEAD = 16 << 20
MOST_BODY = 1 << 30
PAD = 16

Arrays = dict[str, np.ndarray]
Function = Callable[..., Any]


def pack(head: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> bytes:
    """One frame of a JSON-able `head` and boolean, integer, real or complex `arrays` of any shape.

    Raises TypeError or ValueError for what JSON or a frame cannot hold.
    """
    values = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in values.items():
        if array.dtype.kind not in "biufc":
            raise TypeError(f"array {name!r} has dtype {array.dtype}; only numbers cross the boundary")
    text = json.dumps([head, [[name, array.dtype.str, array.shape] for name, array in values.items()]]).encode()
    text += b" " * (-len(text) % PAD)
    body = sum(array.nbytes + -array.nbytes % PAD for array in values.values())
    if len(text) > MOST_HEAD or body > MOST_BODY:
        raise ValueError(f"{len(text)} bytes of JSON and {body} of arrays; the most is {MOST_HEAD} and {MOST_BODY}")
    parts = [part for array in values.values() for part in (array.tobytes(), bytes(-array.nbytes % PAD))]
    return b"".join([PREFIX.pack(MAGIC, len(text), body), text, *parts])


def sizes(prefix: bytes | bytearray) -> int:
    """Bytes that follow this prefix. Raises ValueError unless it begins a frame of an allowed size."""
    magic, head, body = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise ValueError("not a frame")
    if head > MOST_HEAD or body > MOST_BODY:
        raise ValueError(f"a frame of {head + body} bytes is too large")
    return int(head + body)


def unpack(frame: bytes | bytearray) -> tuple[dict[str, Any], Arrays]:
    """Head and arrays of one whole frame; arrays are views, read-only where `frame` is.

    Raises ValueError for anything that `pack` would not have written.
    """
    _, length, _ = PREFIX.unpack(frame[: PREFIX.size])
    offset = PREFIX.size + length
    arrays: Arrays = {}
    try:
        head, index = json.loads(bytes(frame[PREFIX.size : offset]))
        for name, code, shape in index:
            if not re.fullmatch(r"[<>|][biufc]\d{1,2}", code) or name in arrays or not isinstance(name, str):
                raise ValueError(f"array {name!r} of type {code!r}")
            if any(type(length) is not int or length < 0 for length in shape):  # numpy reads -1 as "as many as fit"
                raise ValueError(f"array {name!r} of shape {shape}")
            array: np.ndarray = np.ndarray(shape, np.dtype(code), buffer=frame, offset=offset)
            if array.dtype.kind == "b" and array.size and array.view(np.uint8).max() > 1:
                raise ValueError(f"array {name!r} has truth values other than 0 and 1")
            arrays[name] = array
            offset += array.nbytes + -array.nbytes % PAD
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"malformed frame: {error}") from None
    if not isinstance(head, dict) or offset != len(frame):
        raise ValueError("malformed frame: lengths do not add up")
    return head, arrays


def answer(function: Function, meta: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
    """The plainest role: the user's function takes `meta` and `arrays` and returns such a pair."""
    reply, values = function(meta, arrays)
    return reply, values


class _Fence:
    """Refuses to import what the role has not loaded of our own packages (against accidents: Landlock is the wall)."""

    def __init__(self) -> None:
        self.names: list[str] = []  # what is left of the public names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in PROJECT:
            match = get_close_matches(name.rpartition(".")[2], self.names, n=1)
            hint = f"; did you mean {match[0]!r}?" if match else ""
            offered = f"a file of this kind may use {', '.join(self.names) or 'nothing'} of elk_sandbox"
            raise ImportError(f"{name} cannot be imported here{hint} ({offered})", name=name)


def _read(pipe: int, count: int) -> bytes:
    """`count` bytes, or none where the parent has closed its end."""
    parts = []
    while count and (part := os.read(pipe, min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"" if count else b"".join(parts)


def _write(pipe: int, frame: bytes) -> None:
    rest = memoryview(frame)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def _load(path: str, text: str, name: str) -> Function:
    """Run the user's file as a module of its own and return its function `name`."""
    module = ModuleType("user_file")
    module.__file__ = path
    sys.modules["user_file"] = module  # dataclasses and type hints look a class's module up
    exec(compile(text, path, "exec", dont_inherit=True), module.__dict__)
    function: Function | None = module.__dict__.get(name)
    if function is None or not callable(function):
        raise LookupError(name)
    return function


def _describe(error: BaseException, path: str, name: str, function: Function | None, output: int) -> dict[str, Any]:
    """What went wrong, of which kind, and the last line in the user's file that led there."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    inside = line is not None
    if line is None:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
    try:
        words = str(error)[:2000]
    except Exception:
        words = "(an exception that cannot be printed)"
    kind, message = "exception", f"{type(error).__name__}: {words}" if words else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == path:
        kind, message, line = "syntax", f"{type(error).__name__}: {error.msg}", error.lineno
    elif isinstance(error, LookupError) and function is None and not inside:
        kind, message = "missing", f"there is no function {name}"
    elif isinstance(error, ImportError):
        kind = "import"
    elif isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, SystemExit):
        kind, message = "exit", f"tried to leave by sys.exit({words})"
    elif isinstance(error, OSError) and error.errno == 27:  # EFBIG
        kind, message = "output", f"printed or wrote more than {output} bytes"
    elif isinstance(error, PermissionError):
        kind, message = "permission", f"{message} (files, network, processes and signals are closed to it)"
    elif not inside and isinstance(error, TypeError | ValueError):
        message = words  # the role's own words about what came back
    return {"kind": kind, "message": message, "line": line}


def _forget(error: BaseException) -> None:
    """Free what the frames of a failed call hold, so that a report fits into what memory is left."""
    trace, error.__traceback__ = error.__traceback__, None
    while trace:
        with suppress(RuntimeError):  # still running: one of ours
            trace.tb_frame.clear()
        trace = trace.tb_next


def _reserve() -> np.ndarray:
    """Address space to be freed when a call ran out of it; never written to, so it is no memory."""
    return np.empty(4 << 20, np.uint8)


def _serve(job: dict[str, Any], role: ModuleType) -> None:
    path, name, output = job["path"], job["function"], job["limits"]["output"]
    function: Function | None = None
    failed: dict[str, Any] | None = None
    reserve: np.ndarray | None = _reserve()
    try:
        function = _load(path, job["text"], name)
    except BaseException as error:
        failed = _describe(error, path, name, None, output)
        _forget(error)
    while prefix := _read(REQUEST, PREFIX.size):
        request, arrays = unpack(prefix + _read(REQUEST, sizes(prefix)))
        number = request["call"]
        signal.setitimer(signal.ITIMER_REAL, request["wall"] * 2 + 10)  # ends an orphan whose parent was killed
        frame, problem = b"", failed
        if problem is None:
            try:
                reply, values = role.answer(function, request["meta"], arrays)
                frame = pack({"call": number, "meta": reply}, values)
                sys.stdout.flush()
            except BaseException as error:
                reserve = None
                problem = _describe(error, path, name, function, output)
                _forget(error)
        _write(REPLY, pack({"call": number, "error": problem}, {}) if problem else frame)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del request, arrays, frame
        with suppress(MemoryError):
            reserve = _reserve() if reserve is None else reserve


def main() -> None:
    """Entry of a child, fresh from the zygote. Standard input holds the job as JSON."""
    job = json.load(sys.stdin)
    os.chdir(job["folder"])
    os.environ.update(dict.fromkeys(("HOME", "TMPDIR", "MPLCONFIGDIR"), job["folder"]))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    role = importlib.import_module(job["role"])
    root = sys.path.pop(0)
    # Where it was when it crashed, ran out of processor time, or was asked by the parent that lost its patience.
    faulthandler.enable(TRACE, all_threads=False)
    faulthandler.register(signal.SIGUSR1, TRACE, all_threads=False)
    faulthandler.register(signal.SIGXCPU, TRACE, all_threads=False, chain=True)
    fence = _Fence()
    sys.meta_path.insert(0, fence)
    for public in elk_sandbox.__all__:
        with suppress(ImportError):  # refused: its module is not loaded
            getattr(elk_sandbox, public)
            fence.names.append(public)
    enforced = confine(os.getcwd(), root, most=job["most"], **job["limits"])
    _write(REPLY, pack({"enforced": enforced}, {}))
    if LEVELS.index(enforced.level) >= LEVELS.index(job["require"]):
        _serve(job, role)
    os._exit(0)
