"""Who may import whom (shared design, section 2), what the judge's path may load, and how long a file may be.

The rules are functions from a source tree to what breaks them, so that each is shown to find a planted offence.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import elk_sandbox
from elk_sandbox import keys

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("elk_sandbox", "rlhf_lab")
HEAVY = {"torch", "sympy", "streamlit", "scipy", "sklearn", "matplotlib", "altair", "rlhf_lab"}  # slow, or not below us
FROM_THE_LAB = {
    "declare",
    "learned",
    "oversight",
    "palette",
    "runtime",
    "terminal",
    "world",
}  # what of elk_sandbox, beside its public names, the lab builds on
BESIDE_THE_PATH = (
    ["pages"],
    ["symbolic"],
    ["evidence"],
    ["oversight"],
    ["learned"],
)  # parts of elk_sandbox that judging need not load
LONGEST = 300  # lines of a file
LONGER: dict[str, str] = {}  # file: why a reader would accept it


class Import(NamedTuple):
    file: str  # relative to the root, with /
    line: int
    module: str  # absolute and dotted
    names: tuple[str, ...]  # of `from module import names`
    at_load: bool  # runs when the file is imported: in no function, and not for the type checker only


def python_files(root: Path) -> list[Path]:
    places = [root / name for name in (*PACKAGES, "proposals", "app.py", "navigation.py")]
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))


def imports(root: Path) -> list[Import]:
    return [each for file in python_files(root) for each in imports_of(root, file)]


def imports_of(root: Path, file: Path) -> Iterator[Import]:
    name = file.relative_to(root).as_posix()
    package = name.split("/")[:-1]
    pending: list[tuple[ast.AST, bool]] = [(ast.parse(file.read_text(), name), True)]
    while pending:
        node, at_load = pending.pop()
        if isinstance(node, ast.Import):
            yield from (Import(name, node.lineno, alias.name, (), at_load) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield Import(name, node.lineno, module, tuple(alias.name for alias in node.names), at_load)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += [(child, False) for child in node.body] + [(child, at_load) for child in node.orelse]
        else:
            inner = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            pending += [(child, inner) for child in ast.iter_child_nodes(node)]


def name_of(root: Path, file: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top(module: str) -> str:
    return module.partition(".")[0]


def broken_directions(root: Path, public: set[str]) -> list[str]:
    """Return one line for each import against the directions."""
    found = []
    for file, line, module, names, _ in imports(root):
        here, pages = top(file.replace("/", ".")), "/pages/" in file or file in ("app.py", "navigation.py")
        wrong = ""
        if here == "elk_sandbox" and top(module) == "rlhf_lab":
            wrong = "the sandbox does not know the lab"
        elif top(module) == "streamlit" and not pages:
            wrong = "streamlit is for app.py and pages"
        elif top(module) == "sympy" and not file.startswith(("elk_sandbox/symbolic/", "elk_sandbox/oversight/")):
            wrong = "sympy is for symbolic and oversight"
        elif here in PACKAGES and top(module) in ("proposals", "app", "tests"):
            wrong = "packages import no plug-ins, app or tests"
        elif here == "rlhf_lab" and not pages and top(module) == "elk_sandbox":
            parts = {module.split(".")[1]} if "." in module else set(names) - public
            wrong = "" if parts <= FROM_THE_LAB else f"the lab builds on {', '.join(sorted(FROM_THE_LAB))}"
        elif here == "proposals":
            if top(module) == "elk_sandbox":
                wrong = "" if module == "elk_sandbox" and set(names) <= public else "plug-ins use public names only"
            elif top(module) != "numpy" and top(module) not in sys.stdlib_module_names:
                wrong = "plug-ins use elk_sandbox, numpy and the standard library"
        if wrong:
            found.append(f"{file}:{line}: {module} {' '.join(names)}".rstrip() + f": {wrong}")
    return found


def loaded(root: Path, start: str) -> dict[str, str]:
    """Return what importing `start` imports at load, our own modules followed: module to the line that asks for it."""
    by_module = {name_of(root, file): list(imports_of(root, file)) for file in python_files(root)}
    reasons, pending = {}, [(start, "the start")]
    while pending:
        module, reason = pending.pop()
        if module in reasons:
            continue
        reasons[module] = reason
        parts = module.split(".")
        around = [".".join(parts[:length]) for length in range(1, len(parts))]
        pending += [(package, reason) for package in around if package in by_module]
        for each in by_module.get(module, ()):
            if each.at_load:
                asked = [each.module, *(f"{each.module}.{name}" for name in each.names)]
                pending += [(name, f"{each.file}:{each.line}") for name in asked if name in by_module]
                pending += [(each.module, f"{each.file}:{each.line}")]
    return reasons


def heavy(root: Path, start: str) -> list[str]:
    return sorted(f"{why}: {module}" for module, why in loaded(root, start).items() if top(module) in HEAVY)


def too_long(root: Path) -> list[str]:
    files = [file for file in python_files(root) if "proposals" not in file.relative_to(root).parts]
    lengths = {file.relative_to(root).as_posix(): file.read_text().count("\n") for file in files}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length > LONGEST and name not in LONGER]


def vaguely_named(root: Path) -> list[str]:
    names = {part for file in python_files(root) for part in file.relative_to(root).with_suffix("").parts}
    return sorted(name for name in names if {"util", "utils", "helpers", "misc"} & set(name.lower().split("_")))


def test_the_walk_finds_the_files() -> None:
    files = {file.relative_to(REPOSITORY).as_posix() for file in python_files(REPOSITORY)}
    assert {"elk_sandbox/__init__.py", "elk_sandbox/runtime/engine.py", "proposals/complexity.py"} <= files


def test_directions() -> None:
    assert broken_directions(REPOSITORY, set(elk_sandbox.__all__)) == []


def test_the_judges_path_asks_for_nothing_heavy() -> None:
    """From the command line, and from every module that it may come to import inside a function."""
    names = {name_of(REPOSITORY, file) for file in python_files(REPOSITORY)}
    starts = {name for name in names if name.startswith("elk_sandbox") and name.split(".")[1:2] not in BESIDE_THE_PATH}
    starts -= {f"elk_sandbox.runtime.{role}_role" for role in ("evidence", "learned")}  # of children that train
    assert {"elk_sandbox.__main__", "elk_sandbox.view", "elk_sandbox.runtime.engine"} <= starts
    assert {start: found for start in starts if (found := heavy(REPOSITORY, start))} == {}


def test_the_judges_path_loads_nothing_heavy() -> None:
    """The same of the interpreter, which also sees what the libraries that we import do import."""
    path = [
        f"elk_sandbox.{name}" for name in ("__main__", "judge", "view", "world", "runtime.engine", "runtime.isolation")
    ]
    code = f"import sys, {', '.join(path)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert set(path) <= set(run.stdout.split())
    assert HEAVY & {top(module) for module in run.stdout.split()} == set()


def test_who_only_looks_cells_up_does_not_load_what_judges() -> None:
    for start in ("elk_sandbox.judged", "elk_sandbox.symbolic.kept", "elk_sandbox.blindfold"):
        assert "elk_sandbox.judge" not in loaded(REPOSITORY, start), start
    through = [
        f"{each.file}:{each.line}: {name} is of elk_sandbox.keys"
        for file in python_files(REPOSITORY)
        if name_of(REPOSITORY, file).startswith(("elk_sandbox.", "rlhf_lab."))
        for each in imports_of(REPOSITORY, file)
        if each.module == "elk_sandbox.cells"
        for name in each.names
        if name in keys.__all__
    ]
    assert through == []


def test_no_file_is_too_long_and_no_exception_is_stale() -> None:
    assert too_long(REPOSITORY) == []
    for name in LONGER:
        assert (REPOSITORY / name).read_text().count("\n") > LONGEST, f"{name} needs no exception any more"


def test_no_module_is_called_utils() -> None:
    assert vaguely_named(REPOSITORY) == []


@pytest.mark.parametrize(
    "file, text, offence",
    [
        ("elk_sandbox/world.py", "import rlhf_lab.ppo", "world.py:1: rlhf_lab.ppo: the sandbox does not know the lab"),
        ("elk_sandbox/a.py", "def f():\n    from rlhf_lab import x", "a.py:2: rlhf_lab x: the sandbox does not"),
        ("elk_sandbox/a.py", "import streamlit as st", "streamlit: streamlit is for app.py and pages"),
        ("elk_sandbox/runtime/a.py", "from sympy import S", "sympy S: sympy is for symbolic and oversight"),
        ("elk_sandbox/a.py", "import proposals.complexity", "packages import no plug-ins, app or tests"),
        ("rlhf_lab/a.py", "from elk_sandbox.judge import judge", "the lab builds on declare, learned"),
        ("rlhf_lab/a.py", "from elk_sandbox import judge", "the lab builds on declare, learned"),
        ("proposals/a.py", "from elk_sandbox.view import View", "plug-ins use public names only"),
        ("proposals/a.py", "from elk_sandbox import judge", "plug-ins use public names only"),
        ("proposals/counterexamples/a.py", "import elk_sandbox.view", "plug-ins use public names only"),
        ("proposals/a.py", "import torch", "plug-ins use elk_sandbox, numpy and the standard library"),
        ("proposals/a.py", "from . import complexity", "plug-ins use elk_sandbox, numpy and the standard library"),
    ],
)
def test_a_planted_offence_is_found(tmp_path: Path, file: str, text: str, offence: str) -> None:
    plant(tmp_path, file, text)
    (found,) = broken_directions(tmp_path, {"View"})
    assert offence in found


def test_what_is_allowed_is_allowed(tmp_path: Path) -> None:
    plant(tmp_path, "app.py", "import streamlit, elk_sandbox.judge, rlhf_lab.ppo")
    plant(tmp_path, "elk_sandbox/pages/a.py", "import streamlit\nfrom elk_sandbox.judge import judge")
    plant(tmp_path, "elk_sandbox/oversight/a.py", "def f():\n    import sympy")
    plant(tmp_path, "rlhf_lab/a.py", "from elk_sandbox.runtime.engine import run\nfrom elk_sandbox import View, world")
    plant(
        tmp_path, "proposals/a.py", "from elk_sandbox import View\nimport numpy.linalg, math\nimport elk_sandbox as e"
    )
    assert broken_directions(tmp_path, {"View"}) == []


@pytest.mark.parametrize(
    "text, found",
    [
        ("import torch.nn", ["elk_sandbox/deep/far.py:1: torch.nn"]),
        ("try:\n    import sympy\nexcept ImportError:\n    pass", ["elk_sandbox/deep/far.py:2: sympy"]),
        ("class C:\n    from scipy import stats", ["elk_sandbox/deep/far.py:2: scipy"]),
        ("def f():\n    import torch", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", []),
    ],
)
def test_what_is_loaded_is_followed_to_the_end(tmp_path: Path, text: str, found: list[str]) -> None:
    plant(tmp_path, "elk_sandbox/__main__.py", "from .near import x")
    plant(tmp_path, "elk_sandbox/near.py", "from elk_sandbox.deep import far")
    plant(tmp_path, "elk_sandbox/deep/far.py", text)
    plant(tmp_path, "elk_sandbox/pages/a.py", "import streamlit")
    assert heavy(tmp_path, "elk_sandbox.__main__") == found
    plant(tmp_path, "elk_sandbox/deep/__init__.py", "import matplotlib")
    assert "elk_sandbox/deep/__init__.py:1: matplotlib" in heavy(tmp_path, "elk_sandbox.__main__")


def test_a_long_file_and_a_vague_name_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "elk_sandbox/long.py", "\n" * (LONGEST + 1))
    plant(tmp_path, "rlhf_lab/text_utils/short.py", "\n" * LONGEST)
    assert too_long(tmp_path) == ["elk_sandbox/long.py: 301 lines"]
    assert vaguely_named(tmp_path) == ["text_utils"]


def plant(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
