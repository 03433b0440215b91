"""Which proposals and counterexamples there are: a folder of plug-in files, and what installed packages bring."""

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elk_sandbox import literature
from elk_sandbox.declare import DECORATORS, Declaration, Kind, Knob, RegistryError, SettingError, suggest
from elk_sandbox.runtime.source import SHIPPED, Broken, Entry, read, read_text

__all__ = [
    "SHIPPED",
    "Broken",
    "BrokenFile",
    "Declaration",
    "Entry",
    "Kind",
    "Knob",
    "Registry",
    "RegistryError",
    "SettingError",
    "UnknownName",
    "read",
    "read_text",
    "suggest",
]

GROUP = "elk_sandbox.proposals"  # the entry points by which packages bring theirs


class UnknownName(RegistryError):
    """No proposal or counterexample has this name."""


class BrokenFile(RegistryError):
    """The file that was asked for cannot be used; `broken` says where and why."""

    def __init__(self, broken: Broken):
        super().__init__(str(broken))
        self.broken = broken


@dataclass(frozen=True)
class Registry:
    """The proposals and counterexamples of a folder, of installed packages, and of files that the user names."""

    proposals: Mapping[str, Entry]  # by name, in the literature's order, then the others sorted
    counterexamples: Mapping[str, Entry]  # the same
    broken: tuple[Broken, ...]  # what could not be used; the rest goes on
    folders: tuple[Path, ...] = ()  # that were read, absolute, in this order

    @classmethod
    def default(cls, *, packages: bool = True) -> "Registry":
        """Read ./proposals, if there is one, and of the shipped files what it does not declare.

        A copy of a shipped file in ./proposals stands for it without a word, even where the copy is broken.
        """
        mine = Path("proposals")
        if not mine.is_dir():
            return cls.scan(SHIPPED, packages=packages)
        return cls.scan(mine, packages=packages, below=None if mine.resolve() == SHIPPED else SHIPPED)

    @classmethod
    def scan(
        cls, folder: Path, files: Sequence[Path] = (), *, packages: bool = True, below: Path | None = None
    ) -> "Registry":
        """Read every file of `folder` and `folder`/counterexamples, then of installed packages, then `files`.

        Names that begin with "_" or "." are skipped, except in `files`. Of two files that declare one name the one
        read first stands and the other is broken. The folder `below` is read after `folder`, and gives way to it
        silently. Raises RegistryError if there is no such folder.
        """
        if not folder.is_dir():
            raise RegistryError(f"no folder {folder}: make it, or name another")
        sources, broken = [folder, *([below] if below else [])], []
        if packages:
            for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name):
                try:
                    sources.append(_package_folder(point.module))
                except Exception as error:  # whatever a package's import does, the rest goes on
                    message = f"entry point {point.name!r} of {GROUP}: {type(error).__name__}: {error}"
                    broken.append(Broken(Path(point.value), 1, " ".join(message.split())))
        paths = {os.path.abspath(path): path for source in sources for path in _files(source)}
        for path in files:
            paths.setdefault(os.path.abspath(path), path)
        spare = set(_files(below)) if below else set()
        entries: dict[tuple[Kind, str], Entry] = {}
        for path in paths.values():
            if path in spare and path.name in {b.path.name for b in broken if b.path not in spare}:
                continue  # she is at work on her copy: the shipped one would be a verdict on another text
            found, faults = read(path)
            broken += faults
            for entry in found:
                first = entries.setdefault((entry.kind, entry.name), entry)
                if first is not entry and path not in spare:
                    message = f"{entry.kind} {entry.name!r} is already declared in {first.path}: rename one"
                    broken.append(Broken(entry.path, entry.line, message, (entry.kind, entry.name)))
        in_order = sorted(entries.items(), key=lambda item: literature.place(item[0][1]))
        by_kind = {kind: {name: entry for (of, name), entry in in_order if of == kind} for kind in DECORATORS}
        return cls(by_kind["proposal"], by_kind["counterexample"], tuple(broken), tuple(s.resolve() for s in sources))

    def find(self, kind: Kind, name: str) -> Entry:
        """Return the entry of this name, or the one that a file declares: FILE.py, or FILE.py:name.

        A path is read on the spot, whether or not it was scanned. Raises UnknownName, with the close match, or
        BrokenFile, also where two files declare the name: nobody can tell which is meant.
        """
        path, _, inside = name.rpartition(":")
        if path.endswith(".py"):
            return _in_file(kind, Path(path), inside)
        if name.endswith(".py") or os.sep in name:
            return _in_file(kind, Path(name), None)
        entries = self.proposals if kind == "proposal" else self.counterexamples
        for broken in self.broken:
            if broken.second == (kind, name):
                raise BrokenFile(replace(broken, message=f"{broken.message}, or give the path of the one you mean"))
        if name in entries:
            return entries[name]
        for broken in self.broken:
            if broken.path.stem == name:
                raise BrokenFile(broken)
        if name in self.proposals or name in self.counterexamples:
            other = "counterexample" if kind == "proposal" else "proposal"
            raise UnknownName(f"{name!r} is a {other}, and a {kind} is wanted here{suggest(name, entries)}")
        where = f" in {self.folders[0]}, and the shipped files were left out" if self._hides(name) else ""
        raise UnknownName(f"no {kind} {name!r}{where}{suggest(name, entries)}")

    def _hides(self, name: str) -> bool:
        """Is it the name of a shipped file, none of which was read?"""
        published = name in literature.STRATEGIES or name in literature.COUNTEREXAMPLES
        return published and bool(self.folders) and SHIPPED not in self.folders


def _in_file(kind: Kind, path: Path, name: str | None) -> Entry:
    found, broken = read(path)
    entries = {entry.name: entry for entry in found if entry.kind == kind}
    if name is None and len(entries) == 1:
        return next(iter(entries.values()))
    if name in entries:
        return entries[name]
    if broken and (name is not None or not entries):
        raise BrokenFile(broken[0])
    if name is not None:
        raise UnknownName(f"{path} declares no {kind} {name!r}{suggest(name, entries)}")
    if not entries:
        raise UnknownName(f"{path} declares no {kind}: it declares {', '.join(f'{e.kind} {e.name!r}' for e in found)}")
    raise UnknownName(f"{path} declares several: say which, as in {path}:{min(entries)}{suggest('', entries)}")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the plug-in files of a folder in sorted order, proposals first."""
    for place in (folder, folder / "counterexamples"):
        if place.is_dir():
            yield from sorted(path for path in place.glob("*.py") if not path.name.startswith(("_", ".")))


def _package_folder(module: str) -> Path:
    """Return where an installed package lies, importing at most the packages around it."""
    spec = importlib.util.find_spec(module)
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise RegistryError(f"there is no folder for the module {module!r}")
    return Path(spec.origin).parent
