"""The blind rating: make a sheet, rate it, and then see which arm was which."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError, out, print_json
from rlhf_lab.commands.frame import Home, Json, knob_values, opened

__all__ = ["register"]

Sheet = Annotated[str, typer.Argument(help="The name of a sheet.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Rate texts without knowing which model wrote them.")
    for command in (make, rate, result, power):
        group.command()(command)
    app.add_typer(group, name="blind")


def make(
    sheet: Sheet,
    run: Annotated[str, typer.Argument(help="A ppo run: its checkpoint against the original model.")],
    checkpoint: Annotated[int | None, typer.Option(help="Iteration; default the last before the KL stop.")] = None,
    twin: Annotated[str | None, typer.Option(help="The negative twin, as a third arm.")] = None,
    n: Annotated[int, typer.Option(help="Texts of each arm.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Of the draw and the order.", min=0)] = 0,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Make a sheet of N texts of each arm, shuffled, the arms hidden."""
    from rlhf_lab import sampling
    from rlhf_lab.blind_sheet import make_sheet

    with opened(workspace) as (store, home):
        chosen, other = _policy(store, home, run), _policy(store, home, twin) if twin else None
        base = jobs.open_run(store, home, chosen.parents["base"])
        length = int(chosen.config["length"])
        at = sampling.before_the_stop(chosen) if checkpoint is None else checkpoint
        arms = {
            "original": sampling.texts(base, 4 * n, length=length, seed=seed, purpose="blind"),
            "trained": sampling.texts(chosen, 4 * n, checkpoint=at, length=length, seed=seed + 1, purpose="blind"),
        }
        if other:
            end = sampling.before_the_stop(other)
            arms["twin"] = sampling.texts(other, 4 * n, checkpoint=end, length=length, seed=seed + 2, purpose="blind")
        items = make_sheet(store, sheet, arms, n, seed)
    if as_json:
        print_json({"sheet": sheet, "texts": len(items), "checkpoint": at, "power": _powers(n, len(arms))})
        return
    out.print(
        Text(
            f"{sheet}: {len(items)} texts, {n} of each of {len(arms)} arms, the trained one {run} at iteration {at}. "
            f"Rate them: rlhf-lab blind rate {sheet}"
        )
    )
    _power(n, len(arms))


def _policy(store: Store, home: Path, name: str) -> Run:
    """A ppo run. Raises InputError for one of another kind."""
    run = jobs.open_run(store, home, name)
    if run.kind != "ppo":
        raise InputError(f"{name!r} is a {run.kind} run; a blind sheet is of ppo runs: rlhf-lab list")
    return run


def power(
    n: Annotated[int, typer.Argument(help="Texts of each arm.", min=1)] = 20,
    arms: Annotated[int, typer.Option(help="2, or 3 with a twin.", min=2, max=3)] = 2,
    as_json: Json = False,
) -> None:
    """How likely a sheet of this size is to show an effect, before anything is rated."""
    if as_json:
        print_json(_powers(n, arms))
    else:
        _power(n, arms)


def _powers(n: int, arms: int) -> list[dict[str, float]]:
    from rlhf_lab.blind_power import chances

    return [
        {
            "from": each.before,
            "to": each.after,
            "fisher": each.fisher,
            "mann_whitney": each.mann_whitney,
            "both": each.both,
        }
        for each in chances(n, arms)
    ]


def _power(n: int, arms: int) -> None:
    table = Table(
        f"share positive, {n} and {n}", "Fisher", "Mann-Whitney", "both", box=None, header_style="bold", pad_edge=False
    )
    for each in _powers(n, arms):
        table.add_row(
            f"{each['from']:.2f} -> {each['to']:.2f}",
            f"{each['fisher']:.0%}",
            f"{each['mann_whitney']:.0%}",
            f"{each['both']:.0%}",
        )
    out.print(Text("The chance that a difference of this size shows at p < .05:"))
    out.print(table)


def rate(
    sheet: Sheet,
    rater: Annotated[str | None, typer.Option(help="Who rates; default $USER, or the simulated rater's name.")] = None,
    simulate: Annotated[str | None, typer.Option(help="Let a simulated rater rate all: careful, counter, ...")] = None,
    knobs: Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Of that rater.")] = None,
    seed: Annotated[int, typer.Option(help="Of the simulated rater.", min=0)] = 0,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Rate a sheet, one key a text; go on later with the same command."""
    with opened(workspace) as (store, _):
        if store.collection(sheet).kind != "sheet":
            raise InputError(f"{sheet!r} is no blind sheet: rlhf-lab label {sheet}")
        if simulate:
            import numpy as np

            from rlhf_lab import raters
            from rlhf_lab.labels import label_with

            made = raters.make(simulate, **knob_values(knobs))
            given = label_with(store, sheet, made, np.random.default_rng(seed), who=rater)
            left, who = 0, rater or made.name
        else:
            from rlhf_lab.labelling import label_here

            who = rater or getpass.getuser()
            session = label_here(store, sheet, who)
            given, left = session.given, session.left
    if as_json:
        print_json({"sheet": sheet, "rater": who, "given": given, "left": left})
    elif not left:
        out.print(Text(f"{who} has rated all: rlhf-lab blind result {sheet} --rater {who}"))


def result(
    sheet: Sheet,
    rater: Annotated[str | None, typer.Option(help="Whose ratings; default $USER.")] = None,
    viewer: Annotated[
        str | None,
        typer.Option(help="Who looks; default the rater, $USER then too, or $USER alone if the rater is simulated."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Before the viewer has rated all; breaks her blind, and is kept.")
    ] = False,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Reveal the arms, with tests and intervals, to somebody who has rated all: her own result, or another's."""
    from rlhf_lab.blind_outcome import outcome, told
    from rlhf_lab.blind_sheet import look
    from rlhf_lab.labels import described

    with opened(workspace) as (store, _):
        me = getpass.getuser()
        whose = rater or me
        raters = described(store, sheet)
        simulated = whose in raters
        found = outcome(store, sheet, whose, viewer=viewer or (me if simulated else whose), force=force)
        if viewer is None and whose != me and not simulated and me not in raters:
            look(store, sheet, me, force=True)
    if as_json:
        print_json(found)
        return
    for line in told(found):
        out.print(Text(line))
