"""From plug-in files to verdicts: children are started, cases built and kept, rows of the matrix judged.

Everything here takes and gives JSON, so that a row can be judged in this process, in another, or on a cluster.
"""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox import literature, wire
from elk_sandbox.judge import Strategy, judge, redrawn
from elk_sandbox.keys import FRESH, case_key, mark_of
from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.isolation import Child, Limits, UserError
from elk_sandbox.seats import Seat
from elk_sandbox.verdict import Verdict
from elk_sandbox.world import Case

__all__ = [
    "Desk",
    "build",
    "case_of",
    "case_path",
    "child_of",
    "draws_of",
    "kept_case",
    "row",
]

KEPT = 64  # draws held in memory
_SEATS: dict[str, Seat] = {}
MOST_KEPT = 32 << 20  # bytes of a case on disk: a larger one is built each time
PRINTED = 2000  # bytes of what a file prints that are shown
LIMITS = Limits(cpu=600)  # a row in all; a call has its own limit
DEATHS = 2  # of a proposal's child, after which the rest of its row is not tried


def build(counterexample: Mapping[str, Any], draws: list[int | None], folder: Path) -> list[Case]:
    """The cases of these draws, from the workspace or from a child that runs the file. Raises UserError."""
    paths = [case_path(case_key(counterexample, draw), folder) for draw in draws]
    cases = [_load(path) for path in paths]
    if any(case is None for case in cases):
        with child_of("counterexample", counterexample) as child:
            for k, (draw, path) in enumerate(zip(draws, paths, strict=True)):
                if cases[k] is None:
                    meta, arrays = child.call({"draw": draw, "knobs": counterexample["knobs"]}, {})
                    cases[k] = _received(meta, arrays, str(counterexample["path"]))
                    _save(path, meta, arrays)
    return [case for case in cases if case is not None]


def kept_case(key: str, folder: Path) -> Case | None:
    """The case of a `case_key` if the workspace holds it; no file of the user's is run."""
    return _load(case_path(key, folder))


def case_path(key: str, folder: Path) -> Path:
    """The file that holds the case of a `case_key`."""
    return folder / "cases" / key[:2] / f"{key}.npz"


def case_of(counterexample: Mapping[str, Any], folder: Path) -> Case:
    """The stock draw."""
    return build(counterexample, [None], folder)[0]


def seats(counterexample: Mapping[str, Any], draws: list[int | None], folder: Path) -> list[Seat]:
    """The draws with their candidates; the last ones used stay in memory, since every proposal meets them."""
    keys = [case_key(counterexample, draw) for draw in draws]
    missing = [draw for draw, key in zip(draws, keys, strict=True) if key not in _SEATS]
    built = dict(zip(missing, build(counterexample, missing, folder), strict=True))
    for draw, key in zip(draws, keys, strict=True):
        _SEATS[key] = _SEATS.pop(key) if key in _SEATS else Seat(built[draw])
    found = [_SEATS[key] for key in keys]
    for key in list(_SEATS)[: max(0, len(_SEATS) - KEPT)]:
        del _SEATS[key]
    return found


def _received(meta: dict[str, Any], arrays: dict[str, np.ndarray], path: str) -> Case:
    try:
        return wire.read(meta, arrays)
    except (KeyError, ValueError, TypeError, IndexError) as reason:
        raise UserError(f"its case is malformed: {reason}", path, None, "reply") from reason


def _load(path: Path) -> Case | None:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return wire.read(json.loads(arrays.pop("meta").tobytes()), arrays)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # absent or damaged: it is built again
        return None


def _save(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    if sum(a.nbytes for a in arrays.values()) > MOST_KEPT:
        return
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    workspace.write_result(path, buffer.getvalue())


def draws_of(fresh: int, text: str) -> list[int | None]:
    """The stock draw, and seeds that follow from the proposal's text: no file can know its own fresh draws by heart."""
    words = [f"{k} {text}".encode() for k in range(1, fresh + 1)]
    return [None, *(int.from_bytes(hashlib.sha256(w).digest()[:6]) for w in words)]


class Desk:
    """A proposal's two children: one sees candidates in company, one has only ever seen them one at a time."""

    def __init__(self, proposal: Mapping[str, Any]) -> None:
        self.proposal, self.deaths = proposal, 0
        self._children = [child_of("proposal", proposal) for _ in range(2)]
        self._strategy: Strategy | None = None

    @property
    def isolation(self) -> str:
        return self._children[0].isolation

    def strategy(self) -> Strategy:
        """Ready to be judged, the same as before; a child that died is replaced, which makes another of it."""
        if self._strategy is None or not all(c.alive for c in self._children):
            self._children = [c if c.alive else child_of("proposal", self.proposal) for c in self._children]
            together, alone = self._children
            meta = self.proposal["meta"]
            knobs, needs = self.proposal["knobs"], tuple(meta["needs"])
            self._strategy = Strategy(together, knobs, needs, meta["control"], alone)
        return self._strategy

    def count_deaths(self) -> None:
        self.deaths += sum(not c.alive for c in self._children)

    def output(self) -> str:
        """The beginning of what the file printed."""
        return self._children[0].output(PRINTED).decode(errors="replace") if self._children[0].alive else ""

    def close(self) -> None:
        for child in self._children:
            child.close()


def row(payload: Mapping[str, Any], judged: Callable[[dict[str, Any]], object] = bool) -> dict[str, Any]:
    """Judge one proposal on several counterexamples; one desk serves them all. `judged` gets each cell at once.

    Gives {"cells": [cell, ...], "printed": what the file printed, its beginning}.
    """
    proposal, fresh, folder = payload["proposal"], int(payload["fresh"]), Path(payload["workspace"])
    cells, desk = [], Desk(proposal)
    try:
        for counterexample in payload["counterexamples"]:
            began = time.perf_counter()
            without = None
            if desk.deaths >= DEATHS:
                verdict = Verdict("error", reason=f"not tried: its process died or hung {DEATHS} times before")
            else:
                verdict, without = _cell(desk.strategy(), proposal, counterexample, fresh, folder)
                desk.count_deaths()
            verdict = _placed(verdict, {"error": proposal, "invalid": counterexample}.get(verdict.verdict))
            seconds = time.perf_counter() - began
            cells.append(_record(proposal, counterexample, verdict, without, desk.isolation, seconds))
            judged(cells[-1])
        printed = desk.output()
    finally:
        desk.close()
    return {"cells": cells, "printed": printed}


def _placed(verdict: Verdict, file: Mapping[str, Any] | None) -> Verdict:
    """Say in which file the fault is, and where the function begins if no line is known better."""
    if file is None or verdict.reason is None or verdict.reason.startswith(f"{file['path']}:"):
        return verdict
    return replace(verdict, reason=f"{file['path']}:{file['line']}: {verdict.reason}")


def child_of(kind: str, file: Mapping[str, Any]) -> Child:
    return Child(
        f"elk_sandbox.runtime.{kind}_role", str(file["path"]), str(file["text"]), str(file["name"]), limits=LIMITS
    )


def _cell(
    strategy: Strategy, proposal: Mapping[str, Any], counterexample: Mapping[str, Any], fresh: int, folder: Path
) -> tuple[Verdict, Verdict | None]:
    """The verdict, and for a contested cell the one without the disputed assumption.

    A cell that would be called good is judged on fresh draws even if none were asked for.
    """
    contested = counterexample["meta"]["contested"]
    marked = mark_of(proposal, counterexample)
    text = str(proposal["text"])
    try:
        draws = seats(counterexample, draws_of(fresh, text), folder)
        other: list[Seat] = []
        if contested and (marked == "o" or (marked is None and proposal["name"] in counterexample["meta"]["breaks"])):
            disputed = {**counterexample, "knobs": {**counterexample["knobs"], **contested}}
            other = seats(disputed, [None], folder)
    except UserError as fault:
        return Verdict("invalid", reason=str(fault)), None
    try:
        verdict = judge(strategy, draws)
        if verdict.promising and not fresh:
            verdict = redrawn(strategy, verdict, seats(counterexample, draws_of(FRESH, text)[1:], folder))
        without = judge(replace(strategy, control=None), other, adversary=False) if other else None
    except UserError as fault:
        return Verdict("error", reason=str(fault)), None
    return verdict, without


def _record(
    proposal: Mapping[str, Any],
    counterexample: Mapping[str, Any],
    verdict: Verdict,
    without: Verdict | None,
    isolation: str,
    seconds: float,
) -> dict[str, Any]:
    contested = None
    if without is not None:
        contested = {
            "without": dict(counterexample["meta"]["contested"]),
            "verdict": without.verdict,
            "relation": without.relation,
            "direct_translator": without.direct_translator,
            "objective": without.objective,
        }
    cell = {
        "proposal": proposal["name"],
        "counterexample": counterexample["name"],
        **verdict.as_dict(),
        "contested": contested,
        "names_control": proposal["meta"]["control"],
        "knobs": {"proposal": proposal["knobs"], "counterexample": counterexample["knobs"]},
        "claimed": counterexample["meta"]["breaks"].get(proposal["name"]),
        "isolation": isolation,
        "seconds": round(seconds, 3),
    }
    cell["literature"] = mark_of(proposal, counterexample)
    cell["agrees"] = literature.agrees(cell["literature"], cell)
    return cell
