"""A layered drawing of a net: where nodes stand and where long edges bend. Sugiyama's method, in short."""

from typing import Any, Protocol

import networkx as nx
import numpy as np

__all__ = ["Bends", "Drawable", "Places", "layout"]

Places = dict[str, tuple[float, float]]
Bends = dict[tuple[str, str], list[tuple[float, float]]]


class Drawable(Protocol):
    """What has nodes and arrows: a World, or a net that someone believes in."""

    @property
    def nodes(self) -> tuple[str, ...]: ...
    @property
    def edges(self) -> tuple[tuple[str, str], ...]: ...


def layout(world: Drawable) -> tuple[Places, Bends]:
    """Places of nodes and bends of edges: causes above effects, few crossings, no edge through a node.

    Layers by longest path (a cause is moved down to its first effect), a bend in each layer that an edge spans, layers
    ordered by the barycentre of their neighbours. In units of one node's width and one layer's height.
    """
    graph: nx.DiGraph[str] = nx.DiGraph(world.edges)
    graph.add_nodes_from(world.nodes)
    depth = {n: k for k, layer in enumerate(nx.topological_generations(graph)) for n in layer}
    depth |= {n: min(depth[m] for m in graph.succ[n]) - 1 for n in world.nodes if graph.succ[n] and not graph.pred[n]}
    chain: nx.Graph[Any] = nx.Graph()
    chain.add_nodes_from(world.nodes)
    bends = {(a, b): [(a, b, d) for d in range(depth[a] + 1, depth[b])] for a, b in world.edges}
    for (a, b), inner in bends.items():
        nx.add_path(chain, [a, *inner, b])
    layers: list[list[Any]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in chain:
        layers[depth[node] if isinstance(node, str) else node[2]].append(node)
    spot: dict[Any, float] = {}
    for _ in range(8):
        for layer in layers:
            near = {n: [spot[m] for m in chain[n] if m in spot] for n in layer}
            pull = {n: float(np.mean(near[n])) if near[n] else spot.get(n, 0.0) for n in layer}
            layer.sort(key=pull.__getitem__)
            wide = [1.0 if isinstance(n, str) else 0.55 for n in layer]
            at = np.cumsum(wide) - np.array(wide) / 2 - sum(wide) / 2
            spot |= dict(zip(layer, at.tolist(), strict=True))
    return (
        {n: (spot[n], -float(depth[n])) for n in world.nodes},
        {edge: [(spot[n], -float(n[2])) for n in inner] for edge, inner in bends.items()},
    )
