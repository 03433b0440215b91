"""What of the matrix a workspace holds, found by the addresses of its cells; nothing is judged for it."""

from pathlib import Path
from typing import Any

from elk_sandbox import keys
from elk_sandbox.keys import cell_key, source
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.runtime.tasks import path_of

__all__ = ["count", "kept"]


def count(registry: Registry, home: Path) -> tuple[int, int]:
    """How many cells of the stock matrix are there, and how many there are in all."""
    columns = [source(entry, entry.settings()) for entry in registry.counterexamples.values()]
    rows = [source(entry, entry.settings()) for entry in registry.proposals.values()]
    keys = [cell_key(row, column, 0) for row in rows for column in columns]
    return sum(path_of(home / "cells", key).exists() for key in keys), len(keys)


def kept(registry: Registry, home: Path, proposal: str, counterexample: str) -> dict[str, Any] | None:
    """A cell as it was judged with the files' own knobs; None if it was not. Raises KeyError for unknown names."""
    row, column = registry.proposals[proposal], registry.counterexamples[counterexample]
    return keys.kept(home, cell_key(source(row, row.settings()), source(column, column.settings()), 0))
