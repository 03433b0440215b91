"""`elk-sandbox world | doctor`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from elk_sandbox.commands.options import Home, Json, Set
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.terminal import InputError, out, print_json, saying, status, writing

__all__ = ["doctor", "world"]


def world(
    name: Annotated[str, typer.Argument(help="A standard world, or a learned one such as vault or vault:seed=1.")],
    settings: Set = None,
    png: Annotated[Path | None, typer.Option(help="Draw the world.")] = None,
    workspace: Home = None,
    as_json: Json = False,
) -> None:
    """Show a standard world: its nodes, situations, and every measure of every reference reporter.

    Of a learned world, which is made first if it is not yet: its kinds of situations, who is fooled in which, how the
    network was trained, and whether it is certified to know.
    """
    from elk_sandbox import listing, tour
    from elk_sandbox.checks import make_world
    from elk_sandbox.learned import sources

    if name.partition(":")[0] in sources.kinds():
        _learned(name, settings or [], png, workspaces.workspace(workspace), as_json)
        return

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


def _learned(name: str, settings: Sequence[str], png: Path | None, home: Path, as_json: bool) -> None:
    from elk_sandbox.learned import cells, film, sources, telling

    if settings:
        raise InputError(f"a learned world's knobs stand in its name, as in {name}:{settings[0]}, not in --set")
    with saying(quiet=as_json) as say, writing(home):
        found = sources.find(name, home, say)
        certificate = cells.certificate(name, home, say, found)
    if png:
        with writing(png):
            film.film_png(found, png)
    told = telling.describe(found, certificate)
    if as_json:
        print_json(told)
    else:
        telling.tell(out, told)


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
