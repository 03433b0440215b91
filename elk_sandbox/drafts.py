"""Drafts: what somebody is writing, kept in the workspace at every key, so that nothing typed is lost.

A draft is two files of WORKSPACE/drafts: NAME.py, the text, and NAME.json, what it began from. Whoever writes says
which text they saw last; if another has written since, nothing is overwritten.
"""

import ast
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from elk_sandbox import literature
from elk_sandbox.checks import new_path
from elk_sandbox.declare import Kind, RegistryError
from elk_sandbox.runtime import lock, workspace
from elk_sandbox.runtime.source import SHIPPED, Entry, read_text

__all__ = [
    "Draft",
    "Overtaken",
    "Taken",
    "begin",
    "discard",
    "drafts",
    "load",
    "mine",
    "on_disk",
    "opened",
    "put",
    "rename",
    "save",
    "withdraw",
]

LONGEST = 80  # letters of a name
NAME = re.compile(rf"[A-Za-z0-9]\w{{0,{LONGEST - 1}}}", re.ASCII)


class Overtaken(RegistryError):
    """The draft was written by another since it was read."""


class Taken(RegistryError):
    """A file lies where the draft would be saved, and it is not the one that the draft began from."""


@dataclass(frozen=True)
class Draft:
    """A text that is being written."""

    name: str
    kind: Kind
    text: str
    base: str  # the text when it was begun or last saved
    origin: str | None = None  # the file it was opened from or saved to, as an absolute path
    undone: str | None = None  # the text that going back to `base` took away
    judged: str | None = None  # the cell that was last asked for, by its key

    @property
    def changed(self) -> bool:
        """Whether it differs from what was opened or last saved."""
        return self.text != self.base


def drafts(home: Path) -> list[Draft]:
    """All drafts of a workspace, the one that was written last first."""
    found = sorted((home / "drafts").glob("*.json"), key=_age, reverse=True)
    return [draft for path in found if (draft := _read(home, path.stem))]


def load(home: Path, name: str) -> Draft:
    """Return a draft as it is on the disk. Raises RegistryError if there is none."""
    draft = _read(home, name)
    if draft is None:
        raise RegistryError(f"there is no draft {name!r}")
    return draft


def begin(
    home: Path, name: str, kind: Kind, text: str, origin: str | Path | None = None, base: str | None = None
) -> Draft:
    """Keep a new draft of this name, or of NAME_2 and so on if it is taken; `base` is the text unless it is given.

    Raises RegistryError, OSError.
    """
    with _locked(home):
        return _begin(home, name, Draft(name, kind, text, text if base is None else base, _absolute(origin)))


def opened(home: Path, entry: Entry) -> Draft:
    """A draft of this file: the one that there is, else a new one. Raises RegistryError, OSError."""
    path = str(entry.path.absolute())
    for draft in drafts(home):
        if draft.origin == path and draft.kind == entry.kind:
            stale = not draft.changed and draft.text != entry.text  # the file was changed by another editor
            return put(home, draft, text=entry.text, base=entry.text) if stale else draft
    return begin(home, entry.name, entry.kind, entry.text, entry.path)


def put(home: Path, seen: Draft, **changes: Any) -> Draft:
    """Keep changes of fields of a draft that was seen so.

    Raises Overtaken if its text on the disk is not the one that was seen, or it is gone; OSError.
    """
    with _locked(home):
        return _changed(home, _unchanged(home, seen), **changes)


def discard(home: Path, seen: Draft) -> None:
    """Forget a draft that was seen so; the file that it began from stays.

    Raises Overtaken if its text on the disk is another, or it is gone; OSError.
    """
    with _locked(home):
        _unchanged(home, seen)
        _forget(home, seen.name)


def mine(origin: str | None, folder: Path) -> Path | None:
    """The file that saving may write: a user's own in `folder`, and none that is shipped with this package."""
    if origin is None:
        return None
    path = Path(origin).resolve()
    if path.parent not in (folder.resolve(), (folder / "counterexamples").resolve()):
        return None
    published = path.stem in literature.STRATEGIES or path.stem in literature.COUNTEREXAMPLES
    shipped = path.parent in (SHIPPED, SHIPPED / "counterexamples") and (published or path.name.startswith("_"))
    return None if shipped else path


def on_disk(draft: Draft, folder: Path) -> str | None:
    """What the user's own file of a draft holds now; None if it has none, or the file is gone."""
    path = mine(draft.origin, folder)
    return _text(path) if path else None


def save(home: Path, draft: Draft, folder: Path, name: str | None = None, *, over: bool = False) -> Draft:
    """Write a draft to its own file in `folder`, or with a name to a new file, and return the draft of that.

    With a name the function that it declares is renamed too, and the draft that it was goes, unless another has written
    in it since it was seen. Raises Overtaken, before anything is written, if without a name that is so; Taken if the
    file was changed since it was opened, unless `over`; RegistryError if it has no file of its own and no name was
    given, or the name does not do; OSError.
    """
    if name is None:
        path, text = mine(draft.origin, folder), _ended(draft.text)
        if path is None:
            raise RegistryError(f"{draft.name} has no file of yours yet: save it under a name")
        with _locked(home):
            there = _unchanged(home, draft)
            if not over and _text(path) not in (None, draft.base, text):
                raise Taken(f"{path.name} was changed on the disk since it was opened here")
            workspace.write(path, text)
            return _changed(home, there, text=text, base=text, undone=None)
    path = new_path(draft.kind, _name(name), folder)
    entries = [e for e in read_text(path, draft.text)[0] if e.kind == draft.kind]
    text = _ended(rename(draft.text, entries[0].name, name) if len(entries) == 1 else draft.text)
    with _locked(home):
        workspace.write_new(path, text)
        seen = _read(home, draft.name)
        if seen and seen.text == draft.text:  # else it is another's by now
            _forget(home, draft.name)
        return _begin(home, name, replace(draft, text=text, base=text, origin=_absolute(path), undone=None))


def withdraw(home: Path, seen: Draft, folder: Path) -> Draft:
    """Remove a draft's own file; what it held stays as a draft of no file.

    Raises Overtaken if the draft's text is another than was seen; Taken, before anything is removed, if the file was
    changed since it was opened; RegistryError if it has no file of its own; OSError.
    """
    path = mine(seen.origin, folder)
    if path is None:
        raise RegistryError(f"{seen.name} has no file of yours")
    with _locked(home):
        there = _unchanged(home, seen)
        if _text(path) not in (None, seen.base, seen.text):
            raise Taken(f"{path.name} was changed on the disk since it was opened here")
        path.unlink(missing_ok=True)
        return _changed(home, there, origin=None)


def rename(text: str, old: str, new: str) -> str:
    """A file's text with a top-level function renamed where it is defined and called. Raises SyntaxError."""
    lines = text.encode().splitlines(keepends=True)  # the parser counts bytes
    places = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == old:
            after = lines[node.lineno - 1][node.col_offset + len("def") :]
            places.append((node.lineno, node.col_offset + len("def") + len(after) - len(after.lstrip())))
        elif isinstance(node, ast.Name) and node.id == old:
            places.append((node.lineno, node.col_offset))
    for at, column in sorted(places, reverse=True):
        line = lines[at - 1]
        lines[at - 1] = line[:column] + new.encode() + line[column + len(old.encode()) :]
    return b"".join(lines).decode()


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no name for a draft: letters, digits and _, {LONGEST} at most")
    return name


def _begin(home: Path, name: str, draft: Draft) -> Draft:
    """Keep it under this name or the next that is free; the lock is held."""
    free, k = _name(name), 2
    while (home / "drafts" / f"{free}.py").exists():
        free, k = f"{name[: LONGEST - 1 - len(str(k))]}_{k}", k + 1
    draft = replace(draft, name=free)
    _keep(home, draft)
    return draft


def _unchanged(home: Path, seen: Draft) -> Draft:
    """The draft as it is on the disk, with the text that was seen; the lock is held. Raises Overtaken."""
    there = _read(home, seen.name)
    if there is None or there.text != seen.text:
        raise Overtaken(f"the draft {seen.name!r} was changed elsewhere")
    return there


def _changed(home: Path, there: Draft, **changes: Any) -> Draft:
    draft = replace(there, **changes)
    if draft != there:
        _keep(home, draft)
    return draft


def _forget(home: Path, name: str) -> None:
    for ending in ("json", "py"):
        (home / "drafts" / f"{name}.{ending}").unlink(missing_ok=True)


def _absolute(origin: str | Path | None) -> str | None:
    return str(Path(origin).absolute()) if origin else None


def _ended(text: str) -> str:
    return text.rstrip() + "\n"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _age(path: Path) -> float:
    try:
        return max(path.stat().st_mtime, path.with_suffix(".py").stat().st_mtime)
    except OSError:
        return 0.0


def _read(home: Path, name: str) -> Draft | None:
    if not NAME.fullmatch(name):
        return None
    place = home / "drafts" / name
    text = _text(place.with_suffix(".py"))
    if text is None:
        return None
    try:
        told = json.loads(place.with_suffix(".json").read_bytes())
        return Draft(**{**told, "name": name, "text": text})
    except (OSError, ValueError, TypeError):  # what it began from is lost, what was typed is not
        found, _ = read_text(place, text)
        return Draft(name, found[0].kind if found else "proposal", text, "")


def _keep(home: Path, draft: Draft) -> None:
    place = home / "drafts" / draft.name
    told = {k: v for k, v in asdict(draft).items() if k not in ("name", "text")}
    if _text(place.with_suffix(".py")) != draft.text:
        workspace.write(place.with_suffix(".py"), draft.text)
    body = json.dumps(told)
    if _text(place.with_suffix(".json")) != body:
        workspace.write(place.with_suffix(".json"), body)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    folder = home / "drafts"
    os.makedirs(folder, exist_ok=True)
    descriptor = lock.take(folder / "lock")
    if descriptor is None:
        raise RegistryError("the drafts are being written by another process: try again")
    try:
        yield
    finally:
        lock.release(descriptor)
