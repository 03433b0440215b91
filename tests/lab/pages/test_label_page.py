"""The page for labelling without a browser: what the card sends is in the store once, in every order of mishaps."""

import fcntl
import getpass
import json
import os
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from elk_sandbox.runtime.store import Store
from rlhf_lab.labels import order
from rlhf_lab.pages.background import background
from tests.lab.pages.visit import Started, ended, finished, pool, told, visit

WHO = {"label_pool": "first", "label_who": "ann", "label_repeats": "none"}
CARD = "card:first:ann:0.0"


def data(app: AppTest) -> dict[str, Any]:
    """What the card was given."""
    (card,) = [each for each in app.get("bidi_component") if "rlhf_lab_card" in each.proto.component_name]
    found: dict[str, Any] = json.loads(card.proto.json)
    return found


def send(app: AppTest, *events: dict[str, Any], window: str = "w") -> AppTest:
    """The card sends these events, numbered from 1."""
    numbered = [{"at": at, **event} for at, event in enumerate(events, 1)]
    app.session_state[CARD] = {"sent": {"window": window, "again": len(events), "events": numbered}}
    app.run()
    assert not app.exception
    return app


def label(number: int, value: int, before: int = 0) -> dict[str, Any]:
    return {"kind": "label", "number": number, "before": before, "value": value}


def kept(store: Store, who: str = "ann") -> list[tuple[int, int]]:
    return [(judgement.number, judgement.value) for judgement in store.current("first", who)]


def test_without_a_model_the_page_says_where_texts_come_from(home: Path, started: Started) -> None:
    app = visit("label")
    assert "the demo trains one" in told(app).lower()
    assert [link.label for link in app.get("page_link")] == ["Start one of them"]
    assert not started.commands


def test_with_a_model_and_no_pool_one_click_samples_one(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("label")
    assert "There is no pool of texts yet" in told(app)
    app.number_input(key="pool_count").set_value(50).run()
    app.button[0].click().run()
    words = started.commands["sample"]
    assert words[2:9] == ["rlhf_lab", "sample", "base", "--count", "50", "--pool", "pool-1"]
    assert words[-2:] == ["--workspace", str(home)]


def test_a_pools_name_is_plain_and_drawn_as_text(home: Path, store: Store, started: Started) -> None:
    finished(store, home, "base", "pretrain")
    app = visit("label")
    app.text_input(key="pool_name").set_value("<b>x</b>").run()
    app.button[0].click().run()
    assert "cannot name a pool" in app.error[0].value and not started.commands
    job = background(home, "sample")
    job.folder.mkdir(parents=True)
    (job.folder / "sample.json").write_text('["<b>x</b>"]')
    with (job.folder / "sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        bodies = [each.proto.body for each in visit("label").get("html")]
    (running,) = [body for body in bodies if "Sampling the pool" in body]
    assert "&lt;b&gt;x&lt;/b&gt;" in running


def test_the_card_shows_the_raters_own_order(store: Store) -> None:
    pool(store)
    shown = data(visit("label", **WHO))
    expected = [item.number for item in order(store, "first", "ann")]
    assert [due["number"] for due in shown["ahead"]] == expected[: len(shown["ahead"])]
    assert (shown["left"], shown["total"], shown["behind"]) == (30, 30, [])
    assert data(visit("label", **{**WHO, "label_repeats": "20 %"}))["total"] == 36


def test_a_label_is_kept_once_however_often_it_is_sent(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    first, second, *_ = [due["number"] for due in data(app)["ahead"]]
    send(app, label(first, 1))
    assert kept(store) == [(first, 1)]
    assert data(app)["kept"] == 1 and data(app)["window"] == "w"
    send(app, label(first, 1), label(second, -1))  # the first once more, as its receipt was not seen in time
    assert kept(store) == [(first, 1), (second, -1)]
    assert len(store.events("first")) == 2
    assert data(app)["left"] == 28
    assert [given["value"] for given in data(app)["behind"]] == [1, -1]


def test_a_server_that_was_restarted_keeps_nothing_twice(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    first, second, *_ = [due["number"] for due in data(app)["ahead"]]
    events = label(first, 1), {"kind": "undo", "number": first, "before": 0}, label(first, -1), label(second, 0)
    send(app, *events)
    send(visit("label", **WHO), *events)  # a session that remembers nothing, and a browser that sends all again
    assert kept(store) == [(first, -1), (second, 0)]


def test_what_was_withdrawn_elsewhere_is_not_revived_by_a_restart(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    first, second, *_ = [due["number"] for due in data(app)["ahead"]]
    event = label(first, 1) | {"place": data(app)["place"]}
    send(app, event)
    other = visit("label", **WHO)
    undo = {"kind": "undo", "number": first, "before": 0, "place": data(other)["place"]}
    send(other, undo, window="other")
    assert kept(store) == []
    restarted = send(visit("label", **WHO), event)  # a session that remembers nothing
    assert kept(store) == [] and data(restarted)["kept"] == 1
    later = label(first, 1) | {"place": data(restarted)["place"]}
    send(restarted, event, later, label(second, 0))  # said anew, it counts
    assert kept(store) == [(first, 1), (second, 0)]


def test_what_never_arrived_is_kept_after_a_restart(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    first, second, *_ = [due["number"] for due in data(app)["ahead"]]
    at = {"place": data(app)["place"]}
    undo = {"kind": "undo", "number": first, "before": 0}
    events = [each | at for each in (label(first, 1), undo, label(first, -1), label(second, 0))]
    for most in (1, 2, 3, 4, 4):  # the server dies after each of them
        send(visit("label", **WHO), *events[:most])
    assert kept(store) == [(first, -1), (second, 0)]
    assert len(store.events("first")) == 4


def test_undo_and_skip_come_back(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    first, second, *_ = [due["number"] for due in data(app)["ahead"]]
    send(app, {"kind": "skip", "number": first}, label(second, 1), {"kind": "undo", "number": second, "before": 0})
    assert kept(store) == []
    assert data(app)["ahead"][0]["number"] == second
    assert first not in [due["number"] for due in data(app)["ahead"]]
    assert data(app)["left"] == 30


def test_two_windows_of_one_rater_label_no_text_twice(store: Store) -> None:
    pool(store)
    one, two = visit("label", **WHO), visit("label", **WHO)
    first, second, third, *_ = [due["number"] for due in data(one)["ahead"]]
    send(one, label(first, 1))
    send(two, label(first, -1), label(second, -1), window="other")
    assert kept(store) == [(first, 1), (second, -1)]
    send(one, label(first, 1), label(second, 1), label(third, 0))
    assert kept(store) == [(first, 1), (second, -1), (third, 0)]
    assert data(one)["ahead"][0]["number"] not in (first, second, third)


def test_two_people_share_a_pool(store: Store) -> None:
    pool(store)
    ann, bob = visit("label", **WHO), visit("label", **{**WHO, "label_who": "bob"})
    assert [d["number"] for d in data(ann)["ahead"]] != [d["number"] for d in data(bob)["ahead"]]
    number = data(ann)["ahead"][0]["number"]
    send(ann, label(number, 1))
    assert kept(store, "bob") == []
    assert "ann" in told(visit("label", **{**WHO, "label_who": "bob"}))


def test_nonsense_from_a_browser_is_not_kept(store: Store) -> None:
    pool(store)
    app = visit("label", **WHO)
    send(app, label(999, 1))
    assert "no item 999" in data(app)["fault"]
    assert data(app)["kept"] == 0
    send(visit("label", **WHO), label(0, 7))
    assert kept(store) == []


def test_a_simulated_raters_name_is_refused_and_no_name_is_asked_for(home: Path, store: Store) -> None:
    from numpy.random import default_rng

    from rlhf_lab.labels import label_with
    from rlhf_lab.raters import make

    pool(store)
    label_with(store, "first", make("careful"), default_rng(0))
    app = visit("label", **{**WHO, "label_who": "careful"})
    assert "simulated rater" in app.error[0].value
    app.text_input(key="label_who").set_value(" ").run()
    assert "Whose labels are these?" in told(app)
    assert "careful simulated" in " ".join(told(app).split())


def test_export_and_import_go_round(store: Store) -> None:
    from rlhf_lab.pages.label_files import _import, _writer

    pool(store)
    app = visit("label", **WHO)
    numbers = [due["number"] for due in data(app)["ahead"]][:3]
    send(app, *(label(number, 1) for number in numbers))
    written = _writer(store, "first", "csv", "ann", False)()
    assert written.decode().splitlines()[0] == "id,text,label,rater,place,at"
    assert _import(store, "first", "labels of ann.csv", written, "bob").startswith(
        "labels of ann.csv: 3 labels are new"
    )
    assert sorted(kept(store, "bob")) == sorted(kept(store))
    with pytest.raises(Exception, match=r"^mine.csv, row 2: label is 'fine'"):
        _import(store, "first", "mine.csv", b"id,label\n0,fine\n", "bob")


def test_a_simulated_rater_is_the_command_with_the_knobs_that_were_turned(store: Store, started: Started) -> None:
    pool(store)
    app = visit("label", **WHO, label_tab="Simulated raters")
    app.selectbox(key="simulate_rater").set_value("noisy").run()
    app.number_input(key="knob:noisy:slip").set_value(0.5).run()
    next(b for b in app.button if b.label == "Let noisy label all").click().run()
    words = started.commands["simulate-first"]
    assert words[2:-2] == [
        "rlhf_lab", "label", "first", "--simulate", "noisy", "--rater", "noisy", "--seed", "0", "--json",
        "--set", "slip=0.5",
    ]  # fmt: skip


def test_a_click_that_comes_with_what_was_typed_counts(home: Path, store: Store, started: Started) -> None:
    pool(store)
    finished(store, home, "base", "pretrain")
    app = visit("label", **WHO, label_tab="New pool")
    app.number_input(key="pool_count").set_value(40)
    app.text_input(key="pool_name").set_value("mine")
    next(b for b in app.button if b.label == "Sample 300 texts").click().run()
    assert started.commands["sample"][3:8] == ["sample", "base", "--count", "40", "--pool"]
    assert "mine" in started.commands["sample"]
    app = visit("label", **WHO, label_tab="Simulated raters")
    app.text_input(key="simulate_who:careful").set_value("sam")
    next(b for b in app.button if b.label == "Let careful label all").click().run()
    assert started.commands["simulate-first"][7:9] == ["--rater", "sam"]


def test_a_command_that_failed_is_told_by_its_last_line(home: Path, store: Store) -> None:
    pool(store)
    finished(store, home, "base", "pretrain")
    job = background(home, "sample")
    os.makedirs(job.folder)
    (job.folder / "sample.json").write_text('["second"]')
    job.log.write_text("rlhf-lab: a pool or sheet called 'second' exists: choose another name\n")
    app = visit("label", **WHO, label_tab="New pool")
    assert "choose another name" in app.error[0].value


@pytest.mark.parametrize(("where", "known"), [("localhost", True), ("127.0.0.1", True), ("0.0.0.0", False)])
def test_on_this_machine_the_rater_is_who_started_the_server(store: Store, where: str, known: bool) -> None:
    pool(store)
    before = config.get_option("server.address")
    config.set_option("server.address", where)
    try:
        app = visit("label", label_pool="first")
    finally:
        config.set_option("server.address", before)
    assert app.text_input(key="label_who").value == (getpass.getuser() if known else "")


def test_a_new_pool_is_chosen_by_its_button_so_that_the_next_key_labels_it(home: Path, store: Store) -> None:
    pool(store)
    finished(store, home, "base", "pretrain")
    pool(store, "mine", 60)
    ended(home, "sample", "mine", {"pool": "mine"})
    app = visit("label", **WHO, label_tab="New pool")
    assert app.selectbox(key="label_pool").value == "first"
    assert [each.value for each in app.success] == ["mine: 60 texts are ready"]
    app.text_input(key="pool_name").set_value("mine").run()
    assert not [each for each in app.caption if "already" in each.value]
    app.text_input(key="pool_name").set_value("first").run()
    assert [each.value for each in app.caption if "already" in each.value]
    app.button(key="pool_label").click().run()
    assert not app.exception
    assert app.selectbox(key="label_pool").value == "mine"
    assert app.query_params.get("label_pool", ["mine"]) == ["mine"]  # the latest, which needs no address
    (card,) = [each for each in app.get("bidi_component") if "rlhf_lab_card" in each.proto.component_name]
    assert json.loads(card.proto.json)["total"] == 60
    assert not [each for each in app.get("page_link") if each.label == "Label mine"]


def test_on_another_page_a_new_pool_is_reached_by_a_link(home: Path, store: Store) -> None:
    finished(store, home, "base", "pretrain")
    pool(store, "mine", 60)
    ended(home, "sample", "mine", {"pool": "mine"})
    app = visit("runs", runs_new="Pool of samples")
    (link,) = [each for each in app.get("page_link") if each.label == "Label mine"]
    assert link.proto.query_string == "label_pool=mine"
