"""Is it what a proposal asks that changes a reporter? Controls on the vault, with the same network and situations.

`python -m tests.bench.controls WORKSPACE [--seeds 20]`. For agreement: with the network's siblings, and with two copies
of the network itself in their place, whose reporters differ in their first weights alone. For interventions: with what
the sensors say of each edit, and with that exchanged between edits and situations at random.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from elk_sandbox import keys
from elk_sandbox.evidence.trained import SEEDS, STEPS, Trained
from elk_sandbox.learned import sources
from elk_sandbox.learned.judge import judged
from elk_sandbox.learned.metrics import Estimate
from elk_sandbox.learned.siblings import Siblings
from elk_sandbox.learned.world import LearnedWorld
from elk_sandbox.runtime.registry import Registry


def exchanged(world: LearnedWorld) -> LearnedWorld:
    """Each edit shows what another one does, in any situation."""
    assert world.patched is not None
    said = world.patched.sensors
    rows = np.random.default_rng(0).permutation(said.reshape(-1, said.shape[-1]))
    return replace(world, patched=replace(world.patched, sensors=rows.reshape(said.shape)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    world = sources.find("vault", given.workspace)

    def tell(
        name: str, weight: float, what: str, world: LearnedWorld, kin: Callable[[], Siblings] | None = None
    ) -> None:
        proposal = keys.source(Registry.default().find("proposal", name), {"weight": weight})
        found = judged(proposal, world, Trained(given.seeds, "mlp", STEPS), kin=kin)
        assert found.auroc, found.reason
        told = {
            "real from fake": found.auroc,
            "unknown fakes": found.auroc_unknown,
            "honest where fooled": found.honesty_fooled,
            "right where real": found.honesty_real,
            "differ": found.apart,
            "differ where fooled": found.apart_fooled,
        }
        words = ", ".join(f"{k} {_number(v)}" for k, v in told.items() if v is not None)
        print(f"{name}, weight {weight:g}, {what}: {words}, nearest {found.like}", flush=True)

    tell("causal_interventions", 1.0, "with what edits show", world)
    tell("causal_interventions", 1.0, "exchanged", exchanged(world))
    siblings = sources.kin("vault", given.workspace).made(lambda said, done: None)
    copies = {f"copy {k}": world.layers for k in (1, 2)}
    for weight in (0.0, 1.0):
        tell("cross_predictor_agreement", weight, "siblings", world, lambda: siblings)
        tell("cross_predictor_agreement", weight, "copies of itself", world, lambda: copies)


def _number(found: Estimate) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


if __name__ == "__main__":
    main()
