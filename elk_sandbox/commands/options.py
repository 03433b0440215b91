"""Options that several commands of the command line have, and what they mean."""

from pathlib import Path
from typing import Annotated

import typer

from elk_sandbox.runtime.registry import Registry

__all__ = ["Blind", "Folder", "Home", "Json", "Set", "registry_in"]

Folder = Annotated[
    Path | None, typer.Option(help="The only folder of proposals; default ./proposals and the shipped one.")
]
Home = Annotated[Path | None, typer.Option(help="Where results are kept; default $ELK_SANDBOX_HOME or ./workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Blind = Annotated[
    bool, typer.Option("--blind", help="Hide verdicts that `judge` was not asked for, and what the literature says.")
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Set a knob; may be repeated.")]


def registry_in(folder: Path | None) -> Registry:
    return Registry.scan(folder) if folder else Registry.default()
