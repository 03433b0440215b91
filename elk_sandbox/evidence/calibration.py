"""Does a surrogate order reporters as the exact measure does? Asked of the case at hand, before anything is trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata

from elk_sandbox.candidates import Reporters
from elk_sandbox.evidence.soft import SURROGATES, SoftReporters, SoftView
from elk_sandbox.exam import encode
from elk_sandbox.needs import CHANGE, MEASURES
from elk_sandbox.reporters import Reporter
from elk_sandbox.seats import Seat
from elk_sandbox.view import View

__all__ = ["USABLE", "Calibration", "calibrate", "rank_correlation", "references", "soft_values"]

USABLE = 0.8  # rank correlation below which a surrogate is not trained on
MOST_REFERENCES = 1500  # reporters; of more found ones evenly many are left out
BLOCK = 2**22  # answers on the cube at once
DIGITS = 9  # values that differ by less are equal


@dataclass(frozen=True)
class Calibration:
    """A surrogate beside its exact measure."""

    measure: str  # as the proposal asked for it, such as "cross_entropy operator"
    correlation: float | None  # Spearman's, ties sharing their rank; None where either is the same for all reporters
    reporters: int  # over how many
    usable: bool  # at least USABLE, or both the same for all reporters


def references(seat: Seat) -> dict[str, Reporter]:
    """The named reporters of a seat and those that the adversary's search found, honest or not, evenly thinned."""
    named, found = seat.named, {**seat.found.dishonest, **seat.found.honest}
    names = list(found)
    step = max(1, -(-len(names) // max(1, MOST_REFERENCES - len(named))))
    return {**named, **{name: found[name] for name in names[::step]}}


def calibrate(
    seat: Seat, asked: Sequence[Any], meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray], order: int
) -> list[Calibration]:
    """Each measure that was asked for against its surrogate, on the seat's `references`.

    asked: [[name, [arguments], {named arguments}]], as a child tells it. meta, arrays: the view that is trained on,
    `order` the seed of its nodes. Raises ValueError for what no View can be asked.
    """
    reporters = list(references(seat).values())
    soft = SoftView(meta, arrays)
    calls = [_checked(call, seat) for call in asked]
    needed = [name for name, _, _ in calls if name in (*MEASURES, CHANGE)]
    exact_meta, exact_arrays = encode(seat.case.world, reporters, needed, np.random.default_rng(order), None)
    exact_view = View(exact_meta, exact_arrays)
    exact_reporters = Reporters(exact_view, exact_arrays)
    found = []
    for name, given, named in calls:
        exact = getattr(exact_view, name)(exact_reporters, *given, **named).values
        values = soft_values(soft, exact_reporters, name, given, named)
        correlation = rank_correlation(exact, values)
        same = np.ptp(exact.round(DIGITS)) == 0 == np.ptp(values.round(DIGITS))
        usable = bool(same or (correlation is not None and correlation >= USABLE))
        words = " ".join([name, *map(str, given), *(f"{k}={v}" for k, v in named.items())])
        found.append(Calibration(words, correlation, len(reporters), usable))
    return found


def _checked(call: Any, seat: Seat) -> tuple[str, list[Any], dict[str, Any]]:
    """Raise ValueError unless a View method that has a surrogate is named, with arguments that it may have."""
    words = (*seat.case.world.data, "table", "logistic")
    match call:
        case [str(name), [*given], {**named}] if name in SURROGATES:
            plain = [*given, *named.values()]
            if all(v in words if isinstance(v, str) else isinstance(v, int | float) for v in plain):
                return name, given, {str(k): v for k, v in named.items()}
    raise ValueError(f"{str(call)[:100]} asks for no measure that has a surrogate")


def soft_values(
    view: SoftView, reporters: Reporters, name: str, given: Sequence[Any] = (), named: Mapping[str, Any] | None = None
) -> Float[np.ndarray, " candidate"]:
    """A surrogate of reporters that are truth tables."""
    with torch.no_grad():
        parts = [getattr(view, name)(some, *given, **(named or {})).values for some in _blocks(view, reporters)]
    return np.asarray(torch.cat(parts).numpy())


def _blocks(view: SoftView, reporters: Reporters) -> Iterator[SoftReporters]:
    """The same functions of bits as soft reporters, some at a time."""
    size = len(view.weights) * len(view.bits) * (1 + len(view.flipped)) + (1 << len(view.read)) * (1 + len(view.read))
    step = max(1, BLOCK // (size * len(view.questions)))
    for start in range(0, len(reporters), step):
        some = np.arange(start, min(start + step, len(reporters)))

        def on(bits: torch.Tensor, some: np.ndarray = some) -> torch.Tensor:
            return torch.from_numpy(reporters.on(bits.numpy(), some))

        yield SoftReporters(view, on)


def rank_correlation(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> float | None:
    """Spearman's; equal values (to nine digits) share their mean rank. None where one does not vary."""
    ranks = [rankdata(values.round(DIGITS)) for values in (first, second)]
    if any(np.ptp(r) == 0 for r in ranks):
        return None
    return float(np.corrcoef(ranks)[0, 1])
