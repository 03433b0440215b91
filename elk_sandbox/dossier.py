"""What `show` adds to a file's own words: its world, the numbers there, what the literature and the workspace say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elk_sandbox import literature, tour, worlds
from elk_sandbox.cells import case_of
from elk_sandbox.keys import FRESH, cell_key, source
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.runtime.tasks import load
from elk_sandbox.seats import Seat
from elk_sandbox.world import World

__all__ = ["of"]

TOLD = ("verdict", "relation", "good", "overfitted", "draws", "direct_translator", "objective")


def of(entry: Entry, registry: Registry, folder: Path) -> dict[str, Any]:
    """JSON-able: `worlds` {name: size and humans}, `literature` {the other name: mark}, and `numbers`.

    numbers: of a counterexample {reporter: {measure: value}} on the stock draw, for the named reporters and the direct
    translator, as `tour.measures_of` has them; of a proposal {counterexample: its cell in brief} for the cells that the
    workspace `folder` holds, knobs as declared. `fault` says why there are none, else None.
    """
    return (_proposal if entry.kind == "proposal" else _counterexample)(entry, registry, folder)


def _counterexample(entry: Entry, registry: Registry, folder: Path) -> dict[str, Any]:
    marks = {p: literature.mark(p, entry.name) for p in (*literature.STRATEGIES, *registry.proposals)}
    told = {"worlds": {}, "literature": _said(marks), "numbers": {}, "fault": None}
    try:
        seat = Seat(case_of(source(entry, entry.settings()), folder))
    except UserError as fault:
        return told | {"fault": str(fault)}
    if seat.problems:
        return told | {"fault": "; ".join(seat.problems)}
    case = seat.case
    plain = {n: r for n, r in seat.honest.items() if n in case.honest or n == "direct_translator"}
    plain = plain or dict(list(seat.honest.items())[:1])
    numbers = tour.measures_of(case.world, {**case.bad_reporters, **plain})
    return told | {"worlds": {entry.name: _size(case.world)}, "numbers": numbers}


def _proposal(entry: Entry, registry: Registry, folder: Path) -> dict[str, Any]:
    control = entry.meta["control"]
    told: dict[str, Any] = {"worlds": {}, "fault": None}
    try:
        told["worlds"] = {str(control): _size(worlds.find(str(control))())} if control else {}
    except KeyError as reason:
        told["fault"] = str(reason.args[0])
    names = (*literature.COUNTEREXAMPLES, *registry.counterexamples)
    told["literature"] = _said({c: literature.mark(entry.name, c) for c in names})
    numbers = {}
    row = source(entry, entry.settings())
    for name, column in registry.counterexamples.items():
        keys = [cell_key(row, source(column, column.settings()), fresh) for fresh in (FRESH, 0)]
        kept = [r.value for r in (load(folder / "cells", key) for key in keys) if r and r.value]
        if kept:
            numbers[name] = {k: kept[0][k] for k in TOLD}
    return told | {"numbers": numbers}


def _said(marks: Mapping[str, str | None]) -> dict[str, str]:
    return {name: mark for name, mark in marks.items() if mark}


def _size(world: World) -> dict[str, Any]:
    return {
        "situations": len(world.weights),
        "nodes": len(world.nodes),
        "siblings": world.siblings,
        "questions": list(world.questions),
        "humans": {level: {"sees": list(sees)} for level, sees in world.sees.items()},
    }
