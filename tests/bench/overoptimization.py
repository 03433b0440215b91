"""Is over-optimisation real? Seeds of the whole exercise on stage, and the settings on which the effect turns.

Run by hand: python -m tests.bench.overoptimization [SEEDS | --settings], the settings with the demo's seed; the tables
are kept in docs/measured.md. What was done before is not done again: the workspace is ./workspace/overoptimization.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab import overoptimization as oo
from rlhf_lab import raters, sampling
from rlhf_lab.demo import LABELS, POLICY
from rlhf_lab.demo_log import SEED
from rlhf_lab.evaluation import Evaluation, evaluate, load_evaluation
from rlhf_lab.labels import create_pool, label_with
from rlhf_lab.settings import settings_of
from rlhf_lab.stages import CONFIGS, work

HOME = Path("workspace/overoptimization")
# What is changed against the demo's settings: rater, reward model's head, and what the reward is.
SETTINGS: dict[str, dict[str, Any]] = {
    "counter (demo)": {},
    "careful": {"rater": "careful"},
    "counter, drawn by sigmoid": {"knobs": {"temperature": 1.0}},
    "first 8 words": {"rater": "hasty"},
    "20 % noise": {"knobs": {"slip": 0.2}},
    "log P as reward": {"reward_as": "logp"},
    "head: last": {"head": "last"},
    "head: every": {"head": "every"},
    "gold as reward (control)": {"reward": "rater:careful"},
}


def done(store: Store, name: str, kind: str, changes: dict[str, Any], parents: dict[str, str]) -> Run:
    """The run, carried out if it was not."""
    if name not in {row.name for row in store.runs()}:
        jobs.create(store, HOME, name, kind, vars(settings_of(CONFIGS[kind], changes)), parents)
    run = jobs.open_run(store, HOME, name)
    if jobs.state(run) != "done":
        ended = jobs.execute(run, work)
        assert ended == "done", store.run(name).message
    return run


def arm(
    store: Store,
    seed: int,
    label: str,
    *,
    rater: str = "counter",
    knobs: dict[str, Any] | None = None,
    head: str | None = None,
    reward_as: str = "logit",
    reward: str | None = None,
) -> Evaluation:
    """One policy from the seed's base model."""
    base = done(store, f"base-{seed}", "pretrain", {"seed": seed}, {})
    name = f"{label.split(' (')[0].replace(' ', '-').replace(',', '').replace(':', '').replace('%', 'pc')}-{seed}"
    if reward is None:
        if name not in {c.name for c in store.collections()}:
            create_pool(store, name, sampling.texts(base, LABELS, seed=seed), seed=seed)
        label_with(store, name, raters.make(rater, **{"temperature": 0.0} | (knobs or {})), np.random.default_rng(seed))
        changes = {"pool": name, "seed": seed} | ({"head": head} if head else {})
        reward = done(store, f"reward-{name}", "reward", changes, {"base": base.name}).name
    changes = {**POLICY, "reward_as": reward_as, "past_stop": 25.0, "seed": seed}
    run = done(store, f"ppo-{name}", "ppo", changes, {"base": base.name, "reward": reward})
    kept = run.folder / "evaluation"
    return load_evaluation(kept) if kept.is_dir() else evaluate(run)


def line(label: str, found: Evaluation) -> oo.Turn:
    """Print one run: the peak of gold, the end, and the fall between them."""
    curve, turn = found.curve, oo.turn(found.curve)
    below = oo.turn(curve.until(10.0)) if (curve.nats <= 10).sum() > 1 else turn
    assert turn.sentiment is not None and turn.well_formed is not None
    gold = curve.gold.mean(1)
    print(
        f"{label:28} {gold[0]:6.3f} {gold[turn.peak]:6.3f} {turn.peak_nats:6.2f} {gold[-1]:6.3f} "
        f"{turn.end_nats:6.2f} {turn.held_out.fall:6.3f} {turn.held_out.errors:6.1f} "
        f"{turn.sentiment.fall:6.3f} {turn.sentiment.errors:6.1f} "
        f"{turn.well_formed.fall:6.3f} {turn.dip:5.1f} {below.held_out.errors:8.1f}",
        flush=True,
    )
    return turn


HEAD = (
    f"{'':28} {'gold at':>6} {'peak':>6} {'nats':>6} {'end':>6} {'nats':>6} {'fall':>6} {'in se':>6} {'if wf':>6} "
    f"{'in se':>6} {'form':>6} {'dip':>5} {'by 10':>8}"
)


def main(seeds: Sequence[int], settings: bool) -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    with open_store(HOME) as store:
        chosen = SETTINGS if settings else {key: SETTINGS[key] for key in ("counter (demo)", "careful")}
        for label, changes in chosen.items():
            print(f"\n{label}\n{HEAD}")
            turns = [line(f"seed {seed}", arm(store, seed, label, **changes)) for seed in seeds]
            over = oo.over_seeds(turns)
            print(
                f"mean fall {over.mean:.3f}, standard error over {len(seeds)} seeds {over.error:.3f}; "
                f"more than two standard errors over completions in {over.beyond}"
            )


if __name__ == "__main__":
    many = next((int(word) for word in sys.argv[1:] if word.isdigit()), 5)
    every = "--settings" in sys.argv
    main([SEED] if every else range(many), every)
