"""What the predictor and a human believe of a world's nodes in one situation, each as a net of their own."""

from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from elk_sandbox.world import World

__all__ = ["Believed", "human", "predictor"]


@dataclass(frozen=True)
class Believed:
    """Nodes with P(node is 1), nan where what is seen cannot happen as they know the world."""

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    kinds: dict[str, str]  # of a World's nodes, or question
    chances: dict[str, float]
    seen: frozenset[str]  # what they look at; of the rest they draw conclusions
    asked: dict[str, str] = field(default_factory=dict)  # the question that a node answers


def predictor(world: World, at: int, *, whole: bool = True) -> Believed:
    """The predictor holds its own nodes; of the others it knows what these imply, by the world's probabilities.

    whole: with what it has no node and the world no word for, as the noise behind its nodes; else arrows lead through.
    """
    columns = world.columns(world.visible_nodes)
    bits = world.states[0]
    alike = (bits[:, columns] == bits[at, columns]).all(axis=1)
    chances = _chances(world, np.where(alike, world.weights, 0.0))
    kinds = dict(zip(world.nodes, world.kinds, strict=True))
    nodes = [n for n in world.nodes if whole or kinds[n] != "hidden" or n in world.words]
    edges = world.edges if whole else tuple(_shortened(world, nodes))
    return Believed(tuple(nodes), edges, kinds, chances, frozenset(world.visible_nodes))


def human(world: World, level: str, at: int) -> Believed:
    """What a human makes of what she sees, in the nodes that vary in her data and for which there are words.

    Her answers to the questions are those of the world. What she expects of the other nodes is what they are in her own
    data, given what she sees; of a human without data, in the world as it is. A node that never varies there, as the
    screen that she knows nothing of, is no node of hers. Raises KeyError for a stranger.
    """
    sees = world.sees[level]
    known = world.data.get(level, world.weights)
    bits = world.states[0]
    columns = world.columns(sees)
    alike = (bits[:, columns] == bits[at, columns]).all(axis=1)
    chances = _chances(world, np.where(alike, known, 0.0))
    varies = np.ptp(bits[known > 0], axis=0) > 0
    answers, asked = _asked(world, level)
    kinds = {n: "latent" if k == "hidden" else k for n, k in zip(world.nodes, world.kinds, strict=True)}
    own = [
        n
        for n, k, v in zip(world.nodes, world.kinds, varies, strict=True)
        if n in sees or n in asked or (v and k != "pixel" and n in world.words)
    ]
    edges = _shortened(world, own)
    for node, question in asked.items():
        chances[node] = float(answers[question][at])
        if node not in kinds:
            own.append(node)
            edges += [(n, node) for n in _turns_on(world, level, question)]
    told = {n: kinds.get(n, "question") for n in own}
    return Believed(tuple(own), tuple(edges), told, {n: chances[n] for n in own}, frozenset(sees), asked)


def _chances(world: World, weights: np.ndarray) -> dict[str, float]:
    mass = float(weights.sum())
    with np.errstate(invalid="ignore"):
        found = weights @ world.states[0] / (mass or np.nan)
    return dict(zip(world.nodes, np.minimum(found, 1.0).tolist(), strict=True))


def _asked(world: World, level: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Her beliefs by question, and the node that stands for each: the one that is its truth, else a node of its own.

    A question that she always answers alike has none.
    """
    beliefs = {q: world.beliefs[level][:, k] for k, q in enumerate(world.questions)}
    asked: dict[str, str] = {}
    for k, question in enumerate(world.questions):
        if np.ptp(beliefs[question]) == 0:
            continue
        same = (world.states[0] == world.truth[:, k, None]).all(axis=0)
        named = [n for n, s in zip(world.nodes, same, strict=True) if s]
        node = next((n for n in named if n in world.words), named[0] if named else question)
        if node in asked and (beliefs[asked[node]] == beliefs[question]).all():
            continue
        asked[question if node in asked else node] = question
    return beliefs, asked


def _turns_on(world: World, level: str, question: str) -> tuple[str, ...]:
    """The nodes that what she says depends on."""
    if level not in world.simulators:
        return world.sees[level]
    return world.simulators[level].tables[world.questions.index(question)].reduced().nodes


def _shortened(world: World, own: list[str]) -> list[tuple[str, str]]:
    """Arrows between these nodes, through those that are left out; a trace stands for the cause that it shows."""
    graph: nx.DiGraph[str] = nx.DiGraph(world.edges)
    graph.add_nodes_from(world.nodes)
    bits = dict(zip(world.nodes, world.states[0].T, strict=True))
    rest = [n for n in world.nodes if n not in own]
    twin = {
        n: next((m for m in own if m in bits and np.ptp(bits[m] ^ bits[n]) == 0 < np.ptp(bits[n])), None) for n in rest
    }
    for node in sorted(rest, key=lambda n: twin[n] is not None):
        same = twin[node]
        if same is not None:
            merged = graph.copy()
            merged.add_edges_from((a, same) for a in graph.pred[node] if a != same)
            merged.add_edges_from((same, b) for b in graph.succ[node] if b != same)
            merged.remove_node(node)
            if nx.is_directed_acyclic_graph(merged):
                graph = merged
                continue
        _leave_out(graph, node)
    return [(a, b) for a, b in graph.edges]


def _leave_out(graph: "nx.DiGraph[str]", node: str) -> None:
    graph.add_edges_from((a, b) for a in list(graph.pred[node]) for b in list(graph.succ[node]))
    graph.remove_node(node)
