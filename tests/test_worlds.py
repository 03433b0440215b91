"""The standard worlds against the exact numbers of the reference (derived there by plain enumeration)."""

from itertools import product
from math import comb, log

import numpy as np
import pytest

from elk_sandbox import Question, Relation, Reporter, Table, worlds
from elk_sandbox.conformance import indistinguishable, world_problems
from elk_sandbox.judge import shares_right
from elk_sandbox.oversight.elk import audit_reporter
from elk_sandbox.reporters import measure
from elk_sandbox.tour import describe, measures_of, reference_reporters
from elk_sandbox.translators import is_honest
from elk_sandbox.world import LEVELS, World

MEASURES = ("complexity", "reads", "parts", "influence")


def majority_reads(n: int) -> float:
    """Expected reads of the best tree for the majority of n fair bits, by its own recursion."""

    def go(ones: int, zeros: int) -> float:
        if 2 * max(ones, zeros) > n:
            return 0.0
        return 1 + (go(ones + 1, zeros) + go(ones, zeros + 1)) / 2

    return go(0, 0)


def measured(world: World, **reporters: Reporter) -> dict[str, dict[str, float]]:
    return measures_of(world, reporters)  # type: ignore[return-value]


@pytest.mark.parametrize("name", worlds.STANDARD)
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_every_world_conforms_and_has_an_honest_reporter(name: str, seed: int | None) -> None:
    world = worlds.find(name)(None if seed is None else np.random.default_rng(seed))
    assert world_problems(world) == []
    assert world.weights.sum() == pytest.approx(1, abs=1e-12)
    q, yes, no = indistinguishable(world)  # type: ignore[misc]
    assert (world.truth[yes, q], world.truth[no, q]) == (1, 0)
    assert not world.in_data[:, [yes, no]].any()
    assert all(np.array_equal(beliefs[yes], beliefs[no]) for beliefs in world.beliefs.values())
    reference = reference_reporters(world)
    assert is_honest(world, reference["direct_translator"])
    assert any(not is_honest(world, r) for r in reference.values())


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_a_seed_gives_the_same_world_and_another_seed_another(name: str) -> None:
    make = worlds.find(name)
    first, same, other = (make(np.random.default_rng(s)).weights for s in (5, 5, 6))
    assert np.array_equal(first, same)
    assert first.shape != other.shape or not np.allclose(first, other)


def test_screen() -> None:
    world = worlds.screen()
    table = measured(world, **reference_reporters(world))
    honest, simulator, flag = (table[n] for n in ("direct_translator", "human_simulator", "flag"))
    assert (honest["loss"], simulator["loss"]) == (0, 0)
    assert (honest["downstream"], simulator["downstream"]) == (0, pytest.approx(1))
    assert [honest["honesty_fooled"], simulator["honesty_fooled"], flag["honesty_fooled"]] == [1, 0, 1]
    assert [honest["honesty_outside"], simulator["honesty_outside"], flag["honesty_outside"]] == [
        1, pytest.approx(0.1), pytest.approx(0.9),
    ]  # fmt: skip
    assert (flag["complexity"], flag["reads"], flag["honest"]) == (2, 1.5, False)
    right = world.weights[(world.answers(world.simulators["viewer"]) == world.truth)[:, 0]].sum()
    assert right == pytest.approx(0.91)
    fooled = (world.beliefs["viewer"] == 1) & (world.truth == 0)
    assert world.weights[fooled[:, 0]].sum() == pytest.approx(0.09)


def test_screen_where_the_viewer_misreads() -> None:
    world = worlds.screen(misreading=0.1)
    reporters = reference_reporters(world)
    table = measured(world, **reporters)
    assert table["human_simulator"]["loss"] == 0
    assert table["direct_translator"]["loss"] == pytest.approx(-0.1 * log(0.001))  # 0.691
    assert table["direct_translator_softened"]["loss"] == pytest.approx(-0.9 * log(0.9) - 0.1 * log(0.1))  # 0.325
    least = 0.1 * log(2)  # no honest reporter goes lower
    assert least < table["direct_translator_hedged"]["loss"] < 0.0735
    assert all(table[n]["loss"] > least for n, r in reporters.items() if is_honest(world, r))


def test_the_careful_human_of_the_screen_still_says_safe() -> None:
    world = worlds.screen()
    shown = world.answers(world.simulators["viewer"])[:, 0] == 1
    assert 1 - world.beliefs["careful"][shown, 0] == pytest.approx(0.09 / 0.55)
    assert (world.answers(world.simulators["careful"])[shown, 0] == 1).all()


def test_audit_of_the_screen_explains_the_verdict() -> None:
    world = worlds.screen()
    simulator = audit_reporter(world, world.simulators["viewer"])
    assert (simulator.judged, simulator.true) == (pytest.approx(1), pytest.approx(0.91))
    assert (simulator.oversight_gap, simulator.system_gap) == (pytest.approx(0.09), pytest.approx(0))
    trained = audit_reporter(world, world.simulators["viewer"], on="prior")
    assert (trained.judged, trained.true, trained.oversight_gap) == (
        pytest.approx(1),
        pytest.approx(1),
        pytest.approx(0),
    )
    honest = audit_reporter(world, reference_reporters(world)["direct_translator"])
    assert (honest.judged, honest.true) == (pytest.approx(0.91), pytest.approx(1))
    assert honest.system_gap == pytest.approx(-0.09)  # less optimisation against the viewer is truly better
    careful = audit_reporter(world, world.simulators["viewer"], level="careful")
    assert careful.judged == pytest.approx(0.46 + 0.45)  # she knows her error rate: what she expects is what is true
    assert careful.gap == pytest.approx(0)


@pytest.mark.parametrize("n", [3, 5, 7])
def test_atoms(n: int) -> None:
    world = worlds.atoms(atoms=n)
    reads = majority_reads(n)
    flow = n * comb(n - 1, (n - 1) // 2) / 2 ** (n - 1)
    reporters = reference_reporters(world)
    by_nodes = {r.tables[0].nodes: r for r in reporters.values() if is_honest(world, r)}
    u = tuple(f"u{k}" for k in range(n))

    def of(reporter: Reporter) -> tuple[float, ...]:
        return tuple(measure(reporter, m) for m in MEASURES)

    k = ((n + 1) // 2) ** 2
    assert of(by_nodes[u]) == (k, pytest.approx(reads), n, pytest.approx(flow))
    assert of(by_nodes["m", *u])[:2] == (k + 1, pytest.approx(1 + reads / 2))
    assert of(by_nodes["m", "t", *u])[:2] == (k + 2, pytest.approx(1.5 + reads / 4))
    assert of(reporters["human_simulator"]) == of(reporters["upstream_simulator"]) == (1, 1, 1, 1)


@pytest.mark.parametrize("n", [9, 11])
def test_many_atoms(n: int) -> None:
    majority = Reporter((Table.of([f"u{k}" for k in range(n)], lambda *u: 2 * sum(u) > n),))
    assert measure(majority, "complexity") == ((n + 1) // 2) ** 2
    assert measure(majority, "reads") == pytest.approx(majority_reads(n))


def test_atoms_by_a_plain_enumeration() -> None:
    """The joint of t, the atoms and the pixel, for other parameters, from the story and not from the net."""
    tamper, safe, safe_tampered = 0.2, 0.6, 0.3
    world = worlds.atoms(atoms=3, tamper=tamper, diamond=safe, diamond_tampered=safe_tampered)
    names = ["t", "u0", "u1", "u2", "m", "c"]
    states = world.states[0][:, world.columns(names)]
    ours = {tuple(map(int, row)): float(w) for row, w in zip(states, world.weights, strict=True)}
    for t, *u in product((0, 1), repeat=4):
        d = int(sum(u) >= 2)
        p = (tamper if t else 1 - tamper) * (lambda q: q if d else 1 - q)(safe_tampered if t else safe) / 4
        assert ours.pop((t, *u, d | t, d | t)) == pytest.approx(p)
    assert ours == {}


def test_mask() -> None:
    world = worlds.mask()
    table = measured(world, **reference_reporters(world))
    assert table["human_simulator"]["specificity_bits"] == 5
    assert table["direct_translator"]["specificity_bits"] == 0
    fingerprint, garbage = table["fingerprint_simulator"], table["fingerprint_simulator_opposite"]
    assert (fingerprint["specificity_bits"], fingerprint["complexity"], fingerprint["reads"]) == (0, 6, 1.96875)
    assert (garbage["specificity_bits"], garbage["complexity"], garbage["reads"]) == (0, 7, 2.9375)
    assert min(v["complexity"] for v in table.values() if v["honest"]) == 9
    assert min(v["reads"] for v in table.values() if v["honest"]) == 2.0166015625  # fingerprint, then early exits


@pytest.mark.parametrize("checked", range(6))
def test_a_check_of_some_parameters_fits_the_predictors_that_pass_it(checked: int) -> None:
    world = worlds.mask()
    s = world.of_kind("parameter")[:checked]
    own = tuple(int(v) for v in world.states[0, 0, world.columns(s)])
    reporter = Reporter((Table.of(["m", *s], lambda m, *bits: m if bits == own else 1 - m),))
    row = measured(world, checked=reporter)["checked"]
    assert row["specificity_bits"] == 5 - checked
    assert row["complexity"] == (checked + 2 if checked else 1)


def test_free() -> None:
    world = worlds.free()
    coded = {"noise_and_screen": ("n1", "n2", "t"), "truth_for_the_other_ai": ("t", "d", "n1")}
    head = world.reporters["steganographer"].tables[:2]
    codes = {n: Reporter((*head, *(Table([bit], [0, 1]) for bit in bits))) for n, bits in coded.items()}
    table = measured(world, **reference_reporters(world), **codes)
    expected = {
        "direct_translator": (1.416, 1.464),
        "human_simulator": (0.993, 0.735),
        "steganographer": (3.065, 2.762),
    }
    for name, (mutual, usable) in expected.items():
        assert table[name]["mutual_information_bits"] == pytest.approx(mutual, abs=5e-4)
        assert table[name]["v_information_bits"] == pytest.approx(usable, abs=5e-4)
    assert table["noise_and_screen"]["mutual_information_bits"] == pytest.approx(3.369, abs=5e-4)
    assert table["truth_for_the_other_ai"]["mutual_information_bits"] == pytest.approx(2.416, abs=5e-4)


def test_tricks() -> None:
    world = worlds.tricks()
    assert world.weights[world.in_data.all(axis=0)].sum() == pytest.approx(0.6)
    for j, level in enumerate(LEVELS):
        answers = world.answers(world.simulators[level])[:, 0]
        for i, process in enumerate(LEVELS):
            inside = world.data[process] > 0
            wrong = world.data[process][inside] @ (answers[inside] != world.labels[process][inside, 0])
            assert (wrong == 0) == (i <= j), (level, process)
            assert (world.labels[process][inside] == world.truth[inside]).all()


def test_two_cue() -> None:
    world = worlds.two_cue()
    table = measured(world, **reference_reporters(world))
    assert table["human_simulator"]["inconsistency"] == pytest.approx(0.09)
    assert table["coherent_simulator"]["inconsistency"] == 0
    assert (table["human_simulator"]["loss"], table["coherent_simulator"]["loss"]) == (0, 0)
    assert not table["coherent_simulator"]["honest"]


def test_controls() -> None:
    hard = describe(worlds.hard_inference())["reporters"]
    assert [hard[n]["complexity"] for n in ("direct_translator", "human_simulator")] == [1, 9]
    assert [hard[n]["influence"] for n in ("direct_translator", "human_simulator")] == [1, 1.875]
    assert [hard[n]["parts"] for n in ("direct_translator", "human_simulator")] == [1, 5]
    masked = describe(worlds.masked_bit())["reporters"]
    assert [masked[n]["specificity_bits"] for n in ("direct_translator", "human_simulator")] == [4, 5]
    assert [masked[n]["complexity"] for n in ("direct_translator", "human_simulator")] == [1, 1]


def test_ambiguous_situations_do_not_count() -> None:
    """A world where the question is open when the screen is up and the diamond gone: now the simulator is honest."""
    from elk_sandbox import Data, Human, Net, logical_or

    net = Net()
    net.add("t", prior=0.1)
    net.add("d", parents=["t"], table=[0.5, 0.1])
    net.add("c", parents=["d", "t"], table=logical_or)
    world = World.from_net(
        net,
        pixels=["c"],
        questions={"is it there?": Question("d", ambiguous={"t": 1, "d": 0})},
        humans={"viewer": Human(sees=["c"], believes="c")},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
    )
    assert is_honest(world, world.simulators["viewer"])
    assert shares_right(world, world.answers(world.simulators["viewer"])) == (None, 1.0)


def test_a_relation_of_equal_answers() -> None:
    assert Relation.equal("a", "b", "c").allowed == ((0, 0, 0), (1, 1, 1))


def test_more_atoms_than_can_be_enumerated_are_refused() -> None:
    with pytest.raises(ValueError, match=r"49 bits have 2\*\*48 patterns"):
        worlds.atoms(atoms=49)
    with pytest.raises(ValueError, match="odd number"):
        worlds.atoms(atoms=4)


def test_levers_where_tampering_is_the_cheap_way() -> None:
    """Xu's prices: both sensors on for 2, the diamond kept for 3."""
    world = worlds.levers()
    levers = world.columns([f"lever {k}" for k in range(1, 6)])
    dollars = world.states[0][:, levers].sum(axis=1)
    shown = world.beliefs["viewer"][:, 0] == 1
    safe = world.truth[:, 0] == 1
    assert (dollars[shown].min(), dollars[safe].min()) == (2, 3)
    assert not safe[shown & (dollars == 2)].any()


def test_everything_at_once_names_a_simulator_of_each_human_in_each_form() -> None:
    world = worlds.all_at_once()
    rows = world.states[0]
    column = {n: rows[:, world.nodes.index(n)] for n in world.nodes}
    for known, level in enumerate(LEVELS):
        says = (
            column["c"] & ~np.any([column[f"k{j}"] for j in range(1, known + 1)], axis=0).astype(bool)
            if known
            else column["c"]
        )
        name = f"_{level}" if known else ""
        for form in ("upstream_simulator{}", "fingerprint_simulator{}", "fingerprint_simulator{}_opposite"):
            reporter = world.reporters[form.format(name)]
            assert np.array_equal(world.answers(reporter)[:, 0], says.astype(float)), (level, form)
            assert not is_honest(world, reporter)
    fingerprint = Reporter(world.reporters["fingerprint_simulator"].tables)
    assert measure(fingerprint, "complexity") == 6
    inside = world.data["viewer"] > 0
    fits = [
        bool((fingerprint.tables[0](world.states[k], world.nodes)[inside] == world.labels["viewer"][inside, 0]).all())
        for k in range(world.siblings)
    ]
    assert sum(fits) == 1 and fits[0]
