"""The adversary: a fixed search for reporters that nobody named. It never sees the proposal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int8

from elk_sandbox.reporters import Reporter, Table
from elk_sandbox.view import FLOOR
from elk_sandbox.world import World

__all__ = ["Found", "edits", "honest_functions", "in_words", "search"]

SMALL_POOL = 14  # up to here all functions of 2 nodes are tried; beyond, those that fit some labels
POOL = 18  # readable nodes searched: those that the named reporters read, then the others in the net's order
WIDEST = 12  # nodes in an edited cone
PADDED = 8  # nodes in a padded cone
WRONG = -np.log(FLOOR)
GATES = {"and": lambda r, x: r * x, "or": lambda r, x: np.maximum(r, x), "xor": lambda r, x: r * (1 - x) + (1 - r) * x}


@dataclass(frozen=True)
class Found:
    """What the search returns, by a name that says what it does."""

    dishonest: dict[str, Reporter]
    honest: dict[str, Reporter]


@dataclass(frozen=True)
class _Rows:
    """The distinct patterns of the pool that occur, with what lies on them."""

    pool: tuple[str, ...]
    bits: Int8[np.ndarray, "row node"]
    yes: Bool[np.ndarray, "row question"]  # the truth is yes somewhere on this row
    no: Bool[np.ndarray, "row question"]
    labelled: dict[str, Float[np.ndarray, "2 row question"]]  # weight of labels 0 and 1, a process each
    _right: dict[tuple[int, Table], bool] = field(init=False, default_factory=dict)

    def losses(self, question: int, table: Table) -> dict[str, float]:
        """On each process's labels of this question."""
        answers = table(self.bits, self.pool)
        cost = -np.log(np.maximum([1 - answers, answers], FLOOR))
        return {process: float((cost * weight[:, :, question]).sum()) for process, weight in self.labelled.items()}

    def honest(self, reporter: Reporter) -> bool:
        return all(self._is_right(q, table) for q, table in enumerate(reporter.tables))

    def _is_right(self, question: int, table: Table) -> bool:
        """Remembered, since with several questions a table stands in several reporters."""
        if (question, table) not in self._right:
            answers, yes, no = table(self.bits, self.pool), self.yes[:, question], self.no[:, question]
            self._right[question, table] = bool((answers[yes] > 0.5).all() and (answers[no] < 0.5).all())
        return self._right[question, table]


def search(
    world: World,
    bad: Mapping[str, Reporter],
    honest: Mapping[str, Reporter],
    others: Mapping[str, Reporter] = MappingProxyType({}),
) -> Found:
    """All functions of at most 2 readable nodes (of 1 in a large pool); those of up to 3 that fit some human's labels
    no worse than the named reporters do; one-node edits of the named reporters under the same condition; and the bad
    ones padded where the predictor cannot be. With several questions one is replaced at a time, or all by the same.
    `others` are named elsewhere and not found again.
    """
    named = {**bad, **honest}
    rows = _rows(world, named)
    bars: dict[tuple[str, int], float] = {}
    for q in range(len(world.questions)):
        losses = [rows.losses(q, r.tables[q]) for r in named.values()]
        bars |= {(p, q): max(loss[p] for loss in losses) + 1e-9 for p in rows.labelled}
    bases = [*bad.values(), *list(honest.values())[:1], world.simulators["viewer"]]
    bases = [b for b in {b.key: b for b in bases}.values() if b.cone <= set(rows.pool)]
    known = {r.key for r in (*named.values(), *others.values())}
    dishonest: dict[str, Reporter] = {}
    right: dict[str, Reporter] = {}
    for what, reporter in _candidates(world, rows, bars, bases, {**bad, **dict(list(honest.items())[:1])}, bad):
        key = reporter.key
        if key in known:
            continue
        known.add(key)
        name = what or f"function {len(known)}"
        (right if rows.honest(reporter) else dishonest)[name] = reporter
    return Found(dishonest, right)


def _candidates(
    world: World,
    rows: _Rows,
    bars: Mapping[tuple[str, int], float],
    bases: list[Reporter],
    edited: Mapping[str, Reporter],
    padded: Mapping[str, Reporter],
) -> Iterator[tuple[str | None, Reporter]]:
    """The reporters of the search; small functions come without a name, which `in_words` gives when one is shown."""
    questions = range(len(world.questions))
    about = [f", question {q + 1}" if len(questions) > 1 else "" for q in questions]
    unconditional = 2 if len(rows.pool) <= SMALL_POOL else 1
    for q in questions:
        for table in _small(rows, _fits_labels(rows, q, bars), unconditional):
            if len(questions) == 1:
                yield None, Reporter((table,))
            else:
                yield from ((None, base.replacing(q, table)) for base in bases)
                yield None, Reporter((table,) * len(questions))
    for name, reporter in edited.items():
        for q in questions:
            for what, table in edits(reporter.tables[q], rows.pool):
                if any(loss <= bars[p, q] for p, loss in rows.losses(q, table).items()):
                    yield f"{name}{about[q]}: {what}", reporter.replacing(q, table)
    for name, reporter in padded.items():
        pads = [list(_pads(table, rows)) for table in reporter.tables]
        for q in questions:
            yield from ((f"{name}{about[q]}: {what}", reporter.replacing(q, table)) for what, table in pads[q])
        if len(questions) > 1 and all(pads):
            for padding in zip(*pads, strict=False):
                yield f"{name}, every question: {padding[0][0]}", Reporter(tuple(table for _, table in padding))


def _rows(world: World, named: Mapping[str, Reporter]) -> _Rows:
    read = {n for r in named.values() for n in r.cone}
    pool = [n for n in world.readable_nodes if n in read]
    pool += [n for n in world.readable_nodes if n not in read][: max(0, POOL - len(pool))]
    key = np.zeros(len(world.weights), np.int64)
    for column in world.columns(pool):
        key = 2 * key + world.states[0, :, column]
    distinct, first, row = np.unique(key, return_index=True, return_inverse=True)

    def gather(weights: np.ndarray) -> np.ndarray:
        columns = [np.bincount(row, weights[:, q], len(distinct)) for q in range(weights.shape[1])]
        return np.stack(columns, axis=1)

    labelled: dict[str, np.ndarray] = {}
    for process, labels in world.labels.items():
        weight = world.data[process][:, None]
        both = np.stack([gather((labels == v) * weight) for v in (0, 1)])
        if not any(np.array_equal(both, other) for other in labelled.values()):
            labelled[process] = both
    return _Rows(
        tuple(pool),
        world.states[0][first][:, world.columns(pool)],
        gather((world.truth == 1) * 1.0) > 0,
        gather((world.truth == 0) * 1.0) > 0,
        labelled,
    )


Accept = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (rules [rule, pattern], index of each row) -> bool [rule]


def _small(rows: _Rows, accept: Accept, unconditional: int) -> Iterator[Table]:
    """Functions of at most 3 nodes, every node of which matters: those of more than `unconditional` if accepted."""
    for size in range(4):
        rules = np.array(list(product((0, 1), repeat=2**size)), np.float64)
        cubes = rules.reshape(-1, *(2,) * size)
        moves = [(cubes != np.flip(cubes, a + 1)).reshape(len(rules), -1).any(axis=1) for a in range(size)]
        rules = rules[np.all(moves, axis=0)] if size else rules
        for nodes in combinations(range(len(rows.pool)), size):
            fits = np.ones(len(rules), bool)
            if size > unconditional:
                fits = accept(rules, rows.bits[:, list(nodes)].astype(np.int64) @ (2 ** np.arange(size)[::-1]))
            yield from (Table([rows.pool[n] for n in nodes], rule) for rule in rules[fits])


def _fits_labels(rows: _Rows, question: int, bars: Mapping[tuple[str, int], float]) -> Accept:
    """No worse on some human's labels of this question than the worst of the named reporters."""

    def accept(rules: np.ndarray, index: np.ndarray) -> np.ndarray:
        fits = np.zeros(len(rules), bool)
        for process, weight in rows.labelled.items():
            if weight[:, :, question].any():
                no, yes = (np.bincount(index, weight[v, :, question], rules.shape[1]) for v in (0, 1))
                fits |= WRONG * (rules @ no + (1 - rules) @ yes) <= bars[process, question]
        return fits

    return accept


def honest_functions(world: World) -> list[list[Table]]:
    """For each question all honest functions of at most 3 readable nodes."""
    rows = _rows(world, {})

    def right(question: int) -> Accept:
        def accept(rules: np.ndarray, index: np.ndarray) -> np.ndarray:
            no = np.bincount(index, rows.no[:, question], rules.shape[1])
            yes = np.bincount(index, rows.yes[:, question], rules.shape[1])
            return np.asarray(rules @ no + (1 - rules) @ yes == 0)

        return accept

    return [list(_small(rows, right(q), unconditional=-1)) for q in range(len(world.questions))]


def edits(table: Table, pool: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """The table with one node fixed, replaced, or joined by a gate; what was done, and the result."""
    others = [n for n in pool if n not in table.nodes]
    for place, node in enumerate(table.nodes):
        for value in (0, 1):
            rest = table.nodes[:place] + table.nodes[place + 1 :]
            yield f"{node} taken as {value}", Table(rest, np.take(table.cube, value, place))
        for other in others:
            yield (
                f"{other} read for {node}",
                Table([*table.nodes[:place], other, *table.nodes[place + 1 :]], table.values),
            )
    if len(table.nodes) < WIDEST:
        for other, (gate, rule), sign in product(others, GATES.items(), (0, 1)):
            if gate != "xor" or not sign:
                literal = np.array([1.0, 0.0] if sign else [0.0, 1.0])
                what = f"{gate} {'not ' if sign else ''}{other}"
                yield what, Table([*table.nodes, other], rule(table.cube[..., None], literal))


def _pads(table: Table, rows: _Rows) -> Iterator[tuple[str, Table]]:
    """The same answers wherever the predictor can be, and another function elsewhere: other prices, same behaviour."""
    others = [n for n in rows.pool if n not in table.nodes]
    wide = (*table.nodes, *others[: max(0, PADDED - len(table.nodes))])
    for nodes in dict.fromkeys([table.nodes, *((*table.nodes, n) for n in others), wide]):
        if len(nodes) > WIDEST:
            continue
        grid = np.array(list(product((0, 1), repeat=len(nodes))), np.int8).reshape(2 ** len(nodes), len(nodes))
        answers = table(grid, nodes)
        occurs = np.zeros(len(grid), bool)
        columns = [rows.pool.index(n) for n in nodes]
        occurs[rows.bits[:, columns].astype(np.int64) @ (2 ** np.arange(len(nodes))[::-1])] = True
        if occurs.all():
            continue
        odd = grid.sum(axis=1) % 2
        fillings = {"0": 0.0 * answers, "1": 0.0 * answers + 1, "the opposite": 1 - answers, "parity": 1.0 * odd}
        for what, elsewhere in fillings.items():
            yield f"{what} on unreachable {' '.join(nodes)}", Table(nodes, np.where(occurs, answers, elsewhere))


def in_words(reporter: Reporter) -> str:
    """What it answers, each question as an or of ands: `m and not t`; wide tables by the nodes they read."""
    return " | ".join(_words(table.reduced()) for table in reporter.tables)


def _words(table: Table) -> str:
    if len(table.nodes) > 4 or not np.isin(table.values, (0, 1)).all():
        return f"a function of {', '.join(table.nodes)}"
    cube = table.cube
    terms: list[tuple[int, ...]] = []
    for pattern in sorted(product((0, 1, 2), repeat=cube.ndim), key=lambda p: -p.count(2)):
        inside = cube[tuple(slice(None) if v == 2 else v for v in pattern)]
        covered = any(all(t in (2, v) for t, v in zip(term, pattern, strict=True)) for term in terms)
        if np.all(inside == 1) and not covered:
            terms.append(pattern)
    if not terms:
        return "always no"
    words = [
        " and ".join(n if v else f"not {n}" for n, v in zip(table.nodes, term, strict=True) if v != 2) for term in terms
    ]
    return " or ".join(words) or "always yes"
