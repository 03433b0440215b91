"""Verdicts of the shipped files against the literature, and every witness rebuilt by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elk_sandbox import literature, matrix
from elk_sandbox.cells import build, case_of
from elk_sandbox.keys import source
from elk_sandbox.runtime.registry import SHIPPED, Registry
from elk_sandbox.translators import is_honest

FOLDER = Registry.scan(SHIPPED, packages=False)
REGISTRY = Registry(  # what the project ships, whatever its user has put beside it
    {n: e for n, e in FOLDER.proposals.items() if n in literature.STRATEGIES},
    {n: e for n, e in FOLDER.counterexamples.items() if n in literature.COUNTEREXAMPLES},
    (),
)
DECIDED = [
    (p, c) for p in REGISTRY.proposals for c in REGISTRY.counterexamples if literature.mark(p, c)
]  # fmt: skip


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="session")
def cells(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells that the literature decides, and those that a counterexample claims, on two fresh draws."""
    found = []
    for name, entry in REGISTRY.proposals.items():
        chosen = [e for c, e in REGISTRY.counterexamples.items() if (name, c) in DECIDED or name in e.meta["breaks"]]  # type: ignore[operator]
        columns = [(e, e.settings()) for e in chosen]
        found += matrix.compute([(entry, entry.settings())], columns, folder=folder, engine="inline", fresh=2)
    return {(c["proposal"], c["counterexample"]): c for c in found}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The full matrix on the stock draw, in two processes."""
    rows = [(e, e.settings()) for e in REGISTRY.proposals.values()]
    columns = [(e, e.settings()) for e in REGISTRY.counterexamples.values()]
    return list(matrix.compute(rows, columns, folder=tmp_path_factory.mktemp("whole")))


def test_what_is_shipped() -> None:
    assert (len(REGISTRY.proposals), len(REGISTRY.counterexamples)) == (23, 20)


@pytest.mark.parametrize(("proposal", "counterexample"), DECIDED)
def test_agrees_with_the_literature(
    cells: dict[tuple[str, str], dict[str, Any]], proposal: str, counterexample: str
) -> None:
    cell = cells[proposal, counterexample]
    assert cell["agrees"], cell
    if cell["verdict"] == "not applicable":  # decided by its control alone
        assert (proposal, counterexample) == ("causal_interventions", "human_simulator")
    else:
        assert cell["draws"] == {"agreeing": 2, "of": 2}


def test_every_decided_cell_is_there() -> None:
    assert len(DECIDED) == 86


@pytest.mark.parametrize("name", REGISTRY.counterexamples)
def test_a_counterexample_breaks_what_it_claims_and_as_it_claims(
    cells: dict[tuple[str, str], dict[str, Any]], name: str
) -> None:
    claims = REGISTRY.counterexamples[name].meta["breaks"]
    assert isinstance(claims, dict) and claims
    for proposal, relation in claims.items():
        cell = cells[proposal, name]
        assert (cell["verdict"], cell["relation"]) == ("killed", relation), (proposal, cell["objective"])


def test_verdicts_follow_from_the_ledgers(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    for cell in cells.values():
        if cell["verdict"] == "not applicable":
            continue
        objective = cell["objective"]
        bad = min(objective[n] for n in cell["bad"])
        honest = min(v for n, v in objective.items() if cell["honest"][n])
        assert honest == objective[cell["direct_translator"]]
        expected = "strict" if bad < honest - 1e-9 else "tie" if bad <= honest + 1e-9 else None
        assert (cell["relation"], cell["verdict"]) == (expected, "killed" if expected else "survives")
        for name, terms in cell["terms"].items():
            assert sum(terms.values()) == pytest.approx(objective[name], abs=1e-12)
        assert not any(cell["honest"][n] for n in cell["bad"])


def test_every_witness_by_hand(cells: dict[tuple[str, str], dict[str, Any]], folder: Path) -> None:
    """The wrong situation of largest mass, found by going through all situations one by one."""
    seen = 0
    for cell in cells.values():
        if cell["witness"] is None:
            assert cell["verdict"] in ("survives", "not applicable")
            continue
        entry = REGISTRY.counterexamples[cell["counterexample"]]
        case = case_of(source(entry, entry.settings()), folder)
        world, witness = case.world, cell["witness"]
        tables = case.bad_reporters[cell["killer"]].tables
        worst = 0.0
        for i in range(len(world.weights)):
            state = {n: int(v) for n, v in zip(world.nodes, world.states[0, i], strict=True)}
            for q, table in enumerate(tables):
                index = int("0" + "".join(str(state[n]) for n in table.nodes), 2)
                answer, truth = table.values[index], world.truth[i, q]
                if truth >= 0 and abs(answer - truth) >= 0.5:
                    worst = max(worst, world.weights[i])
                    if state == witness["situation"] and world.questions[q] == witness["question"]:
                        assert witness["probability"] == pytest.approx(world.weights[i], rel=1e-12)
                        assert (witness["answer"], witness["truth"]) == (answer, "yes" if truth else "no")
                        seen += 1
        assert witness["probability"] == pytest.approx(worst, rel=1e-12)
    assert seen == sum(c["witness"] is not None for c in cells.values())


def test_controls_are_valid_and_survive(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    for (proposal, _), cell in cells.items():
        world = REGISTRY.proposals[proposal].meta["control"]
        if world is None:
            assert cell["control"] is None
        else:
            assert cell["control"] == {"world": world, "valid": True, "verdict": "survives"}


def test_the_contested_cells_show_both_outcomes(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    for proposal in ("computation_time", "stacked_penalties"):
        cell = cells[proposal, "cheap_simulation"]
        assert (cell["verdict"], cell["contested"]["verdict"]) == ("killed", "survives")
        assert cell["contested"]["without"] == {"cached": False, "pixels": 7}


def test_what_the_baselines_witness_tells(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    story = cells["human_labels", "human_simulator"]["witness"]["story"]
    assert "a screen with a picture of the diamond stands before the lens" in story
    assert "the viewer believes yes" in story and "the truth is no" in story


def test_audit_of_the_deciding_reporters(cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    audit = cells["human_labels", "human_simulator"]["audit"]["human_simulator"]
    assert (audit["judged"], audit["true"]) == (pytest.approx(1), pytest.approx(0.91))
    for cell in cells.values():
        for found in cell["audit"].values():
            assert found["regret"] == pytest.approx(found["oversight_gap"] + found["system_gap"], abs=1e-12)


def test_cells_are_kept_and_not_judged_again(
    cells: dict[tuple[str, str], dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, column = REGISTRY.proposals["complexity"], REGISTRY.counterexamples["complex_translation"]
    monkeypatch.setattr("elk_sandbox.matrix.run", lambda *a, **k: pytest.fail("judged again"))
    (again,) = matrix.compute([(entry, entry.settings())], [(column, column.settings())], folder=folder, fresh=2)
    assert again == json.loads(json.dumps(cells["complexity", "complex_translation"]))


def test_a_damaged_case_is_built_again(folder: Path, cells: dict[tuple[str, str], dict[str, Any]]) -> None:
    entry = REGISTRY.counterexamples["human_simulator"]
    file = source(entry, entry.settings())
    whole = build(file, [None], folder)[0]
    for path in (folder / "cases").rglob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    again = build(file, [None], folder)[0]
    assert np.array_equal(whole.world.states, again.world.states)
    assert not is_honest(again.world, again.bad_reporters["human_simulator"])


@pytest.mark.slow
def test_totals(whole: list[dict[str, Any]]) -> None:
    totals = matrix.totals(whole)
    assert (totals["cells"], totals["decided"], totals["agreeing"]) == (460, 86, 86)
    assert totals["disagreeing"] == []
    assert totals["strict"] + totals["ties"] == totals["verdicts"]["killed"]
