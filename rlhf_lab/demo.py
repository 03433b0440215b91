"""The whole exercise on the embedded corpus, from nothing; each step is kept, and a second call goes on from there.

A rater who only counts words labels, each text by the sign of her count; PPO takes the reward model's logit as reward,
since log P(positive) saturates and would stall the KL; the run goes on past its stop, which is marked, so that
over-optimisation is seen. Gold, a careful reader who knows how the corpus is made, is looked at when all training is
over.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError, duration
from rlhf_lab import analysis, findings, labels, plotted, raters, sampling
from rlhf_lab.blind_outcome import outcome
from rlhf_lab.blind_rating import compare_arms
from rlhf_lab.blind_sheet import make_sheet, reveal
from rlhf_lab.demo_log import SEED, STEPS
from rlhf_lab.evaluation import evaluate, load_evaluation
from rlhf_lab.labels import create_pool, label_with
from rlhf_lab.machine import prepare
from rlhf_lab.report import Section
from rlhf_lab.settings import settings_of
from rlhf_lab.stages import CONFIGS, work

__all__ = ["Demo"]

LABELS = 375  # for the proxy, 300 to train on and 75 to judge it by; as many again for the second reward model
KNOBS = {"counter": {"temperature": 0.0}}  # by sign: drawn by sigmoid(count), 300 labels say too little
POLICY = {"reward_as": "logit", "learning_rate": 5e-4, "length": 24}
EVALUATION: dict[str, Any] = {"gold": "careful", "completions": 1000, "pool": 8192, "seed": 0}
BLIND = 40  # texts of each arm on the blind sheet


@dataclass
class Demo:
    """The exercise in a workspace; its runs, pool and sheet are named after `name`."""

    store: Store
    home: Path
    name: str = "demo"
    seed: int = SEED
    rater: str = "counter"  # who labels; `careful` is the control
    device: str = "cpu"  # or cuda: of all training and of the evaluation
    tell: Callable[[str], None] = lambda line: None

    def go(self) -> dict[str, Any]:
        """Do what is not done yet and return the result as plain values. Raises InputError if a step fails."""
        prepare(self.device)
        self._rater()  # which a wrong name is not to be found out about minutes from now
        began, expected, taken = time.monotonic(), 0.0, 0.0
        for number, (step, told) in enumerate(STEPS.items(), 1):
            usual = sum(each.seconds for each in list(STEPS.values())[number - 1 :])
            # Before a step is timed here, a guess that says what it rests on: the step's own clock will differ.
            left = f"{duration(usual * taken / expected)} left" if expected else f"{duration(usual)} on two idle cores"
            self.tell(f"[{number}/{len(STEPS)}] {step}: {self._words(step)} (about {left})")
            since = time.monotonic()
            if getattr(self, f"_{step}")():  # what was done before says nothing of this machine's pace
                expected, taken = expected + told.seconds, taken + time.monotonic() - since
        return {**self._result, "seconds": time.monotonic() - began}

    def _words(self, step: str) -> str:
        return {
            "pretrain": "a transformer from scratch on the stage corpus",
            "label": f"{2 * LABELS} samples, labelled by the rater {self.rater!r}",
            "reward": "two reward models, each on half of the labels",
            "ppo": "on the first one's logit, to the 10-nat stop and on to 25",
            "twin": "the same for negative sentiment, to the stop",
            "evaluate": "every checkpoint, by proxy, second reward model and gold",
            "blind": f"{BLIND} texts of each arm, shuffled, rated by the careful reader",
            "report": "laws, figures, one page",
        }[step]

    def _run(self, role: str, kind: str, changes: dict[str, Any], parents: dict[str, str]) -> bool:
        """Carry out a run, or go on with it; False if it was done already. Raises InputError if it is another."""
        name = f"{self.name}-{role}"
        config = vars(settings_of(CONFIGS[kind], changes | {"device": self.device}))
        if name in {row.name for row in self.store.runs()}:
            run = jobs.open_run(self.store, self.home, name)
            if other := [key for key, value in config.items() if run.config.get(key) != value]:
                raise self._another(f"{name} was made with another {' and '.join(other)}")
            if jobs.state(run) == "done":
                return False
        else:
            run = jobs.create(self.store, self.home, name, kind, config, parents)
        ended = jobs.execute(run, work)
        if ended != "done":
            why = self.store.run(name).message
            raise InputError(f"{name} {ended}{': ' + why if why else ''}; the same command goes on with it")
        return True

    def _another(self, why: str) -> InputError:
        return InputError(f"{why}: --name OTHER makes a demo of its own, beside {self.name!r}")

    def _pretrain(self) -> bool:
        return self._run("base", "pretrain", {"seed": self.seed}, {})

    def _label(self) -> bool:
        pool = f"{self.name}-pool"
        if pool not in {c.name for c in self.store.collections()}:
            base = jobs.open_run(self.store, self.home, f"{self.name}-base")
            create_pool(self.store, pool, sampling.texts(base, 2 * LABELS, seed=self.seed), seed=self.seed)
        if other := [who for who in labels.raters(self.store, pool) if who != self.rater]:
            raise self._another(f"{pool} was labelled by {other[0]!r}, not {self.rater!r}")
        return label_with(self.store, pool, self._rater(), np.random.default_rng(self.seed)) > 0

    def _rater(self) -> raters.Rater:
        return raters.make(self.rater, **KNOBS.get(self.rater, {}))

    def _reward(self) -> bool:
        changes = {"pool": f"{self.name}-pool", "seed": self.seed, "labels": LABELS}
        parents = {"base": f"{self.name}-base"}
        first = self._run("reward", "reward", changes | {"first": 0}, parents)
        return self._run("second", "reward", changes | {"first": LABELS}, parents) or first

    def _ppo(self) -> bool:
        return self._policy("ppo", "positive", 25.0)

    def _twin(self) -> bool:
        return self._policy("twin", "negative", 0.0)

    def _policy(self, role: str, target: str, past_stop: float) -> bool:
        changes = {"target": target, "past_stop": past_stop, "seed": self.seed} | POLICY
        return self._run(role, "ppo", changes, {"base": f"{self.name}-base", "reward": f"{self.name}-reward"})

    def _evaluate(self) -> bool:
        run = jobs.open_run(self.store, self.home, f"{self.name}-ppo")
        asked = EVALUATION | {"second": f"{self.name}-second"}
        if (run.folder / "evaluation").is_dir():
            self._evaluation = load_evaluation(run.folder / "evaluation")
            if self._evaluation.is_of(run) and asked.items() <= self._evaluation.meta.items():
                return False
        self._evaluation = evaluate(
            run, **asked, device=self.device, tell=lambda d, n: run.progress(d, n, "evaluating")
        )
        run.close()
        return True

    def _blind(self) -> bool:
        sheet = f"{self.name}-sheet"
        if sheet not in {c.name for c in self.store.collections()}:
            arms = {}
            for k, (arm, role) in enumerate({"original": "base", "trained": "ppo", "twin": "twin"}.items()):
                run = jobs.open_run(self.store, self.home, f"{self.name}-{role}")
                at = None if role == "base" else sampling.before_the_stop(run)
                arms[arm] = sampling.texts(run, 4 * BLIND, checkpoint=at, seed=self.seed + k, purpose="blind")
            make_sheet(self.store, sheet, arms, BLIND, self.seed)
        label_with(self.store, sheet, raters.make("careful"), np.random.default_rng(self.seed))
        self._rated = outcome(self.store, sheet, "careful")
        return True

    def _report(self) -> bool:
        run = jobs.open_run(self.store, self.home, f"{self.name}-ppo")
        found = analysis.analyse(run, self._evaluation)
        pictures = analysis.figures_of(run, found)
        rated = findings.blind_table(compare_arms(reveal(self.store, f"{self.name}-sheet", "careful").arms))
        more = [Section("Blind rating by the careful reader", (rated,))]
        files = analysis.write(run.folder / "report", pictures, analysis.report_of(run, found, pictures, more))
        plotted.keep(run, found)
        self._result = {**analysis.summary(found), "blind": self._rated, "files": [str(file) for file in files]}
        return True
