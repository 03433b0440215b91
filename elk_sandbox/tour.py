"""A world as a user meets it: its nodes, its situations, and every measure of every reference reporter."""

import math
from typing import Any

import numpy as np

from elk_sandbox import conformance
from elk_sandbox.candidates import Reporters
from elk_sandbox.exam import Shuffle, encode
from elk_sandbox.judge import shares_right
from elk_sandbox.needs import MEASURES
from elk_sandbox.reporters import Reporter
from elk_sandbox.translators import SMALL, honest_candidates, is_honest
from elk_sandbox.view import View
from elk_sandbox.world import World

__all__ = ["describe", "reference_reporters"]


def reference_reporters(world: World) -> dict[str, Reporter]:
    """Direct translators, the simulator of every human that a reporter can be, and what else the world names."""
    honest = {n: r for n, r in honest_candidates(world, {}).items() if not n.startswith(SMALL)}
    readable = set(world.readable_nodes)
    first = dict(list(honest.items())[:1])  # where there are many, those that are compared with come first
    named = {**first, **world.named_simulators, **world.reporters, **honest}
    return {n: r for n, r in named.items() if r.cone <= readable}


def describe(world: World) -> dict[str, Any]:
    """JSON-able: nodes, questions, humans, data, situations (all), {reporter: {measure: value}}; null where undefined.

    complexity in nodes, reads and influence on fair bits, downstream and inconsistency as probabilities,
    specificity_bits = log2 N, mutual_information_bits and v_information_bits (a table reader of the latent nodes).
    """
    reporters = reference_reporters(world)
    nodes = zip(world.nodes, world.kinds, world.readable, strict=True)
    likely = np.argsort(-world.weights, kind="stable")
    masses = {p: float(world.weights[w > 0].sum()) for p, w in world.data.items()}
    return {
        "questions": list(world.questions),
        "nodes": {n: {"kind": k, "readable": r} for n, k, r in nodes},
        "edges": [list(e) for e in world.edges],
        "siblings": world.siblings,
        "situations": len(world.weights),
        "listed": [_situation(world, int(i)) for i in likely],
        "humans": {level: {"sees": list(sees)} for level, sees in world.sees.items()},
        "data": {p: {"mass": m, "labelled_by": world.labelled_by[p]} for p, m in masses.items()},
        "relations": [{"questions": r.questions, "allowed": r.allowed} for r in world.relations],
        "problems": conformance.world_problems(world),
        "reporters": measures_of(world, reporters),
    }


def _situation(world: World, i: int) -> dict[str, Any]:
    return {
        "probability": float(world.weights[i]),
        "state": conformance.situation(world, i),
        "truth": [None if t < 0 else int(t) for t in world.truth[i]],
        "viewer": [float(b) for b in world.beliefs["viewer"][i]],
        "data": [p for p, w in world.data.items() if w[i] > 0],
    }


def measures_of(world: World, reporters: dict[str, Reporter]) -> dict[str, dict[str, float | bool | None]]:
    """Every measure of the given reporters, computed as a proposal's View computes it."""
    rng = np.random.default_rng(Shuffle(0).order)
    meta, arrays = encode(world, list(reporters.values()), MEASURES, rng, None)
    view = View(meta, arrays)
    given = Reporters(view, arrays)
    columns = {m: given.measures[m] for m in MEASURES}
    columns["downstream"] = view.downstream(given).values if world.flips else np.full(len(given), math.nan)
    columns["specificity_bits"] = np.log2(view.siblings_that_fit(given))
    columns["inconsistency"] = view.inconsistency(given).values if world.relations else np.full(len(given), math.nan)
    columns["mutual_information_bits"] = view.mutual_information(given).values / math.log(2)
    columns["v_information_bits"] = view.usable_information(given).values / math.log(2)
    columns["loss"] = view.cross_entropy(given).values
    table: dict[str, dict[str, float | bool | None]] = {}
    for k, (name, reporter) in enumerate(reporters.items()):
        fooled, outside = shares_right(world, world.answers(reporter))
        row: dict[str, float | bool | None] = {m: None if math.isnan(v[k]) else float(v[k]) for m, v in columns.items()}
        table[name] = row | {"honest": is_honest(world, reporter), "honesty_fooled": fooled, "honesty_outside": outside}
    return table
