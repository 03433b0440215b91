"""Commands that do a stage's work: pretrain, reward, ppo, and resume."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import err, out, print_json
from rlhf_lab.commands.frame import Detach, Home, Json, opened, with_settings
from rlhf_lab.launch import enter, go_on, resumable
from rlhf_lab.stages import CONFIGS, work

__all__ = ["carry_out", "register", "start"]

Name = Annotated[str, typer.Argument(help="A name for the run.")]
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
        resumable(run)
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
    with opened(workspace) as (store, home):
        run = enter(store, home, kind, name, config, parents)
        carry_out(run, detach=detach, as_json=as_json, new=True)


def carry_out(run: Run, *, detach: bool = False, as_json: bool = False, new: bool = False) -> None:
    """Work at a run here, or in the background, and say how it ended; exit status 2 if it failed.

    new: the command has just entered the run, which is deleted if it fails here with nothing to go on from.
    """
    if detach:
        go_on(run)
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
