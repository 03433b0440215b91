"""Runs entered, cloned and sent to work in the background, with the same checks for the command line and the app."""

import json
from pathlib import Path
from typing import Any

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.detached import command
from elk_sandbox.runtime.run import Run, folder_of
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab.raters import make
from rlhf_lab.settings import RATER, settings_of
from rlhf_lab.stages import CONFIGS

__all__ = ["PIECES", "WORDS", "check_parent", "check_rater", "cloned", "enter", "go_on", "length_for", "resumable"]

WORDS, PIECES = 24, 48  # tokens of a completion, by default


def enter(store: Store, home: Path, kind: str, name: str, config: dict[str, Any], parents: dict[str, str]) -> Run:
    """Enter a new run; its settings and parents are looked at before anything is written. Raises InputError."""
    settings_of(CONFIGS[kind], config)
    for role, parent in parents.items():
        if role == "reward" and parent.startswith(RATER):
            check_rater(parent)
        else:
            check_parent(role, jobs.open_run(store, home, parent))
    if kind == "ppo" and config.get("length", 0) == 0:
        config = {**config, "length": length_for(home, parents["base"], parents["reward"])}
    whole = vars(settings_of(CONFIGS[kind], config))
    return jobs.create(store, home, name, kind, whole, parents)


def check_rater(reward: str) -> None:
    """Raises InputError for a rater who is unknown, or whose score is that of another, so that it has two names."""
    name = reward.removeprefix(RATER)
    if same := make(name).alias:
        raise InputError(
            f"{reward} would be {RATER}{same}: {name} differs in the labels that she gives, and a reward is what she "
            f"reads; say --reward {RATER}{same}, or a reward model that learned from her labels"
        )


def check_parent(role: str, parent: Run) -> None:
    """Raises InputError if a run is not of the kind that its role asks for, or has no model yet."""
    name = parent.name
    kind = {"base": "pretrain", "reward": "reward", "second": "reward"}[role]
    if parent.kind != kind:
        raise InputError(f"{name!r} is a {parent.kind} run; --{role} names a {kind} run")
    if (state := jobs.state(parent)) != "done":
        then = "wait for it" if state == "running" else f"`rlhf-lab resume {name}`"
        raise InputError(f"{name!r} is {state}, not done: {then}")


def length_for(home: Path, base: str, reward: str) -> int:
    """Tokens that a policy is to write: as many as the reward run's texts have; for a rater, the base's default.

    It reads what the models' files say of them, and loads no model. Raises InputError for a file that cannot be read.
    """
    if reward.startswith(RATER):
        found = _described(folder_of(home, base) / "model")
        usual = WORDS if found["tokenizer"]["kind"] == "word" else PIECES
        return max(1, min(usual, int(found["shape"]["context"]) - 1))
    return int(_described(folder_of(home, reward) / "model")["length"])


def _described(folder: Path) -> dict[str, Any]:
    file = folder / "meta.json"
    try:
        meta: dict[str, Any] = json.loads(file.read_bytes())["meta"]
    except (OSError, ValueError, KeyError) as reason:
        raise InputError(f"{file} cannot be read ({reason})") from reason
    return meta


def cloned(store: Store, home: Path, name: str, new: str, changed: dict[str, Any]) -> Run:
    """Enter a run with the same parents and settings but for those that changed. Raises InputError."""
    run = jobs.open_run(store, home, name)
    if changed.get("length") == 0:
        changed = {key: value for key, value in changed.items() if key != "length"}  # as long as before
    settings_of(CONFIGS[run.kind], run.config | changed)
    return jobs.clone(store, home, name, new, changed)


def resumable(run: Run) -> None:
    """Raises InputError for a run that is done."""
    if jobs.state(run) == "done":
        raise InputError(
            f"{run.name!r} is done: `rlhf-lab clone {run.name} NEW --set ...` runs it anew with other settings"
        )


def go_on(run: Run) -> bool:
    """Let a process of its own begin or go on with a run; False if one works at it already. Raises InputError."""
    resumable(run)
    return jobs.start_detached(run, command("rlhf_lab", run.home, "resume", run.name))
