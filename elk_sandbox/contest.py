"""A proposal as an entry of ARC's contest: all breakers at once in one world; and which published family is nearest.

An entry had to handle every counterexample that was described so far (Prizes for ELK proposals, 2022). Here C1 to C3
and C5 to C8 are reporters of the world `all`, and C4, that no net which humans can use is the predictor's, is a
condition of that world: its reporter simulates the best human-usable net, and is told beside the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from elk_sandbox import literature, worlds
from elk_sandbox.cells import Desk, draws_of
from elk_sandbox.judge import judge
from elk_sandbox.keys import code_digest
from elk_sandbox.runtime.isolation import UserError
from elk_sandbox.runtime.tasks import Result, key_of, load, store
from elk_sandbox.seats import Seat
from elk_sandbox.verdict import TIE, Verdict
from elk_sandbox.world import Case, World

__all__ = ["BREAKERS", "CONDITION", "Line", "Neighbour", "hold", "keep", "kept", "key", "nearest"]

HUMANS = ("", "_operator", "_assisted")  # whose labels an entry may take; the best net's user is the condition's
UPSTREAM = tuple(f"upstream_simulator{h}" for h in HUMANS)
BREAKERS: dict[str, tuple[str, ...]] = {
    "human_simulator": ("human_simulator",),
    "better_human_inference": ("human_simulator_operator",),
    "beyond_science": ("human_simulator_assisted",),
    "complex_translation": UPSTREAM,
    "cheap_simulation": UPSTREAM,
    "upstream_simulator": UPSTREAM,
    "fingerprint": tuple(f"fingerprint_simulator{h}{g}" for h in HUMANS for g in ("", "_opposite")),
}
"""The reporters of each breaker. C5 to C7 meet in one: it reads the look, which is short, fast and upstream."""
DECIDED = ("killed", "survives")
CONDITION = (
    "human_simulator_hstar",
    "upstream_simulator_hstar",
    "fingerprint_simulator_hstar",
    "fingerprint_simulator_hstar_opposite",
)


@dataclass(frozen=True)
class Line:
    """One breaker in the combined world."""

    breaker: str
    reporter: str  # the cheapest of its reporters
    objective: float  # nats
    relation: str | None  # strict or tie if it is no dearer than DT*, else None


@dataclass(frozen=True)
class Neighbour:
    """A published strategy, and how its row of verdicts compares."""

    strategy: str
    same: int  # columns with the same verdict and relation
    of: int  # columns that both rows judge
    correlation: float  # mean rank correlation of the two ledgers over these columns; nan where none is defined
    differs: tuple[str, ...]


def hold(proposal: Mapping[str, Any], fresh: int) -> dict[str, Any]:
    """Put a proposal (`keys.source`) before all breakers at once, on the stock draw and `fresh` others. JSON-able.

    It passes only if no named breaker wins on any draw, of which there must be fresh ones. `open_nats` is what the best
    human-usable net leaves open of the truth in that world, H(truth | what its user sees).
    """
    text = str(proposal["text"])
    seats = [_seat(None if s is None else np.random.default_rng(s)) for s in draws_of(fresh, text)]
    desk = Desk(proposal)
    try:
        verdict = judge(desk.strategy(), seats, adversary=False)
    except UserError as fault:
        verdict = Verdict("error", reason=str(fault))
    finally:
        desk.close()
    lines = [_line(name, reporters, verdict) for name, reporters in BREAKERS.items()] if verdict.objective else []
    condition = _line("ontology_mismatch", CONDITION, verdict) if verdict.objective else None
    return {
        "proposal": proposal["name"],
        "passes": verdict.verdict == "survives" and verdict.draws["of"] > 0 and not verdict.overfitted,
        "breakers": [asdict(line) for line in lines],
        "condition": {**asdict(condition), "open_nats": _left_open(seats[0].case.world)} if condition else None,
        **verdict.as_dict(),
    }


def key(proposal: Mapping[str, Any], fresh: int) -> str:
    """The hash of all that a contest's outcome depends on."""
    used = {k: proposal[k] for k in ("text", "name", "knobs", "meta")}
    return key_of({"code": code_digest(), "contest": used, "fresh": fresh})


def keep(outcome: Mapping[str, Any], folder: Path, key: str) -> None:
    """Put an outcome into a workspace, with its neighbours, or None while they are looked for. Raises OSError."""
    store(folder / "contests", key, Result(dict(outcome), None, False, 0.0))


def kept(folder: Path, key: str) -> dict[str, Any] | None:
    """The outcome that a workspace holds; its `nearest` is None where the published rows were not judged to the end."""
    found = load(folder / "contests", key)
    return dict(found.value) if found and found.value else None


def _seat(rng: np.random.Generator | None) -> Seat:
    world = worlds.all_at_once(rng)
    named = {**world.named_simulators, **world.reporters}
    return Seat(Case(world, bad={n: named[n] for names in BREAKERS.values() for n in names}))


def _line(breaker: str, reporters: Iterable[str], verdict: Verdict) -> Line:
    values = verdict.objective
    reporter = min(reporters, key=lambda n: (values[n], n))
    honest = values[verdict.direct_translator] if verdict.direct_translator else np.inf
    relation = "strict" if values[reporter] < honest - TIE else "tie" if values[reporter] <= honest + TIE else None
    return Line(breaker, reporter, values[reporter], relation)


def _left_open(world: World) -> float:
    """H(truth | what the user of the best net sees), in nats."""
    seen = world.states[0][:, world.columns(world.sees["hstar"])]
    _, pattern = np.unique(seen, axis=0, return_inverse=True)
    total = 0.0
    for group in range(int(pattern.max()) + 1):
        inside = pattern.reshape(-1) == group
        mass = np.array([world.weights[inside & (world.truth[:, 0] == v)].sum() for v in (0, 1)])
        total -= sum(m * np.log(m / mass.sum()) for m in mass if m > 0)
    return float(total)


def nearest(
    row: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]], itself: str | None = None
) -> list[Neighbour]:
    """The published strategies by how many columns of their rows are the same, then by their ledgers; nearest first.

    `row` holds the cells of one proposal, `published` those of the shipped files, of which `itself` is left out. Only
    columns count where both are killed or survive.
    """
    mine = {c["counterexample"]: c for c in row if c["verdict"] in DECIDED}
    found = []
    for strategy in literature.STRATEGIES:
        theirs = {c["counterexample"]: c for c in published if c["proposal"] == strategy and c["verdict"] in DECIDED}
        both = [c for c in mine if c in theirs]
        if not both or strategy == itself:
            continue
        differs = tuple(c for c in both if _outcome(mine[c]) != _outcome(theirs[c]))
        ranks = [r for c in both if (r := _correlation(mine[c]["objective"], theirs[c]["objective"])) is not None]
        found.append(
            Neighbour(strategy, len(both) - len(differs), len(both), fmean(ranks) if ranks else np.nan, differs)
        )
    return sorted(found, key=lambda n: (-n.same / n.of, -np.nan_to_num(n.correlation, nan=-2.0)))


def _outcome(cell: Mapping[str, Any]) -> tuple[str, str | None]:
    return cell["verdict"], cell["relation"]


def _correlation(mine: Mapping[str, float], theirs: Mapping[str, float]) -> float | None:
    """Spearman's over the reporters that stand in both ledgers; None if one of the two is constant there."""
    from scipy.stats import spearmanr

    names = sorted(set(mine) & set(theirs))
    pair = [np.round([ledger[n] for n in names], 9) for ledger in (mine, theirs)]
    if len(names) < 3 or any(np.ptp(values) == 0 for values in pair):
        return None
    return float(spearmanr(*pair).statistic)
