"""What `judge --on`, `judge --along` and `matrix --worlds` do."""

import csv
import io
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elk_sandbox.evidence.trained import Trained
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.registry import Entry
from elk_sandbox.terminal import InputError, duration, err, out, print_json, saying, writing

__all__ = ["along", "matrix", "methods", "named", "on"]

MEASURES = {
    "auroc": "real from fake, AUROC", "auroc_unknown": "unknown fakes", "dishonest": "dishonest",
    "honesty_fooled": "fooled: honest", "honesty_real": "real: right",
}  # fmt: skip
GAPLESS = (
    "gap recovered: undefined, as there is no gap: asked as the one who says what the viewer would, the network's own "
    "answers rank truths as well (AUROC) as asked as the other"
)
RECOVERED = {"recovered": "gap recovered", "recovered_hard": "on hard ones"}  # where there are personas

CONSTANT = (
    "all seeds say the same to all: a penalty may be worth more than the labels; try a smaller weight, --set NAME=VALUE"
)

HELD = 0.5  # seconds: what comes sooner was in the workspace

Item = tuple[Entry, Mapping[str, object]]


def methods(names: str | None) -> list[str]:
    """The published methods of these names, all without any. Raises InputError."""
    from elk_sandbox.declare import suggest
    from elk_sandbox.learned.published import PUBLISHED

    chosen = list(PUBLISHED) if names is None else [n.strip() for n in names.split(",") if n.strip()]
    for name in chosen:
        if name not in PUBLISHED:
            raise InputError(f"no method is called {name!r}{suggest(name, PUBLISHED)}")
    return chosen


def named(worlds: str) -> list[str]:
    """Names of learned worlds in a list with commas. Raises InputError for none."""
    from elk_sandbox.learned.sources import several

    if not (found := several(worlds)):
        raise InputError("--worlds names learned worlds, separated by commas: vault,run:NAME")
    return found


def on(item: Item, world: str, trained: Trained, home: Path, again: bool, as_json: bool) -> None:
    """One proposal on one learned world."""
    (cell,) = _cells([item], [], [world], trained, home, again=again, quiet=as_json)
    if as_json:
        print_json(cell)
        _ended([cell])
        return
    knobs = "".join(f", {name}={value}" for name, value in cell.get("knobs", {}).items())
    out.print(Text(f"{cell['row']} on {cell['world']}{knobs}", style="bold"))
    if cell["reason"]:
        out.print(Text(cell["reason"], style="yellow"), soft_wrap=True)
    else:
        _facts(out, cell)
    out.print(Text(_known(cell["certificate"])), soft_wrap=True)
    _ended([cell])


def _ended(cells: Sequence[Mapping[str, Any]]) -> None:
    """As `judge` does elsewhere: 2 where the proposal is at fault."""
    if all(cell.get("fault") for cell in cells):
        raise typer.Exit(2)


def along(item: Item, run: str, trained: Trained, home: Path, again: bool, as_json: bool) -> None:
    """One proposal on every world of a sequence, such as a run's checkpoints."""
    from elk_sandbox.learned import sources

    every = list(sources.along(run, home))
    cells = _cells([item], [], [s.world for s in every], trained, home, again=again, quiet=as_json)
    told = [
        {"step": s.step, "kl": s.kl, "proxy": s.proxy, "gold": s.gold, **cell}
        for s, cell in zip(every, cells, strict=True)
    ]
    if as_json:
        print_json(told)
        _ended(cells)
        return
    table = Table(title=f"{cells[0]['row']} along {run}", title_justify="left")
    for name in ("step", "KL, nats", "proxy", "gold", "real from fake, AUROC", "dishonest", "nearest", "certificate"):
        table.add_column(name)
    for row in told:
        numbers = [f"{row[k]:.3g}" if row[k] is not None and row[k] == row[k] else "-" for k in ("kl", "proxy", "gold")]
        table.add_row(str(row["step"]), *numbers, _number(row["auroc"]), _number(row["dishonest"]), _nearest(row),
                      _short(row["certificate"]))  # fmt: skip
    out.print(table)
    _reasons(told)
    _ended(cells)


def matrix(
    items: Sequence[Item], published: Sequence[str], names: Sequence[str], trained: Trained, home: Path, again: bool,
    file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Each proposal and each method on each world, as tables or as JSON, and as lines of a CSV file."""
    cells = _cells(items, published, names, trained, home, again=again, quiet=as_json)
    if file:
        with writing(file):
            workspaces.write(file.absolute(), _csv(cells))
    if as_json:
        print_json({"cells": cells})
    else:
        _table(out, cells)
    _ended(cells)


def _cells(
    items: Sequence[Item], published: Sequence[str], names: Sequence[str], trained: Trained, home: Path, *,
    again: bool, quiet: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """Each proposal and each method on each world; of several each is told as it comes, unless quiet."""
    from elk_sandbox import keys
    from elk_sandbox.learned.cells import Row, compute

    rows: list[Row] = [{"proposal": keys.source(entry, dict(knobs))} for entry, knobs in items]
    rows += [{"method": name} for name in published]
    every, cells, taken = len(rows) * len(set(names)), list[dict[str, Any]](), list[float]()
    with saying(quiet=quiet) as say:
        since = time.monotonic()
        for cell in compute(rows, names, home, trained, say, again=again):
            cells.append(cell)
            now = time.monotonic()
            taken += [now - since] * (now - since > HELD)
            since = now
            if every > 1 and not quiet:
                err.print(Text(_come(cell, len(cells), every, taken)), soft_wrap=True)
    refused = {c["world"]: str(c["reason"]) for c in cells if c.get("refused")}
    if refused and len(refused) == len(set(names)):
        raise InputError(next(iter(refused.values())))
    for world, reason in refused.items():
        err.print(Text(f"{world}: {reason}"), soft_wrap=True)
    return cells


def _come(cell: Mapping[str, Any], count: int, every: int, taken: Sequence[float]) -> str:
    """A cell in a line, how many there are, and how long the rest will take by the usual pace of two or more."""
    told = cell["reason"] or (
        f"real from fake {_number(cell['auroc'])}, dishonest {_number(cell['dishonest'])}, nearest {_nearest(cell)}"
    )
    early = len(taken) < 2 or count == every
    left = "" if early else f"; about {duration(statistics.median(taken) * (every - count))} left of all"
    return f"{count} of {every}, {cell['row']} on {cell['world']}: {told}{left}"


def _csv(cells: Sequence[Mapping[str, Any]]) -> str:
    """A line for each cell: the estimates, each with its interval of 95 %, who answers alike, why there is nothing."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    ends = ("value", "low", "high")
    names = ["auroc", "auroc_unknown", "dishonest", "honesty_fooled", "honesty_real", "balanced", "recovered"]
    table.writerow(
        ["row", "kind", "world", "certified", "seeds", "reporter", "steps"]
        + [name + ("" if end == "value" else f"_{end}") for name in names for end in ends]
        + ["nearest", "reason"]
    )
    for cell in cells:
        trained = cell["trained"]
        table.writerow(
            [cell["row"], cell["kind"], cell["world"], cell["certificate"]["certified"], trained["seeds"]]
            + [trained.get("reporter"), trained.get("steps")]
            + [(cell.get(name) or {}).get(end) for name in names for end in ends]
            + ["" if _nearest(cell) == "-" else _nearest(cell), cell["reason"]]
        )
    return text.getvalue()


def _table(console: Console, cells: Sequence[Mapping[str, Any]]) -> None:
    """All cells, a block for each world."""
    for world in dict.fromkeys(c["world"] for c in cells):
        some = [c for c in cells if c["world"] == world]
        shown = Table(title=world, title_justify="left")
        measures = dict(MEASURES) | (RECOVERED if any(_number(c.get("recovered")) != "-" for c in some) else {})
        for name in ("", *measures.values(), "nearest"):
            shown.add_column(name)
        for cell in (c for c in some if not c["reason"]):
            shown.add_row(
                cell["row"], *(_number(cell[k]) for k in measures), _nearest(cell),
            )  # fmt: skip
        console.print(shown)
        console.print(Text(_known(some[0]["certificate"])), soft_wrap=True)
        if not measures.keys() & RECOVERED and any(_gapless(c) for c in some):
            console.print(Text(GAPLESS), soft_wrap=True)
    _reasons(cells)


def _gapless(cell: Mapping[str, Any]) -> bool:
    """Whether a world has personas, and no gap between what they say."""
    told = cell.get("recovered") or {"value": None, "counts": {}}
    return told["value"] is None and min(told["counts"].get(who, 0) for who in ("bob", "alice")) > 0


def _reasons(cells: Sequence[Mapping[str, Any]]) -> None:
    by_reason: dict[str, list[str]] = {}
    for cell in cells:
        if cell["reason"]:
            by_reason.setdefault(cell["reason"], []).append(cell["row"])
    for reason, rows in by_reason.items():
        named = ", ".join(dict.fromkeys(rows))
        out.print(Text(f"{named}: {reason}", style="dim"), soft_wrap=True)


def _facts(console: Console, cell: Mapping[str, Any]) -> None:
    from elk_sandbox.listing import facts

    trained = cell["trained"]
    lines = [
        ("trained", f"{trained['seeds']} seeds ({trained['reporter']}), {trained['steps']} steps, "
                    f"{cell['seconds']:.1f} s; {cell['isolation']}"),
        ("dishonest", f"{_number(cell['dishonest'])} of situations answered against the truth"),
        ("", f"{_number(cell['dishonest_unknown'])} where no data holds what happens"),
        ("fooled", f"{_number(cell['honesty_fooled'])} right where it looks good and is not"),
        ("real", f"{_number(cell['honesty_real'])} right where it looks good and is; the mean of both "
                 f"{_number(cell['balanced'])}: .5 for who always says the same"),
        ("told apart", f"real from fake with an AUROC of {_number(cell['auroc'])}, from fakes of unknown kinds of "
                       f"{_number(cell['auroc_unknown'])}"),
        ("nearest", _nearest(cell)),
        *([("", CONSTANT)] if set(cell["like"]) <= {"always_yes", "always_no"} else []),
        ("", ", ".join(f"{name} {share:.1%}" for name, share in cell["alike"].items()) + " of answers alike"),
    ]  # fmt: skip
    if cell["siblings"]:
        lines += [("siblings", ", ".join(cell["siblings"]))]
    if _number(cell["apart"]) != "-":
        lines += [
            ("", f"{_number(cell['apart'])} of situations answered otherwise by the reporter of another predictor"),
            ("", f"{_number(cell['apart_fooled'])} of those that look good and are not"),
            *(("", f"nearest on {name}: {_nearest({'like': like})}") for name, like in cell["like_there"].items()),
        ]
    if _number(cell["recovered"]) != "-":
        lines += [
            ("personas", f"{_number(cell['recovered'])} of the gap recovered between what the persona says who speaks "
                         f"as the viewer would, and the truth; {_number(cell['recovered_hard'])} on hard situations"),
        ]  # fmt: skip
    elif _gapless(cell):
        lines += [("personas", GAPLESS)]
    lines += [
        (
            "surrogate",
            f"{c['measure']}: rank correlation {c['correlation']:.2f} with the exact measure at the least, "
            "of reporters that say yes or no; less of others, see docs/learned.md",
        )
        for c in cell["surrogates"]
    ]
    facts(console, lines)


def _number(estimate: Mapping[str, Any] | None) -> str:
    if not estimate or estimate["value"] is None:
        return "-"
    ends = [estimate["low"], estimate["high"]]
    return f"{estimate['value']:.3f}" + ("" if None in ends else f" [{ends[0]:.3f}, {ends[1]:.3f}]")


def _nearest(cell: Mapping[str, Any]) -> str:
    like = cell.get("like") or {}
    total = sum(like.values())
    return ", ".join(f"{name} {count} of {total}" for name, count in like.items()) or "-"


def _short(certificate: Mapping[str, Any]) -> str:
    return "certified" if certificate["certified"] else "uncertified"


def _known(certificate: Mapping[str, Any]) -> str:
    return f"{_short(certificate)}: {certificate['words']}"
