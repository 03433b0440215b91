"""How long a stage would take on this machine."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError, duration, out, print_json
from rlhf_lab.commands.frame import Home, Json, Set, changes, opened
from rlhf_lab.estimates import Estimate
from rlhf_lab.launch import check_parent
from rlhf_lab.settings import settings_of
from rlhf_lab.stages import CONFIGS

__all__ = ["register"]

EVALUATE = "evaluate"  # no stage with settings of its own


def register(app: typer.Typer) -> None:
    app.command()(estimate)


def estimate(
    stage: Annotated[str, typer.Argument(help="pretrain, reward, ppo or evaluate.")],
    base: Annotated[
        str | None, typer.Option(help="What it builds on: a pretrain run for reward and ppo, a ppo run for evaluate.")
    ] = None,
    second: Annotated[str | None, typer.Option(help="Of evaluate: the second reward model.")] = None,
    settings: Set = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Say how long a stage takes on this machine: a few steps are timed, and nothing is kept."""
    if stage not in (*CONFIGS, EVALUATE):
        raise InputError(f"{stage!r} is no stage: pretrain, reward, ppo or evaluate")
    if stage == EVALUATE and settings:
        raise InputError("evaluate is timed as it is by default: leave out --set")
    if stage != EVALUATE and second:
        raise InputError("--second is of evaluate alone")
    with opened(workspace) as (store, home):
        found = _measured(stage, jobs.open_run(store, home, base) if base else None, second, settings)
    if as_json:
        print_json({"stage": stage, **asdict(found)})
    else:
        out.print(Text(f"{stage}: about {duration(found.seconds)}; {found.step:.3g} s a step, {found.words}"))


def _measured(stage: str, base: Run | None, second: str | None, settings: list[str] | None) -> Estimate:
    if stage == "pretrain":
        if base is not None:
            raise InputError("pretrain builds on nothing: leave out --base")
        from rlhf_lab.pretrain import estimate as of_pretrain

        return of_pretrain(settings_of(CONFIGS[stage], changes(settings, CONFIGS[stage])))
    if base is None:
        raise InputError(f"--base names the {'ppo' if stage == EVALUATE else 'pretrain'} run that {stage} builds on")
    if stage == EVALUATE:
        from rlhf_lab.evaluation import estimate as of_evaluation

        if second:
            check_parent("second", jobs.open_run(base.store, base.home, second))
        return of_evaluation(base, second=second)
    config = settings_of(CONFIGS[stage], changes(settings, CONFIGS[stage]))
    if stage == "ppo":
        from rlhf_lab.ppo_estimate import estimate as of_ppo

        return of_ppo(config, base)
    from rlhf_lab.reward_run import estimate as of_reward

    return of_reward(config, base)
