"""`elk-sandbox judge`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from elk_sandbox.commands.contest import hold
from elk_sandbox.commands.options import Blind, Folder, Home, Json, Set, registry_in
from elk_sandbox.evidence.trained import SEEDS, STEPS, Kind, Trained
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.terminal import InputError, err, out, print_json, progress, status, writing

__all__ = ["judge"]

File = Mapping[str, Any]  # `keys.source`
FAULTS = ("error", "invalid")
ALL = "all"  # in place of a proposal: every one


def judge(
    proposal: Annotated[str, typer.Argument(help="A registered name, a path to a .py file, or all.")],
    counterexample: Annotated[str | None, typer.Argument(help="The same; without it the whole row.")] = None,
    settings: Set = None,
    draws: Annotated[int, typer.Option(help="Fresh draws beside the stock draw.", min=0, max=100)] = 4,
    seeds: Annotated[
        int, typer.Option(help="Train so many by gradient descent; --on a network 20 if 0.", min=0, max=1000)
    ] = 0,
    reporter: Annotated[Kind, typer.Option(help="What is trained.")] = "mlp",
    steps: Annotated[int, typer.Option(help="Steps of that training.", min=1, max=100_000)] = STEPS,
    on: Annotated[
        str | None, typer.Option(help="A learned world: vault, exact:NAME, run:NAME@STEP, hf:FOLDER.")
    ] = None,
    along: Annotated[str | None, typer.Option(help="A sequence of them, a run's checkpoints: run:NAME.")] = None,
    contest: Annotated[bool, typer.Option(help="Put it before all breakers of ARC's contest at once.")] = False,
    share: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page.")] = None,
    again: Annotated[bool, typer.Option(help="Judge a row anew, whatever the workspace holds of it.")] = False,
    blind: Blind = False,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a proposal on a counterexample, or on all of them: verdict, ledger, witness, control, adversary.

    `all` and a counterexample judge its column: every proposal on it. A row's or a column's cells that the workspace
    holds are not judged again; a cell that is named always is.
    """
    from elk_sandbox import blindfold, keys, listing, matrix, report
    from elk_sandbox.checks import with_settings

    registry = registry_in(folder)
    if proposal == ALL and ALL not in registry.proposals:
        if contest or seeds or share or counterexample is None:
            raise InputError("judge all COUNTEREXAMPLE is a column: leave out --contest, --seeds and --share")
        _column(registry, counterexample, settings or [], draws, workspaces.workspace(workspace), again, blind, as_json)
        return
    chosen = registry.find("proposal", proposal)
    if on or along:
        if counterexample or contest or share or blind or (on and along):
            raise InputError("--on and --along judge in learned worlds: one of them, with --seeds, --reporter, --steps")
        from elk_sandbox.commands import learned

        (item,) = with_settings([chosen], settings or [])
        home = workspaces.workspace(workspace)
        run = learned.on if on else learned.along
        run(item, str(on or along), Trained(seeds or SEEDS, reporter, steps), home, again, as_json)
        return
    if contest:
        if counterexample or seeds or share:
            raise InputError("--contest has a world of its own: leave out the counterexample, --seeds and --share")
        if blind:
            raise InputError("--contest compares with the published verdicts: leave out --blind")
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
    files = [keys.source(entry, knobs) for entry, knobs in items]
    where = workspaces.workspace(workspace)
    one = counterexample is not None
    with status(f"judging {chosen.name}", quiet=as_json or not one):
        found, printed, held = _row(files[0], files[1:], draws, where, again=again or one, quiet=as_json or one)
    for file in files[1:]:
        blindfold.lift(files[0], file, where)
    if blind:
        found = blindfold.silenced(found)
    if seeds:
        from elk_sandbox.evidence import gather

        with progress(steps, quiet=as_json, what="steps") as advance:
            trained = Trained(seeds, reporter, steps)
            found[0]["evidence"] = gather.of(files[0], files[1], found[0], where, trained, advance)
    if share:
        _share(share, found[0], blindfold.entries([chosen, *against]) if blind else [chosen, *against], draws)
        (err if as_json else out).print(Text(f"wrote {share}"))
    if printed:
        err.print(Text(f"printed by {chosen.path}:\n{printed}"), soft_wrap=True)
    if as_json:
        print_json(found[0] if counterexample else {"cells": found, "totals": matrix.totals(found)})
    elif counterexample:
        report.cell(out, found[0])
    else:
        report.row(out, found)
        if held:
            out.print(Text(f"{held} of these {len(found)} were judged before: --again judges them anew", style="dim"))
        if folder:
            out.print(Text(listing.read_from(registry), style="dim"), soft_wrap=True)
        for broken in (b for b in registry.broken if b.path.parent.name == "counterexamples"):
            err.print(Text(str(broken), style="red"), soft_wrap=True)
    at_fault = [c["verdict"] in FAULTS for c in found]
    if all(at_fault) or (counterexample and any(at_fault)):
        raise typer.Exit(2)


def _column(
    registry: Registry, counterexample: str, settings: Sequence[str], draws: int, where: Path, again: bool, blind: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Judge every proposal on a counterexample, and print the cells."""
    from elk_sandbox import blindfold, keys, matrix, report
    from elk_sandbox.checks import with_settings

    entries = [*registry.proposals.values(), registry.find("counterexample", counterexample)]
    *rows, column = [keys.source(entry, knobs) for entry, knobs in with_settings(entries, settings)]
    found: list[dict[str, Any]] = []
    with progress(len(rows), quiet=as_json) as advance:
        for row in rows:
            found += _row(row, [column], draws, where, again=again, quiet=True)[0]
            blindfold.lift(row, column, where)
            advance()
    if blind:
        found = blindfold.silenced(found)
    if as_json:
        print_json({"cells": found, "totals": matrix.totals(found)})
    else:
        report.row(out, found)
    if all(c["verdict"] in FAULTS for c in found):
        raise typer.Exit(2)


def _row(
    proposal: File, columns: Sequence[File], draws: int, where: Path, *, again: bool, quiet: bool
) -> tuple[list[dict[str, Any]], str, int]:
    """The cells in order, what the file printed, and how many of them the workspace held. Faults are tried again."""
    from elk_sandbox import cells, keys
    from elk_sandbox.runtime.tasks import load

    kept = [None if again else load(where / "cells", keys.cell_key(proposal, column, draws)) for column in columns]
    known = {k: dict(r.value) for k, r in enumerate(kept) if r and r.value and r.value["verdict"] not in FAULTS}
    found, printed = dict(known), ""
    missing = [k for k in range(len(columns)) if k not in known]
    with progress(len(columns), quiet=quiet) as advance:
        advance(len(known))

        def judged(cell: dict[str, Any]) -> None:
            k = missing[len(found) - len(known)]
            found[k] = cell
            keys.keep(cell, proposal, columns[k], draws, where)
            advance()

        if missing:
            payload = {"proposal": proposal, "counterexamples": [columns[k] for k in missing], "fresh": draws}
            printed = cells.row({**payload, "workspace": str(where)}, judged)["printed"]
    return [found[k] for k in range(len(columns))], printed, len(known)


def _all_counterexamples(registry: Registry) -> list[Entry]:
    if not registry.counterexamples:
        raise InputError("there is no counterexample in the folder: elk-sandbox new counterexample NAME writes one")
    return list(registry.counterexamples.values())


def _share(path: Path, cell: dict[str, Any], files: Sequence[Entry], draws: int) -> None:
    from elk_sandbox import share

    with writing(path):
        workspaces.write(path.absolute(), share.page(cell, files[0], files[1], draws))
