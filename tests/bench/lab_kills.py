"""How many of 200 kills at random moments of pretrain, reward and ppo cost a bit.

python -m tests.bench.lab_kills [KILLS] [--device cuda]
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from elk_sandbox.runtime.store import open_store
from tests.lab.kills import LEFT_ALONE, killed, lasting, prepared


def main(wanted: int, device: str) -> None:
    rng, kinds = np.random.default_rng(0), list(LEFT_ALONE)
    kills, runs, other = dict.fromkeys(LEFT_ALONE, 0), 0, 0
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder)) as store:
        home = Path(folder)
        prepared(store, home, device)
        alone = {kind: lasting(store, home, name) for kind, name in LEFT_ALONE.items()}
        while sum(kills.values()) < wanted:
            kind = kinds[runs % len(kinds)]
            kills[kind] += killed(store, home, kind, f"killed-{runs}", rng, device)
            other += lasting(store, home, f"killed-{runs}") != alone[kind]
            runs += 1
            print(f"{sum(kills.values())} kills, {runs} runs, {other} with other bits", flush=True)
    print(f"| kills | {' | '.join(LEFT_ALONE)} | runs | with other bits |\n|---|---|---|---|---|---|")
    print(f"| {sum(kills.values())} | {' | '.join(map(str, kills.values()))} | {runs} | {other} |")
    if other:
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    main(arguments.kills, arguments.device)
