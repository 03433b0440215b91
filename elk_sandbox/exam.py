"""One sitting: a world's View, without the truth, and shuffled candidates go to a proposal; values and terms return."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from elk_sandbox.objective import NotApplicable
from elk_sandbox.reporters import Reporter, measure
from elk_sandbox.world import World

__all__ = ["BadObjective", "Examinee", "Ledger", "Shuffle", "same", "sit", "sit_alone"]

MOST = 1e5  # nats; above, float64 does not tell values apart to SAME
SAME = 1e-10  # nats, less than a tie: what rounding may change between two sittings

ADDS_UP = 1e-9  # nats, and share, within which terms are the objective's

WALL = 10.0  # seconds for any sitting, and beyond that
PACE = 4e6  # answers a second


class Examinee(Protocol):
    """What runs a proposal: a child process, or for our own baseline this process."""

    def call(
        self, meta: dict[str, Any], arrays: dict[str, np.ndarray], wall: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]: ...


class BadObjective(Exception):
    """The proposal returned something that is no objective; the message says what."""


@dataclass(frozen=True)
class Ledger:
    """Objective and its terms in nats, for each candidate by name."""

    values: dict[str, float]
    columns: dict[str, np.ndarray]  # each term, in the order of `values`

    def terms(self, names: Iterable[str]) -> dict[str, dict[str, float]]:
        """Of these candidates."""
        place = {n: k for k, n in enumerate(self.values)}
        return {n: {term: float(column[place[n]]) for term, column in self.columns.items()} for n in names}


@dataclass(frozen=True)
class Shuffle:
    """How a world is shown: seeds of the order of situations, nodes and candidates, and of the polarity of nodes."""

    order: int
    polarity: int | None = None  # None: as in the net


def sit(
    examinee: Examinee,
    world: World,
    candidates: Mapping[str, Reporter],
    *,
    knobs: Mapping[str, Any],
    measures: Sequence[str],
    shuffle: Shuffle,
) -> Ledger:
    """The objective of all candidates. Raises NotApplicable, BadObjective, and what the examinee raises."""
    places, sheet = _drawn(world, len(candidates), shuffle)
    given = list(candidates)
    names = [given[k] for k in places]
    meta, arrays = sheet.filled([candidates[n] for n in names], measures)
    answers = len(candidates) * world.siblings * len(world.weights) * len(world.questions)
    reply, results = examinee.call({**meta, "knobs": dict(knobs)}, arrays, WALL + answers / PACE)
    if "not_applicable" in reply:
        raise NotApplicable(str(reply["not_applicable"]))
    values = _checked(results.get("values"), len(names), "the objective")
    titles = [str(t) for t in reply.get("terms", [])]
    terms = {t: _checked(results.get(f"term_{k}"), len(names), f"the term {t!r}") for k, t in enumerate(titles)}
    if titles and (np.abs(sum(terms.values()) - values) > ADDS_UP * (1 + np.abs(values))).any():
        raise BadObjective(f"the terms {', '.join(titles)} do not add up to the objective")
    return Ledger(dict(zip(names, values.tolist(), strict=True)), terms)


def _checked(values: np.ndarray | None, count: int, what: str) -> np.ndarray:
    if values is None or values.dtype.kind not in "fiub":
        raise BadObjective(f"{what} is no array of numbers")
    if values.shape != (count,):
        raise BadObjective(f"{what} has shape {values.shape}, one number for each of the {count} candidates is asked")
    if not np.isfinite(values).all():
        bad = values[~np.isfinite(values)]
        raise BadObjective(f"{what} is {bad[0]} for {bad.size} of {count} candidates; it must be finite")
    if (big := np.abs(values).max(initial=0)) > MOST:
        raise BadObjective(f"{what} is as large as {big:.3g}; within {MOST:g} nats values are told apart exactly")
    return values.astype(np.float64)


def sit_alone(
    examinee: Examinee,
    world: World,
    candidates: Mapping[str, Reporter],
    values: Mapping[str, float],
    *,
    knobs: Mapping[str, Any],
    measures: Sequence[str],
    shuffle: Shuffle,
) -> None:
    """Ask for each candidate by itself, and raise BadObjective unless its value is what it was in company.

    The examinee has never seen several candidates at once: so a value that stands is a function of the candidate and
    the view, not of what the honest have in common or of what was seen before. Their order tells nothing either.
    """
    names = list(candidates)
    np.random.default_rng(shuffle.order).shuffle(names)
    for name in names:
        by_itself = sit(examinee, world, {name: candidates[name]}, knobs=knobs, measures=measures, shuffle=shuffle)
        same(name, values[name], by_itself.values[name])


def same(name: str, before: float, after: float) -> None:
    if abs(after - before) > SAME:
        raise BadObjective(
            f"the objective of {name} is {before:.12g}, and {after:.12g} when candidates, nodes and situations come "
            "in another order, beside other candidates or alone; it must depend on the candidate and the view alone"
        )


def encode(
    world: World,
    reporters: Sequence[Reporter],
    measures: Sequence[str],
    rng: np.random.Generator,
    polarity: int | None,
    order: np.ndarray | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A View and its Reporters as arrays without the truth; see view.View for their shapes.

    order: of the situations, for who has to find them again; None: drawn.
    """
    return _Sheet(world, rng, polarity, order).filled(reporters, measures)


_DRAWN: WeakKeyDictionary[World, dict[tuple[int, Shuffle], tuple[list[int], "_Sheet"]]] = WeakKeyDictionary()


def _drawn(world: World, count: int, shuffle: Shuffle) -> tuple[list[int], "_Sheet"]:
    """The order of `count` candidates, and the world as it is shown to them: every proposal gets the same."""
    known = _DRAWN.setdefault(world, {})
    if (count, shuffle) not in known:
        rng, places = np.random.default_rng(shuffle.order), list(range(count))
        rng.shuffle(places)
        known[count, shuffle] = places, _Sheet(world, rng, shuffle.polarity)
    return known[count, shuffle]


class _Sheet:
    """A world as it is shown, whoever the candidates are."""

    def __init__(
        self, world: World, rng: np.random.Generator, polarity: int | None, order: np.ndarray | None = None
    ) -> None:
        self._meta, self._arrays, self._flips = _shown(world, rng, polarity, order)
        self._earlier = world.earlier
        self._filled: dict[tuple[Reporter, ...], dict[str, np.ndarray]] = {}

    def filled(
        self, reporters: Sequence[Reporter], measures: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """With these candidates and of their measures those that are asked; what was filled in is remembered."""
        known = self._filled.setdefault(tuple(reporters), {})
        known |= {} if known else _tables(reporters, self._flips)
        for m in measures:
            if m not in known:
                known[m] = np.array([measure(r, m, self._earlier) for r in reporters])
        asked = {name: known[name] for name in ("cones", "offsets", "tables")}
        return self._meta, self._arrays | asked | {f"measure_{m}": known[m] for m in measures}


def _shown(
    world: World, rng: np.random.Generator, polarity: int | None, order: np.ndarray | None
) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, int]]:
    """The View's part, and which nodes are stored with the opposite polarity, in the order of showing."""
    kind = dict(zip(world.nodes, world.kinds, strict=True))
    nodes = list(world.visible_nodes)
    rng.shuffle(nodes)
    named = [kind[n] in ("pixel", "action") for n in nodes]
    coins = np.zeros(len(nodes), np.int8) if polarity is None else _coins(sorted(nodes), nodes, polarity)
    flip = np.where(named, 0, coins).astype(np.int8)
    order = rng.permutation(len(world.weights)) if order is None else order
    columns = world.columns(nodes)

    def shown(states: np.ndarray) -> np.ndarray:
        return np.asarray(states[:, order][:, :, columns] ^ flip)

    def marked(sets: Sequence[Sequence[str]]) -> np.ndarray:
        return np.array([[n in s for n in nodes] for s in sets], bool).reshape(-1, len(nodes))

    edges = _shown_edges(world)
    arrays = {
        "weights": world.weights[order],
        "bits": shown(world.states),
        "readable": np.array([n in world.readable_nodes for n in nodes]),
        "edges": np.array([[(a, b) in edges for b in nodes] for a in nodes]),
    }
    # Sets of nodes come in another order each time: the net's own would tell which node is which.
    done = {("flips", "flipped"): (world.flips, world.flipped), ("edits", "edited"): (world.edits, world.edited)}
    for (before, after), (sets, states) in done.items():
        rows = rng.permutation(len(sets))
        arrays[before] = marked(sets)[rows]
        arrays[after] = shown(states.reshape(-1, *world.states.shape[1:]))[rows]
    for level, beliefs in world.beliefs.items():
        arrays[f"human_{level}"] = beliefs[order]
    for process, weights in world.data.items():
        arrays[f"weights_{process}"] = weights[order]
        arrays[f"labels_{process}"] = world.labels[process][order]
    places = {q: k for k, q in enumerate(world.questions)}
    meta = {
        "questions": list(world.questions),
        "nodes": [n if known else f"node {k}" for k, (n, known) in enumerate(zip(nodes, named, strict=True))],
        "kinds": [kind[n] for n in nodes],
        "levels": list(world.beliefs),
        "processes": list(world.data),
        "listed": list(world.listed),
        "pads": world.pads,
        "relations": [[[places[q] for q in r.questions], [list(p) for p in r.allowed]] for r in world.relations],
    }
    return meta, arrays, dict(zip(nodes, (int(f) for f in flip), strict=True))


def _shown_edges(world: World) -> set[tuple[str, str]]:
    """The graph over what is shown. A path through hidden nodes is an edge, a hidden common cause an edge both ways."""
    hidden = set(world.of_kind("hidden"))
    children: dict[str, set[str]] = {n: set() for n in world.nodes}
    for a, b in world.edges:
        children[a].add(b)

    def reached(start: str) -> set[str]:
        front, seen = [start], set[str]()
        while front:
            new = children[front.pop()] - seen
            seen |= new
            front += new & hidden
        return seen - hidden

    ends = {n: reached(n) for n in world.nodes}
    return {(a, b) for a in set(world.nodes) - hidden for b in ends[a]} | {
        pair for h in hidden for pair in permutations(sorted(ends[h]), 2)
    }


def _coins(canonical: Sequence[str], nodes: Sequence[str], seed: int) -> np.ndarray:
    """A fair coin for each node, the same whatever the order of the nodes."""
    coin = dict(zip(canonical, np.random.default_rng(seed).integers(0, 2, len(canonical)), strict=True))
    return np.array([coin[n] for n in nodes], np.int8)


def _tables(reporters: Sequence[Reporter], flip: Mapping[str, int]) -> dict[str, np.ndarray]:
    place = {n: k for k, n in enumerate(flip)}
    widest = max(1, *(len(t.nodes) for r in reporters for t in r.tables))
    cones = np.full((len(reporters), len(reporters[0].tables), widest), -1, np.int16)
    offsets = np.zeros(cones.shape[:2], np.int64)
    chunks: list[np.ndarray] = []
    start = 0
    for c, reporter in enumerate(reporters):
        for q, table in enumerate(reporter.tables):
            cones[c, q, : len(table.nodes)] = [place[n] for n in table.nodes]
            offsets[c, q] = start
            chunks.append(table.negated_inputs(flip).values)
            start += chunks[-1].size
    return {"cones": cones, "offsets": offsets, "tables": np.concatenate(chunks)}
