"""A column: every proposal against one counterexample, by the command line and as the workbench asks for it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elk_sandbox import keys
from elk_sandbox.__main__ import app
from elk_sandbox.offers import offers
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.trial import FRESH, Column, trial
from elk_sandbox.view import View
from tests import sample
from tests.sample import COUNTEREXAMPLES, PROPOSALS


def test_all_proposals_are_judged_on_one_counterexample(tmp_path: Path) -> None:
    sample.copy_files(tmp_path / "proposals")
    case = COUNTEREXAMPLES[0]
    words = ["judge", "all", case, "--folder", str(tmp_path / "proposals"), "--workspace", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["cells"]
    assert {(c["proposal"], c["counterexample"]) for c in found} == {(p, case) for p in PROPOSALS}
    registry = Registry.scan(tmp_path / "proposals", packages=False)
    column = Column([trial(tmp_path, registry.proposals[p], registry.counterexamples[case]) for p in PROPOSALS])
    assert column.done() == len(PROPOSALS)
    assert [each.cell() and each.cell()["verdict"] for each in column.trials] == [  # type: ignore[index]
        c["verdict"] for p in PROPOSALS for c in found if c["proposal"] == p
    ]


@pytest.mark.parametrize("more", [[], ["human_simulator", "--contest"], ["human_simulator", "--seeds", "2"]])
def test_a_column_needs_a_counterexample_and_nothing_else(tmp_path: Path, more: list[str]) -> None:
    result = CliRunner().invoke(app, ["judge", "all", *more, "--workspace", str(tmp_path)])
    assert result.exit_code != 0
    assert "judge all COUNTEREXAMPLE" in " ".join(f"{result.output}{result.exception}".split())


def test_a_column_is_asked_for_once_by_the_counterexamples_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(Detached, "start", lambda self, command, keys: asked.append((command, set(keys))) or True)
    registry = sample.REGISTRY
    case = registry.counterexamples[COUNTEREXAMPLES[0]]
    column = Column([trial(tmp_path, registry.proposals[p], case) for p in PROPOSALS])
    assert column.start()
    ((command, wanted),) = asked
    at = command.index("judge")
    assert command[at + 1] == "all" and command[at + 2].endswith(f"counterexamples/{case.path.name}:{case.name}")
    assert wanted == {
        keys.cell_key(each.proposal, each.counterexample, FRESH) for each in column.trials
    }  # fmt: skip


def test_what_a_view_offers_is_all_that_its_source_says() -> None:
    found = {each.call.partition("(")[0]: each for each in offers()}
    public = {name for name in vars(View) if not name.startswith("_") and callable(getattr(View, name))}
    assert set(found) == public and "cross_entropy" in found
    assert found["simulated"].call == "simulated(reporters, process='viewer', share=0.99)"
    assert all(each.meaning.endswith((".", "counts.")) for each in found.values())
