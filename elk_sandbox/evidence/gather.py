"""The parent's side: a child trains reporters on the proposal, we score what they answer against the truth.

The child is sent the view that a verdict shows, without truth. Nothing that comes back is taken on trust.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox import cells
from elk_sandbox.evidence.calibration import Calibration, calibrate
from elk_sandbox.evidence.result import Evidence, scored
from elk_sandbox.evidence.trained import Trained
from elk_sandbox.exam import Examinee, encode
from elk_sandbox.objective import NotApplicable
from elk_sandbox.reporters import Reporter, Table
from elk_sandbox.runtime.isolation import Child, Limits, UserError
from elk_sandbox.seats import Seat
from elk_sandbox.view import View
from elk_sandbox.world import World

__all__ = ["LIMITS", "TooSlow", "child_of", "fault_told", "gather", "of", "train", "unusable"]

ROLE = "elk_sandbox.runtime.evidence_role"
LIMITS = Limits(wall=30.0, cpu=3600, memory=8 << 30)  # torch alone maps 0.6 GiB, and with CUDA several
MOST_SECONDS = 1800.0  # of training
CHUNK = 0.5  # seconds of training between two looks at the progress
MOST_ASKED = 50  # measures
FIRST = 5  # steps by which the pace is found
SAME = 1e-9  # between the answers of one function in two places
ORDER = 0  # of situations and nodes as the child is shown them

Progress = Callable[[int], None]
"""Called with the number of steps that were done since the last call."""


class TooSlow(NotApplicable):
    """It would take longer than is given; on a machine with less to do it might not."""


class _Bad(ValueError):
    """What the child sent is not what it was asked for."""


def child_of(proposal: Mapping[str, Any]) -> Child:
    """A child that trains on this proposal file, as `keys.source` tells it."""
    return Child(ROLE, str(proposal["path"]), str(proposal["text"]), str(proposal["name"]), limits=LIMITS)


def of(
    proposal: Mapping[str, Any],
    counterexample: Mapping[str, Any],
    cell: Mapping[str, Any],
    folder: Path,
    trained: Trained,
    progress: Progress,
) -> dict[str, Any]:
    """The evidence on a judged cell, as JSON. Files as `keys.source` tells them; folder: of the workspace."""
    if cell["verdict"] not in ("killed", "survives"):
        return Evidence(trained, reason=f"not trained: the verdict is {cell['verdict']}").as_dict()
    with child_of(proposal) as child:
        seat = Seat(cells.case_of(counterexample, folder))
        found = gather(child, seat, proposal["knobs"], trained, cell["direct_translator"], progress)
        return replace(found, isolation=child.isolation).as_dict()


def gather(
    child: Examinee,
    seat: Seat,
    knobs: Mapping[str, Any],
    trained: Trained,
    translator: str | None = None,
    progress: Progress = lambda steps: None,
) -> Evidence:
    """Train reporters in the child and score them. Where that cannot be, `reason` says why in one line.

    translator: the name of DT* in the verdict; it stands first among honest reporters that answer alike.
    """
    began = time.perf_counter()
    world = seat.case.world
    meta, arrays = _shown(world)
    meta |= {"knobs": dict(knobs), "reporter": trained.reporter, "seeds": list(range(trained.seeds))}
    surrogates: tuple[Calibration, ...] = ()
    found: dict[str, Any]
    try:
        reply, _ = _call(child, {**meta, "do": "begin"}, arrays, LIMITS.wall)
        surrogates = _calibrated(seat, reply.get("asked"), meta, arrays)
        if bad := [c for c in surrogates if not c.usable]:
            raise NotApplicable(f"not trained: {'; '.join(map(unusable, bad))}")
        objective = train(child, trained, progress)
        _, sent = _call(child, {"do": "answers"}, {}, LIMITS.wall)
        shape = (trained.seeds, world.siblings, len(world.weights), len(world.questions))
        answers = _checked(sent.get("answers"), shape)
        _function_of_bits(View(meta, arrays), answers)
        found = scored(seat, answers[:, :, np.argsort(_order(world))], translator)
        found["objective"] = float(objective.mean())
    except NotApplicable as reason:
        found = {"reason": str(reason)}
    except UserError as fault:
        found = {"reason": fault_told(fault)}
    except _Bad as reason:
        found = {"reason": f"the answer of the process that trains is malformed: {reason}"}
    return Evidence(trained, surrogates=surrogates, seconds=round(time.perf_counter() - began, 3), **found)


def _order(world: World) -> Int[np.ndarray, " situation"]:
    return np.random.default_rng(ORDER).permutation(len(world.weights))


def _shown(world: World) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The view without truth; among its candidates only the earlier reporter, where the world has one."""
    only = world.earlier or Reporter((Table.constant(0.5),) * len(world.questions))
    meta, arrays = encode(world, [only], (), np.random.default_rng(ORDER), None, _order(world))
    return {**meta, "earlier": world.earlier is not None}, arrays


def unusable(c: Calibration) -> str:
    """Why a surrogate is not trained on."""
    if c.correlation is None:
        return f"the surrogate of {c.measure} varies where the exact measure does not, or the other way round"
    return f"the surrogate of {c.measure} has rank correlation {c.correlation:.2f} with the exact measure"


def fault_told(fault: UserError) -> str:
    """What to say of a fault in the user's file while it trains."""
    differs = "numpy" in fault.message or "Tensor" in fault.message
    return f"{fault}" + ("; calculate with view.xp in place of numpy: gradients are taken here" if differs else "")


def _call(
    child: Examinee, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    reply, values = child.call(meta, arrays, wall)
    if "not_applicable" in reply:
        raise NotApplicable(str(reply["not_applicable"]))
    return reply, values


def _calibrated(
    seat: Seat, asked: Any, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[Calibration, ...]:
    if not isinstance(asked, list) or len(asked) > MOST_ASKED:
        raise _Bad(f"no list of at most {MOST_ASKED} measures")
    try:
        return tuple(calibrate(seat, asked, meta, arrays, ORDER))
    except (ValueError, TypeError, KeyError, NotApplicable) as reason:
        raise _Bad(str(reason)) from None


def _checked(values: np.ndarray | None, shape: tuple[int, ...], *, nats: bool = False) -> np.ndarray:
    if values is None or values.dtype.kind != "f" or values.shape != shape:
        raise _Bad(f"floats of shape {shape} are asked, got {None if values is None else (values.dtype, values.shape)}")
    if not np.isfinite(values).all() or (not nats and not ((values >= 0) & (values <= 1)).all()):
        raise _Bad("an objective is not finite" if nats else "an answer is no probability")
    return values.astype(np.float64)


def _function_of_bits(view: View, answers: Float[np.ndarray, "seed sibling situation question"]) -> None:
    """Raise _Bad unless equal bits of the nodes that may be read have equal answers, wherever they stand."""
    rows = view.bits[:, :, view.readable].reshape(answers.shape[1] * answers.shape[2], -1)
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    flat = answers.reshape(len(answers), len(rows), -1)
    if not np.allclose(flat, flat[:, first[group.reshape(-1)]], rtol=0, atol=SAME):
        raise _Bad("an answer is no function of the nodes that a reporter may read")


def train(child: Examinee, trained: Trained, progress: Progress) -> Float[np.ndarray, " seed"]:
    """Train in pieces, by the pace of those before; the objective at the last step."""
    steps = trained.steps
    done, spent, piece = 0, 0.0, min(FIRST, steps)
    objective = np.zeros(trained.seeds)
    while done < steps:
        began = time.perf_counter()
        expected = spent / done * piece if done else 0.0
        _, sent = _call(child, {"do": "train", "steps": piece}, {}, LIMITS.wall + 10 * expected)
        objective = _checked(sent.get("objective"), (trained.seeds,), nats=True)
        done, spent = done + piece, spent + time.perf_counter() - began
        pace = spent / done
        if pace * steps > MOST_SECONDS:
            minutes = f"{pace * steps / 60:.0f} minutes, and at most {MOST_SECONDS / 60:.0f} are given"
            raise TooSlow(f"not trained: {steps} steps would take about {minutes}; ask for fewer seeds or steps")
        progress(piece)
        piece = max(1, min(steps - done, int(CHUNK / pace)))
    return objective
