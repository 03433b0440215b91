"""Nets of belief against inference by hand: conditional probabilities of the enumerated situations."""

import math

import numpy as np
import pytest

from elk_sandbox import beliefs, worlds
from elk_sandbox.world import World


def situation(world: World, **values: int) -> int:
    bits = world.states[0][:, world.columns(list(values))]
    return int(np.flatnonzero((bits == list(values.values())).all(axis=1))[0])


def test_the_viewer_knows_of_no_screen() -> None:
    world = worlds.screen()
    found = beliefs.human(world, "viewer", situation(world, t=1, d=0))
    assert found.nodes == ("d", "c")
    assert found.edges == (("d", "c"),)
    assert found.chances == {"d": 1.0, "c": 1.0}
    assert found.asked == {"d": "is the diamond there?"}
    assert found.seen == {"c"}


def test_the_careful_one_reckons_with_it() -> None:
    world = worlds.screen()
    found = beliefs.human(world, "careful", situation(world, t=0, d=1))
    assert set(found.nodes) == {"t", "d", "c"}
    assert found.chances["t"] == pytest.approx(0.1 / 0.55)  # P(screen | camera shows the diamond)
    assert found.chances["d"] == pytest.approx((0.45 + 0.01) / 0.55)
    assert found.chances["d"] == pytest.approx(world.beliefs["careful"][situation(world, t=0, d=1), 0])


def test_who_knows_a_trick_has_its_trace_as_a_cause() -> None:
    world = worlds.tricks()
    at = situation(world, k1=1)
    viewer, operator = (beliefs.human(world, level, at) for level in ("viewer", "operator"))
    assert "k1" not in viewer.nodes
    assert ("k1", "d") in operator.edges
    assert (viewer.chances["d"], operator.chances["d"]) == (1.0, 0.0)


def test_what_her_data_never_hold_is_unknown() -> None:
    world = worlds.levers()  # in the viewer's data both sensors tell the same
    at = situation(world, **{"sensor 1": 1, "sensor 2": 0})
    found = beliefs.human(world, "viewer", at)
    assert math.isnan(found.chances["lever 1"])
    assert found.chances["wall"] == 0.0  # her answer, which she gives all the same
    assert not {"lever 4", "lever 5"} & set(found.nodes)


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_nets_are_acyclic_and_chances_are_those_of_the_table(name: str) -> None:
    import networkx as nx

    world = worlds.find(name)()
    for at in (0, len(world.weights) - 1):
        for whole in (True, False):
            net = beliefs.predictor(world, at, whole=whole)
            assert nx.is_directed_acyclic_graph(nx.DiGraph(net.edges))
            assert {n for edge in net.edges for n in edge} <= set(net.nodes)
            assert set(world.visible_nodes) <= set(net.nodes)
            for node in net.seen:
                assert net.chances[node] == world.states[0, at, world.nodes.index(node)]
        for level in world.sees:
            own = beliefs.human(world, level, at)
            assert nx.is_directed_acyclic_graph(nx.DiGraph(own.edges))
            assert {n for edge in own.edges for n in edge} <= set(own.nodes)
            for node, question in own.asked.items():
                assert own.chances[node] == world.beliefs[level][at, world.questions.index(question)]
            assert all(math.isnan(c) or 0 <= c <= 1 for c in own.chances.values())


def test_what_the_predictor_has_no_node_for_follows_from_its_nodes() -> None:
    world = worlds.atoms()
    at = situation(world, u0=1, u1=1, u2=1, u3=0, u4=0)
    found = beliefs.predictor(world, at)
    assert found.chances["d"] == 1.0
    hidden = "stays pattern 0"
    visible = world.states[0][:, world.columns(world.visible_nodes)]
    weights = np.where((visible == visible[at]).all(axis=1), world.weights, 0.0)
    share = weights @ world.states[0][:, world.nodes.index(hidden)] / weights.sum()
    assert found.chances[hidden] == pytest.approx(share)


def test_a_stranger_is_refused() -> None:
    with pytest.raises(KeyError):
        beliefs.human(worlds.screen(), "nobody", 0)
