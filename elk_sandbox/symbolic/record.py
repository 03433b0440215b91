"""A flip as data: what `--json` prints."""

from dataclasses import asdict
from typing import Any

from sympy import Min

from elk_sandbox.checks import world_knobs
from elk_sandbox.symbolic.flip import Flip
from elk_sandbox.symbolic.forms import Expr, plain, tex
from elk_sandbox.symbolic.judged import Point, agrees
from elk_sandbox.symbolic.regions import Axis, Border, Cell, Strip
from elk_sandbox.symbolic.told import legend, objective
from elk_sandbox.symbolic.where import TEX, end, pairs, stretch

__all__ = ["as_dict", "opened"]


def as_dict(flip: Flip, points: list[Point]) -> dict[str, Any]:
    """JSON-able; forms are texts in sympy's notation."""
    plane = flip.plane
    active = [(c.bad, c.honest) for s in plane.strips for c in s.cells]
    bad, honest = (dict.fromkeys(names) for names in zip(*active, strict=True))
    difference = Min(*(plane.bad[n] for n in bad)) - Min(*(plane.honest[n] for n in honest))
    return {
        "proposal": flip.proposal,
        "counterexample": flip.counterexample,
        "objective": {str(t): str(c) for t, c in flip.objective.items()},
        "over": [_axis_dict(a) for a in plane.axes],
        "knobs": {
            **{p.entry.name: {k: None if k in p.free else v for k, v in p.knobs.items()} for p in flip.parts},
            flip.counterexample: {k: v if isinstance(v, bool | str) else _number(v) for k, v in flip.values.items()},
        },
        "bad": {n: str(plain(f)) for n, f in plane.bad.items()},
        "honest": {n: str(plain(f)) for n, f in plane.honest.items()},
        "difference": str(difference),
        "latex": tex(plain(difference)),
        "formulas": [
            {"bad": b, "honest": h, "latex": tex(plain(plane.bad[b] - plane.honest[h])), "where": places}
            for (b, h), places in pairs(plane, TEX).items()
        ],
        "regions": [_region(flip, strip, cell) for strip in plane.strips for cell in strip.cells],
        "borders": [_border(flip, b) for b in plane.borders],
        "judge": {
            "agrees": agrees(flip, points),
            "points": [asdict(p) for p in points],
        },
    }  # fmt: skip


def opened(flip: Flip, usual: Flip) -> dict[str, Any]:
    """A flip with everything left open, JSON-able: its parameters, and all forms for `formula.Formula`.

    usual: the same over the parameters that are looked at first.
    """
    parameters = [
        {
            **_axis_dict(axis),
            "default": _default(flip, axis),
            "owner": flip.counterexample if axis.name in flip.scene.parameters else _owners(flip, axis),
            "judged": flip.scene.parameters[axis.name].judged if axis.name in flip.scene.parameters else None,
        }
        for axis in flip.plane.axes
    ]
    return {
        "proposal": flip.proposal,
        "counterexample": flip.counterexample,
        "objective": objective(flip),
        "legend": legend(flip),
        "parameters": parameters,
        "usual": [a.name for a in usual.plane.axes],
        "bad": {n: str(f) for n, f in flip.plane.bad.items()},
        "honest": {n: str(f) for n, f in flip.plane.honest.items()},
    }


def _owners(flip: Flip, axis: Axis) -> str:
    return "+".join(p.entry.name for p in flip.parts if axis.symbol in p.free.values())


def _default(flip: Flip, axis: Axis) -> float:
    """A knob's value as its file has it."""
    if axis.name in flip.scene.parameters:
        knobs = flip.entry.knobs if flip.entry else world_knobs(flip.counterexample)
        return float(next(k.default for k in knobs if k.name == axis.name))  # type: ignore[arg-type]
    part, name = next((p, k) for p in flip.parts for k, s in p.free.items() if s == axis.symbol)
    return float(next(k.default for k in part.entry.knobs if k.name == name))  # type: ignore[arg-type]


def _number(form: Expr) -> float | None:
    """None for what is left open."""
    return None if form.free_symbols else float(form)


def _axis_dict(axis: Axis) -> dict[str, Any]:
    return {"name": axis.name, "symbol": str(axis.symbol), "kind": axis.kind, "low": axis.low, "high": axis.high}


def _region(flip: Flip, strip: Strip, cell: Cell) -> dict[str, Any]:
    axes = flip.plane.axes
    told: dict[str, Any] = {"bad": cell.bad, "honest": cell.honest, "verdict": cell.verdict}
    difference = plain(flip.plane.bad[cell.bad] - flip.plane.honest[cell.honest])
    told |= {"difference": str(difference), "latex": tex(difference)}
    if axes:
        told[axes[0].name] = {"from": strip.low, "to": strip.high}
    if len(axes) == 2:
        forms = {"from_form": cell.low_form, "to_form": cell.high_form}
        ends = {"from": cell.low, "to": cell.high}
        told[axes[1].name] = ends | {k: None if f is None else str(plain(f)) for k, f in forms.items()}
    return told


def _border(flip: Flip, border: Border) -> dict[str, Any]:
    first, *rest = flip.plane.axes
    told: dict[str, Any] = {first.name: {"from": border.low, "to": border.high}}
    if border.at is not None:
        told["where"] = stretch(flip.plane, border.low, border.high, TEX)
    elif not first.discrete:
        told["where"] = f"{tex(first.symbol)} = {end(flip.plane, border.low, TEX)}"
    if border.at is not None:
        form = None if border.form is None else plain(border.form)
        told[rest[0].name] = {
            "at": border.at, "form": None if form is None else str(form),
            "latex": None if form is None else f"{tex(rest[0].symbol)} = {tex(form)}",
        }  # fmt: skip
    return {**told, "before": list(border.before), "after": list(border.after)}
