"""The engine with real processes that really die, its cache with really damaged files, and the workspace folder."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.runtime import engine as engine_module
from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.engine import Result, Task, key_of, run
from elk_sandbox.runtime.tasks import canonical, load, path_of, store

REPOSITORY = Path(__file__).parents[1]
WORK = '''
import os, signal, sys, time
from pathlib import Path

def note(payload):
    """One line for each time that the task was begun."""
    if "log" in payload:
        with open(payload["log"], "a") as log:
            log.write(f"{payload['n']} {os.getpid()}\\n")

def square(payload):
    note(payload)
    time.sleep(payload.get("sleep", 0))
    if "done" in payload:
        Path(payload["done"]).touch()
    return {"square": payload["n"] ** 2}

def dies(payload):
    note(payload)
    if payload["n"] == payload.get("always"):
        os.kill(os.getpid(), signal.SIGKILL)
    if payload["n"] == payload.get("once"):
        try:
            Path(payload["marker"]).touch(exist_ok=False)
        except FileExistsError:
            return {"square": payload["n"] ** 2}
        os.kill(os.getpid(), getattr(signal, payload.get("signal", "SIGKILL")))
        time.sleep(60)
    time.sleep(payload.get("sleep", 0))
    return {"square": payload["n"] ** 2}

def odd(payload):
    match payload["n"]:
        case 0: raise ZeroDivisionError("first line\\nsecond line")
        case 1: sys.exit("left")
        case 2: return [1]
        case 3: return {"x": {1, 2}}
        case 4: raise KeyboardInterrupt
        case 5: return {"b": (1, 2), "a": float("nan"), 3: None}

def threads(payload):
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}

def clean(payload):
    """Leave a mark when the clean-up ran."""
    try:
        note(payload)
        time.sleep(60)
    finally:
        Path(payload["marker"]).touch()

def either(payload):
    return clean(payload) if "marker" in payload else square(payload)
'''


@pytest.fixture(autouse=True)
def work_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a module `elk_test_work` that workers can import, fresh for each test."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "elk_test_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(folder)  # spawned processes get our sys.path
    monkeypatch.delitem(sys.modules, "elk_test_work", raising=False)
    return folder


def tasks(count: int, **payload: object) -> list[Task]:
    return [Task(key_of({"n": n, **payload}), {"n": n, **payload}) for n in range(count)]


def values(finished: object) -> dict[object, object]:
    return {task.payload["n"]: result.value or result.error for task, result in finished}  # type: ignore[attr-defined]


def squares(count: int) -> dict[object, object]:
    return {n: {"square": n * n} for n in range(count)}


def begun(log: Path) -> list[int]:
    return [int(line.split()[0]) for line in log.read_text().splitlines()]


def alive(log: Path) -> set[int]:
    """Return which of the processes in the log still run (a zombie does not)."""
    pids = {int(line.split()[1]) for line in log.read_text().splitlines()}
    return {pid for pid in pids if running(pid)}


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(condition: object, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_every_task_once_then_from_the_cache(engine: str, tmp_path: Path) -> None:
    log, cache = tmp_path / "log", tmp_path / "cache"
    some = tasks(5, log=str(log))
    first = list(run(some, "elk_test_work:square", engine=engine, cache=cache, workers=2))
    assert values(first) == squares(5) and not any(result.cached for _, result in first)
    assert sorted(begun(log)) == list(range(5))
    again = list(run(some, "elk_test_work:square", engine=engine, cache=cache, workers=2))
    assert [task for task, _ in again] == some and all(result.cached for _, result in again)
    assert values(again) == squares(5) and sorted(begun(log)) == list(range(5))
    seconds = {task.key: result.seconds for task, result in first}
    assert all(result.seconds == seconds[task.key] > 0 for task, result in again)


def test_cached_results_come_first_and_start_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    three = tasks(3)
    list(run(three[2:], "elk_test_work:square", engine="inline", cache=tmp_path))
    monkeypatch.setattr(engine_module, "_Worker", None)  # calling it would fail
    iterator = run(three, "elk_test_work:square", engine="processes", cache=tmp_path)
    assert next(iterator) == (three[2], Result({"square": 4}, None, True, load(tmp_path, three[2].key).seconds))
    with pytest.raises(TypeError):
        next(iterator)


def test_tasks_with_one_key_run_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (task,) = tasks(1, log=str(log))
    assert [result.value for _, result in run([task] * 3, "elk_test_work:square", engine="inline")] == [
        {"square": 0}
    ] * 3
    assert begun(log) == [0]


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_what_the_work_does_wrong_is_its_own_error(engine: str, tmp_path: Path) -> None:
    some = [task for task in tasks(6) if engine == "processes" or task.payload["n"] != 4]
    found = values(run(some, "elk_test_work:odd", engine=engine, cache=tmp_path, workers=1))
    assert found[0] == "ZeroDivisionError: first line second line"
    assert found[1] == "SystemExit: left"
    assert found[2] == "TypeError: elk_test_work:odd returned list, not a dict"
    assert "set is not JSON serializable" in found[3]
    assert list(found[5]) == ["b", "a", "3"] and found[5]["b"] == [1, 2] and math.isnan(found[5]["a"])
    if engine == "processes":
        assert found[4].startswith("KeyboardInterrupt")
    assert len(list(tmp_path.glob("*/*.json"))) == 1, "errors are not cached"
    cached = values(run(some[-1:], "elk_test_work:odd", engine=engine, cache=tmp_path))[5]
    assert repr(cached) == repr(found[5]), "the same, in the same order, from the cache"


def test_unknown_work_is_an_error_of_each_task() -> None:
    (error,) = values(run(tasks(1), "elk_test_work:cube", engine="inline")).values()
    assert error == "AttributeError: module 'elk_test_work' has no attribute 'cube'"
    (error,) = values(run(tasks(1), "no_such_module:f", engine="processes")).values()
    assert error == "ModuleNotFoundError: No module named 'no_such_module'"


@pytest.mark.parametrize("number", ["SIGKILL", "SIGTERM"])
def test_a_worker_that_dies_once_is_a_retry_of_its_task_only(tmp_path: Path, number: str) -> None:
    log = tmp_path / "log"
    some = tasks(6, log=str(log), once=0, marker=str(tmp_path / "marker"), signal=number, sleep=0.1)
    assert values(run(some, "elk_test_work:dies", engine="processes", workers=2)) == squares(6)
    assert sorted(begun(log)) == [0, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("retries", [0, 2])
def test_a_task_that_always_kills_its_worker_is_an_error_and_the_rest_goes_on(tmp_path: Path, retries: int) -> None:
    log = tmp_path / "log"
    some = tasks(5, log=str(log), always=1, sleep=0.1)
    found = list(run(some, "elk_test_work:dies", engine="processes", workers=2, retries=retries))
    guilty = next(result for task, result in found if task.payload["n"] == 1)
    assert guilty.error == f"its worker process died, {retries + 1} times" and math.isnan(guilty.seconds)
    assert values(found) == squares(5) | {1: guilty.error}
    assert sorted(begun(log)) == sorted([0, 2, 3, 4] + [1] * (retries + 1)), "no innocent task ran twice"


def test_workers_use_one_thread_each_for_linear_algebra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert values(run(tasks(1), "elk_test_work:threads", engine="processes")) == {0: {"OMP_NUM_THREADS": "1"}}
    assert "OMP_NUM_THREADS" not in os.environ


def test_closing_keeps_what_was_computed_and_not_yet_asked_for(tmp_path: Path) -> None:
    cache, done = tmp_path / "cache", tmp_path / "done"
    some = [Task(key_of(payload), payload) for payload in ({"n": 0}, {"n": 1, "done": str(done)})]
    with closing(run(some, "elk_test_work:square", engine="processes", cache=cache, workers=1)) as iterator:
        assert next(iterator)[0] is some[0]
        assert eventually(done.exists)
        time.sleep(0.5)  # its result is on its way to us
    assert load(cache, some[1].key).value == {"square": 1}


def test_closing_stops_a_busy_worker_and_lets_it_clean_up(tmp_path: Path) -> None:
    log, marker = tmp_path / "log", tmp_path / "marker"
    payloads = ({"n": 0, "log": str(log)}, {"n": 1, "log": str(log), "marker": str(marker)})
    some = [Task(key_of(payload), payload) for payload in payloads]
    with closing(run(some, "elk_test_work:either", engine="processes", workers=2)) as iterator:
        assert next(iterator)[0] is some[0]
        assert eventually(lambda: 1 in begun(log)) and alive(log)
        start = time.monotonic()
    assert time.monotonic() - start < 5 and marker.exists() and not alive(log)


INTERRUPTED = """
import sys, time
from pathlib import Path
from elk_sandbox.runtime.engine import Task, key_of, run

if __name__ == "__main__":
    log, cache, marker = sys.argv[1:]
    payloads = [{"n": n, "log": log} for n in range(3)] + [{"n": 3, "log": log, "marker": marker}]
    tasks = [Task(key_of(payload), payload) for payload in payloads]
    list(run(tasks, "elk_test_work:either", engine="processes", cache=Path(cache), workers=2))
"""


@pytest.fixture
def interrupted(work_module: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path, Path, Path]]:
    """Start a script that has computed three results and is in the middle of a long one."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    log, cache, marker = tmp_path / "log", tmp_path / "cache", tmp_path / "marker"
    process = subprocess.Popen(
        [sys.executable, str(script), str(log), str(cache), str(marker)],
        env={**os.environ, "PYTHONPATH": f"{work_module}:{REPOSITORY}"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: log.exists() and 3 in begun(log) and len(list(cache.glob("*/*.json"))) == 3)
        yield process, log, cache, marker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("whole_group", [True, False], ids=["terminal", "process"])
def test_an_interrupt_stops_the_workers_and_keeps_what_was_done(
    interrupted: tuple[subprocess.Popen[str], Path, Path, Path], whole_group: bool
) -> None:
    process, log, cache, marker = interrupted
    start = time.monotonic()
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert marker.exists(), "the work's own clean-up ran"
    assert not alive(log)
    kept = [json.loads(path.read_text())["value"] for path in cache.glob("*/*.json")]
    assert sorted(value["square"] for value in kept) == [0, 1, 4]


def test_workers_do_not_outlive_a_parent_that_was_killed(
    interrupted: tuple[subprocess.Popen[str], Path, Path, Path],
) -> None:
    process, log, _, marker = interrupted
    assert alive(log)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert eventually(lambda: not alive(log)) and marker.exists()


def test_malformed_arguments_are_refused_at_once() -> None:
    for wrong, message in [
        ({"engine": "fast"}, "no engine 'fast': there are inline, processes, dask"),
        ({"engine": "dask"}, "needs the address of a scheduler"),
        ({"workers": 0}, "workers=0"),
        ({"retries": -1}, "retries=-1"),
    ]:
        with pytest.raises(ValueError, match=message):
            run(tasks(1), "elk_test_work:square", **wrong)
    with pytest.raises(ValueError, match="module:function"):
        run(tasks(1), "elk_test_work.square", engine="inline")
    for key in ("", "../../etc/passwd", "A" * 64, "a" * 63):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            Task(key, {})


KEY = key_of({"a": 1})


def test_a_flipped_byte_anywhere_is_never_read_as_another_result(tmp_path: Path) -> None:
    whole = Result({"value": 1234.5, "text": "é", "none": None}, None, False, 0.25)
    store(tmp_path, KEY, whole)
    path = path_of(tmp_path, KEY)
    good, expected = path.read_bytes(), load(tmp_path, KEY)
    assert expected == Result(whole.value, None, True, 0.25)
    lost = 0
    for place in range(len(good)):
        for mask in (0x01, 0x20, 0x80):
            path.write_bytes(good[:place] + bytes([good[place] ^ mask]) + good[place + 1 :])
            found = load(tmp_path, KEY)
            assert found in (None, expected)  # some flips leave the same JSON, such as \u00e9 and \u00E9
            lost += found is None
    assert lost > 2.5 * len(good)


def test_a_truncated_file_and_what_is_no_result_count_as_absent(tmp_path: Path) -> None:
    store(tmp_path, KEY, Result({"x": 1}, None, False, 0.5))
    path = path_of(tmp_path, KEY)
    good = path.read_bytes()
    for content in [*(good[:end] for end in range(len(good))), b"null", b"[]", b"[" * 100_000, b"\xff", good * 2]:
        path.write_bytes(content)
        assert load(tmp_path, KEY) is None
    path.unlink()
    path.mkdir()
    assert load(tmp_path, KEY) is None


def test_a_file_of_another_key_counts_as_absent_and_is_computed_anew(tmp_path: Path) -> None:
    one, other = tasks(2)
    list(run([one], "elk_test_work:square", engine="inline", cache=tmp_path))
    workspace.write(path_of(tmp_path, other.key), path_of(tmp_path, one.key).read_bytes())
    ((_, result),) = run([other], "elk_test_work:square", engine="inline", cache=tmp_path)
    assert result.value == {"square": 1} and not result.cached
    assert load(tmp_path, other.key).value == {"square": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no failure
@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=5), st.randoms())
def test_a_key_depends_on_the_inputs_and_not_on_their_order(inputs: dict[str, object], random: object) -> None:
    items = list(inputs.items())
    random.shuffle(items)  # type: ignore[attr-defined]
    assert key_of(dict(items)) == key_of(inputs) == key_of(json.loads(canonical(inputs)))
    assert key_of({**inputs, "one more": 0}) != key_of({**inputs, "one more": 1}) != key_of({**inputs, "one more": 1.0})


def test_a_key_is_the_published_hash_of_the_canonical_text() -> None:
    text = b'{"a":[1,2.5,null],"b":"\\u00e9"}'
    published = subprocess.run(["sha256sum"], input=text, capture_output=True, check=True).stdout.split()[0].decode()
    assert key_of({"b": "é", "a": [1, 2.5, None]}) == published


WRITER = """
import sys
from pathlib import Path
from elk_sandbox.runtime.workspace import write
for _ in range(int(sys.argv[3])):
    write(Path(sys.argv[1]), sys.argv[2] * 200_000)
"""


def writer(path: Path, letter: str, times: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), letter, str(times)], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )


def test_two_writers_of_one_file_and_a_reader_that_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "made" / "on" / "demand" / "file"
    writers = [writer(path, letter, 40) for letter in "ab"]
    seen = set()
    while any(process.poll() is None for process in writers):
        if path.exists():
            seen.add(path.read_text())
    assert seen <= {"a" * 200_000, "b" * 200_000} and seen
    assert [process.returncode for process in writers] == [0, 0]
    assert [entry.name for entry in path.parent.iterdir()] == ["file"], "no temporary file is left"


def test_a_writer_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    workspace.write(path, "a" * 200_000)
    for delay in (0.0, 0.003, 0.007):
        process = writer(path, "b", 1_000_000)
        assert eventually(lambda: path.read_text()[0] == "b")
        time.sleep(delay)
        process.kill()
        process.wait()
        assert path.read_text() == "b" * 200_000
        workspace.write(path, "a" * 200_000)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    workspace.write(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        workspace.write(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.glob(".*")) == []


def test_the_workspace_is_the_argument_then_the_environment_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ELK_SANDBOX_HOME", raising=False)
    assert workspace.workspace() == tmp_path / "workspace"
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path / "home"))
    assert workspace.workspace() == tmp_path / "home"
    assert workspace.workspace("given") == tmp_path / "given"
    assert list(tmp_path.glob("*")) == [tmp_path / "modules"], "asking makes no folder"
    (tmp_path / "given").write_text("")
    with pytest.raises(NotADirectoryError, match=r"given is a file: name a folder \(--workspace or ELK_SANDBOX_HOME\)"):
        workspace.workspace("given")
