"""SIGKILL at random moments of every stage: what a run leaves behind has the same bits as if it was left alone."""

from pathlib import Path

import numpy as np
import pytest

from elk_sandbox.runtime.store import open_store
from tests.lab.kills import LEFT_ALONE, killed, lasting, prepared

KILLS = 20


@pytest.mark.slow
def test_runs_killed_at_random_moments_have_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng()
    with open_store(tmp_path) as store:
        prepared(store, tmp_path)
        kills = 0
        for number in range(100):
            for kind, alone in LEFT_ALONE.items():
                name = f"{kind}-{number}"
                kills += killed(store, tmp_path, kind, name, rng)
                assert lasting(store, tmp_path, name) == lasting(store, tmp_path, alone), name
            if kills >= KILLS:
                return
        pytest.fail(f"only {kills} kills hit a run at work")
