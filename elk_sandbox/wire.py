"""A case as JSON and arrays: how it crosses from the child that built it, and how it is kept on disk. No pickle."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from elk_sandbox.people import Relation
from elk_sandbox.reporters import Reporter, Table
from elk_sandbox.world import Case, World

__all__ = ["answer", "read", "write"]

LEVELLED = ("beliefs", "data", "labels")


def write(case: Case) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The case as a JSON-able dict and named arrays; `read` gives it back."""
    world = case.world
    meta = {
        "questions": world.questions,
        "nodes": world.nodes,
        "kinds": world.kinds,
        "readable": world.readable,
        "edges": world.edges,
        "sees": world.sees,
        "labelled_by": world.labelled_by,
        "flips": world.flips,
        "relations": [[r.questions, r.allowed] for r in world.relations],
        "words": world.words,
        "levels": list(world.beliefs),
        "processes": list(world.data),
        "listed": world.listed,
        "pads": world.pads,
        "edits": world.edits,
    }
    arrays = {"weights": world.weights, "states": world.states, "truth": world.truth}
    arrays |= {"flipped": world.flipped, "edited": world.edited.reshape(-1, *world.states.shape[1:])}
    for field in LEVELLED:
        arrays |= {f"{field} {name}": table for name, table in getattr(world, field).items()}
    groups = {
        "simulators": world.simulators,
        "reporters": world.reporters,
        "earlier": {"earlier": world.earlier} if world.earlier else {},
        "bad": case.bad_reporters,
        "honest": case.honest_reporters,
    }
    for group, reporters in groups.items():
        meta[group] = {name: [t.nodes for t in r.tables] for name, r in reporters.items()}
        for name, reporter in reporters.items():
            arrays |= {f"{group} {name} {q}": t.values for q, t in enumerate(reporter.tables)}
    return meta, arrays


def read(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Case:
    """Raises ValueError or KeyError where shapes or names do not fit: the sender is not trusted."""
    questions, nodes = tuple(map(str, meta["questions"])), tuple(map(str, meta["nodes"]))
    situations = len(arrays["weights"])
    siblings = len(arrays["states"])
    shapes = {
        "weights": (situations,),
        "states": (siblings, situations, len(nodes)),
        "truth": (situations, len(questions)),
        "flipped": (len(meta["flips"]), situations, len(nodes)),
        "edited": (len(meta["edits"]), situations, len(nodes)),
        **{f"beliefs {k}": (situations, len(questions)) for k in meta["levels"]},
        **{f"data {k}": (situations,) for k in meta["processes"]},
        **{f"labels {k}": (situations, len(questions)) for k in meta["processes"]},
    }
    for name, shape in shapes.items():
        if arrays[name].shape != shape or arrays[name].dtype.kind not in "fiu":
            raise ValueError(f"{name} has shape {arrays[name].shape} and type {arrays[name].dtype}, expected {shape}")

    def reporters(group: str) -> dict[str, Reporter]:
        return {
            str(name): Reporter(tuple(Table(cone, arrays[f"{group} {name} {q}"]) for q, cone in enumerate(cones)))
            for name, cones in meta[group].items()
        }

    world = World(
        questions=questions,
        nodes=nodes,
        kinds=tuple(meta["kinds"]),
        readable=tuple(map(bool, meta["readable"])),
        edges=tuple((a, b) for a, b in meta["edges"]),
        weights=arrays["weights"].astype(np.float64),
        states=arrays["states"].astype(np.int8),
        truth=arrays["truth"].astype(np.int8),
        sees={k: tuple(v) for k, v in meta["sees"].items()},
        beliefs={k: arrays[f"beliefs {k}"] for k in meta["levels"]},
        data={k: arrays[f"data {k}"] for k in meta["processes"]},
        labels={k: arrays[f"labels {k}"].astype(np.int8) for k in meta["processes"]},
        labelled_by=dict(meta["labelled_by"]),
        flips=tuple(map(tuple, meta["flips"])),
        flipped=arrays["flipped"].astype(np.int8),
        relations=tuple(Relation(tuple(q), tuple(map(tuple, allowed))) for q, allowed in meta["relations"]),
        simulators=reporters("simulators"),
        reporters=reporters("reporters"),
        words={k: (v[0], v[1]) for k, v in meta["words"].items()},
        listed=tuple(map(str, meta["listed"])),
        earlier=reporters("earlier").get("earlier"),
        pads=bool(meta["pads"]),
        edits=tuple(map(tuple, meta["edits"])),
        edited=arrays["edited"].astype(np.int8),
    )
    return Case(world, bad=reporters("bad"), honest=reporters("honest"))


def answer(
    function: Callable[..., Any], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Run a counterexample for one draw (None: the stock draw): what the child process does with each request."""
    seed = meta["draw"]
    case = function(None if seed is None else np.random.default_rng(seed), **meta["knobs"])
    if isinstance(case, World):
        raise TypeError("a counterexample returns Case(world, bad={name: reporter}), not the world alone")
    if not isinstance(case, Case):
        raise TypeError(f"a counterexample returns a Case, got {type(case).__name__}")
    return write(case)
