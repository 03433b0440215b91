"""The counterexamples and controls with closed forms: who stands in them, and what each term costs them.

A scene lists the named bad reporters and those honest candidates that can be the cheapest; `flip` compares both sums
with the exact judge, which lists many more. Numbers and derivations: reference/elk.md 3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Integer, Piecewise, Rational, log, sympify

from elk_sandbox.reporters import Table
from elk_sandbox.symbolic.forms import Costs, Expr, Function, bit, costs, entropy, exclusive_or, majority
from elk_sandbox.symbolic.openings import OPENINGS, Parameter

__all__ = ["SCENES", "Parameter", "Scene", "Sides"]

Values = Mapping[str, Any]
"""Of each knob: a number, a truth value, or the symbol of a parameter that is left open."""

NOT_SURE = Rational(49, 100)  # what the hedging translator gives to the viewer's label where she misreads


@dataclass(frozen=True)
class Sides:
    """Costs of the named bad reporters, and of the honest candidates, of which the plainest stands first."""

    bad: Mapping[str, Costs]
    honest: Mapping[str, Costs]


@dataclass(frozen=True)
class Scene:
    """A family of cases: a counterexample's, or a control world's with the plain simulators of its viewer."""

    parameters: Mapping[str, Parameter]  # knobs that can be left open
    make: Callable[[Values], Sides]
    idle: tuple[str, ...] = ()  # other knobs that may be set; the rest must be as they are
    control: Mapping[str, Table] | None = None  # of a control world: bad reporters beside the viewer's simulator


def _translators(n: Expr, *exits: str) -> dict[str, dict[str, Expr]]:
    """The majority of the atoms, plain and behind the look m and the screen t: m AND (no t OR majority)."""
    plain = majority(n)
    found = {"direct_translator": costs(plain)}
    if exits:
        found["direct_translator_early_exit (m)"] = costs(plain.behind(answer=0))
    if len(exits) > 1:
        found["direct_translator_early_exit (m, t)"] = costs(plain.behind(answer=1).behind(answer=0))
    return found


def _viewer(pixels: Expr) -> Costs:
    return costs(bit() if pixels == 1 else majority(pixels, atoms=False), downstream=Integer(1))


def _complex_translation(values: Values) -> Sides:
    look = {"human_simulator": _viewer(Integer(1)), "upstream_simulator": costs(bit())}
    return Sides(look, _translators(values["atoms"], "m", "t"))


def _cheap_simulation(values: Values) -> Sides:
    viewer, n = {"human_simulator": _viewer(values["pixels"])}, values["atoms"]
    if values["cached"]:
        return Sides({**viewer, "upstream_simulator": costs(bit())}, _translators(n, "m", "t"))
    honest = _translators(n)
    if values["pixels"] == 1:  # then the pixel is the look, and flipping it can change what the early exits say
        plain, there, safe = majority(n), Rational(46, 100), Rational(91, 100)
        honest["direct_translator_early_exit (c)"] = costs(plain.behind(answer=0), downstream=there)
        honest["direct_translator_early_exit (c, t)"] = costs(plain.behind(answer=1).behind(answer=0), downstream=safe)
    return Sides(viewer, honest)


def _one_look(name: str, *exits: str) -> Callable[[Values], Sides]:
    """The atoms and one node of how it looks."""
    return lambda values: Sides({name: costs(bit())}, _translators(values["atoms"], "m", *exits))


def _masked(name: str) -> Callable[[Values], Sides]:
    """2**n predictors whose n parameters are readable: the bad reporter checks them all before it simulates."""

    def make(values: Values) -> Sides:
        n = values["atoms"]
        plain = majority(n)
        through_m, through_t = plain.behind(answer=0), plain.behind(answer=1).behind(answer=0)
        none = Integer(0)  # of ln N; behind m and t the data never get to the atoms, so that every sibling fits
        honest = {
            "direct_translator": (plain, none),
            "direct_translator_early_exit (m)": (through_m, none),
            "direct_translator_early_exit (m, t)": (through_t, n * log(2)),
            "fingerprint_translator": (plain.checked(n), none),
            "fingerprint_translator (m)": (through_m.checked(n), none),
            "fingerprint_translator (m, t)": (through_t.checked(n), none),
        }
        return Sides({name: _bare(bit().checked(n))}, {k: _bare(f, specificity=s) for k, (f, s) in honest.items()})

    return make


def _bare(f: Function, **more: Expr) -> dict[str, Expr]:
    """Without what is not worked out where there are siblings or where the diamond is one node, but for `more`."""
    return {k: v for k, v in costs(f).items() if k not in ("change", "disagreement")} | more


def _masked_bit(values: Values) -> Sides:
    """One stored bit; honest candidates check none, one, two or all of the parameters, which do not vary here."""
    count = values["parameters"]
    honest = {"direct_translator": _bare(bit(), specificity=(count - 1) * log(2))}
    for checks in (1, 2):
        name = f"small_honest_function ({checks} parameter{'s' * (checks > 1)} checked)"
        honest[name] = _bare(bit().checked(Integer(checks)), specificity=(count - 1 - checks) * log(2))
    honest["fingerprint_translator"] = _bare(bit().checked(count))
    there = (1 - values["tamper"]) * values["diamond"] + values["tamper"] * values["diamond_tampered"]
    through_c = bit().behind(answer=0).checked(count)
    honest["fingerprint_translator (c)"] = _bare(through_c, downstream=there)
    viewer = {"human_simulator": _bare(bit(), downstream=Integer(1), specificity=count * log(2))}
    return Sides(viewer, honest)


def _screen(values: Values) -> Sides:
    """The diamond is one bit, and so is the picture; with a visible glare g the viewer misreads it."""
    glare = values["misreading"]
    plain = _bare(bit())
    if glare == 0:  # the earlier reporter read the diamond, where it still is
        viewer = _bare(bit(), downstream=Integer(1), change=Integer(3))
        return Sides({"human_simulator": viewer}, {"direct_translator": {**plain, "change": Integer(0)}})
    three = Integer(3)
    hedged = _bare(Function(Integer(5), three, three, three, Rational(1, 2), Integer(0)), downstream=NOT_SURE)
    honest = {
        "direct_translator": {**plain, "cross_entropy": glare * log(1000)},
        "direct_translator_softened": {
            **plain, "cross_entropy": -(1 - glare) * log(Rational(9, 10)) - glare * log(Rational(1, 10)),
        },
        "direct_translator_hedged": {**hedged, "cross_entropy": -glare * log(NOT_SURE)},
    }  # fmt: skip
    return Sides({"human_simulator": _bare(exclusive_or(), downstream=Integer(1))}, honest)


def _screen_control(values: Values) -> Sides:
    """With the simulator that re-derives the picture upstream, from the diamond and the screen: d OR t."""
    viewers = _screen({**values, "misreading": 0})
    return Sides({**viewers.bad, "upstream_simulator": _bare(bit().behind(answer=1))}, viewers.honest)


def _hard_inference(values: Values) -> Sides:
    viewer = {k: v for k, v in _viewer(values["pixels"]).items() if k != "change"}
    return Sides({"human_simulator": viewer}, {"direct_translator": _bare(bit())})


def _free(*, marks: bool, wordings: bool = False, exclusive: bool = False) -> Callable[[Values], Sides]:
    """Questions that nobody can check. With `marks` the bad reporter writes noise bits and t AND d, or t XOR d, there.

    exclusive: its last note is t XOR d. The honest steganographer writes the same into how sure its no is, which only
    `sensitivity` sees, at four tenths. Of equal pictures the number of pairs is 5 M^2 - 2 M for M = 2^noise; a noise
    bit differs in 5/2 M^2 of them, d, t, t AND d and t XOR d in 2 M^2 each.
    """

    def make(values: Values) -> Sides:
        p, noise = values["tamper"], values["noise"]
        here, fooled, both = (1 - p) / 2, p * Rational(9, 10), p / 10  # mass of (t, d) = (0, 1), (1, 0), (1, 1)
        known = entropy(here + both, 1 - here - both) + entropy(p, 1 - p)  # of d and of t
        unsure = entropy(here + both, fooled) + entropy(fooled + both, here)  # of d and t, where a diamond is seen
        left = 2 * entropy(here, fooled)  # of d and t, where in addition t AND d, or t XOR d, is told to be 0 or 1
        states = 2**noise
        pairs = 5 * (5 - 2 / states)  # times M^2, and times five answers
        sent, ands = Piecewise((noise, noise < 3), (3, True)), Piecewise((1, noise < 3), (0, True))
        base = {"cross_entropy": Integer(0), "specificity": Integer(0)}
        base |= {} if wordings else {"inconsistency": Integer(0)}
        translator = {**base, **_counted(2, 2, 2, 2), "downstream": Integer(0), "sensitivity": 4 / pairs}
        faint = {**translator, **_counted(2 + sent + 2 * ands, 2 + sent + ands * Rational(3, 2),
                                          2 + sent, 2 + sent + ands),
                 "sensitivity": 4 / pairs}  # fmt: skip
        honest = {k: {**c, "usable_information": known} for k, c in
                  (("direct_translator", translator), ("honest_steganographer", faint))}  # fmt: skip
        viewer = {**base, "downstream": Integer(1)}
        if not marks:
            told = {**viewer, **_counted(1, 1, 1, 1), "usable_information": known - unsure, "sensitivity": Integer(0)}
            return Sides({"human_simulator": told}, honest)
        xors, marked = Integer(exclusive), Integer(1) if exclusive else ands
        if exclusive:
            sent, ands = Piecewise((noise, noise < 2), (2, True)), Piecewise((1, noise < 2), (0, True))
        code = {
            **viewer,
            **_counted(1 + sent + 2 * ands + 3 * xors, 1 + sent + ands * Rational(3, 2) + 2 * xors,
                       1 + sent + 2 * marked, 1 + sent + ands + 2 * xors),
            "usable_information": known - left * marked - unsure * (1 - marked) + sent * log(2),
            "sensitivity": (Rational(5, 2) * sent + 2 * ands + 2 * xors) / pairs,
        }  # fmt: skip
        return Sides({"steganographer": code}, honest)

    return make


def _counted(nodes: Expr, reads: Expr, parts: Expr, influence: Expr) -> dict[str, Expr]:
    told = {"complexity": nodes, "reads": reads, "parts": parts, "influence": influence}
    return {k: sympify(v) for k, v in told.items()}


_REDERIVED = {"upstream_simulator": Table(["d", "t"], [0, 1, 1, 1])}
_MAKE: Mapping[str, Callable[[Values], Sides]] = {
    "human_simulator": _screen,
    "complex_translation": _complex_translation,
    "cheap_simulation": _cheap_simulation,
    "upstream_simulator": _one_look("upstream_simulator", "t"),
    "fingerprint": _masked("fingerprint_simulator"),
    "memorised_predictor": _masked("memorising_simulator"),
    "ontology_mismatch": _one_look("human_simulator_hstar"),
    "simple_steganography": _free(marks=True, wordings=True),
    "free_bit_steganography": _free(marks=True),
    "sensitive_not_honest": _free(marks=True, exclusive=True),
    "smooth_simulator": _one_look("human_simulator"),
    "compact_appearance": _one_look("human_simulator"),
    "capability_jump": _complex_translation,
    "screen": _screen_control,
    "hard_inference": _hard_inference,
    "masked_bit": _masked_bit,
    "free": _free(marks=False),
}

SCENES: Mapping[str, Scene] = {
    name: Scene(
        opening.parameters, _MAKE[name], opening.idle,
        (_REDERIVED if name == "screen" else {}) if opening.control else None,
    )
    for name, opening in OPENINGS.items()
}  # fmt: skip
"""By the name of the counterexample or of the control world."""
