"""The checkpoints page without a browser: the same texts at every checkpoint, and what it starts."""

import fcntl
import json
import shutil
from pathlib import Path

import pytest

from rlhf_lab.closeups import Ask, load_closeup
from rlhf_lab.evaluated import load_evaluation
from rlhf_lab.pages.searching import MARK, _pattern, found_in
from tests.lab.look_pages.opening import charts, opened, tables, told

Started = list[tuple[Path, str, list[str], set[str]]]


def closeup(home: Path) -> dict:  # type: ignore[type-arg]
    found = load_closeup(Ask().file(home / "runs" / "policy"))
    assert found is not None
    return found


def test_the_last_checkpoint_stands_beside_the_original_model(home: Path) -> None:
    (table,) = tables(opened("checkpoints"))
    found = closeup(home)
    assert [c["title"] for c in table["columns"]] == ["Original model", "Iteration 3"]
    assert table["columns"][0]["note"] == "0.00 nats"
    assert "distinct bigrams" in table["columns"][1]["more"]
    for side, at in ((0, 0), (1, -1)):
        shown = [row["cells"][side] for row in table["rows"]]
        texts = found["checkpoints"][at]["texts"][:4]
        assert [cell["pieces"] for cell in shown] == [text["pieces"] for text in texts]
        assert [cell["values"] for cell in shown] == [[text["ratio"], text["adds"]] for text in texts]


def test_diversity_is_drawn_once_it_is_opened(home: Path) -> None:
    assert not charts(opened("checkpoints"))
    shares, entropy = charts(opened("checkpoints", ck_diversity="true"))
    evaluation = load_evaluation(home / "runs" / "policy" / "evaluation")
    assert evaluation is not None and evaluation.curve.distinct is not None
    assert all(str(float(value)) in shares for value in evaluation.curve.distinct) and "entropy" in entropy


def test_the_slider_moves_the_right_and_the_button_pins_the_left(home: Path) -> None:
    app = opened("checkpoints")
    app.select_slider(key="ck_at").set_value(2).run()
    (table,) = tables(app)
    assert [c["title"] for c in table["columns"]] == ["Original model", "Iteration 2"]
    assert app.query_params["ck_at"] in ("2", ["2"])
    next(b for b in app.button if b.label.startswith("Pin")).click().run()
    (table,) = tables(app)
    assert [c["title"] for c in table["columns"]] == ["Iteration 2", "Iteration 2"]
    assert app.query_params["ck_pin"] in ("2", ["2"])


def test_the_address_restores_the_view(home: Path) -> None:
    app = opened("checkpoints", ck_run="policy", ck_at="1", ck_pin="3", ck_by="reward", ck_numbers="true", ck_page="2")
    (table,) = tables(app)
    assert [c["title"] for c in table["columns"]] == ["Iteration 3", "Iteration 1"]
    assert (table["shown"], table["numbers"]) == (1, True)
    texts = closeup(home)["checkpoints"][3]["texts"]
    assert [row["cells"][0]["pieces"] for row in table["rows"]] == [text["pieces"] for text in texts[4:]]
    (table,) = tables(opened("checkpoints", ck_run="policy", ck_at="99", ck_pin="<script>"))
    assert [c["title"] for c in table["columns"]] == ["Original model", "Iteration 3"]


def test_one_text_at_every_checkpoint(home: Path) -> None:
    app = opened("checkpoints", ck_view="One text at every checkpoint", ck_text="3")
    (table,) = tables(app)
    assert [row["note"] for row in table["rows"]] == [f"iteration {k}" for k in range(4)]
    expected = [each["texts"][2]["pieces"] for each in closeup(home)["checkpoints"]]
    assert [row["cells"][0]["pieces"] for row in table["rows"]] == expected


def test_many_checkpoints_are_shown_a_page_at_a_time(home: Path) -> None:
    file = Ask().file(home / "runs" / "policy")
    found = closeup(home)
    found["checkpoints"] = [{**found["checkpoints"][k % 4], "iteration": k} for k in range(200)]
    for k in range(200):
        (home / "runs" / "policy" / "checkpoints" / f"{k:06d}").mkdir(exist_ok=True)
    file.write_text(json.dumps(found))
    (table,) = tables(opened("checkpoints", ck_view="One text at every checkpoint", ck_steps="3"))
    assert [row["note"] for row in table["rows"]] == [f"iteration {k}" for k in range(20, 30)]


def test_a_run_without_a_closeup_offers_one_button(home: Path, started: Started) -> None:
    app = opened("checkpoints", ck_run="fresh")
    assert "Each of the 4 checkpoints writes 8 texts" in told(app)
    assert not tables(app)
    (button,) = app.button
    button.click().run()
    ((folder, name, words, keys),) = started
    assert (folder, name, keys) == (home, "closeup", {f"fresh/{Ask().key}"})
    expected = ["rlhf_lab", "closeup", "fresh", "--prefix=", "--seed", "0", "--count", "8", "--json", "--workspace"]
    assert words == [*expected, str(home)]


def test_a_beginning_that_is_typed_is_asked_for(home: Path, started: Started) -> None:
    app = opened("checkpoints", ck_run="policy")
    app.text_input(key="ck_begin").set_value("--I <have> ").run()
    assert "“--I &lt;have&gt;” has not been continued yet" in told(app)
    app.button(key="ck_go").click().run()
    assert "--prefix=--I <have>" in started[0][2]


def test_while_it_is_continued_progress_is_shown(home: Path) -> None:
    key = f"fresh/{Ask().key}"
    (home / "closeup.json").write_text(json.dumps([key]))
    (home / "closeup.log").write_text("looking at checkpoint 1 of 4, 8 s left\n")
    with (home / "closeup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app = opened("checkpoints", ck_run="fresh")
        (bar,) = app.get("progress")
        assert (bar.proto.text, bar.proto.value) == ("Writing at checkpoint 1 of 4", 25)
        assert not app.button


def test_another_visitors_beginning_is_waited_for(home: Path, started: Started) -> None:
    app = opened("checkpoints", ck_run="fresh")
    (home / "closeup.json").write_text(json.dumps(["policy/other"]))
    with (home / "closeup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        app.button(key="ck_go").click().run()
        (bar,) = app.get("progress")
        assert "Waiting for another beginning" in bar.proto.text
        started.clear()
    app.run()
    assert [keys for _, _, _, keys in started] == [{f"fresh/{Ask().key}"}]


def test_a_command_that_failed_is_told(home: Path) -> None:
    (home / "closeup.json").write_text(json.dumps([f"fresh/{Ask().key}"]))
    (home / "closeup.log").write_text("rlhf-lab: the beginning has 40 tokens\n")
    app = opened("checkpoints", ck_run="fresh")
    (error,) = [e.value for e in app.error]
    assert error == "The beginning was not continued: the beginning has 40 tokens"
    assert [b.key for b in app.button] == ["ck_go"]


def test_a_run_that_went_on_offers_to_write_anew(home: Path, started: Started) -> None:
    run = home / "runs" / "policy"
    shutil.copytree(run / "checkpoints" / "000003", run / "checkpoints" / "000004")
    app = opened("checkpoints", ck_run="policy")
    assert "The run has 1 checkpoint more" in told(app)
    assert len(tables(app)) == 1
    app.button(key="ck_go").click().run()
    assert len(started) == 1


def test_a_word_is_found_in_all_samples(home: Path) -> None:
    app = opened("checkpoints", ck_run="policy", ck_view="Find a word", ck_word="AND")
    evaluation = load_evaluation(home / "runs" / "policy" / "evaluation")
    counts = [sum("and" in _words(text) for text in texts) for texts in evaluation.texts]
    slider = next(s for s in app.select_slider if str(s.key).startswith("ck_found"))
    assert [option.partition(": ")[2] for option in slider.options] == [str(count) for count in counts]
    assert "<mark>" in told(app)
    assert "No completion has it" in told(opened("checkpoints", ck_view="Find a word", ck_word="qqq"))


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text.lower()).split()


@pytest.mark.parametrize(
    "asked, numbers",
    [("joy", (0, 2)), ("jo*", (0, 1, 2)), ("JOY", (0, 2)), ("j.y", ()), ("lost", (3,)), ("joy and", (2,))],
)
def test_where_a_word_is(asked: str, numbers: tuple[int, ...]) -> None:
    texts = ["O joy, joy!", "joyless", "the joy and all", "Lost"]
    assert found_in(MARK.join(texts).lower(), asked) == numbers
    assert tuple(k for k, text in enumerate(texts) if _pattern(asked).search(text)) == numbers  # what is marked


def test_a_run_that_was_not_evaluated_leads_to_its_evaluation(home: Path) -> None:
    app = opened("checkpoints", ck_run="fresh", ck_view="Find a word")
    assert "not evaluated yet" in told(app)
    assert [link.proto.label for link in app.get("page_link")] == ["Evaluate it"]


def test_an_empty_workspace_says_what_will_be_here(home: Path) -> None:
    shutil.rmtree(home)
    assert "Here its checkpoints are read side by side" in told(opened("checkpoints"))
