"""Flips in the workspace, by the hash of all that they depend on; without loading sympy.

Of a proposal against a scene there is one record with everything left open, for a look at any values, and one for each
choice of what is left open and what the rest is, which has regions, borders and the judge's word.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elk_sandbox.keys import code_digest
from elk_sandbox.runtime.registry import Entry, Registry
from elk_sandbox.runtime.tasks import Result, key_of, load, store

__all__ = ["FOLDER", "flip_key", "keep", "kept", "pairs_key", "whole_key"]

FOLDER = "flips"
FAULT = "fault"  # of a record: why there are no closed forms

Knobs = Mapping[str, Mapping[str, Any]]
"""Of each proposal and of the world, by name: the knobs' values, None for one that is left open."""


def flip_key(proposals: Sequence[Entry], world: Entry | str, over: Sequence[str], knobs: Knobs) -> str:
    """Of what is known over these parameters, with all knobs that count at these values.

    world: a counterexample's file, or the name of a control.
    """
    values = {owner: {k: _plain(v) for k, v in sorted(mine.items()) if v is not None} for owner, mine in knobs.items()}
    return key_of({**_files(proposals, world), "over": list(over), "knobs": values})


def whole_key(proposals: Sequence[Entry], world: Entry | str, switches: Sequence[str]) -> str:
    """Of what is known with everything left open but the knobs that are set, as in cached=false."""
    return key_of({**_files(proposals, world), "switches": sorted(switches)})


def pairs_key(registry: Registry) -> str:
    """Of the table of who has closed forms against whom."""
    both = registry.proposals, registry.counterexamples
    return key_of({"code": code_digest(), "pairs": [[[e.name, e.text] for e in found.values()] for found in both]})


def _files(proposals: Sequence[Entry], world: Entry | str) -> dict[str, Any]:
    file = {"name": world} if isinstance(world, str) else {"name": world.name, "text": world.text}
    return {"code": code_digest(), "proposals": [{"name": e.name, "text": e.text} for e in proposals], "world": file}


def _plain(value: Any) -> Any:
    """1 and 1.0 are the same setting."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def keep(record: Mapping[str, Any], key: str, home: Path, seconds: float) -> None:
    """Put a record into the workspace. Raises OSError."""
    store(home / FOLDER, key, Result(dict(record), None, False, seconds))


def kept(key: str, home: Path) -> dict[str, Any] | None:
    """The record of this key; None if there is none."""
    found = load(home / FOLDER, key)
    return None if found is None else found.value
