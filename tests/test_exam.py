"""What is remembered between sittings is what would be made anew, and what is asked once is asked once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from elk_sandbox import worlds
from elk_sandbox.candidates import Reporters
from elk_sandbox.exam import Shuffle, encode, sit
from elk_sandbox.judge import Strategy, judge
from elk_sandbox.needs import MEASURES
from elk_sandbox.objective import Objective
from elk_sandbox.seats import Seat, control_seat
from elk_sandbox.view import View, answer
from elk_sandbox.world import Case


class Here:
    """Runs the baseline in this process, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[dict[str, Any], dict[str, np.ndarray]]] = []

    def call(
        self, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        self.shown.append((meta, arrays))
        return answer(baseline, meta, arrays)


def baseline(reporters: Reporters, view: View) -> Objective:
    return view.cross_entropy(reporters)


def case() -> Case:
    world = worlds.mask()
    return Case(world, bad={"human_simulator": world.simulators["viewer"]})


@pytest.mark.parametrize("shuffle", [Shuffle(0), Shuffle(1), Shuffle(3, 1)])
def test_a_second_sitting_is_shown_what_a_first_one_would_be(shuffle: Shuffle) -> None:
    """Other candidates, other measures and an earlier sitting change nothing in what is shown."""
    seat, asked = Seat(case()), (("parts",), MEASURES[:3], ())
    world, everybody = seat.case.world, {**seat.named, **seat.found.dishonest}

    def anew(names: Sequence[str], measures: Sequence[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        rng, order = np.random.default_rng(shuffle.order), list(names)
        rng.shuffle(order)
        return encode(world, [everybody[n] for n in order], measures, rng, shuffle.polarity)

    for measures in asked:
        for names in (list(seat.named), list(everybody), list(seat.named)[:1], list(seat.named)[1:2]):
            examinee = Here()
            sit(examinee, world, {n: everybody[n] for n in names}, knobs={}, measures=measures, shuffle=shuffle)
            [(meta, arrays)], (wanted, fresh) = examinee.shown, anew(names, measures)
            assert meta == {**wanted, "knobs": {}}
            assert list(arrays) == list(fresh)
            for name, array in arrays.items():
                np.testing.assert_array_equal(array, fresh[name], name)
                assert array.dtype == fresh[name].dtype


def test_the_control_is_judged_once_for_a_strategy_and_again_for_another() -> None:
    seat, control = Seat(case()), control_seat("screen").case.world

    def controls(examinee: Here) -> int:
        """Sittings in the control's world, which is known by its pixels and its size."""
        return sum(len(a["weights"]) == len(control.weights) for _, a in examinee.shown)

    assert len(control.weights) != len(seat.case.world.weights)
    examinee = Here()
    strategy = Strategy(examinee, {}, control="screen")
    first = judge(strategy, [seat])
    once = controls(examinee)
    assert once > 0 and first.control is not None and first.control.verdict == "killed"
    assert judge(strategy, [seat]) == first and controls(examinee) == once
    again = Here()
    assert judge(Strategy(again, {}, control="screen"), [seat]) == first and controls(again) == once
