"""For who wants to find out alone: verdicts are hidden until they were judged, and the literature keeps silent."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from elk_sandbox.keys import FRESH, cell_key, source
from elk_sandbox.matrix import Item
from elk_sandbox.runtime.registry import Entry
from elk_sandbox.runtime.tasks import Result, load, store

__all__ = ["HIDDEN", "cells", "dossier", "entries", "lift", "silenced"]

HIDDEN = "hidden"
CLAIMS: dict[str, tuple[Any, bytes]] = {"breaks": ({}, b"{}"), "contested": (None, b"None")}  # and what is told instead
SILENT: dict[str, Any] = {"literature": None, "agrees": None, "claimed": None}


def lift(proposal: Mapping[str, Any], counterexample: Mapping[str, Any], folder: Path) -> None:
    """Note that `judge` was asked for this cell: other commands leave cells too, which nobody asked for."""
    store(folder / "asked", cell_key(proposal, counterexample, 0), Result({}, None, False, 0.0))


def cells(rows: Sequence[Item], columns: Sequence[Item], folder: Path, fresh: int) -> list[dict[str, Any]]:
    """Every cell, those that were asked for with their verdict, without the literature's word."""
    found = []
    for proposal, knobs in rows:
        mine = source(proposal, knobs)
        for column, settings in columns:
            theirs = source(column, settings)
            asked = load(folder / "asked", cell_key(mine, theirs, 0)) is not None
            kept = [
                load(folder / "cells", cell_key(mine, theirs, k)) for k in dict.fromkeys((fresh, FRESH, 0)) if asked
            ]
            known = next((dict(r.value) for r in kept if r and r.value), {"verdict": HIDDEN, "relation": None})
            good = bool(known.get("good"))
            found.append({"proposal": proposal.name, "counterexample": column.name, **known, **SILENT, "good": good})
    return found


def silenced(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cells without the literature's word and without what the counterexample claims."""
    return [{**cell, **SILENT} for cell in found]


def entries(found: Sequence[Entry]) -> list[Entry]:
    """Files with no more of their argument than its first paragraph, in which no outcome is told; they still run."""
    silent = [{**e.meta, **{k: v for k, (v, _) in CLAIMS.items() if k in e.meta}} for e in found]
    return [replace(e, doc=_first(e.doc), text=_curtailed(e.text), meta=m) for e, m in zip(found, silent, strict=True)]


def dossier(more: Mapping[str, Any]) -> dict[str, Any]:
    """What `show` adds, without the literature and without verdicts: the numbers of a world stay."""
    judged = all("verdict" in cell for cell in more["numbers"].values())
    return {**more, "literature": {}, "numbers": {} if judged else more["numbers"], "hidden": True}


def _first(argument: str | None) -> str:
    return (argument or "").split("\n\n")[0]


def _curtailed(text: str) -> str:
    """The file with docstrings cut after their first paragraph, and what it claims to break left out."""
    lines = text.encode().splitlines(keepends=True)  # the parser counts bytes
    starts = [0, *accumulate(map(len, lines))]
    cuts: list[tuple[int, int, bytes]] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        argument = ast.get_docstring(node)
        if argument:
            cuts.append((*_span(node.body[0], starts), f'"""{_first(argument)}"""'.encode()))
        claims = [k for d in node.decorator_list for k in getattr(d, "keywords", []) if k.arg in CLAIMS]
        cuts += [(*_span(claim.value, starts), CLAIMS[claim.arg][1]) for claim in claims]
    whole = b"".join(lines)
    for begin, end, instead in sorted(cuts, reverse=True):
        whole = whole[:begin] + instead + whole[end:]
    return whole.decode()


def _span(node: ast.stmt | ast.expr, starts: Sequence[int]) -> tuple[int, int]:
    """Where a node begins and ends, in bytes."""
    end_line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
    return starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end
