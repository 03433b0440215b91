"""Trials: what is judged is set down, and a verdict is found by what was asked."""

import json
import os
import time
from pathlib import Path

import pytest

from elk_sandbox import contest
from elk_sandbox.declare import SettingError
from elk_sandbox.keys import FRESH, cell_key, source
from elk_sandbox.runtime import lock
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.trial import KEPT, Contest, Opening, Row, Trial, fault_line, told, trial
from tests import sample
from tests.sample import REGISTRY

PROPOSAL, CASE = REGISTRY.proposals["computation_time"], REGISTRY.counterexamples["cheap_simulation"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    found: list[list[str]] = []
    monkeypatch.setattr(Detached, "start", lambda self, command, keys: found.append(list(command)) or True)
    return found


def test_text_knobs_and_opponent_decide_the_key(tmp_path: Path) -> None:
    plain = trial(tmp_path, PROPOSAL, CASE)
    assert plain.key == cell_key(source(PROPOSAL, PROPOSAL.settings()), source(CASE, CASE.settings()), FRESH)
    keys = {
        plain.key,
        trial(tmp_path, PROPOSAL, CASE, ["weight=0.3"]).key,
        trial(tmp_path, PROPOSAL, CASE, ["pixels=5"]).key,
    }
    assert len(keys) == 3
    with pytest.raises(SettingError):
        trial(tmp_path, PROPOSAL, CASE, ["gone=1"])


def test_the_command_gets_texts_that_nobody_changes(tmp_path: Path, commands: list[list[str]]) -> None:
    asked = trial(tmp_path, PROPOSAL, CASE, ["weight=0.3"])
    assert asked.start()
    ((_, _, package, verb, first, second, *rest),) = commands
    assert (package, verb) == ("elk_sandbox", "judge")
    assert rest == ["--set", "weight=0.3", "--workspace", str(tmp_path), "--json"]
    for given, entry in ((first, PROPOSAL), (second, CASE)):
        path, _, name = given.rpartition(":")
        assert (Path(path).read_text(), name) == (entry.text, entry.name)
        assert Path(path).is_relative_to(tmp_path / "drafts" / "judged")


def test_a_verdict_is_there_once_it_is_kept(tmp_path: Path) -> None:
    home = sample.workspace()
    known = Trial(home, source(PROPOSAL, PROPOSAL.settings()), source(CASE, CASE.settings()))
    assert trial(tmp_path, PROPOSAL, CASE).cell() is None
    from elk_sandbox import keys

    cell = sample.cells()[PROPOSAL.name, CASE.name]
    keys.keep(cell, known.proposal, known.counterexample, FRESH, tmp_path)
    found = trial(tmp_path, PROPOSAL, CASE).cell()
    assert found is not None and found["objective"] == cell["objective"]
    assert (
        Row([trial(tmp_path, PROPOSAL, each) for each in (CASE, REGISTRY.counterexamples["fingerprint"])]).done() == 1
    )


def test_a_command_that_died_has_last_words(tmp_path: Path) -> None:
    asked = trial(tmp_path, PROPOSAL, CASE)
    assert asked.failed is None
    asked.job.folder.mkdir(parents=True)
    (asked.job.folder / f"{asked.job.name}.json").write_text(json.dumps([asked.key]))
    assert asked.failed == "it printed nothing"
    asked.job.log.write_text("one\ntwo\n")
    assert asked.failed == "two"


def test_what_was_judged_long_ago_is_forgotten(tmp_path: Path, commands: list[list[str]]) -> None:
    old, new = trial(tmp_path, PROPOSAL, CASE), trial(tmp_path, PROPOSAL, CASE, ["weight=0.3"])
    old.start()
    past = time.time() - KEPT - 1
    place = tmp_path / "drafts" / "judged"
    os.utime(place / old.key[:20], (past, past))
    new.start()
    assert [path.name for path in place.iterdir()] == [new.key[:20]]


def test_what_is_asked_for_again_is_there_when_the_command_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []

    def start(self: Detached, command: list[str], keys: object) -> bool:
        files = [word.rpartition(":")[0] for word in command if word.startswith(str(tmp_path / "drafts"))]
        found.extend(Path(file).is_file() for file in files)
        return True

    monkeypatch.setattr(Detached, "start", start)
    one, past = trial(tmp_path, PROPOSAL, CASE), time.time() - KEPT - 1
    every = (one.start, Row([one]).start, lambda: Contest(tmp_path, one.proposal).start([]),
             Opening(tmp_path, one.proposal, "breaker").start)  # fmt: skip
    for begin in (*every, *every):
        begin()
        for path in (tmp_path / "drafts" / "judged").rglob("*"):
            os.utime(path, (past, past))
    assert found == [True] * 10


def test_the_lock_of_what_runs_is_not_forgotten(tmp_path: Path, commands: list[list[str]]) -> None:
    old, new = trial(tmp_path, PROPOSAL, CASE), trial(tmp_path, PROPOSAL, CASE, ["weight=0.3"])
    old.job.folder.mkdir(parents=True)
    path = old.job.folder / f"{old.job.name}.lock"
    descriptor = lock.take(path)
    assert descriptor is not None
    os.utime(path, (1, 1))
    new.start()
    assert old.job.running
    lock.release(descriptor)
    new.start()
    assert not path.exists()


def test_a_row_that_was_left_unfinished_has_last_words(tmp_path: Path) -> None:
    row = Row([trial(tmp_path, PROPOSAL, CASE)])
    assert row.failed is None
    row.job.folder.mkdir(parents=True)
    (row.job.folder / f"{row.job.name}.json").write_text(json.dumps([row.trials[0].key]))
    row.job.log.write_text("one\nno such file\n")
    assert row.failed == "no such file"
    from elk_sandbox import keys

    cell = sample.cells()[PROPOSAL.name, CASE.name]
    keys.keep(cell, row.trials[0].proposal, row.trials[0].counterexample, FRESH, tmp_path)
    assert row.failed is None


def test_a_contest_is_kept_by_what_it_depends_on(tmp_path: Path) -> None:
    first = Contest(tmp_path, source(PROPOSAL, PROPOSAL.settings()))
    other = Contest(tmp_path, source(PROPOSAL, PROPOSAL.settings(["weight=0.3"])))
    assert first.key != other.key
    contest.keep({"passes": True}, tmp_path, first.key)
    assert first.outcome() == {"passes": True}
    assert other.outcome() is None
    assert first.progress() == (0, 20 * 24)


def test_a_faults_place_is_told_without_its_path() -> None:
    assert told("/a/b.c/x.py:12: NameError: x.py:3: odd") == (12, "NameError: x.py:3: odd")
    assert told("/a/x.py: its process died") == (None, "its process died")
    assert told("no world of that name") == (None, "no world of that name")
    cell = {"verdict": "error", "reason": "/a/x.py:12: NameError"}
    assert fault_line(cell, "proposal") == (12, "NameError")
    assert fault_line(cell, "counterexample") is None
    assert fault_line({"verdict": "survives", "reason": None}, "proposal") is None


def test_one_reader_of_kept_cells_sees_what_is_judged_again(tmp_path: Path) -> None:
    from elk_sandbox import judged, keys

    known, name = trial(tmp_path, PROPOSAL, CASE), (PROPOSAL.name, CASE.name)
    assert judged.kept(REGISTRY, tmp_path, *name) is None
    keys.keep(sample.cells()[name], known.proposal, known.counterexample, FRESH, tmp_path)
    found = judged.kept(REGISTRY, tmp_path, *name)
    assert found is not None and found == known.cell()
    assert judged.kept(REGISTRY, tmp_path, *name) is found  # read once
