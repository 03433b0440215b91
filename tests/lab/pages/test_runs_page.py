"""The page of runs without a browser: each state, and that what it starts is what the command line would."""

import fcntl
import json
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import Progress
from rlhf_lab.demo_log import demo_state
from rlhf_lab.pages.background import background
from tests.lab.pages.visit import Started, finished, pool, told, visit


def rows(app: AppTest) -> list[dict[str, Any]]:
    (found,) = [each for each in app.get("bidi_component") if "rlhf_lab_runs" in each.proto.component_name]
    listed: list[dict[str, Any]] = json.loads(found.proto.json)["rows"]
    return listed


def press(app: AppTest, label: str) -> AppTest:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception, [each.value for each in app.exception]
    return app


def labels(app: AppTest) -> list[str]:
    return [each.label for each in app.button]


def model(home: Path, name: str, **meta: Any) -> None:
    """What a done run says of its model."""
    folder = home / "runs" / name / "model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").write_text(json.dumps({"meta": meta}))


def test_an_empty_workspace_offers_the_demo(home: Path, started: Started) -> None:
    app = visit("runs")
    assert "Each run will be a line here" in told(app)
    assert labels(app)[0] == "Run the demo, under 5 minutes"
    press(app, "Run the demo, under 5 minutes")
    assert started.commands["demo"][2:] == ["rlhf_lab", "demo", "--workspace", str(home)]


def test_a_line_says_how_each_run_is(home: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(store, home, "base", "pretrain")
    store.record("base", [("validation/nats_per_character", 690, 0.5222)])
    gone = finished(store, home, "gone", "ppo", {"base": "base"})
    store.mark_started("gone")
    store.mark_progress("gone", Progress(0.25, 1.0, "iteration 7: 3.10 nats", 60.0, time.time()))
    finished(store, home, "bad", "reward")
    store.mark_ended("bad", "failed", "the pool is empty")
    by_name = {each["name"]: each for each in rows(visit("runs"))}
    assert [by_name[n]["state"] for n in ("base", "gone", "bad")] == ["done", "interrupted", "failed"]
    assert [by_name[n]["again"] for n in ("base", "gone", "bad")] == [False, True, True]
    assert by_name["base"]["figures"] == "0.522 nats a character"
    assert (by_name["gone"]["how"], by_name["gone"]["share"]) == ("iteration 7: 3.10 nats", 0.25)
    assert by_name["bad"]["how"] == "the pool is empty"
    gone.folder.mkdir(parents=True, exist_ok=True)
    with gone.lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = visit("runs", runs_run="gone")
        (line,) = [each for each in rows(app) if each["name"] == "gone"]
        assert line["state"] == "running" and "1 min left" not in line["how"] and "60 s left" in line["how"]
        assert "Stop" in labels(app) and "Delete" not in labels(app)
        press(app, "Stop")
        assert store.run("gone").want_stop


def test_an_interrupted_run_resumes_with_one_click(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "gone", "pretrain")
    store.mark_started("gone")
    app = visit("runs", runs_run="gone")
    assert "Its process is gone" in told(app)
    press(app, "Resume")
    assert started.runs == ["gone"]


def test_the_run_in_the_address_is_shown_and_an_unknown_one_said(home: Path, store: Store) -> None:
    finished(store, home, "one", "pretrain")
    finished(store, home, "two", "pretrain")
    store.record("one", [("train/loss", step, 1.0 / (step + 1)) for step in range(5000)])
    app = visit("runs", runs_run="one")
    assert "one language model" in " ".join(told(app).split())
    (plots,) = [each for each in app.get("bidi_component") if "rlhf_lab_sparks" in each.proto.component_name]
    (loss,) = json.loads(plots.proto.json)["plots"]
    assert loss["title"] == "loss, nats a token" and len(loss["line"].split()) <= 300
    assert "There is no run called three." in [each.value for each in visit("runs", runs_run="three").caption]


def test_a_stage_is_entered_with_its_settings_and_set_to_work(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("runs", runs_new="Language model")
    app.number_input(key="new:pretrain:steps").set_value(40).run()
    press(app, "Start")
    assert started.runs == ["pretrain-1"]
    run = store.run("pretrain-1")
    assert (run.kind, run.config["steps"], run.config["corpus"]) == ("pretrain", 40, "stage")


def test_what_was_started_is_said_beside_the_button_and_shown_by_one_click(
    home: Path, store: Store, started: Started
) -> None:
    finished(store, home, "base", "pretrain")
    app = press(visit("runs", runs_new="Language model"), "Start")
    assert "starting pretrain-1 was started" in " ".join(told(app).split())
    assert arrival(app) == ""
    store.mark_started("pretrain-1")
    store.mark_ended("pretrain-1", "failed", "no room")
    app.query_params["runs_run"] = "base"
    press(app, "Show pretrain-1")
    assert "failed pretrain-1 was started" in " ".join(told(app).split())
    assert app.query_params["runs_run"] in ("pretrain-1", ["pretrain-1"])
    assert arrival(app)
    app.button_group(key="runs_new").set_value("Pool of samples").run()
    assert "was started" not in told(app)


def arrival(app: AppTest) -> str:
    """The arrival to which the page scrolls."""
    (place,) = [each for each in app.get("bidi_component") if "elk_sandbox_reveal" in each.proto.component_name]
    return str(json.loads(place.proto.json)["arrival"])


def test_a_failed_reward_run_leads_to_the_labels_of_its_pool(home: Path, store: Store) -> None:
    pool(store)
    finished(store, home, "bad", "reward")
    store.delete_run("bad")
    store.create_run("bad", "reward", {"pool": "first"}, {})
    store.mark_ended("bad", "failed", "all labels are alike")
    store.create_run("lost", "reward", {"pool": "gone"}, {})
    store.mark_ended("lost", "failed", "there is no pool 'gone'")
    (link,) = visit("runs", runs_run="bad").get("page_link")
    assert link.label == "Label more of first" and "label_pool=first" in link.proto.query_string
    assert not visit("runs", runs_run="lost").get("page_link")


def test_a_policy_writes_as_much_as_its_reward_models_texts(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    finished(store, home, "rm", "reward", {"base": "base"})
    model(home, "rm", length=17)
    app = visit("runs", runs_new="PPO policy")
    assert app.selectbox(key="new:ppo:reward").value == "rm"
    press(app, "Start")
    run = store.run("ppo-1")
    assert run.parents == {"base": "base", "reward": "rm"} and run.config["length"] == 17


def test_what_the_command_line_would_refuse_is_refused_in_its_words(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("runs", runs_new="Language model")
    app.number_input(key="new:pretrain:dropout").set_value(2.0).run()
    press(app, "Start")
    assert "dropout is 2.0: it must be at least 0 and below 1" in app.error[0].value
    app.number_input(key="new:pretrain:dropout").set_value(-1.0).run()
    app.text_input(key="new:pretrain:name:pretrain-1").set_value("no/name").run()
    press(app, "Start")
    assert "cannot name a run" in app.error[0].value
    assert not started.runs and [row.name for row in store.runs()] == ["base"]


def test_an_estimate_is_the_command_with_what_was_changed(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("runs", runs_new="Language model")
    app.number_input(key="new:pretrain:steps").set_value(40).run()
    press(app, "Estimate the time")
    assert started.commands["estimate"][2:7] == ["rlhf_lab", "estimate", "pretrain", "--set", "steps=40"]
    job = background(home, "estimate")
    job.folder.mkdir(parents=True)
    (job.folder / "estimate.json").write_text(json.dumps(["estimate pretrain"]))
    job.log.write_text('{\n  "stage": "pretrain", "seconds": 75.0, "step": 0.1, "words": "690 steps"\n}\n')
    assert "About 75 s on this machine as it is now: 690 steps" in " ".join(
        told(visit("runs", runs_new="Language model")).split()
    )


def test_a_clone_differs_in_what_was_changed(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "policy", "ppo", {"base": "base", "reward": "rm"})
    app = visit("runs", runs_run="policy")
    app.session_state["runs_clone:policy"] = True
    app.run()
    app.number_input(key="clone:policy:seed").set_value(3).run()
    press(app, "Start the clone")
    run = store.run("policy-1")
    assert run.config == {**store.run("policy").config, "seed": 3}
    assert run.parents == {"base": "base", "reward": "rm"} and started.runs == ["policy-1"]


def test_deleting_asks_first_and_then_does_it(home: Path, store: Store) -> None:
    finished(store, home, "base", "pretrain")
    finished(store, home, "child", "reward", {"base": "base"})
    app = press(visit("runs", runs_run="base"), "Delete")
    assert "child" in [each.value for each in app.markdown][-1]
    assert {row.name for row in store.runs()} == {"base", "child"}
    press(app, "Delete base")
    assert {row.name for row in store.runs()} == {"child"}
    assert not (home / "runs" / "base").exists()


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def test_labels_that_do_not_do_are_told_of_before_start(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    pool(store)

    def shown() -> tuple[bool, str]:
        app = visit("runs", runs_new="Reward model")
        line = " ".join(each.value for each in app.warning)
        assert button(app, "Start").disabled == button(app, "Estimate the time").disabled == bool(line)
        assert bool(line) == ("Open first" in [link.label for link in app.get("page_link")])
        return button(app, "Start").disabled, line

    assert shown() == (True, "'first' has no labels yet: label it first (rlhf-lab label).")
    for k in range(20):
        store.judge("first", k, "ann", 1)
    assert shown() == (
        True,
        "16 labels to train on are too few: label more texts, at least 20 beside those held out, better 300.",
    )
    for k in range(20, 26):
        store.judge("first", k, "ann", 1)
    finished(store, home, "rm", "reward", {"base": "base"})
    clone = visit("runs", runs_run="rm", **{"runs_clone:rm": "true"})
    assert button(clone, "Start the clone").disabled
    disabled, line = shown()
    assert (
        disabled
        and line in clone.warning[0].value
        and line.startswith("Of 21 labels to train on 21 are positive and 0 negative: ")
    )
    assert line.endswith("so label more texts, of the kind that is missing.")
    for k in range(10):
        store.judge("first", k, "ann", -1)
    assert shown() == (False, "")


def test_a_reward_model_needs_labels_and_is_offered_the_pools(home: Path, store: Store) -> None:
    finished(store, home, "base", "pretrain")
    assert "learns from the labels of a pool" in told(visit("runs", runs_new="Reward model"))
    pool(store)
    store.judge("first", 0, "ann", 1)
    app = visit("runs", runs_new="Reward model")
    assert app.selectbox(key="new:reward:pool").options == ["first"]
    assert app.number_input(key="new:reward:labels").label == "labels (0: all)"
    assert app.number_input(key="new:reward:first").label == "first"
    assert app.selectbox(key="new:reward:rater").options == ["all", "ann"]


def test_an_evaluation_is_a_command(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "rm", "reward")
    finished(store, home, "policy", "ppo")
    store.mark_progress("policy", Progress(1, 1, "iteration 9", None, 0.0))
    app = visit("runs", runs_run="policy")
    app.session_state["runs_evaluate:policy"] = True
    app.run()
    app.selectbox(key="evaluate:policy:second").set_value("rm").run()
    press(app, "Evaluate")
    assert started.commands["evaluate"][2:8] == [
        "rlhf_lab", "evaluate", "policy", "--completions", "1000", "--second",
    ]  # fmt: skip


def test_from_elsewhere_without_a_token_nothing_can_be_started(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(store, home, "gone", "pretrain")
    store.mark_started("gone")
    from elk_sandbox.pages import access

    monkeypatch.setattr(access, "local", lambda: False)
    monkeypatch.delenv(access.TOKEN, raising=False)
    app = visit("runs", runs_run="gone", runs_new="Language model")
    assert not {"Start", "Resume", "Delete", "Estimate the time"} & set(labels(app))
    assert "runs no user code" in app.warning[0].value
    assert [each["again"] for each in rows(app)] == [False]


DIED = "[1/8] pretrain: from scratch (about 4 min left)\n[4/8] ppo: on the logit (about 2 min left)\nKilled\n"


def test_a_demo_that_died_says_so_with_its_last_line_and_goes_on_as_the_same(
    home: Path, store: Store, started: Started
) -> None:
    finished(store, home, "demo-base", "pretrain")
    job = background(home, "demo")
    job.folder.mkdir(parents=True)
    (job.folder / "demo.json").write_text(json.dumps(["--name demo --rater noisy --seed 3"]))
    job.log.write_text(DIED)
    app = visit("home")
    assert "The demo was ended at step 4 of 8" in app.warning[0].value and "Killed" in app.warning[0].value
    press(app, "Resume the demo")
    assert started.commands["demo"][3:-2] == ["demo", "--name", "demo", "--rater", "noisy", "--seed", "3"]


def test_a_run_with_which_a_resumed_demo_goes_on_is_starting(home: Path, store: Store) -> None:
    finished(store, home, "demo-base", "pretrain")
    finished(store, home, "demo-ppo", "ppo")
    store.mark_ended("demo-ppo", "stopped")
    finished(store, home, "other-ppo", "ppo")
    store.mark_ended("other-ppo", "stopped")
    job = background(home, "demo")
    job.folder.mkdir(parents=True)
    (job.folder / "demo.json").write_text('["demo"]')

    def shown() -> dict[str, tuple[str, bool]]:
        return {each["name"]: (each["state"], each["again"]) for each in rows(visit("runs", runs_run="demo-ppo"))}

    assert shown()["demo-ppo"] == ("stopped", True)
    (job.folder / "demo.pid").write_text("1")
    with (job.folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shown()
        assert found["demo-ppo"] == ("starting", False)
        assert found["other-ppo"] == ("stopped", True) and found["demo-base"] == ("done", False)
        app = visit("runs", runs_run="demo-ppo")
        assert not {"Resume", "Stop", "Delete"} & set(labels(app))
        assert [bar.proto.text for bar in app.get("progress")] == ["Starting"]
        store.mark_started("demo-ppo")
        store.mark_ended("demo-ppo", "stopped")  # by this attempt, which ends too
        assert shown()["demo-ppo"] == ("stopped", True)


def test_what_an_earlier_attempt_said_is_not_said_of_one_that_starts(home: Path, store: Store) -> None:
    run = finished(store, home, "base", "pretrain")
    store.mark_progress("base", Progress(0.25, 1.0, "step 7 of 28", 60.0, time.time()))
    store.mark_started("base")
    run.folder.mkdir(parents=True)
    with run.lock_file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (line,) = rows(visit("runs"))
        assert (line["state"], line["how"], line["share"]) == ("running", "starting", 0.25)
        store.mark_progress("base", Progress(0.5, 1.0, "step 14 of 28", 60.0, time.time()))
        (line,) = rows(visit("runs"))
        assert line["how"].startswith("step 14 of 28, 60 s left")


@pytest.mark.parametrize("name", ["a/b", "--help", "two words", "nul\0", "../out"])
def test_a_demo_needs_a_plain_name(home: Path, store: Store, started: Started, name: str) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("runs", runs_new="The demo", demo_name=name)
    assert "cannot name a demo" in app.error[0].value
    assert "Run the demo, under 5 minutes" not in labels(app) and not started.commands


def test_a_demo_goes_on_as_it_began_whatever_the_form_says(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "mine-base", "pretrain")
    job = background(home, "demo-mine")
    job.folder.mkdir(parents=True)
    (job.folder / "demo-mine.json").write_text(json.dumps(["--name mine --rater noisy --seed 3"]))
    app = visit("runs", runs_new="The demo", demo_name="mine")
    app.number_input(key="demo_seed").set_value(7).run()
    press(app, "Resume the demo")
    assert started.commands["demo-mine"][3:-2] == ["demo", "--name", "mine", "--rater", "noisy", "--seed", "3"]


def test_a_demo_is_begun_as_the_form_says_when_its_button_is_clicked(
    home: Path, store: Store, started: Started
) -> None:
    finished(store, home, "base", "pretrain")
    finished(store, home, "old-base", "pretrain")
    app = visit("runs", runs_new="The demo")
    for unfit in ("old", "a/b"):  # one that there is already, and no name
        app.text_input(key="demo_name").set_value(unfit)
        press(app, "Run the demo, under 5 minutes")
        assert not started.commands
        app.text_input(key="demo_name").set_value("demo").run()
    app.text_input(key="demo_name").set_value("mine")
    app.number_input(key="demo_seed").set_value(7)
    press(app, "Run the demo, under 5 minutes")
    assert list(started.commands) == ["demo-mine"]
    assert started.commands["demo-mine"][3:-2] == ["demo", "--name", "mine", "--rater", "counter", "--seed", "7"]


def test_a_demo_that_runs_in_a_terminal_is_not_offered_again(home: Path, store: Store) -> None:
    jobs.create(store, home, "demo-base", "pretrain", {}, {})
    store.mark_started("demo-base")
    run = jobs.open_run(store, home, "demo-base")
    run.folder.mkdir(parents=True, exist_ok=True)
    with run.lock_file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        app = visit("home")
    assert "in a terminal: demo-base is at work" in told(app) and "Resume the demo" not in labels(app)
    assert "Resume the demo" in labels(visit("home"))


def test_a_running_demo_shows_its_steps_and_can_be_stopped(home: Path, store: Store) -> None:
    job = background(home, "demo")
    job.folder.mkdir(parents=True)
    (job.folder / "demo.json").write_text('["demo"]')
    job.log.write_text(DIED)
    with (job.folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = jobs.create(store, home, "demo-ppo", "ppo", {}, {})
        store.mark_started("demo-ppo")
        store.mark_progress("demo-ppo", Progress(0.5, 1.0, "iteration 9: 5.0 nats", 90.0, time.time()))
        run.folder.mkdir(parents=True, exist_ok=True)
        with run.lock_file.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            app, other = visit("home"), visit("runs", runs_new="The demo")
        assert "of which demo-ppo is a step" in told(other) and labels(other).count("Stop the demo") == 1
        assert "How far it is stands above." in told(other)
        (bar,) = app.get("progress")
        # Three times as slow as on two idle cores: 90 s of it, and three times 62 s for all that comes after.
        assert bar.proto.text == "Step 4 of 8, about 5 min left of the whole demo"
        assert bar.proto.value == pytest.approx(100 * 3.5 / 8, abs=1)
        assert "iteration 9: 5.0 nats · heard" in told(app)
        (line,) = rows(app)
        assert line["how"].startswith("iteration 9: 5.0 nats, 90 s left")
        store.mark_progress("demo-ppo", Progress(0.5, 1.0, "iteration 9: 5.0 nats", None, time.time()))
        assert visit("home").get("progress")[0].proto.text == "Step 4 of 8, about 2 min left when this step began"
        assert "Stop the demo" in labels(app)
    assert demo_state(job, store, home, "demo").state == "interrupted"
    job.log.write_text(DIED + "120 s. Go on: rlhf-lab list\n")
    assert demo_state(job, store, home, "demo").state == "done"
