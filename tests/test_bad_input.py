"""What users get wrong: each is one clear line, the rest of the matrix is still computed, and nothing hangs."""

import io
import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elk_sandbox import cells, exam, keys, matrix, report
from elk_sandbox.checks import check_file
from elk_sandbox.runtime.isolation import Limits, isolation_level
from elk_sandbox.runtime.registry import SHIPPED, BrokenFile, Registry, RegistryError

REGISTRY = Registry.scan(SHIPPED, packages=False)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


def proposal(tmp_path: Path, *body: str, head: str = "", decorator: str = 'source="a test"') -> Path:
    """A proposal of the name `bad` whose body is given; its faults are marked `# here`."""
    lines = [
        "import numpy as np",
        "from elk_sandbox import Objective, Reporters, View, proposal",
        head,
        f"@proposal({decorator})",
        "def bad(reporters: Reporters, view: View) -> Objective:",
        *(f"    {line}" for line in body),
    ]
    path = tmp_path / "bad.py"
    path.write_text("\n".join(lines) + "\n")
    return path


def judged(path: Path, folder: Path, *names: str) -> list[dict[str, Any]]:
    entry = REGISTRY.find("proposal", str(path))
    columns = [keys.source(e, e.settings()) for e in (REGISTRY.counterexamples[n] for n in names)]
    payload = {"proposal": keys.source(entry, {}), "counterexamples": columns, "fresh": 1, "workspace": str(folder)}
    found = json.loads(json.dumps(cells.row(payload), allow_nan=False))
    return list(found["cells"])


def line_of(path: Path, mark: str = "# here") -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if mark in line)


SHAPE = "has shape (1,), one number for each of the 18 candidates is asked"
FAULTS = {
    "raises": (["return view.cross_entropy(reporters) + nothing  # here"], "NameError: name 'nothing' is not defined"),
    "returns nan": (["return view.cross_entropy(reporters) * float('nan')"], "the objective is nan for 18 of 18"),
    "returns one nan": (
        ["v = view.cross_entropy(reporters).values.copy()", "v[0] = np.nan", "return v"],
        "the objective is nan for 1 of 18 candidates; it must be finite",
    ),
    "returns minus infinity": (["return -np.inf * np.ones(len(reporters))"], "the objective is -inf for 18 of 18"),
    "returns a wrong shape": (["return np.zeros(1)"], SHAPE),
    "returns a table": (["return np.zeros((len(reporters), 2))"], "has shape (18, 2)"),
    "returns words": (["return ['cheap'] * len(reporters)"], "could not convert string to float"),
    "returns nothing": (["pass"], "the objective returned None: is a `return` missing?"),
    "returns a number": (["return 1.0"], "has shape (), one number for each of the 18 candidates is asked"),
    "a term is nan": (
        [
            "a = Objective.of(np.full(len(reporters), np.nan), 'odd')",
            "return Objective(np.zeros(len(reporters)), a.terms)",
        ],
        "the term 'odd' is nan",
    ),
    "changes its arguments": (
        ["view.weights[0] = 1.0  # here", "return 0"],
        "ValueError: assignment destination is read",
    ),
    "changes the labels": (["view.data['viewer'].labels[:] = 1  # here", "return 0"], "read-only"),
    "changes the answers": (["reporters.answers[0] = 1  # here", "return view.cross_entropy(reporters)"], "read-only"),
    "changes the measures": (
        ["reporters.measures['complexity'] *= 0  # here", "return view.cross_entropy(reporters)"],
        "read-only",
    ),
    "depends on the order of candidates": (
        ["return view.cross_entropy(reporters) + np.arange(len(reporters))"],
        "it must depend on the candidate",
    ),
    "depends on the order of nodes": (
        [
            "number = view.bits[0] @ 2.0 ** np.arange(len(view.nodes))",
            "return reporters.answers[:, :, 0] @ (view.weights * number)",
        ],
        "it must depend on the candidate",
    ),
    "depends on the order of situations": (
        ["return view.cross_entropy(reporters) + reporters.answers[:, 0, 0]"],
        "it must depend on the candidate",
    ),
    "depends on the company": (
        ["return view.complexity(reporters) * (1 / view.complexity(reporters).values.sum())"],
        "it must depend on the candidate",
    ),
    "needs what it did not say": (["return view.influence(reporters)  # here"], 'needs=("influence",)'),
    "leaves": (["raise SystemExit(0)  # here"], "tried to leave by sys.exit(0)"),
    "forks": (["import os", "os.fork()  # here", "return 0"], "PermissionError"),
    "runs a program": (["import subprocess", "subprocess.run(['true'])  # here", "return 0"], "PermissionError"),
    "opens a socket": (
        ["import socket", "socket.create_connection(('127.0.0.1', 9))  # here", "return 0"],
        "PermissionError",
    ),
    "reads a file": (["open('/etc/passwd').read()  # here", "return 0"], "PermissionError"),
    "reads its own package": (
        ["import elk_sandbox.declare as d", "open(d.__file__).read()  # here", "return 0"],
        "PermissionError",
    ),
    "writes a file": (["open('/tmp/elk_sandbox_was_here', 'w')  # here", "return 0"], "PermissionError"),
    "imports a world": (
        ["import elk_sandbox.worlds  # here", "return 0"],
        "elk_sandbox.worlds cannot be imported here (a file of",
    ),
}
TWINS = {  # of others that fail in the same way: only in the slow run
    "returns a table", "a term is nan", "changes the labels", "changes the answers", "runs a program", "writes a file",
    "a prior that is nan", "data of probability 0", "its reporter is too short", "its reporter reads a stranger",
    "it names nobody", "the humans know", "crashes",
}  # fmt: skip


def names(of: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in TWINS else name for name in of]


WALLS = ("forks", "runs a program", "opens a socket", "reads a file", "reads its own package", "writes a file")


@pytest.mark.parametrize("name", names(FAULTS))
def test_a_faulty_proposal_is_an_error_in_one_line(name: str, tmp_path: Path, folder: Path) -> None:
    if name in WALLS and not isolation_level().startswith("L2"):
        pytest.skip(f"isolation here: {isolation_level()}")
    body, words = FAULTS[name]
    path = proposal(tmp_path, *body, decorator='source="a test", needs=("complexity",)')
    (cell,) = judged(path, folder, "human_simulator")
    assert (cell["verdict"], cell["relation"], cell["good"]) == ("error", None, False)
    reason = cell["reason"]
    assert words in reason and "\n" not in reason and len(reason) < 600
    told = int(re.match(rf"{re.escape(str(path))}:(\d+): ", reason)[1])  # type: ignore[index]  # no match fails the test
    if "# here" in path.read_text():
        assert told == line_of(path)
    else:
        assert told in (line_of(path, "@proposal"), line_of(path, "def bad"))


IMPORTED = {
    "a missing module": ("import numpyy  # here", "ModuleNotFoundError: No module named 'numpyy'"),
    "a missing name": (
        "from elk_sandbox import Veiw  # here",
        "elk_sandbox.Veiw cannot be imported here; did you mean 'View'? (a file of this kind may use NotApplicable, "
        "Objective, Reporters, View, counterexample, proposal of elk_sandbox)",
    ),
    "a counterexample's name": (
        "from elk_sandbox import World  # here",
        "elk_sandbox.world cannot be imported here (a file of this kind may use",
    ),
    "a division": ("scale = 1 / 0  # here", "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", IMPORTED)
def test_a_proposal_that_cannot_be_imported_is_an_error(name: str, tmp_path: Path, folder: Path) -> None:
    head, words = IMPORTED[name]
    path = proposal(tmp_path, "return view.cross_entropy(reporters)", head=head)
    (cell,) = judged(path, folder, "human_simulator")
    assert cell["verdict"] == "error" and words in cell["reason"]
    assert cell["reason"].startswith(f"{path}:{line_of(path)}: ")


def test_a_syntax_error_is_told_with_its_line_and_the_others_are_listed(tmp_path: Path) -> None:
    proposal(tmp_path, "return view.cross_entropy(reporters")
    (tmp_path / "fine.py").write_text((SHIPPED / "human_labels.py").read_text())
    registry = Registry.scan(tmp_path, packages=False)
    assert list(registry.proposals) == ["human_labels"]
    (broken,) = registry.broken
    assert (broken.path.name, broken.line) == ("bad.py", 6) and "never closed" in broken.message
    with pytest.raises(BrokenFile, match=r"bad\.py:6: SyntaxError"):
        registry.find("proposal", "bad")


# Each ends its process: what it is, its body, the words, the limits that make the wait short.
DEADLY = {
    "never returns": (["while True:", "    pass  # here"], r"no answer within 0\.5\d* s", Limits(wall=0.5)),
    "allocates without end": (
        ["kept = []", "while True:", "    kept.append(np.ones(10**7))  # here"],
        "MemoryError",
        Limits(memory=640 << 20),
    ),
    "prints gigabytes": (
        ["while True:", "    print('x' * 10**6, flush=True)  # here"],
        "printed or wrote more than 1048576 bytes",
        Limits(output=1 << 20),
    ),
    "kills itself": (["import os", "os.kill(os.getpid(), 9)", "return 0"], "killed|not permitted", Limits()),
    "crashes": (["import ctypes", "ctypes.string_at(0)  # here", "return 0"], "crashed", Limits()),
}


@pytest.mark.parametrize("name", names(DEADLY))
def test_what_ends_its_process_ends_its_row_only(
    name: str, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, words, limits = DEADLY[name]
    monkeypatch.setattr(cells, "LIMITS", limits)
    monkeypatch.setattr(exam, "WALL", limits.wall)
    found = judged(proposal(tmp_path, *body), folder, "human_simulator", "complex_translation", "upstream_simulator")
    assert [c["verdict"] for c in found] == ["error"] * 3
    assert re.search(words, found[0]["reason"]), found[0]["reason"]
    assert all(str(tmp_path / "bad.py") in c["reason"] for c in found)
    (fine,) = judged(SHIPPED / "human_labels.py", folder, "human_simulator")
    assert fine["verdict"] == "killed"


def test_after_two_deaths_a_row_is_given_up(tmp_path: Path, folder: Path) -> None:
    path = proposal(tmp_path, "import os", "os._exit(0)")
    found = judged(path, folder, "human_simulator", "complex_translation", "upstream_simulator")
    assert "ended its process" in found[0]["reason"] and "ended its process" in found[1]["reason"]
    assert "not tried: its process died or hung 2 times before" in found[2]["reason"]


def test_one_that_dies_now_and_then_is_judged_elsewhere(tmp_path: Path, folder: Path) -> None:
    path = proposal(
        tmp_path, "if len(view.nodes) > 4:", "    import os", "    os._exit(0)", "return np.zeros(len(reporters))"
    )
    first, second = judged(path, folder, "complex_translation", "human_simulator")
    assert (first["verdict"], second["verdict"]) == ("error", "killed")


def test_the_rest_of_the_matrix_is_computed(tmp_path: Path, folder: Path) -> None:
    texts = {
        "nan": ("return view.cross_entropy(reporters) * float('nan')",),
        "dead": ("import os", "os._exit(0)"),
        "fine": ("return view.cross_entropy(reporters)",),
    }
    rows = []
    for name, body in texts.items():
        path = proposal(tmp_path, *body).rename(tmp_path / f"{name}.py")
        path.write_text(path.read_text().replace("def bad", f"def {name}"))
        rows.append((REGISTRY.find("proposal", str(path)), {}))
    broken_case = tmp_path / "broken_case.py"
    broken_case.write_text(
        case_file("    raise RuntimeError('no world today')").replace("def bad_case", "def broken_case")
    )
    columns = [REGISTRY.counterexamples["human_simulator"], REGISTRY.find("counterexample", str(broken_case))]
    found = list(matrix.compute(rows, [(e, e.settings()) for e in columns], folder=folder, engine="inline"))
    verdicts = {(c["proposal"], c["counterexample"]): c["verdict"] for c in found}
    assert verdicts == {
        (p, c): "invalid" if c == "broken_case" else "killed" if p == "fine" else "error"
        for p in texts
        for c in ("human_simulator", "broken_case")
    }
    assert matrix.totals(found)["verdicts"] == {"error": 2, "invalid": 3, "killed": 1}


def test_two_files_that_declare_one_name_are_refused(tmp_path: Path) -> None:
    """Their cells could not be told apart in the matrix."""
    torn = tmp_path / "torn.py"
    torn.write_text(REGISTRY.counterexamples["human_simulator"].text)
    columns = [REGISTRY.find("counterexample", str(torn)), REGISTRY.counterexamples["human_simulator"]]
    row, items = REGISTRY.proposals["human_labels"], [(e, e.settings()) for e in columns]
    with pytest.raises(RegistryError, match=r"two files declare 'human_simulator': rename one of .*torn\.py"):
        list(matrix.compute([(row, row.settings())], items, folder=tmp_path, engine="inline"))


def test_the_literature_speaks_of_the_shipped_files_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(REGISTRY.proposals["complexity"].text.replace("weight: float = 0.1", "weight: float = 0.2"))
    pair = [REGISTRY.find("proposal", str(own)), REGISTRY.counterexamples["human_simulator"]]
    files = [keys.source(e, e.settings()) for e in pair]
    entry = REGISTRY.proposals["complexity"]
    shipped, heavier = keys.source(entry, entry.settings()), keys.source(entry, {"weight": 2.0})
    assert keys.mark_of(heavier, files[1]) is None
    assert (keys.mark_of(files[0], files[1]), keys.mark_of(shipped, files[1])) == (None, "D")


def test_a_claim_that_does_not_hold_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(REGISTRY.counterexamples["human_simulator"].text.replace('"tie"', '"strict"'))
    row, column = REGISTRY.proposals["human_labels"], REGISTRY.find("counterexample", str(own))
    payload = {"proposal": keys.source(row, {}), "counterexamples": [keys.source(column, column.settings())]}
    (cell,) = cells.row({**payload, "fresh": 0, "workspace": str(tmp_path)})["cells"]
    console = Console(file=io.StringIO(), width=200)
    report.cell(console, cell)
    assert "the counterexample claims strict, found is tie" in console.file.getvalue()  # type: ignore[attr-defined]


def test_typos_get_a_close_match(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    for written, meant in (
        ("view.complexty(reporters)", "complexity"),
        ('view.cross_entropy(reporters, "viewr")', "viewer"),
    ):
        path.write_text(
            "from elk_sandbox import proposal\n\n\n"
            f'@proposal(source="a typo")\ndef bad(reporters, view):\n    return {written}\n'
        )
        (cell,) = judged(path, tmp_path, "human_simulator")
        assert cell["verdict"] == "error" and cell["reason"].startswith(f"{path}:6: ")
        assert f"did you mean {meant!r}?" in cell["reason"]


def test_a_control_that_lacks_what_is_needed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(
        'from elk_sandbox import proposal\n\n\n@proposal(source="a test", control="atoms", needs=("siblings",))\n'
        "def bad(reporters, view):\n    return view.specificity(reporters)\n"
    )
    (cell,) = judged(path, tmp_path, "fingerprint")
    assert (
        cell["verdict"] == "error" and "its control 'atoms' cannot test it: the world has no siblings" in cell["reason"]
    )


CASE = """
from elk_sandbox import (
    Case, Data, Human, Net, Question, Reporter, Table, World, counterexample, identity, logical_or, worlds
)


@counterexample(breaks={{"human_labels": "tie"}}, source="a test")
def bad_case(rng):
{body}
"""
NET = """
    net = Net()
    net.add("t", prior={tamper})
    net.add("d", parents=["t"], table={diamond})
    net.add("c", parents=["d", "t"], table=logical_or)
    net.add("always", prior=1.0)
    world = World.from_net(
        net, pixels=["c"], hidden={hidden}, questions={{"is it there?": {question}}},
        humans={{"viewer": Human(sees=["c"], believes="c")}},
        data={{"viewer": Data(where={where}, labelled_by="viewer")}},
    )
    return Case(world, bad={{"named": {named}}})
"""
FINE = {
    "tamper": "0.1",
    "diamond": "[0.5, 0.1]",
    "hidden": "[]",
    "question": '"d"',
    "where": '{"t": 0}',
    "named": 'Table(["c"], [0, 1])',
}


def case_file(body: str) -> str:
    return CASE.format(body=body)


def net_case(**changes: str) -> str:
    return case_file(NET.format(**{**FINE, **changes}))


def check(tmp_path: Path, folder: Path, text: str) -> list[dict[str, Any]]:
    path = tmp_path / "bad_case.py"
    path.write_text(text)
    return check_file(REGISTRY, str(path), [], folder)


CASES = {
    "its named reporter is honest": (
        net_case(named='Table(["d"], [0, 1])'),
        "the named bad reporter 'named' is honest: it is right in every unambiguous situation",
    ),
    "a row does not sum to 1": (
        net_case(diamond="[[0.5, 0.6], [0.9, 0.1]]"),
        "row (0,) of the table of node 'd' is [0.5, 0.6] and sums to 1.1",
    ),
    "a prior above 1": (net_case(tamper="1.5"), "the table of node 't' holds 1.5, which is no probability"),
    "a prior that is nan": (net_case(tamper="float('nan')"), "the table of node 't' holds nan"),
    "the question is ambiguous everywhere": (
        net_case(question='Question("d", ambiguous={"always": 1})'),
        "the question 'is it there?' is ambiguous in every situation",
    ),
    "the predictor does not know": (
        net_case(hidden='["d"]'),
        "the predictor does not know the answer to 'is it there?': its readable nodes are the same in [",
    ),
    "all situations are in the data": (net_case(where="{}"), "nothing latent is left to elicit"),
    "the humans know": (
        net_case(diamond="[0.5, 0.0]"),
        "no two situations outside all data have the same answers of every human",
    ),
    "data of probability 0": (net_case(where='{"t": 0, "d": 1, "c": 0}'), "has probability 0"),
    "it returns None": (case_file("    return None"), "a counterexample returns a Case, got NoneType"),
    "it returns the world": (case_file("    return worlds.screen(rng)"), "not the world alone"),
    "it names nobody": (case_file("    return Case(worlds.screen(rng), bad={})"), "names at least one bad reporter"),
    "its reporter reads what is unreadable": (
        net_case(named='Table(["d"], [1, 0])', hidden='["d"]', question='"t"'),
        "reporter 'named' reads ['d'], which no reporter can",
    ),
    "its reporter reads a stranger": (net_case(named='Table(["x"], [0, 1])'), "reporter 'named' reads ['x']"),
    "its reporter is too short": (net_case(named='Table(["c"], [0, 1, 1])'), "over 1 nodes has 2 values, got 3"),
    "a human sees a stranger": (
        net_case().replace('Human(sees=["c"]', 'Human(sees=["z"]'),
        "the viewer sees ['z']; there are ['t', 'd', 'c', 'always']",
    ),
    "it raises": (case_file("    raise RuntimeError('no world today')  # here"), "RuntimeError: no world today"),
}


@pytest.mark.parametrize("name", names(CASES))
def test_a_case_at_fault_is_invalid_with_the_reason(name: str, tmp_path: Path, folder: Path) -> None:
    text, words = CASES[name]
    results = check(tmp_path, folder, text)
    assert not all(r["passed"] for r in results)
    assert any(words in r["what"] for r in results if not r["passed"]), results
    path = tmp_path / "bad_case.py"
    column = REGISTRY.find("counterexample", str(path))
    row = REGISTRY.proposals["human_labels"]
    payload = {
        "proposal": keys.source(row, {}),
        "counterexamples": [keys.source(column, {})],
        "fresh": 1,
        "workspace": str(folder),
    }
    (cell,) = cells.row(payload)["cells"]
    assert cell["verdict"] == "invalid" and not cell["good"]
    assert words in cell["reason"] and "\n" not in cell["reason"]
    assert re.match(rf"{re.escape(str(path))}:\d+: ", cell["reason"]), cell["reason"]


def test_the_unfaulty_case_is_in_order(tmp_path: Path, folder: Path) -> None:
    """The file that the faults above are made from."""
    results = check(tmp_path, folder, net_case())
    assert all(r["passed"] for r in results), results


def test_check_names_the_two_situations(tmp_path: Path, folder: Path) -> None:
    (found,) = [r["what"] for r in check(tmp_path, folder, net_case(hidden='["d"]')) if not r["passed"]][:1]
    assert "[t=1 c=1 always=1], where it is yes, and [t=1 c=1 always=1], where it is no" in found


def test_a_case_that_fails_on_fresh_draws_only(tmp_path: Path, folder: Path) -> None:
    body = "    if rng is not None:\n        raise RuntimeError('fresh')  # here\n" + textwrap.indent(
        "return Case(worlds.screen(rng), bad={'hs': Table(['c'], [0, 1])})", "    "
    )
    results = check(tmp_path, folder, case_file(body))
    assert [r["passed"] for r in results] == [True, True, False]
    path = tmp_path / "bad_case.py"
    assert results[-1]["what"].startswith(f"{path}:{line_of(path)}: RuntimeError: fresh")


def test_check_of_a_faulty_proposal(tmp_path: Path, folder: Path) -> None:
    path = proposal(tmp_path, "return np.arange(len(reporters))")
    results = check_file(REGISTRY, str(path), [], folder)
    assert results[-1] == {
        "file": str(path),
        "what": "does not depend on the order of candidates, nodes and situations",
        "passed": False,
    }
    path = proposal(tmp_path, "return np.zeros(3)")
    failed = [r["what"] for r in check_file(REGISTRY, str(path), [], folder) if not r["passed"]]
    assert len(failed) == 1 and failed[0].startswith(f"{path}:5: the objective has shape (3,)")


def test_a_control_that_does_not_exist(tmp_path: Path, folder: Path) -> None:
    path = proposal(tmp_path, "return view.cross_entropy(reporters)", decorator='source="a test", control="scren"')
    failed = [r["what"] for r in check_file(REGISTRY, str(path), [], folder) if not r["passed"]]
    assert failed == ["no world is called 'scren'; did you mean 'screen'?"]
    (cell,) = judged(path, folder, "human_simulator")
    assert cell["verdict"] == "error" and "did you mean 'screen'?" in cell["reason"]


def test_a_need_that_does_not_exist(tmp_path: Path, folder: Path) -> None:
    path = proposal(tmp_path, "return view.cross_entropy(reporters)", decorator='source="a test", needs=("size",)')
    (cell,) = judged(path, folder, "human_simulator")
    assert cell["verdict"] == "error" and "needs names ['size']; known are complexity, " in cell["reason"]
