"""The whole exercise with one command."""

from typing import Annotated

import typer
from rich.text import Text

from elk_sandbox.terminal import out, print_json
from rlhf_lab.commands.frame import Device, Home, Json, opened
from rlhf_lab.commands.look import show
from rlhf_lab.demo_log import SEED

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    name: Annotated[str, typer.Option(help="Its runs are called NAME-base, NAME-ppo and so on.")] = "demo",
    rater: Annotated[str, typer.Option(help="The simulated rater who labels; careful is the control.")] = "counter",
    seed: Annotated[int, typer.Option(help="Of everything.", min=0)] = SEED,
    device: Device = "cpu",
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Do the whole exercise on the embedded corpus: minutes from nothing to an over-optimisation curve and a blind
    rating. Ended early, the same command goes on."""
    from rlhf_lab import analysis, blind_outcome
    from rlhf_lab.demo import Demo

    with opened(workspace) as (store, home):
        told = Demo(
            store, home, name, seed, rater, device,
            tell=(lambda line: None) if as_json else lambda line: out.print(Text(line)),
        ).go()  # fmt: skip
    if as_json:
        print_json(told)
        return
    found = analysis.summary_table(told)
    show(found)
    for line in (told["headline"], told["factors"], *blind_outcome.told(told["blind"])):
        out.print(Text(line))
    out.print(
        Text(
            "The reward was the reward model's logit, not log P(positive), which saturates; past 10 nats it is marked."
        )
    )
    for file in told["files"]:
        out.print(Text(file))
    out.print(Text(f"{told['seconds']:.0f} s. Go on: rlhf-lab list, rlhf-lab complete {name}-ppo --prefix 'I have '"))
