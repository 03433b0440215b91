"""The command `elk-sandbox flip`; sympy is loaded when it runs."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from elk_sandbox.commands.options import Folder, Home, Json, Set, registry_in
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.registry import Registry
from elk_sandbox.terminal import InputError, err, out, print_json, status, writing

__all__ = ["flip"]


def flip(
    proposal: Annotated[
        str | None,
        typer.Argument(help="A name or a file; several joined by + share one loss. Without: a list."),
    ] = None,
    counterexample: Annotated[
        str | None, typer.Argument(help="A counterexample with closed forms, or a control world.")
    ] = None,
    over: Annotated[str | None, typer.Option(help="One or two parameters to leave open, as in n,weight.")] = None,
    settings: Set = None,
    png: Annotated[Path | None, typer.Option(help="Draw the plane of the two parameters.")] = None,
    folder: Folder = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Say in closed form where a verdict flips: over sizes, probabilities and weights; checked against the judge."""
    from elk_sandbox.symbolic import flip as flips
    from elk_sandbox.symbolic import judged, keeping, record, told

    registry, home = registry_in(folder), workspaces.workspace(workspace)
    if proposal is None:
        _pairs(registry, home, as_json)
        return
    if counterexample is None:
        raise InputError(f"against what? elk-sandbox flip {proposal} COUNTEREXAMPLE; without names it is a list")
    try:
        with status(f"solving {proposal} x {counterexample}", quiet=as_json):
            began = time.perf_counter()
            try:
                found = flips.find(registry, proposal, counterexample, over, settings or [])
            except InputError as reason:
                keeping.fault(registry, proposal, counterexample, home)
                raise reason
            points = judged.check(found, home)
            everything = record.as_dict(found, points)
            with writing(home):
                keeping.keep_flip(found, everything, home, time.perf_counter() - began)
                keeping.keep_whole(registry, proposal, counterexample, found, home)
    except UserError as fault:
        raise InputError(str(fault)) from None
    if png:
        from elk_sandbox.symbolic.plane import plane_png

        if len(found.plane.axes) < 2:
            raise InputError("--png draws a plane: leave two parameters open, as in --over n,weight")
        with writing(png):
            plane_png(found, png)
    if as_json:
        print_json(everything)
    else:
        told.show(out, found, points)
    if not judged.agrees(found, points):
        err.print(Text(f"elk-sandbox: the judge {told.disagreement(found, points)}", style="red"), soft_wrap=True)
        raise typer.Exit(1)


def _pairs(registry: Registry, home: Path, as_json: bool) -> None:
    """Which proposals have closed forms against what; kept in the workspace for the app."""
    from elk_sandbox.symbolic.kept import keep, pairs_key
    from elk_sandbox.symbolic.pairs import pairs

    began = time.perf_counter()
    with status("reading proposals", quiet=as_json):
        found = pairs(registry)
    with writing(home):
        keep(found, pairs_key(registry), home, time.perf_counter() - began)
    if as_json:
        print_json(found)
        return
    for name, worlds in found.items():
        known = [w for w, fault in worlds.items() if fault is None]
        told = "all" if len(known) == len(worlds) else ", ".join(known) or "none"
        out.print(Text(f"{name}  ", style="bold") + Text(told), soft_wrap=True)
