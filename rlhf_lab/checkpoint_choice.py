"""Which checkpoint a world's name asks for, and who judges the texts of its run; no PyTorch here.

A name is NAME, NAME@STEP, or either with ",own": the run, one of its checkpoints (the last if none is named), and
whether what is scored are that checkpoint's own samples.
"""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from elk_sandbox.learned import world
from elk_sandbox.learned.world import WorldError
from elk_sandbox.runtime.run import Run, folder_of
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import labels, raters
from rlhf_lab.checkpoint_files import check_of, read
from rlhf_lab.evaluating import seconds, shared_labels
from rlhf_lab.raters import Rater
from rlhf_lab.runs import policies
from rlhf_lab.settings import RATER

__all__ = ["OWN", "Chosen", "asked", "choose", "code", "models", "opened", "relatives", "version"]

OWN = ",own"
LIBRARIES = ("numpy", "torch", "tokenizers", "vaderSentiment")


@dataclass(frozen=True)
class Chosen:
    """A checkpoint, and who judges what it reads."""

    run: str
    kind: str  # pretrain, reward or ppo
    step: int  # the iteration of a ppo run; 0 of the others, which have one model
    own: bool
    folder: Path  # of the checkpoint
    length: int  # tokens of a text
    viewer: Rater | None  # None: a person labelled, for whom the reward model stands
    rewards: dict[str, Path] = field(default_factory=dict)  # "reward_model", and "second" if another learned apart

    @property
    def name(self) -> str:
        """Of the world."""
        return f"run:{self.run}@{self.step}{OWN if self.own else ''}"

    @property
    def digest(self) -> str:
        """The SHA-256 of all that the world is made of: checkpoint, judges, settings and this program's code."""
        checks = {role: check_of(folder) for role, folder in self.rewards.items()}
        viewer = None if self.viewer is None else self.viewer.to_json()
        told = [self.name, self.kind, check_of(self.folder), self.length, viewer, checks, code()]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@contextmanager
def opened(home: Path) -> Iterator[Store]:
    """The store of a workspace; what it complains of is a WorldError."""
    try:
        with open_store(home) as store:
            yield store
    except InputError as reason:
        raise WorldError(str(reason)) from None


def asked(rest: str) -> tuple[str, int | None, bool]:
    """Run, step if any, and whether its own samples are meant. Raises WorldError."""
    own = rest.endswith(OWN)
    name, at, step = rest.removesuffix(OWN).partition("@")
    if not name or "," in rest.removesuffix(OWN) or (at and not step.isdecimal()):
        raise WorldError(f"'run:{rest}' is no name of a world: say run:NAME, run:NAME@STEP or run:NAME@STEP{OWN}")
    return name, int(step) if at else None, own


def models(run: Run) -> list[tuple[int, Path]]:
    """The steps of a run's models and their folders, in order. Raises WorldError if it has none yet."""
    final = run.folder / "model"
    found = policies(run) if run.kind == "ppo" else [(0, final)] if final.is_dir() else []
    if not found:
        raise WorldError(f"{run.name!r} has no checkpoint yet: wait for its first, or `rlhf-lab resume {run.name}`")
    return found


def choose(store: Store, home: Path, rest: str) -> Chosen:
    """What stands behind a name. Raises WorldError, or InputError with a close match for an unknown run."""
    name, step, own = asked(rest)
    run = Run(store, home, store.run(name))
    found = dict(models(run))
    if step is not None and step not in found:
        near = min(found, key=lambda each: abs(each - step))
        raise WorldError(f"{name!r} has no checkpoint at {step}: the nearest is {name}@{near}")
    at = max(found) if step is None else step
    reward = _reward_of(store, run)
    if reward.startswith(RATER):
        viewer = raters.make(reward.removeprefix(RATER))
        return Chosen(name, run.kind, at, own, found[at], int(run.config["length"]), viewer)
    model = folder_of(home, reward) / "model"
    rewards = {"reward_model": model, **_second(store, home, reward)}
    return Chosen(name, run.kind, at, own, found[at], read(model)[1]["length"], _labeller(store, reward), rewards)


def relatives(store: Store, home: Path, chosen: Chosen) -> list[Chosen]:
    """Its sibling predictors: the run's original model and the checkpoint half-way; of the original the next two.

    Of a common ancestor and one architecture, and none that the run may yet come to. Raises WorldError for none.
    """
    steps = [at for at, _ in models(Run(store, home, store.run(chosen.run)))]
    before = [at for at in steps if at < chosen.step]
    half = [at for at in before if 2 * at <= chosen.step][-1:]
    found = dict.fromkeys([*before[:1], *half]) if before else [at for at in steps if at > chosen.step][:2]
    if not found:
        raise WorldError(f"the world has one predictor: {chosen.run!r} has no other checkpoint")
    return [choose(store, home, f"{chosen.run}@{at}{OWN if chosen.own else ''}") for at in found]


def _reward_of(store: Store, run: Run) -> str:
    """The reward that a policy was trained on; of a base model that of the first reward run on it that is done."""
    if run.kind == "ppo":
        return run.parents["reward"]
    if run.kind == "reward":
        return run.name
    built = [row.name for row in store.runs("reward") if row.outcome == "done" and row.parents["base"] == run.name]
    if not built:
        raise WorldError(
            f"{run.name!r} has no reward model, so nobody judges its texts: label some of its samples and train one "
            f"(rlhf-lab reward NAME --base {run.name})"
        )
    return built[0]


def _labeller(store: Store, reward: str) -> Rater | None:
    """The simulated rater whose labels a reward run learned; None if any are a person's, or of several raters."""
    config = store.run(reward).config
    who = [config["rater"]] if config["rater"] else list(labels.raters(store, config["pool"]))
    known = labels.described(store, config["pool"])
    return raters.make(**known[who[0]]) if len(who) == 1 and who[0] in known else None


def _second(store: Store, home: Path, reward: str) -> dict[str, Path]:
    """The first other reward run of the same base that learned from other labels."""
    for other in reversed(seconds(Run(store, home, store.run(reward)))):
        if other != reward and shared_labels(home, reward, other) == 0:
            return {"second": folder_of(home, other) / "model"}
    return {}


@cache
def code() -> str:
    """The SHA-256 of the lab's code and of the libraries that it reads texts with.

    Of all files but pages and commands, as a world depends on most: texts, sampling, judges, tokens and activations.
    """
    here = Path(__file__).parent
    whole = hashlib.sha256(json.dumps({name: version(name) for name in LIBRARIES}).encode())
    learned = [
        Path(str(world.__file__)).with_name(f"{name}.py") for name in ("world", "patched", "metrics", "siblings")
    ]
    for file in [*sorted(here.glob("*.py")), *sorted((here / "stage").glob("*.py")), *learned]:
        whole.update(f"{file.name} ".encode() + hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def version(library: str) -> str:
    """Of a package as it is installed; empty if it is not."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
