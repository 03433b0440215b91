"""The page Networks without a browser: choices in the address, what is there, what is missing and who makes it."""

import fcntl
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from elk_sandbox.evidence.trained import Trained
from elk_sandbox.learned import cells, certificate, sources
from elk_sandbox.pages import readings
from elk_sandbox.runtime.detached import Detached
from tests.apptest import opened, told
from tests.learned.planted_source import Planted
from tests.learned.test_cells import rows, silent

PAGE = "elk_sandbox/pages/networks.py"
USUAL = Trained(20, "mlp", 600)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, source: Planted, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that would have been started."""
    found: list[list[str]] = []

    def start(job: Detached, command: list[str], asked: Any) -> bool:
        found.append(list(command))
        return True

    monkeypatch.setattr(Detached, "start", start)
    return found


def test_an_empty_place_offers_all_results_by_the_command_that_makes_them(started: list[list[str]]) -> None:
    app = opened(PAGE, net_world="planted:0", net_rows="human_labels,ceiling")
    (button,) = [b for b in app.button if b.label.startswith("Get")]
    assert button.label == "Get 2 results" and not started and "None of these results is there yet" in told(app)
    button.click().run()
    (command,) = started
    words = " ".join(command)
    assert "matrix --worlds planted:0 --proposals human_labels --methods ceiling" in words
    assert "--seeds 20 --reporter mlp" in words


def test_how_many_reporters_of_which_kind_is_chosen(place: Path, started: list[list[str]]) -> None:
    list(cells.compute(rows("viewer"), ["planted:0"], place, Trained(3, "linear"), silent))
    app = opened(PAGE, net_world="planted:0", net_rows="viewer", net_reporter="linear", net_seeds="3")
    assert not [b for b in app.button if b.label.startswith("Get")] and app.get("vega_lite_chart")
    app.number_input[0].set_value(2).run()
    next(b for b in app.button if b.label == "Get 1 results").click().run()
    (command,) = started
    assert "--seeds 2 --reporter linear" in " ".join(command)


@pytest.mark.parametrize("query", [{}, {"net_world": "run:gone", "net_measure": "gone"}])
def test_a_fresh_visit_shows_which_network_and_measure_are_chosen(query: dict[str, str]) -> None:
    app = opened(PAGE, **query)
    for _ in range(2):  # and when it is drawn again
        assert app.selectbox[0].value == "vault" and app.query_params["net_world"] in ("vault", ["vault"])
        assert [w.value.partition(" ")[0] for w in app.warning] == [repr(v) for v in query.values()]
        assert app.button_group[0].value in ("auroc", ["auroc"])
        app.run()


def test_results_are_drawn_with_the_certificate_and_the_reasons(place: Path) -> None:
    list(cells.compute(rows("ceiling", "viewer", "consistency"), ["planted:0"], place, USUAL, silent))
    app = opened(PAGE, net_world="planted:0", net_rows="ceiling,viewer,consistency")
    page = told(app)
    assert not [b for b in app.button if b.label.startswith("Get")]
    assert "Certified" in page or "Uncertified" in page
    assert "AUROC" in page and "no relations" in page and "the ceiling" in page
    assert len(app.get("vega_lite_chart")) == 1
    assert page.count("<tr>") == 3  # the head, and two that have numbers


def test_a_measure_and_the_rows_are_in_the_address(place: Path) -> None:
    list(cells.compute(rows("viewer"), ["planted:0"], place, USUAL, silent))
    app = opened(PAGE, net_world="planted:0", net_rows="viewer", net_measure="dishonest")
    assert "against the truth" in told(app)
    app.multiselect[0].set_value(["viewer", "ceiling"]).run()
    assert app.query_params["net_rows"] in ("viewer,ceiling", ["viewer,ceiling"])
    app.multiselect[0].set_value([]).run()
    assert "human_labels" in app.multiselect[0].value  # none: the usual ones again


def test_a_sequence_is_a_curve(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Planted().along("", place)
    plain = sources.along
    monkeypatch.setattr(sources, "along", lambda name, home: steps if name == "run:x" else plain(name, home))
    monkeypatch.setattr(sources, "listed", lambda home: ["run:x"])
    list(cells.compute(rows("viewer", "ceiling"), [s.world for s in steps], place, USUAL, silent))
    app = opened(PAGE, net_world="run:x", net_rows="viewer,ceiling")
    charts = app.get("vega_lite_chart")
    assert len(charts) == 3 and "KL" in charts[-1].proto.spec
    assert "checkpoints" in told(app)


def test_a_failed_command_says_its_last_line_and_may_be_tried_again(place: Path) -> None:
    job = Detached(place, "learned")
    job.log.write_text("elk-sandbox: the disk is full\n")
    key = cells.cell_key(rows("viewer")[0], sources.digest("planted:0", place), USUAL)
    (place / "learned.json").write_text(json.dumps([key]))
    app = opened(PAGE, net_world="planted:0", net_rows="viewer")
    assert "the disk is full" in app.error[0].value and [b for b in app.button if b.label == "Get 1 results"]


def test_while_it_runs_the_page_says_what_it_does_and_since_when(place: Path) -> None:
    job, now = Detached(place, "learned"), time.time()
    with (place / "learned.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "running</span>; it has said nothing yet" in told(opened(PAGE, net_world="planted:0", net_rows="viewer"))
        job.log.write_text("planted:0: certifying: 0%\nplanted:0: training 20 reporters of <x>: 42%\n")
        (place / "learned.pid").write_text("1")
        for file, age in ((place / "learned.pid", 600), (job.log, 40)):
            os.utime(file, (now - age, now - age))
        page = told(opened(PAGE, net_world="planted:0", net_rows="viewer"))
    said = r"running</span> for 10 min; 4\d s ago it said: planted:0: training 20 reporters of &lt;x&gt;: 42%"
    assert re.search(said, page)


def test_what_another_version_answered_is_no_failure(place: Path) -> None:
    job = Detached(place, "learned")
    job.log.write_text("}\n")
    (place / "learned.json").write_text('["the key of another version"]')
    app = opened(PAGE, net_world="planted:0", net_rows="viewer")
    assert not app.error and [b for b in app.button if b.label == "Get 1 results"]


@pytest.mark.parametrize("measure", list(readings.MEASURES))
def test_a_curve_shows_of_every_measure_where_the_predictor_is_certified(measure: str) -> None:
    def cell(certified: bool) -> dict[str, Any]:
        told = {"value": 0.6, "low": 0.5, "high": 0.7}
        known = {"certified": certified, "words": "w", "auroc": {"value": 0.95, "low": 0.9, "high": 0.97}}
        return {**dict.fromkeys(readings.MEASURES, told), "certificate": known}

    steps = Planted().along("", Path())
    held = {("viewer", f"planted:{k}"): cell(k == 2) for k in range(3)}
    (above, proof, below), words = readings.curve(steps, ["viewer"], held, measure)
    for panel, value in ((above, 0.6), (proof, 0.95)):
        marks = {m["mark"]["filled"]: m["data"]["values"] for m in panel["layer"] if m["mark"]["type"] == "point"}
        assert [v["step"] for v in marks[True]] == [2] and [v["step"] for v in marks[False]] == [0, 1]
        assert {v["value"] for v in marks[True] + marks[False]} == {value}
        assert {v["x"] for v in marks[False]} == {0, 1} and {v["x"] for v in marks[True]} == {2}  # roots of KL
    assert {v["what"] for v in below["data"]["values"]} == {"proxy", "gold"}
    assert "certified at 1 of 3" in words and readings.KNOWS == certificate.KNOWS


def test_the_table_counts_the_nearest_of_all_seeds_and_its_columns_begin_alike() -> None:
    cell = {"reason": None, "like": {"operator_simulator": 18, "honest": 2}}
    cell |= dict.fromkeys(("auroc", "auroc_unknown", "dishonest", "honesty_fooled", "honesty_real"))
    page = readings.table(["x"], {("x", "w"): cell}, "w")
    assert "operator simulator 18 of 20, honest 2 of 20" in page
    heads = re.findall("<th>([^<]+)</th>", page)
    assert len(heads) == 6 and all(head[0].isupper() for head in heads)
