"""The engine on a Dask cluster of real worker processes, one of which is killed on the way."""

import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from elk_sandbox.runtime import engine as engine_module
from elk_sandbox.runtime.engine import EngineError, Task, key_of, run
from elk_sandbox.runtime.tasks import load

REPOSITORY = Path(__file__).parents[1]
WORK = """
import os, signal, sys, time
from pathlib import Path

def work(payload):
    with open(payload["log"], "a") as log:
        log.write(f"{payload['n']}\\n")
    if payload["n"] == payload.get("raises"):
        raise ValueError("no such thing")
    if payload["n"] == payload.get("always"):
        os.kill(os.getpid(), signal.SIGKILL)
    if payload["n"] == payload.get("once"):
        marker = Path(payload["log"] + ".marker")
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(payload.get("sleep", 0.05))
    return {"square": payload["n"] ** 2}
"""


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def dask(*arguments: str, modules: Path) -> "subprocess.Popen[bytes]":
    quiet = {"DASK_LOGGING__DISTRIBUTED": "error", "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "false"}
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env={**os.environ, "PYTHONPATH": f"{modules}:{REPOSITORY}", **quiet},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a scheduler and two workers of one thread, each under a nanny that starts it again when it dies."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("dask")
    (folder / "elk_test_dask_work.py").write_text(WORK)
    address = f"tcp://127.0.0.1:{free_port()}"
    arguments = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard", "--no-show")
    processes = [dask("scheduler", *arguments, modules=folder)]
    local = str(folder / "space")
    options = ("--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--local-directory", local)
    processes.append(dask("worker", address, *options, modules=folder))
    yield address
    for process in reversed(processes):
        process.terminate()
        process.wait(30)


def tasks(count: int, log: Path, **payload: object) -> list[Task]:
    payloads = [{"n": n, "log": str(log), **payload} for n in range(count)]
    return [Task(key_of(payload), payload) for payload in payloads]


def begun(log: Path) -> list[int]:
    return sorted(map(int, log.read_text().split()))


pytestmark = pytest.mark.slow


def test_results_errors_and_the_cache(scheduler: str, tmp_path: Path) -> None:
    some = tasks(8, tmp_path / "log", raises=3)
    with closing(run(some, "elk_test_dask_work:work", engine="dask", scheduler=scheduler, cache=tmp_path)) as iterator:
        found = {task.payload["n"]: result for task, result in iterator}
    assert {n: result.value for n, result in found.items() if n != 3} == {
        n: {"square": n * n} for n in range(8) if n != 3
    }
    assert found[3].error == "ValueError: no such thing"
    assert all(result.seconds >= 0.05 for n, result in found.items() if n != 3)
    again = list(run(some, "elk_test_dask_work:work", engine="dask", scheduler=scheduler, cache=tmp_path))
    assert sum(result.cached for _, result in again) == 7
    assert begun(tmp_path / "log") == sorted([*range(8), 3])


def test_a_worker_that_dies_once_is_a_retry_of_its_task_only(scheduler: str, tmp_path: Path) -> None:
    some = tasks(6, tmp_path / "log", once=2)
    found = {
        task.payload["n"]: result.value
        for task, result in run(some, "elk_test_dask_work:work", engine="dask", scheduler=scheduler)
    }
    assert found == {n: {"square": n * n} for n in range(6)}
    assert begun(tmp_path / "log") == [0, 1, 2, 2, 3, 4, 5]


def test_a_task_that_kills_every_worker_is_an_error_and_the_rest_goes_on(scheduler: str, tmp_path: Path) -> None:
    some = tasks(6, tmp_path / "log", always=1)
    found = {
        task.payload["n"]: result
        for task, result in run(some, "elk_test_dask_work:work", engine="dask", scheduler=scheduler)
    }
    assert found[1].error == "its Dask workers died, as often as the scheduler allows" and math.isnan(found[1].seconds)
    assert {n: result.value for n, result in found.items() if n != 1} == {
        n: {"square": n * n} for n in range(6) if n != 1
    }
    assert begun(tmp_path / "log").count(1) == 4  # Dask allows three failures


def test_closing_cancels_what_has_not_begun(scheduler: str, tmp_path: Path) -> None:
    some = tasks(6, tmp_path / "log", sleep=0.5)
    with closing(run(some, "elk_test_dask_work:work", engine="dask", scheduler=scheduler, cache=tmp_path)) as iterator:
        task, result = next(iterator)
    assert result.value and load(tmp_path, task.key)
    time.sleep(1.5)
    assert len(begun(tmp_path / "log")) <= 4


def test_a_cluster_that_cannot_be_used_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "CONNECT", 0.5)
    monkeypatch.setattr(engine_module, "PATIENCE", 0.5)
    some = tasks(1, tmp_path / "log")
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(EngineError, match=f"no Dask scheduler answers at {address}"):
        list(run(some, "elk_test_dask_work:work", engine="dask", scheduler=address))
    arguments = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard", "--no-show")
    process = dask("scheduler", *arguments, modules=tmp_path)
    try:
        monkeypatch.setattr(engine_module, "CONNECT", 20)
        with pytest.raises(EngineError, match="had no workers"):
            list(run(some, "elk_test_dask_work:work", engine="dask", scheduler=address))
    finally:
        process.kill()
        process.wait()


def test_a_scheduler_that_dies_on_the_way_is_one_clear_error_and_results_are_kept(tmp_path: Path) -> None:
    (tmp_path / "elk_test_dask_work.py").write_text(WORK)
    address = f"tcp://127.0.0.1:{free_port()}"
    arguments = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard", "--no-show")
    scheduler = dask("scheduler", *arguments, modules=tmp_path)
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "space"))
    worker = dask("worker", address, *options, "--death-timeout", "5", modules=tmp_path)
    some = tasks(3, tmp_path / "log", sleep=0.5)
    try:
        iterator = run(some, "elk_test_dask_work:work", engine="dask", scheduler=address, cache=tmp_path)
        task, _ = next(iterator)
        scheduler.kill()
        with pytest.raises(EngineError, match=f"the Dask scheduler at {address} went away"):
            list(iterator)
        assert load(tmp_path, task.key)
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()


def test_without_dask_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it were not installed
    with pytest.raises(EngineError, match=r"pip install 'elk-sandbox\[dask\]'"):
        list(run(tasks(1, tmp_path / "log"), "m:f", engine="dask", scheduler="tcp://127.0.0.1:1"))


def test_the_matrix_on_dask_is_the_matrix_in_process(scheduler: str, tmp_path: Path) -> None:
    from elk_sandbox import matrix
    from elk_sandbox.runtime.registry import SHIPPED, Registry

    registry = Registry.scan(SHIPPED, packages=False)
    rows = [(registry.proposals[n], registry.proposals[n].settings()) for n in ("human_labels", "complexity")]
    columns = [(e, e.settings()) for e in list(registry.counterexamples.values())[:2]]
    far = matrix.compute(rows, columns, folder=tmp_path / "far", engine="dask", scheduler=scheduler)
    near = matrix.compute(rows, columns, folder=tmp_path / "near", engine="inline")
    told = [{(c["proposal"], c["counterexample"]): c for c in cells} for cells in (far, near)]
    assert len(told[0]) == 4 and told[0].keys() == told[1].keys()
    for name, cell in told[0].items():
        for word in ("verdict", "relation", "objective", "terms", "adversary", "control", "witness", "good"):
            assert cell[word] == told[1][name][word], (name, word)
