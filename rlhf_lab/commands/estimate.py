"""How long a stage would take on this machine."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.terminal import InputError, duration, out, print_json
from rlhf_lab.commands.frame import Home, Json, Set, changes, opened
from rlhf_lab.settings import settings_of
from rlhf_lab.stages import CONFIGS

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command()(estimate)


def estimate(
    stage: Annotated[str, typer.Argument(help="pretrain, reward or ppo.")],
    base: Annotated[str | None, typer.Option(help="The pretrain run that reward and ppo build on.")] = None,
    settings: Set = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Say how long a stage takes on this machine: a few steps are timed, and nothing is kept."""
    if stage not in CONFIGS:
        raise InputError(f"{stage!r} is no stage: pretrain, reward or ppo")
    config = settings_of(CONFIGS[stage], changes(settings, CONFIGS[stage]))
    with opened(workspace) as (store, home):
        if stage == "pretrain":
            if base is not None:
                raise InputError("pretrain builds on nothing: leave out --base")
            from rlhf_lab.pretrain import estimate as measure

            found = measure(config)
        elif base is None:
            raise InputError(f"--base names the pretrain run that {stage} builds on")
        else:
            run = jobs.open_run(store, home, base)
            if stage == "ppo":
                from rlhf_lab.ppo_estimate import estimate as ppo_estimate

                found = ppo_estimate(config, run)
            else:
                from rlhf_lab.reward_run import estimate as reward_estimate

                found = reward_estimate(config, run)
    if as_json:
        print_json({"stage": stage, **asdict(found)})
    else:
        out.print(Text(f"{stage}: about {duration(found.seconds)}; {found.step:.3g} s a step, {found.words}"))
