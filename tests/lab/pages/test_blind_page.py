"""The page for blind rating without a browser: power before, nothing of the arms until all is rated, then all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox.runtime.store import Store
from rlhf_lab.blind_outcome import outcome
from rlhf_lab.blind_power import chances
from rlhf_lab.blind_sheet import make_sheet, reveal, was_revealed
from rlhf_lab.labels import Text, label_with, notes
from rlhf_lab.raters import make
from tests.lab.pages.visit import Started, ended, finished, told, visit

HIDDEN = ("original", "trained", "twin")


def sheet(store: Store, n: int = 6) -> None:
    arms = {arm: [Text(f"{arm[::-1]} speech {k}", (k,), arm) for k in range(n)] for arm in HIDDEN}
    make_sheet(store, "sheet", arms, n, 3)


def rate(store: Store, who: str, most: int | None = None) -> None:
    numbers = [item.number for item in store.items("sheet")][:most]
    store.judge_all("sheet", who, [(number, (number * 5) % 3 - 1) for number in numbers])


def part(name: str, who: str = "ann") -> AppTest:
    return visit("blind", blind_sheet="sheet", blind_who=who, blind_part=name)


def press(app: AppTest, label: str) -> AppTest:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception
    return app


def test_without_a_policy_the_page_says_what_is_missing(home: Path) -> None:
    app = visit("blind")
    assert "there is no PPO run with a checkpoint yet" in told(app)
    assert [link.label for link in app.get("page_link")] == ["Start the demo, or a PPO run"]


def policy(store: Store, home: Path, name: str = "policy", target: str = "positive") -> None:
    run = finished(store, home, name, "ppo")
    for step, nats in ((0, 0.0), (3, 4.0), (5, 9.0), (8, 12.0)):
        (run.folder / "checkpoints" / f"{step:06}").mkdir(parents=True)
        store.record(name, [("kl/exact", step, nats)])
    if target == "negative":
        store.delete_run(name)
        store.create_run(name, "ppo", run.config | {"target": target}, {})
        store.mark_ended(name, "done")
        store.record(name, [("kl/exact", step, nats) for step, nats in ((0, 0.0), (3, 4.0), (5, 9.0))])


def test_power_is_told_before_and_changes_with_n(home: Path, store: Store) -> None:
    policy(store, home)
    app = visit("blind")
    assert "What 20 and 20 can show" in told(app)
    assert "30% to 80% 85% 89%" in " ".join(told(app).split())
    assert f"30% to 80% 85% 89% {chances(20)[2].both:.0%}" in " ".join(told(app).split())
    app.slider(key="blind_n").set_value(40).run()
    assert "30% to 60% 72% 71%" in " ".join(told(app).split())


def test_the_sheet_is_the_command_with_the_checkpoint_before_the_stop(
    home: Path, store: Store, started: Started
) -> None:
    policy(store, home)
    policy(store, home, "twin", "negative")
    app = visit("blind", blind_run="policy")
    assert app.selectbox(key="blind_run").value == "policy"
    assert app.selectbox(key="blind_at:policy").value == 5
    app.selectbox(key="blind_twin").set_value("twin").run()
    each = chances(20, 3)[2]
    assert each.both < chances(20)[2].both and each.both <= min(each.fisher, each.mann_whitney)
    told_power = f"30% to 80% {each.fisher:.0%} {each.mann_whitney:.0%} {each.both:.0%}"
    assert told_power in " ".join(told(app).split()) and "three comparisons" in told(app)
    press(app, "Make the sheet")
    assert started.commands["blind"][2:-2] == [
        "rlhf_lab", "blind", "make", "policy-blind-1", "policy", "--checkpoint", "5", "--twin", "twin", "--n", "20",
        "--json",
    ]  # fmt: skip


def test_the_address_names_the_trained_model_as_the_runs_page_links_it(home: Path, store: Store) -> None:
    policy(store, home, "earlier")
    policy(store, home, "later")
    app = visit("blind", blind_part="New sheet", blind_run="earlier", blind_n="33")
    assert app.selectbox(key="blind_run").value == "earlier"
    assert "What 33 and 33 can show" in told(app)
    assert visit("blind", blind_run="no such run").selectbox(key="blind_run").value == "later"
    (link,) = [each for each in visit("runs", runs_run="earlier").get("page_link") if each.label == "Rate it blindly"]
    assert "blind_run=earlier" in link.proto.query_string


@pytest.mark.parametrize("name", ["--help", "a/b", "<b>"])
def test_a_sheet_needs_a_plain_name(home: Path, store: Store, started: Started, name: str) -> None:
    policy(store, home)
    app = visit("blind", blind_run="policy")
    app.text_input(key="blind_name:policy-blind-1").set_value(name).run()
    press(app, "Make the sheet")
    assert "cannot name a sheet" in app.error[0].value and not started.commands


def test_nothing_of_the_arms_is_on_the_page_before_all_is_rated(store: Store) -> None:
    sheet(store)
    rate(store, "ann", 17)
    app = part("Rate")
    (card,) = app.get("bidi_component")
    given = json.loads(card.proto.json)
    assert [sorted(due) for due in given["ahead"]] == [["before", "number", "text"]]
    assert {frozenset(each) for each in given["behind"]} == {frozenset(("before", "number", "text", "value"))}
    assert not [arm for arm in HIDDEN if f'"{arm}"' in card.proto.json]
    app = part("Result")
    assert "%" not in told(app) and "interval" not in told(app)
    assert "1 of 18 texts are left for ann" in told(app)
    assert [each.label for each in app.button] == ["Reveal now, and break the blind"]
    assert not was_revealed(store, "sheet", "ann")


def test_when_all_is_rated_one_click_reveals_and_a_refresh_shows_it_again(store: Store) -> None:
    sheet(store)
    rate(store, "ann")
    app = press(part("Result"), "Reveal")
    assert was_revealed(store, "sheet", "ann")
    assert_shows(app, outcome(store, "sheet", "ann"))
    assert_shows(part("Result"), outcome(store, "sheet", "ann"))
    assert len(notes(store, "sheet", "revealed")) == 1
    assert not app.warning


def assert_shows(app: AppTest, found: dict[str, Any]) -> None:
    shown = " ".join(told(app).split())
    for each in found["comparisons"]:
        assert f"p = {each['fisher']:.2g}" in shown
        assert f"p = {each['mann_whitney']:.2g}" in shown
        for share in each["positive"]:
            assert f"{share['share']:.0%} {share['low']:.0%} to {share['high']:.0%}" in shown
    assert "The trained model against the original model" in shown
    assert "hceeps" not in shown and "dniart" not in shown
    assert "lanigiro speech 0" in shown


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (((0, 60, 0), (40, 0, 20)), "rated positive more often than the original model, but lower on the whole."),
        (((0, 60, 0), (0, 20, 40)), "The trained model was rated higher than the original model, by both tests"),
        (((0, 60, 0), (1, 58, 1)), "No difference that both tests"),
    ],
)
def test_a_direction_is_told_only_if_both_tests_point_there(
    store: Store, counts: tuple[tuple[int, int, int], ...], expected: str
) -> None:
    arms = {arm: [Text(f"{arm[::-1]} {k}", (k,), arm) for k in range(60)] for arm in HIDDEN[:2]}
    make_sheet(store, "sheet", arms, 60, 3)
    due = {arm: [value for value, n in zip((-1, 0, 1), each, strict=True) for _ in range(n)]
           for arm, each in zip(HIDDEN, counts, strict=False)}  # fmt: skip
    given = [(item.number, due[item.meta["places"][0][0]].pop()) for item in store.items("sheet")]
    store.judge_all("sheet", "ann", given)
    shown = " ".join(told(press(part("Result"), "Reveal")).split())
    assert expected in shown
    assert ("by both tests" in shown) == ("by both tests" in expected)


def test_a_forced_reveal_is_said_and_kept(store: Store) -> None:
    sheet(store)
    rate(store, "ann", 12)
    app = press(part("Result"), "Reveal now, and break the blind")
    assert "The blind was broken" in app.warning[0].value
    for _ in range(2):
        assert "The blind was broken" in part("Result").warning[0].value
    assert len(notes(store, "sheet", "revealed")) == 1
    rate(store, "ann")  # she rates the rest, knowing
    app = press(part("Result"), "Reveal")
    assert "The blind was broken" in app.warning[0].value


def test_a_name_that_is_typed_before_a_reveal_breaks_nobodys_blind(store: Store) -> None:
    sheet(store)
    rate(store, "ann", 12)
    app = part("Result")
    app.text_input(key="blind_who").set_value("bob")
    press(app, "Reveal now, and break the blind")
    assert_hides(app)
    assert not notes(store, "sheet", "revealed")


def test_who_is_rating_is_not_shown_others_results(store: Store) -> None:
    sheet(store)
    label_with(store, "sheet", make("careful"), np.random.default_rng(0))
    rate(store, "ann", 5)
    app = part("Result")
    assert not [each for each in app.selectbox if each.key == "blind_of"]
    assert "13 of 18 texts are left for ann" in told(app)
    onlooker = part("Result", "eve")
    assert "18 of 18 texts are left for eve" in told(onlooker)
    for app in (onlooker, part("Result", "careful"), part("Result", " ")):
        assert_hides(app)
    assert not notes(store, "sheet", "revealed")


def assert_hides(app: AppTest) -> None:
    """Nothing of the arms, of what was rated, or of any text is drawn."""
    shown = told(app) + "".join(each.value for each in app.markdown)
    assert not [word for word in ("speech", "%", "Kappa", "against", "positive") if word in shown]
    assert not app.expander and not app.get("download_button")
    assert not [each for each in app.selectbox if each.label == "Ratings of"]


def test_the_demos_own_sheet_is_as_blind_as_any(store: Store) -> None:
    sheet(store)
    label_with(store, "sheet", make("careful"), np.random.default_rng(0))
    outcome(store, "sheet", "careful")  # as the demo does
    for who in ("ann", "careful", ""):
        assert_hides(part("Result", who))
    rate(store, "ann")
    app = press(part("Result"), "Reveal")
    assert_shows(app, outcome(store, "sheet", "ann"))
    app.selectbox(key="blind_of:ann").set_value("careful").run()
    assert_shows(app, outcome(store, "sheet", "careful"))
    assert not reveal(store, "sheet", "ann").broken


def test_who_looks_at_anothers_result_by_force_has_broken_her_own_blind_alone(store: Store) -> None:
    sheet(store)
    rate(store, "bob", 4)
    label_with(store, "sheet", make("careful"), np.random.default_rng(0))
    app = press(part("Result", "eve"), "Reveal now, and break the blind")
    assert_shows(app, outcome(store, "sheet", "careful"))
    assert "eve broke the blind with 18 texts left" in app.warning[0].value
    assert not [each for each in app.selectbox if "bob" in each.options]
    rate(store, "eve")
    assert "The blind was broken" in press(part("Result", "eve"), "Reveal").warning[0].value
    rate(store, "bob")
    assert not reveal(store, "sheet", "bob").broken


def test_a_visitor_cannot_break_anothers_blind(store: Store) -> None:
    sheet(store)
    rate(store, "bob", 4)
    app = part("Result", "eve")
    assert_hides(app)
    assert not app.button
    rate(store, "bob")
    assert not reveal(store, "sheet", "bob").broken


def test_agreement_is_with_all_who_have_rated_the_whole_sheet(store: Store) -> None:
    sheet(store)
    rate(store, "ann")
    label_with(store, "sheet", make("careful"), np.random.default_rng(0))
    app = press(part("Result"), "Reveal")
    kappa = outcome(store, "sheet", "ann")["agreement"]["kappa"]["careful"]
    expected = "undefined with careful" if kappa != kappa else f"{kappa:.2f} with careful"
    assert expected in " ".join(told(app).split())


@pytest.mark.parametrize("who", ["careful", " "])
def test_a_simulated_rater_and_nobody_rate_nothing(store: Store, who: str) -> None:
    sheet(store)
    label_with(store, "sheet", make("careful"), np.random.default_rng(0))
    app = part("Rate", who)
    assert not app.get("bidi_component")
    assert "simulated rater" in app.error[0].value if who == "careful" else "Say above who is rating" in told(app)


def test_a_new_sheet_is_rated_by_its_button(home: Path, store: Store) -> None:
    policy(store, home)
    sheet(store)
    arms = {arm: [Text(f"{arm} {k}", (k,), arm) for k in range(5)] for arm in HIDDEN[:2]}
    make_sheet(store, "policy-blind-1", arms, 5, 3)
    ended(home, "blind", "policy-blind-1", {"texts": 10})
    app = part("New sheet")
    assert app.selectbox(key="blind_sheet").value == "sheet"
    assert [each.value for each in app.success] == ["policy-blind-1: 10 texts are ready"]
    press(app, "Rate policy-blind-1: 10 texts")
    assert app.selectbox(key="blind_sheet").value == "policy-blind-1"
    assert app.query_params.get("blind_sheet", ["policy-blind-1"]) == ["policy-blind-1"]
    assert app.query_params.get("blind_part", ["Rate"]) == ["Rate"]
    (card,) = app.get("bidi_component")
    assert json.loads(card.proto.json)["total"] == 10


def test_when_the_last_text_is_rated_the_result_is_a_button_away(store: Store) -> None:
    sheet(store)
    rate(store, "ann", 17)
    app = part("Rate")
    assert "17 of 18" in told(app) and not app.button
    (card,) = app.get("bidi_component")
    (due,) = json.loads(card.proto.json)["ahead"]
    event = {"at": 1, "kind": "label", "number": due["number"], "before": 0, "value": 1}
    app.session_state["card:sheet:ann"] = {"sent": {"window": "w", "again": 1, "events": [event]}}
    app.run()
    assert "18 of 18" in told(app)
    press(app, "See the result")
    assert app.query_params["blind_part"] in ("Result", ["Result"])
    assert "ann has rated all 18 texts" in told(app)
