"""A source of learned worlds beside the real ones."""

import pytest

from elk_sandbox.learned import sources
from tests.learned.planted_source import Planted


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Planted:
    found = Planted()
    known = {**sources.kinds(), "planted": "tests.learned.planted_source:Planted"}
    plain = sources.parted
    monkeypatch.setattr(sources, "kinds", lambda: known)
    monkeypatch.setattr(
        sources, "parted",
        lambda name: (found, name.partition(":")[2]) if name.startswith("planted") else plain(name),
    )  # fmt: skip
    return found
