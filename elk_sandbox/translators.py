"""Honest candidates, derived from a world: direct translators of several kinds, and small honest functions."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from elk_sandbox.circuits import edits, honest_functions
from elk_sandbox.reporters import Reporter, Table
from elk_sandbox.world import World

__all__ = ["EDITED", "SMALL", "honest_candidates", "is_honest", "knows"]

MOST_NODES = 22  # a cube over the varying nodes is enumerated
WIDEST = 12  # nodes in a candidate's cone
WIDEST_PLAIN = 16  # and in that of a plain translator
SHUFFLES = 12
EDITED = "direct_translator edited"
EXITS = 4  # nodes that a translator may leave by
SMALL = "small_honest_function"
MOST = 64  # variants kept for one question


def is_honest(world: World, reporter: Reporter) -> bool:
    """On the right side of 1/2 in every unambiguous situation, for every question."""
    asked = world.truth >= 0
    return bool((np.abs(world.answers(reporter) - world.truth)[asked] < 0.5).all())


def knows(world: World) -> tuple[int, int, int] | None:
    """None if the readable nodes settle every unambiguous truth; else a question and two situations that show not."""
    names = [n for n in world.readable_nodes if np.ptp(world.states[0][:, world.nodes.index(n)])]
    bits = world.states[0][:, world.columns(names)]
    for q in range(len(world.questions)):
        pattern = np.packbits(bits, axis=1)
        _, group = np.unique(pattern, axis=0, return_inverse=True) if names else (None, np.zeros(len(bits), np.int64))
        yes, no = (np.unique(group[world.truth[:, q] == v]) for v in (1, 0))
        both = np.intersect1d(yes, no)
        if both.size:
            same = group == both[0]
            first, second = (int(np.flatnonzero(same & (world.truth[:, q] == v))[0]) for v in (1, 0))
            return q, first, second
    return None


def honest_candidates(world: World, given: Mapping[str, Reporter]) -> dict[str, Reporter]:
    """Named honest reporters: those given, direct translators, all honest functions of at most 3 nodes.

    No function stands twice. A later name of the same kind carries a number.
    """
    found: dict[str, Reporter] = {}
    keys, readable = set(), set(world.readable_nodes)
    counts: Counter[str] = Counter()
    for name, reporter in [*given.items(), *_derived(world)]:
        if reporter.key not in keys and reporter.cone <= readable and is_honest(world, reporter):
            keys.add(reporter.key)
            counts[name] += 1
            found[f"{name} {counts[name]}" if counts[name] > 1 else name] = reporter
    return found


def _derived(world: World) -> Iterator[tuple[str, Reporter]]:
    plain = [_translations(world, q) for q in range(len(world.questions))]
    yield from (("direct_translator", r) for r in _together(plain))
    exits = [[e for t in tables[:2] for e in _early_exits(world, q, t)] for q, tables in enumerate(plain)]
    early = list(_together([e or p for e, p in zip(exits, plain, strict=True)]))
    yield from (("direct_translator_early_exit", r) for r in early)
    yield from (("fingerprint_translator", r) for base in [*_together(plain), *early] for r in _checked(world, base))
    base = next(_together(plain))
    yield from _hedged(world, base)
    yield from (("memorising_translator", r) for r in _memorising(world))
    for q, table in enumerate(base.tables):
        yield from (
            (f"{EDITED}: {what}", base.replacing(q, t)) for what, t in edits(table, world.readable_nodes[:MOST_NODES])
        )
    for q, tables in enumerate(honest_functions(world)):
        for table in tables:
            yield SMALL, base.replacing(q, table)
            yield SMALL, Reporter((table,) * len(world.questions))


def _together(variants: list[list[Table]]) -> Iterator[Reporter]:
    """The k-th variant of every question together, so that several questions do not multiply."""
    for k in range(max(map(len, variants))):
        yield Reporter(tuple(tables[min(k, len(tables) - 1)] for tables in variants))


def _translations(world: World, question: int) -> list[Table]:
    """The truth as a function of few nodes; where the predictor cannot be, the table is filled in several ways."""
    truth = world.truth[:, question]
    asked = truth >= 0
    if not (truth[asked] == 1).any() or not (truth[asked] == 0).any():
        return [Table.constant(float((truth[asked] == 1).any()))]
    states = world.states[0]
    varying = [n for n in world.readable_nodes if np.ptp(states[:, world.nodes.index(n)])]
    latent = [n for n in varying if world.kinds[world.nodes.index(n)] == "latent"]
    tables: list[Table] = []
    for pool in _orders(latent, varying):
        if len(pool) > MOST_NODES:
            raise ValueError(f"{len(pool)} nodes vary and can be read; an exact case has at most {MOST_NODES}")
        cone = _smallest_cone(states[:, world.columns(pool)][asked], truth[asked], pool)
        if cone is not None and len(cone) <= WIDEST_PLAIN:
            tables += _filled(states[:, world.columns(cone)][asked], truth[asked], cone)
    distinct = {t.key: t.reduced() for t in tables}
    return list(distinct.values()) or [_memorised(world, question, varying)]


def _orders(latent: list[str], varying: list[str]) -> Iterator[list[str]]:
    """Orders in which nodes are tried to be dropped: each may leave another smallest cone."""
    yield from (latent, latent[::-1], varying)
    rng = np.random.default_rng(0)
    for _ in range(SHUFFLES if len(latent) <= WIDEST_PLAIN else 0):
        yield [latent[k] for k in rng.permutation(len(latent))]


def _seen(bits: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """On the cube of the columns of bits: where truth yes occurs, and where no does."""
    index = np.zeros(len(bits), np.int64)
    for column in bits.T:
        index = 2 * index + column
    cubes = []
    for value in (1, 0):
        cube = np.zeros(2 ** bits.shape[1], bool)
        cube[index[truth == value]] = True
        cubes.append(cube.reshape((2,) * bits.shape[1]))
    return cubes[0], cubes[1]


def _smallest_cone(bits: np.ndarray, truth: np.ndarray, names: list[str]) -> list[str] | None:
    """Drop nodes, last first, as long as the rest settles the truth; None if even all of them do not."""
    yes, no = _seen(bits, truth)
    if (yes & no).any():
        return None
    kept = list(names)
    for axis in reversed(range(len(names))):
        fewer_yes, fewer_no = np.asarray(yes.any(axis=axis)), np.asarray(no.any(axis=axis))
        if not (fewer_yes & fewer_no).any():
            yes, no = fewer_yes, fewer_no
            del kept[axis]
    return kept


def _filled(bits: np.ndarray, truth: np.ndarray, cone: list[str]) -> list[Table]:
    yes, no = _seen(bits, truth)
    if (yes | no).all():
        return [Table(cone, yes)]
    near = np.where(yes, 1.0, np.where(no, 0.0, np.nan))
    while np.isnan(near).any():
        for axis in range(near.ndim):
            near = np.where(np.isnan(near), np.flip(near, axis), near)
    return [Table(cone, near), Table(cone, yes), Table(cone, ~no)]


def _memorising(world: World) -> Iterator[Reporter]:
    """The right answer for each readable latent state that occurs, and no for every other."""
    states = world.states[0]
    latent = [n for n, k in zip(world.nodes, world.kinds, strict=True) if k == "latent" and n in world.readable_nodes]
    if len(latent) > WIDEST:
        return
    tables = []
    for q in range(len(world.questions)):
        asked = world.truth[:, q] >= 0
        yes, no = _seen(states[:, world.columns(latent)][asked], world.truth[asked, q])
        if (yes & no).any():
            return
        tables.append(Table(latent, yes))
    yield Reporter(tuple(tables))


def _memorised(world: World, question: int, varying: list[str]) -> Table:
    """The whole readable state, where no smaller cone was found: only for small worlds."""
    if len(varying) > WIDEST_PLAIN:
        raise ValueError(
            f"no honest reporter of at most {WIDEST_PLAIN} nodes was found for {world.questions[question]!r}; "
            "name one in Case(..., honest={...})"
        )
    asked = world.truth[:, question] >= 0
    return _filled(world.states[0][:, world.columns(varying)][asked], world.truth[asked, question], varying)[0]


def _early_exits(world: World, question: int, base: Table) -> list[Table]:
    """Translators that first look at up to EXITS other nodes, each of which may settle the answer at once."""
    column, truth = _exit_nodes(world, question, base)
    others = list(column)
    found: dict[tuple[tuple[str, ...], bytes], Table] = {}
    stack: list[tuple[tuple[tuple[str, int, int], ...], np.ndarray]] = [((), truth >= 0)]
    while stack and len(found) < MOST:
        chain, left = stack.pop(0)
        if len(chain) == EXITS or len(base.nodes) + len(chain) == WIDEST:
            continue
        for node in others:
            if node in [n for n, _, _ in chain]:
                continue
            for value in (0, 1):
                here = left & (column[node] == value)
                answers = truth[here]
                if answers.size == 0 or answers.min() != answers.max() or here.sum() == left.sum():
                    continue
                longer = (*chain, (node, value, int(answers[0])))
                table = _with_exits(base, longer)
                if table.key not in found:
                    found[table.key] = table
                    stack.append((longer, left & (column[node] != value)))
    return list(found.values())


def _exit_nodes(world: World, question: int, base: Table) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Nodes outside the cone and the truth, on the distinct patterns of these that occur; at most WIDEST nodes.

    Where there are more, those least correlated with the truth are left out: independent noise settles nothing.
    """
    truth = world.truth[:, question]
    names = [
        n
        for n, kind in zip(world.nodes, world.kinds, strict=True)
        if n in world.readable_nodes and n not in base.nodes and kind != "parameter"
    ]
    columns = {n: world.states[0][:, world.nodes.index(n)] for n in names}
    if len(names) > WIDEST:
        centred = (truth == 1) - np.average(truth == 1, weights=world.weights)
        strength = {n: abs(float((world.weights * centred) @ columns[n])) for n in names}
        names = sorted(sorted(names, key=lambda n: -strength[n])[:WIDEST], key=names.index)
    key = truth.astype(np.int64) + 1
    for n in names:
        key = 2 * key + columns[n]
    _, first = np.unique(key, return_index=True)
    return {n: columns[n][first] for n in names}, truth[first]


def _with_exits(base: Table, chain: tuple[tuple[str, int, int], ...]) -> Table:
    nodes = [*(n for n, _, _ in chain), *base.nodes]
    cube = np.broadcast_to(base.cube, (2,) * len(nodes)).copy()
    for place, (_, value, answer) in reversed(list(enumerate(chain))):
        index: list[int | slice] = [slice(None)] * len(nodes)
        index[place] = value
        cube[tuple(index)] = answer
    return Table(nodes, cube).reduced()


def _checked(world: World, base: Reporter) -> Iterator[Reporter]:
    """Translate after checking every parameter of the predictor at hand; a constant elsewhere."""
    parameters = world.of_kind("parameter")
    if not parameters or len(parameters) + max(len(t.nodes) for t in base.tables) > WIDEST + len(parameters) // 2:
        return
    own = tuple(world.states[0, 0, world.columns(parameters)])
    for garbage in (0.0, 1.0):
        tables = []
        for table in base.tables:
            cube = np.full((2,) * (len(parameters) + len(table.nodes)), garbage)
            cube[own] = table.cube
            tables.append(Table([*parameters, *table.nodes], cube))
        yield Reporter(tuple(tables))


def _hedged(world: World, base: Reporter) -> Iterator[tuple[str, Reporter]]:
    """Where some human labels wrongly: the translator softened to 0.9, and one that is unsure just where she errs."""
    for process, labels in world.labels.items():
        inside = world.data[process] > 0
        wrong = (labels >= 0) & (world.truth >= 0) & (labels != world.truth) & inside[:, None]
        if not wrong.any():
            continue
        yield "direct_translator_softened", Reporter(tuple(Table(t.nodes, 0.1 + 0.8 * t.values) for t in base.tables))
        human = world.simulators[world.labelled_by[process]]
        pairs = zip(base.tables, human.tables, strict=True)
        yield "direct_translator_hedged", Reporter(tuple(_unsure(t, h) for t, h in pairs))


def _unsure(table: Table, human: Table) -> Table:
    nodes = [*table.nodes, *(n for n in human.nodes if n not in table.nodes)]

    def rule(*bits: int) -> float:
        row = np.array(bits, np.int8)
        truth, said = float(table(row, nodes)), float(human(row, nodes))
        return truth if abs(truth - said) <= 0.5 else 0.49 + 0.02 * truth

    return Table.of(nodes, rule)
