"""What `elk-sandbox flip` leaves in the workspace: its record, and one with everything left open, for the app."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elk_sandbox.checks import world_knobs
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.symbolic import flip as flips
from elk_sandbox.symbolic.flip import Flip
from elk_sandbox.symbolic.kept import FAULT, flip_key, keep, kept, whole_key
from elk_sandbox.symbolic.openings import OPENINGS
from elk_sandbox.symbolic.record import opened
from elk_sandbox.terminal import InputError

__all__ = ["fault", "keep_flip", "keep_whole"]


def keep_flip(flip: Flip, record: Mapping[str, Any], home: Path, seconds: float) -> None:
    """Keep a flip's record by what is open and what is set. Raises OSError."""
    over = [a.name for a in flip.plane.axes]
    keep(record, flip_key(_entries(flip), _world(flip), over, record["knobs"]), home, seconds)


def keep_whole(registry: Registry, proposal: str, counterexample: str, flip: Flip, home: Path) -> None:
    """Keep the record with everything left open that this flip is a part of, if it is not there. Raises OSError.

    proposal, counterexample: what was asked for, which may be files.
    """
    switches = _switches(flip)
    key = whole_key(_entries(flip), _world(flip), switches)
    if kept(key, home) is not None:
        return
    began = time.perf_counter()
    usual = flips.find(registry, proposal, counterexample, None, switches)
    found = flips.whole(registry, proposal, counterexample, switches)
    keep(opened(found, usual), key, home, time.perf_counter() - began)


def fault(registry: Registry, proposal: str, counterexample: str, home: Path) -> None:
    """Keep why nothing is known of a proposal against a scene, if that is so. Raises OSError."""
    try:
        entries = [registry.find("proposal", name.strip()) for name in proposal.split("+")]
        world: Entry | str = counterexample
        if not (counterexample in OPENINGS and OPENINGS[counterexample].control):
            world = registry.find("counterexample", counterexample)
        flips.whole(registry, proposal, counterexample, [])
    except RegistryError:
        return
    except InputError as why:
        keep({FAULT: str(why)}, whole_key(entries, world, []), home, 0.0)


def _entries(flip: Flip) -> list[Entry]:
    return [part.entry for part in flip.parts]


def _world(flip: Flip) -> Entry | str:
    return flip.entry or flip.counterexample


def _switches(flip: Flip) -> list[str]:
    """What is set of the world otherwise than usual and is no number, as in cached=false."""
    knobs = flip.entry.knobs if flip.entry else world_knobs(flip.counterexample)
    return [
        f"{k.name}={str(flip.values[k.name]).lower()}"
        for k in knobs
        if isinstance(k.default, bool) and flip.values[k.name] != k.default
    ]
