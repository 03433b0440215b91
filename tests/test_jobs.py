"""A run's state follows from its lock and its last word, whatever becomes of the process that works at it."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elk_sandbox.runtime import jobs, lock
from elk_sandbox.runtime.jobs import Run
from elk_sandbox.runtime.pace import Pace
from elk_sandbox.runtime.store import NameTaken, Store, open_store
from elk_sandbox.terminal import InputError, duration

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Run:
    return jobs.create(store, tmp_path, "run", "count", {"steps": 50, "rate": 0.5}, {})


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited for nothing"
        time.sleep(0.01)


# Counts to config["steps"], a checkpoint every 5; what it logs depends on nothing but the step.
WORKER = """
import os, sys, time
from pathlib import Path
from elk_sandbox.runtime import jobs, workspace
from elk_sandbox.runtime.store import open_store
from elk_sandbox.terminal import InputError

home = Path(sys.argv[1])
pause = float(sys.argv[2])

def stage(run):
    kept = run.folder / "kept"
    step = int(kept.read_text()) if kept.exists() else 0
    print(os.getpid(), flush=True)
    with (run.folder / "workers").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    while step < run.config["steps"] and not run.stop_requested():
        step += 1
        run.log(step, {"square": step * step, "half": step / 2})
        run.progress(step, run.config["steps"], f"step {step}")
        if step % 5 == 0:
            run.flush()
            workspace.write(kept, str(step))
        time.sleep(pause)

store = open_store(home)
try:
    print(jobs.execute(jobs.open_run(store, home, "run"), stage), flush=True)
except InputError as reason:
    print(reason, flush=True)
    sys.exit(2)
"""


def worker(home: Path, pause: float) -> list[str]:
    return [sys.executable, "-c", WORKER, str(home), str(pause)]


def test_from_new_to_done(run: Run, store: Store) -> None:
    assert jobs.state(run) == "new"
    seen = []

    def stage(run: Run) -> None:
        seen.append((jobs.state(run), jobs.state(jobs.open_run(store, run.home, "run"))))
        run.log(1, {"kl": 0.5})
        run.progress(1, 2, "half way")

    assert jobs.execute(run, stage) == "done"
    assert seen == [("running", "running")]
    assert (jobs.state(run), run.metrics()) == ("done", {"kl": [(1, 0.5)]})
    told = store.run("run").progress
    assert told is not None and (told.words, told.done, told.total) == ("half way", 1, 2)
    assert jobs.execute(run, lambda _: None) == "done"
    assert store.run("run").attempts == 2


def test_a_failure_is_told(run: Run, store: Store) -> None:
    def refuse(run: Run) -> None:
        run.log(1, {"loss": float("nan")})
        raise InputError("the corpus is empty: name another")

    assert jobs.execute(run, refuse) == jobs.state(run) == "failed"
    assert store.run("run").message == "the corpus is empty: name another"
    assert [step for step, _ in run.metrics()["loss"]] == [1]

    def stumble(run: Run) -> None:
        raise ZeroDivisionError("of nothing")

    assert jobs.execute(run, stumble) == jobs.state(run) == "failed"
    assert store.run("run").message == f"ZeroDivisionError: of nothing (traceback: {run.log_file})"
    log = run.log_file.read_text()
    assert re.findall(r"attempt \d", log) == ["attempt 1", "attempt 2"]
    assert "in stumble" in log and log.rstrip().endswith("ZeroDivisionError: of nothing")
    assert store.run("run").attempts == 2
    assert jobs.execute(run, lambda _: None) == "done"
    assert store.run("run").message == ""


def test_killed_anywhere_it_resumes(run: Run, store: Store, tmp_path: Path) -> None:
    for kill in range(3):
        assert jobs.start_detached(run, worker(tmp_path, 0.02))
        assert jobs.state(run) == "running"
        until(lambda kill=kill: workers(run) > kill)  # type: ignore[misc]
        time.sleep(0.1 + 0.1 * kill)
        pid = int(run.folder.joinpath("workers").read_text().split()[-1])
        assert os.getsid(pid) == pid  # it outlives our terminal
        os.kill(pid, signal.SIGKILL)
        until(lambda: jobs.state(run) == "interrupted")
        until(lambda pid=pid: not Path(f"/proc/{pid}").exists())  # type: ignore[misc]
    assert jobs.start_detached(run, worker(tmp_path, 0))
    until(lambda: jobs.state(run) != "running")
    assert jobs.state(run) == "done"
    steps = range(1, 51)
    assert run.metrics() == {
        "square": [(step, float(step * step)) for step in steps],
        "half": [(step, step / 2) for step in steps],
    }
    assert store.run("run").attempts == 4
    assert run.log_file.read_text().rstrip().endswith("done")


def workers(run: Run) -> int:
    path = run.folder / "workers"
    return len(path.read_text().split()) if path.exists() else 0


def test_of_many_that_start_it_one_wins(run: Run, tmp_path: Path) -> None:
    won = []
    at_once = threading.Barrier(6)

    def start() -> None:
        at_once.wait()
        won.append(jobs.start_detached(run, worker(tmp_path, 0.01)))

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    until(lambda: jobs.state(run) != "running")
    assert (jobs.state(run), workers(run)) == ("done", 1)


def test_of_two_that_execute_it_one_is_refused(store: Store, tmp_path: Path) -> None:
    run = jobs.create(store, tmp_path, "run", "count", {"steps": 1_000_000}, {})
    command = worker(tmp_path, 0.01)
    processes = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    until(lambda: any(process.poll() is not None for process in processes))
    loser, winner = sorted(processes, key=lambda process: process.returncode is None)
    assert loser.communicate()[0] == "'run' is running: stop it first, or wait until it is done\n"
    assert (loser.returncode, jobs.state(run)) == (2, "running")
    assert jobs.stop(run)
    assert winner.communicate()[0].splitlines()[-1] == "stopped"
    assert (winner.returncode, jobs.state(run), workers(run)) == (0, "stopped", 1)


def test_a_request_to_stop(run: Run, store: Store, tmp_path: Path) -> None:
    assert not jobs.stop(run)
    assert jobs.start_detached(run, worker(tmp_path, 0.05))
    assert jobs.stop(run)  # before the worker is up
    until(lambda: jobs.state(run) != "running")
    assert jobs.state(run) == "stopped"
    assert not store.run("run").want_stop and run.metrics() == {}
    assert jobs.start_detached(run, worker(tmp_path, 0.05))
    until(lambda: workers(run) == 2)
    assert jobs.stop(run)
    until(lambda: jobs.state(run) == "stopped")
    steps = len(run.metrics()["half"])
    assert 0 < steps < 50
    assert jobs.start_detached(run, worker(tmp_path, 0))
    until(lambda: jobs.state(run) == "done")
    assert len(run.metrics()["half"]) == 50


def test_the_store_is_asked_at_most_once_a_second(run: Run, store: Store) -> None:
    def stage(run: Run) -> None:
        start = time.monotonic()
        assert not run.stop_requested()
        store.ask_to_stop("run")
        assert not run.stop_requested()
        until(run.stop_requested)
        assert 0.9 < time.monotonic() - start < 3

    assert jobs.execute(run, stage) == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_and_two_interrupt(run: Run, number: signal.Signals) -> None:
    before = signal.getsignal(number)

    def gentle(run: Run) -> None:
        os.kill(os.getpid(), number)
        until(run.stop_requested)

    assert jobs.execute(run, gentle) == "stopped"

    def stubborn(run: Run) -> None:
        run.log(7, {"kl": 1.0})
        for _ in range(2):
            os.kill(os.getpid(), number)
        raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        jobs.execute(run, stubborn)
    assert jobs.state(run) == "interrupted"
    assert run.metrics() == {"kl": [(7, 1.0)]}
    assert signal.getsignal(number) is before


def test_an_orphan_does_not_pass_for_its_parent(run: Run) -> None:
    """A child that the stage forks outlives it and does not hold the lock."""
    children = []

    def stage(run: Run) -> None:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)

    try:
        assert jobs.execute(run, stage) == "done"
        assert jobs.state(run) == "done"
        assert jobs.execute(run, lambda _: None) == "done"
    finally:
        os.kill(children[0], signal.SIGKILL)
        os.waitpid(children[0], 0)


def test_a_command_that_is_not_there(run: Run, store: Store) -> None:
    with pytest.raises(InputError, match="nowhere cannot be started: No such file"):
        jobs.start_detached(run, ["/nowhere"])
    assert (jobs.state(run), store.run("run").message) == (
        "failed",
        "/nowhere cannot be started: No such file or directory",
    )
    assert jobs.start_detached(run, [sys.executable, "-c", "raise SystemExit('no module')"])
    until(lambda: jobs.state(run) == "interrupted")
    assert run.log_file.read_text().endswith("no module\n")


def test_delete(run: Run, store: Store, tmp_path: Path) -> None:
    def stage(run: Run) -> None:
        run.log(1, {"kl": 1.0})
        (run.folder / "checkpoints").mkdir()
        with pytest.raises(InputError, match="'run' is running: stop it first"):
            jobs.delete(store, tmp_path, "run", force=True)

    jobs.execute(run, stage)
    jobs.create(store, tmp_path, "child", "reward", {}, {"trunk": "run"})
    with pytest.raises(InputError, match="child built on 'run'"):
        jobs.delete(store, tmp_path, "run")
    assert (run.folder / "checkpoints").is_dir() and run.metrics() != {}
    jobs.delete(store, tmp_path, "child")
    jobs.delete(store, tmp_path, "run")
    assert list((tmp_path / "runs").iterdir()) == []
    with pytest.raises(InputError, match="no run is called 'run'"):
        jobs.execute(run, stage)
    again = jobs.create(store, tmp_path, "run", "count", {}, {})
    assert (jobs.state(again), again.metrics()) == ("new", {})


def test_a_run_is_not_deleted_under_a_command_beside_it(run: Run, store: Store, tmp_path: Path) -> None:
    jobs.execute(run, lambda run: None)
    (run.folder / "evaluate.lock").touch()
    descriptor = lock.take(run.folder / "evaluate.lock")
    assert descriptor is not None
    with pytest.raises(InputError, match=r"'run' is at work \(evaluate\)"):
        jobs.delete(store, tmp_path, "run", force=True)
    assert run.folder.is_dir() and jobs.state(run) == "done"
    lock.release(descriptor)
    jobs.delete(store, tmp_path, "run")
    assert not run.folder.exists()


def test_work_that_the_store_does_not_know_is_not_taken_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "runs" / "old" / "checkpoints").mkdir(parents=True)
    with pytest.raises(InputError, match="does not know: move it away"):
        jobs.create(store, tmp_path, "old", "count", {}, {})
    assert store.runs() == []
    for name in ("..", "../runs", ""):
        with pytest.raises(InputError, match="cannot name a run"):
            jobs.create(store, tmp_path, name, "count", {}, {})


def test_clone(run: Run, store: Store, tmp_path: Path) -> None:
    child = jobs.create(store, tmp_path, "child", "ppo", {"rate": 0.5, "seed": 1}, {"policy": "run"})
    twin = jobs.clone(store, tmp_path, "child", "twin", {"seed": 2})
    assert (twin.kind, twin.config, twin.parents) == ("ppo", {"rate": 0.5, "seed": 2}, {"policy": "run"})
    assert jobs.open_run(store, tmp_path, "child").config == child.config == {"rate": 0.5, "seed": 1}
    with pytest.raises(InputError, match="a ppo run has no setting 'sede'; did you mean 'seed'"):
        jobs.clone(store, tmp_path, "child", "third", {"sede": 2})
    with pytest.raises(NameTaken):
        jobs.clone(store, tmp_path, "child", "twin", {})
    with pytest.raises(InputError, match="did you mean 'child'"):
        jobs.open_run(store, tmp_path, "chidl")


def test_words_are_kept_once_a_second(run: Run, store: Store) -> None:
    def stage(run: Run) -> None:
        for step in range(1, 101):
            run.progress(step, 200, f"step {step}")
        told = store.run("run").progress
        assert told is not None and (told.words, told.left) == ("step 1", None)

    jobs.execute(run, stage)
    told = store.run("run").progress
    assert told is not None and (told.words, told.done) == ("step 100", 100)
    assert told.left is not None and 0 < told.left < 10


@pytest.mark.parametrize("at", [0, 40])  # where it stood, if it goes on
def test_the_time_left_is_by_the_steps_alone(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pace = Pace()

    def said(seconds: float, done: int) -> float | None:
        clock[0] += seconds
        return pace.show(done, 100, "").left

    assert said(0, 0) is None
    assert said(60, at + 1) is None, "it got ready, which will not be done again"
    assert said(2, at + 2) == pytest.approx(2 * (100 - at - 2))
    assert said(4, at + 4) == pytest.approx(2 * (100 - at - 4))
    assert said(1, 100) == 0


LOOP = """
import time
from elk_sandbox.runtime.pace import Pace
pace = Pace()
for step in range(1, 6):
    pace.show(step, 10, f"[step] {step}")
    time.sleep(0.2)
pace.close()
"""


def test_progress_on_a_terminal_and_elsewhere() -> None:
    command = [sys.executable, "-c", LOOP]
    silent = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)
    assert (silent.stdout, silent.stderr) == (b"", b"")
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while more := read(ours):
            shown += more
    os.close(ours)
    assert process.returncode == 0
    assert "50%" in shown.decode() and "[step] 5, 1 s left" in shown.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1024)
    except OSError:  # how Linux says that the other end is closed
        return b""


@pytest.mark.parametrize(
    "seconds, words", [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (5900, "98 min"), (6000, "1 h 40 min")]
)
def test_a_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
