"""The over-optimisation page without a browser: curves, samples of a region, and the evaluation that it starts."""

import csv
import fcntl
import json
import re
import shutil
from pathlib import Path

import pytest

from elk_sandbox.runtime.store import open_store
from elk_sandbox.runtime.tables import Progress
from rlhf_lab.evaluated import load_evaluation
from rlhf_lab.pages.curves import as_csv
from rlhf_lab.plotted import load_plotted
from tests.lab.look_pages.opening import charts, opened, told
from tests.lab.test_cli import said

Started = list[tuple[Path, str, list[str], set[str]]]


def test_an_evaluated_run_is_told_in_a_sentence_and_drawn(home: Path) -> None:
    app = opened("overoptimization")
    plotted = load_plotted(home / "runs" / "policy")
    assert plotted is not None
    assert plotted["headline"] in told(app)
    assert app.selectbox(key="oo_run").value == "policy"  # the evaluated one, though `fresh` is later
    assert len(charts(app)) == 2
    _, _, *training = charts(opened("overoptimization", oo_training="true"))
    axes = [re.findall(r'"x": \{"axis": (\{[^}]*\})', each) for each in training]
    assert len(training) == 2 and all(found and set(found) == {'{"format": "d", "tickMinStep": 1}'} for found in axes)
    assert "stop, 10 nats" in charts(app)[0]
    for value in plotted["scores"]["proxy"]["mean"]:
        assert str(value - plotted["scores"]["proxy"]["mean"][0]) in charts(app)[1]
    assert not app.button
    assert {b.proto.label for b in app.get("download_button")} == {"Report, one HTML page", "Points, CSV"}


def test_what_is_shown_is_chosen(home: Path) -> None:
    whole, factors = (charts(opened("overoptimization", oo_gold=g))[0] for g in ("Whole", "Its two factors"))
    assert "share well formed" in factors and "share well formed" not in whole
    plain, second = charts(opened("overoptimization"))[:2]
    assert "second reward model" in second and "best of n" not in plain
    app = opened("overoptimization")
    app.button_group(key="oo_parts").set_value(["best", "frontier"]).run()
    upper, lower = charts(app)[:2]
    assert "best of n" in upper and "highest proxy at that KL" in lower and "second reward model" not in lower


def test_another_run_is_a_thin_line(home: Path) -> None:
    said(home, "evaluate", "fresh", "--gold", "careful", "--completions", "40", "--pool", "200")
    app = opened("overoptimization", oo_run="policy", oo_beside="fresh")
    assert app.multiselect(key="oo_beside").value == ["fresh"]
    assert ",fresh\n" in charts(app)[0] and re.search(r'"strokeWidth": 1[,}]', charts(app)[0])
    assert ",fresh\n" not in charts(opened("overoptimization", oo_run="policy"))[0]
    assert told(app).count("<dt>") == 2
    for name in ("policy", "fresh"):
        assert f"<dt>{name}</dt>" in told(app)


def test_samples_are_of_the_region_in_the_address(home: Path) -> None:
    app = opened("overoptimization", oo_region="1-2")
    evaluation = load_evaluation(home / "runs" / "policy" / "evaluation")
    assert app.select_slider[0].value == (1, 2)
    shown = told(app)
    assert "<h3>Iteration 1</h3>" in shown and "<h3>Iteration 2</h3>" in shown and "<h3>Original" not in shown
    assert f"proxy {evaluation.curve.proxy[1, 0]:.2f}".replace("-", "\N{MINUS SIGN}") in shown
    app.select_slider[0].set_value((0, 0)).run()
    assert "<h3>Original model</h3>" in told(app) and "<h3>Iteration 1</h3>" not in told(app)
    assert app.query_params["oo_region"] in ("0-0", ["0-0"])
    assert opened("overoptimization", oo_region="7-99").select_slider[0].value == (0, 3)


def test_samples_can_be_ordered_by_what_the_proxy_likes(home: Path) -> None:
    evaluation = load_evaluation(home / "runs" / "policy" / "evaluation")
    shown = told(opened("overoptimization", oo_region="3-3", oo_order="Highest proxy"))
    best = sorted(evaluation.curve.proxy[3])[::-1][:5]
    found = [part.split(" <")[0].split("<")[0] for part in shown.split('class="proxy">proxy ')[1:]]
    assert found == [f"{value:.2f}".replace("-", "\N{MINUS SIGN}") for value in best]


def test_a_run_that_was_not_evaluated_offers_one_button(home: Path, started: Started) -> None:
    app = opened("overoptimization", oo_run="fresh")
    assert "not evaluated yet" in told(app)
    assert len(charts(app)) == 2  # of its training
    assert [button.label for button in app.button] == ["Evaluate 4 checkpoints", "Estimate the time"]
    second = app.selectbox(key="oo_second:fresh")
    assert (second.value, second.options) == ("none", ["none", "pooled, 80 labels the same"])
    second.set_value("pooled").run().button[0].click().run()
    ((folder, name, words, keys),) = started
    assert (folder, name, keys) == (home / "runs" / "fresh", "evaluate", {"fresh"})
    assert words == ["rlhf_lab", "evaluate", "fresh", "--second", "pooled", "--json", "--workspace", str(home)]


def test_the_time_of_an_evaluation_is_estimated_before_it_is_started(home: Path, started: Started) -> None:
    (home / "background").mkdir(exist_ok=True)
    app = opened("overoptimization", oo_run="fresh")
    app.selectbox(key="oo_second:fresh").set_value("pooled").run()
    app.button(key="oo_time").click().run()
    ((folder, name, words, _),) = started
    assert (folder, name) == (home / "background", "estimate")
    assert words[1:7] == ["estimate", "evaluate", "--base", "fresh", "--second", "pooled"]
    words = "4 checkpoints of 1000 completions"
    (home / "background" / "estimate.log").write_text(json.dumps({"seconds": 80.4, "step": 2.5, "words": words}))
    shown = told(app.run())
    assert "About <strong>80 s</strong> on this machine as it is now" in shown and words in shown
    app.selectbox(key="oo_second:fresh").set_value("none").run()
    assert "80 s" not in told(app), "that was of another evaluation"


def test_a_model_of_other_labels_is_the_usual_second(home: Path) -> None:
    with open_store(home) as store:
        said(home, "clone", "rm", "half", "--set", "labels=40")
        said(home, "clone", "rm", "rest", "--set", "labels=40", "--set", "first=40")
        fresh = store.run("fresh")
        store.create_run("other", "ppo", fresh.config, fresh.parents | {"reward": "half"})
    shutil.copytree(home / "runs" / "fresh", home / "runs" / "other")
    second = opened("overoptimization", oo_run="other").selectbox(key="oo_second:other")
    assert second.value == "rest"
    assert second.options == ["none", "rest", "pooled, 40 labels the same", "rm, 40 labels the same"]


def test_an_evaluation_is_the_same_command_on_both_pages_and_keeps_its_run(home: Path, started: Started) -> None:
    page = opened("runs", runs_run="fresh")
    page.session_state["runs_evaluate:fresh"] = True
    page.run()
    assert not page.button(key="evaluate:fresh:go").disabled
    page.button(key="evaluate:fresh:go").click().run()
    assert [(folder, name) for folder, name, _, _ in started] == [(home / "runs" / "fresh", "evaluate")]
    with (home / "runs" / "fresh" / "evaluate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert page.run().button(key="evaluate:fresh:go").disabled
        assert opened("overoptimization", oo_run="fresh").get("progress")


def test_progress_of_an_evaluation(home: Path) -> None:
    with open_store(home) as store:
        store.mark_progress("fresh", Progress(3, 5, "evaluating checkpoint 3 of 4", 12.0, 0.0))
    with (home / "runs" / "fresh" / "evaluate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened("overoptimization", oo_run="fresh")
        (bar,) = app.get("progress")
        assert (bar.proto.text, bar.proto.value) == ("Evaluating checkpoint 3 of 4, about 12 s left", 60)
        assert not app.button


def test_a_failed_evaluation_is_told(home: Path) -> None:
    (home / "runs" / "fresh" / "evaluate.json").write_text(json.dumps(["fresh"]))
    (home / "runs" / "fresh" / "evaluate.log").write_text("rlhf-lab: the disk is full\n")
    app = opened("overoptimization", oo_run="fresh")
    assert [e.value for e in app.error] == ["It was not evaluated. The last line of the log: the disk is full"]
    assert app.button[0].label == "Evaluate 4 checkpoints"


def test_a_run_that_went_on_and_one_whose_laws_are_not_fitted(home: Path, started: Started) -> None:
    run = home / "runs" / "policy"
    (run / "report" / "plotted.json").unlink()
    app = opened("overoptimization", oo_run="policy")
    assert [b.label for b in app.button] == ["Fit the laws"]
    app.button[0].click().run()
    assert started[0][2] == ["rlhf_lab", "report", "policy", "--json", "--workspace", str(home)]
    shutil.copytree(run / "checkpoints" / "000003", run / "checkpoints" / "000004")
    app = opened("overoptimization", oo_run="policy")
    assert [b.label for b in app.button] == ["Evaluate it again", "Estimate the time"]


def test_the_points_as_csv(home: Path) -> None:
    plotted = load_plotted(home / "runs" / "policy")
    assert plotted is not None
    rows = list(csv.DictReader(as_csv([plotted]).splitlines()))
    assert [int(row["iteration"]) for row in rows] == plotted["steps"]
    assert [float(row["gold"]) for row in rows] == plotted["scores"]["gold"]["mean"]
    assert [float(row["second_error"]) for row in rows] == pytest.approx(plotted["scores"]["second"]["error"])


def test_a_server_that_runs_nothing_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit import config

    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    try:
        app = opened("overoptimization", oo_run="fresh")
        assert not app.button
        assert "has no token" in app.info[0].value
    finally:
        config.set_option("server.address", before)


def test_an_empty_workspace_says_what_will_be_here(home: Path) -> None:
    shutil.rmtree(home)
    assert "What that does to gold is drawn here" in told(opened("overoptimization"))
