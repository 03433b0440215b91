"""A workspace as large as the app has to bear: 50 runs, 100,000 labels, a ppo run of 200 checkpoints, evaluated.

`python -m tests.bench.app_workspace FOLDER [DEMO]` makes it, of the demo's workspace DEMO (made first if not given).
Models, checkpoints, labels and the evaluation come from the lab itself; the 44 runs that only lengthen the list have
the long run's settings and metrics under names of their own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab import raters, sampling
from rlhf_lab.evaluation import evaluate
from rlhf_lab.labels import create_pool, label_with
from rlhf_lab.settings import settings_of
from rlhf_lab.stages import CONFIGS, work

RUNS, LABELS, CHECKPOINTS = 50, 100_000, 200
LABELLERS = ("careful", "counter", "flattered", "hasty")
LONG = {
    "reward_as": "logit", "batch": 64, "minibatch": 32, "length": 24, "learning_rate": 3e-5, "spacing": 0.01,
    "iterations": 900, "kl_stop": 10.0, "past_stop": 25.0, "save_every": 60.0,
}  # fmt: skip


def build(home: Path, demo: Path | None = None) -> None:
    """Make the workspace in a folder that is not there yet."""
    if demo is None:
        subprocess.run([sys.executable, "-m", "rlhf_lab", "demo", "--workspace", str(home)], check=True)
    else:
        shutil.copytree(demo, home)
    with open_store(home) as store:
        _long_run(store, home)
        for command in ("report", "closeup"):
            subprocess.run([sys.executable, "-m", "rlhf_lab", command, "long", "--workspace", str(home)], check=True)
        _labels(store, home)
        _more_runs(store, home)


def _long_run(store: Store, home: Path) -> None:
    config = vars(settings_of(CONFIGS["ppo"], LONG))
    run = jobs.create(store, home, "long", "ppo", config, {"base": "demo-base", "reward": "demo-reward"})
    outcome = jobs.execute(run, work)
    found = len(sampling.model_folders(run))
    assert outcome == "done" and found >= CHECKPOINTS, (outcome, found, store.run("long").message)
    evaluate(run, gold="careful", second="demo-second", completions=64, pool=1024, seed=1, tell=lambda d, n: None)


def _labels(store: Store, home: Path) -> None:
    base = jobs.open_run(store, home, "demo-base")
    each = LABELS // len(LABELLERS)
    create_pool(store, "large", sampling.texts(base, each, seed=5), seed=5)
    for k, name in enumerate(LABELLERS):
        label_with(store, "large", raters.make(name), np.random.default_rng(k))
    assert len(store.events("large")) == LABELS


def _more_runs(store: Store, home: Path) -> None:
    long = store.run("long")
    rows = [(key, step, value) for key, pairs in store.metrics("long").items() for step, value in pairs]
    for k in range(RUNS - len(store.runs())):
        run = jobs.create(store, home, f"listed-{k:02d}", "ppo", long.config, long.parents)
        jobs.execute(run, lambda each: store.record(each.name, rows))
    assert len(store.runs()) == RUNS


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    build(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute() if len(sys.argv) > 2 else None)
