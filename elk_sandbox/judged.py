"""What of the matrix a workspace holds, found by the addresses of its cells; nothing is judged for it."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from elk_sandbox import keys
from elk_sandbox.keys import cell_key, source
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.runtime.tasks import path_of

__all__ = ["addresses", "kept", "there"]


def addresses(registry: Registry) -> dict[tuple[str, str], str]:
    """The content address of every cell, by (proposal, counterexample): stock draw, knobs as declared."""
    columns = {name: source(entry, entry.settings()) for name, entry in registry.counterexamples.items()}
    rows = {name: source(entry, entry.settings()) for name, entry in registry.proposals.items()}
    return {(p, c): cell_key(row, column, 0) for p, row in rows.items() for c, column in columns.items()}


def there(keys: Iterable[str], home: Path) -> int:
    """How many of these cells are in the workspace."""
    cells = home / "cells"
    return sum(os.path.exists(path_of(cells, key)) for key in keys)


def kept(registry: Registry, home: Path, proposal: str, counterexample: str) -> dict[str, Any] | None:
    """A cell as it was judged with the files' own knobs; None if it was not. Raises KeyError for unknown names."""
    row, column = registry.proposals[proposal], registry.counterexamples[counterexample]
    return keys.kept(home, cell_key(source(row, row.settings()), source(column, column.settings()), 0))
