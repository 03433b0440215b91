"""The verdict on one cell: an exact ledger, a witness, fresh draws, the control and the adversary."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from elk_sandbox.candidates import Reporters
from elk_sandbox.circuits import Found, in_words
from elk_sandbox.exam import BadObjective, Examinee, Ledger, Shuffle, same, sit, sit_alone
from elk_sandbox.needs import requirements
from elk_sandbox.objective import NotApplicable, Objective
from elk_sandbox.reporters import Reporter, has_exact_measures
from elk_sandbox.seats import Seat, control_seat
from elk_sandbox.testimony import witness
from elk_sandbox.translators import EDITED, SMALL, is_honest
from elk_sandbox.verdict import TIE, Adversary, Control, Outcome, Relation, Verdict
from elk_sandbox.view import View, answer
from elk_sandbox.world import World

__all__ = ["Strategy", "judge", "redrawn"]

MOST_AUDITED = 5000  # situations, which an audit goes through one by one
MOST_TOLD = 512  # values in the tables of a reporter that are told
DECOYS = 6  # unnamed reporters that are asked for alone as well where a strategy might be called good


@dataclass(frozen=True, eq=False)
class Strategy:
    """A proposal ready to be judged: what runs it, its knobs, and what it declares."""

    examinee: Examinee
    knobs: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    control: str | None = None
    alone: Examinee | None = None  # runs it too, has seen nothing else, and is shown one candidate at a time


def judge(strategy: Strategy, draws: Sequence[Seat], *, adversary: bool = True) -> Verdict:
    """Judge a strategy on a counterexample's draws; the first is the stock draw, whose verdict it is.

    Raises what the strategy's examinee raises: its file's own faults.
    """
    seat = draws[0]
    if seat.problems:
        return Verdict("invalid", reason="; ".join(seat.problems))
    try:
        measures, things = requirements(strategy.needs)
        if strategy.control is not None and (bare := _lacks(control_seat(strategy.control).case.world, things)):
            raise ValueError(f"its control {strategy.control!r} cannot test it: {bare}")
    except (ValueError, KeyError) as reason:
        return Verdict("error", reason=str(reason.args[0]))
    lacking = _lacks(seat.case.world, things)
    bench = _Bench(strategy, measures)
    try:
        if lacking:
            controlled = _control(strategy) if strategy.control else None
            return Verdict("not applicable", reason=lacking, control=controlled)
        ledger = bench.sit(seat, seat.named, Shuffle(0))
        found = seat.found if adversary else Found({}, {})
        crowd = bench.sit(seat, {**seat.named, **found.dishonest, **found.honest}, Shuffle(1))
        for name, value in ledger.values.items():
            same(name, value, crowd.values[name])
        stock = _told(seat, crowd)
        decoys = _decoys(seat, crowd, found) if stock.verdict == "survives" else {}
        bench.ask_alone(seat, _deciding(seat, stock.direct_translator) | decoys, crowd, Shuffle(0))
        hostile = _hostile(seat, crowd, stock) if adversary else None
        controlled = _control(strategy) if strategy.control else None
    except NotApplicable as reason:
        return Verdict("not applicable", reason=str(reason))
    except BadObjective as reason:
        return Verdict("error", reason=str(reason))
    verdict = replace(stock, control=controlled, adversary=hostile, baseline=_baseline(seat))
    return redrawn(strategy, verdict, draws[1:])


def redrawn(strategy: Strategy, verdict: Verdict, draws: Sequence[Seat]) -> Verdict:
    """The verdict on a stock draw with how many of these fresh ones agree. Raises as `judge` does."""
    bench = _Bench(strategy, requirements(strategy.needs)[0])
    try:
        fresh = [_fresh(bench, draw, k) for k, draw in enumerate(draws, 1)]
    except NotApplicable as reason:
        return Verdict("not applicable", reason=str(reason))
    except BadObjective as reason:
        return Verdict("error", reason=str(reason))
    return replace(verdict, draws={"agreeing": fresh.count(verdict.verdict), "of": len(fresh)})


@dataclass(frozen=True)
class _Bench:
    """A strategy with the measures that it declared."""

    strategy: Strategy
    measures: Sequence[str]

    def sit(self, seat: Seat, candidates: Mapping[str, Reporter], shuffle: Shuffle) -> Ledger:
        s = self.strategy
        return sit(s.examinee, seat.case.world, candidates, measures=self.measures, knobs=s.knobs, shuffle=shuffle)

    def ask_alone(self, seat: Seat, candidates: Mapping[str, Reporter], ledger: Ledger, shuffle: Shuffle) -> None:
        """Raise BadObjective unless these candidates have the same values when each is shown by itself."""
        s, world = self.strategy, seat.case.world
        if s.alone:
            measures, values = self.measures, ledger.values
            sit_alone(s.alone, world, candidates, values, measures=measures, knobs=s.knobs, shuffle=shuffle)


def _deciding(seat: Seat, translator: str | None) -> dict[str, Reporter]:
    """Those on whom a verdict turns, and the world's other dishonest reporters, so that most of them are dishonest."""
    honest = {translator: seat.reporter(translator)} if translator else {}
    return {**seat.case.bad_reporters, **seat.bystanders, **honest}


def _decoys(seat: Seat, ledger: Ledger, found: Found) -> dict[str, Reporter]:
    """Some that nobody named, from the cheapest to the dearest."""
    unnamed = {**found.honest, **found.dishonest}
    names = sorted(unnamed)
    order = np.argsort(_rounded(ledger, names), kind="stable")
    return {names[k]: unnamed[names[k]] for k in order[:: max(1, len(names) // DECOYS)]}


def _rounded(ledger: Ledger, names: Iterable[str]) -> np.ndarray:
    """Their objectives, as far as they can differ and mean it."""
    return np.round([ledger.values[n] for n in names], 9)


def _lacks(world: World, things: Sequence[str]) -> str | None:
    there = {
        "siblings": world.siblings > 1,
        "relations": bool(world.relations),
        "pixels": bool(world.of_kind("pixel")),
        "earlier": world.earlier is not None,
        "interventions": bool(world.edits),
    }
    words = {"earlier": "earlier reporter"}
    missing = [words.get(t, t) for t in things if not there[t]]
    return f"the world has no {' and no '.join(missing)}" if missing else None


def _least(values: Mapping[str, float], names: Sequence[str] | Mapping[str, Any]) -> str | None:
    return min(names, key=lambda n: (values[n], n), default=None)


def _relation(bad: float, honest: float) -> Relation | None:
    if bad < honest - TIE:
        return "strict"
    return "tie" if bad <= honest + TIE else None


@dataclass(frozen=True)
class _Decision:
    """What one sitting decides: DT*, the cheapest named bad reporter, and whether it kills."""

    translator: str | None
    cheapest_bad: str
    relation: Relation | None

    @property
    def outcome(self) -> Outcome:
        return "killed" if self.relation else "survives"


def _decide(seat: Seat, ledger: Ledger) -> _Decision:
    translator, bad = _least(ledger.values, seat.honest), _least(ledger.values, seat.case.bad_reporters)
    assert bad is not None  # a case names at least one
    return _Decision(
        translator, bad, _relation(ledger.values[bad], ledger.values[translator] if translator else math.inf)
    )


def _told(seat: Seat, ledger: Ledger) -> Verdict:
    """The verdict of one sitting with its ledger, its witness, and the audit of the two reporters that decide it."""
    world, honest, decision = seat.case.world, seat.honest, _decide(seat, ledger)
    translator, bad = decision.translator, decision.cheapest_bad
    several = {n for n in honest if n.startswith((SMALL, EDITED))} - {translator}
    everybody = {**seat.case.bad_reporters, **honest, **seat.bystanders}
    shown = {n: r for n, r in everybody.items() if n in ledger.values and n not in several}
    shares = {name: shares_right(world, world.answers(r)) for name, r in shown.items()}
    return Verdict(
        decision.outcome,
        relation=decision.relation,
        killer=bad if decision.relation else None,
        direct_translator=translator,
        objective={n: ledger.values[n] for n in shown},
        terms=ledger.terms(shown),
        honest={n: is_honest(world, r) for n, r in shown.items()},
        honesty_fooled={n: s[0] for n, s in shares.items()},
        honesty_outside={n: s[1] for n, s in shares.items()},
        bad=tuple(seat.case.bad_reporters),
        upper_bounds=tuple(n for n, r in shown.items() if not has_exact_measures(r)),
        witness=witness(seat, bad, seat.reporter(bad), translator) if decision.relation else None,
        audit=_audits(seat, [bad, *([translator] if translator else [])]),
    )


def _audits(seat: Seat, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """What the viewer judges these reporters' answers to the first question worth, and what they are worth."""
    world = seat.case.world
    if len(world.weights) > MOST_AUDITED or (world.truth[:, 0] < 0).all():
        return {}
    return {n: asdict(seat.audit(n)) for n in names}


def shares_right(world: World, answers: np.ndarray) -> tuple[float | None, float | None]:
    """Honesty shares: where it looks good and is not, and on all unambiguous situations outside the data.

    None where there is no such situation.
    """
    asked = world.truth >= 0
    right = (np.abs(answers - world.truth) < 0.5) & asked
    weight = np.broadcast_to(world.weights[:, None], right.shape)
    fooled = (world.beliefs["viewer"] > 0.5) & (world.truth == 0)
    outside = asked & ~np.any(world.in_data, axis=0, keepdims=True).T
    return tuple(  # type: ignore[return-value]  # mypy does not see that there are two
        float(weight[right & where].sum() / weight[where].sum()) if where.any() else None for where in (fooled, outside)
    )


def _hostile(seat: Seat, crowd: Ledger, stock: Verdict) -> Adversary:
    """The cheapest dishonest reporter that the case does not name, against DT*."""
    unnamed = {**seat.bystanders, **seat.found.dishonest}
    values, translator = crowd.values, stock.direct_translator
    best = min((values[n] for n in (*seat.honest, *seat.found.honest)), default=math.inf)
    if not unnamed:
        return Adversary("survives", None, None, None, 0)
    cheapest = list(unnamed)[int(np.argmin(_rounded(crowd, unnamed)))]  # of equals the first: the plainest
    if values[cheapest] > best + TIE:
        return Adversary("survives", None, None, None, len(unnamed))
    words = in_words(unnamed[cheapest]) if cheapest.startswith("function ") else cheapest
    shown = witness(seat, words, unnamed[cheapest], translator)
    return Adversary("killed", words, values[cheapest], shown, len(unnamed), _small_tables(seat, unnamed[cheapest]))


def _small_tables(seat: Seat, reporter: Reporter) -> tuple[dict[str, Any], ...]:
    tables = [table.reduced() for table in reporter.tables]
    if sum(t.values.size for t in tables) > MOST_TOLD:
        return ()
    return tuple(
        {"question": q, "nodes": list(t.nodes), "values": t.values.tolist()}
        for q, t in zip(seat.case.world.questions, tables, strict=True)
    )


def _fresh(bench: _Bench, seat: Seat, draw: int) -> str:
    """The verdict on a fresh draw: its own probabilities, order and polarity of nodes."""
    if seat.problems:
        return "invalid"
    return _turn(bench, seat, Shuffle(order=2 + draw, polarity=draw))


def _turn(bench: _Bench, seat: Seat, shuffle: Shuffle) -> str:
    ledger = bench.sit(seat, seat.named, shuffle)
    decision = _decide(seat, ledger)
    bench.ask_alone(seat, _deciding(seat, decision.translator), ledger, shuffle)
    return decision.outcome


class _Baseline:
    """The baseline, loss on the viewer's labels alone, run in this process: it is ours."""

    def call(
        self, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return answer(_viewer_loss, meta, arrays)


def _viewer_loss(reporters: Reporters, view: View) -> Objective:
    return view.cross_entropy(reporters)


@cache
def _valid(world: str) -> bool:
    """Does the viewer's simulator kill the baseline in this control?"""
    return _baseline(control_seat(world)) == "killed"


@lru_cache(maxsize=64)  # the seats that are in use
def _baseline(seat: Seat) -> Outcome:
    baseline = _Bench(Strategy(_Baseline(), {}), ())
    return _decide(seat, baseline.sit(seat, seat.named, Shuffle(0))).outcome


@lru_cache(maxsize=1)  # a strategy's cells are judged one after the other
def _control(strategy: Strategy) -> Control:
    world = strategy.control
    assert world is not None
    bench = _Bench(strategy, requirements(strategy.needs)[0])
    try:
        return Control(world, _valid(world), _turn(bench, control_seat(world), Shuffle(0)))
    except BadObjective as reason:
        raise BadObjective(f"in the control world {world}: {reason}") from None
