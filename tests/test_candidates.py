"""Which honest candidates there are, what a case must satisfy, and what the soft answers of honest reporters may do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from elk_sandbox import (
    Case,
    Data,
    Human,
    Net,
    Objective,
    Reporter,
    Reporters,
    Table,
    View,
    World,
    logical_and,
    logical_or,
    parity,
    spread,
    worlds,
)
from elk_sandbox.conformance import problems
from elk_sandbox.information import v_information
from elk_sandbox.judge import Strategy, judge
from elk_sandbox.needs import MEASURES
from elk_sandbox.reporters import has_exact_measures, measure
from elk_sandbox.seats import Seat
from elk_sandbox.translators import is_honest
from elk_sandbox.view import answer


def vault(hstar: Human | None = None, viewer: Human | None = None, unreadable: Sequence[str] = ()) -> World:
    """A screen t, a diamond d, the look m, and a pixel c that a glare g turns over."""
    net = Net()
    net.add("t", prior=0.1)
    net.add("d", parents=["t"], table=[0.5, 0.1])
    net.add("m", parents=["d", "t"], table=logical_or)
    net.add("g", prior=0.1)
    net.add("c", parents=["m", "g"], table=parity)
    humans = {"viewer": viewer or Human(sees=["c"], believes="c")} | ({"hstar": hstar} if hstar else {})
    return World.from_net(
        net,
        pixels=["c"],
        unreadable=unreadable,
        questions={"is it there?": "d"},
        humans=humans,
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
    )


def look(world: World, name: str = "upstream_simulator") -> Case:
    return Case(world, bad={name: Table(["m"], [0, 1])})


def test_no_candidate_reads_what_no_reporter_can() -> None:
    seat = Seat(look(vault(unreadable=["c", "g"])))
    assert seat.problems == []
    assert "direct_translator_softened" in seat.honest  # her labels err, so hedged translators are wanted
    assert all(r.cone <= {"t", "d", "m"} for r in seat.named.values())


def test_a_human_who_answers_the_truth_leaves_nothing_to_elicit() -> None:
    assert problems(look(vault())) == []
    (fault,) = problems(look(vault(hstar=Human(sees=["d"], believes="d"))))
    assert "nothing latent is left to elicit" in fault


def test_data_without_a_label_are_no_data() -> None:
    faults = problems(look(vault(viewer=Human(sees=[], believes=0.5))))
    assert any("no label to any question" in fault for fault in faults)


def test_a_bad_reporter_may_not_bear_an_honest_ones_name() -> None:
    (fault,) = Seat(look(vault(), "direct_translator")).problems
    assert "has the name of an honest one" in fault
    with pytest.raises(ValueError, match="at least one bad reporter"):
        Case(vault(), bad={})


def test_a_wide_translator_is_a_candidate_and_its_measures_are_exact() -> None:
    world = worlds.atoms(atoms=13)
    seat = Seat(Case(world, bad={"human_simulator": world.simulators["viewer"]}))
    assert seat.problems == []
    translator = seat.honest["direct_translator"]
    assert measure(translator, "complexity") == 49
    assert has_exact_measures(translator)


def test_a_function_has_one_price_however_it_is_written() -> None:
    """Eight pairs: too many nodes for the least diagram, so a bound, which the order of the nodes may not move."""
    pairs = [(f"x{k}", f"y{k}") for k in range(8)]
    near, far = [n for p in pairs for n in p], [p[0] for p in pairs] + [p[1] for p in pairs]

    def rule(names: list[str]) -> Any:
        return lambda *bits: any(a and b for a, b in ((bits[names.index(x)], bits[names.index(y)]) for x, y in pairs))

    first, second = (Reporter((Table.of(names, rule(names)),)) for names in (near, far))
    assert first.key == second.key
    for name in MEASURES:
        assert measure(first, name) == measure(second, name)
    assert not has_exact_measures(first)


def test_the_shortest_of_several_codes_of_the_truth_is_found() -> None:
    """The diamond is held as the majority of five bits, and as the AND of four: the second is shorter."""
    net = Net()
    net.add("t", prior=0.1)
    net.add("d", parents=["t"], table=[0.5, 0.1])
    five, rest = [f"a{k}" for k in range(5)], [f"r{k}" for k in range(4)]
    noise = spread(net, five, "d")
    for name in rest:
        net.add(name, prior=0.5)
    for k in range(4):
        net.add(f"b{k}", parents=["d", *rest], table=lambda d, *r, k=k: 1 if d else 0 if all(r) else r[k])
    net.add("m", parents=["d", "t"], table=logical_or)
    seen = [f"c{k}" for k in range(5)]
    for k, name in enumerate(seen):
        net.add(name, parents=["m", "r3"], table=lambda m, r, k=k: 1 if m else int(k % 2 == r))
    world = World.from_net(
        net,
        pixels=seen,
        hidden=["t", "d", "m", *noise, *rest],
        questions={"is it there?": "d"},
        humans={"viewer": Human(sees=seen, believes=Table.of(seen, logical_and))},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
    )
    seat = Seat(Case(world, bad={"human_simulator": world.simulators["viewer"]}))
    assert min(measure(r, "complexity") for r in seat.honest.values()) == 4


def test_honest_steganography_has_room_in_probabilities_and_none_in_what_is_said() -> None:
    """The verdict on P1 turns on it: a reader of probabilities would learn more from an honest reporter's shades of no
    than from any code in 0 and 1. The view's reader is told what is answered, as the literature has it."""
    world = worlds.free(wordings=True)
    honest, other = world.reporters["honest_steganographer"], world.reporters["steganographer"]
    assert is_honest(world, honest) and not is_honest(world, other)
    latent = world.states[0][:, world.columns(world.of_kind("latent"))]
    read = v_information(world.weights, np.stack([world.answers(r) for r in (honest, other)]), latent, "table")
    assert read[0] > read[1]  # with probabilities the honest one wins, and auxiliary_ai would survive

    class Here:
        def call(self, meta: Any, arrays: Any, wall: float | None = None) -> Any:
            def rule(reporters: Reporters, view: View) -> Objective:
                return view.cross_entropy(reporters) - view.usable_information(reporters)

            return answer(rule, meta, arrays)

    found = judge(Strategy(Here(), {}), [Seat(Case(world, bad={"steganographer": other}))])
    assert (found.verdict, found.relation) == ("killed", "strict")
    assert found.objective["honest_steganographer"] == pytest.approx(found.objective["direct_translator"])


def test_terms_that_do_not_add_up_are_no_ledger() -> None:
    class Here:
        def call(self, meta: Any, arrays: Any, wall: float | None = None) -> Any:
            def rule(reporters: Reporters, view: View) -> Objective:
                loss = view.cross_entropy(reporters)
                return Objective(loss.values, {"virtue": loss.values + 1})

            return answer(rule, meta, arrays)

    found = judge(Strategy(Here(), {}), [Seat(look(vault()))])
    assert found.verdict == "error" and found.reason is not None and "do not add up" in found.reason
