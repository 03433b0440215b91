"""The registry reads files that it never runs: what they declare, and one clear line for whatever is wrong."""

import hashlib
import importlib.metadata
import inspect
import os
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox import declare
from elk_sandbox.declare import Declaration, Knob, SettingError, counterexample, proposal
from elk_sandbox.runtime import registry as registries
from elk_sandbox.runtime.registry import (
    SHIPPED,
    BrokenFile,
    Entry,
    Registry,
    RegistryError,
    UnknownName,
    read,
    read_text,
)

GOOD = '''
"""A file."""
from typing import Literal
from elk_sandbox import counterexample, proposal

raise SystemExit("this file was run")


@proposal(source="ARC 2021", control="hard_inference", needs=("complexity",))
def complexity(reporters, view, *, weight: float = 1, top: int = -3, on: bool = True, how: Literal["a", "b"] = "b"):
    """Cross-entropy
    and nodes.
    """


@counterexample(breaks={"complexity": "strict"}, source="ARC 2021", provenance="M")
def complex_translation(rng): ...
'''


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return path


def one(name: str = "x", keywords: str = "source='s'", signature: str = "reporters, view") -> str:
    return f"from elk_sandbox import proposal\n@proposal({keywords})\ndef {name}({signature}): ...\n"


def fault(text: str) -> tuple[int, str]:
    """Return the line and the message of the one thing that is wrong with a file."""
    entries, (broken,) = read_text(Path("x.py"), text)
    assert not entries and "\n" not in str(broken) and str(broken) == f"x.py:{broken.line}: {broken.message}"
    return broken.line, broken.message


def test_a_good_file_is_read_and_not_run(tmp_path: Path) -> None:
    path = write(tmp_path / "x.py", GOOD)
    (first, second), broken = read(path)
    assert broken == ()
    assert (first.kind, first.name, first.path, first.line) == ("proposal", "complexity", path, 10)
    assert first.doc == "Cross-entropy\nand nodes."
    assert first.meta == {
        "source": "ARC 2021",
        "provenance": "D",
        "control": "hard_inference",
        "needs": ("complexity",),
    }
    assert first.knobs == (
        Knob("weight", "float", 1.0),
        Knob("top", "int", -3),
        Knob("on", "bool", True),
        Knob("how", "Literal['a', 'b']", "b", ("a", "b")),
    )
    assert type(first.knobs[0].default) is float
    assert (second.kind, second.name, second.doc, second.knobs) == ("counterexample", "complex_translation", "", ())
    assert second.meta["breaks"] == {"complexity": "strict"} and second.meta["contested"] is None
    assert first.text == second.text == path.read_text()
    published = hashlib.sha256(path.read_bytes()).hexdigest()
    assert first.digest == published and not first.shipped


@pytest.mark.parametrize(
    "header, decorator",
    [
        ("from elk_sandbox import proposal", "proposal"),
        ("from elk_sandbox import proposal as p", "p"),
        ("from elk_sandbox import *", "proposal"),
        ("import elk_sandbox", "elk_sandbox.proposal"),
        ("import elk_sandbox as e", "e.proposal"),
        ("from elk_sandbox.declare import proposal", "proposal"),
        ("if True:\n    from elk_sandbox import proposal", "proposal"),
        ("import elk_sandbox.view", "elk_sandbox.proposal"),
    ],
)
def test_every_spelling_of_the_decorator(header: str, decorator: str) -> None:
    entries, broken = read_text(Path("x.py"), f"{header}\n@{decorator}(source='s')\ndef f(reporters, view): ...\n")
    assert [entry.name for entry in entries] == ["f"] and broken == ()


@pytest.mark.parametrize(
    "header",
    ["from elsewhere import proposal", "from elsewhere import *", "def proposal(source): ...", "proposal = print"],
)
def test_another_decorator_of_the_same_name_is_not_ours(header: str) -> None:
    text = f"{header}\n@proposal(source='s')\ndef f(reporters, view): ...\n"
    assert fault(text) == (1, "declares nothing: put @proposal or @counterexample above a function")


BAD = {
    "syntax": ("x = 1\nif x\n    pass\n", 2, "SyntaxError: expected ':'"),
    "indentation": ("if x:\npass\n", 2, "IndentationError: expected an indented block after 'if' statement on line 1"),
    "found by the compiler only": ("x = 1\nreturn x\n", 2, "SyntaxError: 'return' outside function"),
    "empty": ("", 1, "declares nothing: put @proposal or @counterexample above a function"),
    "nested parentheses": ("x = " + "(" * 5000 + ")" * 5000, 1, "SyntaxError: too many nested parentheses"),
    "nested signs": ("x = " + "-" * 100_000 + "1", 1, "is nested too deeply to be read"),
    "not imported": ("@proposal(source='s')\ndef f(r, v): ...", 1, "add `from elk_sandbox import proposal`"),
    "module not imported": ("@elk_sandbox.proposal(source='s')\ndef f(r, v): ...", 1, "add `import elk_sandbox`"),
    "bare": ("from elk_sandbox import proposal\n@proposal\ndef f(r, v): ...", 2, "write @proposal(source=...)"),
    "positional source": (one(keywords="'ARC'"), 2, "takes keywords only"),
    "stars": (one(keywords="**{'source': 's'}"), 2, "takes no **"),
    "no source": (one(keywords=""), 2, "lacks the keyword 'source': write source="),
    "empty source": (one(keywords="source=' '"), 2, "say where the idea is from"),
    "unknown keyword": (one(keywords="source='s', contrl='w'"), 2, "no keyword 'contrl'; did you mean 'control'?"),
    "unknown tag": (one(keywords="source='s', provenance='X'"), 2, "provenance='X' is none of V, V2, M, M-, D"),
    "computed": (one(keywords="source='s' + t"), 2, "@proposal: source is computed"),
    "computed on another line": (one(keywords="source='s',\n    control=name"), 3, "@proposal: control is computed"),
    "needs a comma": (one(keywords="source='s', needs=('parts')"), 2, 'write needs=("complexity",), with the comma'),
    "one argument": (one(signature="reporters"), 3, "write def x(reporters, view, *, knob: float = 0.1)"),
    "knob before the star": (one(signature="r, v, weight=0.1"), 3, "its knobs after a star"),
    "stars in the signature": (one(signature="r, v, **knobs"), 3, "its knobs after a star"),
    "no annotation": (one(signature="r, v, *,\n    w=0.1"), 4, "knob 'w' lacks an annotation"),
    "no default": (one(signature="r, v, *,\n    w: float"), 4, "knob 'w' lacks a default"),
    "annotation": (one(signature="r, v, *, w: list = []"), 3, "annotation list: use int, float, bool, str or Literal"),
    "computed default": (one(signature="r, v, *, w: float = 2**3"), 3, "knob 'w': its default is computed"),
    "wrong default": (one(signature="r, v, *, w: float = 'x'"), 3, "the default 'x' is no float"),
    "a bool is no int": (one(signature="r, v, *, w: int = True"), 3, "the default True is no int"),
    "infinite default": (one(signature="r, v, *, w: float = 1e999"), 3, "is not finite"),
    "no choice": (one(signature="r, v, *, w: Literal['a', 'b'] = 'c'"), 3, "the default 'c' is no Literal['a', 'b']"),
    "mixed choices": (one(signature="r, v, *, w: Literal['1', 1] = 1"), 3, "strings, or integers, and not both"),
    "computed choices": (one(signature="r, v, *, w: Literal[A, B] = 1"), 3, "its Literal is computed"),
    "a method": (
        "from elk_sandbox import proposal\nclass C:\n    @proposal(source='s')\n    def f(r, v): ...\n",
        4,
        "above a plain function at the top level",
    ),
    "a class": (
        "from elk_sandbox import proposal\n@proposal(source='s')\nclass C: ...\n",
        3,
        "above a plain function at the top level",
    ),
    "a coroutine": (
        "from elk_sandbox import proposal\n@proposal(source='s')\nasync def f(r, v): ...\n",
        3,
        "above a plain function at the top level",
    ),
    "a counterexample's arguments": (
        "from elk_sandbox import counterexample\n@counterexample(breaks={}, source='s')\ndef f(): ...\n",
        3,
        "a counterexample takes rng by position",
    ),
    "a counterexample's claim": (
        "from elk_sandbox import counterexample\n@counterexample(breaks={'x': 'dead'}, source='s')\ndef f(rng): ...\n",
        2,
        "claims something other than 'strict' or 'tie'",
    ),
}


@pytest.mark.parametrize("text, line, message", BAD.values(), ids=BAD)
def test_what_is_wrong_is_one_line_with_its_place(text: str, line: int, message: str) -> None:
    found, said = fault(text)
    assert found == line and message in said


def test_a_broken_declaration_leaves_the_others_of_its_file() -> None:
    text = one("first") + one("second", keywords="") + one("third") + one("first")
    entries, broken = read_text(Path("x.py"), text)
    assert [entry.name for entry in entries] == ["first", "third"]
    assert [(each.line, each.message.partition(":")[0]) for each in broken] == [
        (5, "@proposal lacks the keyword 'source'"),
        (12, "proposal 'first' is declared twice in this file"),
    ]


def test_odd_files_are_reported_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "good.py", one("good"))
    write(tmp_path / "bom.py", b"\xef\xbb\xbf" + one("bom").encode())
    write(tmp_path / "crlf.py", one("crlf").replace("\n", "\r\n").encode())
    write(tmp_path / "escape.py", one("escape") + "x = '\\d'\n")  # a warning of Python's, and warnings are errors here
    write(tmp_path / "latin.py", b"# caf\xc3\xa9\n# caf\xe9\n")
    write(tmp_path / "nul.py", b"x = 1\n\ny = '\0'\n")
    write(tmp_path / "large.py", "#" * 1_000_001)
    write(tmp_path / "locked.py", one("locked"))
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    write(tmp_path / "_template.py", "broken(")
    write(tmp_path / ".#good.py", "broken(")
    write(tmp_path / "notes.txt", "broken(")
    write(tmp_path / "other" / "deeper.py", "broken(")
    really_open = os.open

    def refusing(path: os.PathLike[str], flags: int) -> int:
        if Path(path).name == "locked.py":  # whoever runs the tests may be root, whom no permission stops
            raise PermissionError(13, "Permission denied")
        return really_open(path, flags)

    monkeypatch.setattr(os, "open", refusing)
    registry = Registry.scan(tmp_path)
    assert list(registry.proposals) == ["bom", "crlf", "escape", "good"] and registry.counterexamples == {}
    assert registry.proposals["bom"].text == one("bom")
    assert {(each.path.name, each.line, each.message) for each in registry.broken} == {
        ("latin.py", 2, "is not UTF-8 (byte 0xe9): save it as UTF-8 text"),
        ("nul.py", 3, "holds a NUL byte: save it as UTF-8 text"),
        ("large.py", 1, "is larger than 1000000 bytes: a plug-in file is a page of text"),
        ("locked.py", 1, "cannot be read: Permission denied"),
        ("folder.py", 1, "is a folder: a plug-in is a text file"),
        ("pipe.py", 1, "is no regular file: a plug-in is a text file"),
        ("loop.py", 1, "cannot be read: Too many levels of symbolic links"),
        ("dangling.py", 1, "cannot be read: No such file or directory"),
    }


def test_a_name_declared_by_two_files_belongs_to_the_first(tmp_path: Path) -> None:
    write(tmp_path / "b.py", one("same"))
    write(tmp_path / "a.py", one("same"))
    elsewhere = write(tmp_path / "elsewhere" / "mine.py", one("same") + one("mine"))
    registry = Registry.scan(tmp_path, [elsewhere, tmp_path / "a.py", tmp_path / "gone.py"])
    assert registry.proposals["same"].path == tmp_path / "a.py" and list(registry.proposals) == ["mine", "same"]
    message = f"proposal 'same' is already declared in {tmp_path / 'a.py'}: rename one"
    assert [(each.path.name, each.message) for each in registry.broken] == [
        ("b.py", message),
        ("mine.py", message),
        ("gone.py", "cannot be read: No such file or directory"),
    ]
    with pytest.raises(BrokenFile) as told:
        registry.find("proposal", "same")
    assert str(told.value) == f"{tmp_path / 'b.py'}:3: {message}, or give the path of the one you mean"
    assert registry.find("proposal", str(tmp_path / "b.py")).path == tmp_path / "b.py"
    assert registry.find("proposal", "mine").path == elsewhere


def test_what_is_shipped_and_left_out_is_said(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", one("mine"))
    registry = Registry.scan(tmp_path, packages=False)
    assert registry.folders == (tmp_path.resolve(),)
    with pytest.raises(
        UnknownName, match=f"no proposal 'complexity' in {tmp_path}, and the shipped files were left out"
    ):
        registry.find("proposal", "complexity")
    with pytest.raises(UnknownName, match=r"^no proposal 'mind'; did you mean 'mine'\?"):
        registry.find("proposal", "mind")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=f"no folder {tmp_path / 'none'}"):
        Registry.scan(tmp_path / "none")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    write(tmp_path / "complexity.py", GOOD)
    write(tmp_path / "broken_one.py", "x = (\n")
    return Registry.scan(tmp_path)


def test_find_by_name_with_close_matches(registry: Registry) -> None:
    assert registry.find("proposal", "complexity").name == "complexity"
    for kind, name, message in [
        ("proposal", "complexty", r"no proposal 'complexty'; did you mean 'complexity'\? \(there are: complexity\)"),
        ("proposal", "zzz", r"no proposal 'zzz' \(there are: complexity\)"),
        ("proposal", "complex_translation", "'complex_translation' is a counterexample, and a proposal is wanted here"),
    ]:
        with pytest.raises(UnknownName, match=message):
            registry.find(kind, name)
    with pytest.raises(BrokenFile, match=r"broken_one\.py:1: SyntaxError: '\(' was never closed"):
        registry.find("proposal", "broken_one")
    with pytest.raises(UnknownName, match=r"no counterexample 'c'; there are none"):
        Registry({}, {}, ()).find("counterexample", "c")
    many = Registry({f"name{n:02}": registry.proposals["complexity"] for n in range(13)}, {}, ())
    with pytest.raises(UnknownName, match=r"^no proposal 'name0'; did you mean 'name\d\d'\?$"):
        many.find("proposal", "name0")
    with pytest.raises(UnknownName, match=r"^no proposal 'zzz' \(there are: name00, name01, .*name12\)$"):
        many.find("proposal", "zzz")


def test_find_by_path_reads_the_file_on_the_spot(registry: Registry, tmp_path: Path) -> None:
    path = write(tmp_path / "mine" / "_two.py", one("first") + one("second"))
    assert registry.find("proposal", f"{path}:second").name == "second"
    for name, message in [
        (f"{path}", rf"declares several: say which, as in {path}:first \(there are: first, second\)"),
        (f"{path}:secnd", "declares no proposal 'secnd'; did you mean 'second'"),
    ]:
        with pytest.raises(UnknownName, match=message):
            registry.find("proposal", name)
    with pytest.raises(
        UnknownName, match="declares no counterexample: it declares proposal 'first', proposal 'second'"
    ):
        registry.find("counterexample", str(path))
    write(path, one("third") + one("broken", keywords=""))
    assert registry.find("proposal", str(path)).name == "third", "as it is now, and the broken one is not asked for"
    with pytest.raises(BrokenFile, match="lacks the keyword 'source'"):
        registry.find("proposal", f"{path}:broken")
    with pytest.raises(BrokenFile, match=r"none\.py:1: cannot be read: No such file"):
        registry.find("proposal", f"{tmp_path}/none.py")
    with pytest.raises(BrokenFile, match="is a folder"):
        registry.find("proposal", f"{tmp_path}/")
    with pytest.raises(BrokenFile, match="cannot be read"):
        registry.find("proposal", "nul\0.py")


def test_shipped_means_the_folder_beside_the_package() -> None:
    assert Path(__file__).resolve().parents[1] / "proposals" == SHIPPED
    ((entry,), _) = read_text(SHIPPED / "counterexamples" / "x.py", one())
    assert entry.shipped
    ((entry,), _) = read_text(SHIPPED.with_name("proposals-of-mine") / "x.py", one())
    assert not entry.shipped


def test_shipped_files_stand_where_the_users_folder_leaves_their_names_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped"
    for name in ("copied", "torn", "shipped_only", "renamed"):
        write(shipped / f"{name}.py", one(name))
    write(shipped / "worn.py", "x = (\n")
    monkeypatch.setattr(registries, "SHIPPED", shipped)
    monkeypatch.chdir(tmp_path)
    alone = Registry.default(packages=False)
    assert list(alone.proposals) == ["copied", "renamed", "shipped_only", "torn"]
    mine = tmp_path / "proposals"
    write(mine / "copied.py", one("copied", keywords="source='mine'"))
    write(mine / "other.py", one("renamed") + one("mine"))
    write(mine / "torn.py", "x = (\n")
    both = Registry.default(packages=False)
    assert (alone.folders, both.folders) == ((shipped,), (mine, shipped))
    assert both.find("proposal", "copied").path == Path("proposals/copied.py"), "it stands for the shipped one"
    assert {name: entry.path for name, entry in both.proposals.items()} == {
        "copied": Path("proposals/copied.py"),
        "mine": Path("proposals/other.py"),
        "renamed": Path("proposals/other.py"),
        "shipped_only": shipped / "shipped_only.py",
    }
    assert [each.path for each in both.broken] == [Path("proposals/torn.py"), shipped / "worn.py"]
    with pytest.raises(BrokenFile, match=r"^proposals/torn\.py:1: "):
        both.find("proposal", "torn")
    assert list(Registry.scan(mine, packages=False).proposals) == ["copied", "mine", "renamed"]


def test_in_the_checkout_two_files_of_one_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There ./proposals is the shipped folder, which does not give way to itself."""
    write(tmp_path / "proposals" / "a.py", one("same"))
    write(tmp_path / "proposals" / "b.py", one("same"))
    monkeypatch.setattr(registries, "SHIPPED", tmp_path / "proposals")
    monkeypatch.chdir(tmp_path)
    found = Registry.default(packages=False)
    assert found.proposals["same"].path == Path("proposals/a.py")
    assert [each.path for each in found.broken] == [Path("proposals/b.py")]
    with pytest.raises(BrokenFile, match=r"^proposals/b\.py:3: .* declared in proposals/a\.py: rename one, or give"):
        found.find("proposal", "same")


def test_packages_bring_theirs_without_being_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "folder" / "mine.py", one("mine"))
    write(tmp_path / "site" / "elk_test_brings" / "__init__.py", "raise SystemExit('this package was run')")
    write(tmp_path / "site" / "elk_test_brings" / "theirs.py", one("theirs"))
    write(tmp_path / "site" / "elk_test_brings" / "counterexamples" / "more.py", "broken(")
    points = [("a", "elk_test_brings"), ("b", "no_such_package"), ("c", "sys")]
    found = [importlib.metadata.EntryPoint(name, value, "elk_sandbox.proposals") for name, value in points]
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found * (group == "elk_sandbox.proposals"))
    registry = Registry.scan(tmp_path / "folder")
    assert list(registry.proposals) == ["mine", "theirs"] and "elk_test_brings" not in sys.modules
    messages = [str(each) for each in registry.broken]
    assert messages[0].startswith(
        "no_such_package:1: entry point 'b' of elk_sandbox.proposals: RegistryError: there is"
    )
    assert messages[1].startswith("sys:1: entry point 'c'") and "more.py:1: SyntaxError" in messages[2]
    assert list(Registry.scan(tmp_path / "folder", packages=False).proposals) == ["mine"]


def entry_of(signature: str) -> Entry:
    (entry,), broken = read_text(Path("x.py"), one(signature=f"r, v, *, {signature}"))
    assert broken == ()
    return entry


KNOBS = (
    "weight: float = 0.1, n: int = 3, on: bool = False, name: str = 'x', "
    "how: Literal['a', 'b'] = 'a', k: Literal[1, 2] = 1"
)


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "weight": st.floats(allow_nan=False, allow_infinity=False),
            "n": st.integers(),
            "on": st.booleans(),
            "name": st.text(),
            "how": st.sampled_from(["a", "b"]),
            "k": st.sampled_from([1, 2]),
        },
    )
)
def test_settings_round_trip(values: dict[str, object]) -> None:
    found = entry_of(KNOBS).settings([f"{name}={value}" for name, value in values.items()])
    assert found == {"weight": 0.1, "n": 3, "on": False, "name": "x", "how": "a", "k": 1} | values
    assert [type(value) for value in found.values()] == [float, int, bool, str, str, int]


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_value_of_the_right_type_or_one_clear_error(text: str) -> None:
    for name, kind in [("weight", float), ("n", int), ("on", bool), ("how", str), ("k", int)]:
        try:
            value = entry_of(KNOBS).settings([f"{name}={text}"])[name]
        except SettingError as error:
            assert f"knob {name!r}" in str(error) and repr(text) in str(error)
        else:
            assert type(value) is kind


@pytest.mark.parametrize(
    "given_settings, message",
    [
        (["wieght=1"], "x has no knob 'wieght'; did you mean 'weight'? (there are: how, k, n, name, on, weight)"),
        (["weight"], "'weight' is no setting: write knob=value"),
        (["weight=much"], "knob 'weight' takes float, not 'much'"),
        (["weight=nan"], "knob 'weight' takes a finite float, not 'nan'"),
        (["weight=1e999"], "knob 'weight' takes a finite float, not '1e999'"),
        (["n=1.5"], "knob 'n' takes int, not '1.5'"),
        (["n=" + "9" * 5000], "knob 'n' takes int, not '999"),
        (["on=maybe"], "knob 'on' takes bool, not 'maybe'"),
        (["how=c"], "knob 'how' takes Literal['a', 'b'], not 'c' (there are: a, b)"),
        (["n=1", "n=2"], "knob 'n' is set twice"),
    ],
)
def test_a_wrong_setting_is_said(given_settings: list[str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        entry_of(KNOBS).settings(given_settings)
    assert str(caught.value).startswith(message)


def test_an_equals_sign_belongs_to_the_value_and_booleans_have_their_words() -> None:
    entry = entry_of(KNOBS)
    assert entry.settings([" name=a=b "])["name"] == "a=b "
    for word, value in {
        "TRUE": True,
        "yes": True,
        "On": True,
        "1": True,
        "false": False,
        "no": False,
        "0": False,
    }.items():
        assert entry.settings([f"on={word}"])["on"] is value


def test_the_decorators_record_the_same_as_the_registry_reads_and_wrap_nothing() -> None:
    text = GOOD.replace('raise SystemExit("this file was run")', "")
    names: dict[str, object] = {}
    exec(text, names)
    entries, _ = read_text(Path("x.py"), text)
    for entry in entries:
        function = names[entry.name]
        assert inspect.isfunction(function) and not hasattr(function, "__wrapped__")
        assert function.__elk__ == Declaration(entry.kind, entry.name, entry.meta)  # type: ignore[attr-defined]


def test_the_decorators_refuse_what_the_registry_refuses() -> None:
    with pytest.raises(ValueError, match="provenance='Q' is none of V, V2, M, M-, D"):
        proposal(source="s", provenance="Q")
    with pytest.raises(ValueError, match="claims something other than"):
        counterexample(breaks={"x": "dead"}, source="s")
    with pytest.raises(TypeError):
        proposal()  # type: ignore[call-arg]
    assert set(declare.DECORATORS) == {"proposal", "counterexample"}
