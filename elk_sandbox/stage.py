"""A world, or a counterexample's case, as something to walk about in: what can be chosen, and who answers what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox.reporters import Reporter
from elk_sandbox.seats import Seat
from elk_sandbox.tour import reference_reporters
from elk_sandbox.translators import is_honest
from elk_sandbox.world import Case, World

__all__ = ["Choice", "Part", "Stage", "of_case", "of_world"]

NONE = "-"  # in a permalink: every node is 0
SURE = 1e-12


@dataclass(frozen=True)
class Part:
    """A reporter on the stage."""

    reporter: Reporter
    role: str  # named bad, honest, or dishonest
    honest: bool
    first: bool  # is compared with others, and not folded away
    answers: Float[np.ndarray, "i q"]  # P(yes)
    right: Float[np.ndarray, ""]  # probability of the situations in which it is right on every question


@dataclass(frozen=True)
class Choice:
    """A node that whoever plays sets; together the choices settle the situation."""

    node: str
    action: bool
    words: tuple[str, str] | None  # what 0 and 1 mean, where the world has words


@dataclass(frozen=True, eq=False)
class Stage:
    """Situations are numbered as in the world."""

    world: World
    cast: Mapping[str, Part]  # in the order in which they are shown

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Nodes that tell all situations apart: actions, then those with words, then the rest, causes before effects.

        Each tells apart what those before it do not.
        """
        world = self.world
        bits = world.states[0]
        order = sorted(range(len(world.nodes)), key=lambda k: (self._rank(k), k))
        group, found = np.zeros(len(bits), np.int64), []
        for k in order:
            _, finer = np.unique(2 * group + bits[:, k], return_inverse=True)
            if finer.max() > group.max():
                group, name = finer, world.nodes[k]
                found.append(Choice(name, world.kinds[k] == "action", world.words.get(name)))
        return tuple(found)

    def _rank(self, k: int) -> int:
        kind, name = self.world.kinds[k], self.world.nodes[k]
        return 0 if kind == "action" else 1 if name in self.world.words else 2 if kind != "hidden" else 3

    def code(self, at: int) -> str:
        """A situation in a permalink: the choices that are 1, with commas."""
        return ",".join(c.node for c in self.choices if self.value(at, c.node)) or NONE

    def find(self, code: str) -> int | None:
        """The situation of a code, which may name more nodes that are 1, else of that number; None if there is none."""
        world = self.world
        named = set(code.split(",")) if code != NONE else set()
        if named <= set(world.nodes):
            wanted = [int(c.node in named) for c in self.choices]
            (inside,) = np.nonzero((world.states[0][:, world.columns([c.node for c in self.choices])] == wanted).all(1))
            return int(inside[0]) if inside.size else None
        return int(code) if code.isdecimal() and int(code) < len(world.weights) else None

    @cached_property
    def start(self) -> int:
        """The likeliest situation, if possible one in which the first answer is yes."""
        yes = self.world.truth[:, 0] == 1
        return int(np.lexsort((~yes, -self.world.weights))[0])

    def value(self, at: int, node: str) -> int:
        return int(self.world.states[0, at, self.world.nodes.index(node)])

    def turned(self, at: int, node: str, value: int) -> tuple[int, tuple[str, ...]]:
        """The situation nearest to this one in which the node has the value, and the other choices that gave way.

        What lies downstream of the node gives way first; of equally near situations the likeliest is taken. Raises
        ValueError if the node never has this value.
        """
        world = self.world
        (inside,) = np.nonzero(world.states[0][:, world.nodes.index(node)] == value)
        if not inside.size:
            raise ValueError(f"{node} is never {value}")
        others = [c.node for c in self.choices if c.node != node]
        columns = world.columns(others)
        below = self._below(node)
        cost = np.array([0.5 if n in below else 1.0 for n in others])
        moved = world.states[0][inside][:, columns] != world.states[0, at, columns]
        best = int(np.lexsort((inside, -world.weights[inside], moved @ cost))[0])
        return int(inside[best]), tuple(n for n, m in zip(others, moved[best], strict=True) if m)

    def _below(self, node: str) -> set[str]:
        found = {node}
        for a, b in self._sorted_edges:
            if a in found:
                found.add(b)
        return found - {node}

    @cached_property
    def _sorted_edges(self) -> list[tuple[str, str]]:
        place = {n: k for k, n in enumerate(self.world.nodes)}
        return sorted(self.world.edges, key=lambda edge: place[edge[0]])

    @property
    def translator(self) -> str:
        """The honest reporter that others are compared with."""
        honest = [n for n, p in self.cast.items() if p.honest]
        return "direct_translator" if "direct_translator" in honest else honest[0]

    @property
    def rivals(self) -> tuple[str, ...]:
        """The dishonest reporters, those first that the case names."""
        return tuple(n for n, p in self.cast.items() if not p.honest)

    def partings(self, one: str, other: str) -> Int[np.ndarray, " situation"]:
        """Where the two reporters' answers to some question lie on different sides of 1/2, the likeliest first."""
        first, second = (_side(self.cast[n].answers) for n in (one, other))
        (apart,) = np.nonzero((first != second).any(axis=1))
        return np.asarray(apart[np.argsort(-self.world.weights[apart], kind="stable")])

    def right(self, answers: Float[np.ndarray, "i q"], at: int) -> list[bool | None]:
        """Whether answers in a situation are on the truth's side, a question each; None where it is ambiguous."""
        truth = self.world.truth[at]
        return [None if t < 0 else abs(float(p) - t) < 0.5 for p, t in zip(answers[at], truth, strict=True)]


def _side(answers: np.ndarray) -> np.ndarray:
    return np.where(np.abs(answers - 0.5) < SURE, 0.0, np.sign(answers - 0.5))


def of_world(world: World) -> Stage:
    """A standard world with its reference reporters. Raises ValueError where no honest reporter is found."""
    simulators = {n for n, r in world.named_simulators.items()} | set(world.reporters)
    return _stage(world, reference_reporters(world), (), {*simulators, "direct_translator"})


def of_case(case: Case) -> Stage:
    """A case with everybody who is judged in it. Raises ValueError where no honest reporter is found."""
    seat = Seat(case)
    honest = seat.honest
    if not honest:
        raise ValueError("no honest reporter was found")
    main = "direct_translator" if "direct_translator" in honest else next(iter(honest))
    named = {main: honest[main], **case.bad_reporters, **seat.bystanders, **honest}
    return _stage(case.world, named, tuple(case.bad), {main, *case.bad, *case.honest, *seat.bystanders})


def _stage(world: World, named: Mapping[str, Reporter], bad: Sequence[str], first: set[str]) -> Stage:
    cast = {}
    for name, reporter in named.items():
        answers, honest = world.answers(reporter), is_honest(world, reporter)
        role = "named bad" if name in bad else "honest" if honest else "dishonest"
        good = ((world.truth < 0) | (np.abs(answers - world.truth) < 0.5)).all(axis=1)
        cast[name] = Part(reporter, role, honest, name in first, answers, np.asarray(world.weights[good].sum()))
    return Stage(world, dict(sorted(cast.items(), key=lambda item: not item[1].first)))
