"""A case with everybody who is judged in it; what is found about it once serves every proposal."""

from dataclasses import dataclass, field
from functools import cache, cached_property

from elk_sandbox import conformance, worlds
from elk_sandbox.circuits import Found, search
from elk_sandbox.oversight.core import Audit
from elk_sandbox.oversight.elk import audit_reporter
from elk_sandbox.reporters import Reporter
from elk_sandbox.translators import honest_candidates, is_honest
from elk_sandbox.world import Case

__all__ = ["Seat", "control_seat"]


@dataclass(frozen=True, eq=False)
class Seat:
    """One draw of a case."""

    case: Case
    _audits: dict[str, Audit] = field(init=False, default_factory=dict)

    @cached_property
    def problems(self) -> list[str]:
        """Why the case is at fault, or nothing."""
        if found := conformance.problems(self.case):
            return found
        try:
            names = self.honest
        except ValueError as reason:
            return [str(reason)]
        return [
            f"the bad reporter {n!r} has the name of an honest one: call it otherwise"
            for n in self.case.bad
            if n in names
        ]

    @cached_property
    def honest(self) -> dict[str, Reporter]:
        """The candidates for DT*."""
        named = {n: r for n, r in self.case.world.reporters.items() if is_honest(self.case.world, r)}
        return honest_candidates(self.case.world, {**self.case.honest_reporters, **named})

    @cached_property
    def bystanders(self) -> dict[str, Reporter]:
        """Dishonest reporters that the world names and the case does not: shown, and left to the adversary."""
        world, taken = self.case.world, {r.key for r in (*self.case.bad_reporters.values(), *self.honest.values())}
        named = {**world.named_simulators, **world.reporters}
        readable = set(world.readable_nodes)
        return {
            n: r
            for n, r in named.items()
            if r.key not in taken and n not in self.case.bad and r.cone <= readable and not is_honest(world, r)
        }

    @property
    def named(self) -> dict[str, Reporter]:
        return {**self.case.bad_reporters, **self.honest, **self.bystanders}

    def reporter(self, name: str) -> Reporter:
        """By the name that it has in a ledger."""
        named = self.named
        return named[name] if name in named else self.found.honest[name]

    def audit(self, name: str) -> Audit:
        """What the viewer judges this reporter's answers to the first question worth, and what they are worth."""
        if name not in self._audits:
            self._audits[name] = audit_reporter(self.case.world, self.reporter(name))
        return self._audits[name]

    @cached_property
    def found(self) -> Found:
        """What the adversary's search finds; the same for every proposal."""
        return search(self.case.world, self.case.bad_reporters, self.honest, self.bystanders)


@cache
def control_seat(world: str) -> Seat:
    """The stock draw of a standard world, its viewer's plain simulator the bad reporter. KeyError: no such world."""
    made = worlds.find(world)()
    return Seat(Case(made, bad={"human_simulator": made.simulators["viewer"]}))
