"""Results on learned worlds, kept by all that they depend on: a proposal or a published method, a world, a training."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.evidence.trained import Trained
from elk_sandbox.keys import code_digest
from elk_sandbox.learned import sources
from elk_sandbox.learned.siblings import Siblings
from elk_sandbox.learned.sources import Say
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime.tasks import Result, key_of, load, store
from elk_sandbox.terminal import json_text

__all__ = ["Row", "cell_key", "certificate", "compute", "kept", "row_of"]

FOLDER = "learned"

Row = Mapping[str, Any]
"""{"method": name} of a published method, else {"proposal": what `keys.source` tells of a file}."""


def row_of(row: Row) -> str:
    """By what people call it."""
    return str(row["method"] if "method" in row else row["proposal"]["name"])


def compute(
    rows: Sequence[Row], worlds: Sequence[str], home: Path, trained: Trained, say: Say, *, again: bool = False
) -> Iterator[dict[str, Any]]:
    """Each row in each world, world after world; what the workspace holds is not computed again.

    A cell: {"row", "kind": "proposal" or "method", "world", "certificate", **result}, JSON-able, None for what is
    undefined. `trained.steps` is of proposals. Of a world that cannot be made each cell is `refused` with the `reason`,
    and the others follow; such cells and those whose `passing` reason may be gone at another try are not kept. Raises
    WorldError for a name that stands for no world, before anything is computed.
    """
    digests = {name: sources.digest(name, home) for name in worlds}
    for name, digest in digests.items():
        done = 0
        try:
            for cell in _of_world(rows, name, digest, home, trained, say, again=again):
                done += 1
                yield cell
        except WorldError as reason:
            for row in rows[done:]:
                yield _refused(row, name, trained, str(reason))


def _of_world(
    rows: Sequence[Row], name: str, digest: str, home: Path, trained: Trained, say: Say, *, again: bool
) -> Iterator[dict[str, Any]]:
    """All of one world's cells; raises WorldError before the first that is not kept."""
    keys = [cell_key(row, digest, trained) for row in rows]
    held = [None if again else _cell(home, key, name) for key in keys]
    world: LearnedWorld | None = None
    known: dict[str, Any] = {}
    for row, key, found in zip(rows, keys, held, strict=True):
        if found is not None:
            yield found
            continue
        if world is None:
            say(f"{name}: getting the network ready", 0.0)
            world = sources.find(name, home, say)
            if sources.digest(name, home) != digest:  # a run went on: what is found would be kept as of its older self
                raise WorldError(f"{name} has changed since it was asked for: ask again")
            known = certificate(name, home, say, world, again=again)
        result = _result(row, world, trained, say, home, name)
        cell = {"row": row_of(row), "world": name, "certificate": known, **result}
        cell = json.loads(json_text(cell))
        if not cell.get("passing"):
            store(home / FOLDER, key, Result(cell, None, False, cell["seconds"]))
        yield cell


def _refused(row: Row, world: str, trained: Trained, reason: str) -> dict[str, Any]:
    """A cell of a world that cannot be made."""
    from elk_sandbox.learned.judge import NetResult

    kind = "method" if "method" in row else "proposal"
    nothing = NetResult(row_of(row), world, trained, reason=reason, passing=True).as_dict()
    unknown = {"certified": False, "words": reason}
    return {
        "row": row_of(row), "certificate": unknown, "kind": kind, "refused": True, **json.loads(json_text(nothing)),
    }  # fmt: skip


def kept(rows: Sequence[Row], digests: Mapping[str, str], home: Path, trained: Trained) -> dict[tuple[str, str], Any]:
    """By row and world, the cells that the workspace holds. digests: of the worlds, by name."""
    found = {}
    for name, digest in digests.items():
        for row in rows:
            cell = _cell(home, cell_key(row, digest, trained), name)
            if cell is not None:
                found[row_of(row), name] = cell
    return found


def _cell(home: Path, key: str, world: str) -> dict[str, Any] | None:
    """As it is kept; not if the siblings that its objective asked for are no longer the world's."""
    found = _held(home, key)
    kin = None if found is None else found.get("kin")
    return found if kin is None or kin == _kin(world, home) else None


def _kin(world: str, home: Path) -> str:
    """What a world's siblings are known by; why it has none, if so."""
    try:
        return sources.kin(world, home).digest
    except WorldError as reason:
        return str(reason)


def _held(home: Path, key: str) -> dict[str, Any] | None:
    found = load(home / FOLDER, key)
    return None if found is None or found.value is None else dict(found.value)


def certificate(
    name: str, home: Path, say: Say, world: LearnedWorld | None = None, *, again: bool = False
) -> dict[str, Any]:
    """Whether the predictor of that world knows; kept as results are. world: if it is at hand."""
    key = key_of({"code": code_digest(), "world": sources.digest(name, home), "certificate": True})
    if not again and (kept := _held(home, key)) is not None:
        return kept
    from elk_sandbox.learned.certificate import certify

    world = world or sources.find(name, home, say)
    say(f"{name}: certifying, does the predictor know?", 0.0)
    found: dict[str, Any] = json.loads(json_text(certify(world).as_dict()))
    store(home / FOLDER, key, Result(found, None, False, 0.0))
    return found


def _result(row: Row, world: LearnedWorld, trained: Trained, say: Say, home: Path, name: str) -> dict[str, Any]:
    """A cell's own part; "kin" tells what the siblings are known by, if they were asked for."""
    if "method" in row:
        from elk_sandbox.learned.methods import evaluate

        say(f"{world.name}: scoring {row_of(row)}", 0.0)
        (found,) = evaluate(world, [row["method"]], trained.seeds, np.random.default_rng(0))
        return {"kind": "method", "trained": {"seeds": trained.seeds}, **found.as_dict()}
    from elk_sandbox.learned.judge import judged

    done, words = 0, f"{world.name}: training {trained.seeds} reporter{'s' * (trained.seeds != 1)} of {row_of(row)}"
    say(words, 0.0)

    def progress(steps: int) -> None:
        nonlocal done
        done += steps
        say(words, done / trained.steps)

    asked: dict[str, str] = {}

    def siblings() -> Siblings:
        asked["kin"] = _kin(name, home)
        kin = sources.kin(name, home)
        asked["kin"] = ""  # by which no cell is found again, unless they can be made
        made = kin.made(lambda what, share: say(f"{name}: sibling predictors, {what}", share))
        asked["kin"] = kin.digest
        say(words, 0.0)
        return made

    told = judged(row["proposal"], world, trained, progress, kin=siblings).as_dict()
    return {"kind": "proposal", "knobs": dict(row["proposal"]["knobs"]), **told, **asked}


def cell_key(row: Row, world: str, trained: Trained) -> str:
    """Of all that a cell depends on. world: its digest."""
    if "method" in row:
        used: Any = {"method": row["method"], "seeds": trained.seeds}
    else:
        used = {**{k: row["proposal"][k] for k in ("text", "name", "knobs", "meta")}, "trained": asdict(trained)}
    return key_of({"code": code_digest(), "used": used, "world": world})
