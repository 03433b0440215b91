"""`elk-sandbox judge`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from elk_sandbox.commands.contest import hold
from elk_sandbox.commands.options import Folder, Home, Json, Set, registry_in
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.terminal import InputError, err, out, print_json, progress, status, writing

__all__ = ["judge"]


def judge(
    proposal: Annotated[str, typer.Argument(help="A registered name, or a path to a .py file.")],
    counterexample: Annotated[str | None, typer.Argument(help="The same; without it the whole row.")] = None,
    settings: Set = None,
    draws: Annotated[int, typer.Option(help="Fresh draws beside the stock draw.", min=0, max=100)] = 4,
    seeds: Annotated[int, typer.Option(help="Train so many by gradient descent, as evidence.", min=0, max=1000)] = 0,
    reporter: Annotated[Literal["linear", "mlp"], typer.Option(help="What is trained.")] = "mlp",
    steps: Annotated[int, typer.Option(help="Steps of that training.", min=1, max=100_000)] = 600,
    contest: Annotated[bool, typer.Option(help="Put it before all breakers of ARC's contest at once.")] = False,
    share: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page.")] = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a proposal on a counterexample, or on all of them: verdict, ledger, witness, control, adversary."""
    from elk_sandbox import blindfold, cells, matrix, report
    from elk_sandbox.checks import with_settings

    registry = registry_in(folder)
    chosen = registry.find("proposal", proposal)
    if contest:
        if counterexample or seeds or share:
            raise InputError("--contest has a world of its own: leave out the counterexample, --seeds and --share")
        ((entry, knobs),) = with_settings([chosen], settings or [])
        if not hold(entry, knobs, draws, workspaces.workspace(workspace), as_json):
            raise typer.Exit(2)
        return
    against = [registry.find("counterexample", counterexample)] if counterexample else _all_counterexamples(registry)
    if share and not counterexample:
        raise InputError("--share writes the page of one cell: name a counterexample")
    if seeds and not counterexample:
        raise InputError("--seeds gathers evidence on one cell: name a counterexample")
    items = with_settings([chosen, *against], settings or [])
    files = [cells.source(entry, knobs) for entry, knobs in items]
    where = workspaces.workspace(workspace)
    payload = {"proposal": files[0], "counterexamples": files[1:], "fresh": draws, "workspace": str(where)}
    with status(f"judging {chosen.name}", quiet=as_json):
        done = cells.row(payload)
    found = done["cells"]
    for file, cell in zip(files[1:], found, strict=True):
        cells.keep(cell, files[0], file, draws, where)
        blindfold.lift(files[0], file, where)
    if seeds:
        from elk_sandbox.evidence import gather

        with progress(steps, quiet=as_json, what="steps") as advance:
            trained = gather.Trained(seeds, reporter, steps)
            found[0]["evidence"] = gather.of(files[0], files[1], found[0], where, trained, advance)
    if share:
        _share(share, found[0], chosen, against[0], draws)
        (err if as_json else out).print(Text(f"wrote {share}"))
    if done["printed"]:
        err.print(Text(f"printed by {chosen.path}:\n{done['printed']}"), soft_wrap=True)
    if as_json:
        print_json(found[0] if counterexample else {"cells": found, "totals": matrix.totals(found)})
    elif counterexample:
        report.cell(out, found[0])
    else:
        report.row(out, found)
    at_fault = [c["verdict"] in ("error", "invalid") for c in found]
    if all(at_fault) or (counterexample and any(at_fault)):
        raise typer.Exit(2)


def _all_counterexamples(registry: Registry) -> list[Entry]:
    if not registry.counterexamples:
        raise InputError("there is no counterexample in the folder: elk-sandbox new counterexample NAME writes one")
    return list(registry.counterexamples.values())


def _share(path: Path, cell: dict[str, Any], proposal: Entry, counterexample: Entry, draws: int) -> None:
    from elk_sandbox import share

    with writing(path):
        workspaces.write(path.absolute(), share.page(cell, proposal, counterexample, draws))
