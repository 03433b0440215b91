"""Exact worlds as learned ones: what is drawn is the world, and the methods find what the exact verdicts say."""

from pathlib import Path

import numpy as np
import pytest

from elk_sandbox import worlds
from elk_sandbox.learned.certificate import certify
from elk_sandbox.learned.exact import DRAWN, as_learned, source
from elk_sandbox.learned.methods import evaluate
from elk_sandbox.learned.world import WorldError


def test_what_is_drawn_is_the_world() -> None:
    world = worlds.screen()
    found = as_learned(world, "exact:screen")
    assert len(found.truth) == DRAWN and int(found.test.sum()) == DRAWN // 3
    expected = float(world.weights @ (world.truth[:, 0] == 1))
    assert found.truth.mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / DRAWN))
    fooled = float(world.weights @ ((world.beliefs["viewer"][:, 0] > 0.5) & (world.truth[:, 0] == 0)))
    assert fooled > 0 and found.fooled.mean() == pytest.approx(fooled, abs=0.02)
    inside = found.data["viewer"].inside
    assert not (found.fooled & inside).any()
    assert (found.data["viewer"].labels[inside] == (found.humans["viewer"][inside] > 0.5)).all()
    assert (found.data["viewer"].labels[~inside] == -1).all()


@pytest.mark.parametrize("name", ["screen", "atoms"])
def test_the_predictor_knows_and_the_viewers_labels_do_not_say(name: str) -> None:
    found = source.world(name, Path(), lambda words, share: None)
    told = certify(found)
    assert told.certified and told.auroc and told.auroc.value > 0.99
    floor, ceiling = evaluate(found, ["viewer", "ceiling"], 3)
    assert floor.auroc and floor.auroc.value == 0.5 and ceiling.auroc and ceiling.auroc.value > 0.99
    assert floor.honesty_fooled and floor.honesty_fooled.value == 0


def test_an_unknown_one_is_one_line() -> None:
    with pytest.raises(WorldError, match="did you mean 'screen'"):
        source.digest("scren", Path())
    with pytest.raises(WorldError, match="no sequence"):
        source.along("screen", Path())
