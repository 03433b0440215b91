"""A world as something to walk about in: what can be chosen, where a turn leads, where reporters part."""

import numpy as np
import pytest

from elk_sandbox import Case, Data, Human, Net, Table, World, logical_or, stage, worlds
from elk_sandbox.pages.links import vault_query
from elk_sandbox.stage import Stage


@pytest.fixture(scope="module", params=worlds.STANDARD)
def any_stage(request: pytest.FixtureRequest) -> Stage:
    return stage.of_world(worlds.find(request.param)())


def test_choices_tell_all_situations_apart(any_stage: Stage) -> None:
    world = any_stage.world
    columns = world.columns([c.node for c in any_stage.choices])
    assert len(np.unique(world.states[0][:, columns], axis=0)) == len(world.weights)
    counts = [len(np.unique(world.states[0][:, columns[:k]], axis=0)) for k in range(1, len(columns) + 1)]
    assert counts == sorted(set(counts))  # none of them is idle after those before it


def test_every_situation_has_a_code_that_finds_it(any_stage: Stage) -> None:
    world = any_stage.world
    for i in range(len(world.weights)):
        assert any_stage.find(any_stage.code(i)) == i
        everything = {n: any_stage.value(i, n) for n in world.nodes}  # as a witness has it
        assert any_stage.find(vault_query(world="x", situation=everything)["vault_at"]) == i
        assert any_stage.find(str(i)) == i
    assert any_stage.find(str(len(world.weights))) is None
    assert any_stage.find("no such node") is None


def test_a_turn_lands_in_a_situation_with_that_value_and_moves_as_little_as_can_be(any_stage: Stage) -> None:
    world, names = any_stage.world, [c.node for c in any_stage.choices]
    bits = world.states[0][:, world.columns(names)]
    for at in range(0, len(world.weights), 7):
        for k, node in enumerate(names):
            value = 1 - any_stage.value(at, node)
            to, gave_way = any_stage.turned(at, node, value)
            assert any_stage.value(to, node) == value
            moved = {names[j] for j in np.flatnonzero(bits[to] != bits[at])} - {node}
            assert set(gave_way) == moved
            others = np.flatnonzero(bits[:, k] == value)
            least = min((bits[i] != bits[at]).sum() for i in others)
            assert len(moved) + 1 <= 2 * least  # a change below the node costs half
            assert any_stage.turned(to, node, value) == (to, ())


def test_what_lies_below_gives_way_first() -> None:
    tricks = stage.of_world(worlds.tricks())
    at = tricks.find("d,u0,u1,u2")
    assert at is not None
    to, gave_way = tricks.turned(at, "u0", 0)
    assert (tricks.code(to), gave_way) == ("u1,u2", ("d",))
    to, gave_way = tricks.turned(at, "k1", 1)  # the trick removes the diamond
    assert tricks.value(to, "d") == 0
    assert "d" in gave_way


def test_a_value_that_never_occurs_is_refused() -> None:
    with pytest.raises(ValueError, match="s0 is never 0"):
        stage.of_world(worlds.mask()).turned(0, "s0", 0)


def test_they_part_where_a_screen_fools_the_camera() -> None:
    screen = stage.of_world(worlds.screen())
    assert screen.translator == "direct_translator"
    assert screen.rivals == ("human_simulator", "flag")
    (apart,) = screen.partings("direct_translator", "human_simulator").tolist()
    assert screen.code(apart) == "t"
    assert screen.world.weights[apart] == pytest.approx(0.09)
    assert screen.code(int(screen.partings("direct_translator", "flag")[0])) == "t,d"
    assert screen.right(screen.cast["human_simulator"].answers, apart) == [False]
    assert float(screen.cast["human_simulator"].right) == pytest.approx(0.91)


def test_partings_are_all_there_are_the_likeliest_first(any_stage: Stage) -> None:
    for rival in any_stage.rivals[:3]:
        one, other = (any_stage.cast[n].answers for n in (any_stage.translator, rival))
        apart = any_stage.partings(any_stage.translator, rival)
        same = np.setdiff1d(np.arange(len(one)), apart)
        assert (np.sign(one[same] - 0.5) == np.sign(other[same] - 0.5)).all()
        assert (np.sign(one[apart] - 0.5) != np.sign(other[apart] - 0.5)).any(axis=1).all()
        assert (np.diff(any_stage.world.weights[apart]) <= 0).all()


def test_the_start_is_likely_and_a_yes() -> None:
    screen = stage.of_world(worlds.screen())
    assert screen.code(screen.start) == "d"


def actions() -> World:
    net = Net()
    net.add("cover", prior=0.1)
    net.add("there", prior=0.5)
    net.add("seen", parents=["there", "cover"], table=logical_or)
    return World.from_net(
        net,
        pixels=["seen"],
        actions=["cover"],
        questions={"is it there?": "there"},
        humans={"viewer": Human(sees=["seen"], believes="seen")},
        data={"viewer": Data(where={"cover": 0}, labelled_by="viewer")},
    )


def test_actions_come_first_and_a_case_names_who_is_bad() -> None:
    case = Case(actions(), bad={"simulator": Table(["seen"], [0, 1])}, honest={"mine": Table(["there"], [0, 1])})
    found = stage.of_case(case)
    assert [(c.node, c.action, c.words) for c in found.choices] == [("cover", True, None), ("there", False, None)]
    assert {n: p.role for n, p in found.cast.items() if p.first} == {"mine": "honest", "simulator": "named bad"}
    assert found.translator == "mine"
    assert found.rivals[0] == "simulator"


def test_links() -> None:
    found = vault_query(world="screen", situation={"t": 1, "d": 0, "c": 1})
    assert found == {"vault_world": "screen", "vault_at": "t,c"}
    query = vault_query(case="mine", knobs={"atoms": 7, "cached": False}, situation={"d": 0}, against="flag")
    assert query == {
        "vault_case": "mine", "vault_set": "atoms=7;cached=false", "vault_at": "-", "vault_against": "flag",
    }  # fmt: skip
    for wrong in ({}, {"world": "screen", "case": "mine"}):
        with pytest.raises(ValueError, match="and not both"):
            vault_query(**wrong)  # type: ignore[arg-type]
