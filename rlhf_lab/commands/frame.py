"""What all commands share: the workspace and its store, and options drawn from a stage's settings."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from elk_sandbox.declare import suggest
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError

__all__ = ["Detach", "Device", "Home", "Json", "Set", "changes", "knob_values", "opened", "with_settings"]

Home = Annotated[Path | None, typer.Option(help="Where runs are kept; default $ELK_SANDBOX_HOME or ./workspace.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background; `rlhf-lab show NAME` tells how far.")]
KINDS = {int: "whole number", float: "number", str: "word", bool: "true or false"}
Set = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set a setting; may be repeated.")]


@contextmanager
def opened(workspace: Path | None) -> Iterator[tuple[Store, Path]]:
    """The store and the folder of the workspace."""
    home = workspaces.workspace(workspace)
    with open_store(home) as store:
        yield store, home


def with_settings(config: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting of a stage; they reach it as the keyword argument `config`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        given = inspect.signature(command)
        own = [p for p in given.parameters.values() if p.name != "config"]
        options = [
            inspect.Parameter(
                f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default,
                annotation=Annotated[f.type, typer.Option(help=_help(f.metadata))],
            )
            for f in fields(config)
        ]  # fmt: skip

        def run(**values: Any) -> None:
            chosen = {f.name: values.pop(f.name) for f in fields(config)}
            command(**values, config=chosen)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {p.name: p.annotation for p in (*own, *options)}
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        run.__signature__ = inspect.Signature([*parameters, *options])  # type: ignore[attr-defined]
        return run

    return decorate


def _help(metadata: Any) -> str:
    choices = metadata["choices"]
    return f"{metadata['meaning']}{' (' + ', '.join(choices) + ')' if choices else ''}"


def changes(settings: list[str] | None, config: type[Any]) -> dict[str, Any]:
    """NAME=VALUE strings as values of the types that a stage's settings have. Raises InputError."""
    known = {f.name: f for f in fields(config)}
    found = {}
    for each in settings or []:
        name, equals, text = each.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            raise InputError(f"--set {each}: say NAME=VALUE with one of its settings{suggest(name, known)}")
        if not equals:
            raise InputError(f"--set {each}: say its value too, as in {name}={known[name].default}")
        kind: Any = known[name].type
        try:
            found[name] = text == "true" if kind is bool else kind(text)
        except ValueError as reason:
            raise InputError(f"--set {each}: {name} is a {KINDS[kind]}") from reason
    return found


def knob_values(settings: list[str] | None) -> dict[str, Any]:
    """KNOB=VALUE strings as a simulated rater's knobs. Raises InputError."""
    from rlhf_lab.raters import KNOBS

    found: dict[str, Any] = {}
    for each in settings or []:
        name, equals, text = each.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in KNOBS:
            raise InputError(f"--set {each}: say KNOB=VALUE with a rater's knob{suggest(name, KNOBS)}")
        knob = KNOBS[name]
        try:
            plain = (text.lower() == "none" and knob.optional) or knob.choices
            found[name] = (None if not knob.choices else text) if plain else int(text) if knob.whole else float(text)
        except ValueError as reason:
            raise InputError(
                f"--set {each}: {name} is a {'whole ' if knob.whole else ''}number: {knob.meaning}"
            ) from reason
    return found
