"""The adversary's search and the honest candidates against exhaustive enumeration in the smallest world."""

from itertools import product

import numpy as np
import pytest

from elk_sandbox import Case, Reporter, Table, worlds
from elk_sandbox.circuits import honest_functions, in_words, search
from elk_sandbox.seats import Seat
from elk_sandbox.translators import honest_candidates, is_honest, knows

SCREEN = worlds.screen()
ALL = [Table(["d", "t", "c"], rule) for rule in product((0, 1), repeat=8)]


def seat(name: str) -> Seat:
    world = worlds.find(name)()
    plain, readable = world.simulators["viewer"], set(world.readable_nodes)
    if plain.cone <= readable:
        return Seat(Case(world, bad={"human_simulator": plain}))
    return Seat(Case(world, bad={n: r for n, r in world.reporters.items() if not is_honest(world, r)}))


def test_every_small_function_of_the_screen_is_tried() -> None:
    """All 256 functions of its three nodes: each is a candidate, except of three nodes where it fits no labels."""
    here = Seat(Case(SCREEN, bad={"human_simulator": SCREEN.simulators["viewer"]}))
    tried = {r.key for r in (*here.named.values(), *here.found.dishonest.values(), *here.found.honest.values())}
    inside = SCREEN.data["viewer"] > 0
    for table in ALL:
        reporter = Reporter((table,))
        fits = (SCREEN.answers(reporter) == SCREEN.labels["viewer"])[inside].all()
        small = len(table.reduced().nodes) <= 2
        assert (reporter.key in tried) == (small or fits), in_words(reporter)


def test_every_honest_function_of_the_screen_is_a_candidate() -> None:
    honest = {t.key for t in ALL if is_honest(SCREEN, Reporter((t,)))}
    assert {t.key for t in honest_functions(SCREEN)[0]} == honest
    assert honest <= {r.key[0] for r in honest_candidates(SCREEN, {}).values()}


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_found_reporters_are_what_they_are_called(name: str) -> None:
    here = seat(name)
    world = here.case.world
    assert here.found.dishonest
    sample = list(here.found.dishonest.items())[:: max(1, len(here.found.dishonest) // 200)]
    assert not any(is_honest(world, r) for _, r in sample)
    assert all(is_honest(world, r) for r in here.found.honest.values())
    assert all(is_honest(world, r) for r in here.honest.values())
    assert all(r.cone <= set(world.readable_nodes) for _, r in sample)
    found = [r.key for r in (*here.found.dishonest.values(), *here.found.honest.values())]
    assert len(found) == len(set(found))
    assert not set(found) & {r.key for r in here.named.values()}


@pytest.mark.parametrize("name", ["atoms", "mask", "free"])
def test_a_padded_reporter_answers_alike_wherever_the_predictor_can_be(name: str) -> None:
    here = seat(name)
    world, bad = here.case.world, here.case.bad_reporters["human_simulator"]
    padded = {n: r for n, r in here.found.dishonest.items() if " on unreachable " in n}
    assert padded
    for reporter in padded.values():
        assert np.array_equal(world.answers(reporter), world.answers(bad))
        assert reporter.key != bad.key


def test_the_search_is_the_same_each_time() -> None:
    world = worlds.two_cue()
    bad, honest = {"human_simulator": world.simulators["viewer"]}, honest_candidates(world, {})
    first, second = (search(world, bad, honest) for _ in range(2))
    assert list(first.dishonest) == list(second.dishonest)
    assert [r.key for r in first.dishonest.values()] == [r.key for r in second.dishonest.values()]


def test_in_words() -> None:
    def told(*tables: Table) -> str:
        return in_words(Reporter(tables))

    assert told(Table.of(["m", "t"], lambda m, t: m and not t)) == "m and not t"
    assert told(Table.of(["a", "b"], lambda a, b: a or b)) == "a or b"
    assert told(Table.constant(1), Table.constant(0)) == "always yes | always no"
    assert told(Table.of(list("abcde"), lambda *u: sum(u) > 2)) == "a function of a, b, c, d, e"


def test_a_predictor_that_does_not_know_is_found_out() -> None:
    from elk_sandbox import Data, Human, Net, World, logical_or

    net = Net()
    net.add("t", prior=0.1)
    net.add("d", parents=["t"], table=[0.5, 0.1])
    net.add("c", parents=["d", "t"], table=logical_or)
    world = World.from_net(
        net,
        pixels=["c"],
        hidden=["d"],
        questions={"is it there?": "d"},
        humans={"viewer": Human(sees=["c"], believes="c")},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
    )
    gap = knows(world)
    assert gap is not None
    q, yes, no = gap
    assert (world.truth[yes, q], world.truth[no, q]) == (1, 0)
    visible = world.columns(world.readable_nodes)
    assert np.array_equal(world.states[0, yes, visible], world.states[0, no, visible])
