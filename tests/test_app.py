"""The matrix page without a browser: what it says in each state, and that it computes nothing itself."""

import fcntl
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox.cells import cell_key, source
from elk_sandbox.runtime import registry
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.verdict import Verdict
from tests import sample
from tests.sample import REGISTRY, REPOSITORY

PICKED = {"proposal": "computation_time", "counterexample": "cheap_simulation"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the four files, no shipped ones, and an empty workspace."""
    sample.copy_files(tmp_path / "proposals")
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "nothing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path / "workspace"))

    def refuse(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        raise AssertionError("a test starts no command")

    monkeypatch.setattr(Detached, "start", refuse)
    return tmp_path


@pytest.fixture
def judged(home: Path) -> Path:
    shutil.copytree(sample.workspace(), home / "workspace")
    return home


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(REPOSITORY / "navigation.py"), default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("elk_sandbox/pages/matrix.py").run()
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    """All HTML that the page shows, its style apart."""
    bodies = [element.proto.body for element in app.get("html")]
    return "\n".join(body for body in bodies if not body.startswith("<style>"))


def keys() -> list[str]:
    rows = [source(REGISTRY.proposals[n], REGISTRY.proposals[n].settings()) for n in sample.PROPOSALS]
    columns = [
        source(REGISTRY.counterexamples[n], REGISTRY.counterexamples[n].settings()) for n in sample.COUNTEREXAMPLES
    ]
    return [cell_key(row, column, 0) for row in rows for column in columns]


def test_an_empty_workspace_offers_one_button(home: Path) -> None:
    app = opened()
    assert "No cell is judged yet" in told(app)
    assert [b.label for b in app.button] == ["Judge 4 cells"]
    assert {e.label for e in app.expander} == {
        n.replace("_", " ") for n in (*sample.PROPOSALS, *sample.COUNTEREXAMPLES)
    }


def test_the_button_starts_the_command_line_on_all_cells(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        started.append((self.folder, list(command), set(keys)))
        return True

    monkeypatch.setattr(Detached, "start", start)
    opened().button[0].click().run()
    command = [sys.executable, "-m", "elk_sandbox", "matrix", "--workspace", str(home / "workspace"), "--json"]
    assert started == [(home / "workspace", command, set(keys()))]


def test_shipped_files_stand_beside_the_users(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SHIPPED", REPOSITORY / "proposals")
    assert not (home / "proposals" / "complexity.py").exists()
    cells = len(REGISTRY.proposals) * len(REGISTRY.counterexamples)
    assert [b.label for b in opened().button] == [f"Judge {cells} cells"]


def test_the_arguments_of_all_files_are_there(home: Path) -> None:
    shown = told(opened())
    assert "ARC found this more hopeful than the earlier attempts." in shown
    assert "checked against the primary source" in shown
    assert "atoms: int = 5" in shown


def test_a_judged_matrix_is_counted(judged: Path) -> None:
    app = opened()
    found = sample.cells().values()
    decided = [c for c in found if c["literature"]]
    agreeing, good = sum(bool(c["agrees"]) for c in decided), sum(c["good"] for c in found)
    assert f"4 of 4 cells judged, {good} good." in told(app)
    assert f"The literature decides {len(decided)} of them, and agrees with {agreeing}." in told(app)
    assert not app.button
    assert "Pick a cell" in told(app)


def test_a_cell_in_the_address_is_shown_whole(judged: Path) -> None:
    app = opened(**PICKED)
    cell = sample.cells()["computation_time", "cheap_simulation"]
    shown = told(app)
    assert "killed, strict" in shown
    assert cell["witness"]["story"][1:60] in shown
    for reporter, value in cell["objective"].items():
        assert reporter in shown
        assert f'value="{value!r}"' in shown
    for words in (
        "survives in hard_inference",
        "dishonest reporters that nobody named",
        "with cached = False, pixels = 7",
    ):
        assert words in shown
    files = REGISTRY.proposals["computation_time"], REGISTRY.counterexamples["cheap_simulation"]
    assert [c.value for c in app.code] == [file.text.strip() for file in files]


def test_an_address_that_names_no_cell_picks_none(judged: Path) -> None:
    assert "Pick a cell" in told(opened(proposal="computation_time", counterexample="<script>"))


def test_a_file_that_changed_is_judged_anew(judged: Path) -> None:
    path = judged / "proposals" / "computation_time.py"
    path.write_text(path.read_text().replace("weight: float = 0.1", "weight: float = 0.2"))
    app = opened()
    assert "2 of 4 cells judged" in told(app)
    assert [b.label for b in app.button] == ["Judge 2 cells"]


def test_faults_of_files_are_listed_with_line_and_reason(judged: Path) -> None:
    (judged / "proposals" / "torn.py").write_text("x = 1\ndef torn(:\n")
    shown = told(opened())
    assert "1 file or declaration cannot be used" in shown
    assert "torn.py:2:" in shown
    assert "4 of 4 cells judged" in shown


def test_while_the_command_runs_its_cells_fill_in(judged: Path) -> None:
    removed = next(iter(sorted((judged / "workspace" / "cells").rglob("*.json"))))
    removed.unlink()
    with (judged / "workspace" / "matrix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened()
        assert "Judging: 3 of 4 cells are there" in [p.proto.text for p in app.get("progress")]
        assert not app.button
    app.run()
    assert not app.get("progress")
    assert [b.label for b in app.button] == ["Judge 1 cell"]


def test_a_command_that_died_is_told_with_its_last_line(judged: Path) -> None:
    place = judged / "workspace"
    next(iter(sorted((place / "cells").rglob("*.json")))).unlink()
    (place / "matrix.json").write_text(json.dumps(keys()))
    (place / "matrix.log").write_text("Traceback\nMemoryError: it was too much\n\n")
    app = opened()
    (error,) = [e.value for e in app.error]
    assert "1 of 4 cells missing" in error
    assert "MemoryError: it was too much" in error
    assert [b.label for b in app.button] == ["Judge the missing cells again"]


def test_a_row_whose_process_died_is_shown_and_can_be_judged_again(home: Path) -> None:
    place = home / "workspace"
    place.mkdir()
    lost = {**Verdict("error", reason="the row was not judged: its worker died").as_dict(), "contested": None}
    lost |= {"literature": None, "agrees": None}
    found = [{"proposal": p, "counterexample": c, **lost} for p in sample.PROPOSALS for c in sample.COUNTEREXAMPLES]
    (place / "matrix.json").write_text(json.dumps(keys()))
    (place / "matrix.log").write_text(json.dumps({"cells": found, "totals": {}}, indent=2))
    app = opened(**PICKED)
    assert "4 of 4 cells judged, 0 good" in told(app)
    assert "The proposal is at fault: the row was not judged: its worker died." in told(app)
    assert [b.label for b in app.button] == ["Judge the missing cells again"]


@pytest.mark.parametrize("lacking", ["proposal", "counterexample"])
def test_an_empty_folder_says_what_to_type(home: Path, lacking: str) -> None:
    gone = home / "proposals" / ("." if lacking == "proposal" else "counterexamples")
    for path in gone.glob("*.py"):
        path.unlink()
    app = opened()
    assert f"There is no {lacking}" in told(app)
    assert [c.value for c in app.code] == [f"elk-sandbox new {lacking} my_{lacking}"]


def test_a_workspace_that_is_a_file_is_told(home: Path) -> None:
    (home / "workspace").write_text("")
    (error,) = [e.value for e in opened().error]
    assert "is a file" in error
