"""Home without a browser: one button a card, verdict and findings from the workspace, nothing assumed."""

import json
import re
import sys
from pathlib import Path

import pytest

from elk_sandbox import judged
from elk_sandbox.keys import cell_key, source
from elk_sandbox.runtime import measured, registry
from elk_sandbox.runtime.attacks import Attack
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tasks import Result
from elk_sandbox.runtime.tasks import store as keep
from elk_sandbox.verdict import Verdict
from tests.lab.pages.visit import Started, finished, told, visit
from tests.sample import REPOSITORY

FOUND = measured.as_dict([Attack("read /etc/passwd", True, "not seen"), Attack("fork", False, "it forked")], "L1: some")


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    assert Path(registry.SHIPPED) == REPOSITORY / "proposals"


def test_each_card_has_its_one_button(home: Path, started: Started) -> None:
    measured.keep(home, FOUND)
    app = visit("home")
    assert [each.label for each in app.button] == [
        "Judge the baseline, 2 s", "Run the demo, under 5 minutes", "Measure again",
    ]  # fmt: skip
    assert "0 of 460 cells of the matrix are judged." in told(app)
    app.button[0].click().run()
    assert started.commands["baseline"] == [
        sys.executable, "-m", "elk_sandbox", "judge", "human_labels", "human_simulator", "--workspace", str(home),
        "--json",
    ]  # fmt: skip


def test_every_page_is_named_and_linked_as_in_the_menu(home: Path, started: Started) -> None:
    measured.keep(home, FOUND)
    menu = re.findall(r'st.Page\(f"{\w+}/\w+.py", title="([^"]+)"\)', (REPOSITORY / "navigation.py").read_text())
    assert len(menu) == 11
    assert {each.label for each in visit("home").get("page_link")} >= set(menu)


def test_a_judged_baseline_shows_its_verdict_and_leads_to_the_matrix(home: Path, started: Started) -> None:
    files = Registry.default()
    row, column = files.proposals["human_labels"], files.counterexamples["human_simulator"]
    cell = Verdict("error", reason="it was never meant to be").as_dict()
    cell |= {"proposal": "human_labels", "counterexample": "human_simulator", "contested": None, "literature": None}
    key = cell_key(source(row, row.settings()), source(column, column.settings()), 0)
    keep(home / "cells", key, Result(cell, None, False, 1.0))
    assert judged.there(judged.addresses(files).values(), home) == 1
    app = visit("home")
    assert "The proposal is at fault: it was never meant to be." in told(app)
    assert "1 of 460 cells" in told(app)
    assert "Judge the baseline, 2 s" not in [each.label for each in app.button]
    assert "See why, in the matrix" in [each.label for each in app.get("page_link")]


def test_isolation_is_measured_once_and_its_findings_shown(home: Path, started: Started) -> None:
    visit("home")
    assert started.commands["doctor"][1:] == ["-m", "elk_sandbox", "doctor", "--workspace", str(home), "--json"]
    measured.keep(home, FOUND)
    started.commands.clear()
    shown = " ".join(told(visit("home")).split())
    assert not started.commands
    assert "1 of 2 attacks from inside it were blocked here, L1: some" in shown
    assert "blocked read /etc/passwd" in shown and "NOT BLOCKED fork" in shown


def test_findings_of_another_kernel_are_not_believed(home: Path, started: Started) -> None:
    measured.keep(home, FOUND)
    file = home / "isolation.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"of": "another kernel"}))
    assert measured.kept(home) is None
    assert "NOT BLOCKED fork" not in " ".join(told(visit("home")).split())


def test_recent_runs_are_listed(home: Path, store: Store, started: Started) -> None:
    measured.keep(home, FOUND)
    for k in range(7):
        finished(store, home, f"run-{k}", "pretrain")
    app = visit("home")
    (found,) = [each for each in app.get("bidi_component") if "rlhf_lab_runs" in each.proto.component_name]
    assert [row["name"] for row in json.loads(found.proto.json)["rows"]] == [f"run-{k}" for k in (6, 5, 4, 3, 2)]
    assert "7 runs, none running; 0 pools of texts." in told(app)


def test_the_registry_is_read_once_for_all_visits(
    home: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.keep(home, FOUND)
    visit("home")
    monkeypatch.setattr(Registry, "default", lambda: pytest.fail("it was read again"))
    visit("home")
