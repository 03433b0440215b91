"""`judge --on`, `judge --along` and `matrix --worlds`: tables, JSON, and one line for what cannot be."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from elk_sandbox.__main__ import main
from elk_sandbox.commands import learned
from elk_sandbox.learned import sources
from elk_sandbox.learned.siblings import Kin
from elk_sandbox.terminal import saying
from tests.learned.planted_source import Planted

Asked = Callable[..., tuple[int, str, str]]
QUICK = ("--seeds", "3", "--steps", "40")


@pytest.fixture
def ask(tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Exit status, output and complaints of a command in this process."""
    steps = Planted().along("", tmp_path)
    plain = sources.along
    monkeypatch.setattr(sources, "along", lambda name, home: steps if name == "planted" else plain(name, home))

    def asked(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["elk-sandbox", *words, "--workspace", str(tmp_path)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    return asked


def test_a_proposal_on_a_world(ask: Asked) -> None:
    status, out, _ = ask("judge", "human_labels", "--on", "planted:0", *QUICK)
    assert status == 0 and "human_labels on planted:0" in out and "3 seeds (mlp), 40 steps" in out
    assert re.search(r"(un)?certified: a probe for the truth on early", out)
    status, out, _ = ask("judge", "human_labels", "--on", "planted:0", *QUICK, "--json")
    cell = json.loads(out)
    assert cell["certificate"]["auroc"]["value"] > 0.5 and cell["dishonest"]["counts"]["seeds"] == 3
    assert sum(cell["like"].values()) == 3


def test_a_proposal_at_fault_ends_with_2_as_on_exact_worlds(ask: Asked, tmp_path: Path) -> None:
    file = tmp_path / "at_fault.py"
    file.write_text(
        "from elk_sandbox import proposal\n\n\n@proposal(source='mine')\n"
        "def at_fault(reporters, view):\n    'Ask for what is not there.'\n    return view.humans['nobody']\n"
    )
    for words in (("--on", "planted:0"), ("--on", "planted:0", "--json"), ("--along", "planted:")):
        status, out, _ = ask("judge", str(file), *words, *QUICK)
        assert status == 2 and "KeyError" in out


def test_a_result_names_its_knobs_and_says_where_all_seeds_are_constant(ask: Asked) -> None:
    status, out, _ = ask("judge", "few_parts", "--on", "planted:0", "--seeds", "2", "--set", "weight=30")
    assert status == 0 and "few_parts on planted:0, weight=30" in out and "all seeds say the same to all" in out
    status, out, _ = ask("judge", "auxiliary_ai", "--on", "planted:0", *QUICK)
    assert status == 0 and "auxiliary_ai on planted:0, weight=1.0, reader=table" in out
    _, out, _ = ask("judge", "few_parts", "--on", "planted:0", *QUICK, "--set", "weight=0", "--json")
    assert json.loads(out)["knobs"] == {"weight": 0}


def test_other_predictors_are_named_with_how_often_their_reporters_differ(
    ask: Asked, source: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Kin("one", lambda say: {"its twin": source.world("0", tmp_path, say).layers})
    monkeypatch.setattr(source, "kin", lambda rest, home: same, raising=False)
    status, out, _ = ask("judge", "cross_predictor_agreement", "--on", "planted:0", *QUICK)
    assert status == 0 and re.search(r"siblings +its twin", out) and "nearest on its twin" in out
    assert "of situations answered otherwise by the reporter of another predictor" in out
    status, out, _ = ask("judge", "cross_predictor_agreement", "--on", "planted:1", *QUICK, "--json")
    cell = json.loads(out)
    assert cell["siblings"] == ["its twin"] and cell["apart"]["counts"]["seeds"] == 3


def test_along_a_sequence(ask: Asked) -> None:
    status, out, _ = ask("judge", "human_labels", "--along", "planted", *QUICK, "--json")
    told = json.loads(out)
    assert status == 0 and [(t["step"], t["kl"], t["gold"]) for t in told] == [(0, 0, 0), (1, 1, -1), (2, 4, -2)]
    status, out, _ = ask("judge", "human_labels", "--along", "planted", *QUICK)
    assert status == 0 and "human_labels along planted" in out and out.count("ertified") == 3


def test_a_matrix_of_worlds(ask: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--proposals", "human_labels,consistency", "--methods", "ceiling", "--seeds", "2")
    status, out, _ = ask("matrix", "--worlds", "planted:0,planted:1", *words)
    assert status == 0 and out.count("human_labels") == 2 and out.count("ceiling") == 2
    assert "consistency: inconsistency: the world has one question" in out
    monkeypatch.setattr("elk_sandbox.commands.learned.out", Console(width=300))
    status, out, _ = ask("matrix", "--worlds", "planted:0", *words)
    assert all(name in out for name in ("fooled: honest", "real: right", "gap recovered", "on hard ones"))
    cell = {"row": "x", "reason": None, "like": {}, "certificate": {"certified": False, "words": "w"}, "world": "v"}
    cell |= dict.fromkeys((*learned.MEASURES, *learned.RECOVERED))
    none = {"value": None, "low": None, "high": None}
    for counts, said in (({"bob": 5, "alice": 5}, True), ({"bob": 0, "alice": 0}, False)):
        console = Console(width=300, record=True, file=io.StringIO())
        learned._table(console, [{**cell, "recovered": {**none, "counts": counts}}])
        assert ("there is no gap" in console.export_text()) == said
    status, out, _ = ask("matrix", "--worlds", "planted:0", *words, "--json")
    cells = {c["row"]: c for c in json.loads(out)["cells"]}
    assert cells["ceiling"]["recovered"]["value"] > 0.1 + cells["human_labels"]["recovered"]["value"]
    assert cells["ceiling"]["balanced"]["value"] > 0.7 > cells["human_labels"]["balanced"]["value"]
    held = {k: cells["ceiling"][k] for k in ("balanced", "honesty_fooled", "honesty_real")}
    assert held["balanced"]["value"] == pytest.approx(
        (held["honesty_fooled"]["value"] + held["honesty_real"]["value"]) / 2
    )
    file = tmp_path / "cells.csv"
    status, _, _ = ask("matrix", "--worlds", "planted:0", *words, "--csv", str(file))
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(file.read_text()))}
    assert status == 0 and list(lines) == ["human_labels", "consistency", "ceiling"]
    assert float(lines["ceiling"]["balanced_low"]) == cells["ceiling"]["balanced"]["low"]
    assert lines["human_labels"]["nearest"] and "one question" in lines["consistency"]["reason"]
    status, out, _ = ask("matrix", "--worlds", "planted:0", "--proposals", "", "--methods", "viewer", "--json")
    assert [c["row"] for c in json.loads(out)["cells"]] == ["viewer"]


def test_named_proposals_bring_no_methods_that_were_not_named(ask: Asked) -> None:
    _, out, _ = ask("matrix", "--worlds", "planted:0", "--proposals", "consistency", "--seeds", "2", "--json")
    assert [c["row"] for c in json.loads(out)["cells"]] == ["consistency"]


def test_a_line_is_printed_as_each_phase_begins(ask: Asked) -> None:
    words = ("--proposals", "human_labels", "--methods", "ceiling", "--seeds", "2")
    _, _, err = ask("matrix", "--worlds", "planted:0", *words)
    phases = (
        "getting the network ready", "certifying, does the predictor know?", "training 2 reporters of human_labels",
        "scoring ceiling",
    )  # fmt: skip
    told = [line for line in err.splitlines() if "%" not in line]
    kinds = [line for line in told if line.startswith("planted:0")]
    assert kinds == [f"planted:0: {each}" for each in phases]
    come = [line for line in told if " of 2, " in line]
    assert [line.partition(" on ")[0] for line in come] == ["1 of 2, human_labels", "2 of 2, ceiling"]
    assert not ask("matrix", "--worlds", "planted:0", *words, "--again", "--json")[2]


def test_a_phases_end_is_estimated_by_its_own_pace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [50.0]
    monkeypatch.setattr("elk_sandbox.terminal.time.monotonic", lambda: clock[0])
    with saying(quiet=False) as say:
        for at, words, share in (
            (50, "film", 0.0), (60, "film, 9 nats", 0.02), (70, "film, 8 nats", 0.5), (71, "film, 7 nats", 0.52),
            (90, "labels", 0.6), (100, "labels", 0.8),
        ):  # fmt: skip
            clock[0] = at
            say(words, share)
    assert capsys.readouterr().err.splitlines() == [
        "film", "film, 9 nats: 2%", "film, 8 nats: 50%, about 20 s left of this", "labels: 60%",
        "labels: 80%, about 10 s left of this",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words, line",
    [
        (("judge", "human_labels", "--on", "valt"), "no learned world is called 'valt'; did you mean vault?"),
        (("judge", "human_labels", "--on", "nosuch"), "there are vault, exact:NAME, "),
        (("judge", "human_labels", "--on", "planted:x"), "planted:x is no world: say planted:SEED"),
        (("judge", "human_labels", "--on", "run:none"), "none"),
        (("judge", "human_labels", "--along", "vault"), "is one world and no sequence"),
        (("judge", "human_labels", "human_simulator", "--on", "vault"), "--on and --along judge in learned worlds"),
        (("judge", "human_labels", "--on", "vault", "--along", "run:x"), "one of them"),
        (("matrix", "--worlds", " , "), "--worlds names learned worlds"),
        (("matrix", "--worlds", "vault", "--methods", "ceilling"), "did you mean 'ceiling'?"),
        (("matrix", "--worlds", "vault", "--png", "x.png"), "--worlds goes with"),
        (
            ("matrix", "--worlds", "hf:/nowhere", "--methods", "viewer", "--proposals", ""),
            "no transformers model folder",
        ),
    ],
)
def test_what_cannot_be_is_one_line(ask: Asked, words: tuple[str, ...], line: str) -> None:
    status, out, err = ask(*words)
    assert status == 2 and not out and line in err and err.strip().count("\n") == 0
