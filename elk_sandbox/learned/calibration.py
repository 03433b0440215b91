"""Do the measures of a learned world order reporters as the exact ones do? Asked of the exact worlds."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elk_sandbox.candidates import Reporters
from elk_sandbox.evidence.calibration import USABLE, Calibration, rank_correlation, references
from elk_sandbox.exam import encode
from elk_sandbox.learned.view import SURROGATES, NetReporters, NetView
from elk_sandbox.needs import MEASURES
from elk_sandbox.objective import NotApplicable
from elk_sandbox.seats import control_seat
from elk_sandbox.view import View

__all__ = ["WORLDS", "calibrated", "correlations"]

WORLDS = ("screen", "atoms", "hard_inference", "masked_bit", "two_cue")
MOST = 250  # reporters of a world
ROWS = 2000  # situations that are drawn
DRAWS = 8  # of patterns, over which a measure is averaged


def calibrated(asked: Any) -> list[Calibration]:
    """Each measure that was asked for and is estimated on a network: the lowest rank correlation over WORLDS.

    asked: [[name, [arguments], {named arguments}]], as a child tells it. Raises ValueError for anything else.
    """
    if not isinstance(asked, list) or not all(isinstance(a, list) and a and isinstance(a[0], str) for a in asked):
        raise ValueError("the answer of the process that trains is malformed")
    found = []
    for name in dict.fromkeys(call[0] for call in asked):
        if name in SURROGATES and name != "cross_entropy":
            values = correlations(name)
            low = min((v for v, _ in values.values()), default=None)
            count = sum(n for _, n in values.values())
            found.append(Calibration(name, low, count, low is not None and low >= USABLE))
    return found


@cache
def correlations(name: str) -> Mapping[str, tuple[float, int]]:
    """Of a measure with its exact counterpart, by world: Spearman's, and over how many reporters.

    A world in which either is the same for all reporters, or cannot be asked, tells nothing and is left out.
    """
    found = {}
    for world in WORLDS:
        seat = control_seat(world)
        every = list(references(seat).values())
        some = every[:: max(1, len(every) // MOST)]
        needed = [name] if name in MEASURES else []
        meta, arrays = encode(seat.case.world, some, needed, np.random.default_rng(0), None)
        view = View(meta, arrays)
        exact = Reporters(view, arrays)
        try:
            expected = getattr(view, name)(exact).values
            mine = _estimated(name, view, exact)
        except NotApplicable:
            continue
        value = rank_correlation(expected, mine)
        if value is not None:
            found[world] = value, len(some)
    return found


def _estimated(name: str, view: View, reporters: Reporters) -> np.ndarray:
    """The measure of truth tables as a learned world would estimate it."""

    def on(x: Tensor) -> Tensor:
        bits = (x > 0.5).to(torch.int8).reshape(-1, x.shape[-1])
        answers = torch.from_numpy(reporters.on(bits.numpy()))
        return answers.reshape(len(answers), *x.shape[:-1], -1)

    net = _as_net(view, fair=name in MEASURES)
    values = []
    random = torch.Generator().manual_seed(0)
    for _ in range(DRAWS):
        some = torch.randperm(len(net.x), generator=random)[:256]
        batch = net.batch(some, random) if name not in MEASURES else net.batch(torch.arange(len(net.x)), random)
        values.append(getattr(batch, name)(NetReporters(batch, on)).values)
    return np.asarray(torch.stack(values).mean(0).numpy())


def _as_net(view: View, *, fair: bool) -> NetView:
    """An exact world's bits as activations: as situations are drawn or, where tables are measured, fair bits."""
    rng = np.random.default_rng(0)
    if fair:
        half = np.repeat([0.0, 1.0], ROWS // 2)
        rows = np.stack([rng.permutation(half) for _ in view.nodes], axis=1)
        looks = np.zeros(ROWS, np.int64)
    else:
        drawn = rng.choice(len(view.weights), ROWS, p=view.weights)
        rows = view.bits[0][drawn].astype(np.float64)
        _, group = np.unique(view.observations, axis=0, return_inverse=True)
        looks = group.reshape(-1)[drawn]
    shown = [k in ("pixel", "action") for k in view.kinds]
    return NetView(
        {"questions": view.questions, "nodes": view.nodes, "kinds": view.kinds, "listed": [], "levels": [],
         "processes": []},
        {"x": rows.astype(np.float32), "layer": np.array(shown, np.int64), "looks": looks},
    )  # fmt: skip
