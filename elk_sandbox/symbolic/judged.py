"""The exact judge at a few points: closed forms that disagree with it are wrong, or stand for other candidates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elk_sandbox import worlds
from elk_sandbox.cells import build, child_of
from elk_sandbox.exam import BadObjective, Shuffle, sit
from elk_sandbox.keys import source
from elk_sandbox.needs import requirements
from elk_sandbox.objective import NotApplicable
from elk_sandbox.seats import Seat
from elk_sandbox.symbolic.flip import Flip
from elk_sandbox.symbolic.regions import Axis, Cell
from elk_sandbox.terminal import InputError
from elk_sandbox.world import Case

__all__ = ["Point", "agrees", "check", "judged"]

SAME = 1e-9  # nats
FITTED = 1e-6  # nats, of a reader that is fitted
STRIPS = 3
CELLS = 3


@dataclass(frozen=True)
class Point:
    """The difference at one point, from the judge's enumeration and from the closed forms."""

    at: Mapping[str, float]  # by the axes' names
    judge: float
    closed: float
    bad: str  # by the judge, the cheapest named bad reporter and DT*
    direct_translator: str


def agrees(flip: Flip, points: list[Point]) -> bool:
    """Within 1e-9 nats, or 1e-6 where a logistic reader is fitted."""
    fitted = any(("reader", "logistic") in term.arguments for term in flip.objective)
    return all(abs(p.judge - p.closed) <= (FITTED if fitted else SAME) for p in points)


def check(flip: Flip, folder: Path) -> list[Point]:
    """Judge a point in each of a few cells of a few strips, as far as the judge enumerates at once."""
    if not flip.plane.axes:
        return judged(flip, [{}], folder)
    first, *rest = flip.plane.axes
    points = []
    for strip in [s for s in flip.plane.strips if s.low <= _most(flip, first)][:STRIPS]:
        xs = [strip.low, min(strip.high, _most(flip, first))] if first.discrete else [_inside(strip.low, strip.high)]
        for x in dict.fromkeys(xs):
            cells = flip.plane.cells(x)
            ys = [_of(cell, rest[0]) for cell in cells if cell.low <= _most(flip, rest[0])][:CELLS] if rest else []
            points += [{first.name: x, rest[0].name: y} for y in ys] if rest else [{first.name: x}]
    return judged(flip, points, folder)


def _most(flip: Flip, axis: Axis) -> float:
    return flip.scene.parameters[axis.name].judged if axis.name in flip.scene.parameters else math.inf


def _inside(low: float, high: float) -> float:
    return (low + high) / 2 if math.isfinite(high) else 2 * low + 1


def _of(cell: Cell, axis: Axis) -> float:
    return cell.low if axis.discrete else _inside(cell.low, cell.high)


def judged(flip: Flip, points: list[dict[str, float]], folder: Path) -> list[Point]:
    """The stock draw's differences at these points. Raises InputError for a case or an objective that is at fault."""
    files = [source(part.entry, part.knobs) for part in flip.parts]
    children = [child_of("proposal", file) for file in files]
    seats: dict[tuple[Any, ...], Seat] = {}
    found = []
    try:
        for at in points:
            world = {k: _number(v, at.get(k)) for k, v in flip.values.items()}
            key = tuple(world.items())
            if key not in seats:
                seats[key] = _seat(flip, world, folder)
            values = _values(flip, children, seats[key], at)
            bad = min(seats[key].case.bad_reporters, key=values.__getitem__)
            best = min(seats[key].honest, key=values.__getitem__)
            closed = float(flip.plane.difference(*(at[a.name] for a in flip.plane.axes)))
            found.append(Point(at, values[bad] - values[best], closed, bad, best))
    except (BadObjective, NotApplicable) as reason:
        raise InputError(f"the judge says of {flip.proposal} in {flip.counterexample}: {reason}") from None
    finally:
        for child in children:
            child.close()
    return found


def _number(value: Any, at: float | None) -> Any:
    """A knob's value as its file takes it."""
    if isinstance(value, bool | str):
        return value
    number = float(value) if at is None else at
    whole = (at is None and value.is_Integer) or (at is not None and value.is_integer)
    return int(number) if whole else number


def _seat(flip: Flip, knobs: Mapping[str, Any], folder: Path) -> Seat:
    if flip.entry:
        seat = Seat(build(source(flip.entry, knobs), [None], folder)[0])
    else:
        world = worlds.find(flip.counterexample)(None, **knobs)
        bad = {"human_simulator": world.simulators["viewer"]}
        seat = Seat(Case(world, bad={**bad, **(flip.scene.control or {})}))
    if seat.problems:
        raise InputError(f"{flip.counterexample} with {dict(knobs)}: {seat.problems[0]}")
    return seat


def _values(flip: Flip, children: list[Any], seat: Seat, at: Mapping[str, float]) -> dict[str, float]:
    """The objective of everybody, the parts added; a loss that several parts have counts once."""
    total = dict.fromkeys(seat.named, 0.0)
    losses: set[str] = set()
    for part, child in zip(flip.parts, children, strict=True):
        needs = part.entry.meta["needs"]
        measures, _ = requirements(needs if isinstance(needs, tuple) else ())
        by_symbol = {a.symbol: at[a.name] for a in flip.plane.axes}
        knobs = {**part.knobs, **{k: by_symbol[s] for k, s in part.free.items()}}
        ledger = sit(child, seat.case.world, seat.named, knobs=knobs, measures=measures, shuffle=Shuffle(0))
        for name, terms in ledger.terms(total).items():
            total[name] += ledger.values[name] - sum(terms[t] for t in losses if t in terms)
        losses |= {t for t in ledger.columns if t.startswith("loss on ")}
    return total
