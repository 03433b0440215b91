"""With --blind nothing that was not judged is told, and nothing of the literature."""

import ast
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from elk_sandbox.__main__ import app
from elk_sandbox.blindfold import entries
from elk_sandbox.runtime.registry import SHIPPED, Registry
from tests.sample import copy_files

runner = CliRunner()
SHIPPED_FILES = Registry.scan(SHIPPED, packages=False)


def run(*words: str, home: Path) -> str:
    told = runner.invoke(app, [*words, "--workspace", str(home)])
    assert told.exit_code == 0, told.output
    return told.stdout


def test_cells_are_hidden_until_they_are_judged(tmp_path: Path) -> None:
    asked = ("matrix", "--blind", "--json", "--proposals", "complexity,human_labels", "--counterexamples")
    before = json.loads(run(*asked, "complex_translation,human_simulator", home=tmp_path))["cells"]
    assert [c["verdict"] for c in before] == ["hidden"] * 4
    run("judge", "complexity", "complex_translation", home=tmp_path)
    after = json.loads(run(*asked, "complex_translation,human_simulator", home=tmp_path))["cells"]
    known = {(c["proposal"], c["counterexample"]): c for c in after if c["verdict"] != "hidden"}
    assert list(known) == [("complexity", "complex_translation")]
    assert known["complexity", "complex_translation"]["relation"] == "strict"
    assert all(c["literature"] is None and c["agrees"] is None for c in after)
    words = run(*asked[:2], *asked[3:], "complex_translation,human_simulator", home=tmp_path)
    assert "1 of 4 cells judged" in words
    run("matrix", "--proposals", "human_labels", "--counterexamples", "human_simulator", home=tmp_path)
    again = json.loads(run(*asked, "complex_translation,human_simulator", home=tmp_path))["cells"]
    assert sum(c["verdict"] != "hidden" for c in again) == 1  # what the matrix judged was not asked for
    refused = runner.invoke(app, ["matrix", "--blind", "--again", "--workspace", str(tmp_path)])
    assert "judges nothing" in str(refused.exception)


def test_judge_keeps_silent_on_the_literature(tmp_path: Path) -> None:
    cell = ("judge", "complexity", "complex_translation", "--draws", "0")
    assert "literature  K, killed: agrees" in run(*cell, home=tmp_path)
    words = run(*cell, "--blind", "--share", str(tmp_path / "page.html"), home=tmp_path)
    assert "complex_translation: killed, strict" in words and "literature" not in words
    page = (tmp_path / "page.html").read_text()
    assert "bounded" not in page and "bounded" in SHIPPED_FILES.proposals["complexity"].doc
    told = json.loads(run(*cell, "--blind", "--json", home=tmp_path))
    assert told["verdict"] == "killed" and told["literature"] is told["agrees"] is told["claimed"] is None
    folder = ("--folder", str(copy_files(tmp_path / "files")))
    row = json.loads(run("judge", "computation_time", "--blind", "--json", *folder, home=tmp_path))
    assert row["totals"]["cells"] == 2 and row["totals"]["decided"] == 0
    assert all(c["literature"] is c["claimed"] is None for c in row["cells"])


@pytest.mark.parametrize("name", [*SHIPPED_FILES.proposals, *SHIPPED_FILES.counterexamples])
def test_a_file_is_shown_without_its_outcome(name: str) -> None:
    entry = {**SHIPPED_FILES.proposals, **SHIPPED_FILES.counterexamples}[name]
    (shown,) = entries([entry])
    tree = ast.parse(shown.text)
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    whole = next(node for node in ast.parse(entry.text).body if isinstance(node, ast.FunctionDef))
    argument, full = ast.get_docstring(function), ast.get_docstring(whole)
    assert argument and full and full.startswith(argument) and "\n\n" not in argument
    assert [ast.dump(s) for s in function.body[1:]] == [ast.dump(s) for s in whole.body[1:]]
    for keyword in ("'strict'", "'tie'"):
        assert keyword not in ast.unparse(function.decorator_list[0])


def test_what_is_cut_is_cut_whatever_stands_before_it(tmp_path: Path) -> None:
    text = '''from elk_sandbox import Case, Generator, counterexample, worlds


def helper() -> int:
    """A helper.

    It fails because of a secret.
    """
    return 1


@counterexample(source="ééééé", breaks={"two": "strict"})
def accents(rng: Generator | None) -> Case:
    """What it does.

    The secret outcome.
    """
    world = worlds.screen(rng)
    return Case(world, bad={"human_simulator": world.simulators["viewer"]})
'''
    (tmp_path / "counterexamples").mkdir()
    (tmp_path / "counterexamples" / "accents.py").write_text(text)
    (shown,) = entries([Registry.scan(tmp_path).counterexamples["accents"]])
    assert "secret" not in shown.text and "two" not in shown.text
    assert ast.dump(ast.parse(shown.text).body[-1].body[-1]) == ast.dump(ast.parse(text).body[-1].body[-1])  # type: ignore[attr-defined]


def test_show_keeps_silent_on_the_literature(tmp_path: Path) -> None:
    told = json.loads(run("show", "complexity", "--blind", "--json", home=tmp_path))
    assert told["literature"] == {} and told["numbers"] == {}
    assert "bounded" not in told["text"] and "bounded" not in told["argument"]
    world = json.loads(run("show", "fingerprint", "--blind", "--json", home=tmp_path))
    assert world["literature"] == {} and world["breaks"] == {}
    assert world["numbers"]["fingerprint_simulator"]["complexity"] == 6
