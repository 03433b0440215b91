"""The benchmarks run by hand, so a test at least imports them all: they break unseen when what they time is moved."""

from importlib import import_module
from pathlib import Path

import pytest

BENCHES = sorted(p.stem for p in Path(__file__).parent.glob("[a-z]*.py") if not p.name.startswith("test_"))


@pytest.mark.parametrize("name", BENCHES)
def test_it_can_be_imported(name: str) -> None:
    try:
        assert import_module(f"tests.bench.{name}").__doc__
    except ModuleNotFoundError as reason:
        if (reason.name or "").split(".")[0] in ("tests", "rlhf_lab", "elk_sandbox"):
            raise
        pytest.skip(f"{reason.name} comes with `make bench`")
