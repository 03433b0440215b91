"""A trial: a text that is being written against one opponent, judged by the command line in a process of its own.

The text is set down in a file of its own first, so that typing on does not change what is judged. A verdict is found by
the hash of all that it depends on: a text that was judged before has its verdict at once, and another has none.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from elk_sandbox import contest, literature
from elk_sandbox.checks import with_settings
from elk_sandbox.declare import Kind
from elk_sandbox.drafts import rename
from elk_sandbox.judged import there
from elk_sandbox.keys import FRESH, cell_key, kept, source
from elk_sandbox.runtime import lock, workspace
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry

__all__ = ["Contest", "Opening", "Row", "Trial", "fault_line", "renamed", "told", "trial"]

KEPT = 24 * 3600.0  # seconds for which what was set down to be judged is kept
PLACED = re.compile(r"^(?P<file>.*?\.py)(?::(?P<line>\d+))?: (?P<words>.*)$", re.DOTALL)


@dataclass(frozen=True)
class Trial:
    """A proposal against a counterexample, each with its knobs."""

    home: Path
    proposal: Mapping[str, Any]  # as `keys.source` gives it
    counterexample: Mapping[str, Any]
    settings: tuple[str, ...] = ()  # knob=value, each goes to both files where both have that knob

    @property
    def key(self) -> str:
        """The cell's content address, on the stock draw and fresh ones."""
        return cell_key(self.proposal, self.counterexample, FRESH)

    @property
    def job(self) -> Detached:
        return _job(self.home, self.key)

    @property
    def failed(self) -> str | None:
        """The last words of a command that ended without a verdict; None if there was none, or it runs."""
        return _ended(self.job, lambda: {self.key} if self.cell() is None else set())

    def cell(self) -> dict[str, Any] | None:
        """The verdict, if it was judged."""
        return kept(self.home, self.key)

    def start(self) -> bool:
        """Have it judged; False if that is on its way already. Raises OSError."""
        files = [_set_down(self.home, self.key, file) for file in (self.proposal, self.counterexample)]
        return _start(self.home, self.job, ["judge", *files, *_set(self.settings)], [self.key])


@dataclass(frozen=True)
class Row:
    """A proposal against every counterexample, each judged on the stock draw and fresh ones."""

    trials: Sequence[Trial]

    @property
    def job(self) -> Detached:
        return _job(self.trials[0].home, "row" + self.trials[0].key)

    @property
    def failed(self) -> str | None:
        """The last words of a command that ended and left out cells; None if there was none, or it runs."""
        return _ended(self.job, lambda: {t.key for t in self.trials if not there([t.key], t.home)})

    def done(self) -> int:
        """How many of the cells are there."""
        return sum(there([t.key], t.home) for t in self.trials)

    def start(self) -> bool:
        """Have all of them judged; False if that is on its way already. Raises OSError."""
        first = self.trials[0]
        file = _set_down(first.home, first.key, first.proposal)
        return _start(first.home, self.job, ["judge", file, *_set(first.settings)], [t.key for t in self.trials])


@dataclass(frozen=True)
class Column(Row):
    """Every proposal against a counterexample, each judged on the stock draw and fresh ones."""

    @property
    def job(self) -> Detached:
        return _job(self.trials[0].home, "column" + self.trials[0].key)

    def start(self) -> bool:
        first = self.trials[0]
        file = _set_down(first.home, first.key, first.counterexample)
        words = ["judge", "all", file, *_set(first.settings)]
        return _start(first.home, self.job, words, [t.key for t in self.trials])


@dataclass(frozen=True)
class Contest:
    """A proposal before all breakers of ARC's contest, and beside the published families."""

    home: Path
    proposal: Mapping[str, Any]

    @property
    def key(self) -> str:
        return contest.key(self.proposal, FRESH)

    @property
    def job(self) -> Detached:
        return _job(self.home, self.key)

    @property
    def failed(self) -> str | None:
        return _ended(self.job, lambda: {self.key} if (self.outcome() or {}).get("nearest") is None else set())

    def outcome(self) -> dict[str, Any] | None:
        """What `judge --contest --json` prints, if it was held; `nearest` is None until that is known."""
        return contest.kept(self.home, self.key)

    def start(self, settings: Iterable[str]) -> bool:
        """Hold it; False if that is on its way already. Raises OSError."""
        file = _set_down(self.home, self.key, self.proposal)
        return _start(self.home, self.job, ["judge", file, *_set(settings), "--contest"], [self.key])

    def progress(self) -> tuple[int, int]:
        """How many cells of its row and of the published rows are there, and how many it takes."""
        rows, columns = _published()
        keys = [cell_key(row, column, 0) for row in (self.proposal, *rows) for column in columns]
        return there(keys, self.home), len(keys)


@dataclass(frozen=True)
class Opening:
    """`new counterexample NAME --against` a proposal: a world to begin from, which the proposal is judged on first."""

    home: Path
    proposal: Mapping[str, Any]
    name: str

    @property
    def key(self) -> str:
        return cell_key(self.proposal, {"text": "", "name": self.name, "knobs": {}, "meta": {}}, 0)

    @property
    def job(self) -> Detached:
        return _job(self.home, self.key)

    def start(self) -> bool:
        """Have it written into ./proposals; False if that is on its way already. Raises OSError."""
        file = _set_down(self.home, self.key, self.proposal)
        words = ["new", "counterexample", self.name, "--against", file]
        return _start(self.home, self.job, words, [self.key], as_json=False)

    def told(self) -> list[str]:
        """What the command said of where it began from."""
        try:
            lines = self.job.log.read_text(errors="replace").splitlines()
        except OSError:
            return []
        return [line[:1].upper() + line[1:].strip() + "." for line in lines if line.startswith("begun from")]

    def progress(self) -> tuple[int, int]:
        """How many cells of the proposal's row are there, and how many it takes."""
        keys = [cell_key(self.proposal, column, 0) for column in _published()[1]]
        return there(keys, self.home), len(keys)


def trial(home: Path, proposal: Entry, counterexample: Entry, settings: Sequence[str] = ()) -> Trial:
    """The trial of two files; each setting goes to all that have such a knob. Raises SettingError if none has."""
    first, second = (source(entry, knobs) for entry, knobs in with_settings([proposal, counterexample], settings))
    return Trial(home, first, second, tuple(settings))


def renamed(asked: Trial, kind: Kind, former: str, key: str) -> bool:
    """Whether the trial of this key was the same, but that the file of this kind declared the name `former`."""
    mine = kind == "proposal"
    file, other = (asked.proposal, asked.counterexample) if mine else (asked.counterexample, asked.proposal)
    text = rename(file["text"], file["name"], former)
    for each in (text, text.removesuffix("\n")):  # saving ends the last line
        before = {**file, "text": each, "name": former}
        if key == (Trial(asked.home, before, other) if mine else Trial(asked.home, other, before)).key:
            return True
    return False


@cache
def _published() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The shipped strategies and counterexamples of the literature, as `keys.source` gives them."""
    shipped = Registry.scan(SHIPPED, packages=False)
    rows = [source(e, e.settings()) for n, e in shipped.proposals.items() if n in literature.STRATEGIES]
    return rows, [
        source(e, e.settings()) for n, e in shipped.counterexamples.items() if n in literature.COUNTEREXAMPLES
    ]


def told(reason: str) -> tuple[int | None, str]:
    """The line that a fault names and what it says of it, without the path: the file is at hand."""
    found = PLACED.match(reason)
    if found is None:
        return None, reason
    return int(found["line"]) if found["line"] else None, found["words"]


def fault_line(cell: Mapping[str, Any] | None, kind: str) -> tuple[int, str] | None:
    """Where in a file of this kind a verdict says that the fault is, and what it is; None if it is not there."""
    if cell is None or {"error": "proposal", "invalid": "counterexample"}.get(cell["verdict"]) != kind:
        return None
    line, words = told(cell["reason"])
    return None if line is None else (line, words)


def _job(home: Path, key: str) -> Detached:
    return Detached(home / "drafts" / "jobs", key[:20])


def _ended(job: Detached, missing: Callable[[], set[str]]) -> str | None:
    """The last words of a command that ended and left out some of what it was asked for; None if none did.

    missing: looked up after the lock, so that what a command leaves when it ends is seen.
    """
    if job.running or not missing() & job.asked:
        return None
    return job.last_line() or "it printed nothing"


def _set(settings: Iterable[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def _set_down(home: Path, key: str, file: Mapping[str, Any]) -> str:
    """Write a file's text where nobody changes it, and return it as the command line takes it."""
    kind = "counterexamples" if "breaks" in file["meta"] else "proposals"
    place = home / "drafts" / "judged" / key[:20] / kind / f"{Path(file['path']).stem}.py"
    if not place.exists() or place.read_text(encoding="utf-8") != file["text"]:
        workspace.write(place, str(file["text"]))
    os.utime(home / "drafts" / "judged" / key[:20])  # asked for now, whenever it was written: see _sweep
    return f"{place}:{file['name']}"


def _start(home: Path, job: Detached, words: Sequence[str], keys: Iterable[str], *, as_json: bool = True) -> bool:
    _sweep(home / "drafts")
    return job.start([*command("elk_sandbox", home, *words), *(["--json"] if as_json else [])], keys)


def _sweep(folder: Path) -> None:
    """Forget what was set down and logged long ago."""
    limit = time.time() - KEPT
    for place in (folder / "judged", folder / "jobs"):
        for path in place.iterdir() if place.is_dir() else ():
            try:
                if path.stat().st_mtime < limit and not (path.suffix == ".lock" and lock.held(path)):
                    shutil.rmtree(path) if path.is_dir() else os.unlink(path)
            except OSError:
                continue  # another process was faster
