"""Is it other predictors that agreement needs? The control: reporters of one and the same network have to agree.

`python -m tests.bench.agreement WORKSPACE [--seeds 20]`, on the vault: with its siblings, and with two copies of the
network itself in their place, whose reporters differ in their first weights alone.
"""

import argparse
from pathlib import Path

from elk_sandbox import keys
from elk_sandbox.evidence.trained import SEEDS, STEPS, Trained
from elk_sandbox.learned import sources
from elk_sandbox.learned.judge import judged
from elk_sandbox.learned.metrics import Estimate
from elk_sandbox.runtime.registry import Registry

WEIGHTS = (0.0, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    world = sources.find("vault", given.workspace)
    kin = sources.kin("vault", given.workspace)
    entry = Registry.default().find("proposal", "cross_predictor_agreement")
    for weight in WEIGHTS:
        proposal = keys.source(entry, {"weight": weight})
        for name, siblings in (
            ("siblings", lambda: kin.made(lambda said, done: None)),
            ("copies of itself", lambda: {f"copy {k}": world.layers for k in (1, 2)}),
        ):
            found = judged(proposal, world, Trained(given.seeds, "mlp", STEPS), kin=siblings)
            assert found.auroc, found.reason
            told = {
                "real from fake": found.auroc,
                "honest where fooled": found.honesty_fooled,
                "right where real": found.honesty_real,
                "differ": found.apart,
                "differ where fooled": found.apart_fooled,
            }
            words = ", ".join(f"{k} {_number(v)}" for k, v in told.items())
            print(f"weight {weight:g}, {name}: {words}, nearest {found.like}", flush=True)


def _number(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


if __name__ == "__main__":
    main()
