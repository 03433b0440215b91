from collections.abc import Iterator
from pathlib import Path

import pytest

from elk_sandbox.runtime.store import Store, open_store
from tests.lab.pages.visit import Started, note_starts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, which the pages use."""
    monkeypatch.setenv("ELK_SANDBOX_HOME", str(tmp_path))
    monkeypatch.delenv("ELK_SANDBOX_STORE", raising=False)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with open_store(home) as opened:
        yield opened


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What pages would start from here on; nothing is started."""
    return note_starts(monkeypatch)
