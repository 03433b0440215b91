"""What the commands do with a user's file before any verdict: find it, check it, begin it; and make a world."""

import inspect
import keyword
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

from elk_sandbox import literature, worlds
from elk_sandbox.cells import build, child_of
from elk_sandbox.conformance import indistinguishable, tell
from elk_sandbox.declare import Knob, SettingError, parse_settings, suggest
from elk_sandbox.exam import BadObjective, Shuffle, same, sit
from elk_sandbox.keys import source
from elk_sandbox.needs import requirements
from elk_sandbox.objective import NotApplicable
from elk_sandbox.runtime import workspace as workspaces
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry, RegistryError, UnknownName
from elk_sandbox.seats import Seat, control_seat
from elk_sandbox.world import Case, World

__all__ = ["check_file", "find_any", "make_world", "new_path", "with_settings", "world_knobs", "write_new", "written"]

DRAWS = (None, 1, 2, 3, 4)
Check = dict[str, Any]


def find_any(registry: Registry, name: str) -> list[Entry]:
    """The proposal and the counterexample of that name or file, at least one. Raises RegistryError."""
    found, reasons = [], []
    for kind in ("proposal", "counterexample"):
        try:
            found.append(registry.find(kind, name))
        except UnknownName as reason:
            reasons.append(str(reason))
        except RegistryError as reason:
            if not found:
                raise reason
    if not found:
        raise UnknownName("; ".join(reasons))
    return found


def with_settings(entries: Sequence[Entry], settings: Sequence[str]) -> list[tuple[Entry, dict[str, object]]]:
    """Files with their knobs; each setting goes to all that have such a knob. SettingError if none has."""
    owners = {s: [e for e in entries if s.partition("=")[0].strip() in {k.name for k in e.knobs}] for s in settings}
    for setting, owning in owners.items():
        if not owning:
            entries[0].settings([setting])  # says what the knobs are
            raise SettingError(f"no file that is judged has a knob {setting.partition('=')[0]!r}")
    return [(e, e.settings([s for s in settings if e in owners[s]])) for e in entries]


def check_file(registry: Registry, name: str, settings: Sequence[str], folder: Path) -> list[Check]:
    """Conformance of a file, a dict {file, what, passed} for each thing that was looked at."""
    results: list[Check] = []
    for entry in find_any(registry, name):
        knobs = entry.settings(settings)
        if entry.kind == "proposal":
            checks = _proposal(entry, knobs)
        else:
            known = {*literature.STRATEGIES, *registry.proposals}
            checks = chain(_claims(entry, known), _counterexample(entry, knobs, folder))
        results += [{"file": str(entry.path), "what": what, "passed": passed} for what, passed in checks]
    return results


def _claims(entry: Entry, known: set[str]) -> Iterator[tuple[str, bool]]:
    """What it declares; a claim on a name that is nearly that of a proposal is a slip of the pen."""
    yield f"declares the counterexample {entry.name}", True
    breaks = entry.meta["breaks"]
    for name in (n for n in (breaks if isinstance(breaks, dict) else ()) if n not in known):
        near = get_close_matches(name, known, n=1)
        mend = f"{suggest(name, known)} Mend breaks={{...}}, or put that file here"
        rest = mend if near else "; the claim counts where one is"
        yield f"claims to break {name!r}, and no proposal here is called so{rest}", not near


def _counterexample(entry: Entry, knobs: dict[str, object], folder: Path) -> Iterator[tuple[str, bool]]:
    with suppress(UserError):  # one child for all draws; a draw that fails is run again below, and told
        build(source(entry, knobs), list(DRAWS), folder)
    for draw in DRAWS:
        label = "stock draw" if draw is None else f"fresh draw {draw}"
        try:
            case = build(source(entry, knobs), [draw], folder)[0]
        except UserError as fault:
            yield str(fault), False
            return
        faults = Seat(case).problems
        yield from ((f"{label}: {fault}", False) for fault in faults)
        if not faults:
            count = f"{label}: {len(case.world.weights)} situations"
            yield (f"{count}; {_summary(case)}" if draw is None else f"{count}, in order"), True


def _summary(case: Case) -> str:
    world = case.world
    pair = indistinguishable(world)
    assert pair is not None  # the seat has no problem
    q, first, second = pair
    return (
        f"the predictor knows; dishonest: {', '.join(case.bad)}. Every human answers alike in "
        f"[{tell(world, first)}], where {world.questions[q]!r} is yes, and [{tell(world, second)}], where it is no"
    )


def _proposal(entry: Entry, knobs: dict[str, object]) -> Iterator[tuple[str, bool]]:
    yield f"declares the proposal {entry.name}", True
    control = entry.meta["control"]
    try:
        needs = entry.meta["needs"]
        measures, _ = requirements(needs if isinstance(needs, tuple) else ())
        seat, shown = control_seat(str(control or "screen")), control or "screen"
    except (ValueError, KeyError) as reason:
        yield str(reason.args[0]), False
        return
    if control is not None:
        yield f"its control is the world {control}", True
    with child_of("proposal", source(entry, knobs)) as child:
        try:
            first, second = (
                sit(child, seat.case.world, seat.named, measures=measures, knobs=knobs, shuffle=Shuffle(k)).values
                for k in (0, 1)
            )
        except NotApplicable as reason:
            yield f"runs, but the world {shown} lacks what it needs: {reason}", True
            return
        except UserError as fault:
            yield str(fault), False
            return
        except BadObjective as fault:
            yield f"{entry.path}:{entry.line}: {fault}", False
            return
    yield f"gives one finite number a candidate in the world {shown}", True
    ordered = "does not depend on the order of candidates, nodes and situations"
    try:
        for name, value in first.items():
            same(name, value, second[name])
        yield ordered, True
    except BadObjective:
        yield ordered, False


def world_knobs(name: str) -> tuple[Knob, ...]:
    """The knobs of a standard world. Raises UnknownName."""
    try:
        parameters = inspect.signature(worlds.find(name)).parameters.values()
    except KeyError as reason:
        raise UnknownName(str(reason.args[0])) from None
    return tuple(Knob(p.name, p.annotation.__name__, p.default) for p in parameters if p.kind is p.KEYWORD_ONLY)


def make_world(name: str, settings: Sequence[str]) -> World:
    """The stock draw of a standard world with these knobs. Raises RegistryError."""
    knobs = parse_settings(name, world_knobs(name), settings)
    try:
        return worlds.find(name)(None, **knobs)
    except ValueError as reason:
        raise SettingError(f"the world {name} cannot be had so: {reason}") from None


def write_new(kind: str, name: str, folder: Path) -> Path:
    """Write the template as FOLDER/NAME.py, or FOLDER/counterexamples/NAME.py. Raises RegistryError."""
    path = new_path(kind, name, folder)
    template = (SHIPPED if kind == "proposal" else SHIPPED / "counterexamples") / "_template.py"
    return written(path, template.read_text(encoding="utf-8").replace("my_" + kind, name))


def new_path(kind: str, name: str, folder: Path) -> Path:
    """Where a new file of the user's belongs. Raises RegistryError for a name that does not do or is taken."""
    if kind not in ("proposal", "counterexample"):
        raise RegistryError(f"new takes 'proposal' or 'counterexample', not {kind!r}")
    if keyword.iskeyword(name):
        raise RegistryError(f"{name!r} is a word of Python's own and names no function: take another, as my_{name}")
    if not name.isidentifier() or name.startswith("_"):
        raise RegistryError(f"{name!r} is no name for a function: letters, digits and _, not first a digit or _")
    place = folder if kind == "proposal" else folder / "counterexamples"
    path = place / f"{name}.py"
    if path.exists():
        raise RegistryError(f"{path} exists: choose another name, or edit that file")
    return path


def written(path: Path, text: str) -> Path:
    """Write a new file of the user's. Raises RegistryError."""
    try:
        workspaces.write_new(path, text)
    except OSError as reason:
        raise RegistryError(f"{path} cannot be written: {reason.strerror}") from reason
    return path
