"""Proposals by counterexamples over an engine; cells are kept by content, so a matrix that was cut off goes on."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from elk_sandbox import literature
from elk_sandbox.keys import cell_key, keep, mark_of, source
from elk_sandbox.runtime.engine import Engine, run
from elk_sandbox.runtime.registry import Entry, RegistryError
from elk_sandbox.runtime.tasks import Result, Task, key_of, load
from elk_sandbox.verdict import Verdict

ROW = 10  # at most so many cells of a row are judged in one go, or a worker would be left with a long one at the end

__all__ = ["Item", "as_csv", "compute", "totals"]

COLUMNS = (
    "proposal", "counterexample", "verdict", "relation", "good", "killer", "direct_translator", "margin",
    "draws_agreeing", "draws", "control_world", "control_verdict", "adversary", "literature", "agrees", "reason",
)  # fmt: skip
Item = tuple[Entry, dict[str, object]]  # a plug-in file and its knobs


def compute(
    proposals: Sequence[Item],
    counterexamples: Sequence[Item],
    *,
    folder: Path,
    engine: Engine = "processes",
    scheduler: str | None = None,
    fresh: int = 0,
    again: bool = False,
) -> Iterator[dict[str, Any]]:
    """Yield every cell, those that the workspace holds first, the others as they are judged.

    again: judge all cells, whatever the workspace holds. A worker that dies is a retry; a row whose worker keeps dying
    is a row of error cells.
    """
    for items in (proposals, counterexamples):
        names = Counter(entry.name for entry, _ in items)
        if twice := [n for n, count in names.items() if count > 1]:
            paths = ", ".join(str(e.path) for e, _ in items if e.name == twice[0])
            raise RegistryError(f"two files declare {twice[0]!r}: rename one of {paths}")
    columns = [source(e, k) for e, k in counterexamples]
    # Rows of the same columns are neighbours: what a worker has found out about a column serves all of them. Columns
    # are dealt in turn, for those beside each other are of a kind, and cost alike.
    blocks: list[list[Task]] = [[] for _ in range(0, len(columns), ROW)]
    for entry, knobs in proposals:
        proposal, missing = source(entry, knobs), [list[dict[str, Any]]() for _ in blocks]
        for k, column in enumerate(columns):
            key = cell_key(proposal, column, fresh)
            kept = None if again else load(folder / "cells", key)
            if kept is None or kept.value is None:
                missing[k % len(blocks)].append(column)
            else:
                yield dict(kept.value)
        shared = {"proposal": proposal, "fresh": fresh, "workspace": str(folder)}
        for block, some in zip(blocks, missing, strict=True):
            if some:
                row = {**shared, "counterexamples": some}
                block.append(Task(key_of(row), row))
    tasks = [task for block in blocks for task in block]
    if not tasks:
        return
    with closing(run(tasks, "elk_sandbox.cells:row", engine=engine, scheduler=scheduler)) as judged:
        for task, result in judged:
            yield from _stored(task.payload, result, folder, fresh)


def _stored(payload: Any, result: Result, folder: Path, fresh: int) -> Iterator[dict[str, Any]]:
    proposal, columns = payload["proposal"], payload["counterexamples"]
    if result.value is None:
        for column in columns:
            cell = Verdict("error", reason=f"the row was not judged: {result.error}").as_dict()
            names = {"proposal": proposal["name"], "counterexample": column["name"]}
            told = {**names, **cell, "contested": None, "literature": mark_of(proposal, column), "claimed": None}
            yield {**told, "agrees": literature.agrees(told["literature"], told)}
        return
    cells: Any = result.value["cells"]
    for column, cell in zip(columns, cells, strict=True):
        keep(cell, proposal, column, fresh, folder)
        yield cell


def as_csv(cells: Sequence[Mapping[str, Any]]) -> str:
    """A line for each cell: its verdict, the two reporters that decide, the other lines, the literature.

    `margin` is what the cheapest named bad reporter costs above the best honest one, in nats: negative where it wins.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for cell in cells:
        draws, control, adversary = (cell.get(k) or {} for k in ("draws", "control", "adversary"))
        values, best = cell.get("objective") or {}, cell.get("direct_translator")
        least = min((values[n] for n in cell.get("bad") or ()), default=None) if values else None
        margin = None if least is None or best is None else least - values[best]
        table.writerow(
            (
                cell["proposal"], cell["counterexample"], cell["verdict"], cell["relation"], cell.get("good"),
                cell.get("killer"), best, margin, draws.get("agreeing"), draws.get("of"), control.get("world"),
                control.get("verdict"), adversary.get("verdict"), cell["literature"], cell["agrees"],
                cell.get("reason"),
            )
        )  # fmt: skip
    return text.getvalue()


def totals(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts: verdicts, cells that the literature decides, how many agree, and which do not."""
    decided = [c for c in cells if c["literature"]]
    return {
        "cells": len(cells),
        "verdicts": dict(Counter(c["verdict"] for c in cells)),
        "strict": sum(c["relation"] == "strict" for c in cells),
        "ties": sum(c["relation"] == "tie" for c in cells),
        "good": sum(c["good"] for c in cells),
        "decided": len(decided),
        "agreeing": sum(bool(c["agrees"]) for c in decided),
        "disagreeing": [f"{c['proposal']} x {c['counterexample']}" for c in decided if not c["agrees"]],
    }
