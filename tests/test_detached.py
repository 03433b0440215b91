"""A detached command is known by its lock: while it lives it runs, however it dies it does not."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from elk_sandbox.runtime.detached import Detached

WAIT = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read(); import time; time.sleep(60)"


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited for nothing"
        time.sleep(0.01)


@pytest.fixture
def job(tmp_path: Path) -> Detached:
    return Detached(tmp_path / "deep" / "workspace", "matrix")


def test_a_job_that_never_was(job: Detached) -> None:
    assert not job.running
    assert job.asked == frozenset()
    assert job.last_line() == ""


def test_one_at_a_time_and_killed_at_any_time(job: Detached) -> None:
    assert job.start([sys.executable, "-c", WAIT], ["b", "a"])
    until(lambda: job.last_line() != "")
    pid = int(job.last_line())
    try:
        assert job.running
        assert os.getsid(pid) == pid  # it outlives our terminal
        assert not job.start([sys.executable, "-c", "print('second')"], ["c"])
        assert job.asked == {"a", "b"}
        assert int(job.last_line()) == pid
    finally:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not job.running)
    until(lambda: not Path(f"/proc/{pid}").exists())  # no zombie
    assert job.start([sys.executable, "-c", "print('third')"], ["d"])
    until(lambda: not job.running)
    assert (job.last_line(), job.asked) == ("third", {"d"})


def test_the_last_line_is_the_last_that_says_something(job: Detached) -> None:
    code = "import sys; print('answer', flush=True); sys.stderr.write('x' * 300 + '\\n  why \\n\\n')"
    job.start([sys.executable, "-c", code], [])
    until(lambda: not job.running)
    assert job.last_line() == "why"


def test_a_command_that_is_not_there_leaves_the_lock_free(job: Detached) -> None:
    with pytest.raises(OSError):
        job.start([str(job.folder / "nothing")], ["a"])
    assert not job.running
    assert job.start([sys.executable, "-c", "pass"], ["a"])
    until(lambda: not job.running)


def test_a_damaged_request_is_none(job: Detached) -> None:
    job.folder.mkdir(parents=True)
    for damaged in ("{", "null", "1"):
        (job.folder / "matrix.json").write_text(damaged)
        assert job.asked == frozenset()


def test_a_command_is_stopped_with_all_that_it_started_and_nothing_else_is(tmp_path: Path) -> None:
    job, other = Detached(tmp_path, "one"), Detached(tmp_path, "two")
    assert not job.stop()
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    sleep = [sys.executable, "-c", child]
    assert job.start(sleep, ["a"]) and other.start(sleep, ["b"])
    assert job.stop()
    until(lambda: not job.running)
    assert other.running and not job.stop()
    assert other.stop()
    until(lambda: not other.running)


def test_a_start_between_two_looks_does_not_make_stop_end_another(
    job: Detached, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.folder.mkdir(parents=True)
    number = job.folder / "matrix.pid"
    number.write_text("4194303")

    def runs(_: Detached) -> bool:
        number.write_text("4194302")  # another command has the lock since the number was read
        return True

    monkeypatch.setattr(Detached, "running", property(runs))
    monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("the old number was used"))
    assert not job.stop()
