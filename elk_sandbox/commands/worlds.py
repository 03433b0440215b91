"""`elk-sandbox world | doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from elk_sandbox.commands.options import Home, Json, Set
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.terminal import out, print_json, status, writing

__all__ = ["doctor", "world"]


def world(
    name: Annotated[str, typer.Argument(help="A standard world.")],
    settings: Set = None,
    png: Annotated[Path | None, typer.Option(help="Draw the world.")] = None,
    as_json: Json = False,
) -> None:
    """Show a standard world: its nodes, situations, and every measure of every reference reporter."""
    from elk_sandbox import listing, tour
    from elk_sandbox.checks import make_world

    made = make_world(name, settings or [])
    told = tour.describe(made)
    if png:
        from elk_sandbox.world_picture import world_png

        with writing(png):
            world_png(made, name, png)
    if as_json:
        print_json({"world": name, **told})
    else:
        listing.world(out, name, told)


def doctor(workspace: Home = None, as_json: Json = False) -> None:
    """Try 13 attacks from inside the isolation of user files, say which are blocked on this machine, and keep it."""
    from elk_sandbox import listing
    from elk_sandbox.runtime import measured
    from elk_sandbox.runtime.attacks import self_test
    from elk_sandbox.runtime.isolation import isolation_level

    with status("trying 13 attacks", quiet=as_json):
        attacks, level = self_test(), isolation_level()
    found, home = measured.as_dict(attacks, level), workspaces.workspace(workspace)
    with writing(home):
        measured.keep(home, found)
    if as_json:
        print_json(found)
        return
    listing.doctor(out, level, attacks)
