"""Pages over a copy of the small workspace, and what they start."""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from elk_sandbox.runtime.detached import Detached


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which no test starts a command."""
    shutil.copytree(made, tmp_path / "workspace")
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path / "workspace"))

    def refuse(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        raise AssertionError("a test starts no command")

    monkeypatch.setattr(Detached, "start", refuse)
    return tmp_path / "workspace"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str, list[str], set[str]]]:
    """The commands that pages start, in place of starting them: folder, name, arguments after `-m`, keys."""
    found: list[tuple[Path, str, list[str], set[str]]] = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        if self.running:
            return False
        asked = set(keys)
        found.append((self.folder, self.name, list(command)[2:], asked))
        (self.folder / f"{self.name}.json").write_text(json.dumps(sorted(asked)))
        return True

    monkeypatch.setattr(Detached, "start", start)
    return found
