"""The page on flips without a browser: its states, what its controls do, and what it shows of the kept records."""

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from elk_sandbox import keys
from elk_sandbox.__main__ import app as command_line
from elk_sandbox.keys import source
from elk_sandbox.pages import access
from elk_sandbox.pages.pair import Pair
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.symbolic.openings import OPENINGS
from tests import apptest
from tests.apptest import told

Started = list[tuple[list[str], set[str]]]


def opened(**query: str) -> AppTest:
    return apptest.opened("elk_sandbox/pages/flip.py", **query)


def solve(*arguments: str) -> int:
    return CliRunner().invoke(command_line, ["flip", *arguments, "--json"]).exit_code


def pair(proposal: str = "complexity", world: str = "human_simulator", *switches: str) -> Pair:
    registry = Registry.default()
    entry = None if OPENINGS[world].control else registry.counterexamples[world]
    return Pair(tuple(registry.proposals[n] for n in proposal.split("+")), world, entry, switches)


def chart(app: AppTest) -> Any:
    (drawn,) = app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    return drawn.proto


def test_nothing_solved_offers_one_button(started: Started, tmp_path: Path) -> None:
    app = opened()
    assert "will be here as a formula" in told(app)
    assert [b.label for b in app.button] == ["Solve it"]
    app.button[0].click().run()
    (command, keys), (listing, _) = started
    home = str(tmp_path / "workspace")
    assert listing[2:] == ["elk_sandbox", "flip", "--json", "--workspace", home]
    assert command[2:] == ["elk_sandbox", "flip", "complexity", "human_simulator", "--workspace", home, "--json"]
    assert keys == {pair().whole}


def test_a_solved_pair_has_plane_verdict_and_formulas(started: Started) -> None:
    assert solve("complexity", "human_simulator") == 0
    app = opened(flip_at="misreading=0.1;weight=0.5")
    shown = told(app)
    assert "J = L(viewer) + weight K" in shown
    assert "survives" in shown
    assert "<code>human_simulator</code> against <code>direct_translator" in shown
    formulas = "\n".join(m.value for m in app.latex)
    assert r"\mathrm{weight} = \frac{3\,\mathrm{misreading}\,\ln{\left(10 \right)}}{2}" in formulas
    places = [m.value for m in app.markdown if m.value.startswith("for ")]
    split = r"\frac{\ln{\left(\frac{100}{81} \right)}}{\ln{\left(\frac{1000000}{81} \right)}} ~(0.022367)"
    for sign in "<>":
        assert f"for $\\mathrm{{misreading}} {sign} {split}$" in places, "of a border"
        assert any(
            f"\\mathrm{{misreading}} {sign} {split} \\text{{ and }} \\mathrm{{weight}}" in place for place in places
        )
    assert [s.value for s in app.slider] == [0.1, 0.5]
    assert "killed, strict" in chart(app).alt
    assert {b.label for b in app.button} == {"Ask the judge at these values"}


def test_a_stock_value_that_no_slider_reaches_is_told(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert solve("complexity", "human_simulator") == 0
    assert "The stock world has misreading 0; that is another world" in told(opened())
    row, column = Registry.default().proposals["complexity"], Registry.default().counterexamples["human_simulator"]
    files = source(row, row.settings()), source(column, column.settings())
    cell = {"verdict": "killed", "relation": "tie", "seconds": 0.1}
    keys.keep(cell, *files, 0, tmp_path / "workspace")
    app = opened()
    assert "The stock world has misreading 0, where it is a tie" in told(app)
    (slider,) = [s for s in app.slider if s.label.startswith("misreading")]
    assert "glare" in slider.proto.help


def test_a_slider_moves_the_verdict_and_the_address(started: Started) -> None:
    assert solve("complexity", "human_simulator") == 0
    app = opened(flip_at="misreading=0.1;weight=0.5")
    weight = next(s for s in app.slider if s.label == "weight of complexity")
    weight.set_value(0.1).run()
    assert app.query_params["flip_at"] == "misreading=0.1;weight=0.1"
    assert '<span aria-hidden="true">\N{MULTIPLICATION SIGN}</span>killed, strict' in told(app)
    assert started == []


def test_the_judge_is_asked_and_its_word_is_shown(started: Started) -> None:
    assert solve("specificity", "fingerprint") == 0
    where = {"flip_proposal": "specificity", "flip_world": "fingerprint", "flip_at": "atoms=3;length=0.2;generality=1"}
    app = opened(**where)
    next(b for b in app.button if b.label.startswith("Ask the judge")).click().run()
    ((command, keys),) = started
    at = {"atoms": 3.0, "length": 0.2, "generality": 1.0}
    assert keys == {pair("specificity", "fingerprint").over((), at)}
    assert solve(*command[4:8], *command[9:]) == 0  # as it was started
    app = opened(**where)
    assert "The judge, by enumeration" in told(app)
    assert "the same" in told(app)
    assert not [b for b in app.button if b.label.startswith("Ask the judge")]


def test_beyond_what_the_judge_enumerates_only_the_form_speaks(started: Started) -> None:
    assert solve("specificity", "fingerprint") == 0
    app = opened(flip_proposal="specificity", flip_world="fingerprint", flip_at="atoms=9;length=0.2;generality=1")
    assert "The judge enumerates atoms up to 5" in told(app)
    assert not app.button


def test_another_third_value_asks_for_another_border(started: Started) -> None:
    assert solve("specificity", "fingerprint") == 0
    where = {"flip_proposal": "specificity", "flip_world": "fingerprint"}
    assert "has not been solved yet" not in told(opened(**where))
    app = opened(**where, flip_at="atoms=3;length=0.2;generality=0.5")
    assert "The border over atoms and length with generality = 0.5 has not been solved yet" in told(app)
    next(b for b in app.button if b.label == "Solve for the border").click().run()
    ((command, _),) = started
    assert solve(*command[4:8], *command[9:]) == 0
    assert "has not been solved yet" not in told(opened(**where, flip_at="atoms=3;length=0.2;generality=0.5"))


@pytest.mark.parametrize("wild", ["misreading=9;weight=-1", "misreading=nan;weight=x", "misreading", ";=;"])
def test_wild_values_in_the_address_are_put_in_their_place(wild: str, started: Started) -> None:
    assert solve("complexity", "human_simulator") == 0
    app = opened(flip_at=wild)
    misreading, weight = (s.value for s in app.slider)
    assert 0 < misreading < 0.5
    assert 0 < weight <= 2


def test_two_penalties_are_added(started: Started) -> None:
    assert solve("downstream+complexity", "screen") == 0
    app = opened(flip_proposal="downstream+complexity", flip_world="screen")
    assert [s.label for s in app.slider] == ["downstream.weight of downstream", "complexity.weight of complexity"]
    assert "survives everywhere" in chart(app).alt


def test_a_switch_leaves_out_the_contested_assumption(started: Started) -> None:
    where = {"flip_proposal": "computation_time", "flip_world": "cheap_simulation"}
    assert solve("computation_time", "cheap_simulation", "--set", "cached=false") == 0
    app = opened(**where)
    assert "will be here as a formula" in told(app)
    (cached,) = app.toggle
    cached.set_value(False).run()
    assert "J = L(viewer) + weight T" in told(app)


def test_what_has_no_closed_form_says_why(started: Started) -> None:
    assert solve("consistency", "simple_steganography") != 0
    app = opened(flip_proposal="consistency", flip_world="simple_steganography")
    assert "no closed form of inconsistency is known" in told(app)
    assert not app.button


def test_lists_say_what_has_no_closed_form(started: Started) -> None:
    assert CliRunner().invoke(command_line, ["flip", "--json"]).exit_code == 0
    app = opened(flip_proposal="cross_predictor_agreement", flip_world="fingerprint")
    assert "causal interventions, no closed form" in app.multiselect[0].options
    assert "cross predictor agreement" in app.multiselect[0].options
    worlds = app.selectbox[0].options
    assert "human simulator, no closed form" in worlds
    assert "complex translation" in worlds
    app.button[0].click().run()
    assert len(started) == 1  # what is known is not listed again


def test_choosing_begins_anew(started: Started) -> None:
    app = opened(flip_at="misreading=0.1;weight=0.5")
    app.selectbox[0].set_value("screen").run()
    assert app.query_params["flip_world"] == "screen"
    assert "flip_at" not in app.query_params
    app.multiselect[0].set_value([]).run()
    assert "Choose a proposal" in told(app)


def test_a_strange_name_is_told(started: Started) -> None:
    app = opened(flip_proposal="<b>")
    assert "<code>&lt;b&gt;</code> is not there" in told(app)


def test_while_it_is_solved_the_page_waits(started: Started, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    home.mkdir()
    with (home / "flip.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened()
        assert "Closed forms are on their way" in told(app)
        assert not app.button


def test_a_command_that_died_is_told(started: Started, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    home.mkdir()
    (home / "flip.json").write_text(json.dumps([pair().whole]))
    (home / "flip.log").write_text("MemoryError: it was too much\n")
    app = opened()
    assert "MemoryError: it was too much" in app.error[0].value
    assert [b.label for b in app.button] == ["Solve it again"]


def test_strangers_start_nothing(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "local", lambda: False)
    app = opened()
    assert not app.button
    assert "it runs no user code" in app.warning[0].value


def test_while_something_else_is_solved_nothing_is_started(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    assert solve("complexity", "human_simulator") == 0
    monkeypatch.setattr(Detached, "start", lambda self, command, keys: False)
    app = opened(flip_at="misreading=0.1;weight=0.5")
    app.button[0].click().run()
    assert "Something else is being solved just now" in told(app)
