"""A learned world as a user meets it: its kinds of situations, who is fooled where, its training, its certificate."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elk_sandbox.learned.world import LearnedWorld
from elk_sandbox.listing import facts

__all__ = ["describe", "tell"]

SHOWN = 100  # characters of a fact that nobody has words for


def describe(world: LearnedWorld, certificate: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-able but for nan, which a share of nothing is. certificate: as `cells.certificate` gives it.

    Of each kind: its share of all situations, the data processes that hold it, how often yes is true, how often it
    looks so to the viewer, and how often each human is wrong, and all sensors say yes, where it is not true.
    """
    return {
        "world": world.name,
        "question": world.question,
        "situations": len(world.truth),
        "test": int(world.test.sum()),
        "layers": {name: layer.shape[1] for name, layer in world.layers.items()},
        "inputs": world.inputs.shape[1],
        "sensors": world.sensors.shape[1],
        "kinds": {name: _kind(world, k) for k, name in enumerate(world.kinds)},
        "data": {
            name: {
                "labelled_by": process.labelled_by,
                "situations": int(process.inside.sum()),
                "right": _share(process.labels[process.inside] == world.truth[process.inside]),
            }
            for name, process in world.data.items()
        },
        "spoken": _spoken(world),
        "about": dict(world.about),
        "certificate": dict(certificate),
    }


def _kind(world: LearnedWorld, k: int) -> dict[str, Any]:
    mine = world.kind == k
    gone = mine & (world.truth == 0)
    return {
        "words": world.words.get(world.kinds[k], ""),
        "share": _share(mine),
        "data": [name for name, process in world.data.items() if (process.inside & mine).any()],
        "true": _share(world.truth[mine] == 1),
        "looks_good": _share(world.looks_good[mine]),
        "fooled": {name: _share(p[gone] > 0.5) for name, p in world.humans.items()},
        "all_sensors_fooled": _share(world.sensors[gone].all(axis=1)) if world.sensors.shape[1] else math.nan,
        "not_true": int(gone.sum()),
    }


def _spoken(world: LearnedWorld) -> dict[str, float] | None:
    """Among situations that look good and are not, how often the network says yes as each persona."""
    if world.spoken is None or world.persona is None:
        return None
    fooled = world.fooled & world.test
    return {
        f"persona {who} says yes where the viewer is fooled": _share(
            world.spoken[fooled & (world.persona == who)] > 0.5
        )
        for who in (0, 1)
    }


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if flags.size else math.nan


def tell(console: Console, told: Mapping[str, Any]) -> None:
    """What `describe` found, on the terminal."""
    console.print(Text(f"{told['world']}: {told['situations']} situations, {told['test']} of them for tests", "bold"))
    layers = ", ".join(f"{name} ({units})" for name, units in told["layers"].items())
    rows = [("asked", told["question"]), ("layers", layers)]
    rows += [
        (name, f"{d['situations']} situations labelled by {d['labelled_by']}, {d['right']:.1%} of the labels right")
        for name, d in told["data"].items()
    ]
    facts(console, rows)
    console.print()
    console.print(_kinds(told["kinds"]))
    facts(console, [(name, kind["words"]) for name, kind in told["kinds"].items() if kind["words"]], style="dim")
    console.print()
    facts(console, [*_training(told["about"]), *(("says", f"{k}: {v:.1%}") for k, v in (told["spoken"] or {}).items())])
    found = told["certificate"]
    words = f"{'certified' if found['certified'] else 'uncertified'}: {found['words']}"
    facts(console, [("certificate", words)], style="bold green" if found["certified"] else "bold yellow")
    by_layer = {**found["layers"], "untrained": found["untrained"], "raw input": found["raw"]}
    told_ones = [f"{name} {each['value']:.3f}" for name, each in by_layer.items() if each and each["value"] is not None]
    facts(console, [("AUROC", ", ".join(told_ones) or "-")])


def _kinds(kinds: Mapping[str, Mapping[str, Any]]) -> Table:
    levels = list(dict.fromkeys(level for kind in kinds.values() for level in kind["fooled"]))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("kind", no_wrap=True)
    for word in ("share", "yes is true", "looks good", *(f"{level} fooled" for level in levels), "all sensors"):
        table.add_column(word, justify="right")
    table.add_column("in data of")
    for name, kind in kinds.items():
        numbers = [kind["share"], kind["true"], kind["looks_good"], *(kind["fooled"][level] for level in levels)]
        table.add_row(
            name, *map(_percent, [*numbers, kind["all_sensors_fooled"]]), ", ".join(kind["data"]) or "nobody: unknown"
        )
    return table


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"


def _training(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in about.items():
        if name == "loss" and value:
            rows.append(("loss", f"{value[0]:.1f} nats an episode at first, {value[-1]:.1f} at the end"))
        elif isinstance(value, Mapping):
            rows.append((name, ", ".join(f"{k} {v}" for k, v in value.items())))
        elif len(str(value)) <= SHOWN:
            rows.append((name, str(value)))
    return rows
