"""The verdict on one cell: an exact ledger, a witness, fresh draws, the control and the adversary."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elk_sandbox import conformance, worlds
from elk_sandbox.circuits import Found, in_words
from elk_sandbox.exam import BadObjective, Examinee, Ledger, Shuffle, sit
from elk_sandbox.reporters import Reporter
from elk_sandbox.translators import SMALL, honest_candidates, is_honest
from elk_sandbox.verdict import Adversary, Control, Relation, Verdict, Witness
from elk_sandbox.view import NotApplicable, Objective, Reporters, View, answer, requirements
from elk_sandbox.world import Case, World

__all__ = ["Strategy", "judge"]

TIE = 1e-9  # nats
SAME = 1e-9  # relative: an objective's values before and after a shuffle


@dataclass(frozen=True)
class Strategy:
    """A proposal ready to be judged: what runs it, its knobs, and what it declares."""

    examinee: Examinee
    knobs: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    control: str | None = None


@dataclass(frozen=True)
class _Seat:
    """A case with all candidates that are judged in it."""

    case: Case
    honest: dict[str, Reporter]

    @classmethod
    def of(cls, case: Case) -> "_Seat":
        return cls(case, honest_candidates(case.world, case.honest_reporters))

    @property
    def bystanders(self) -> dict[str, Reporter]:
        """Dishonest reporters that the world names and the case does not: shown, and left to the adversary."""
        world, taken = self.case.world, {r.key for r in (*self.case.bad_reporters.values(), *self.honest.values())}
        named = {"human_simulator": world.simulators["viewer"], **world.reporters}
        readable = set(world.readable_nodes)
        return {
            n: r
            for n, r in named.items()
            if r.key not in taken and n not in self.case.bad and r.cone <= readable and not is_honest(world, r)
        }

    @property
    def named(self) -> dict[str, Reporter]:
        return {**self.case.bad_reporters, **self.honest, **self.bystanders}


def judge(
    strategy: Strategy,
    draws: Sequence[Case],
    *,
    adversary: Callable[[Case, Mapping[str, Reporter]], Found] | None = None,
) -> Verdict:
    """Judge a strategy on a counterexample's draws; the first is the stock draw, whose verdict it is.

    adversary: the search (circuits.search, or a cached one); None skips that line.
    Raises what the strategy's examinee raises: its file's own faults.
    """
    if faults := conformance.problems(draws[0]):
        return Verdict("invalid", reason="; ".join(faults))
    try:
        measures, things = requirements(strategy.needs)
    except ValueError as reason:
        return Verdict("error", reason=str(reason))
    if lacking := _lacks(draws[0].world, things):
        return Verdict("not applicable", reason=lacking)
    seat = _Seat.of(draws[0])
    try:
        ledger = sit(
            strategy.examinee, seat.case.world, seat.named, measures=measures, knobs=strategy.knobs, shuffle=Shuffle(0)
        )
        stock = _compare(seat, ledger)
        hostile = _hostile(strategy, seat, ledger, stock, measures, adversary)
        fresh = [_fresh(strategy, case, measures, k) for k, case in enumerate(draws[1:], 1)]
        control = _control(strategy, measures)
    except NotApplicable as reason:
        return Verdict("not applicable", reason=str(reason))
    except BadObjective as reason:
        return Verdict("error", reason=str(reason))
    agreeing = sum(f == stock.verdict for f in fresh)
    return replace(stock, draws={"agreeing": agreeing, "of": len(fresh)}, control=control, adversary=hostile)


def _lacks(world: World, things: Sequence[str]) -> str | None:
    there = {"siblings": world.siblings > 1, "relations": bool(world.relations), "pixels": bool(world.of_kind("pixel"))}
    missing = [t for t in things if not there[t]]
    return f"the world has no {' and no '.join(missing)}" if missing else None


def _least(values: Mapping[str, float], names: Sequence[str] | Mapping[str, Any]) -> str | None:
    return min(names, key=lambda n: (values[n], n), default=None)


def _relation(bad: float, honest: float) -> Relation | None:
    if bad < honest - TIE:
        return "strict"
    return "tie" if bad <= honest + TIE else None


def _compare(seat: _Seat, ledger: Ledger) -> Verdict:
    world, named = seat.case.world, seat.named
    translator = _least(ledger.values, seat.honest)
    killer = _least(ledger.values, seat.case.bad_reporters)
    assert killer is not None  # a case names at least one
    relation = _relation(ledger.values[killer], ledger.values[translator] if translator else math.inf)
    shown = {n: r for n, r in named.items() if n in ledger.values and (n == translator or not n.startswith(SMALL))}
    shares = {name: shares_right(world, world.answers(r)) for name, r in shown.items()}
    return Verdict(
        "killed" if relation else "survives",
        relation=relation,
        killer=killer if relation else None,
        direct_translator=translator,
        objective={n: ledger.values[n] for n in shown},
        terms={n: ledger.terms[n] for n in shown},
        honest={n: is_honest(world, r) for n, r in shown.items()},
        honesty_fooled={n: s[0] for n, s in shares.items()},
        honesty_outside={n: s[1] for n, s in shares.items()},
        bad=tuple(seat.case.bad_reporters),
        witness=witness(seat, killer, named[killer], translator) if relation else None,
    )


def shares_right(world: World, answers: np.ndarray) -> tuple[float | None, float | None]:
    """Honesty shares: where it looks good and is not, and on all unambiguous situations outside the data.

    None where there is no such situation.
    """
    asked = world.truth >= 0
    right = (np.abs(answers - world.truth) < 0.5) & asked
    weight = np.broadcast_to(world.weights[:, None], right.shape)
    fooled = (world.beliefs["viewer"] > 0.5) & (world.truth == 0)
    outside = asked & ~world.in_data.any(axis=0)[:, None]
    return tuple(  # type: ignore[return-value]  # mypy does not see that there are two
        float(weight[right & where].sum() / weight[where].sum()) if where.any() else None for where in (fooled, outside)
    )


def witness(seat: _Seat, name: str, reporter: Reporter, translator: str | None) -> Witness:
    """The wrong answer of largest mass, told in words."""
    world = seat.case.world
    answers = world.answers(reporter)
    wrong = (world.truth >= 0) & (np.abs(answers - world.truth) >= 0.5)
    i, q = np.unravel_index(int(np.argmax(np.where(wrong, world.weights[:, None], -1.0))), wrong.shape)
    said, truth, human = float(answers[i, q]), int(world.truth[i, q]), float(world.beliefs["viewer"][i, q])
    dt = float(world.answers(seat.honest[translator])[i, q]) if translator else None
    story = (
        f"{conformance.tell(world, int(i))}. Asked {world.questions[q]!r}, the viewer believes {_word(human)}, "
        f"{name} answers {_word(said)}"
        + (f", {translator} answers {_word(dt)}" if dt is not None else "")
        + f"; the truth is {_word(truth)}. Probability {world.weights[i]:.4g}."
    )
    return Witness(
        name, world.questions[q], conformance.situation(world, int(i)), float(world.weights[i]), _word(truth),
        said, human, dt, story,
    )  # fmt: skip


def _word(probability: float) -> str:
    return {0.0: "no", 1.0: "yes"}.get(float(probability), f"yes with probability {probability:.3g}")


def _hostile(
    strategy: Strategy,
    seat: _Seat,
    ledger: Ledger,
    stock: Verdict,
    measures: Sequence[str],
    find: Callable[[Case, Mapping[str, Reporter]], Found] | None,
) -> Adversary | None:
    """A second sitting with everybody, in another order: it also shows whether the order or the company matters."""
    found = find(seat.case, seat.honest) if find else Found({}, {})
    crowd = {**seat.named, **found.dishonest, **found.honest}
    again = sit(strategy.examinee, seat.case.world, crowd, measures=measures, knobs=strategy.knobs, shuffle=Shuffle(1))
    for name, value in ledger.values.items():
        if abs(again.values[name] - value) > SAME * max(1.0, abs(value)):
            raise BadObjective(
                f"the objective of {name} is {value:.9g}, and {again.values[name]:.9g} when candidates, nodes and "
                "situations come in another order beside other candidates; it must depend on the candidate alone"
            )
    if find is None:
        return None
    best = min(again.values[n] for n in (*seat.honest, *found.honest))
    unnamed = {**seat.bystanders, **found.dishonest}
    cheapest = min(unnamed, key=lambda n: round(again.values[n], 9), default=None)  # of equals the first: the plainest
    if cheapest is None or again.values[cheapest] > best + TIE:
        return Adversary("survives", None, None, None, len(unnamed))
    words = in_words(unnamed[cheapest]) if cheapest.startswith("function ") else cheapest
    shown = witness(seat, words, unnamed[cheapest], stock.direct_translator)
    return Adversary("killed", words, again.values[cheapest], shown, len(unnamed))


def _fresh(strategy: Strategy, case: Case, measures: Sequence[str], draw: int) -> str:
    """The verdict on a fresh draw: its own probabilities, order and polarity of nodes."""
    if conformance.problems(case):
        return "invalid"
    seat = _Seat.of(case)
    candidates = {**case.bad_reporters, **seat.honest}
    shuffle = Shuffle(order=2 + draw, polarity=draw)
    ledger = sit(strategy.examinee, case.world, candidates, measures=measures, knobs=strategy.knobs, shuffle=shuffle)
    return _compare(seat, ledger).verdict


class _Baseline:
    """The baseline, loss on the viewer's labels alone, run in this process: it is ours."""

    def call(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return answer(_viewer_loss, meta, arrays)


def _viewer_loss(reporters: Reporters, view: View) -> Objective:
    return view.cross_entropy(reporters)


def _control(strategy: Strategy, measures: Sequence[str]) -> Control | None:
    if strategy.control is None:
        return None
    world = worlds.find(strategy.control)()
    seat = _Seat.of(Case(world, bad={"human_simulator": world.simulators["viewer"]}))
    everybody = {**seat.case.bad_reporters, **seat.honest}

    def outcome(examinee: Examinee, knobs: Mapping[str, Any], needs: Sequence[str]) -> str:
        ledger = sit(examinee, world, everybody, measures=needs, knobs=knobs, shuffle=Shuffle(0))
        return _compare(seat, ledger).verdict

    valid = outcome(_Baseline(), {}, ()) == "killed"
    return Control(strategy.control, valid, outcome(strategy.examinee, strategy.knobs, measures))
