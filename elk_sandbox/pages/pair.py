"""What the page on flips was asked for: who is solved against what, its keys in the workspace and its command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elk_sandbox.checks import world_knobs
from elk_sandbox.declare import Knob
from elk_sandbox.runtime.detached import command
from elk_sandbox.runtime.registry import Entry
from elk_sandbox.symbolic.kept import flip_key, whole_key

__all__ = ["Pair"]


@dataclass(frozen=True)
class Pair:
    """What was chosen: the penalties that are added, and a counterexample or a control world."""

    proposals: tuple[Entry, ...]
    name: str
    entry: Entry | None
    switches: tuple[str, ...]

    @property
    def title(self) -> str:
        """As the command line takes it."""
        return "+".join(e.name for e in self.proposals)

    @property
    def world(self) -> Entry | str:
        return self.entry or self.name

    @property
    def knobs(self) -> Sequence[Knob]:
        return self.entry.knobs if self.entry else world_knobs(self.name)

    @property
    def whole(self) -> str:
        """The key of what is known with everything left open."""
        return whole_key(self.proposals, self.world, self.switches)

    def over(self, names: Sequence[str], at: Mapping[str, float]) -> str:
        """The key of what is known with these left open and the rest at these values."""
        set_here = dict(s.split("=") for s in self.switches)
        world = {k.name: None if k.name in names else at.get(k.name, _switched(k, set_here)) for k in self.knobs}
        mine = {e.name: {k.name: self._weight(e, k, names, at) for k in e.knobs} for e in self.proposals}
        return flip_key(self.proposals, self.world, names, {**mine, self.name: world})

    def command(self, home: Path, at: Mapping[str, float], over: Sequence[str] = ()) -> list[str]:
        """What solves it with these values set, and leaves its record in the workspace."""
        values = [f"{self._owned(n)}={v!r}" if v % 1 else f"{self._owned(n)}={int(v)}" for n, v in at.items()]
        solving = command("elk_sandbox", home, "flip", self.title, self.name)
        settings = [a for s in (*self.switches, *values) for a in ("--set", s)]
        return [*solving, "--json", *settings, *(["--over", ",".join(over)] if over else [])]

    def _owned(self, name: str) -> str:
        """A knob's name with its owner's, so that it is nobody else's too."""
        if "." in name:
            return name
        if name in {k.name for k in self.knobs}:
            return f"{self.name}.{name}"
        return f"{next(e.name for e in self.proposals if name in {k.name for k in e.knobs})}.{name}"

    def _weight(self, entry: Entry, knob: Knob, names: Sequence[str], at: Mapping[str, float]) -> object:
        for name in (f"{entry.name}.{knob.name}", knob.name):
            if name in names:
                return None
            if name in at:
                return at[name]
        return knob.default


def _switched(knob: Knob, switches: Mapping[str, str]) -> object:
    return knob.parse(switches[knob.name]) if knob.name in switches else knob.default
