"""Where it flips: from a proposal's file and a counterexample's name to closed forms, borders, and the judge's word."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Integer, Symbol

from elk_sandbox.affine import Affine, NotAffine, Term, read
from elk_sandbox.cells import LIMITS
from elk_sandbox.checks import world_knobs
from elk_sandbox.declare import Knob, SettingError, parse_settings, suggest
from elk_sandbox.keys import source
from elk_sandbox.runtime.isolation import Child
from elk_sandbox.runtime.registry import Entry, Registry, UnknownName
from elk_sandbox.symbolic.forms import Costs, Expr, exact
from elk_sandbox.symbolic.openings import Parameter
from elk_sandbox.symbolic.regions import Axis, Plane
from elk_sandbox.symbolic.scenes import SCENES, Scene
from elk_sandbox.terminal import InputError
from elk_sandbox.world import LEVELS

__all__ = ["ROLE", "Desk", "Flip", "Part", "find", "scene_of", "whole"]

ROLE = "elk_sandbox.runtime.terms_role"


@dataclass(frozen=True)
class Part:
    """One proposal of a combination, with its knobs; `free` has the symbols of those that are left open."""

    entry: Entry
    knobs: Mapping[str, Any]
    free: Mapping[str, Expr]
    affine: Affine


@dataclass(frozen=True)
class Flip:
    """A proposal, or several added to one loss, against a scene; everything in it is exact."""

    proposal: str
    counterexample: str
    entry: Entry | None  # the counterexample's file; None: a control world
    scene: Scene
    parts: tuple[Part, ...]
    values: Mapping[str, Any]  # of the world's knobs: numbers, and symbols for those that are left open
    objective: Mapping[Term, Expr]  # coefficients
    plane: Plane


def find(registry: Registry, proposal: str, counterexample: str, over: str | None, settings: Sequence[str]) -> Flip:
    """Read the proposal's terms in its child and put the scene's closed forms in their place.

    Raises InputError, RegistryError and UserError: unknown names, no closed form, a parameter that is not there.
    """
    desk = _desk(registry, proposal, counterexample, settings)
    if over is None:
        return desk.flip(desk.usual(), usual=True)
    names = [n.strip() for n in over.split(",")]
    if len(names) > 2:
        raise InputError(f"--over takes one parameter or two, as in --over n,weight; not {over!r}")
    return desk.flip(names, usual=False)


def _desk(registry: Registry, proposal: str, counterexample: str, settings: Sequence[str]) -> "Desk":
    entries = [registry.find("proposal", name.strip()) for name in proposal.split("+")]
    if len({e.name for e in entries}) < len(entries):
        raise InputError(f"{proposal} names a proposal twice")
    scene, entry = scene_of(registry, counterexample)
    return Desk(entries, scene, entry, entry.name if entry else counterexample, settings)


def whole(registry: Registry, proposal: str, counterexample: str, settings: Sequence[str]) -> Flip:
    """The same with all parameters and weights left open that can be; of its plane use only what looks at points."""
    desk = _desk(registry, proposal, counterexample, settings)
    sizes, weights = desk.open_to_all()
    for names in ([*sizes, *weights], weights):
        with suppress(InputError):
            return desk.flip(names, usual=True)
    return desk.flip(sizes, usual=True)


def scene_of(registry: Registry, name: str) -> tuple[Scene, Entry | None]:
    """A scene and its file, None for a control world. Raises InputError, RegistryError."""
    if name in SCENES and SCENES[name].control is not None:
        return SCENES[name], None
    try:
        entry = registry.find("counterexample", name)
    except UnknownName:
        if name in registry.proposals or "/" in name or name.endswith(".py"):
            raise
        known = {*registry.counterexamples, *(n for n, s in SCENES.items() if s.control is not None)}
        raise InputError(f"no counterexample or control world {name!r}{suggest(name, known)}") from None
    if entry.name not in SCENES or not source(entry, {})["published"]:
        why = "has none" if entry.name not in SCENES else "is not the shipped file, whose closed forms they are"
        raise InputError(
            f"flip needs a world with closed forms, and {entry.path} {why}: judge it at several --set values instead, "
            f"or take one of {', '.join(SCENES)}"
        )
    return SCENES[entry.name], entry


@dataclass(frozen=True)
class Desk:
    """What was asked for, before it is known which parameters are left open."""

    entries: Sequence[Entry]
    scene: Scene
    entry: Entry | None
    name: str
    settings: Sequence[str]

    @cached_property
    def knobs(self) -> Mapping[str, Sequence[Knob]]:
        """Of each proposal and of the world."""
        return {e.name: e.knobs for e in self.entries} | {
            self.name: self.entry.knobs if self.entry else world_knobs(self.name)
        }

    @cached_property
    def weights(self) -> dict[str, list[tuple[str, str]]]:
        """What a weight may be called, and which proposals' knob it then is: `length`, or `specificity.length`."""
        found: dict[str, list[tuple[str, str]]] = {}
        for entry in self.entries:
            for knob in (k.name for k in entry.knobs if k.annotation == "float"):
                found.setdefault(knob, []).append((entry.name, knob))
                found[f"{entry.name}.{knob}"] = [(entry.name, knob)]
        return found

    @cached_property
    def parameters(self) -> dict[str, str]:
        """What a parameter of the world may be called, and the knob's name; n is the only size where there is one."""
        mine = self.scene.parameters
        sizes = [k for k, p in mine.items() if p.kind != "share"]
        return (
            {"n": sizes[0]} | {p.symbol: k for k, p in mine.items()} | {k: k for k in mine}
            if sizes
            else {k: k for k in mine}
        )

    @cached_property
    def given(self) -> dict[str, dict[str, str]]:
        """Of each owner the settings that are its own, by knob; one without an owner's name is for all that have it."""
        found: dict[str, dict[str, str]] = {owner: {} for owner in self.knobs}
        for setting in self.settings:
            name, equals, value = setting.partition("=")
            owner, dot, knob = name.strip().rpartition(".")
            if dot and owner not in self.knobs:
                raise SettingError(f"nothing here is called {owner!r}{suggest(owner, self.knobs)}")
            at = {
                o: self.parameters.get(knob, knob) if o == self.name else knob for o in ([owner] if dot else self.knobs)
            }
            having = {o: k for o, k in at.items() if k in {each.name for each in self.knobs[o]}}
            if not having:
                known = {k.name for o in at for k in self.knobs[o]}
                raise SettingError(f"{' and '.join(at)}: no knob {knob!r}{suggest(knob, known)}")
            for each, k in having.items():
                if k in found[each]:
                    raise SettingError(f"knob {k!r} is set twice")
                found[each][k] = f"{k}{equals}{value}"
        return found

    def usual(self) -> list[str]:
        """The first parameter of the world and the first weight that are not set."""
        sizes, weights = self.open_to_all()
        return sizes[:1] + weights[:1]

    def open_to_all(self) -> tuple[list[str], list[str]]:
        """The parameters of the world and the weights, each by one name, that are not set."""
        sizes = [k for k in self.scene.parameters if k not in self.given[self.name]]
        owned = {n: o[0] for n, o in self.weights.items() if len(o) == 1 and o[0][1] not in self.given[o[0][0]]}
        return sizes, list({owner: n for n, owner in reversed(owned.items())}.values())[::-1]

    def flip(self, names: Sequence[str], *, usual: bool) -> Flip:
        """Leave these open. `usual`: they were not asked for, so one that does nothing is dropped without a word."""
        axes = [self._axis(n) for n in names]
        if len({a.symbol for a in axes}) < len(axes):
            raise InputError(f"--over names {names[0]!r} twice")
        values = self._values(axes)
        parts = tuple(self.part(e, axes) for e in self.entries)
        objective = _together(parts)
        sides = self.scene.make(values)
        bad, honest = (
            {n: sum((c * self._cost(t, costs) for t, c in objective.items()), Integer(0)) for n, costs in side.items()}
            for side in (sides.bad, sides.honest)
        )
        present = {s for form in (*bad.values(), *honest.values()) for s in form.free_symbols}
        absent = [n for n, a in zip(names, axes, strict=True) if a.symbol not in present]
        if absent and usual:
            return self.flip([n for n in names if n not in absent], usual=True)
        if absent:
            raise InputError(self._absent(absent[0], Plane(bad, honest, ())))
        title = "+".join(e.name for e in self.entries)
        return Flip(title, self.name, self.entry, self.scene, parts, values, objective, Plane(bad, honest, tuple(axes)))

    def _absent(self, name: str, plane: Plane) -> str:
        told = f"the difference does not depend on {name}"
        if any(form.free_symbols for form in (*plane.bad.values(), *plane.honest.values())):
            others = [
                n
                for n in (*self.scene.parameters, *(w for w in self.weights if len(self.weights[w]) == 1))
                if n != name
            ]
            return told + (f"; there are {', '.join(others)}" if others else "")
        bad, honest, verdict = plane.decide()
        return (
            f"{told}: {verdict} whatever it is, since {bad} and {honest} differ by {float(plane.difference()):.4g} nats"
        )

    def _axis(self, name: str) -> Axis:
        if name in self.parameters:
            return _axis(self.parameters[name], self.scene.parameters[self.parameters[name]])
        if len(self.weights.get(name, [])) > 1:
            several = ", ".join(f"{owner}.{knob}" for owner, knob in self.weights[name])
            raise InputError(f"several proposals have a knob {name!r}: say which, {several}")
        if name in self.weights:
            return Axis(name, Symbol(name, positive=True), "weight", 0.0, math.inf)
        if name in self.scene.idle:
            raise InputError(f"the difference does not depend on {name}")
        raise InputError(f"nothing is called {name!r} here{suggest(name, [*self.parameters, *self.weights])}")

    def _values(self, axes: Sequence[Axis]) -> dict[str, Any]:
        """The world's knobs: as they are set, and the symbols of those that are left open."""
        mine, knobs = self.given[self.name], self.knobs[self.name]
        values = parse_settings(self.name, knobs, list(mine.values()))
        for knob in knobs:
            if values[knob.name] != knob.default and knob.name not in (*self.scene.parameters, *self.scene.idle):
                raise InputError(f"the closed forms of {self.name} are those for {knob.name}={knob.default}")
        for name, parameter in self.scene.parameters.items():
            parameter.check(name, values[name])
        numbers = {
            k: exact(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for k, v in values.items()
        }
        return numbers | {a.name: _open(a, mine) for a in axes if a.name in values and a.kind != "weight"}

    def part(self, entry: Entry, axes: Sequence[Axis]) -> Part:
        """The proposal's knobs, and its coefficients as its child gives them."""
        mine = self.given[entry.name]
        knobs = parse_settings(entry.name, entry.knobs, list(mine.values()))
        free: dict[str, Expr] = {}
        for axis in (a for a in axes if a.kind == "weight"):
            free |= {knob: _open(axis, mine, knob) for owner, knob in self.weights[axis.name] if owner == entry.name}
        with Child(ROLE, str(entry.path), entry.text, entry.name, limits=LIMITS) as child:
            try:
                affine = read(child, knobs, list(free))
            except NotAffine as reason:
                needs = "flip needs a weighted sum of the View's own terms, such as view.cross_entropy(reporters)"
                raise InputError(f"{entry.name}: {reason}; {needs}: judge it at several --set values instead") from None
        return Part(entry, knobs, free, affine)

    def _cost(self, term: Term, costs: Costs) -> Expr:
        arguments = dict(term.arguments)
        known = {
            "cross_entropy": arguments.get("process") in LEVELS and not arguments.get("instances"),
            "usable_information": not arguments.get("blank") or "inconsistency" in costs,  # then no relation is broken
        }
        if term.method not in costs or not known.get(term.method, True):
            raise InputError(f"no closed form of {term} is known in {self.name}; there are those of {', '.join(costs)}")
        return costs[term.method]


def _open(axis: Axis, settings: Mapping[str, str], knob: str | None = None) -> Symbol:
    if (knob or axis.name) in settings:
        raise SettingError(f"{axis.name} is in --over and cannot be set as well")
    return axis.symbol


def _axis(knob: str, parameter: Parameter) -> Axis:
    whole = {"integer": True} if parameter.kind == "count" else {"odd": True} if parameter.kind == "odd" else {}
    symbol = Symbol(
        parameter.symbol, **({"nonnegative": True} if parameter.kind == "count" else {"positive": True}), **whole
    )
    return Axis(knob, symbol, parameter.kind, float(parameter.low), float(parameter.high))


def _together(parts: Sequence[Part]) -> dict[Term, Expr]:
    """Coefficients of the sum; parts that ask for the same loss have it once."""
    found: dict[Term, Expr] = {}
    for part in parts:
        for term, monomials in part.affine.coefficients.items():
            coefficient = Integer(0)
            for knobs, value in monomials.items():
                product = exact(value)
                for knob in knobs:
                    product *= part.free[knob]
                coefficient += product
            if term.method == "cross_entropy" and term in found:
                if found[term] != coefficient:
                    raise InputError(f"{part.entry.name} weighs {term} otherwise than the proposals before it")
                continue
            found[term] = found.get(term, Integer(0)) + coefficient
    return {t: c for t, c in found.items() if c != 0}
