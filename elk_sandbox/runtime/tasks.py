"""A task, its result, how one is computed, and the folder of content-addressed files that keeps results."""

import hashlib
import importlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elk_sandbox.runtime import workspace


@dataclass(frozen=True)
class Task:
    """A piece of work; tasks with one key are the same piece. Raises ValueError for a malformed key."""

    key: str  # SHA-256, hexadecimal, of everything that the result depends on: see `key_of`
    payload: Mapping[str, object]  # JSON

    def __post_init__(self) -> None:
        if len(self.key) != 64 or set(self.key) - set("0123456789abcdef"):
            raise ValueError(f"a task's key is 64 hexadecimal digits, not {self.key!r}")


@dataclass(frozen=True)
class Result:
    """What became of a task."""

    value: dict[str, object] | None  # JSON; None if there is an error
    error: str | None  # one line: the exception, or that its worker died
    cached: bool  # read from a file, not computed now
    seconds: float  # that the work took when it was computed, without start-up and waiting; nan if its worker died


class Job(NamedTuple):
    """A task on its way to a worker."""

    key: str
    work: str  # "module:function"
    payload: str  # JSON


class Stopped(SystemExit):
    """The worker was told to stop; passes through `perform`, so that the work's own clean-up runs."""


def canonical(inputs: Mapping[str, object]) -> str:
    """Return JSON that does not depend on the order of keys; raises TypeError for what is no JSON."""
    return json.dumps(inputs, sort_keys=True, separators=(",", ":"))


def key_of(inputs: Mapping[str, object]) -> str:
    """Return the SHA-256 of JSON inputs, the same in every process and for any order of keys; raises TypeError."""
    return hashlib.sha256(canonical(inputs).encode()).hexdigest()


def perform(job: Job) -> Result:
    """Call the work on its payload; what it raises becomes an error result."""
    start = time.perf_counter()
    try:
        module, _, name = job.work.partition(":")
        function = getattr(importlib.import_module(module), name)
        start = time.perf_counter()
        value = function(json.loads(job.payload))
        if not isinstance(value, dict):
            raise TypeError(f"{job.work} returned {type(value).__name__}, not a dict")
        value = json.loads(json.dumps(value))  # the same whether computed now or read from the cache
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        return Result(None, one_line(error), False, time.perf_counter() - start)
    return Result(value, None, False, time.perf_counter() - start)


def one_line(error: BaseException) -> str:
    """Return the exception's type and message in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def path_of(cache: Path | str, key: str) -> Path:
    """Return the file that holds the result of a key."""
    return Path(f"{cache}/{key[:2]}/{key}.json")  # at once: a matrix asks for hundreds


def store(cache: Path, key: str, result: Result) -> None:
    """Keep a result, with a checksum; two processes may store one key at once. Raises OSError."""
    body = {"key": key, "seconds": result.seconds, "value": result.value}
    workspace.write_result(path_of(cache, key), json.dumps({"checksum": key_of(body), **body}))


def load(cache: Path, key: str) -> Result | None:
    """Return the kept result of a key; None if there is none, or the file is damaged or belongs to another key."""
    try:
        kept = json.loads(path_of(cache, key).read_bytes())
        body = {name: kept[name] for name in ("key", "seconds", "value")}
        whole = kept["checksum"] == key_of(body) and body["key"] == key
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Result(body["value"], None, True, body["seconds"]) if whole else None
