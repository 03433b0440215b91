"""The zygote: its children share nothing but the start-up, are confined like any, and nothing of it is left behind."""

import gc
import inspect
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from elk_sandbox.runtime import attempts, isolation, process
from elk_sandbox.runtime.isolation import PLAIN, Child, IsolationError, UserError
from elk_sandbox.runtime.process import Zygote, zygote_of

ECHO = "def f(meta, arrays): return meta, {}"

with Child(PLAIN, "probe.py", "", "f") as probe:
    ENFORCED = probe.enforced

needs_l2 = pytest.mark.skipif(ENFORCED.level != "L2", reason=f"this kernel gives {ENFORCED.label}: {ENFORCED.notes}")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Children make their folders here, and have removed them by the end of each test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    gc.collect()
    assert [path.name for path in tmp_path.glob("elk-sandbox-*")] == []


def told(pid: int, field: str) -> str:
    """What the kernel says of a process in /proc/PID/status."""
    return Path(f"/proc/{pid}/status").read_text().partition(f"\n{field}:")[2].split()[0]


def running(pid: int) -> bool:
    try:
        return told(pid, "State") != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def group(leader: int) -> list[int]:
    """The running processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == leader:
                found.append(int(stat.parent.name))
    return [pid for pid in found if running(pid)]


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_one_zygote_serves_all_children_of_a_role() -> None:
    with Child(PLAIN, "a.py", ECHO, "f") as a, Child(PLAIN, "b.py", ECHO, "f") as b:
        zygote = zygote_of(PLAIN).pid
        assert int(told(a.pid, "PPid")) == int(told(b.pid, "PPid")) == zygote
        assert os.getpgid(zygote) == os.getsid(zygote) == zygote != os.getpgid(0)
        for child in (a, b):
            assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid


def test_children_of_one_zygote_do_not_see_each_others_state() -> None:
    """What one has changed in modules that both were forked with is as it was in its sibling, older or younger."""
    text = """
import json, os, random, sys, tempfile
import numpy as np
def f(meta, arrays):
    seen = [hasattr(np, "mark"), "mark" in sys.modules, "MARK" in os.environ, hasattr(json, "mark"), os.umask(0o22)]
    if meta["mark"]:
        np.mark = json.mark = 1
        sys.modules["mark"] = json
        os.environ["MARK"] = "1"
        os.umask(0)
    return {"seen": seen, "folder": tempfile.gettempdir(), "random": [random.random(), np.random.random()]}, {}
"""
    with Child(PLAIN, "older.py", text, "f") as older, Child(PLAIN, "a.py", text, "f") as a:
        marked, again = a.call({"mark": True}, {})[0], a.call({"mark": False}, {})[0]
        assert marked["seen"] == [False] * 4 + [0o22] and again["seen"] == [True] * 4 + [0]
        with Child(PLAIN, "younger.py", text, "f") as younger:
            others = [child.call({"mark": False}, {})[0] for child in (older, younger)]
        assert [other["seen"] for other in others] == [marked["seen"]] * 2
        said = [marked, *others]
        assert len({each["folder"] for each in said}) == 3
        for stream in range(2):
            assert len({each["random"][stream] for each in said}) == 3


def test_children_do_not_draw_from_the_random_stream_of_their_zygote() -> None:
    """This role loads numpy.random, which has one stream a process: forks would all have the same."""
    text = "import numpy as np\ndef f(rng): raise ValueError(np.random.random())"
    drawn = []
    for _ in range(2):
        with Child("elk_sandbox.runtime.counterexample_role", "user.py", text, "f") as child:
            with pytest.raises(UserError, match="ValueError: 0") as caught:
                child.call({"draw": None, "knobs": {}}, {})
            drawn.append(caught.value.message)
    assert drawn[0] != drawn[1]


def test_descriptors_stay_where_they_belong() -> None:
    """A child among siblings has six, and the zygote keeps none of a child that is gone."""
    text = "import os\ndef f(meta, arrays): return {'open': [i for i in range(4096) if os.path.exists(i)]}, {}"
    with Child(PLAIN, "a.py", ECHO, "f"):
        fds = Path(f"/proc/{zygote_of(PLAIN).pid}/fd")
        before = len(list(fds.iterdir()))
        siblings = [Child(PLAIN, "user.py", text, "f") for _ in range(5)]
        assert [child.call({}, {})[0]["open"] for child in siblings] == [list(range(6))] * 5
        assert len(list(fds.iterdir())) == before + 5
        for child in siblings:
            child.close()
        assert len(list(fds.iterdir())) == before


@needs_l2
def test_the_kernel_confirms_that_a_forked_child_is_confined_and_its_zygote_is_not() -> None:
    """Seccomp 2 is a filter. The file has not run yet when the child reports."""
    with Child(PLAIN, "user.py", ECHO, "f") as child:
        assert child.enforced.level == "L2"
        zygote = zygote_of(PLAIN).pid
        assert [told(pid, "Seccomp") for pid in (child.pid, zygote)] == ["2", "0"]
        assert [told(pid, "NoNewPrivs") for pid in (child.pid, zygote)] == ["1", "0"]
        assert int(told(child.pid, "CapEff"), 16) == 0
        space = [Path(f"/proc/{pid}/limits").read_text().partition("Max address space")[2].split()[0]
                 for pid in (child.pid, zygote)]  # fmt: skip
        assert space[0] == str(isolation.DEFAULT.memory) != space[1]


@needs_l2
def test_a_child_can_neither_signal_nor_trace_its_zygote_or_a_sibling() -> None:
    with Child(PLAIN, "sibling.py", ECHO, "f") as sibling:
        _ = sibling.enforced
        zygote = zygote_of(PLAIN).pid
        for pid in (zygote, sibling.pid):
            for attempt, given in (
                (attempts.send_signal, {"pid": pid}),
                (attempts.trace, {"pid": pid, "address": 0, "size": 8}),
                (attempts.environ, {"pids": [pid]}),
            ):
                glue = f"def attack(meta, arrays):\n    return {{'got': {attempt.__name__}(**meta)}}, {{}}\n"
                with Child(PLAIN, "user.py", inspect.getsource(attempt) + glue, "attack") as child:
                    try:
                        got = str(child.call(given, {})[0]["got"])
                    except UserError as error:
                        assert error.kind == "permission"
                        continue
                    assert attempt is not attempts.send_signal
                    assert "ptrace gave -1, process_vm_readv -1" in got or "Permission denied" in got
                assert told(pid, "TracerPid") == "0"
        assert sibling.call({"still": "here"}, {}) == ({"still": "here"}, {})
        assert zygote_of(PLAIN).pid == zygote


def test_children_die_with_their_zygote_and_the_next_has_a_new_one() -> None:
    with Child(PLAIN, "user.py", ECHO, "f") as child:
        child.call({}, {})
        zygote, pid = zygote_of(PLAIN), child.pid
        os.kill(zygote.pid, signal.SIGKILL)
        with Child(PLAIN, "next.py", ECHO, "f") as other:  # at once: its death may not be known yet
            assert other.call({"n": 1}, {}) == ({"n": 1}, {})
            assert zygote_of(PLAIN).pid == int(told(other.pid, "PPid")) != zygote.pid
        assert eventually(lambda: not running(pid))
        with pytest.raises(IsolationError, match="the zygote, which children are forked from, died"):
            child.call({}, {})
        assert not child.alive and not zygote.alive


def test_a_child_that_is_busy_when_its_zygote_dies_is_our_fault_not_its_files() -> None:
    text = "import os, time\ndef f(meta, arrays):\n    os.kill(os.getppid(), 9)\n    time.sleep(9)\n"
    with (
        Child(PLAIN, "user.py", text, "f", level="L0") as child,  # nothing keeps it from doing so
        pytest.raises(IsolationError, match="died"),
    ):
        child.call({}, {})


def test_a_zygote_that_cannot_start_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FLAGS", ("-c", "raise SystemExit('no luck today')"))
    monkeypatch.setattr(process, "_zygotes", {})
    with pytest.raises(IsolationError, match=r"^the zygote, .*, died: no luck today$"):
        Child(PLAIN, "user.py", ECHO, "f")


def test_a_zygote_that_is_forgotten_ends() -> None:
    zygote = Zygote(PLAIN)
    pid = zygote.pid
    assert running(pid)
    del zygote
    gc.collect()
    assert not running(pid)


def test_nothing_is_left_of_an_owner_that_was_killed(tmp_path: Path) -> None:
    """Not even a child that never looks at its pipes, nor what that has forked where nothing forbids it."""
    program = f"""
import tempfile, time; tempfile.tempdir = {str(tmp_path / "owner")!r}
from elk_sandbox.runtime.isolation import PLAIN, Child
from elk_sandbox.runtime.process import zygote_of
c = Child(PLAIN, "user.py", "import os; os.fork()\\nwhile True: pass", "f", level="L0")
c.enforced
print(c.pid, zygote_of(PLAIN).pid, flush=True)
time.sleep(60)
"""
    (tmp_path / "owner").mkdir()
    root = str(Path(isolation.__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2 and eventually(lambda: len(group(pids[0])) == 2) and running(pids[1])
        owner.kill()
    assert eventually(lambda: not group(pids[0]) and not running(pids[1]))
