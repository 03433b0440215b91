"""Where verdicts turn: sizes and weights at which the reference says that one reporter overtakes another."""

from collections.abc import Callable
from typing import Any

import pytest

from elk_sandbox import Case, Objective, Reporter, Reporters, Table, View, worlds
from elk_sandbox.judge import Strategy, judge
from elk_sandbox.needs import MEASURES
from elk_sandbox.seats import Seat
from elk_sandbox.verdict import Verdict
from elk_sandbox.view import answer

Rule = Callable[[Reporters, View], Objective]


class Here:
    """A proposal in this process: these are ours."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def call(self, meta: dict[str, Any], arrays: dict[str, Any], wall: float | None = None) -> Any:
        return answer(self.rule, meta, arrays)


def verdict(rule: Rule, case: Case, control: str | None = None) -> Verdict:
    return judge(Strategy(Here(rule), {}, MEASURES, control), [Seat(case)])


def fingerprinted(atoms: int, name: str = "fingerprint_simulator") -> Case:
    world = worlds.mask(atoms=atoms)
    return Case(world, bad={name: world.reporters[name]})


def specificity(reporters: Reporters, view: View) -> Objective:
    return view.cross_entropy(reporters) + 0.1 * view.complexity(reporters) + view.specificity(reporters)


def timed(price: float) -> Rule:
    return lambda reporters, view: specificity(reporters, view) + price * view.reads(reporters)


@pytest.mark.parametrize(("atoms", "relation"), [(3, "tie"), (5, "strict")])
def test_the_fingerprint_overtakes_the_translator_from_five_atoms(atoms: int, relation: str) -> None:
    assert verdict(specificity, fingerprinted(atoms)).relation == relation


@pytest.mark.parametrize("price", [0.01, 0.1, 1.0, 10.0])
def test_with_a_price_of_time_it_does_from_three(price: float) -> None:
    assert verdict(timed(price), fingerprinted(3)).relation == "strict"


@pytest.mark.parametrize(("nodes_a_read", "killed"), [(5.0, True), (10.0, False)])
def test_the_other_garbage_fails_when_reads_are_dear(nodes_a_read: float, killed: bool) -> None:
    """A fingerprint with the opposite as garbage reads more; the reference puts the turn near 7.4 nodes a read."""
    found = verdict(timed(0.1 * nodes_a_read), fingerprinted(5, "fingerprint_simulator_opposite"))
    assert (found.verdict == "killed") == killed, found.objective


def test_the_specificity_penalty_does_answer_the_plain_simulator() -> None:
    """ln 32 nats of generality outweigh 8 nodes at 0.1: in W-MASK the viewer's plain simulator loses."""
    world = worlds.mask()
    case = Case(world, bad={"human_simulator": world.simulators["viewer"]})
    assert verdict(specificity, case).verdict == "survives"
    assert verdict(lambda r, v: specificity(r, v) + 0.4 * v.complexity(r), case).verdict == "killed"  # 8 * 0.5 > ln 32


@pytest.mark.parametrize(("pixels", "survives"), [(3, False), (7, True)])
def test_time_turns_on_who_has_more_to_count(pixels: int, survives: bool) -> None:
    world = worlds.atoms(pixels=pixels, appearance=False)
    case = Case(world, bad={"human_simulator": world.simulators["viewer"]})
    found = verdict(lambda r, v: v.cross_entropy(r) + 0.1 * v.reads(r), case)
    assert (found.verdict == "survives") == survives, found.objective


def test_upstream_needs_a_complex_translation() -> None:
    """In W-SCREEN, which holds no look, re-deriving the pixel costs two nodes and the diamond one."""

    def pair(reporters: Reporters, view: View) -> Objective:
        return view.cross_entropy(reporters) + view.downstream(reporters) + 0.1 * view.complexity(reporters)

    upstream = Reporter((Table.of(["d", "t"], lambda d, t: d or t),))
    screen = Case(worlds.screen(), bad={"upstream_simulator": upstream})
    alone = verdict(lambda r, v: v.cross_entropy(r) + v.downstream(r), screen)
    assert (alone.relation, verdict(pair, screen).verdict) == ("tie", "survives")
    spread = worlds.atoms(read_pixels=False)
    assert verdict(pair, Case(spread, bad={"upstream_simulator": Table(["m"], [0, 1])})).relation == "strict"


def test_a_viewer_who_misreads_makes_the_baselines_death_strict() -> None:
    world = worlds.screen(misreading=0.1)
    found = verdict(lambda r, v: v.cross_entropy(r), Case(world, bad={"human_simulator": world.simulators["viewer"]}))
    assert found.relation == "strict"
    assert found.direct_translator == "direct_translator_hedged"
    assert found.objective["direct_translator"] == pytest.approx(0.6908, abs=5e-4)


def test_paying_reporters_for_being_long_is_caught_by_padding() -> None:
    """J = L - 0.1 K survives the named reporters in W-ATOMS, and the adversary pads a simulator until it is longer."""
    world = worlds.atoms()
    case = Case(world, bad={"human_simulator": world.simulators["viewer"]})
    found = verdict(lambda r, v: v.cross_entropy(r) - 0.1 * v.complexity(r), case, control="hard_inference")
    assert found.verdict == "survives" and found.adversary is not None and not found.good
    assert found.adversary.verdict == "killed"
    assert found.adversary.witness is not None and found.adversary.witness.truth == "no"


def test_an_objective_that_asks_for_what_is_not_there_does_not_apply() -> None:
    case = Case(worlds.screen(), bad={"human_simulator": Table(["c"], [0, 1])})
    rule: Rule = lambda r, v: v.cross_entropy(r)  # noqa: E731
    for thing, there in (("siblings", False), ("relations", False), ("pixels", True)):
        found = judge(Strategy(Here(rule), {}, (thing,)), [Seat(case)])
        assert (found.verdict == "not applicable") != there
    assert judge(Strategy(Here(lambda r, v: v.cross_entropy(r, "cat")), {}), [Seat(case)]).verdict == "not applicable"
    assert "no world is called" in str(judge(Strategy(Here(rule), {}, (), "screan"), [Seat(case)]).reason)
    assert judge(Strategy(Here(rule), {}, ("magic",)), [Seat(case)]).verdict == "error"
