"""`elk-sandbox list | check | show | new`: what there is, and files of the user's."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from elk_sandbox.commands.options import Blind, Folder, Home, Json, Set, registry_in
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.terminal import InputError, err, out, print_json, status

__all__ = ["check", "list_", "new", "show"]


def list_(folder: Folder = None, as_json: Json = False) -> None:
    """List proposals, counterexamples and worlds, and files that cannot be used with the reason."""
    from elk_sandbox import listing
    from elk_sandbox.worlds import STANDARD

    registry = registry_in(folder)
    kinds = {"proposals": registry.proposals, "counterexamples": registry.counterexamples}
    if as_json:
        listed: dict[str, Any] = {k: [listing.entry_json(e) for e in found.values()] for k, found in kinds.items()}
        broken = [{"path": str(b.path), "line": b.line, "message": b.message} for b in registry.broken]
        folders = [str(f) for f in registry.folders]
        print_json({"folders": folders, **listed, "worlds": list(STANDARD), "broken": broken})
        return
    out.print(Text(listing.read_from(registry), style="dim"), soft_wrap=True)
    for kind, found in kinds.items():
        listing.names(out, kind, {entry.name: entry.doc for entry in found.values()})
    listing.names(out, "worlds", {name: make.__doc__ or "" for name, make in STANDARD.items()})
    for broken_file in registry.broken:
        err.print(Text(str(broken_file), style="red"), soft_wrap=True)


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

    results = check_file(registry_in(folder), file, settings or [], workspaces.workspace(workspace))
    if as_json:
        print_json({"checks": results, "passed": all(r["passed"] for r in results)})
    else:
        listing.checks(out, results)
    if not all(r["passed"] for r in results):
        raise typer.Exit(2)


def show(
    name: Annotated[str, typer.Argument(help="A proposal, a counterexample, or a path to a .py file.")],
    blind: Blind = False,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Show a file: its argument, source, provenance, knobs, its world with the numbers there, and its text."""
    from elk_sandbox import blindfold, dossier, listing
    from elk_sandbox.checks import find_any

    registry = registry_in(folder)
    found = find_any(registry, name)
    numbers = [dossier.of(entry, registry, workspaces.workspace(workspace)) for entry in found]
    if blind:
        found, numbers = blindfold.entries(found), [blindfold.dossier(more) for more in numbers]
    if as_json:
        pairs = zip(found, numbers, strict=True)
        told = [{**listing.entry_json(e), "kind": e.kind, **more, "text": e.text} for e, more in pairs]
        print_json(told[0] if len(told) == 1 else told)
        return
    for entry, more in zip(found, numbers, strict=True):
        listing.entry(out, entry, more)


def new(
    kind: Annotated[str, typer.Argument(help="proposal or counterexample")],
    name: Annotated[str, typer.Argument(help="Its name, a Python identifier.")],
    against: Annotated[str | None, typer.Option(help="A proposal to break: begin from what comes nearest.")] = None,
    folder: Folder = None,
    workspace: Home = None,
) -> None:
    """Write a working file from the template, or a counterexample against a proposal, ready to be judged."""
    from elk_sandbox.checks import write_new

    place = folder or Path("proposals")
    if against:
        _against(kind, name, against, folder, place, workspace)
        return
    path = write_new(kind, name, place)
    out.print(
        Text(f"{path}\n", style="bold") + Text(f"try: elk-sandbox {'judge' if kind == 'proposal' else 'check'} {path}")
    )


def _against(kind: str, name: str, proposal: str, folder: Path | None, place: Path, home: Path | None) -> None:
    from elk_sandbox import against, report

    if kind != "counterexample":
        raise InputError("only a counterexample is written against a proposal: new counterexample NAME --against FILE")
    chosen = registry_in(folder).find("proposal", proposal)
    with status(f"judging {chosen.name} on every shipped counterexample", quiet=False):
        path, cell = against.begin(chosen, name, place, workspaces.workspace(home))
    told = f"begun from {cell['counterexample']}, where {chosen.name} is {report.verdict_words(cell)}"
    out.print(
        Text(f"{path}\n", style="bold") + Text(f"{told}\ntry: elk-sandbox judge {proposal} {path}"), soft_wrap=True
    )
