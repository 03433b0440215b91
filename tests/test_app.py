"""The matrix page without a browser: what it says in each state, and that it computes nothing itself."""

import csv
import fcntl
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox import blindfold
from elk_sandbox.keys import cell_key, source
from elk_sandbox.matrix import as_csv
from elk_sandbox.runtime import registry
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.verdict import Verdict
from tests import apptest, sample
from tests.apptest import told
from tests.sample import REGISTRY, REPOSITORY

PICKED = {"proposal": "computation_time", "counterexample": "cheap_simulation"}


def opened(**query: str) -> AppTest:
    return apptest.opened("elk_sandbox/pages/matrix.py", **query)


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
    assert set(app.selectbox(key="matrix_argument widget").options) == {
        *(f"{n.replace('_', ' ')}, proposal" for n in sample.PROPOSALS),
        *(f"{n.replace('_', ' ')}, counterexample" for n in sample.COUNTEREXAMPLES),
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


def test_one_argument_is_read_at_a_time(home: Path) -> None:
    app = opened()
    assert "ARC found this more hopeful" not in told(app)
    app.selectbox(key="matrix_argument widget").set_value("proposal/computation_time").run()
    assert "ARC found this more hopeful than the earlier attempts." in told(app)
    assert "checked against the primary source" in told(app)
    shown = told(opened(matrix_argument="counterexample/cheap_simulation"))
    assert "pixels: int = " in shown
    assert "ARC found this more hopeful" not in shown


def test_a_judged_matrix_is_counted(judged: Path) -> None:
    app = opened()
    found = sample.cells().values()
    decided = [c for c in found if c["literature"]]
    agreeing, good = sum(bool(c["agrees"]) for c in decided), sum(c["good"] for c in found)
    assert f"4 of 4 cells judged, {good} good." in told(app)
    assert f"{len(decided)} of them are marked; {agreeing} come out so." in told(app)
    assert [b.label for b in app.button] == ["Draw a PNG"]
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
    shown = told(opened(proposal="computation_time", counterexample="<script>"))
    assert "Pick a cell" in shown
    assert "The address names the counterexample &#x27;&lt;script&gt;&#x27;, and no file declares it now" in shown


def test_an_own_file_that_is_no_more_is_told_with_a_close_match(judged: Path) -> None:
    shown = told(opened(proposal="computation_tim", counterexample="human_simulator"))
    assert "names the proposal &#x27;computation_tim&#x27;" in shown
    assert "did you mean &#x27;computation_time&#x27;?" in shown


def grid_of(app: AppTest) -> dict[str, Any]:
    """What the grid was given to draw."""
    (element,) = [e for e in app.get("bidi_component") if "columns" in e.proto.json]
    return dict(json.loads(element.proto.json))


def test_rows_and_columns_are_filtered_by_name_origin_and_verdict(judged: Path) -> None:
    whole = grid_of(opened())
    assert ([r["name"] for r in whole["rows"]], whole["columns"]) == (
        ["computation_time", "auxiliary_ai"],
        ["human_simulator", "cheap_simulation"],
    )
    assert [r["name"] for r in grid_of(opened(matrix_find="auxil"))["rows"]] == ["auxiliary_ai"]
    assert grid_of(opened(matrix_find="cheap sim"))["columns"] == ["cheap_simulation"]
    assert "2 of 2 shown cells judged" in told(opened(matrix_find="cheap sim"))
    both = grid_of(opened(matrix_find="ti"))  # of a proposal, and of a counterexample
    assert ([r["name"] for r in both["rows"]], both["columns"]) == (["computation_time"], whole["columns"])
    (judged / "proposals" / "own.py").write_text(
        REGISTRY.proposals["auxiliary_ai"].text.replace("def auxiliary_ai(", "def own(")
    )
    assert [r["name"] for r in grid_of(opened())["rows"]][-1] == "own"
    mine = opened(matrix_proposals="mine")
    assert [r["name"] for r in grid_of(mine)["rows"]] == ["own"]
    assert "own" not in [r["name"] for r in grid_of(opened(matrix_proposals="shipped"))["rows"]]
    assert "There is no counterexample of yours yet" in told(opened(matrix_counterexamples="mine"))
    killed = {at for at, cell in sample.cells().items() if cell["relation"] == "strict"}
    strict = grid_of(opened(matrix_verdict="strict"))
    assert {r["name"] for r in strict["rows"]} == {p for p, _ in killed}
    drawn = {
        (r["name"], c): cell["faint"]
        for r in strict["rows"]
        for c, cell in zip(strict["columns"], r["cells"], strict=True)
    }
    assert {at for at, faint in drawn.items() if not faint} == killed


def test_blind_shows_only_what_was_asked_for_and_no_literature(judged: Path) -> None:
    app = opened(matrix_blind="true", **PICKED)
    assert "0 of 4 cells judged by you" in told(app)
    assert "Hidden: what do you expect?" in told(app)
    assert all(cell["state"] is None for row in grid_of(app)["rows"] for cell in row["cells"])
    files = REGISTRY.proposals["computation_time"], REGISTRY.counterexamples["cheap_simulation"]
    blindfold.lift(*(source(f, f.settings()) for f in files), judged / "workspace")
    app = opened(matrix_blind="true", matrix_argument="proposal/computation_time", **PICKED)
    assert "1 of 4 cells judged by you" in told(app)
    assert "killed, strict" in told(app)
    assert "and we agree" not in told(app)
    assert "ARC found this more hopeful" not in told(app)
    assert "and we agree" in told(opened(**PICKED))


def test_the_cells_that_are_shown_can_be_had_as_a_table(judged: Path) -> None:
    found = list(csv.DictReader(as_csv(list(sample.cells().values())).splitlines()))
    assert {(r["proposal"], r["counterexample"]) for r in found} == set(sample.cells())
    for line in found:
        cell = sample.cells()[line["proposal"], line["counterexample"]]
        values = cell["objective"]
        assert (line["verdict"], line["literature"]) == (cell["verdict"], cell["literature"] or "")
        margin = min(values[n] for n in cell["bad"]) - values[cell["direct_translator"]]
        assert float(line["margin"]) == pytest.approx(margin)
        assert (float(line["margin"]) < -1e-9) == (cell["relation"] == "strict")
    assert [d.label for d in opened().get("download_button")] == ["CSV"]


def test_a_picture_is_drawn_by_the_command_line_and_then_offered(judged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        started.append(list(command))
        (made,) = keys
        Path(made).parent.mkdir()
        Path(made).write_bytes(b"PNG")
        return True

    monkeypatch.setattr(Detached, "start", start)
    app = opened(matrix_find="auxil")
    app.button(key="matrix_png").click().run()
    ((*_, names, _, columns, _, path, _, _, _),) = started
    assert (names, columns) == ("auxiliary_ai", "human_simulator,cheap_simulation")
    assert Path(path).parent == judged / "workspace" / "pictures"
    assert [d.label for d in app.get("download_button")][:2] == ["CSV", "PNG"]


def test_a_file_that_changed_is_judged_anew(judged: Path) -> None:
    path = judged / "proposals" / "computation_time.py"
    path.write_text(path.read_text().replace("weight: float = 0.1", "weight: float = 0.2"))
    app = opened()
    assert "2 of 4 cells judged" in told(app)
    assert [b.label for b in app.button] == ["Judge 2 cells", "Draw a PNG"]


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
    assert [b.label for b in app.button] == ["Judge 1 cell", "Draw a PNG"]


def test_a_command_that_died_is_told_with_its_last_line(judged: Path) -> None:
    place = judged / "workspace"
    next(iter(sorted((place / "cells").rglob("*.json")))).unlink()
    (place / "matrix.json").write_text(json.dumps(keys()))
    (place / "matrix.log").write_text("Traceback\nMemoryError: it was too much\n\n")
    app = opened()
    (error,) = [e.value for e in app.error]
    assert "1 of 4 cells missing" in error
    assert "MemoryError: it was too much" in error
    assert [b.label for b in app.button] == ["Judge the missing cells again", "Draw a PNG"]


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
    assert "Judge the missing cells again" in [b.label for b in app.button]


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
