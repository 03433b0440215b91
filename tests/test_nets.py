"""Nets against pgmpy and pyAgrum, brute force and closed forms."""

from __future__ import annotations

import importlib.util
import sys
import tracemalloc
from itertools import product
from math import comb
from pathlib import Path
from unittest import mock

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox import elimination, inference, nets, situations
from elk_sandbox.nets import Net, equal, identity, logical_and, logical_or, majority, negation, parity

spec = importlib.util.spec_from_file_location("nets_ratio", Path(__file__).parent / "bench" / "nets_ratio.py")
assert spec is not None and spec.loader is not None
ratio = sys.modules["nets_ratio"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ratio)  # the nets of the benchmark, and their translation into the peers' terms


@st.composite
def small_nets(draw: st.DrawFn, most: int = 7, zeros: bool = True) -> Net:
    """Nets of up to `most` nodes with 2 to 4 states and up to 3 parents; some tables hold zeros."""
    net = Net()
    for i in range(draw(st.integers(1, most))):
        parents = draw(st.lists(st.sampled_from(net.order), max_size=3, unique=True)) if i else []
        states = draw(st.integers(2, 4))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        table = rng.dirichlet(np.ones(states), size=tuple(net.cards[name] for name in parents))
        if zeros and draw(st.booleans()):
            table = np.where(table < table.max(axis=-1, keepdims=True), table * (table > 0.25), table)
            table /= table.sum(axis=-1, keepdims=True)
        net.add(f"n{i}", parents=parents, table=table, states=states)
    return net


def dense(net: Net) -> np.ndarray:
    """The joint distribution by its definition: the product of all tables, with an axis for each node."""
    place = {name: i for i, name in enumerate(net.order)}
    operands = [part for n in net.order for part in (net.table(n), [place[p] for p in (*net.parents(n), n)])]
    return np.einsum(*operands, range(len(place)))


def conditioned(joint: np.ndarray, query: list[int], evidence: dict[int, int]) -> np.ndarray:
    """P(query axes | evidence on other axes) from a dense joint distribution; nan if the evidence is impossible."""
    for axis, value in evidence.items():
        keep = np.zeros(joint.shape[axis])
        keep[value] = 1
        joint = joint * keep.reshape([-1 if i == axis else 1 for i in range(joint.ndim)])
    result = np.einsum(joint, range(joint.ndim), query)
    return result / result.sum() if result.sum() else np.full(result.shape, np.nan)


def split(net: Net, rng: np.random.Generator, least: int = 0) -> tuple[list[str], list[str]]:
    """One or two nodes to query, and at least `least` others to observe."""
    names = rng.permutation(net.order).tolist()
    cut = int(rng.integers(1, max(2, min(3, len(names) + 1 - least))))
    return names[:cut], names[cut : cut + int(rng.integers(least, 5))]


seeds = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))


@given(small_nets(), seeds)
@settings(max_examples=60, deadline=None)
def test_joint_and_marginals_are_sums_of_the_dense_joint(net: Net, rng: np.random.Generator) -> None:
    joint, nodes = dense(net), rng.permutation(net.order)[:3].tolist()
    expected = np.einsum(joint, range(joint.ndim), [net.order.index(name) for name in nodes])
    np.testing.assert_allclose(net.joint(nodes), expected, atol=1e-12, rtol=0)
    np.testing.assert_allclose(net.marginal(nodes[0]), net.joint(nodes[:1]), atol=0)


@given(small_nets(), seeds, st.sampled_from([0, 4, 2**14]), st.sampled_from([1, 2**16]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_posteriors_are_those_of_the_dense_joint(
    net: Net, rng: np.random.Generator, table: int, block: int, logs: bool
) -> None:
    """For every row, also those with unobserved nodes or impossible evidence, however the work is divided."""
    query, seen = split(net, rng)
    evidence = {name: rng.integers(-1, net.cards[name], 6) for name in seen}
    with (
        mock.patch.object(elimination, "TABLE", table),
        mock.patch.object(inference, "BLOCK", block),
        mock.patch.object(elimination, "SMALLEST", 1.0 if logs else -690.0),
    ):
        posterior = net.posterior(query, evidence)
    rows = 6 if seen else 1
    joint, axes = dense(net), [net.order.index(name) for name in query]
    given = [{net.order.index(n): int(v[i]) for n, v in evidence.items() if v[i] >= 0} for i in range(rows)]
    expected = [conditioned(joint, axes, row) for row in given]
    np.testing.assert_allclose(posterior.values, expected, atol=1e-10, rtol=0)
    assert posterior.impossible == np.isnan(expected).reshape(rows, -1).any(axis=1).sum()


@given(small_nets(zeros=False), seeds)
@settings(max_examples=15, deadline=None)
def test_posteriors_and_interventions_agree_with_pgmpy_and_pyagrum(net: Net, rng: np.random.Generator) -> None:
    query, seen = split(net, rng)
    evidence = {name: rng.integers(0, net.cards[name], 4) for name in seen}
    ours = net.posterior(query[0], evidence).values
    for ask in (ratio.pgmpy_query(net, query[0], evidence), ratio.pyagrum_query(net, query[0], evidence)):
        for row, values in enumerate(ours):
            np.testing.assert_allclose(values, ask(row), atol=1e-10, rtol=0)

    target, value = query[-1], int(rng.integers(net.cards[query[-1]]))
    peer = ratio.pgmpy_net(net).do([target])
    mutilated = ratio.pyagrum_net(net)
    for parent in net.parents(target):
        mutilated.eraseArc(parent, target)
    mutilated.cpt(target)[:] = np.eye(net.cards[target])[value]
    lazy = ratio.gum.LazyPropagation(mutilated)
    lazy.makeInference()
    intervened = net.do({target: value})
    assert intervened.order == net.order
    for name in set(net.order) - {target}:
        theirs = ratio.VariableElimination(peer).query([name], {target: value}, show_progress=False).values
        np.testing.assert_allclose(intervened.marginal(name), theirs, atol=1e-10, rtol=0)
        np.testing.assert_allclose(intervened.marginal(name), lazy.posterior(name).toarray(), atol=1e-10, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["asia", "alarm-sized", "random binary 20"])
def test_large_nets_agree_with_pgmpy_and_pyagrum(name: str) -> None:
    net = ratio.nets()[name]
    for seed, seen in product(range(4), (0, 3, len(net.order) // 2, None)):
        query = str(np.random.default_rng(seed).choice(net.order))
        evidence = ratio.evidence(net, query, seen, 200, seed)
        ours = net.posterior(query, evidence).values
        peers = (ratio.pyagrum_query(net, query, evidence), ratio.pgmpy_query(net, query, evidence))
        for row, peer in product(range(5), peers):
            np.testing.assert_allclose(ours[row if evidence else 0], peer(row), atol=1e-10, rtol=0)


def test_asia_has_its_published_posteriors() -> None:
    """Marginals by hand: P(lung) = (0.1 + 0.01) / 2, P(tub) = 0.01 * 0.05 + 0.99 * 0.01, either = 1 - product."""
    net = ratio.asia()
    lung, tub = 0.055, 0.0104
    either = 1 - (1 - lung) * (1 - tub)
    np.testing.assert_allclose(net.marginal("lung")[1], lung, atol=1e-15)
    np.testing.assert_allclose(net.marginal("tub")[1], tub, atol=1e-15)
    np.testing.assert_allclose(net.marginal("xray")[1], 0.98 * either + 0.05 * (1 - either), atol=1e-15)
    assert net.posterior("either", {"lung": [0, 1, 1], "tub": [0, 0, 1]}).values[:, 1].tolist() == [0, 1, 1]


def test_evidence_of_probability_zero_is_nan_and_counted() -> None:
    net = ratio.asia()
    answer = net.posterior(["smoke", "bronc"], {"either": np.array([0, 1, 0]), "lung": np.array([1, 1, 0])})
    assert answer.impossible == 1
    assert np.isnan(answer.values[0]).all() and np.isfinite(answer.values[1:]).all()
    np.testing.assert_allclose(answer.values[1:].sum(axis=(1, 2)), 1, atol=1e-15)
    net.add("coin", prior=0.5)
    for query in ("asia", "coin"):
        apart = net.posterior(query, {"lung": [1, 1], "either": [1, 0]})
        assert apart.impossible == 1, "also where the evidence has nothing to do with the query"


def test_no_rows_and_no_evidence() -> None:
    net = ratio.asia()
    assert net.posterior("asia", {"lung": np.zeros(0, dtype=int)}).values.shape == (0, 2)
    np.testing.assert_allclose(net.posterior("xray", {}).values, [net.marginal("xray")], atol=1e-15)


@pytest.mark.parametrize(("children", "ones"), [(10, 5), (500, 250), (500, 251), (500, 500)])
def test_hundreds_of_observations_do_not_underflow(children: int, ones: int) -> None:
    """Naive Bayes: the log odds are those of the prior plus log 99 for each 1 and minus that for each 0."""
    net = Net()
    net.add("cause", prior=0.2)
    for i in range(children):
        net.add(f"sign{i}", parents=["cause"], table=[0.01, 0.99])
    answer = net.posterior("cause", {f"sign{i}": int(i < ones) for i in range(children)})
    assert answer.impossible == 0
    expected = 1 / (1 + 4 * 99.0 ** (children - 2 * ones))
    np.testing.assert_allclose(answer.values[0, 1], expected, rtol=1e-10)


def test_a_joint_with_tiny_entries_is_not_scaled() -> None:
    net = Net()
    for i in range(18):
        net.add(f"rare{i}", prior=1e-20)
    joint = net.joint(net.order)
    assert joint[(0,) * 18] == 1 and joint[(1,) * 2 + (0,) * 16] == pytest.approx(1e-40, rel=1e-10)


def test_rows_too_long_for_one_integer_key_are_told_apart() -> None:
    """120 columns of 4 states; each row differs from the first one in a single column, and occurs twice."""
    columns = np.tile(3 * np.vstack([np.zeros(120, dtype=int), np.eye(120, dtype=int)]).T, 2)
    _, group = np.unique(inference.row_keys(columns), return_inverse=True)
    np.testing.assert_array_equal(group[:121], group[121:])
    assert len(set(group)) == 121


def test_a_net_that_grows_keeps_its_answers() -> None:
    net = ratio.asia()
    before = net.posterior("lung", {"xray": [0, 1]}).values
    net.add("cough", parents=["bronc", "lung"], table=[[0.1, 0.5], [0.6, 0.9]])
    np.testing.assert_array_equal(net.posterior("lung", {"xray": [0, 1]}).values, before)
    assert net.posterior("lung", {"cough": 1}).values[0, 1] > net.marginal("lung")[1]


@given(small_nets(), seeds)
@settings(max_examples=60, deadline=None)
def test_support_is_the_dense_joint_where_it_is_positive(net: Net, rng: np.random.Generator) -> None:
    states, weights = net.support()
    joint = dense(net)
    assert states.dtype == np.int8
    np.testing.assert_array_equal(states, np.argwhere(joint > 0))  # both in lexicographic order
    np.testing.assert_allclose(weights, joint[joint > 0], atol=1e-14, rtol=0)
    root = str(rng.choice([name for name in net.order if not net.parents(name)]))
    states, weights = net.support(given={root: 1})
    assert (states[:, net.order.index(root)] == 1).all()
    np.testing.assert_allclose(weights.sum(), 1, atol=1e-12)


@pytest.mark.slow
def test_a_million_situations_fit_in_memory() -> None:
    """2^20 situations of 23 nodes: three deterministic nodes on 20 fair bits."""
    net = Net()
    for i in range(20):
        net.add(f"bit{i}", prior=0.5)
    net.add("most", parents=["bit0", "bit1", "bit2"], table=majority)
    net.add("odd", parents=["most", "bit19"], table=parity)
    net.add("both", parents=["most", "odd"], table=logical_and)
    tracemalloc.start()
    states, weights = net.support()
    rolled = net.roll(states, {"bit0": 1})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert states.shape == (2**20, 23) and (weights == 2.0**-20).all()
    assert rolled[:, net.order.index("most")].mean() == 0.75
    assert peak < 300e6


@given(small_nets(zeros=False), seeds)
@settings(max_examples=40, deadline=None)
def test_roll_recomputes_what_lies_downstream(roots: Net, rng: np.random.Generator) -> None:
    """Deterministic nodes below random ones: roll is the re-evaluation of their functions, one situation at a time."""
    net, rules = roots.do({}), {}
    for i in range(4):
        parents = rng.permutation(net.order)[: int(rng.integers(1, 4))].tolist()
        rules[f"d{i}"] = (parents, (majority, logical_or, parity, equal)[i])
        net.add(f"d{i}", parents=parents, table=lambda *v, rule=rules[f"d{i}"][1]: rule(*(x % 2 for x in v)))
    states, _ = net.support()
    free = [name for name in net.order if not net.graph.in_degree(name) and not nx.descendants(roots.graph, name)]
    free = [name for name in free if name in roots.order] + list(rules)
    chosen = rng.permutation(free)[:2].tolist()
    do = {name: rng.integers(0, net.cards[name], len(states)).astype(np.int8) for name in chosen}
    before = states.copy()
    after = net.roll(states, do)
    np.testing.assert_array_equal(states, before)
    for row in rng.integers(0, len(states), 20):
        value = {name: int(states[row, i]) for i, name in enumerate(net.order)}
        for name in net.order:
            if name in do:
                value[name] = int(do[name][row])
            elif name in rules and not nx.ancestors(net.graph, name).isdisjoint(do):
                value[name] = rules[name][1](*(value[p] % 2 for p in rules[name][0]))
        assert after[row].tolist() == list(value.values())


def test_roll_keeps_noise_that_the_intervention_leaves_alone_and_refuses_otherwise() -> None:
    """The noisy node hears a only while b is 1, so switching a is harmless exactly where b is 0."""
    net = Net()
    net.add("a", prior=0.5)
    net.add("b", prior=0.5)
    net.add("noisy", parents=["a", "b"], table=[[0.3, 0.6], [0.3, 1.0]])
    net.add("copy", parents=["noisy"], table=identity)
    states, _ = net.support()
    quiet = states[states[:, 1] == 0]
    rolled = net.roll(quiet, {"a": 1 - quiet[:, 0]})
    np.testing.assert_array_equal(rolled[:, 1:], quiet[:, 1:])
    loud = states[states[:, 1] == 1]
    assert net.roll(loud, {"a": 1})[:, 2:].tolist() == [[1, 1]] * len(loud), "the new distribution is certain"
    with pytest.raises(ValueError, match="setting a changes the distribution of the stochastic node 'noisy'"):
        net.roll(loud, {"a": 0})
    np.testing.assert_array_equal(net.roll(states, {"copy": 0})[:, :3], states[:, :3])


def test_samples_follow_the_joint() -> None:
    """Pearson's statistic over the states of a six-node net, five standard deviations around its mean."""
    net = ratio.random_net(6, 8, 3, [2, 3], seed=1)
    rows = net.sample(np.random.default_rng(0), 50_000)
    assert rows.shape == (50_000, 6) and rows.dtype == np.int8
    joint = dense(net)
    counts = np.zeros(joint.shape)
    np.add.at(counts, tuple(rows.T), 1)
    freedom = joint.size - 1
    statistic = ((counts - len(rows) * joint) ** 2 / (len(rows) * joint)).sum()
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom + (1 / (len(rows) * joint)).sum())


def test_impossible_states_are_never_drawn() -> None:
    net = Net()
    net.add("three", prior=[0.1, 0.9 - 5e-10, 0], states=3)
    top = mock.Mock(random=lambda size: np.full(size, np.nextafter(1, 0)))
    assert net.sample(top, 3)[:, 0].tolist() == [1, 1, 1]


@given(small_nets(most=6, zeros=False), seeds)
@settings(max_examples=60, deadline=None)
def test_d_separation_implies_independence_in_the_joint(net: Net, rng: np.random.Generator) -> None:
    names = rng.permutation(net.order).tolist()
    if len(names) < 2 or not net.d_separated(names[0], names[1], names[2:4]):
        return
    alone = net.joint([names[0], *names[2:4]])[:, None] * net.joint([names[1], *names[2:4]])[None]
    both = net.joint([names[0], names[1], *names[2:4]])
    np.testing.assert_allclose(both * both.sum(axis=(0, 1)), alone, atol=1e-12, rtol=0)


def test_d_separation_of_chain_fork_and_collider() -> None:
    net = ratio.asia()
    assert not net.d_separated("asia", "xray") and net.d_separated("asia", "xray", {"either"})
    assert not net.d_separated("lung", "bronc") and net.d_separated("lung", "bronc", {"smoke"})
    assert net.d_separated("tub", "lung") and not net.d_separated("tub", "lung", {"xray"})
    assert net.d_separated({"asia", "tub"}, {"smoke", "bronc"})


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_functions_of_the_parents(size: int) -> None:
    """How many of the 2^n patterns each function is 1 for."""
    patterns = list(product((0, 1), repeat=size))
    assert sum(majority(*p) for p in patterns) == sum(comb(size, k) for k in range(size + 1) if 2 * k > size)
    assert sum(logical_or(*p) for p in patterns) == 2**size - 1
    assert sum(logical_and(*p) for p in patterns) == 1
    assert sum(parity(*p) for p in patterns) == 2 ** (size - 1)
    assert sum(equal(*p) for p in patterns) == 2
    assert [negation(v) for v in (0, 1)] == [1, 0] and [identity(v) for v in (0, 1)] == [0, 1]


def test_a_function_may_give_a_state_or_a_vector() -> None:
    net = Net()
    net.add("three", prior=[0.2, 0.3, 0.5], states=3)
    net.add("same", parents=["three"], table=identity, states=3)
    net.add("soft", parents=["three"], table=lambda v: [1 - v / 4, v / 4])
    np.testing.assert_allclose(net.joint(["three", "same"]), np.diag([0.2, 0.3, 0.5]), atol=1e-15)
    np.testing.assert_allclose(net.marginal("soft")[1], 0.3 / 4 + 0.5 / 2, atol=1e-15)


def test_from_graph_reads_parents_in_the_order_of_predecessors() -> None:
    graph = nx.DiGraph([("b", "c"), ("a", "c")])
    net = Net.from_graph(graph, {"c": [[0.1, 0.2], [0.3, 0.4]], "a": 0.5, "b": [0.75, 0.25]})
    assert net.parents("c") == ("b", "a")
    np.testing.assert_allclose(net.posterior("c", {"a": 1, "b": 0}).values[0, 1], 0.2, atol=1e-15)


def test_from_graph_names_the_cycle_and_the_missing_table() -> None:
    cycle = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "b")])
    with pytest.raises(ValueError, match=r"cycle: (b -> c -> b|c -> b -> c)"):
        Net.from_graph(cycle, {"a": 0.5, "b": 0.5, "c": 0.5})
    with pytest.raises(ValueError, match="no table for node 'b'"):
        Net.from_graph(nx.DiGraph([("a", "b")]), {"a": 0.5})
    with pytest.raises(ValueError, match="no node 'bb': did you mean 'b'"):
        Net.from_graph(nx.DiGraph([("a", "b")]), {"a": 0.5, "b": [0, 1], "bb": 0.5})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "rain", "prior": 0.5}, "there is a node 'rain' already"),
        ({"parents": ["rainy"], "table": [0, 1]}, "no node 'rainy': did you mean 'rain'"),
        ({"parents": ["rain", "rain"], "table": equal}, "names a parent twice"),
        ({"parents": ["rain"], "prior": 0.5}, "has parents .rain.: give a table"),
        ({}, "needs a prior or a table"),
        ({"prior": 0.5, "table": 0.5}, "needs a prior or a table"),
        ({"prior": 0.5, "states": 1}, "has 1 states, expected 2 to 127"),
        ({"prior": [0.2, 0.3, 0.5]}, r"shape \(3,\), expected \(\) for P\(1\), or \(2,\): say states="),
        ({"parents": ["rain"], "table": [0.1, 0.2, 0.3]}, r"shape \(3,\), expected \(2,\) for P\(1\), or \(2, 2\)"),
        ({"parents": ["rain"], "table": [[0.1, 0.9]] * 3, "states": 3}, r"shape \(3, 2\), expected \(2, 3\)"),
        ({"prior": 1.5}, "holds 1.5, which is no probability"),
        ({"prior": float("nan")}, "holds nan"),
        ({"prior": [-0.5, 1.5]}, "holds -0.5"),
        ({"parents": ["rain"], "table": [[0.5, 0.5], [0.5, 0.25]]}, r"row \(1,\) .* \[0.5, 0.25\] and sums to 0.75"),
        ({"parents": ["rain"], "table": lambda v: [0.5] * (v + 1)}, "different shapes"),
        ({"parents": ["rain"], "table": lambda v: v + 0.5, "states": 3}, "returned 0.5: expected a state, 0 to 2"),
    ],
)
def test_what_add_refuses(settings: dict[str, object], message: str) -> None:
    net = Net()
    net.add("rain", prior=0.5)
    with pytest.raises(ValueError, match=message):
        net.add(**{"name": "new", **settings})  # type: ignore[arg-type]
    assert net.order == ("rain",)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda net: net.posterior("lungs", {}), ValueError, "no node 'lungs': did you mean 'lung'"),
        (lambda net: net.posterior("lung", {"smok": 1}), ValueError, "no node 'smok': did you mean 'smoke'"),
        (lambda net: net.posterior("lung", {"lung": 1}), ValueError, "queried and observed"),
        (lambda net: net.posterior("lung", {"smoke": 2}), ValueError, "'smoke' has no state 2: its states are 0 to 1"),
        (lambda net: net.posterior("lung", {"smoke": [0, -2]}), ValueError, "'smoke' has no state -2"),
        (lambda net: net.posterior("lung", {"smoke": [0.5]}), TypeError, "type float64, expected integers"),
        (lambda net: net.posterior("lung", {"smoke": [0], "tub": [0, 1]}), ValueError, r"smoke: \(1,\), tub: \(2,\)"),
        (lambda net: net.posterior([], {}), ValueError, "at least one"),
        (lambda net: net.joint(["lung", "lung"]), ValueError, "each node once"),
        (lambda net: net.do({"smoke": 2}), ValueError, "'smoke' has no state 2"),
        (lambda net: net.do({"smoek": 1}), ValueError, "did you mean 'smoke'"),
        (lambda net: net.d_separated("lung", "tubb"), ValueError, "did you mean 'tub'"),
        (lambda net: net.d_separated("lung", "tub", {"lung"}), ValueError, "overlap"),
        (lambda net: net.support(given={"lung": 1}), ValueError, "'lung' has parents .smoke."),
        (lambda net: net.roll(np.zeros((3, 7), np.int8), {}), ValueError, r"shape \(3, 7\) and type int8"),
        (lambda net: net.roll(np.full((3, 8), 2, np.int8), {}), ValueError, "states outside of 0 ... 1"),
        (lambda net: net.roll(np.zeros((3, 8), np.int8), {"lung": 5}), ValueError, "'lung' has no state 5"),
        (
            lambda net: net.roll(np.zeros((3, 8), np.int8), {"lung": np.zeros(2, np.int8)}),
            ValueError,
            r"shape \(2,\), expected \(3,\)",
        ),
        (lambda net: net.table("asai"), ValueError, "did you mean 'asia'"),
    ],
)
def test_what_queries_refuse(ask, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        ask(ratio.asia())


def test_what_would_not_fit_is_refused() -> None:
    net = Net()
    for i in range(30):
        net.add(f"bit{i}", prior=0.5)
    with pytest.raises(ValueError, match=r"needs a table of 1,073,741,824 entries, above 268,435,456"):
        net.joint(net.order)
    with (
        mock.patch.object(situations, "MOST", 1000),
        pytest.raises(ValueError, match="more than 1,000 situations of positive probability: 1,024 at node 'bit9'"),
    ):
        net.support()


def test_tables_are_read_only_and_functions_are_exported() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ratio.asia().table("lung")[0, 0] = 1
    assert nets.__all__ == sorted(nets.__all__)
    assert all(hasattr(nets, name) for name in nets.__all__)
