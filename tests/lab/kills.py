"""Small runs of each stage, killed with SIGKILL at random moments and resumed, beside the same runs left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from rlhf_lab import checkpoints, raters
from rlhf_lab.labels import create_pool, label_with
from rlhf_lab.sampling import texts
from rlhf_lab.settings import settings_of
from rlhf_lab.stage import corpus_text
from rlhf_lab.stages import CONFIGS, work

__all__ = ["LEFT_ALONE", "killed", "lasting", "prepared"]

LEFT_ALONE = {"pretrain": "base", "reward": "proxy", "ppo": "policy"}  # the run of each stage that nobody kills
# Some seconds of work each, with states to go on from all along.
SETTINGS: dict[str, dict[str, Any]] = {
    "pretrain": {
        "tokenizer": "word", "context": 32, "layers": 2, "heads": 2, "width": 32, "steps": 600, "batch": 16,
        "learning_rate": 3e-3, "dropout": 0.1, "validate_every": 60, "save_every": 20, "threads": 1,
    },
    "reward": {
        "pool": "pool", "head": "pooled", "epochs": 60, "most_steps": 400, "batch": 16, "save_every": 0.1, "threads": 1,
    },
    "ppo": {
        "batch": 64, "minibatch": 16, "length": 16, "learning_rate": 1e-3, "constants": 256, "iterations": 40,
        "kl_stop": 99.0, "spacing": 0.2, "save_every": 0.1, "threads": 1, "reward_as": "logit",
    },
}  # fmt: skip
PARENTS = {"pretrain": {}, "reward": {"base": "base"}, "ppo": {"base": "base", "reward": "rater:counter"}}


def create(store: Store, home: Path, kind: str, name: str, device: str) -> Run:
    changes = SETTINGS[kind] | {"device": device}
    if kind == "pretrain":
        changes["corpus"] = str(home / "corpus.txt")
    return jobs.create(store, home, name, kind, vars(settings_of(CONFIGS[kind], changes)), PARENTS[kind])


def prepared(store: Store, home: Path, device: str = "cpu") -> None:
    """The runs left alone: base, proxy, policy; and the pool that the reward stage learns from."""
    (home / "corpus.txt").write_text(corpus_text(0, 60_000))
    for kind, name in LEFT_ALONE.items():
        run = create(store, home, kind, name, device)
        assert jobs.execute(run, work) == "done", store.run(name).message
        if kind == "pretrain":
            create_pool(store, "pool", texts(run, 120, length=16), seed=0)
            label_with(store, "pool", raters.make("counter"), np.random.default_rng(0))


def killed(store: Store, home: Path, kind: str, name: str, rng: np.random.Generator, device: str = "cpu") -> int:
    """Carry out a run by `rlhf-lab resume`, killed again and again until it is done; how often it was."""
    run = create(store, home, kind, name, device)
    command = [sys.executable, "-m", "rlhf_lab", "resume", name, "--workspace", str(home)]
    kills, horizon = 0, 4.0
    while True:
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        before, began = _states(run), time.monotonic()
        try:
            _, told = worker.communicate(timeout=horizon * rng.random())
        except subprocess.TimeoutExpired:
            os.kill(worker.pid, signal.SIGKILL)
            worker.communicate()
            if jobs.state(run) == "done":  # the kill came between the last write and the end of the process
                return kills
            kills += 1
            if _states(run) == before:  # no further than the last time: on a slow machine, let it live longer
                horizon *= 1.1
            continue
        assert worker.returncode == 0, (told, time.monotonic() - began)
        return kills


def _states(run: Run) -> list[str]:
    return sorted(str(path) for path in run.folder.rglob(checkpoints.META))


def lasting(store: Store, home: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run leaves behind: all metrics but the clock's, and every model, to the bit, but for the run's name."""
    run = jobs.open_run(store, home, name)
    metrics = {key: repr(steps) for key, steps in run.metrics().items() if not key.startswith("time/")}
    folders = sorted((run.folder / "checkpoints").iterdir()) if run.kind == "ppo" else [run.folder / "model"]
    models = {}
    for folder in folders:
        tensors, meta = checkpoints.load(folder)
        weights = {key: tensor.numpy().tobytes() for key, tensor in tensors.items()}
        models[folder.name] = (weights, repr({key: value for key, value in meta.items() if key != "run"}))
    return metrics, models
