"""What the files of a cell are, under which keys cells and cases are kept, and what the literature says of a cell.

Nothing here judges, so who only looks a cell up, or hands it out, need not load what does.
"""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from elk_sandbox import literature
from elk_sandbox.runtime.registry import SHIPPED, Entry
from elk_sandbox.runtime.tasks import Result, key_of, load, path_of, store

__all__ = ["FRESH", "case_key", "cell_key", "code_digest", "keep", "kept", "mark_of", "source"]

FRESH = 4  # fresh draws beside the stock draw


def source(entry: Entry, knobs: Mapping[str, object]) -> dict[str, Any]:
    """What a worker needs of a plug-in file, as JSON."""
    meta = {k: list(v) if isinstance(v, tuple) else v for k, v in entry.meta.items()}
    where = {"path": str(entry.path), "line": entry.line, "published": _published(entry)}
    where["stock"] = dict(knobs) == entry.settings()
    return {**where, "text": entry.text, "name": entry.name, "knobs": dict(knobs), "meta": meta}


def _published(entry: Entry) -> bool:
    """Is it the shipped file of that name? The literature speaks of no other."""
    place = SHIPPED if entry.kind == "proposal" else SHIPPED / "counterexamples"
    try:
        return (place / f"{entry.name}.py").read_text(encoding="utf-8") == entry.text
    except (OSError, UnicodeDecodeError):
        return False


def mark_of(proposal: Mapping[str, Any], counterexample: Mapping[str, Any]) -> literature.Mark | None:
    """The literature's word on two files as they are shipped: it knows of no other knobs."""
    if not all(file["published"] and file["stock"] for file in (proposal, counterexample)):
        return None
    return literature.mark(proposal["name"], counterexample["name"])


def keep(cell: Mapping[str, Any], proposal: Mapping[str, Any], column: Mapping[str, Any], fresh: int, at: Path) -> None:
    """Put a cell into the workspace; judged on fresh draws it also serves who asks for the stock draw alone."""
    for draws in {fresh, 0}:
        store(at / "cells", cell_key(proposal, column, draws), Result(dict(cell), None, False, cell["seconds"]))


def kept(home: Path, key: str) -> dict[str, Any] | None:
    """A cell of the workspace by its `cell_key`, not to be changed; None if it was not judged."""
    try:
        age = path_of(home / "cells", key).stat().st_mtime_ns
    except OSError:
        return None
    return _cell(home / "cells", key, age)


@lru_cache(maxsize=2048)
def _cell(cells: Path, key: str, age: int) -> dict[str, Any] | None:
    found = load(cells, key)
    return dict(found.value) if found and found.value else None


@cache
def code_digest() -> str:
    """SHA-256 of this package's source: results of another version are other results."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files if "pages" not in f.parts)).hexdigest()


def case_key(counterexample: Mapping[str, Any], draw: int | None) -> str:
    used = {k: counterexample[k] for k in ("text", "name", "knobs")}
    return key_of({"code": code_digest(), "case": used, "draw": draw})


def cell_key(proposal: Mapping[str, Any], counterexample: Mapping[str, Any], fresh: int) -> str:
    """The hash of all that a cell depends on."""
    used = [{k: s[k] for k in ("text", "name", "knobs", "meta")} for s in (proposal, counterexample)]
    return key_of({"code": code_digest(), "sources": used, "fresh": fresh})
