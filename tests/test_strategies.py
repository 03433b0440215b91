"""What the strategies of the appendices and of the prize results measure: the reference's numbers, and brute force."""

from itertools import combinations, product
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox import Human, Net, NotApplicable, Reporter, Table, World, majority, worlds
from elk_sandbox.candidates import Reporters
from elk_sandbox.exam import encode
from elk_sandbox.information import v_information
from elk_sandbox.objective import Objective
from elk_sandbox.people import Data
from elk_sandbox.translators import is_honest
from elk_sandbox.view import View

LN2 = log(2)


def ask(world: World, term: str, *reporters: Reporter | Table, polarity: int | None = 3, **options: Any) -> list[float]:
    """A term of some reporters, with shuffled nodes and situations."""
    made = [Reporter((r,)) if isinstance(r, Table) else r for r in reporters]
    needs = ("change",) if term == "change" else ()
    meta, arrays = encode(world, made, needs, np.random.default_rng(0), polarity)
    view = View(meta, arrays)
    found: Objective = getattr(view, term)(Reporters(view, arrays), **options)
    return [float(v) for v in found.values]


def joint(world: World) -> list[tuple[dict[str, int], float]]:
    """Every situation as node: value, with its probability."""
    rows = zip(world.states[0], world.weights, strict=True)
    return [(dict(zip(world.nodes, map(int, row), strict=True)), float(w)) for row, w in rows]


def said(table: Table, state: dict[str, int]) -> int:
    return int(table.values[int("0" + "".join(str(state[n]) for n in table.nodes), 2)] > 0.5)


def test_predictors_that_know_different_things_disagree_when_translated() -> None:
    world = worlds.two_predictors()
    simulator, translator = Table(["c"], [0, 1]), Table(["x"], [0, 1])
    assert ask(world, "disagreement", simulator, translator) == [0, pytest.approx(0.09)]
    assert ask(world, "cross_entropy", simulator, translator, instances=True) == [0, 0]


def test_a_rule_is_rederived_on_siblings_that_store_otherwise() -> None:
    """In W-MASK all instances of a rule agree, of a translator too; the same table does not fit other siblings."""
    world = worlds.mask(atoms=3)
    own = world.states[0][0, world.columns(["s0", "s1", "s2"])]
    translator = Table.of(["v0", "v1", "v2"], lambda *v: majority(*(x ^ int(s) for x, s in zip(v, own, strict=True))))
    assert is_honest(world, Reporter((translator,)))
    assert ask(world, "disagreement", translator, Table(["m"], [0, 1])) == [0, 0]
    assert ask(world, "cross_entropy", translator, instances=True) == [0]
    wrong = Table.of(["v0", "v1", "v2"], majority)
    expected = ask(world, "cross_entropy", wrong)[0]
    assert ask(world, "cross_entropy", wrong, instances=True) == [pytest.approx(expected)]


def test_one_predictor_never_disagrees() -> None:
    assert ask(worlds.screen(), "disagreement", Table(["c"], [0, 1])) == [0]


def test_steganography_in_wordings_keeps_little_and_pays() -> None:
    world = worlds.free(wordings=True)
    code = world.reporters["steganographer"]
    honest = Reporter((Table(["d"], [0, 1]), Table(["t"], [0, 1]), *[Table.constant(0)] * 3))
    left, full = ask(world, "usable_information", code, honest, blank=True)
    assert left == pytest.approx(0.80820 * LN2, abs=1e-5)
    assert full == pytest.approx(1.464 * LN2, abs=5e-4)
    assert ask(world, "inconsistency", code, honest) == [pytest.approx(0.75), 0]
    open_ended = worlds.free()
    assert ask(open_ended, "usable_information", code, blank=True) == ask(open_ended, "usable_information", code)


def test_sensitivity_of_the_reference() -> None:
    world = worlds.free()
    code = world.reporters["steganographer"]
    other = code.replacing(4, Table.of(["t", "d"], lambda t, d: t ^ d))
    honest = Reporter((Table(["d"], [0, 1]), Table(["t"], [0, 1]), *[Table.constant(0)] * 3))
    simulator = world.simulators["viewer"]
    want = [pytest.approx(0.1778, abs=5e-5), 0, pytest.approx(0.3111, abs=5e-5), pytest.approx(0.3111, abs=5e-5)]
    assert ask(world, "sensitivity", honest, simulator, code, other) == want


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=16, max_size=16))
def test_sensitivity_by_going_through_all_pairs(values: list[float]) -> None:
    world = worlds.free()
    table = Table(["t", "d", "n1", "n2"], values)
    reporter = Reporter((table, *[Table.constant(0)] * 4))
    rows = joint(world)
    pairs = [(a, b) for (a, _), (b, _) in combinations(rows, 2) if a["c"] == b["c"]]

    def at(state: dict[str, int]) -> float:
        probability = float(table.values[int("".join(str(state[n]) for n in table.nodes), 2)])
        return 0.5 if abs(probability - 0.5) < 1e-12 else float(probability > 0.5)

    expected = sum(abs(at(a) - at(b)) for a, b in pairs) / len(pairs) / 5
    assert ask(world, "sensitivity", reporter) == [pytest.approx(expected, abs=1e-12)]


def test_nothing_is_gained_by_hiding_bits_in_probabilities() -> None:
    """Neither under sensitivity, by an honest no that is more or less sure, nor in wordings by halves."""
    world = worlds.free()
    honest = Reporter((Table(["d"], [0, 1]), Table(["t"], [0, 1]), *[Table.constant(0)] * 3))
    shaded = Reporter((*honest.tables[:2], Table(["n1"], [0, 0.49]), Table(["n2"], [0, 0.49]), Table.constant(0.49)))
    assert is_honest(world, shaded)
    assert ask(world, "sensitivity", honest)[0] == ask(world, "sensitivity", shaded)[0]
    wordings = worlds.free(wordings=True)
    halves = Reporter((Table(["c"], [0, 1]), Table.constant(0), *[Table([n], [0, 0.5]) for n in ("n1", "n2", "t")]))
    plain = Reporter((Table(["c"], [0, 1]), Table.constant(0), *[Table.constant(0)] * 3))
    told, less = ask(wordings, "usable_information", halves, plain, blank=True)
    assert told < less + 1e-9 or ask(wordings, "inconsistency", halves)[0] > told - less


def test_without_two_states_behind_one_video_there_is_nothing_to_be_sensitive_to() -> None:
    net = Net()
    net.add("d", prior=0.5)
    world = World.from_net(
        net, pixels=["d"], questions={"q": "d"}, humans={"viewer": Human(["d"], "d")},
        data={"viewer": Data({}, "viewer")},
    )  # fmt: skip
    with pytest.raises(NotApplicable):
        ask(world, "sensitivity", Table(["d"], [0, 1]))


def test_what_a_known_simulator_reads_from_a_compressed_state() -> None:
    """All but what the reporter reads is dropped; H(c) = .993 bits through c, I(c; d) = .642 through d."""
    world = worlds.screen()
    keep, drop = ask(world, "leak", Table(["c"], [0, 1]), Table(["d"], [0, 1]))
    assert keep == pytest.approx(0.9928 * LN2, abs=5e-5)
    assert drop == pytest.approx(0.6417 * LN2, abs=5e-5)
    assert ask(world, "leak", Table.constant(1)) == [0]
    padded_by_an_irrelevant_node = Table(["d", "c"], [0, 0, 1, 1])
    assert ask(world, "leak", padded_by_an_irrelevant_node) == [pytest.approx(drop)]


def test_a_pad_hides_everything_from_a_linear_reader_and_nothing_from_a_table() -> None:
    world = worlds.pad()
    u = [f"u{k}" for k in range(5)]
    look, truth = Table(["m"], [0, 1]), Table.of(u, majority)
    assert ask(world, "leak", look, truth) == [0, 0]
    table = ask(world, "leak", look, truth, reader="table")
    assert table == [pytest.approx(0.9928 * LN2, abs=5e-5), pytest.approx(0.6417 * LN2, abs=5e-5)]


@given(st.integers(0, 2**16 - 1))
def test_a_logistic_reader_of_an_answer_behind_a_coin_and_of_the_coin_learns_nothing(seed: int) -> None:
    """By the fit, and with answers that are probabilities: `leak` takes it for granted."""
    rng = np.random.default_rng(seed)
    weights, answers, viewer = rng.dirichlet(np.ones(6)), rng.random(6), rng.integers(0, 2, (6, 1)).astype(np.int8)
    coins = np.tile([0, 1], 6)
    sent = np.abs(np.repeat(answers, 2) - coins)
    message = np.stack([sent, coins], axis=1)[None]
    assert v_information(np.repeat(weights, 2) / 2, message, np.repeat(viewer, 2, axis=0), "logistic") == [0]
    clear = np.stack([np.repeat(viewer[:, 0], 2), coins], axis=1)[None].astype(np.float64)
    assert (
        v_information(np.repeat(weights, 2) / 2, clear, np.repeat(viewer, 2, axis=0), "logistic") > 0
        or np.ptp(viewer) == 0
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16 - 1))
def test_leak_to_a_table_is_the_mutual_information_by_plain_counting(pattern: int) -> None:
    world = worlds.atoms(atoms=3)
    table = Table(["u0", "u1", "u2", "m"], [pattern >> k & 1 for k in range(16)])
    kept = table.reduced().nodes
    law: dict[tuple[tuple[int, ...], int], float] = {}
    for state, p in joint(world):
        key = tuple(state[n] for n in kept), state["c"]
        law[key] = law.get(key, 0) + p
    bits, shown = {k for k, _ in law}, (0, 1)
    of_bits = {k: sum(law.get((k, c), 0) for c in shown) for k in bits}
    of_shown = {c: sum(law.get((k, c), 0) for k in bits) for c in shown}
    nats = sum(p * log(p / of_bits[k] / of_shown[c]) for (k, c), p in law.items())
    assert ask(world, "leak", table, reader="table") == [pytest.approx(nats, abs=1e-9)]


def test_change_from_an_earlier_reporter() -> None:
    world = worlds.atoms()
    u = [f"u{k}" for k in range(5)]
    tables = (Table(["m"], [0, 1]), Table.of(u, majority), Table(["u0"], [0, 1]))
    assert ask(world, "change", *tables) == [3, 10, 0]
    screen = worlds.screen()
    assert ask(screen, "change", Table(["d"], [0, 1]), Table(["c"], [0, 1])) == [0, 3]
    with pytest.raises(ValueError, match="there is none"):
        ask(worlds.tricks(), "change", Table(["c"], [0, 1]))


def error_by_hand(world: World, net_roll: Any, table: Table, nodes: list[str], sensors: list[str]) -> float:
    """Every set of the reporter's nodes, smallest first, in every situation, by the world's own mechanism."""
    relevant = [n for n in nodes if n in table.reduced().nodes]
    total = 0.0
    for state, p in joint(world):
        wanted = 1 - said(table, state)
        for size in range(1, len(relevant) + 1):
            after = [net_roll(state, edit) for edit in combinations(relevant, size)]
            worked = [a for a in after if said(table, a) == wanted]
            if worked:
                total += p * (not any(all(a[s] == wanted for s in sensors) for a in worked))
                break
        else:
            total += p
    return total


def roll_atoms(state: dict[str, int], edit: tuple[str, ...]) -> dict[str, int]:
    """W-ATOMS of three atoms with a scale: the look drives both sensors."""
    after = {**state, **{n: 1 - state[n] for n in edit}}
    after["d"] = majority(after["u0"], after["u1"], after["u2"])
    if "m" not in edit:
        after["m"] = after["d"] | after["t"]
    for sensor in ("c", "w"):
        if sensor not in edit:
            after[sensor] = after["m"]
    return after


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**16 - 1), st.sampled_from([("u0", "u1", "u2", "m"), ("u0", "m", "c", "w"), ("u0", "t", "m")]))
def test_intervention_error_by_plain_editing(pattern: int, nodes: tuple[str, ...]) -> None:
    world = worlds.atoms(atoms=3, scale=True)
    table = Table(nodes, [pattern >> k & 1 for k in range(2 ** len(nodes))])
    settable = ["u0", "u1", "u2", "m", "c", "w"]
    expected = error_by_hand(world, roll_atoms, table, settable, ["c", "w"])
    assert ask(world, "intervention_error", table) == [pytest.approx(expected, abs=1e-12)]


def test_interventions_of_the_reference() -> None:
    world = worlds.screen_and_scale()
    assert ask(world, "intervention_error", Table(["c"], [0, 1]), Table(["d"], [0, 1])) == [
        pytest.approx(0.91), pytest.approx(0.01),
    ]  # fmt: skip
    shadow = worlds.atoms(scale=True)
    u = [f"u{k}" for k in range(5)]
    early = Table.of(["m", *u], lambda m, *u: m and majority(*u))
    assert ask(shadow, "intervention_error", Table(["m"], [0, 1]), early) == [0, 0]
    assert ask(shadow, "intervention_error", Table.of(u, majority))[0] == pytest.approx(0.01)
    assert ask(worlds.no_human_net(), "intervention_error", Table(["s"], [0, 1])) == [0]


def test_who_is_convicted_of_simulating_a_listed_human() -> None:
    world = worlds.tricks(listed=2)
    levels = ("viewer", "operator", "assisted", "hstar")
    simulators = [world.simulators[level] for level in levels]
    u = [f"u{k}" for k in range(5)]
    assert ask(world, "simulated", *simulators, Table.of(u, majority)) == [1, 1, 0, 0, 0]
    assert ask(worlds.tricks(listed=4), "simulated", *simulators) == [1, 1, 1, 1]
    screen = worlds.screen()
    assert ask(screen, "simulated", Table(["c"], [0, 1]), Table(["d"], [0, 1])) == [1, 0]
    assert ask(screen, "simulated", Table(["c"], [0, 1]), Table(["d"], [0, 1]), share=1.0) == [1, 0]
    almost = Table(["c", "t"], [0, 1, 1, 1])  # differs where the lens is covered and shows nothing, which never is
    assert ask(screen, "simulated", almost) == [1]


def test_the_best_human_usable_net_is_wrong_where_nobody_understands() -> None:
    world = worlds.no_human_net()
    rows = joint(world)
    assert sum(p for s, p in rows if s["t3"]) == pytest.approx(0.1)
    assert sum(p for s, p in rows if s["t4"]) == pytest.approx(0.1)
    assert all(s["s"] == (s["d"] | s["t4"]) and s["c"] == (s["d"] | s["t3"] | s["t4"]) for s, _ in rows)
    star = Reporter((Table(["s"], [0, 1]),))
    wrong = sum(p for s, p in rows if s["s"] != s["d"])
    assert wrong == pytest.approx(0.09)
    assert not is_honest(world, star)
    for process in world.data:
        assert ask(world, "cross_entropy", star, process=process) == [0]
    for level in ("viewer", "operator", "assisted"):  # whose simulators are wrong on what the best net's user labels
        camera = Table.of(["t3", "s"], lambda t3, s: t3 or s)
        assert all(world.beliefs[level][i, 0] == said(camera, s) for i, (s, _) in enumerate(rows))


def test_no_honest_function_is_as_smooth_as_the_look() -> None:
    """The least total influence of any honest function of the atoms and the look, n = 3, by going through all."""
    world = worlds.atoms(atoms=3, read_pixels=False, read_screen=False)
    names = ["u0", "u1", "u2", "m"]
    seen = {tuple(s[n] for n in names): s["d"] for s, _ in joint(world)}
    cube = np.array(list(product((0, 1), repeat=4)))
    free = [k for k, row in enumerate(cube) if tuple(row) not in seen]
    least = np.inf
    for filling in product((0, 1), repeat=len(free)):
        values = np.array([seen.get(tuple(row), 0) for row in cube])
        values[free] = filling
        table = values.reshape((2,) * 4)
        least = min(least, sum((table.take(0, a) != table.take(1, a)).mean() for a in range(4)))
    assert least == 1.25
