"""Two proposals and two counterexamples judged once in a test session: kills, a contested cell, a good one, rewards."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from elk_sandbox import matrix
from elk_sandbox.runtime.registry import Registry

REPOSITORY = Path(__file__).parents[1]
REGISTRY = Registry.scan(REPOSITORY / "proposals", packages=False)
PROPOSALS = ("auxiliary_ai", "computation_time")
COUNTEREXAMPLES = ("cheap_simulation", "human_simulator")


@cache
def workspace() -> Path:
    """A workspace that holds the four cells."""
    folder = Path(tempfile.mkdtemp(prefix="elk-sandbox-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    rows = [(REGISTRY.proposals[n], REGISTRY.proposals[n].settings()) for n in PROPOSALS]
    columns = [(REGISTRY.counterexamples[n], REGISTRY.counterexamples[n].settings()) for n in COUNTEREXAMPLES]
    assert len(list(matrix.compute(rows, columns, folder=folder, engine="inline"))) == 4
    return folder


@cache
def cells() -> dict[tuple[str, str], dict[str, Any]]:
    rows = [(REGISTRY.proposals[n], REGISTRY.proposals[n].settings()) for n in PROPOSALS]
    columns = [(REGISTRY.counterexamples[n], REGISTRY.counterexamples[n].settings()) for n in COUNTEREXAMPLES]
    found = matrix.compute(rows, columns, folder=workspace(), engine="inline")
    return {(c["proposal"], c["counterexample"]): c for c in found}


def copy_files(folder: Path) -> Path:
    """The four files in a proposals folder of their own."""
    (folder / "counterexamples").mkdir(parents=True)
    for name in PROPOSALS:
        shutil.copy(REPOSITORY / "proposals" / f"{name}.py", folder)
    for name in COUNTEREXAMPLES:
        shutil.copy(REPOSITORY / "proposals" / "counterexamples" / f"{name}.py", folder / "counterexamples")
    return folder
