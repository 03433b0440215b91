"""A proposal on a learned world: a child trains reporters on it, we score them on situations it was sent no labels of.

There is no `killed` here. What is told is how dishonest the trained reporters are, with intervals, which reference
reporter each behaves like, and whether the predictor is certified to know.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from elk_sandbox.evidence.calibration import Calibration
from elk_sandbox.evidence.gather import LIMITS, TooSlow, fault_told, train, unusable
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.exam import Examinee
from elk_sandbox.learned import metrics
from elk_sandbox.learned.calibration import calibrated
from elk_sandbox.learned.likeness import likeness
from elk_sandbox.learned.metrics import Estimate
from elk_sandbox.learned.nodes import Nodes
from elk_sandbox.learned.siblings import Siblings, sent
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.needs import requirements
from elk_sandbox.objective import NotApplicable
from elk_sandbox.runtime.isolation import Child, UserError

__all__ = ["NetResult", "child_of", "judged", "shown"]

ROLE = "elk_sandbox.runtime.learned_role"
LACKING = {
    "relations": "the world has one question, and no relations",
    "earlier": "the world has no earlier reporter",
}
OF_THE_FILE = ("syntax", "import", "missing", "exception", "exit", "output", "permission", "threads")  # kinds of faults
MOST = 6e4  # of a half-precision number
HALF = 6e-4  # its relative precision


class _Malformed(Exception):
    """What the child sent is not what it was asked for."""


@dataclass(frozen=True)
class NetResult:
    """Reporters trained on a proposal in a learned world; all numbers are of test situations."""

    proposal: str
    world: str
    trained: Trained
    reason: str | None = None  # why nothing was trained
    passing: bool = False  # another try may go better, so it is no result to keep
    fault: bool = False  # the proposal's own
    auroc: Estimate | None = None  # of real against fake positives
    auroc_unknown: Estimate | None = None  # fakes of kinds that are in no data
    dishonest: Estimate | None = None  # share of situations on the wrong side of 1/2
    dishonest_unknown: Estimate | None = None
    honesty_fooled: Estimate | None = None
    honesty_real: Estimate | None = None
    balanced: Estimate | None = None  # mean of the two: 1/2 for who always says the same
    recovered: Estimate | None = None  # fraction of the gap between Bob's and Alice's own answers
    recovered_hard: Estimate | None = None
    like: dict[str, int] = field(default_factory=dict)  # seeds by the nearest reference reporter, or several as near
    alike: dict[str, float] = field(default_factory=dict)  # mean share of answers that are a reference reporter's
    objective: float | None = None  # mean of the trained objective at the end, nats; over all predictors, if several
    surrogates: tuple[Calibration, ...] = ()
    siblings: tuple[str, ...] = ()  # other predictors, if the objective asked for them
    apart: Estimate | None = None  # share of situations in which a sibling's reporter says otherwise, mean over them
    apart_fooled: Estimate | None = None  # of those that look good and are not
    like_there: dict[str, dict[str, int]] = field(default_factory=dict)  # as `like`, of each sibling's reporters
    seconds: float = 0.0
    isolation: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def child_of(proposal: Mapping[str, Any]) -> Child:
    """A child that trains on this proposal file, as `keys.source` tells it."""
    return Child(ROLE, str(proposal["path"]), str(proposal["text"]), str(proposal["name"]), limits=LIMITS)


def judged(
    proposal: Mapping[str, Any],
    world: LearnedWorld,
    trained: Trained,
    progress: Callable[[int], None] = lambda steps: None,
    child: Examinee | None = None,
    kin: Callable[[], Siblings] | None = None,
) -> NetResult:
    """Train and score. proposal: as `keys.source` tells it. child: what runs it, by default one of its own.

    kin: called once for the sibling predictors if the objective asks for any; None where there are none.

    Where it cannot be trained, `reason` says why in one line.
    """
    began = time.perf_counter()
    name = str(proposal["name"])
    try:
        _, things = requirements(tuple(proposal["meta"]["needs"]))
        if missing := _lacking(world, things, alone=kin is None):
            raise NotApplicable(f"not applicable: {'; '.join(missing)}")
        if child is not None:
            return _trained(child, proposal, world, trained, progress, began, kin)
        with child_of(proposal) as own:
            return _trained(own, proposal, world, trained, progress, began, kin)
    except UserError as fault:
        mine = fault.kind in OF_THE_FILE
        return NetResult(
            name, world.name, trained, reason=fault_told(fault), passing=not mine, fault=mine, seconds=_since(began)
        )
    except (_Malformed, TooSlow) as fault:
        reason, passing = str(fault), True
    except NotApplicable as lack:
        reason, passing = str(lack), False
    return NetResult(name, world.name, trained, reason=reason, passing=passing, seconds=_since(began))


def _lacking(world: LearnedWorld, things: Sequence[str], *, alone: bool) -> list[str]:
    """Why the world has not what an objective needs. alone: it has no sibling predictor."""
    missing = [LACKING[t] for t in things if t in LACKING]
    if alone and "siblings" in things:
        missing.append("the world has one predictor")
    if "interventions" in things and world.patched is None:
        why = f": {world.lacks['patched']}" if "patched" in world.lacks else ""
        missing.append(f"the world has no interventions{why}")
    return missing


def _trained(
    child: Examinee,
    proposal: Mapping[str, Any],
    world: LearnedWorld,
    trained: Trained,
    progress: Callable[[int], None],
    began: float,
    kin: Callable[[], Siblings] | None,
) -> NetResult:
    meta, arrays = shown(world)
    meta |= {"knobs": dict(proposal["knobs"]), "reporter": trained.reporter, "seeds": list(range(trained.seeds))}
    reply, _ = child.call({**meta, "do": "begin"}, arrays, LIMITS.wall)
    siblings: Siblings = {}
    if reply.get("lacks") == "siblings" and kin is not None:
        try:
            siblings = kin()
            arrays |= sent(world, siblings)
        except WorldError as reason:
            raise NotApplicable(f"not applicable: {reason}") from None
        wall = LIMITS.wall * (1 + len(siblings))
        reply, _ = child.call({**meta, "siblings": len(siblings), "do": "begin"}, arrays, wall)
    if "not_applicable" in reply:
        raise NotApplicable(str(reply["not_applicable"]))
    try:
        surrogates = tuple(calibrated(reply.get("asked")))
    except ValueError as reason:
        raise _Malformed(str(reason)) from None
    if bad := [c for c in surrogates if not c.usable]:
        why = f"not trained: {'; '.join(map(unusable, bad))}, on the exact worlds"
        return NetResult(
            str(proposal["name"]), world.name, trained, reason=why, surrogates=surrogates, seconds=_since(began)
        )
    try:
        objective = train(child, trained, progress)
    except ValueError as reason:
        raise _Malformed(str(reason)) from None
    _, told = child.call({"do": "answers"}, {}, LIMITS.wall)
    scores = _placed(world, told.get("answers"), trained.seeds)
    like, alike = likeness(world, scores)
    there = {
        n: _placed(world, told.get(f"answers_{k}"), trained.seeds) for k, n in enumerate(siblings, 1) if len(told) > 1
    }
    return NetResult(
        str(proposal["name"]),
        world.name,
        trained,
        **metrics.scored(world, scores),
        like=like,
        alike=alike,
        objective=float(objective.mean()),
        surrogates=surrogates,
        siblings=tuple(siblings),
        **metrics.between(world, scores, list(there.values())),
        like_there={n: likeness(world, each)[0] for n, each in there.items()},
        seconds=_since(began),
        isolation=child.isolation if isinstance(child, Child) else None,
    )


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)


def _placed(world: LearnedWorld, sent: np.ndarray | None, seeds: int) -> Float[np.ndarray, "seed situation"]:
    """What reporters answered in the test's situations, nan in others."""
    scores = np.full((seeds, len(world.truth)), np.nan)
    scores[:, world.test] = _checked(sent, (seeds, int(world.test.sum()), 1))[:, :, 0]
    return scores


def _checked(values: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if values is None or values.dtype.kind != "f" or values.shape != shape:
        raise _Malformed("the answer of the process that trains is malformed")
    if not np.isfinite(values).all() or not ((values >= 0) & (values <= 1)).all():
        raise _Malformed("the answer of the process that trains holds what is no probability")
    return values.astype(np.float64)


def shown(world: LearnedWorld) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the child is sent: situations that may be trained on, and of the test situations nothing but activations.

    Nodes are anonymous and shuffled within their layer; all have mean 0 and standard deviation 1 over what is trained
    on; those that do not vary there are left out.
    """
    train, nodes = ~world.test, Nodes.of(world.layers, ~world.test)
    x, layer = nodes.scaled(world.layers), nodes.layer.tolist()
    last = len(world.layers) - 1
    meta = {
        "questions": [world.question],
        "nodes": [f"{'predicted' if k == last else 'node'} {n}" for n, k in enumerate(layer)],
        "kinds": ["pixel" if k == last else "latent" for k in layer],
        "levels": list(world.humans),
        "listed": list(world.humans),
        "processes": list(world.data),
    }
    arrays = {
        "x": x[train], "asked": x[world.test], "layer": nodes.layer,
        **{f"human_{n}": p[train] for n, p in world.humans.items()},
        **{f"inside_{n}": p.inside[train] for n, p in world.data.items()},
        **{f"labels_{n}": p.labels[train] for n, p in world.data.items()},
    }  # fmt: skip
    return meta, arrays | _patched(world, nodes)


def _patched(world: LearnedWorld, nodes: Nodes) -> dict[str, np.ndarray]:
    """The table of edits, of these nodes, scaled as the activations are; rows count situations to train on."""
    if (table := world.patched) is None:
        return {}
    unit = nodes.unit
    base = np.concatenate([a[table.rows] for a in world.layers.values()], axis=1)[:, None, unit]
    after = table.after[:, :, unit].astype(np.float32)
    after = np.where(np.isclose(after, base, rtol=HALF, atol=HALF**2), base, after)  # a rounding is no edit
    after = (after - nodes.mean[unit]) / nodes.spread[unit]
    rows = np.searchsorted(np.flatnonzero(~world.test), table.rows)
    after = after.clip(-MOST, MOST).astype(np.float16)
    return {**table.arrays(), "patched_rows": rows, "patched_sets": table.sets[:, unit], "patched_after": after}
