"""The command line: `elk-sandbox list | judge | check | show | matrix | world | new | doctor`.

Exit status: 0 done, 2 the user's input is at fault, 1 our own fault.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.text import Text

from elk_sandbox.declare import Kind, suggest
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.terminal import InputError, err, out, print_json, progress, status, writing

app = typer.Typer(
    name="elk-sandbox",
    help="Write an ELK proposal or a counterexample as one small Python file; get an exact verdict with a witness.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Folder = Annotated[
    Path | None, typer.Option(help="The only folder of proposals; default ./proposals and the shipped one.")
]
Home = Annotated[Path | None, typer.Option(help="Where results are kept; default $ELK_SANDBOX_HOME or ./workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Set a knob; may be repeated.")]
Names = Annotated[str | None, typer.Option(help="Names or paths, separated by commas; default all.")]


def _registry(folder: Path | None) -> Registry:
    return Registry.scan(folder) if folder else Registry.default()


@app.command("list")
def list_(folder: Folder = None, as_json: Json = False) -> None:
    """List proposals, counterexamples and worlds, and files that cannot be used with the reason."""
    from elk_sandbox import listing
    from elk_sandbox.worlds import STANDARD

    registry = _registry(folder)
    kinds = {"proposals": registry.proposals, "counterexamples": registry.counterexamples}
    if as_json:
        listed: dict[str, Any] = {k: [listing.entry_json(e) for e in found.values()] for k, found in kinds.items()}
        broken = [{"path": str(b.path), "line": b.line, "message": b.message} for b in registry.broken]
        print_json({**listed, "worlds": list(STANDARD), "broken": broken})
        return
    for kind, found in kinds.items():
        listing.names(out, kind, {entry.name: entry.doc for entry in found.values()})
    listing.names(out, "worlds", {name: make.__doc__ or "" for name, make in STANDARD.items()})
    for broken_file in registry.broken:
        err.print(Text(str(broken_file), style="red"), soft_wrap=True)


@app.command()
def judge(
    proposal: Annotated[str, typer.Argument(help="A registered name, or a path to a .py file.")],
    counterexample: Annotated[str | None, typer.Argument(help="The same; without it the whole row.")] = None,
    settings: Set = None,
    draws: Annotated[int, typer.Option(help="Fresh draws beside the stock draw.", min=0, max=100)] = 4,
    share: Annotated[Path | None, typer.Option(help="Write one self-contained HTML page.")] = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Judge a proposal on a counterexample, or on all of them: verdict, ledger, witness, control, adversary."""
    from elk_sandbox import cells, matrix, report
    from elk_sandbox.checks import with_settings

    registry = _registry(folder)
    chosen = registry.find("proposal", proposal)
    against = [registry.find("counterexample", counterexample)] if counterexample else _all_counterexamples(registry)
    if share and not counterexample:
        raise InputError("--share writes the page of one cell: name a counterexample")
    items = with_settings([chosen, *against], settings or [])
    files = [cells.source(entry, knobs) for entry, knobs in items]
    where = workspaces.workspace(workspace)
    payload = {"proposal": files[0], "counterexamples": files[1:], "fresh": draws, "workspace": str(where)}
    with status(f"judging {chosen.name}", quiet=as_json):
        done = cells.row(payload)
    found = done["cells"]
    for file, cell in zip(files[1:], found, strict=True):
        cells.keep(cell, files[0], file, draws, where)
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
    if any(c["verdict"] in ("error", "invalid") for c in found) and (counterexample or _all_at_fault(found)):
        raise typer.Exit(2)


def _all_at_fault(found: list[dict[str, Any]]) -> bool:
    return all(c["verdict"] in ("error", "invalid") for c in found)


def _all_counterexamples(registry: Registry) -> list[Entry]:
    if not registry.counterexamples:
        raise InputError("there is no counterexample in the folder: elk-sandbox new counterexample NAME writes one")
    return list(registry.counterexamples.values())


def _share(path: Path, cell: dict[str, Any], proposal: Entry, counterexample: Entry, draws: int) -> None:
    from elk_sandbox import share

    with writing(path):
        workspaces.write(path.absolute(), share.page(cell, proposal, counterexample, draws))


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="A counterexample or proposal: a name, or a path to a .py file.")],
    settings: Set = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Check a file before any verdict: what it declares, and whether its case conforms."""
    from elk_sandbox import listing
    from elk_sandbox.checks import check_file

    results = check_file(_registry(folder), file, settings or [], workspaces.workspace(workspace))
    if as_json:
        print_json({"checks": results, "passed": all(r["passed"] for r in results)})
    else:
        listing.checks(out, results)
    if not all(r["passed"] for r in results):
        raise typer.Exit(2)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A proposal, a counterexample, or a path to a .py file.")],
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Show a file: its argument, source, provenance, knobs, its world with the numbers there, and its text."""
    from elk_sandbox import dossier, listing
    from elk_sandbox.checks import find_any

    registry = _registry(folder)
    found = find_any(registry, name)
    numbers = [dossier.of(entry, registry, workspaces.workspace(workspace)) for entry in found]
    if as_json:
        pairs = zip(found, numbers, strict=True)
        told = [{**listing.entry_json(e), "kind": e.kind, **more, "text": e.text} for e, more in pairs]
        print_json(told[0] if len(told) == 1 else told)
        return
    for entry, more in zip(found, numbers, strict=True):
        listing.entry(out, entry, more)


@app.command("matrix")
def matrix_(
    proposals: Names = None,
    counterexamples: Names = None,
    engine: Annotated[str, typer.Option(help="inline, processes or dask.")] = "processes",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:8786.")] = None,
    draws: Annotated[int, typer.Option(help="Fresh draws beside the stock draw.", min=0, max=100)] = 0,
    again: Annotated[bool, typer.Option(help="Judge anew what the workspace holds.")] = False,
    png: Annotated[Path | None, typer.Option(help="Draw the matrix.")] = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Judge proposals on counterexamples; cells that the workspace holds are not judged again."""
    from elk_sandbox import matrix, report
    from elk_sandbox.runtime.engine import Engine

    if engine not in get_args(Engine):
        raise InputError(f"no engine {engine!r}{suggest(engine, get_args(Engine))}")
    registry = _registry(folder)
    rows = _named(registry, "proposal", proposals)
    columns = _named(registry, "counterexample", counterexamples)
    where = workspaces.workspace(workspace)
    cells = matrix.compute(
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
    totals = matrix.totals(found)
    if as_json:
        print_json({"cells": found, "totals": totals})
    else:
        report.matrix(out, found)
        out.print(Text(report.totals_line(totals)))
        report.reasons(out, found)
        for broken in registry.broken:
            err.print(Text(str(broken), style="red"), soft_wrap=True)


def _named(registry: Registry, kind: Kind, names: str | None) -> list[tuple[Entry, dict[str, object]]]:
    every = registry.proposals if kind == "proposal" else registry.counterexamples
    chosen = [registry.find(kind, n.strip()) for n in names.split(",")] if names else list(every.values())
    if not chosen:
        raise InputError(f"there is no {kind} in the folder: elk-sandbox new {kind} NAME writes one")
    return [(entry, entry.settings()) for entry in chosen]


@app.command("world")
def world_(
    name: Annotated[str, typer.Argument(help="A standard world.")],
    settings: Set = None,
    png: Annotated[Path | None, typer.Option(help="Draw the world.")] = None,
    as_json: Json = False,
) -> None:
    """Show a standard world: its nodes, situations, and every measure of every reference reporter."""
    from elk_sandbox import listing, tour
    from elk_sandbox.checks import make_world

    world = make_world(name, settings or [])
    told = tour.describe(world)
    if png:
        from elk_sandbox.pictures import world_png

        with writing(png):
            world_png(world, name, png)
    if as_json:
        print_json({"world": name, **told})
    else:
        listing.world(out, name, told)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="proposal or counterexample")],
    name: Annotated[str, typer.Argument(help="Its name, a Python identifier.")],
    folder: Folder = None,
) -> None:
    """Write a working file from the template, ready to be judged."""
    from elk_sandbox.checks import write_new

    path = write_new(kind, name, folder or Path("proposals"))
    out.print(
        Text(f"{path}\n", style="bold") + Text(f"try: elk-sandbox {'judge' if kind == 'proposal' else 'check'} {path}")
    )


@app.command()
def doctor(as_json: Json = False) -> None:
    """Try 13 attacks from inside the isolation of user files, and say which are blocked on this machine."""
    from elk_sandbox import listing
    from elk_sandbox.runtime.attacks import self_test
    from elk_sandbox.runtime.isolation import isolation_level

    with status("trying 13 attacks", quiet=as_json):
        attacks, level = self_test(), isolation_level()
    if as_json:
        listed = [{"name": a.name, "blocked": a.blocked, "detail": a.detail} for a in attacks]
        print_json({"isolation": level, "attacks": listed, "blocked": sum(a.blocked for a in attacks)})
        return
    listing.doctor(out, level, attacks)


def main() -> None:
    """Run the command line; what the user got wrong is one line and exit status 2."""
    from elk_sandbox.runtime.engine import EngineError
    from elk_sandbox.runtime.isolation import IsolationError

    try:
        app()
    except IsolationError as reason:
        err.print(Text(f"elk-sandbox: {reason}", style="red"), soft_wrap=True)
        sys.exit(1)
    except (InputError, RegistryError, EngineError, NotADirectoryError) as reason:
        err.print(Text(f"elk-sandbox: {reason}", style="red"), soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
