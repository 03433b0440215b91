"""A counterexample that is begun against a user's proposal is a working file, and its claim is true."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from elk_sandbox.__main__ import app
from elk_sandbox.against import choose, margin, text_of
from elk_sandbox.runtime.registry import SHIPPED, RegistryError

IDEA = '''from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="my idea", control="hard_inference"{more})
def my_idea(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """My idea."""
    return {objective}
'''
runner = CliRunner()


def run(*words: str) -> str:
    told = runner.invoke(app, list(words))
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.mark.parametrize(
    ("objective", "more"),
    [
        ("view.cross_entropy(reporters) + weight * view.parts(reporters)", ', needs=("parts",)'),
        ("view.cross_entropy(reporters, 'hstar') - view.usable_information(reporters)", ""),
    ],
)
def test_the_file_is_judged_as_it_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str, more: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_idea.py").write_text(IDEA.format(objective=objective, more=more))
    run("new", "counterexample", "breaker", "--against", "my_idea.py")
    made = Path("proposals/counterexamples/breaker.py")
    assert "Say in a sentence" in made.read_text()
    cell = json.loads(run("judge", "my_idea.py", str(made), "--json"))
    assert (cell["verdict"], cell["relation"]) == ("killed", cell["claimed"])
    assert json.loads(run("check", str(made), "--json"))["passed"]
    again = runner.invoke(app, ["new", "counterexample", "breaker", "--against", "my_idea.py"])
    assert again.exit_code != 0 and "exists" in str(again.exception)


def cell(name: str, verdict: str, bad: float, honest: float, tables: list[dict[str, Any]] | None = None) -> Any:
    relation = None if verdict == "survives" else "strict" if bad < honest else "tie"
    adversary = {"tables": tables or [], "witness": {"story": "a story."}}
    return {
        "proposal": "mine", "counterexample": name, "verdict": verdict, "relation": relation, "bad": ["b"],
        "direct_translator": "dt", "objective": {"b": bad, "dt": honest}, "killer": "b", "adversary": adversary,
        "witness": {"story": "what happened."}, "reason": None,
    }  # fmt: skip


def test_the_widest_kill_is_taken_then_the_search_then_the_narrowest_escape() -> None:
    wide, narrow = cell("a", "killed", 0, 2), cell("b", "killed", 0, 0)
    found, escape = cell("c", "survives", 2, 1, [{"question": "q"}]), cell("d", "survives", 1.5, 1)
    assert choose([narrow, wide, found, escape])["counterexample"] == "a"
    assert choose([escape, found])["counterexample"] == "c"
    assert choose([cell("e", "survives", 9, 1), escape])["counterexample"] == "d"
    assert (margin(wide), margin(escape)) == (2, -0.5)
    error = {**cell("f", "error", 0, 0), "reason": "it has no return"}
    with pytest.raises(RegistryError, match="it has no return"):
        choose([error])


@pytest.mark.parametrize("path", sorted((SHIPPED / "counterexamples").glob("[a-z]*.py")), ids=lambda p: p.stem)
def test_every_shipped_file_can_be_begun_from(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewritten, each still gives a case, with its own reporters or with one that a search found."""
    text = path.read_text()
    plain = text_of(text, cell(path.stem, "killed", 0, 1), "breaker")
    scope: dict[str, Any] = {}
    exec(compile(plain, "breaker.py", "exec"), scope)
    case = scope["breaker"](None)
    assert scope["breaker"].__elk__.meta["breaks"] == {"mine": "strict"}
    assert all(line.isascii() and len(line) <= 130 for line in plain.splitlines())
    nodes = list(case.world.readable_nodes[:1])
    tables = [{"question": q, "nodes": nodes, "values": [0.0, 1.0]} for q in case.world.questions]
    searched = text_of(text, cell(path.stem, "survives", 2, 1, tables), "breaker")
    exec(compile(searched, "breaker.py", "exec"), scope)
    (reporter,) = scope["breaker"](None).bad_reporters.values()
    assert [t.nodes for t in reporter.tables] == [tuple(nodes)] * len(tables)
