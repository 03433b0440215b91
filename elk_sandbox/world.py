"""A world as tables: what is true, what the predictor holds, what humans see, believe and label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise, product
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int8

from elk_sandbox import people
from elk_sandbox.nets import Net
from elk_sandbox.people import Data, Human, Question, Relation
from elk_sandbox.reporters import Reporter, Table, answers_of

__all__ = ["LEVELS", "Case", "World"]

T = TypeVar("T")

LEVELS = ("viewer", "operator", "assisted", "hstar")
"""The humans that label: viewer, operator, AI-assisted, and the best net that a human can use (hstar)."""

MOST_PIXELS = 8
MOST_PARAMETERS = 7
MOST_EDITED = 4  # nodes set at once by an intervention


@dataclass(frozen=True, eq=False)
class World:
    """One instance. `s` sibling predictors (0 is the predictor at hand), `i` situations, `n` nodes, `q` questions."""

    questions: tuple[str, ...]
    nodes: tuple[str, ...]
    kinds: tuple[str, ...]  # latent, pixel, action, parameter or hidden, a node each
    readable: tuple[bool, ...]  # may a reporter read it?
    edges: tuple[tuple[str, str], ...]
    weights: Float[np.ndarray, " i"]  # P(situation), all positive
    states: Int8[np.ndarray, "s i n"]
    truth: Int8[np.ndarray, "i q"]  # 1 yes, 0 no, -1 ambiguous
    sees: dict[str, tuple[str, ...]]
    beliefs: dict[str, Float[np.ndarray, "i q"]]  # each human's P(yes)
    data: dict[str, Float[np.ndarray, " i"]]  # each process's weights, sum 1, 0 outside it
    labels: dict[str, Int8[np.ndarray, "i q"]]  # the process's human's labels, -1 where not asked
    labelled_by: dict[str, str]
    flips: tuple[tuple[str, ...], ...]  # sets of pixels that are flipped by intervention
    flipped: Int8[np.ndarray, "f i n"]  # states of the predictor at hand after each
    relations: tuple[Relation, ...] = ()
    simulators: dict[str, Reporter] = field(default_factory=dict)  # says what this human would say, from what she sees
    reporters: dict[str, Reporter] = field(default_factory=dict)  # further named reporters of this world
    words: dict[str, tuple[str, str]] = field(default_factory=dict)  # what a node's value 0 and 1 mean, in words
    listed: tuple[str, ...] = ("viewer",)  # humans whose simulators a builder can write down
    earlier: Reporter | None = None  # what a weaker predictor's reporter was, a table on the same nodes
    pads: bool = False  # may a compressor of the predictor's state hide bits behind coins of its own?
    edits: tuple[tuple[str, ...], ...] = ()  # sets of nodes that can be flipped by intervention, smallest first
    edited: Int8[np.ndarray, "e i n"] = field(default_factory=lambda: np.zeros((0, 0, 0), np.int8))  # after each

    @property
    def siblings(self) -> int:
        return int(self.states.shape[0])

    @cached_property
    def readable_nodes(self) -> tuple[str, ...]:
        return tuple(n for n, r in zip(self.nodes, self.readable, strict=True) if r)

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        return tuple(n for n, k in zip(self.nodes, self.kinds, strict=True) if k in kinds)

    @property
    def visible_nodes(self) -> tuple[str, ...]:
        """All but the hidden: the columns of a View's bits."""
        return tuple(n for n, k in zip(self.nodes, self.kinds, strict=True) if k != "hidden")

    def columns(self, names: Sequence[str]) -> list[int]:
        return [self.nodes.index(name) for name in names]

    def answers(self, reporter: Reporter) -> Float[np.ndarray, "i q"]:
        """The reporter's P(yes) on the predictor at hand."""
        return answers_of(reporter, self.states[0], self.nodes)

    @cached_property
    def named_simulators(self) -> dict[str, Reporter]:
        """Each human's simulator by its usual name, the viewer's the plain one; equal functions once."""
        names = {k: "human_simulator" if k == "viewer" else f"human_simulator_{k}" for k in self.simulators}
        found: dict[object, str] = {}
        for level, reporter in self.simulators.items():
            found.setdefault(reporter.key, level)
        return {names[level]: self.simulators[level] for level in found.values()}

    @cached_property
    def in_data(self) -> np.ndarray:
        """Which situations lie in which process: bool [process, i]."""
        return np.stack([self.data[p] > 0 for p in sorted(self.data)])

    @classmethod
    def from_net(
        cls,
        net: Net,
        *,
        questions: Mapping[str, str | int | Question],
        humans: Mapping[str, Human],
        data: Mapping[str, Data],
        pixels: Sequence[str] = (),
        actions: Sequence[str] = (),
        hidden: Sequence[str] = (),
        unreadable: Sequence[str] = (),
        parameters: Mapping[str, int] | None = None,
        relations: Sequence[Relation] = (),
        reporters: Mapping[str, Reporter] | None = None,
        words: Mapping[str, tuple[str, str]] | None = None,
        listed: Sequence[str] = ("viewer",),
        earlier: Reporter | Table | None = None,
        pads: bool = False,
        interventions: Sequence[str] = (),
    ) -> "World":
        """Derive situations, siblings, answers, data and roll-forward from a net of binary nodes.

        pixels, actions: what is observed. hidden: no node of the predictor. unreadable: of the predictor, but no
        reporter may read it. parameters: values of root nodes on the predictor at hand; all settings of them are its
        siblings. interventions: nodes that may be set, up to MOST_EDITED at once. listed, earlier, pads: see the
        fields. Humans and data of the levels that are not given are those of the level before.
        """
        parameters = dict(parameters or {})
        _known(net, pixels=pixels, actions=actions, hidden=hidden, unreadable=unreadable, parameters=list(parameters))
        _known(net, interventions=interventions)
        if any(card != 2 for card in net.cards.values()):
            raise ValueError(f"a world's nodes are binary; {[n for n, c in net.cards.items() if c != 2]} are not")
        if len(pixels) > MOST_PIXELS or len(parameters) > MOST_PARAMETERS:
            raise ValueError(
                f"at most {MOST_PIXELS} pixels and {MOST_PARAMETERS} parameters (every set of pixels and every setting "
                f"of parameters is enumerated), got {len(pixels)} and {len(parameters)}"
            )
        nodes = tuple(net.order)
        states, weights = net.support(given=parameters)
        column = {name: states[:, k] for k, name in enumerate(nodes)}
        settings = [parameters] + [
            s for bits in product((0, 1), repeat=len(parameters))
            if (s := dict(zip(parameters, bits, strict=True))) != parameters
        ]  # fmt: skip
        kind = dict.fromkeys(nodes, "latent") | dict.fromkeys(pixels, "pixel") | dict.fromkeys(actions, "action")
        kind |= dict.fromkeys(parameters, "parameter") | dict.fromkeys(hidden, "hidden")
        asked = {q: a if isinstance(a, Question) else Question(a) for q, a in questions.items()}
        _known(net, questions=[a.truth for a in asked.values() if isinstance(a.truth, str)])
        level_humans = _levels(humans, "humans")
        processes = _levels(data, "data")
        beliefs = {
            level: np.stack(people.beliefs(h, level, asked, column), axis=1) for level, h in level_humans.items()
        }
        flips = _sets(pixels, len(pixels))
        edits = _sets(interventions, MOST_EDITED)

        def after(sets: tuple[tuple[str, ...], ...]) -> np.ndarray:
            rolled = [net.roll(states, {n: 1 - column[n] for n in s}) for s in sets]
            return np.array(rolled, np.int8).reshape(len(sets), *states.shape)

        return cls(
            questions=tuple(asked),
            nodes=nodes,
            kinds=tuple(kind[n] for n in nodes),
            readable=tuple(kind[n] != "hidden" and n not in unreadable for n in nodes),
            edges=tuple((str(a), str(b)) for a, b in net.graph.edges),
            weights=weights,
            states=np.stack([states, *(net.roll(states, s) for s in settings[1:])]),
            truth=np.stack([people.truth(a, column) for a in asked.values()], axis=1),
            sees={level: tuple(h.sees) for level, h in level_humans.items()},
            beliefs=beliefs,
            data={p: people.process(p, d, column, weights) for p, d in processes.items()},
            labels={p: people.labels(d, beliefs, tuple(asked)) for p, d in processes.items()},
            labelled_by={p: d.labelled_by for p, d in processes.items()},
            flips=flips,
            flipped=after(flips),
            relations=tuple(relations),
            simulators={
                level: Reporter(tuple(people.simulation(h, q, a) for q, a in asked.items()))
                for level, h in level_humans.items()
            },
            reporters=dict(reporters or {}),
            words=dict(words or {}),
            listed=tuple(listed),
            earlier=Reporter((earlier,)) if isinstance(earlier, Table) else earlier,
            pads=pads,
            edits=edits,
            edited=after(edits),
        )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """What a counterexample gives: a world with its named bad reporters, and honest ones that its author thought of.

    A reporter may be given as a Reporter, as one Table (a world with one question) or as {question: Table}.
    """

    world: World
    bad: Mapping[str, Reporter | Table | Mapping[str, Table]]
    honest: Mapping[str, Reporter | Table | Mapping[str, Table]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in ("bad", "honest"):
            named = getattr(self, role)
            object.__setattr__(self, role, {name: _reporter(self.world, r, name) for name, r in named.items()})
        if not self.bad:
            raise ValueError("a case names at least one bad reporter")

    @property
    def bad_reporters(self) -> dict[str, Reporter]:
        return dict(self.bad)  # type: ignore[arg-type]  # __post_init__ left only Reporters

    @property
    def honest_reporters(self) -> dict[str, Reporter]:
        return dict(self.honest)  # type: ignore[arg-type]


def _reporter(world: World, given: Reporter | Table | Mapping[str, Table], name: str) -> Reporter:
    if isinstance(given, Table):
        given = Reporter((given,))
    elif not isinstance(given, Reporter):
        if set(given) != set(world.questions):
            raise ValueError(f"reporter {name!r} answers {sorted(given)}, the world asks {sorted(world.questions)}")
        given = Reporter(tuple(given[q] for q in world.questions))
    if len(given.tables) != len(world.questions):
        raise ValueError(f"reporter {name!r} has {len(given.tables)} tables for {len(world.questions)} questions")
    if blind := sorted(given.cone - set(world.readable_nodes)):
        raise ValueError(
            f"reporter {name!r} reads {blind}, which no reporter can; readable: {list(world.readable_nodes)}"
        )
    return given


def _known(net: Net, **named: Sequence[str]) -> None:
    for what, names in named.items():
        if isinstance(names, str):
            raise ValueError(f"{what} is a list of node names, got the text {names!r}")
        if strangers := [n for n in names if n not in net.graph]:
            raise ValueError(f"{what} names {strangers}, the net has {list(net.order)}")


def _sets(names: Sequence[str], most: int) -> tuple[tuple[str, ...], ...]:
    """All sets of one to `most` of the names, smallest first."""
    return tuple(s for size in range(1, min(most, len(names)) + 1) for s in combinations(names, size))


def _levels(given: Mapping[str, T], what: str) -> dict[str, T]:
    if LEVELS[0] not in given:
        raise ValueError(f"{what} needs at least {LEVELS[0]!r}, got {list(given)}")
    filled = dict(given)
    for before, level in pairwise(LEVELS):
        filled.setdefault(level, filled[before])
    return filled
