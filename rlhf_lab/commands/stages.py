"""Commands that do a stage's work: pretrain, reward, ppo, and resume."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError, err, out, print_json
from rlhf_lab.commands.frame import Home, Json, opened, with_settings
from rlhf_lab.settings import RATER, settings_of
from rlhf_lab.stages import CONFIGS, work

__all__ = ["carry_out", "check_parent", "register", "start"]

Name = Annotated[str, typer.Argument(help="A name for the run.")]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background; `rlhf-lab show NAME` tells how far.")]
Base = Annotated[str, typer.Option(help="The pretrain run whose model is the base.")]


def register(app: typer.Typer) -> None:
    for command in (pretrain, reward, ppo):
        app.command()(with_settings(CONFIGS[command.__name__])(command))
    app.command()(resume)


def pretrain(
    name: Name, config: dict[str, Any], detach: Detach = False, workspace: Home = None, as_json: Json = False
) -> None:
    """Train a language model from scratch on a corpus: the base of all that follows."""
    start("pretrain", name, config, {}, workspace, detach=detach, as_json=as_json)


def reward(
    name: Name,
    base: Base,
    config: dict[str, Any],
    detach: Detach = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Train a reward model on the labels of a pool, beside a bag of words on the same labels."""
    start("reward", name, config, {"base": base}, workspace, detach=detach, as_json=as_json)


def ppo(
    name: Name,
    base: Base,
    reward: Annotated[str, typer.Option(help="A reward run; or rater:NAME, a simulated rater's own score.")],
    config: dict[str, Any],
    detach: Detach = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Optimise the base model against a reward, with its KL tracked to the stop."""
    start("ppo", name, config, {"base": base, "reward": reward}, workspace, detach=detach, as_json=as_json)


def resume(
    name: Annotated[str, typer.Argument(help="A run that was interrupted, stopped, or failed.")],
    detach: Detach = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Go on with a run from its last checkpoint, to the same bits as if it had never stopped."""
    with opened(workspace) as (store, home):
        run = jobs.open_run(store, home, name)
        if jobs.state(run) == "done":
            raise InputError(
                f"{name!r} is done: `rlhf-lab clone {name} NEW --set ...` runs it anew with other settings"
            )
        carry_out(run, detach=detach, as_json=as_json)


def start(
    kind: str,
    name: str,
    config: dict[str, Any],
    parents: dict[str, str],
    workspace: Path | None,
    *,
    detach: bool = False,
    as_json: bool = False,
) -> None:
    """Enter a run and carry it out; its settings and parents are looked at before anything is written.

    A run that fails here with nothing to go on from is deleted, so that its name is free; one in the background is not.
    """
    settings_of(CONFIGS[kind], config)
    with opened(workspace) as (store, home):
        for role, parent in parents.items():
            if not (role == "reward" and parent.startswith(RATER)):
                check_parent(role, jobs.open_run(store, home, parent))
        if kind == "ppo" and config["length"] == 0:
            from rlhf_lab.sampling import length_for

            config = {**config, "length": length_for(home / "runs", parents["base"], parents["reward"])}
        run = jobs.create(store, home, name, kind, config, parents)
        carry_out(run, detach=detach, as_json=as_json, new=True)


def check_parent(role: str, parent: Run) -> None:
    """Raises InputError if a run is not of the kind that its role asks for, or has no model yet."""
    name = parent.name
    kind = {"base": "pretrain", "reward": "reward", "second": "reward"}[role]
    if parent.kind != kind:
        raise InputError(f"{name!r} is a {parent.kind} run; --{role} names a {kind} run")
    if (state := jobs.state(parent)) != "done":
        then = "wait for it" if state == "running" else f"`rlhf-lab resume {name}`"
        raise InputError(f"{name!r} is {state}, not done: {then}")


def carry_out(run: Run, *, detach: bool = False, as_json: bool = False, new: bool = False) -> None:
    """Work at a run here, or in the background, and say how it ended; exit status 2 if it failed.

    new: the command has just entered the run, which is deleted if it fails here with nothing to go on from.
    """
    if detach:
        command = [sys.executable, "-m", "rlhf_lab", "resume", run.name, "--workspace", str(run.home)]
        jobs.start_detached(run, command)
        (err if as_json else out).print(Text(f"{run.name} runs in the background: rlhf-lab show {run.name}"))
        return
    outcome = jobs.execute(run, work)
    row = run.store.run(run.name)
    useless = new and outcome == "failed" and not _worth_keeping(run, row.message)
    if as_json:
        from rlhf_lab.runs import summary

        print_json(summary(run))
    elif outcome == "failed":
        told = "; nothing of it is kept" if useless else ""
        err.print(Text(f"{run.name} failed: {row.message}{told}", style="red"), soft_wrap=True)
    elif outcome == "stopped":
        out.print(Text(f"{run.name} is stopped; rlhf-lab resume {run.name} goes on"))
    else:
        out.print(Text(f"{run.name} is done. {row.progress.words if row.progress else ''}"))
    if useless:
        jobs.delete(run.store, run.home, run.name)
    if outcome == "failed":
        raise typer.Exit(2)


def _worth_keeping(run: Run, message: str) -> bool:
    """Whether a failed run left a checkpoint, a model, or a log that its message points to."""
    saved = (each for part in ("checkpoints", "resume", "model") for each in (run.folder / part).glob("*"))
    return any(saved) or str(run.log_file) in message
