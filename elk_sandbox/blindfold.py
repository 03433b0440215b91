"""For who wants to find out alone: verdicts are hidden until they were judged, and the literature keeps silent."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from elk_sandbox.cells import FRESH, cell_key, source
from elk_sandbox.matrix import Item
from elk_sandbox.runtime.registry import Entry
from elk_sandbox.runtime.tasks import load

__all__ = ["HIDDEN", "cells", "dossier", "entries"]

HIDDEN = "hidden"
SILENT: dict[str, Any] = {"literature": None, "agrees": None, "claimed": None}


def cells(rows: Sequence[Item], columns: Sequence[Item], folder: Path, fresh: int) -> list[dict[str, Any]]:
    """Every cell, those that the workspace holds with their verdict, without the literature's word."""
    found = []
    for proposal, knobs in rows:
        mine = source(proposal, knobs)
        for column, settings in columns:
            theirs = source(column, settings)
            kept = [load(folder / "cells", cell_key(mine, theirs, k)) for k in dict.fromkeys((fresh, FRESH, 0))]
            known = next((dict(r.value) for r in kept if r and r.value), {"verdict": HIDDEN, "relation": None})
            good = bool(known.get("good"))
            found.append({"proposal": proposal.name, "counterexample": column.name, **known, **SILENT, "good": good})
    return found


def entries(found: Sequence[Entry]) -> list[Entry]:
    """Files with no more of their argument than its first paragraph, in which no outcome is told."""
    silent = [{**e.meta, "breaks": {}} if "breaks" in e.meta else e.meta for e in found]
    return [replace(e, doc=_first(e.doc), text=_curtailed(e.text), meta=m) for e, m in zip(found, silent, strict=True)]


def dossier(more: Mapping[str, Any]) -> dict[str, Any]:
    """What `show` adds, without the literature and without verdicts: the numbers of a world stay."""
    judged = all("verdict" in cell for cell in more["numbers"].values())
    return {**more, "literature": {}, "numbers": {} if judged else more["numbers"]}


def _first(argument: str | None) -> str:
    return (argument or "").split("\n\n")[0]


def _curtailed(text: str) -> str:
    """The file with its docstring cut after the first paragraph and what it claims to break left out."""
    lines = text.splitlines(keepends=True)
    for function in ast.parse(text).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        doc = function.body[0]
        if ast.get_docstring(function) and isinstance(doc, ast.Expr):
            first = _first(ast.get_docstring(function)).replace("\n", "\n    ")
            lines[doc.lineno - 1 : doc.end_lineno] = [f'    """{first}"""\n']
        for decorator in function.decorator_list:
            claims = [k for k in getattr(decorator, "keywords", []) if k.arg == "breaks"]
            for claim in claims:
                begin, end = claim.value.lineno - 1, claim.value.end_lineno or claim.value.lineno
                head, tail = lines[begin][: claim.value.col_offset], lines[end - 1][claim.value.end_col_offset :]
                lines[begin:end] = [f"{head}...{tail}"]
    return "".join(lines)
