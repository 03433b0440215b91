"""`elk-sandbox matrix`."""

from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.text import Text

from elk_sandbox.commands.judge import FAULTS
from elk_sandbox.commands.options import Blind, Folder, Home, Json, registry_in
from elk_sandbox.declare import Kind, suggest
from elk_sandbox.evidence.trained import SEEDS, Trained
from elk_sandbox.evidence.trained import Kind as Trainee
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.terminal import InputError, err, out, print_json, progress, writing

__all__ = ["matrix"]

Names = Annotated[str | None, typer.Option(help="Names or paths, separated by commas; default all.")]


def matrix(
    proposals: Names = None,
    counterexamples: Names = None,
    worlds: Annotated[str | None, typer.Option(help="Learned worlds, no counterexamples: vault,run:NAME")] = None,
    methods: Annotated[
        str | None, typer.Option(help="Published methods, with --worlds; default all, none beside named proposals.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Reporters that are trained in a learned world.", min=1, max=1000)] = SEEDS,
    reporter: Annotated[Trainee, typer.Option(help="What is trained there.")] = "mlp",
    engine: Annotated[str, typer.Option(help="inline, processes or dask.")] = "processes",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:8786.")] = None,
    draws: Annotated[int, typer.Option(help="Fresh draws beside the stock draw.", min=0, max=100)] = 0,
    again: Annotated[bool, typer.Option(help="Judge anew what the workspace holds.")] = False,
    blind: Blind = False,
    png: Annotated[Path | None, typer.Option(help="Draw the matrix.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a table, a line for each cell.")] = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Judge proposals on counterexamples; cells that the workspace holds are not judged again."""
    from elk_sandbox import listing, report
    from elk_sandbox.matrix import as_csv, compute, totals
    from elk_sandbox.runtime.engine import Engine

    if engine not in get_args(Engine):
        raise InputError(f"no engine {engine!r}{suggest(engine, get_args(Engine))}")
    registry = registry_in(folder)
    rows = [] if worlds is not None and proposals == "" else _named(registry, "proposal", proposals)
    if worlds is not None:
        if counterexamples or blind or png:
            raise InputError(
                "--worlds goes with --proposals, --methods, --seeds, --reporter, --again, --csv and --json"
            )
        from elk_sandbox.commands import learned

        home = workspaces.workspace(workspace)
        published = [] if proposals and methods is None else learned.methods(methods)
        trained = Trained(seeds, reporter)
        learned.matrix(rows, published, learned.named(worlds), trained, home, again, csv, as_json)
        return
    columns = _named(registry, "counterexample", counterexamples)
    where = workspaces.workspace(workspace)
    if blind:
        if again or png or csv:
            raise InputError("--blind judges nothing: it shows what you had judged, without --again, --png and --csv")
        _blind(rows, columns, where, draws, as_json)
        return
    cells = compute(
        rows, columns, folder=where, engine=engine, scheduler=scheduler, fresh=draws, again=again  # type: ignore[arg-type]  # just checked
    )  # fmt: skip
    found = []
    with progress(len(rows) * len(columns), quiet=as_json) as advance:
        for cell in cells:
            found.append(cell)
            advance()
    order = {(p.name, c.name): k for k, (p, c) in enumerate((p, c) for p, _ in rows for c, _ in columns)}
    found.sort(key=lambda c: order[c["proposal"], c["counterexample"]])
    if png:
        from elk_sandbox.pictures import matrix_png

        with writing(png):
            matrix_png(found, png)
    if csv:
        with writing(csv):
            workspaces.write(csv.absolute(), as_csv(found))
    counts = totals(found)
    if as_json:
        print_json({"cells": found, "totals": counts})
    else:
        report.matrix(out, found)
        out.print(Text(report.totals_line(counts)))
        report.reasons(out, found)
        if folder:
            out.print(Text(listing.read_from(registry), style="dim"), soft_wrap=True)
        for broken in registry.broken:
            err.print(Text(str(broken), style="red"), soft_wrap=True)
    if all(c["verdict"] in FAULTS for c in found):
        raise typer.Exit(2)


def _blind(rows: list[Any], columns: list[Any], where: Path, draws: int, as_json: bool) -> None:
    from elk_sandbox import blindfold, report

    known = blindfold.cells(rows, columns, where, draws)
    if as_json:
        print_json({"cells": known})
        return
    report.matrix(out, known)
    judged = sum(c["verdict"] != blindfold.HIDDEN for c in known)
    out.print(Text(f"{judged} of {len(known)} cells judged; the rest are hidden until you `elk-sandbox judge` them"))


def _named(registry: Registry, kind: Kind, names: str | None) -> list[tuple[Entry, dict[str, object]]]:
    every = registry.proposals if kind == "proposal" else registry.counterexamples
    chosen = [registry.find(kind, n.strip()) for n in names.split(",")] if names else list(every.values())
    if not chosen:
        raise InputError(f"there is no {kind} in the folder: elk-sandbox new {kind} NAME writes one")
    return [(entry, entry.settings()) for entry in chosen]
