"""The commands as a user runs them: exit status, one line for what she got wrong, and JSON with the promised fields."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from elk_sandbox import listing, report, terminal
from elk_sandbox.__main__ import main
from elk_sandbox.runtime.isolation import isolation_level
from elk_sandbox.worlds import STANDARD
from tests.sample import copy_files

REPOSITORY = Path(__file__).parents[1]
JUDGED = {
    "proposal", "counterexample", "verdict", "relation", "draws", "direct_translator", "objective", "terms", "honest",
    "honesty_fooled", "honesty_outside", "witness", "control", "adversary", "seconds",
}  # fmt: skip
MEASURES = {
    "complexity", "reads", "parts", "influence", "downstream", "specificity_bits", "inconsistency",
    "mutual_information_bits", "v_information_bits",
}  # fmt: skip


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def run(*arguments: str, home: Path, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "elk_sandbox", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def told(*arguments: str, home: Path, status: int = 0, cwd: Path = REPOSITORY) -> Any:
    done = run(*arguments, "--json", home=home, cwd=cwd)
    assert done.returncode == status, done.stderr
    assert done.stderr == ""

    def no_nan(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(done.stdout, parse_constant=no_nan)


def refused(*arguments: str, home: Path, cwd: Path = REPOSITORY) -> str:
    """The one line of an input that is at fault."""
    done = run(*arguments, home=home, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, ""), done
    (line,) = done.stderr.splitlines()
    return line


@cache
def killed(home: Path) -> dict[str, Any]:
    found = told("judge", "complexity", "complex_translation", home=home)
    assert isinstance(found, dict)
    return found


def test_judge_tells_all_that_is_promised(home: Path) -> None:
    cell = killed(home)
    assert set(cell) >= JUDGED
    assert (cell["proposal"], cell["counterexample"]) == ("complexity", "complex_translation")
    assert (cell["verdict"], cell["relation"]) == ("killed", "strict")
    assert cell["draws"] == {"agreeing": 4, "of": 4}
    assert cell["direct_translator"] == "direct_translator"
    assert cell["objective"]["human_simulator"] == pytest.approx(0.1)
    assert cell["objective"]["direct_translator"] == pytest.approx(0.9)
    assert cell["terms"]["direct_translator"] == {"loss on viewer data": 0.0, "complexity": pytest.approx(0.9)}
    assert cell["honest"]["direct_translator"] is True and cell["honest"]["human_simulator"] is False
    assert cell["honesty_fooled"]["human_simulator"] == 0.0
    assert cell["honesty_outside"]["human_simulator"] == pytest.approx(0.1)
    for field in ("objective", "terms", "honest", "honesty_fooled", "honesty_outside"):
        assert set(cell[field]) == set(cell["objective"])
    assert cell["witness"]["situation"].keys() >= {"t", "m", "c", "u0"} and cell["witness"]["story"]
    assert cell["control"] == {"world": "hard_inference", "valid": True, "verdict": "survives"}
    assert {"verdict", "reporter"} <= set(cell["adversary"])
    assert 0 < cell["seconds"] < 60
    assert cell["isolation"] == isolation_level()


def test_the_same_on_the_terminal(home: Path) -> None:
    done = run("judge", "complexity", "complex_translation", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first == "complexity x complex_translation: killed, strict"
    words = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert words[:3] == ["reporter", "human_simulator", "upstream_simulator"]
    assert words[-7:] == ["witness", "audit", "draws", "control", "adversary", "literature", "good"]
    assert max(map(len, lines)) <= 140


def test_a_row_and_a_proposal_without_control(home: Path, tmp_path: Path) -> None:
    folder = copy_files(tmp_path)
    (folder / "human_labels.py").write_text((REPOSITORY / "proposals" / "human_labels.py").read_text())
    found = told("judge", "human_labels", "--draws", "0", "--folder", str(folder), home=home)
    assert {c["counterexample"] for c in found["cells"]} == {"cheap_simulation", "human_simulator"}
    assert found["totals"]["cells"] == 2
    for cell in found["cells"]:
        assert set(cell) >= JUDGED
        assert cell["control"] is None and cell["draws"] == {"agreeing": 0, "of": 0}


def seconds_of(cells: list[dict[str, Any]]) -> list[float]:
    """They differ between two judgements, and are the same where the workspace was asked."""
    return [c["seconds"] for c in cells]


def test_a_row_is_judged_once(home: Path, tmp_path: Path) -> None:
    folder = copy_files(tmp_path / "files")
    row = ("judge", "computation_time", "--folder", str(folder), "--workspace", str(tmp_path / "kept"))
    first = told(*row, home=home)
    assert told(*row, home=home) == first
    words = run(*row, home=home).stdout
    assert "2 of these 2 were judged before: --again judges them anew" in words
    assert f"files of {folder}; the shipped files are left out" in words
    stock = told(*row, "--draws", "0", home=home)
    assert stock == first, "judged on fresh draws it serves who asks for less"
    more = told(*row, "--draws", "5", home=home)
    assert [c["draws"]["of"] for c in more["cells"]] == [5, 5], "other draws are another question"
    anew = told(*row, "--again", home=home)
    assert all(a != b for a, b in zip(seconds_of(first["cells"]), seconds_of(anew["cells"]), strict=True))
    named = told("judge", "computation_time", "human_simulator", *row[2:], home=home)
    assert named["seconds"] not in seconds_of(anew["cells"]), "a cell that is named is judged"


def test_faults_of_a_row_are_tried_again_and_the_rest_is_kept(home: Path, tmp_path: Path) -> None:
    folder = copy_files(tmp_path / "files")
    row = ("judge", "computation_time", "--folder", str(folder), "--workspace", str(tmp_path / "kept"))
    trap = folder / "counterexamples" / "human_simulator.py"
    fine = trap.read_text()
    trap.write_text(fine.replace("return Case(", "return Case(1 / 0, "))
    before = told(*row, home=home)["cells"]
    assert [c["verdict"] for c in before] == ["invalid", "killed"]
    after = told(*row, home=home)["cells"]
    assert after[1] == before[1] and after[0]["seconds"] != before[0]["seconds"]
    trap.write_text(fine)
    mended = told(*row, home=home)["cells"]
    assert mended[1] == before[1] and mended[0]["verdict"] == "killed"


@pytest.mark.slow
def test_a_row_that_was_cut_off_goes_on(home: Path, tmp_path: Path) -> None:
    row = ("judge", "few_parts", "--draws", "0", "--workspace", str(tmp_path))
    begun = subprocess.Popen([sys.executable, "-m", "elk_sandbox", *row], cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    while begun.poll() is None and not list(tmp_path.glob("cells/*/*.json")):
        time.sleep(0.02)
    begun.send_signal(signal.SIGINT)
    begun.wait(60)
    kept = len(list(tmp_path.glob("cells/*/*.json")))
    assert kept >= 1
    assert f"{kept} of these 20 were judged before: --again judges them anew" in run(*row, home=home).stdout


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ["judge", "computation_time", "--folder", str(copy_files(tmp_path)), "--again", "--workspace", str(home)]
    for every, lines in ((0.0, "1 of 2 cells\n"), (1000.0, "")):
        monkeypatch.setattr(terminal, "EVERY", every)
        monkeypatch.setattr(sys, "argv", ["elk-sandbox", *row])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        assert capsys.readouterr().err.replace("0 of 2 cells\n", "") == lines


def test_one_fault_of_a_whole_row_is_told_once_and_first(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from elk_sandbox import proposal\n@proposal(source='a test')\ndef mine(reporters, view):\n"
        "    view.cross_entropy(reporters)\n"
    )
    done = run("judge", str(path), "--draws", "0", home=home)
    assert done.returncode == 2
    (line,) = done.stdout.splitlines()
    assert line == (
        f"error, mine x human_simulator and 19 more cells: {path}:2: the objective returned None: is a `return` "
        "missing?"
    )


def test_broken_counterexamples_are_missed_in_a_row(home: Path, tmp_path: Path) -> None:
    folder = copy_files(tmp_path)
    (folder / "counterexamples" / "torn.py").write_text("x = (\n")
    (folder / "other.py").write_text("x = (\n")
    done = run("judge", "computation_time", "--draws", "0", "--folder", str(folder), home=home)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{folder}/counterexamples/torn.py:1: SyntaxError")


def test_a_name_that_two_files_declare_is_not_judged(home: Path, tmp_path: Path) -> None:
    folder = copy_files(tmp_path)
    (folder / "zz.py").write_text((folder / "auxiliary_ai.py").read_text())
    words = refused("judge", "auxiliary_ai", "human_simulator", "--folder", str(folder), home=home)
    assert f"{folder}/zz.py:" in words and f"already declared in {folder}/auxiliary_ai.py: rename one, or give" in words
    one = ("judge", f"{folder}/zz.py", "human_simulator", "--draws", "0", "--folder", str(folder))
    assert told(*one, home=home)["proposal"] == "auxiliary_ai"


def test_a_file_by_its_path_with_a_knob(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text((REPOSITORY / "proposals" / "complexity.py").read_text().replace("def complexity", "def mine"))
    cell = told("judge", str(path), "complex_translation", "--set", "weight=0.5", "--set", "atoms=7", home=home)
    assert cell["proposal"] == "mine" and cell["knobs"]["proposal"] == {"weight": 0.5}
    assert cell["objective"]["direct_translator"] == pytest.approx(0.5 * 16)  # ((7 + 1) / 2)**2 nodes


def test_matrix(home: Path) -> None:
    names = ("--proposals", "complexity,computation_time", "--counterexamples", "cheap_simulation,human_simulator")
    found = told("matrix", *names, "--engine", "inline", home=home)
    assert set(found) == {"cells", "totals"}
    assert [(c["proposal"], c["counterexample"]) for c in found["cells"]] == [
        (p, c) for p in ("complexity", "computation_time") for c in ("cheap_simulation", "human_simulator")
    ]
    for cell in found["cells"]:
        assert set(cell) >= JUDGED | {"literature", "agrees"}
        assert cell["literature"] in ("K", "k", "D", "o", None)
        assert (cell["agrees"] is None) == (cell["literature"] is None)
    assert found["cells"][2]["literature"] == "o" and found["cells"][2]["agrees"] is True
    assert found["totals"]["cells"] == 4 and found["totals"]["decided"] == found["totals"]["agreeing"] == 3


def test_matrix_with_errors_is_done(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    text = "from elk_sandbox import proposal\n@proposal(source='a test')\ndef bad(reporters, view):\n    return 1 / 0\n"
    path.write_text(text)
    one = ("--counterexamples", "human_simulator", "--engine", "inline")
    done = run("matrix", "--proposals", f"{path},human_labels", *one, home=home)
    assert done.returncode == 0
    assert f"error, bad x human_simulator: {path}:4: ZeroDivisionError: division by zero" in done.stdout.splitlines()
    assert "1 of 1 cells marked by the literature" in done.stdout
    assert told("judge", str(path), "human_simulator", home=home, status=2)["verdict"] == "error"


@pytest.mark.parametrize("name", ["atoms", "free", "mask"])
def test_world(name: str, home: Path) -> None:
    found = told("world", name, home=home)
    assert found["world"] == name and found["problems"] == []
    assert {"direct_translator", "human_simulator"} <= set(found["reporters"])
    for row in found["reporters"].values():
        assert set(row) >= MEASURES
        assert all(value is None or isinstance(value, bool | float | int) for value in row.values())
    translator = found["reporters"]["direct_translator"]
    if name == "atoms":
        assert (translator["complexity"], translator["reads"], translator["parts"]) == (9, 4.125, 5)
        assert translator["inconsistency"] is None and translator["specificity_bits"] == 0
    if name == "mask":
        assert (found["reporters"]["human_simulator"]["specificity_bits"], translator["specificity_bits"]) == (5, 0)
    if name == "free":
        assert translator["mutual_information_bits"] == pytest.approx(1.416, abs=5e-4)
        assert translator["v_information_bits"] == pytest.approx(1.464, abs=5e-4)


@pytest.mark.parametrize(("name", "shown"), [("levers", 3), ("all", 14)])
def test_a_long_world_is_abbreviated_for_people_and_whole_as_json(name: str, shown: int, home: Path) -> None:
    world = told("world", name, home=home)
    assert len(world["listed"]) == world["situations"]
    reporters = list(world["reporters"])
    lines = run("world", name, home=home).stdout.splitlines()
    assert lines[-1] == f"{shown} of {len(reporters)} reporters shown; --json has all"
    kinds = [n for n in reporters if not n.rpartition(" ")[2].isdigit()]
    assert [" ".join(line.split()[1:]) for line in lines[-1 - shown : -1]] == kinds[:shown]
    assert len(lines) < 45 and "direct_translator_early_exit 2" in reporters


def test_world_with_a_knob_and_a_picture(home: Path, tmp_path: Path) -> None:
    found = told("world", "atoms", "--set", "atoms=7", "--png", str(tmp_path / "atoms.png"), home=home)
    assert found["reporters"]["direct_translator"]["complexity"] == 16
    assert (tmp_path / "atoms.png").read_bytes().startswith(b"\x89PNG")


def test_list(home: Path) -> None:
    found = told("list", home=home)
    assert set(found) == {"folders", "proposals", "counterexamples", "worlds", "broken"}
    assert found["folders"] == [str(REPOSITORY / "proposals")]
    assert found["worlds"] == list(STANDARD) and found["broken"] == []
    (one,) = [p for p in found["proposals"] if p["name"] == "complexity"]
    assert one["control"] == "hard_inference" and one["argument"].startswith("Prefer short reporters")
    assert one["knobs"] == [{"name": "weight", "type": "float", "default": 0.1, "choices": None}]


def test_list_goes_on_past_a_broken_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "fine.py").write_text((REPOSITORY / "proposals" / "human_labels.py").read_text())
    done = run("list", "--folder", str(tmp_path), home=home)
    assert done.returncode == 0 and "human_labels" in done.stdout
    assert done.stdout.splitlines()[0] == f"files of {tmp_path}; the shipped files are left out"
    assert done.stderr.startswith(f"{tmp_path}/broken.py:1: SyntaxError")


def test_show(home: Path) -> None:
    found = told("show", "complex_translation", home=home)
    assert found["kind"] == "counterexample" and found["provenance"] == "V2"
    assert found["text"] == (REPOSITORY / "proposals" / "counterexamples" / "complex_translation.py").read_text()
    done = run("show", "complex_translation", home=home)
    assert found["text"].rstrip() in done.stdout  # no line of it is broken


def test_show_tells_the_world_and_the_numbers_of_a_counterexample(home: Path) -> None:
    found = told("show", "complex_translation", home=home)
    world = told("world", "atoms", home=home)
    (size,) = found["worlds"].values()
    assert list(found["worlds"]) == ["complex_translation"] and found["fault"] is None
    assert (size["situations"], size["siblings"], size["humans"]) == tuple(
        world[k] for k in ("situations", "siblings", "humans")
    )
    assert list(found["numbers"]) == ["human_simulator", "upstream_simulator", "direct_translator"]
    for name in ("human_simulator", "direct_translator"):
        assert found["numbers"][name] == world["reporters"][name]
    assert found["breaks"]["complexity"] == "strict"
    assert found["literature"]["complexity"] == "K" and "downstream" not in found["literature"]
    lines = run("show", "complex_translation", home=home).stdout.splitlines()
    assert ["complexity", "1", "1", "9"] in [line.split() for line in lines]


def test_show_tells_what_the_workspace_holds_of_a_proposal(home: Path, tmp_path: Path) -> None:
    place = ("--workspace", str(tmp_path))
    found = told("show", "computation_time", *place, home=home)
    assert (list(found["worlds"]), found["numbers"]) == (["hard_inference"], {})
    assert found["literature"] == {"human_simulator": "D", "ontology_mismatch": "k", "cheap_simulation": "o"}
    how = "elk-sandbox matrix --proposals computation_time"
    assert how in run("show", "computation_time", *place, home=home).stdout
    row = ("matrix", "--proposals", "computation_time", "--engine", "inline", *place)
    for draws, column in (("0", "cheap_simulation"), ("4", "cheap_simulation"), ("0", "human_simulator")):
        told(*row, "--counterexamples", column, "--draws", draws, home=home)
    numbers = told("show", "computation_time", *place, home=home)["numbers"]
    assert set(numbers) == {"cheap_simulation", "human_simulator"}
    cell = numbers["cheap_simulation"]
    assert (cell["verdict"], cell["relation"], cell["draws"]["of"]) == ("killed", "strict", 4), "more draws say more"
    assert numbers["human_simulator"]["verdict"] in ("killed", "survives")
    shown = run("show", "computation_time", *place, home=home).stdout
    assert "judged      cheap_simulation: killed, strict; DT* " in shown and how not in shown


def test_show_goes_on_where_a_counterexample_is_at_fault(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "trap.py"
    template = (REPOSITORY / "proposals" / "counterexamples" / "_template.py").read_text()
    path.write_text(template.replace("net = Net()", "net = Net() / 0"))
    found = told("show", str(path), home=home)
    assert found["fault"].startswith(f"{path}:") and "TypeError" in found["fault"]
    assert found["numbers"] == found["worlds"] == {} and found["text"] == path.read_text()
    path.write_text(template.replace('Table(["m"], [0, 1])', "Table.of(u, majority)"))
    assert "'upstream_simulator' is honest" in told("show", str(path), home=home)["fault"]


def test_a_new_file_meets_the_shipped_ones(home: Path, tmp_path: Path) -> None:
    assert run("new", "proposal", "idea", home=home, cwd=tmp_path).returncode == 0
    cell = told("judge", "idea", "human_simulator", "--draws", "0", home=home, cwd=tmp_path)
    assert (cell["proposal"], cell["verdict"]) == ("idea", "killed")
    first, *_ = run("list", home=home, cwd=tmp_path).stdout.splitlines()
    assert first == f"files of {tmp_path}/proposals, then {REPOSITORY}/proposals (shipped)"
    listed = told("list", home=home, cwd=tmp_path)
    assert {"idea", "complexity"} <= {p["name"] for p in listed["proposals"]} and listed["broken"] == []
    assert "no counterexample 'human_simulator'" in refused(
        "judge", "idea", "human_simulator", "--folder", "proposals", home=home, cwd=tmp_path
    )


def test_a_counterexample_may_import_all_names(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "trap.py"
    text = (REPOSITORY / "proposals" / "counterexamples" / "human_simulator.py").read_text()
    path.write_text("\n".join(["from elk_sandbox import *", *text.splitlines()[1:]]) + "\n")
    assert told("check", f"{path}:human_simulator", home=home)["passed"]


def test_new_files_work_at_once(home: Path, tmp_path: Path) -> None:
    for kind, path in (("proposal", "idea.py"), ("counterexample", "counterexamples/trap.py")):
        name = Path(path).stem
        done = run("new", kind, name, home=home, cwd=tmp_path)
        assert done.returncode == 0 and f"proposals/{path}" in done.stdout
        found = told("check", name, home=home, cwd=tmp_path)
        assert found["passed"] and all(c["passed"] for c in found["checks"])
        assert "exists: choose another name" in refused("new", kind, name, home=home, cwd=tmp_path)
    cell = told("judge", "idea", "trap", home=home, cwd=tmp_path)
    assert (cell["verdict"], cell["relation"], cell["draws"]) == ("killed", "strict", {"agreeing": 4, "of": 4})


def test_check_says_what_is_wrong(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "trap.py"
    template = (REPOSITORY / "proposals" / "counterexamples" / "_template.py").read_text()
    path.write_text(template.replace('Table(["m"], [0, 1])', "Table.of(u, majority)"))
    found = told("check", str(path), home=home, status=2)
    assert not found["passed"]
    assert "the named bad reporter 'upstream_simulator' is honest" in found["checks"][1]["what"]
    done = run("check", str(path), home=home)
    assert done.returncode == 2 and "FAULT  stock draw: the named bad reporter" in done.stdout


def test_check_knows_the_names_that_a_counterexample_claims(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "trap.py"
    template = (REPOSITORY / "proposals" / "counterexamples" / "_template.py").read_text()
    claim = template[template.index("breaks=") : template.index(", source")]
    path.write_text(template.replace(claim, 'breaks={"complexty": "strict", "complexity": "strict"}'))
    found = told("check", str(path), home=home, status=2)
    assert [c["what"] for c in found["checks"] if not c["passed"]] == [
        "claims to break 'complexty', and no proposal here is called so; did you mean 'complexity'? "
        "Mend breaks={...}, or put that file here"
    ]
    path.write_text(template.replace(claim, 'breaks={"zzz": "strict"}'))
    found = told("check", str(path), home=home)
    assert "claims to break 'zzz', and no proposal here is called so; the claim counts where one is" in [
        c["what"] for c in found["checks"]
    ]
    idea = tmp_path / "idea.py"
    text = (REPOSITORY / "proposals" / "complexity.py").read_text()
    idea.write_text(text.replace("hard_inference", "hard_inferense"))
    (fault,) = [c["what"] for c in told("check", str(idea), home=home, status=2)["checks"] if not c["passed"]]
    assert fault == "no world is called 'hard_inferense'; did you mean 'hard_inference'?"


REFUSED = {
    "judge complexty": "no proposal 'complexty'; did you mean 'complexity'?",
    "judge complexity humn_simulator": "did you mean 'human_simulator'?",
    "judge fingerprint": "'fingerprint' is a counterexample, and a proposal is wanted here",
    "judge nowhere.py": "nowhere.py:1: cannot be read: No such file or directory",
    "judge complexity human_simulator --set wieght=1": "has no knob 'wieght'; did you mean 'weight'?",
    "judge complexity human_simulator --set weight=much": "knob 'weight' takes float, not 'much'",
    "judge complexity human_simulator --set weight": "'weight' is no setting: write knob=value",
    "judge complexity --share page.html": "--share writes the page of one cell: name a counterexample",
    "world atms": "no world is called 'atms'; did you mean 'atoms'?",
    "world atoms --set atoms=4": "the world atoms cannot be had so: a majority needs an odd number of bits, got 4",
    "world atoms --set size=4": "atoms has no knob 'size'",
    "show complexty": "did you mean 'complexity'?",
    "check complexty": "did you mean 'complexity'?",
    "matrix --engine proceses": "no engine 'proceses'; did you mean 'processes'?",
    "matrix --proposals complexty": "did you mean 'complexity'?",
    "new proposal 9lives": "'9lives' is no name for a function",
    "new proposal class": "'class' is a word of Python's own and names no function: take another, as my_class",
    "judge complexity --contest --blind": "--contest compares with the published verdicts: leave out --blind",
    "new strategy mine": "new takes 'proposal' or 'counterexample', not 'strategy'",
    "list --folder nowhere": "no folder nowhere",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_done_is_one_line(
    line: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: that a process of its own says the same and ends with 2 is shown for one of them."""
    monkeypatch.setattr(sys, "argv", ["elk-sandbox", *line.split()])
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(home))
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    (words,) = said.err.splitlines()
    assert REFUSED[line] in words
    if line == "judge complexty":
        assert refused(*line.split(), home=home) == words


def test_share_writes_one_page(home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run("judge", "complexity", "complex_translation", "--share", str(page), home=home)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    text = page.read_text()
    parser = HTMLParser()
    parser.feed(text)
    for part in ("complex_translation", "killed", "view.complexity(reporters)", killed(home)["isolation"]):
        assert part in text


@pytest.mark.slow
def test_doctor(home: Path) -> None:
    found = told("doctor", home=home)
    assert len(found["attacks"]) == 13
    assert all({"name", "blocked", "detail"} == set(a) for a in found["attacks"])
    if isolation_level().startswith("L2"):
        assert found["blocked"] == 13


@pytest.mark.parametrize("width", [80, 100, 140])
def test_tables_fit_the_terminal(width: int, home: Path) -> None:
    """A ledger and a row come out with each reporter and each counterexample on one line."""
    console = Console(width=width, record=True, file=io.StringIO())
    cell = killed(home)
    report.cell(console, cell)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    for name in ("human_simulator", "upstream_simulator", "direct_translator"):
        (row,) = [line for line in lines if line.startswith(name)]
        assert f"{cell['objective'][name]:.4g}" in row.split()
    report.row(console, [cell, {**cell, "counterexample": "better_human_inference"}])
    lines = console.export_text().splitlines()
    assert lines[0].split() == ["counterexample", "verdict", "draws", "adversary", "lit.", "DT*"]
    assert [line.split()[0] for line in lines[1:3]] == ["complex_translation", "better_human_inference"]
    listing.facts(console, [("word", "long " * 60)])
    lines = console.export_text().splitlines()
    assert all(line.startswith(" " * 12 + "long") for line in lines[1:]) and max(map(len, lines)) <= width
