"""The full matrix on two Dask workers, one of which is killed on the way: the same cells, none lost."""

import os
import signal
from pathlib import Path

import pytest

from elk_sandbox import literature, matrix
from elk_sandbox.runtime.registry import SHIPPED, Registry
from tests.test_engine_dask import scheduler

__all__ = ["scheduler"]  # a fixture

FOLDER = Registry.scan(SHIPPED, packages=False)
ROWS = [(e, e.settings()) for n, e in FOLDER.proposals.items() if n in literature.STRATEGIES]
COLUMNS = [(e, e.settings()) for n, e in FOLDER.counterexamples.items() if n in literature.COUNTEREXAMPLES]
TOLD = ("verdict", "relation", "killer", "direct_translator", "objective", "adversary", "control", "agrees")


def workers(address: str) -> list[int]:
    """Process numbers of the workers themselves, which their nannies started, at this scheduler."""
    from distributed import Client

    with Client(address) as client:
        return [int(pid) for pid in client.run(os.getpid).values()]


@pytest.mark.slow
def test_a_killed_worker_costs_no_cell(scheduler: str, tmp_path: Path) -> None:
    here = {
        (c["proposal"], c["counterexample"]): c for c in matrix.compute(ROWS, COLUMNS, folder=tmp_path / "processes")
    }
    there, killed = {}, 0
    for cell in matrix.compute(ROWS, COLUMNS, folder=tmp_path / "dask", engine="dask", scheduler=scheduler):
        there[cell["proposal"], cell["counterexample"]] = cell
        if len(there) >= 40 and not killed:
            killed = workers(scheduler)[0]
            os.kill(killed, signal.SIGKILL)
    assert killed and not Path(f"/proc/{killed}").exists()
    assert set(there) == set(here) and len(there) == 460
    for key, cell in here.items():
        assert {t: there[key][t] for t in TOLD} == {t: cell[t] for t in TOLD}, key
