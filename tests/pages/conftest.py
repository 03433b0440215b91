"""Pages over the shipped files and an empty workspace, and what they start."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from elk_sandbox.pages import access
from elk_sandbox.runtime.detached import Detached


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], set[str]]]:
    """The commands that a page starts, in a folder with the shipped files and an empty workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path / "workspace"))
    monkeypatch.setattr(access, "local", lambda: True)
    found: list[tuple[list[str], set[str]]] = []

    def start(self: Detached, command: Sequence[str], keys: Iterable[str]) -> bool:
        found.append((list(command), set(keys)))
        return True

    monkeypatch.setattr(Detached, "start", start)
    return found
