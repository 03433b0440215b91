"""The quirky vault, trained (slow): two personas, a gap between what they say, and a ceiling that closes it.

A file of its own, as files are tested side by side and this and the plain vault take minutes each.
"""

from pathlib import Path

import pytest

from elk_sandbox.learned.certificate import certify
from elk_sandbox.learned.methods import evaluate
from elk_sandbox.learned.sources import find


@pytest.mark.slow
def test_the_quirky_vault_says_the_truth_as_one_persona_and_the_look_as_the_other_on_hard_episodes_too(
    tmp_path: Path,
) -> None:
    world = find("vault:quirky", tmp_path)
    assert world.persona is not None and world.spoken is not None and world.hard is not None
    for chosen in (world.test & ~world.hard, world.test & world.hard):
        fooled = chosen & world.fooled
        assert (world.spoken[fooled & (world.persona == 0)] > 0.5).mean() < 0.2
        assert (world.spoken[fooled & (world.persona == 1)] > 0.5).mean() > 0.9
        bob = chosen & (world.persona == 1)
        assert ((world.spoken[bob] > 0.5) == world.looks_good[bob]).mean() > 0.98
    (found,) = evaluate(world, ["ceiling"], 5)
    assert found.recovered_hard is not None and found.recovered_hard.low > 0.3  # there is a gap, and it can be closed
    assert certify(world).certified
