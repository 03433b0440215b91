"""The vault page without a browser: what it shows of a situation, what its controls do to the address, its states."""

import fcntl
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from elk_sandbox import beliefs, worlds
from elk_sandbox.cells import build
from elk_sandbox.keys import case_key, source
from elk_sandbox.pages import access
from elk_sandbox.pages.graph import legend, net
from elk_sandbox.pages.scene import outside, room
from elk_sandbox.pages.svg import Shape
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.stage import Stage, of_world
from tests import apptest
from tests.apptest import told

SCREEN = "A screen with a picture of the diamond stands before the lens"
Started = list[tuple[list[str], set[str]]]


def opened(**query: str) -> AppTest:
    return apptest.opened("elk_sandbox/pages/vault.py", **query)


def row(app: AppTest, who: str) -> str:
    return row_of(told(app), who)


def row_of(shown: str, who: str) -> str:
    (found,) = [line for line in shown.split("<tr") if f'<th scope="row">{who}<' in line]
    return found


def toggle(app: AppTest, label: str) -> Any:
    (found,) = [t for t in app.toggle if t.label == label]
    return found


def at(app: AppTest) -> str:
    return str(app.query_params["vault_at"])


def test_it_opens_on_a_likely_situation_where_all_is_well(started: Started) -> None:
    app = opened()
    shown = told(app)
    assert "the lens is free; the diamond is in the vault" in shown
    assert 'value="0.45"' in shown
    assert "yes" in row(app, "human simulator")
    assert "They part in 1 situation, probability 0.09 in all" in shown
    assert [b.label for b in app.button] == ["Walk to where they part"]
    assert started == []


def test_what_a_letter_stands_for_is_said_below_the_net_and_where_it_is_looked_at(started: Started) -> None:
    shown = told(opened())
    assert (
        "<dt>t</dt><dd>1: a screen with a picture of the diamond stands before the lens; 0: the lens is free" in shown
    )
    assert '<abbr title="1: the diamond is in the vault; 0: the diamond is gone">d</abbr>' in row_of(
        shown, "direct translator"
    )
    assert "yes <data" in row_of(shown, "careful") and ">0.836<" in row_of(shown, "careful")
    assert "<dt>lever 1</dt>" not in told(opened(vault_world="levers"))


def test_one_button_walks_to_where_they_part(started: Started) -> None:
    app = opened()
    app.button[0].click().run()
    assert at(app) == "t"
    assert "wrong" in row(app, "human simulator")
    assert "right" in row(app, "direct translator")
    assert "Here they part: 1 of 1 situation" in told(app)
    assert "outside all data that humans label" in told(app)
    assert {b.label: b.disabled for b in app.button} == {"Previous": True, "Next": True, "Back to the likeliest": False}
    assert toggle(app, SCREEN).value is True


def test_next_and_previous_go_through_all_partings(started: Started) -> None:
    app = opened(vault_world="tricks", vault_against="human_simulator_operator")
    stage = of_world(worlds.tricks())
    apart = stage.partings("direct_translator", "human_simulator_operator").tolist()
    app.button[0].click().run()
    for k in range(3):
        assert at(app) == stage.code(apart[k])
        assert f"Here they part: {k + 1} of {len(apart)} situations" in told(app)
        next(b for b in app.button if b.label == "Next").click().run()
    next(b for b in app.button if b.label == "Previous").click().run()
    assert at(app) == stage.code(apart[2])


def test_a_situation_in_the_address_is_shown(started: Started) -> None:
    app = opened(vault_at="t,d,c")  # as a witness gives it: with a node that follows
    assert "a screen with a picture of the diamond stands before the lens; the diamond is in the vault" in told(app)
    app = opened(vault_at="1,2,3")
    assert "There is no such situation" in told(app)


def test_a_toggle_sets_a_node_and_says_what_gave_way(started: Started) -> None:
    app = opened(vault_world="tricks", vault_at="d,u0,u1,u2")
    toggle(app, "The diamond was removed by the trick that the operator planned").set_value(True).run()
    assert at(app).startswith("k1")
    assert toggle(app, "The diamond is in the vault").value is False
    assert "With that it came that the diamond is gone" in told(app)
    app.run()
    assert "With that it came" not in told(app)  # told once


def test_bits_without_words_are_set_too(started: Started) -> None:
    app = opened(vault_world="tricks", vault_at="d,u0,u1,u2")
    (bits,) = [p for p in app.get("button_group") if p.label.startswith("Bits")]
    assert bits.value == ["u0", "u1", "u2"]
    bits.set_value(["u0", "u1", "u2", "u4"]).run()
    assert at(app) == "d,u0,u1,u2,u4"


def test_the_rival_is_chosen_and_in_the_address(started: Started) -> None:
    app = opened()
    (rivals,) = [s for s in app.selectbox if s.label == "direct translator and"]
    rivals.set_value("flag").run()
    assert app.query_params["vault_against"] == "flag"
    assert "They part in 1 situation, probability 0.01" in told(app)


def test_another_human_is_looked_through(started: Started) -> None:
    app = opened(vault_world="tricks", vault_human="hstar", vault_at="k3")
    (people,) = [p for p in app.get("button_group") if p.label == "Human"]
    assert people.value == "hstar"
    assert "Sees c, k1, k2, k3. " in re.sub(r"<[^>]*>", "", told(app))
    people.set_value("operator").run()
    assert app.query_params["vault_human"] == "operator"
    assert "Sees c, k1. " in re.sub(r"<[^>]*>", "", told(app))
    app = opened(vault_world="screen", vault_human="operator")  # sees as the viewer
    assert "Sees c. " in re.sub(r"<[^>]*>", "", told(app))


def test_another_world_begins_anew(started: Started) -> None:
    app = opened(vault_at="t", vault_against="flag")
    app.selectbox[0].set_value("hard_inference").run()
    assert not app.exception
    assert app.query_params["vault_world"] == "hard_inference"
    assert "vault_at" not in app.query_params
    assert "looks at" in told(app)


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_every_world_opens(name: str, started: Started) -> None:
    app = opened(vault_world=name)
    assert "What each of them answers" in told(app)
    assert row(app, "truth")


@pytest.mark.parametrize("query", [{"vault_world": "<b>"}, {"vault_case": "<b>"}])
def test_a_strange_name_is_told(query: dict[str, str], started: Started) -> None:
    assert "called <code>&lt;b&gt;</code>. Choose one from the list." in told(opened(**query))


def case(home: Path, *settings: str) -> tuple[str, dict[str, Any]]:
    entry = Registry.default().counterexamples["complex_translation"]
    file = source(entry, entry.settings(list(settings)))
    return case_key(file, None), file


def test_a_case_that_is_not_there_is_offered_to_be_built(started: Started, tmp_path: Path) -> None:
    app = opened(vault_case="complex_translation", vault_set="atoms=3;tamper=0.2")
    assert "has not been built yet" in told(app)
    app.button[0].click().run()
    ((command, keys),) = started
    key, file = case(tmp_path, "atoms=3", "tamper=0.2")
    assert command[:4] == [sys.executable, "-m", "elk_sandbox", "check"]
    assert command[4] == f"{file['path']}:complex_translation"
    assert command[5:] == ["--workspace", str(tmp_path / "workspace"), "--set", "atoms=3", "--set", "tamper=0.2"]
    assert keys == {key}


def test_a_case_is_not_built_for_strangers(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "local", lambda: False)
    app = opened(vault_case="complex_translation")
    assert not app.button
    assert "it runs no user code" in app.warning[0].value


def test_while_a_case_is_built_the_page_waits(started: Started, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    home.mkdir()
    with (home / "vault.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened(vault_case="complex_translation")
        assert "is being built" in told(app)
        assert not app.button
    assert "has not been built yet" in told(opened(vault_case="complex_translation"))


def test_a_case_that_could_not_be_built_is_told(started: Started, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    home.mkdir()
    (home / "vault.json").write_text(json.dumps([case(home)[0]]))
    (home / "vault.log").write_text("complex_translation.py:9: ValueError: no\n\n")
    app = opened(vault_case="complex_translation")
    assert "complex_translation.py:9: ValueError: no" in app.error[0].value
    assert [b.label for b in app.button] == ["Build it again"]


def test_a_built_case_is_read_and_not_run(started: Started, tmp_path: Path) -> None:
    _, file = case(tmp_path)
    build(file, [None], tmp_path / "workspace")
    app = opened(vault_case="complex_translation", vault_at="t")
    assert "Bad reporters that it names: <code>human_simulator</code>, <code>upstream_simulator</code>" in told(app)
    assert "named bad" in row(app, "upstream simulator")
    assert "wrong" in row(app, "upstream simulator")
    assert started == []
    assert app.selectbox[0].value == "case of complex_translation"


def test_a_wrong_knob_of_a_case_is_told(started: Started) -> None:
    app = opened(vault_case="complex_translation", vault_set="atms=3")
    assert "no knob 'atms'; did you mean 'atoms'?" in app.error[0].value


def all_of(shapes: Sequence[Shape]) -> list[Shape]:
    found = []
    for shape in shapes:
        found.append(shape)
        if isinstance(shape[2], list):
            found += all_of(shape[2])
    return found


def test_the_scene_shows_what_is_the_case() -> None:
    stage = of_world(worlds.screen())
    fooled, clear = stage.find("t"), stage.find("d")
    assert fooled is not None
    assert clear is not None
    assert room(stage, fooled).label == (
        "The vault: the pedestal is empty; a screen with a picture of the diamond stands before the lens"
    )
    for at, there in ((fooled, False), (clear, True)):
        shapes = all_of(room(stage, at).shapes)
        (stand,) = [s for s in shapes if s[1].get("data-pick") == "d"]
        assert stand[1]["aria-pressed"] == str(there).lower()
        drawn = {s[1].get("class") for s in all_of(stand[2])}
        assert ("gem" in drawn, "gone" in drawn) == (there, not there)
    assert "the viewer concludes: yes" in outside(stage, fooled, "viewer").label


def test_every_standard_world_is_drawn_in_every_situation() -> None:
    for name in worlds.STANDARD:
        stage: Stage = of_world(worlds.find(name)())
        chosen = {c.node for c in stage.choices}
        for at in range(0, len(stage.world.weights), 5):
            for picture in (room(stage, at), *(outside(stage, at, level) for level in stage.world.sees)):
                assert picture.label
                for tag, attributes, _ in all_of(picture.shapes):
                    assert "nan" not in json.dumps([tag, attributes])
                    assert attributes.get("data-pick", next(iter(chosen))) in chosen


def test_a_net_says_where_a_belief_is_wrong() -> None:
    world = worlds.screen()
    stage = of_world(world)
    at = stage.find("t")
    assert at is not None
    actual = {n: stage.value(at, n) for n in world.nodes}
    own = beliefs.human(world, "viewer", at)
    drawn = net(own, world.words, actual, "The viewer's net")
    titles = [s[2] for s in all_of(drawn.shapes) if s[0] == "title"]
    (wrong,) = [t for t in titles if t.startswith("d:")]
    assert wrong.endswith("answers 'is the diamond there?'; in truth it is 0")
    assert sum(s[1].get("class") == "wrong" for s in all_of(drawn.shapes)) == 1
    assert drawn.label == "The viewer's net: P(node is 1) for d 1, c 1"


def test_a_name_is_whole_and_the_number_alone_is_inside_its_node() -> None:
    world = worlds.two_cue()
    own = beliefs.human(world, "viewer", of_world(world).start)
    texts = [s for s in all_of(net(own, world.words, {}, "A net").shapes) if s[0] == "text"]
    written = " ".join(s[2] for s in texts)
    assert "would an inspector find the diamond?" in written and "…" not in written
    assert sum(s[1]["class"].startswith("mid small") and s[2] in ("0", "1") for s in texts) == len(own.nodes)


def test_the_legend_explains_what_is_in_the_nets_and_nothing_else() -> None:
    world = worlds.tricks()
    stage = of_world(world)
    plain = beliefs.human(world, "viewer", stage.start)
    assert [p.label for p in legend([plain])] == [
        "filled, and numbered, as far as it is likely to be 1", "a pixel, what the camera shows",
        "a pixel that is looked at",
    ]  # fmt: skip
    held = beliefs.predictor(world, stage.start, whole=False)
    assert "in the world, no node of the predictor" in [p.label for p in legend([plain, held])]


def test_the_knobs_of_a_standard_world_are_in_the_address(started: Started) -> None:
    app = opened(vault_knobs="true")
    app.slider(key="vault_knob_tamper").set_value(0.3).run()
    assert app.query_params["vault_set"] in ("tamper=0.3", ["tamper=0.3"])
    world = worlds.screen(tamper=0.3)
    apart = of_world(world).partings("direct_translator", "human_simulator").tolist()
    assert f"probability {float(world.weights[apart].sum()):.3g} in all" in told(app)
    assert "With tamper 0.3." in told(app)
    press = next(b for b in app.button if b.label == "As they were")
    press.click().run()
    assert "vault_set" not in app.query_params and app.slider(key="vault_knob_tamper").value == 0.1
    shown = told(opened(vault_world="atoms", vault_set="atoms=3;tamper=7;knob=1;pixels=4"))
    assert "With atoms 3." in shown
    impossible = opened(vault_set="tamper=1")
    assert "There is no such world: the data of 'viewer' hold no situation" in impossible.error[0].value


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_every_knob_of_a_standard_world_can_be_set_to_what_is_offered(name: str) -> None:
    for knob in worlds.knobs(name):
        offered = knob.choices or ((True, False) if knob.annotation == "bool" else (0.0, 0.2))
        for value in offered:
            assert of_world(worlds.find(name)(**{knob.name: value})).world.nodes
