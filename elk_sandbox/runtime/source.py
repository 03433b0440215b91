"""What one plug-in file declares, from its syntax tree: names, literals, defaults and docstrings; it is never run."""

import ast
import hashlib
import os
import stat
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elk_sandbox.declare import DECORATORS, Kind, Knob, declared, parse_settings

SHIPPED = Path(__file__).resolve().parents[2] / "proposals"  # beside the package, in a checkout
LARGEST = 1_000_000  # bytes of a plug-in file
POSITIONAL: Mapping[Kind, tuple[str, ...]] = {"proposal": ("reporters", "view"), "counterexample": ("rng",)}
HOMES = ("elk_sandbox", "elk_sandbox.declare")  # the modules that the decorators are imported from
KINDS: Mapping[str, Kind] = {kind: kind for kind in DECORATORS}


@dataclass(frozen=True)
class Broken:
    """A file, or a declaration in it, that cannot be used."""

    path: Path
    line: int  # 1 where the file as a whole is at fault
    message: str  # one line: what is wrong, what to do
    second: tuple[Kind, str] | None = None  # what it declares that another file declares too

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """One declared function."""

    kind: Kind
    name: str
    path: Path
    line: int  # of its `def`
    doc: str  # the written argument; "" if there is none
    knobs: tuple[Knob, ...]
    meta: Mapping[str, object] = field(hash=False)  # the decorator's keywords, defaults filled in
    text: str = field(repr=False)  # of the whole file
    digest: str  # SHA-256 of the text as UTF-8, hexadecimal
    shipped: bool  # lies in the `proposals` folder beside the package

    def settings(self, settings: Iterable[str] = ()) -> dict[str, object]:
        """Return every knob's value, `settings` being "name=value" each; raises SettingError."""
        return parse_settings(self.name, self.knobs, settings)


Found = tuple[tuple[Entry, ...], tuple[Broken, ...]]


class _Fault(Exception):
    def __init__(self, line: int | None, message: str):
        self.line = line or 1
        self.message = " ".join(message.split())  # one line, whatever is quoted in it


def read(path: Path) -> Found:
    """Return what a file declares, and what is wrong with it; never raises for what the file is or holds."""
    try:
        text = _text(path)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        return (), (Broken(path, 1, f"cannot be read: {getattr(error, 'strerror', None) or error}"),)
    except _Fault as fault:
        return (), (Broken(path, fault.line, fault.message),)
    return read_text(path, text)


def read_text(path: Path, text: str) -> Found:
    """Return what a file at `path` with this text would declare, and what is wrong with it; never raises."""
    try:
        found = list(_declarations(_parse(text, path)))
        if not found:
            raise _Fault(1, "declares nothing: put @proposal or @counterexample above a function")
    except _Fault as fault:
        return (), (Broken(path, fault.line, fault.message),)
    digest = hashlib.sha256(text.encode()).hexdigest()
    shipped = os.path.realpath(path).startswith(f"{SHIPPED}{os.sep}")
    entries: dict[tuple[Kind, str], Entry] = {}
    broken: list[Broken] = []
    for kind, function, decorator, misplaced in found:
        try:
            if misplaced:
                raise misplaced
            assert isinstance(function, ast.FunctionDef) and isinstance(decorator, ast.Call)
            meta, knobs, doc = _meta(kind, decorator), _knobs(kind, function), ast.get_docstring(function) or ""
            if (kind, function.name) in entries:
                raise _Fault(function.lineno, f"{kind} {function.name!r} is declared twice in this file: rename one")
            entry = Entry(kind, function.name, path, function.lineno, doc, knobs, meta, text, digest, shipped)
            entries[kind, function.name] = entry
        except _Fault as wrong:
            broken.append(Broken(path, wrong.line, wrong.message))
        except RecursionError:
            broken.append(Broken(path, function.lineno, "is nested too deeply to be read"))
    return tuple(entries.values()), tuple(broken)


def _text(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a named pipe must not make us wait for its writer
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise _Fault(1, f"is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}: a plug-in is a text file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise _Fault(1, f"is larger than {LARGEST} bytes: a plug-in file is a page of text")
    if b"\0" in data:
        raise _Fault(data[: data.index(b"\0")].count(b"\n") + 1, "holds a NUL byte: save it as UTF-8 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _Fault(line, f"is not UTF-8 (byte 0x{data[error.start]:02x}): save it as UTF-8 text") from None


def _parse(text: str, path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a user's string is no news from here
            tree = ast.parse(text, str(path))
            compile(tree, str(path), "exec", dont_inherit=True)  # refuses what the grammar allows and Python does not
            return tree
    except SyntaxError as error:
        raise _Fault(error.lineno, f"{type(error).__name__}: {error.msg}") from None
    except ValueError as error:
        raise _Fault(1, f"is no Python: {error}") from None
    except (RecursionError, MemoryError):
        raise _Fault(1, "is nested too deeply to be read") from None


def _declarations(tree: ast.Module) -> Iterator[tuple[Kind, ast.stmt, ast.expr, _Fault | None]]:
    """Yield the kind, the decorated statement, its decorator, and what is wrong with their place or form."""
    names, modules, bound = _imports(tree)
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            kind, missing = None, None
            if isinstance(called, ast.Name):
                kind = names.get(called.id)
                if kind is None and called.id not in bound:
                    kind, missing = KINDS.get(called.id), f"from elk_sandbox import {called.id}"
            elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                module = called.value.id
                if module in modules:
                    kind = KINDS.get(called.attr)
                elif module == "elk_sandbox" and module not in bound:
                    kind, missing = KINDS.get(called.attr), "import elk_sandbox"
            if kind is None:
                continue
            assert isinstance(node, ast.stmt)
            fault = None
            if missing:
                fault = _Fault(decorator.lineno, f"@{kind} is not imported: add `{missing}`")
            elif not isinstance(decorator, ast.Call):
                keywords = "source=..." if kind == "proposal" else "breaks={...}, source=..."
                fault = _Fault(decorator.lineno, f"@{kind} needs its keywords: write @{kind}({keywords})")
            elif not isinstance(node, ast.FunctionDef) or node not in tree.body:
                fault = _Fault(node.lineno, f"@{kind} belongs above a plain function at the top level of the file")
            yield kind, node, decorator, fault


def _imports(tree: ast.Module) -> tuple[dict[str, Kind], set[str], set[str]]:
    """Return which names are our decorators, which are our package, and every name that the file binds itself."""
    names: dict[str, Kind] = {}
    modules, bound = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                bound.add(name)
                if "elk_sandbox" in (name, alias.name):
                    modules.add(name)
        elif isinstance(node, ast.ImportFrom):
            ours = node.level == 0 and node.module in HOMES
            for alias in node.names:
                for kind in DECORATORS:
                    if ours and alias.name in (kind, "*"):
                        names[alias.asname or kind] = kind
                    elif alias.name == "*":
                        bound.add(kind)
                bound.add(alias.asname or alias.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return names, modules, bound


def _meta(kind: Kind, decorator: ast.Call) -> dict[str, object]:
    if decorator.args:
        raise _Fault(decorator.args[0].lineno, f"@{kind} takes keywords only: write source=... before the text")
    keywords: dict[str, object] = {}
    for keyword in decorator.keywords:
        if keyword.arg is None:
            raise _Fault(keyword.value.lineno, f"@{kind} takes no **: write each keyword out")
        keywords[keyword.arg] = _literal(keyword.value, f"@{kind}: {keyword.arg}")
    try:
        return declared(kind, keywords)
    except ValueError as error:
        raise _Fault(decorator.lineno, str(error)) from None


def _knobs(kind: Kind, function: ast.FunctionDef) -> tuple[Knob, ...]:
    arguments, wanted = function.args, POSITIONAL[kind]
    positional = [*arguments.posonlyargs, *arguments.args]
    signature = f"def {function.name}({', '.join(wanted)}, *, knob: float = 0.1)"
    if len(positional) != len(wanted) or arguments.vararg or arguments.kwarg:
        raise _Fault(
            function.lineno,
            f"a {kind} takes {' and '.join(wanted)} by position and its knobs after a star: write {signature}",
        )
    return tuple(map(_knob, arguments.kwonlyargs, arguments.kw_defaults))


def _knob(argument: ast.arg, default: ast.expr | None) -> Knob:
    annotation, name = argument.annotation, argument.arg
    if annotation is None or default is None:
        lacks = "an annotation" if annotation is None else "a default"
        raise _Fault(argument.lineno, f"knob {name!r} lacks {lacks}: write it as {name}: float = 0.1")
    choices = None
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).rpartition(".")[2] == "Literal":
        written = _literal(annotation.slice, f"knob {name!r}: its Literal")
        choices = written if isinstance(written, tuple) else (written,)
    try:
        return Knob(name, ast.unparse(annotation), _literal(default, f"knob {name!r}: its default"), choices)
    except ValueError as error:
        raise _Fault(argument.lineno, str(error)) from None


def _literal(node: ast.expr, what: str) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _Fault(node.lineno, f"{what} is computed; it is read without running the file: write a literal") from None
