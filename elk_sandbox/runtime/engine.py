"""Run many independent tasks, each once: in this process, in worker processes, or on a Dask cluster.

Results are kept in files named by the tasks' keys, so that a sweep which was cut off goes on where it stopped.
"""

import gc
import importlib
import math
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import closing, suppress
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, Literal, get_args

from elk_sandbox.runtime.tasks import Job, Result, Stopped, Task, canonical, key_of, load, one_line, perform, store

__all__ = ["Engine", "EngineError", "Result", "Task", "key_of", "run"]

Engine = Literal["inline", "processes", "dask"]
Keep = Callable[[Job, Result], tuple[Job, Result]]  # puts a result into the cache and gives both back
Finished = Generator[tuple[Job, Result], None, None]

GRACE = 2.0  # seconds that a worker has for cleaning up when it is told to stop
CONNECT = 10.0  # seconds to wait for a scheduler's answer
PATIENCE = 60.0  # seconds that a cluster may be without workers before we give up
YOUNG = 20_000  # objects between two collections of a worker, which keeps most of what it makes
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # the processes are the parallelism


class EngineError(Exception):
    """The tasks cannot be run at all: Dask is not installed, no scheduler answers, a cluster has no workers."""


def run(
    tasks: Sequence[Task],
    work: str,
    *,
    engine: str = "processes",
    scheduler: str | None = None,
    cache: Path | None = None,
    retries: int = 2,
    workers: int | None = None,
) -> Generator[tuple[Task, Result], None, None]:
    """Yield each task with its result, in order of completion; those that are in the cache come first.

    `work` ("module:function") names a function from a task's payload to a dict, both JSON. An exception in it is an
    error result, and so is a task whose worker process died `retries` + 1 times; the other tasks go on. Errors are
    not cached. `workers` is a number of processes, by default one for each CPU that we may use.

    On Dask the scheduler counts deaths (its setting allowed-failures, 3 by default), not `retries`; its workers need
    this package and the module of `work`.

    Ctrl-C, or closing the iterator (contextlib.closing), stops the workers; what was computed is in the cache. Dask
    workers finish what they run. Raises ValueError for malformed arguments, EngineError, and OSError from the cache.
    """
    if engine not in get_args(Engine):
        raise ValueError(f"no engine {engine!r}: there are {', '.join(get_args(Engine))}")
    if work.count(":") != 1 or not all(work.split(":")):
        raise ValueError(f"work is 'module:function', not {work!r}")
    if engine == "dask" and not scheduler:
        raise ValueError("the engine 'dask' needs the address of a scheduler, such as tcp://host:8786")
    width = workers if workers is not None else len(os.sched_getaffinity(0))
    if width < 1 or retries < 0:
        raise ValueError(f"workers={width} and retries={retries}: at least 1 and at least 0")

    def keep(job: Job, result: Result) -> tuple[Job, Result]:
        if cache and result.error is None:
            store(cache, job.key, result)
        return job, result

    def finish(jobs: list[Job]) -> Finished:
        if engine == "dask":
            return _on_dask(jobs, scheduler or "", keep)
        return _in_processes(jobs, width, retries, keep) if engine == "processes" else _inline(jobs, keep)

    return _run(tasks, work, cache, finish)


def _run(
    tasks: Sequence[Task], work: str, cache: Path | None, finish: Callable[[list[Job]], Finished]
) -> Generator[tuple[Task, Result], None, None]:
    waiting: dict[str, list[Task]] = {}
    for task in tasks:
        result = load(cache, task.key) if cache else None
        if result:
            yield task, result
        else:
            waiting.setdefault(task.key, []).append(task)
    if waiting:
        jobs = [Job(key, work, canonical(same[0].payload)) for key, same in waiting.items()]
        with closing(finish(jobs)) as finished:
            for job, result in finished:
                for task in waiting[job.key]:
                    yield task, result


def _inline(jobs: list[Job], keep: Keep) -> Finished:
    for job in jobs:
        yield keep(job, perform(job))


class _Worker:
    """One process with a pool to itself: its death names the task that it ran, and disturbs no other task.

    It holds the reading end of a pipe, its lifeline. When the writing end closes, by us or because we were killed,
    it stops.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # fork is unsafe beside threads
        self._reader, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(1, context, _prepare, (self._reader,))

    def submit(self, job: Job) -> Future[Result]:
        try:
            return self._pool.submit(perform, job)
        except BrokenExecutor:  # it died idle
            self.replace()
            return self._pool.submit(perform, job)

    def replace(self) -> None:
        self.stop()
        self._start()

    def interrupt(self) -> None:
        self._lifeline.close()

    def stop(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._lifeline.close()
        self._reader.close()


def _prepare(lifeline: Connection) -> None:
    """Set up a worker process: it stops when its lifeline closes, not on the terminal's Ctrl-C."""

    stopping = threading.Event()
    main = threading.get_ident()

    def stop(number: int, frame: FrameType | None) -> None:
        if not stopping.is_set():  # once, for the clean-up must not be cut off by the next
            stopping.set()
            raise Stopped(128 + number)

    def watch() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:  # again and again: a signal just before a system call does not wake it
            signal.pthread_kill(main, signal.SIGTERM)
            time.sleep(GRACE / 20)
        os._exit(1)

    signal.signal(signal.SIGINT, lambda number, frame: None)  # not SIG_IGN, which the work's own children would inherit
    signal.signal(signal.SIGTERM, stop)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    gc.set_threshold(YOUNG)
    threading.Thread(target=watch, daemon=True).start()


def _in_processes(jobs: list[Job], width: int, retries: int, keep: Keep) -> Finished:
    """Each worker has a stretch of the jobs, since neighbours may share what a process remembers; whose own is done
    takes from the end of the longest one.
    """
    count = min(width, len(jobs))
    workers, deaths = [_Worker() for _ in range(count)], Counter[str]()
    bounds = [len(jobs) * k // count for k in range(count + 1)]
    queues = [deque(jobs[start:end]) for start, end in pairwise(bounds)]
    own = dict(zip(workers, queues, strict=True))
    idle, busy = list(workers), dict[Future[Result], tuple[_Worker, Job]]()
    finished: list[tuple[Job, Result]] = []
    try:
        while True:
            while any(queues) and idle:
                worker = idle.pop()
                job = own[worker].popleft() if own[worker] else max(queues, key=len).pop()
                busy[worker.submit(job)] = worker, job
            yield from finished  # after the workers have got their next tasks
            if not busy:
                return
            finished = []
            for future in wait(busy, return_when=FIRST_COMPLETED).done:
                worker, job = busy.pop(future)
                idle.append(worker)
                result = _outcome(future)
                if result is None:
                    worker.replace()
                    deaths[job.key] += 1
                    if deaths[job.key] <= retries:
                        own[worker].append(job)
                        continue
                    result = Result(None, f"its worker process died, {deaths[job.key]} times", False, math.nan)
                finished.append(keep(job, result))
    finally:
        for worker, _ in busy.values():
            worker.interrupt()
        with ThreadPoolExecutor(count) as stopping:  # at once: an interpreter takes its time to end
            list(stopping.map(_Worker.stop, workers))
        for future, (_, job) in busy.items():
            if result := _outcome(future):
                keep(job, result)


def _outcome(future: Future[Result]) -> Result | None:
    """Return a done future's result, None if its worker died or was told to stop."""
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or isinstance(error, BrokenExecutor | Stopped):
        return None
    return future.result() if error is None else Result(None, one_line(error), False, math.nan)


def _on_dask(jobs: list[Job], scheduler: str, keep: Keep) -> Finished:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise EngineError("the engine 'dask' needs an extra: pip install 'elk-sandbox[dask]'") from None
    try:
        client = distributed.Client(scheduler, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {scheduler}: {one_line(error)}") from None

    def outcome(future: Any) -> Result:
        if future.status == "finished":
            result: Result = future.result()
            return result
        error = future.exception()
        died = isinstance(error, distributed.KilledWorker)
        message = "its Dask workers died, as often as the scheduler allows" if died else one_line(error)
        return Result(None, message, False, math.nan)

    queue, running, seen = deque(jobs), dict[Any, Job](), time.monotonic()

    def step() -> list[tuple[Job, Result]]:
        """Submit what there is room for, wait a little, and return what is done."""
        nonlocal seen
        # No more than there are threads: the scheduler blames a death on every task that the worker had.
        threads = sum(client.nthreads().values())
        seen = time.monotonic() if threads else seen
        if time.monotonic() - seen > PATIENCE:
            raise EngineError(f"the Dask scheduler at {scheduler} had no workers for {PATIENCE:.0f} s")
        while queue and len(running) < max(1, threads):
            job = queue.popleft()
            running[client.submit(perform, job, pure=False)] = job
        with suppress(TimeoutError), client.as_current():
            done = distributed.wait(list(running), timeout=1, return_when="FIRST_COMPLETED").done
            return [(running.pop(future), outcome(future)) for future in done]
        return []

    try:
        while queue or running:
            try:
                finished = step()
            except (OSError, CancelledError) as error:
                raise EngineError(f"the Dask scheduler at {scheduler} went away: {one_line(error)}") from None
            yield from [keep(*each) for each in finished]
    finally:
        done = [(job, outcome(future)) for future, job in running.items() if future.status == "finished"]
        with suppress(OSError, CancelledError):
            client.cancel(list(running))
            client.close(timeout=GRACE)
        for each in done:
            keep(*each)
