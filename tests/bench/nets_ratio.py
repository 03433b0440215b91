"""Posterior queries per second beside pgmpy's VariableElimination and pyAgrum's LazyPropagation, in one run.

    python tests/bench/nets_ratio.py [--rows 10000] [--peer-seconds 1.0]

Peers in their fastest documented way. pyAgrum: one engine with its target set, evidence values changed in place with
chgEvidence. pgmpy: VariableElimination.query, greedy order, no progress bar. They take one row at a time, so a batch is
timed on as many of its rows as `--peer-seconds` allows, and scaled; ours is timed on all rows, best of five. Every
answer that a peer gives is compared with ours.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from elk_sandbox.nets import Net, logical_or

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the peers import is not ours to mend
    import pyagrum as gum
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

Evidence = dict[str, np.ndarray]


def asia() -> Net:
    """Lauritzen and Spiegelhalter 1988: a visit, smoking, three diseases, an x-ray and short breath."""
    net = Net()
    net.add("asia", prior=0.01)
    net.add("smoke", prior=0.5)
    net.add("tub", parents=["asia"], table=[0.01, 0.05])
    net.add("lung", parents=["smoke"], table=[0.01, 0.1])
    net.add("bronc", parents=["smoke"], table=[0.3, 0.6])
    net.add("either", parents=["tub", "lung"], table=logical_or)
    net.add("xray", parents=["either"], table=[0.05, 0.98])
    net.add("dysp", parents=["bronc", "either"], table=[[0.1, 0.7], [0.8, 0.9]])
    return net


def random_net(nodes: int, arrows: int, most_parents: int, states: list[int], seed: int) -> Net:
    """Arrows drawn uniformly from earlier to later nodes, tables from a flat Dirichlet distribution."""
    rng = np.random.default_rng(seed)
    parents: dict[int, list[int]] = {i: [] for i in range(nodes)}
    while sum(map(len, parents.values())) < arrows:
        tail, head = sorted(rng.choice(nodes, 2, replace=False).tolist())
        if tail not in parents[head] and len(parents[head]) < most_parents:
            parents[head].append(tail)
    net = Net()
    for i, above in parents.items():
        card = int(rng.choice(states))
        names = [f"x{j}" for j in above]
        table = rng.dirichlet(np.ones(card), size=tuple(net.cards[name] for name in names))
        net.add(f"x{i}", parents=names, table=table, states=card)
    return net


def nets() -> dict[str, Net]:
    """The three nets of the comparison."""
    return {
        "asia": asia(),
        "alarm-sized": random_net(37, 46, 4, [2, 3, 4], seed=0),
        "random binary 20": random_net(20, 30, 3, [2], seed=0),
    }


def evidence(net: Net, query: str, seen: int | None, rows: int, seed: int = 0) -> Evidence:
    """Values of some nodes other than the query, drawn from the net, so that no row is impossible.

    `seen` nodes at random; or, for None, all nodes without children: nothing then separates the query from the rest,
    and no node can be pruned.
    """
    rng = np.random.default_rng(seed)
    states = net.sample(rng, rows)
    names = [name for name in rng.permutation(net.order).tolist() if name != query]
    names = [name for name in names if not net.graph.out_degree(name)] if seen is None else names[:seen]
    return {name: states[:, net.order.index(name)].astype(np.int64) for name in names}


def pyagrum_net(net: Net) -> gum.BayesNet:
    """The same net in pyAgrum."""
    peer = gum.BayesNet()
    for name in net.order:
        peer.add(gum.LabelizedVariable(name, name, net.cards[name]))
    for name in net.order:
        for parent in net.parents(name):
            peer.addArc(parent, name)
        table = net.table(name)
        for row in np.ndindex(table.shape[:-1]):
            peer.cpt(name)[dict(zip(net.parents(name), row, strict=True))] = table[row].tolist()
    return peer


def pgmpy_net(net: Net) -> DiscreteBayesianNetwork:
    """The same net in pgmpy."""
    peer = DiscreteBayesianNetwork()
    peer.add_nodes_from(net.order)
    peer.add_edges_from((parent, name) for name in net.order for parent in net.parents(name))
    for name in net.order:
        above = list(net.parents(name))
        cards = [net.cards[parent] for parent in above]
        peer.add_cpds(TabularCPD(name, net.cards[name], net.table(name).reshape(-1, net.cards[name]).T, above, cards))
    return peer


def pyagrum_query(net: Net, query: str, given: Evidence) -> Callable[[int], np.ndarray]:
    """A function of the row that gives pyAgrum's posterior."""
    peer = pyagrum_net(net)
    engine = gum.LazyPropagation(peer)
    engine.setTargets({query})
    columns = {name: values.tolist() for name, values in given.items()}
    engine.setEvidence({name: values[0] for name, values in columns.items()})

    def ask(row: int) -> np.ndarray:
        for name, values in columns.items():
            engine.chgEvidence(name, values[row])
        return engine.posterior(query).toarray()

    ask.keep = peer  # type: ignore[attr-defined]  # the engine holds no reference to its net
    return ask


def pgmpy_query(net: Net, query: str, given: Evidence) -> Callable[[int], np.ndarray]:
    """A function of the row that gives pgmpy's posterior."""
    engine = VariableElimination(pgmpy_net(net))
    columns = {name: values.tolist() for name, values in given.items()}

    def ask(row: int) -> np.ndarray:
        observed = {name: values[row] for name, values in columns.items()}
        return engine.query([query], observed, show_progress=False).values

    return ask


def own_query(net: Net, query: str, given: Evidence) -> Callable[[int], np.ndarray]:
    """A function of the row that gives our posterior of that row alone."""
    columns = {name: values.tolist() for name, values in given.items()}

    def ask(row: int) -> np.ndarray:
        return net.posterior(query, {name: values[row] for name, values in columns.items()}).values[0]

    return ask


def rate(ask: Callable[[int], np.ndarray], seconds: float, expected: np.ndarray) -> float:
    """Queries per second, each answer checked against ours afterwards."""
    ask(0)
    answers, start = [], time.perf_counter()
    while len(answers) < 5 or time.perf_counter() - start < seconds:
        answers.append(ask(len(answers) % len(expected)))
    spent = time.perf_counter() - start
    wanted = expected[np.arange(len(answers)) % len(expected)]
    if not np.allclose(answers, wanted, atol=1e-10):
        raise AssertionError(f"a peer disagrees by {abs(np.array(answers) - wanted).max()}")
    return len(answers) / spent


@dataclass(frozen=True)
class Line:
    """One line of the table. Rates are queries over time, summed over several pairs of query and observed nodes."""

    net: str
    seen: str  # observed nodes
    distinct: float  # different rows among those of the batch, mean
    compile: float  # ms, once for (query, observed nodes), mean
    single: float  # ours, one row a call, queries per second
    batch: float  # ours, all rows in a call, rows per second
    pgmpy: float  # rows per second
    pyagrum: float  # rows per second


def measure(name: str, net: Net, seen: int | None, rows: int, seconds: float, pairs: int = 5) -> Line:
    """Time one net over seeded pairs of a query and a set of `seen` observed nodes, as in `evidence`."""
    took: dict[str, list[float]] = {kind: [] for kind in ("compile", "batch", "single", "pgmpy", "pyagrum", "distinct")}
    for seed in range(pairs):
        query = str(np.random.default_rng(seed).choice(net.order))
        given = evidence(net, query, seen, rows, seed)
        start = time.perf_counter()
        net.posterior(query, {key: values[:1] for key, values in given.items()})
        took["compile"].append(1e3 * (time.perf_counter() - start))
        times = []
        for _ in range(5):
            start = time.perf_counter()
            answer = net.posterior(query, given).values
            times.append(time.perf_counter() - start)
        took["batch"].append(min(times) / rows)
        for kind, make in (("single", own_query), ("pgmpy", pgmpy_query), ("pyagrum", pyagrum_query)):
            took[kind].append(1 / rate(make(net, query, given), seconds / pairs, answer))
        took["distinct"].append(len(np.unique(np.stack(list(given.values())), axis=1).T))
    mean = {kind: float(np.mean(values)) for kind, values in took.items()}
    rates = {kind: 1 / mean[kind] for kind in ("single", "batch", "pgmpy", "pyagrum")}
    return Line(name, "leaves" if seen is None else str(seen), mean["distinct"], mean["compile"], **rates)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--peer-seconds", type=float, default=1.0, help="for each peer on each line")
    options = parser.parse_args()
    print(f"posterior of one node, {options.rows:,} rows of evidence; rates per second; x = times as fast as that peer")
    form = "{:17}{:>7}{:>9}{:>11}{:>8}{:>9}{:>9}{:>8}{:>10}{:>13}{:>9}{:>10}"
    heads = ["net", "seen", "distinct", "compile ms", "pgmpy", "pyAgrum", "single", "x pgmpy", "x pyAgrum"]
    print(form.format(*heads, "batch", "x pgmpy", "x pyAgrum"))
    for name, net in nets().items():
        for seen in (3, len(net.order) // 2, len(net.order) * 3 // 4, None):
            line = measure(name, net, seen, options.rows, options.peer_seconds)
            cells = [line.net, line.seen, f"{line.distinct:,.0f}", f"{line.compile:.1f}"]
            cells += [f"{value:,.0f}" for value in (line.pgmpy, line.pyagrum, line.single, line.single / line.pgmpy)]
            cells += [f"{line.single / line.pyagrum:.1f}", f"{line.batch:,.0f}"]
            cells += [f"{line.batch / line.pgmpy:,.0f}", f"{line.batch / line.pyagrum:,.0f}"]
            print(form.format(*cells), flush=True)


if __name__ == "__main__":
    main()
