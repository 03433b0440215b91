"""Shapes in signatures are checked at run time: the modules that state any go through this hook when tests import them.

The others do not, since the hook makes every call of theirs slower too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jaxtyping import install_import_hook

from tests import typecheck
from tests.chromium import chromium

ROOT = Path(__file__).parents[1]
LAB = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in sorted((ROOT / "rlhf_lab").rglob("*.py"))
    if "from jaxtyping import" in file.read_text(encoding="utf-8")
]
install_import_hook(["elk_sandbox", *LAB], f"{typecheck.__name__}.checked")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One for all tests: Playwright refuses a second in one thread."""
    pytest.importorskip("playwright")
    with chromium() as found:
        yield found
