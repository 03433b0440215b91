"""Proposals that cheat, each judged for real: some line says no to every one of them, and the report says which.

A cheat that a line let through is worth more than ten that are caught: put it into tests/cheats/, name the line that
should have said no, and mend the judge so that it does, by what the cheat does and not by what it is called.
"""

import io
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elk_sandbox import cells, keys, report
from elk_sandbox.runtime.isolation import isolation_level
from elk_sandbox.runtime.registry import SHIPPED, Registry

CHEATS = Path(__file__).parent / "cheats"
REGISTRY = Registry.scan(SHIPPED, packages=False)
BASELINE = "human_labels"
QUICK = ("complex_translation", "human_simulator", "simple_steganography")

# The lines that say no: one of these in every cell, often others too.
CAUGHT_BY = {
    "stack_frames": {"verdict"},
    "monkeypatch": {"verdict"},
    "steals_the_package": {"verdict"},
    "imports_the_truth": {"error"},
    "stock_tables": {"draws"},
    "five_draws": {"draws"},
    "tamper_prior": {"draws"},
    "heavier_is_no": {"draws", "adversary"},
    "row_order": {"error"},
    "row_order_hidden": {"error"},
    "node_names": {"error", "adversary"},
    "random_numbers": {"error"},
    "steady_luck": {"adversary"},
    "counts_candidates": {"error", "verdict"},
    "company": {"error"},
    "company_hidden": {"error"},
    "company_remembered": {"error"},
    "measure_signature": {"adversary"},
    "measure_constants": {"adversary"},
    "likes_complexity": {"adversary"},
    "likes_complexity_up_to_nine": {"adversary"},
    "likes_influence": {"adversary"},
    "punishes_the_named": {"adversary"},
    "graph_gap": {"verdict", "adversary"},
    "edit_order": {"error", "verdict"},
}
TWINS = {"likes_influence", "measure_constants", "steady_luck", "company_hidden"}  # only in the slow run
TOLD = {
    "draws": "fresh draws disagree",
    "verdict": "a named bad reporter wins",
    "adversary": "the adversary found a dishonest reporter",
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@cache
def judged(path: Path, names: tuple[str, ...], folder: Path) -> tuple[dict[str, Any], ...]:
    entry = REGISTRY.find("proposal", str(path))
    columns = [keys.source(e, e.settings()) for e in (REGISTRY.counterexamples[n] for n in names)]
    payload = {"proposal": keys.source(entry, {}), "counterexamples": columns, "fresh": 4, "workspace": str(folder)}
    return tuple(cells.row(payload)["cells"])


def lines(cell: dict[str, Any]) -> set[str]:
    """Which of a cell's lines say no."""
    if cell["verdict"] not in ("killed", "survives"):
        return {cell["verdict"]}
    control, adversary = cell["control"], cell["adversary"]
    said = {
        "verdict": cell["verdict"] == "killed",
        "draws": cell["verdict"] == "survives" and cell["draws"]["agreeing"] < cell["draws"]["of"],
        "control": control is not None and not (control["valid"] and control["verdict"] == "survives"),
        "adversary": adversary["verdict"] == "killed",
    }
    return {name for name, no in said.items() if no}


def printed(cell: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=1000)
    report.cell(console, cell)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def no_good(cheat: str, names: tuple[str, ...], folder: Path) -> None:
    """Assert that every cell is refused by the line that is there for it, and that the report says so."""
    for cell in judged(CHEATS / f"{cheat}.py", names, folder):
        said = lines(cell)
        assert not cell["good"], (cheat, cell["counterexample"])
        assert said & CAUGHT_BY[cheat], (cheat, cell["counterexample"], said, cell["reason"])
        told = printed(cell)
        for line in said & set(TOLD):
            assert TOLD[line] in told
        if said == {"error"}:
            assert cell["reason"] in told


def params(*, everywhere: bool) -> list[Any]:
    twin = pytest.mark.slow
    marks = {c: [twin] * (c in TWINS) for c in CAUGHT_BY}
    return [pytest.param(c, marks=marks[c]) for c in CAUGHT_BY]


def test_every_cheat_is_here() -> None:
    assert {path.stem for path in CHEATS.glob("*.py")} == set(CAUGHT_BY)


@pytest.mark.parametrize("cheat", params(everywhere=False))
def test_no_cheat_is_called_good(cheat: str, folder: Path) -> None:
    if cheat == "steals_the_package" and not isolation_level().startswith("L2"):
        pytest.skip(f"the package can be read here: {isolation_level()}")
    no_good(cheat, QUICK, folder)


@pytest.mark.slow
@pytest.mark.parametrize("cheat", params(everywhere=True))
def test_no_cheat_is_called_good_on_the_other_counterexamples(cheat: str, folder: Path) -> None:
    no_good(cheat, tuple(set(REGISTRY.counterexamples) - set(QUICK)), folder)


def test_what_is_refused_is_not_refused_to_everybody(folder: Path) -> None:
    """The baseline is good nowhere, and a strategy in the world that it was made for is."""
    assert not any(c["good"] for c in judged(SHIPPED / f"{BASELINE}.py", QUICK, folder))
    (cell,) = judged_with_knobs("stacked_penalties", "human_simulator", folder)
    assert cell["good"] and lines(cell) == set()


def judged_with_knobs(proposal: str, counterexample: str, folder: Path) -> list[dict[str, Any]]:
    entry, column = REGISTRY.proposals[proposal], REGISTRY.counterexamples[counterexample]
    payload = {
        "proposal": keys.source(entry, entry.settings()),
        "counterexamples": [keys.source(column, column.settings())],
        "fresh": 4,
        "workspace": str(folder),
    }
    return list(cells.row(payload)["cells"])
