"""The README's files are judged and its commands are run, as they stand."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILES = re.findall(r"```python\n(.*?)```", README, re.S)
COMMANDS = [
    line.removeprefix("$ ").partition("#")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.startswith("$ elk-sandbox")
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shipped proposals and the README's own two files."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "proposals", folder / "proposals", ignore=shutil.ignore_patterns("__pycache__"))
    for text in FILES:
        name = re.findall(r"^def (\w+)", text, re.M)[0]
        place = "proposals/counterexamples" if "@counterexample" in text else "proposals"
        (folder / place / f"{name}.py").write_text(text)
    return folder


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "elk_sandbox", *words[1:]],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_readme_has_files_and_commands() -> None:
    assert len(FILES) == 3
    assert len(COMMANDS) == 17


def test_what_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme(command: str, checkout: Path) -> None:
    done = run(command, checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert all(re.fullmatch(r"\d+ of \d+ (cells|steps)", line) for line in done.stderr.splitlines()), done.stderr


def test_what_the_readme_says_of_its_first_program(checkout: Path) -> None:
    told = run("elk-sandbox judge proposals/few_nodes.py complex_translation", checkout).stdout
    assert "killed, strict" in told
    row = {line.split()[0]: line for line in reversed(told.splitlines()) if line}  # the first of each name
    assert " 0.1 " in row["human_simulator"]
    assert " 0.5 " in row["direct_translator"] and "DT*" in row["direct_translator"]


def test_the_readmes_counterexample_does_what_it_claims(checkout: Path) -> None:
    told = run("elk-sandbox judge human_labels two_screens", checkout).stdout
    assert "killed, tie" in told


@pytest.mark.slow
def test_the_worked_example_comes_out_as_the_readme_tells_it(checkout: Path) -> None:
    (checkout / "proposals/counterexamples/break_it.py").unlink(missing_ok=True)
    begun = run("elk-sandbox new counterexample break_it --against few_nodes", checkout)
    assert "begun from ontology_mismatch" in begun.stdout, begun.stderr
    for name in ("few_nodes", "few_nodes_best_labels"):
        told = run(f"elk-sandbox judge {name} break_it", checkout).stdout
        assert "killed, strict" in told
        row = {line.split()[0]: line for line in told.splitlines() if line}
        assert " 0.1 " in row["human_simulator_hstar"] and " 0.5 " in row["direct_translator"]
