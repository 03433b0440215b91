"""Closed forms against enumeration: functions, scenes against the judge, borders from both sides, terms read off."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sympy import Integer, Piecewise, Rational, Symbol, log

from elk_sandbox import NotApplicable, Objective, Reporters, View, measures
from elk_sandbox.affine import Affine, NotAffine, Term, answer, read
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.symbolic.flip import Flip, find
from elk_sandbox.symbolic.forms import Function, bit, entropy, exact, exclusive_or, majority, plain
from elk_sandbox.symbolic.judged import agrees, check, judged
from elk_sandbox.symbolic.record import as_dict
from elk_sandbox.symbolic.regions import Axis, Border, Plane
from elk_sandbox.symbolic.scenes import SCENES
from elk_sandbox.symbolic.where import WORDS, pairs
from elk_sandbox.terminal import InputError

REPOSITORY = Path(__file__).parents[1]
REGISTRY = Registry.scan(REPOSITORY / "proposals", packages=False)
EXACT = 1e-9  # nats


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def flipped(proposal: str, counterexample: str, over: str | None = None, *sets: str) -> Flip:
    return find(REGISTRY, proposal, counterexample, over, sets)


def table_of(n: int, rule: Callable[..., Any]) -> np.ndarray:
    return np.array([float(rule(*bits)) for bits in product((0, 1), repeat=n)]).reshape((2,) * n)


def measured(table: np.ndarray) -> tuple[float, float, float, float, float]:
    k, t = measures.complexity(table), measures.reads(table)
    assert k.exact and t.exact
    return k.nodes, t.value, len(measures.relevant(table)), measures.influence(table), float(table.mean())


def formed(f: Function) -> tuple[float, ...]:
    return tuple(float(v) for v in (f.complexity, f.reads, f.parts, f.influence, f.yes))


def most(*bits: int) -> bool:
    return 2 * sum(bits) > len(bits)


@pytest.mark.parametrize("n", [1, 3, 5, 7, 9, 11])
def test_a_majoritys_closed_forms(n: int) -> None:
    f = majority(Integer(n))
    assert formed(f) == measured(table_of(n, most))
    if n <= 7:
        changed = table_of(n, lambda *u: most(*u) ^ u[0])
        assert (f.change, f.reads + f.influence) == (measures.complexity(changed).nodes if n > 1 else 2, n + 1)
        apart = table_of(n + 1, lambda u, *c: most(*c) ^ bool(u))
        assert majority(Integer(n), atoms=False).change == measures.complexity(apart).nodes


@pytest.mark.parametrize("n", [3, 5])
def test_early_exits_and_checks(n: int) -> None:
    plain_one = majority(Integer(n))
    assert formed(plain_one.behind(answer=0)) == measured(table_of(n + 1, lambda m, *u: m and most(*u)))
    both = plain_one.behind(answer=1).behind(answer=0)
    assert formed(both) == measured(table_of(n + 2, lambda m, t, *u: m and (not t or most(*u))))
    assert formed(bit().checked(Integer(n))) == measured(table_of(n + 1, lambda *s: all(s)))
    checked = table_of(n + 4, lambda a, b, m, t, *u: a and b and m and (not t or most(*u)))
    assert formed(both.checked(Integer(2))) == measured(checked)
    assert (
        both.change == measures.complexity(table_of(n + 2, lambda m, t, *u: (m and (not t or most(*u))) ^ u[0])).nodes
    )
    assert formed(exclusive_or()) == measured(table_of(2, lambda a, b: a ^ b))
    assert (bit().change, exclusive_or().change) == (3, 5)


@given(
    st.integers(1, 4).flatmap(lambda n: arrays(np.int8, (2,) * n, elements=st.integers(0, 1))), st.sampled_from([0, 1])
)
def test_one_more_bit_before_any_function(table: np.ndarray, said: int) -> None:
    """K, dep and I follow the rule; T at most, since another order may be better."""
    if table.min() == table.max():
        return
    k, t, parts, influence, yes = measured(table.astype(float))
    f = Function(k, t, parts, influence, yes, k).behind(answer=said)
    longer = np.stack([np.full_like(table, said), table]).astype(float)
    got = measured(longer)
    assert (got[0], got[2]) == (f.complexity, f.parts)
    assert got[3:] == pytest.approx((float(f.influence), float(f.yes)))
    assert got[1] <= float(f.reads) + 1e-12


def test_entropy_of_masses() -> None:
    assert float(entropy(Rational(1, 4), Rational(1, 4))) == pytest.approx(np.log(2) / 2)
    assert entropy(Integer(0), Integer(1)) == 0


# One line: proposal, counterexample, settings, and the grid of each parameter that is left open.
WEIGHTS = (0.01, 0.1, 1.0)
GRIDS: list[tuple[str, str, tuple[str, ...], dict[str, tuple[float, ...]]]] = [
    ("complexity", "complex_translation", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("complexity", "human_simulator", (), {"misreading": (0.01, 0.1, 0.3), "weight": (*WEIGHTS, 0.3)}),
    ("complexity", "hard_inference", (), {"pixels": (3, 5, 7), "weight": WEIGHTS}),
    ("computation_time", "cheap_simulation", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("computation_time", "cheap_simulation", ("cached=false",), {"atoms": (3, 5, 7), "pixels": (3, 5, 7)}),
    ("computation_time", "cheap_simulation", ("cached=false", "pixels=1"), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("downstream+complexity", "upstream_simulator", (), {"atoms": (3, 5, 7), "complexity.weight": WEIGHTS}),
    ("downstream+complexity", "screen", (), {"downstream.weight": WEIGHTS, "complexity.weight": WEIGHTS}),
    ("computation_time+downstream", "cheap_simulation", ("cached=false", "pixels=5"),
     {"atoms": (3, 5, 7), "downstream.weight": WEIGHTS}),
    ("specificity", "fingerprint", (), {"atoms": (3, 5), "length": WEIGHTS}),
    ("specificity", "complex_translation", (), {"atoms": (3, 5, 7), "length": WEIGHTS}),
    ("specificity", "masked_bit", (), {"length": WEIGHTS, "generality": (*WEIGHTS, 0.5)}),
    ("stacked_penalties", "fingerprint", (), {"atoms": (3, 5), "time": (*WEIGHTS, 10.0)}),
    ("stacked_penalties", "masked_bit", ("parameters=4",), {"length": WEIGHTS, "generality": WEIGHTS}),
    ("compress_predictor", "fingerprint", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("compress_predictor", "memorised_predictor", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("compress_predictor", "complex_translation", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("compress_predictor", "masked_bit", (), {"parameters": (3, 4, 5), "weight": WEIGHTS}),
    ("auxiliary_ai", "simple_steganography", (), {"tamper": (0.05, 0.3, 0.8), "noise": (0, 1, 2, 3)}),
    ("auxiliary_ai", "free", (), {"tamper": (0.05, 0.3, 0.8), "weight": WEIGHTS}),
    ("auxiliary_ai_hardened", "free_bit_steganography", (), {"tamper": (0.05, 0.3, 0.8), "noise": (0, 1, 2, 3)}),
    ("sensitivity", "sensitive_not_honest", (), {"noise": (0, 1, 2, 3), "weight": WEIGHTS}),
    ("sensitivity", "simple_steganography", (), {"noise": (0, 1, 2, 3), "weight": WEIGHTS}),
    ("continuity", "smooth_simulator", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("continuity", "complex_translation", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("continuity", "hard_inference", (), {"pixels": (3, 5, 7), "weight": WEIGHTS}),
    ("few_parts", "compact_appearance", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("few_parts", "hard_inference", (), {"pixels": (3, 5, 7), "weight": WEIGHTS}),
    ("reporter_sequence", "capability_jump", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
    ("complexity", "ontology_mismatch", (), {"atoms": (3, 5, 7), "weight": WEIGHTS}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("proposal", "counterexample", "sets", "grid"), GRIDS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_the_judge_enumerates_the_same(
    proposal: str, counterexample: str, sets: tuple[str, ...], grid: dict[str, tuple[float, ...]], home: Path
) -> None:
    found = flipped(proposal, counterexample, ",".join(grid), *sets)
    points = [dict(zip(grid, at, strict=True)) for at in product(*grid.values())]
    for point in judged(found, points, home):
        assert point.judge == pytest.approx(point.closed, abs=EXACT), point


@pytest.mark.slow
@pytest.mark.parametrize("counterexample", SCENES)
def test_every_pair_that_flip_takes_agrees_with_the_judge(counterexample: str, home: Path) -> None:
    taken = 0
    for proposal in REGISTRY.proposals:
        try:
            found = flipped(proposal, counterexample)
        except InputError as reason:
            assert "no closed form" in str(reason) or "flip needs" in str(reason)
            continue
        points = check(found, home)
        assert points and agrees(found, points), (proposal, points)
        taken += 1
    assert taken >= 6


def test_the_judges_list_stops_short_of_the_widest_translators(home: Path) -> None:
    """At seven atoms it leaves out the fingerprinted translator behind m and t, of 16 nodes: a bound, and noted."""
    found = flipped("computation_time", "fingerprint")
    (point,) = judged(found, [{"atoms": 7.0, "weight": 1.0}], home)
    assert point.direct_translator == "fingerprint_translator 3"
    assert point.judge < point.closed < 0


BORDERS = [
    ("complexity", "human_simulator", "misreading,weight", ()),
    ("auxiliary_ai", "simple_steganography", "tamper,weight", ("noise=1",)),
    ("auxiliary_ai", "simple_steganography", "noise,tamper", ()),
    ("computation_time+downstream", "cheap_simulation", "n,downstream.weight", ("cached=false", "pixels=5")),
    ("auxiliary_ai+complexity", "simple_steganography", "auxiliary_ai.weight,tamper", ()),
    ("computation_time", "cheap_simulation", "n,r", ("cached=false",)),
    ("specificity", "fingerprint", "n,length", ()),
    ("sensitivity", "sensitive_not_honest", "n,weight", ()),
]


@pytest.mark.parametrize(("proposal", "counterexample", "over", "sets"), BORDERS)
def test_a_border_has_its_verdicts_on_both_sides(
    proposal: str, counterexample: str, over: str, sets: tuple[str, ...], home: Path
) -> None:
    found = flipped(proposal, counterexample, over, *sets)
    assert found.plane.borders
    for border in found.plane.borders:
        for at, words in sides(found, border):
            (point,) = judged(found, [at], home)
            verdict = (
                "killed, strict" if point.judge < -EXACT else "killed, tie" if point.judge <= EXACT else "survives"
            )
            assert verdict in words, (border, point)


def sides(found: Flip, border: Border) -> list[tuple[dict[str, float], tuple[str, ...]]]:
    """A point a little before the border and one a little after it."""
    x, y = found.plane.axes
    if border.at is None:
        step = 0 if x.discrete else 0.02 * border.low
        height = 1.0 if y.kind == "weight" else y.low
        lows = ({x.name: border.low - step, y.name: height}, border.before)
        return [lows, ({x.name: border.high + step, y.name: height}, border.after)]
    at = min(border.low, 7.0) if x.discrete else (border.low + min(border.high, 4.0)) / 2
    low, high = next((a.high, b.low) for a, b in zip(found.plane.cells(at), found.plane.cells(at)[1:], strict=False)
                     if (a.verdict,) == border.before and (b.verdict,) == border.after)  # fmt: skip
    below = high - y.step if y.discrete else 0.98 * low
    above = high if y.discrete else 1.02 * high
    return [({x.name: at, y.name: below}, border.before), ({x.name: at, y.name: above}, border.after)]


def test_the_literatures_thresholds() -> None:
    """elk.md 3 to 5: the fingerprint ties at n = 3 and is strict from 5; reads turn at r = n; C7 needs C5."""
    for proposal, breaker in (("specificity", "fingerprint"), ("compress_predictor", "memorised_predictor")):
        strips = flipped(proposal, breaker).plane.strips
        assert [(s.low, s.cells[0].verdict) for s in strips] == [(3, "killed, tie"), (5, "killed, strict")]
    (always,) = flipped("stacked_penalties", "fingerprint", "n,time").plane.strips[:1]
    assert {c.verdict for c in always.cells} == {"killed, strict"}
    turn = flipped("computation_time", "cheap_simulation", "n,r", "cached=false").plane.strips[-1]
    n = found_symbol(turn.cells[1].low_form)
    assert [(c.verdict, c.low_form) for c in turn.cells] == [
        ("killed, strict", 3), ("killed, tie", n), ("survives", n + 2),
    ]  # fmt: skip
    pair, over = "downstream+complexity", "downstream.weight,complexity.weight"
    assert {c.verdict for s in flipped(pair, "screen", over).plane.strips for c in s.cells} == {"survives"}
    (dies,) = flipped(pair, "upstream_simulator", "n,complexity.weight").plane.strips
    assert {c.verdict for c in dies.cells} == {"killed, strict"}
    assert flipped("downstream", "upstream_simulator").plane.decide()[2] == "killed, tie"


def found_symbol(form: Any) -> Symbol:
    (symbol,) = form.free_symbols
    return symbol


def test_the_weight_at_which_length_saves_it_from_a_misreading_viewer() -> None:
    borders = flipped("complexity", "human_simulator").plane.borders
    g = Symbol("misreading", positive=True)
    assert [plain(b.form - w).subs(g, Rational(1, 3)).evalf() for b, w in zip(borders, (
        g * log(1000) / 2, (-(1 - g) * log(Rational(9, 10)) - g * log(Rational(1, 10))) / 2), strict=True)
    ] == pytest.approx([0, 0])  # fmt: skip


def test_what_is_told_is_what_was_found() -> None:
    told = as_dict(flipped("specificity", "fingerprint", "n,length"), [])
    assert told["difference"] == "-length*(n/2 + 1/2)**2 + length*(n + 1)"
    assert told["objective"] == {
        "complexity": "length", "specificity": "1", "cross_entropy(instances=False, viewer)": "1",
    }  # fmt: skip
    assert told["borders"] == [{"atoms": {"from": 3, "to": 5}, "before": ["killed, tie"], "after": ["killed, strict"]}]
    assert told["regions"][1] | {"difference": ""} == {
        "bad": "fingerprint_simulator", "honest": "direct_translator", "verdict": "killed, strict", "difference": "",
        "atoms": {"from": 5, "to": 21},
        "length": {"from": 0, "to": np.inf, "from_form": None, "to_form": None},
        "latex": r"\frac{\mathrm{length}\,\left(3 - n\right)\,\left(n + 1\right)}{4}",
    }  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 4), min_size=2, max_size=5),
    st.lists(st.tuples(st.floats(0.01, 9), st.floats(0.01, 9)), min_size=5, max_size=5),
)
def test_the_cells_of_a_plane_decide_as_it_does(rows: list[tuple[int, ...]], points: list[tuple[float, float]]) -> None:
    """Of sums a + b x + c y + d x y, whose borders are hyperbolas: each point's cell says what the point says."""
    x, y = Symbol("x", positive=True), Symbol("y", positive=True)
    forms = [a + b * x + c * y + d * x * y for a, b, c, d in rows]
    axes = tuple(Axis(s.name, s, "weight", 0.0, np.inf) for s in (x, y))
    plane = Plane({"bad": forms[0]}, {f"honest {k}": f for k, f in enumerate(forms[1:])}, axes)
    for at in points:
        values = plane.values(*at)
        if abs(np.subtract.outer(values, values)[np.triu_indices(len(values), 1)]).min() < 1e-6:
            continue  # two of them are equal there
        (cell,) = [c for c in plane.cells(at[0]) if c.low <= at[1] < c.high]
        assert (cell.bad, cell.honest, cell.verdict) == plane.decide(*at)


def test_a_discrete_axis_whose_border_follows_no_rule_is_told_value_by_value() -> None:
    x, y = Symbol("x", positive=True, integer=True), Symbol("y", positive=True, integer=True)
    axes = (Axis("x", x, "count", 0.0, 5.0), Axis("y", y, "count", 0.0, 40.0))
    plane = Plane({"bad": y}, {"honest": x**2 + Rational(1, 2)}, axes)
    assert [(s.low, s.cells[1].low) for s in plane.strips] == [(v, v**2 + 1) for v in range(6)]


class Here:
    """A proposal in this process, its terms priced as in the child."""

    def __init__(self, rule: Callable[..., Any]) -> None:
        self.rule = rule

    def call(self, meta: dict[str, Any], arrays: dict[str, Any], wall: float | None = None) -> Any:
        reply, values = answer(self.rule, meta, arrays)
        return {k: [list(t) for t in v] if k == "terms" else v for k, v in reply.items()}, values


def terms(rule: Callable[..., Any], free: tuple[str, ...] = (), **knobs: Any) -> Affine:
    return read(Here(rule), {**dict.fromkeys(free, 0.5), **knobs}, free)


def test_coefficients_are_the_files_own() -> None:
    def rule(reporters: Reporters, view: View, *, a: float, b: float, power: int) -> Objective:
        bits = np.log2(view.siblings_that_fit(reporters))
        halved = (view.complexity(reporters) - view.parts(reporters)) / 2
        return 7 + view.cross_entropy(reporters) + a * (b * halved + bits) - view.complexity(reporters) * a**power

    loss = Term("cross_entropy", (("instances", False), ("process", "viewer")))
    found = terms(rule, ("a", "b"), power=1).coefficients
    assert found == {
        loss: {(): 1.0},
        Term("specificity"): {("a",): pytest.approx(1 / np.log(2))},
        Term("complexity"): {("a", "b"): pytest.approx(0.5), ("a",): pytest.approx(-1)},
        Term("parts"): {("a", "b"): pytest.approx(-0.5)},
    }
    assert terms(rule, ("b",), a=3.0, power=2).coefficients[Term("complexity")] == {
        ("b",): pytest.approx(1.5), (): pytest.approx(-9),
    }  # fmt: skip
    with pytest.raises(NotAffine, match="not affine in a and b"):
        terms(rule, ("a", "b"), power=2)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda r, v: v.cross_entropy(r) + np.maximum(v.complexity(r).values - 2, 0), "no sum of its terms"),
        (lambda r, v: v.cross_entropy(r) + r.answers.mean(axis=(1, 2)), "reporters.answers"),
        (lambda r, v: v.cross_entropy(r) + (v.weights * 1).sum(), "view.weights"),
        (lambda r, v: v.cross_entropy([1, 2]), "something else than all reporters"),
        (lambda r, v: sum(v.usable_information(r, f"reader {k}") for k in range(20)), "more than 12 terms"),
        (lambda r, v: np.zeros(3), "no number for each candidate"),
        (lambda r, v: v.complexity(r) * float("nan"), "not finite"),
        (lambda r, v: (_ for _ in ()).throw(NotApplicable("no moon")), "no moon"),
    ],
)
def test_what_is_no_weighted_sum_of_terms_is_told(rule: Callable[..., Any], words: str) -> None:
    with pytest.raises(NotAffine, match=words):
        terms(rule)


@pytest.mark.parametrize("told", [5, ["a b", {}], ["x"], ["x", {"k": [1]}], ["x", {"k": "y" * 99}], [["x"], {}]])
def test_a_child_that_tells_nonsense_is_refused(told: Any) -> None:
    class Liar:
        def call(self, meta: Mapping[str, Any], arrays: Mapping[str, Any], wall: float | None = None) -> Any:
            return {"terms": [told]}, {"values": np.zeros(arrays["prices"].shape[1])}

    with pytest.raises(NotAffine, match="cannot be told"):
        read(Liar(), {}, ())


@given(st.fractions(-100, 100, max_denominator=500))
@example(Fraction(11947, 253))  # over ln 2 it is within rounding of another fraction
def test_numbers_come_back_as_fractions(value: Any) -> None:
    fraction = Rational(value.numerator, value.denominator)
    assert exact(float(value)) == fraction
    assert exact(float(value) / np.log(2)) == fraction / log(2)


def test_a_form_by_cases_is_written_by_cases() -> None:
    k = Symbol("k", integer=True)
    form = plain(1 + Piecewise((k, k < 3), (3, True)) * 2)
    assert form == Piecewise((2 * k + 1, k < 3), (7, True))


def test_an_end_that_is_known_in_closed_form_is_where_the_two_curves_meet() -> None:
    plane = flipped("complexity", "human_simulator").plane
    ((value, form),) = plane.edges.items()
    assert float(form) == pytest.approx(value, abs=1e-9)
    assert float(log(Rational(10, 9)) / log(Rational(1000, 9))) == pytest.approx(float(form), abs=1e-12)
    (low, high) = plane.strips
    for strip in (low, high):  # who stands where: each place's own cell says so
        for cell in strip.cells:
            x = (strip.low + strip.high) / 2
            y = (cell.low + cell.high) / 2 if np.isfinite(cell.high) else 2 * cell.low + 1
            assert plane.decide(x, y) == (cell.bad, cell.honest, cell.verdict)
    places = pairs(plane, WORDS)
    assert set(places) == {(c.bad, c.honest) for s in plane.strips for c in s.cells}
    assert len(places["human_simulator", "direct_translator_hedged"]) == 2


def test_an_end_without_closed_form_is_a_number() -> None:
    plane = flipped("auxiliary_ai", "simple_steganography", None, "noise=1").plane
    assert plane.edges == {} and [s.high for s in plane.strips][:2] == pytest.approx([0.18596, 0.750188], abs=1e-5)


def test_who_stands_in_two_places_apart_does_not_stand_everywhere() -> None:
    x = Symbol("x", positive=True)
    dip = {"a": (x - Rational(1, 2)) ** 2, "b": Rational(1, 25)}
    plane = Plane(dip, {"honest": Integer(1)}, (Axis("x", x, "share", 0.0, 1.0),))
    assert pairs(plane, WORDS) == {("b", "honest"): ["x < 0.3", "x > 0.7"], ("a", "honest"): ["0.3 < x < 0.7"]}


@pytest.mark.parametrize("slope", [Rational(1, 100), Rational(7, 10), Integer(2), Integer(50)])
def test_an_end_is_known_in_closed_form_however_flat_the_curves_are(slope: Any) -> None:
    x = Symbol("x", positive=True)
    axis = Axis("x", x, "share", 0.0, 2 / float(slope))
    plane = Plane({"bad": slope * x}, {"honest": log(3)}, (axis,))
    ((value, form),) = plane.edges.items()
    assert float(form) == pytest.approx(float(log(3) / slope), rel=1e-12) == pytest.approx(value, rel=1e-6)
