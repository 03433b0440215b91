"""Posterior queries of `Net`, timed by pytest-benchmark; `nets_ratio.py` beside this file compares with the peers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

spec = importlib.util.spec_from_file_location("nets_ratio", Path(__file__).with_name("nets_ratio.py"))
assert spec is not None and spec.loader is not None
ratio = sys.modules["nets_ratio"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ratio)

NETS = ratio.nets()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 10_000])
@pytest.mark.parametrize("seen", [3, None], ids=["three observed", "leaves observed"])
@pytest.mark.parametrize("name", NETS)
def test_posterior(benchmark: BenchmarkFixture, name: str, seen: int | None, rows: int) -> None:
    """One node given others; the first ten rows are checked against pyAgrum."""
    net = NETS[name]
    query = next(node for node in net.order if net.graph.out_degree(node))
    evidence = ratio.evidence(net, query, seen, rows)
    net.posterior(query, evidence)
    values = benchmark(net.posterior, query, evidence).values
    ask = ratio.pyagrum_query(net, query, evidence)
    np.testing.assert_allclose(values[:10], [ask(row) for row in range(min(rows, 10))], atol=1e-10)
