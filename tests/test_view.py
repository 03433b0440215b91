"""The View's measures against plain loops, on random tables; and that no order or polarity matters to them."""

from itertools import chain, combinations, product
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox import NotApplicable, Objective, Reporter, Table, World, worlds
from elk_sandbox.candidates import Reporters
from elk_sandbox.exam import encode
from elk_sandbox.needs import requirements
from elk_sandbox.reporters import answers_of
from elk_sandbox.view import View

WORLDS = {
    "screen": worlds.screen(misreading=0.1),
    "mask": worlds.mask(atoms=3),
    "tricks": worlds.tricks(atoms=3),
    "free": worlds.free(wordings=True),
    "two_cue": worlds.two_cue(atoms=3),
}


def random_reporter(world: World, rng: np.random.Generator) -> Reporter:
    tables = []
    for _ in world.questions:
        nodes = rng.choice(world.readable_nodes, size=rng.integers(0, 4), replace=False)
        soft, hard = rng.random(2 ** len(nodes)), rng.integers(0, 2, 2 ** len(nodes))
        tables.append(Table([str(n) for n in nodes], soft if rng.random() < 0.5 else hard))
    return Reporter(tuple(tables))


def shown(
    world: World, reporters: list[Reporter], order: int = 0, polarity: int | None = None
) -> tuple[View, Reporters]:
    meta, arrays = encode(world, reporters, ["parts"], np.random.default_rng(order), polarity)
    view = View(meta, arrays)
    return view, Reporters(view, arrays)


def cases(draw_count: int = 3) -> st.SearchStrategy[tuple[World, list[Reporter]]]:
    def make(name: str, seed: int) -> tuple[World, list[Reporter]]:
        rng = np.random.default_rng(seed)
        return WORLDS[name], [random_reporter(WORLDS[name], rng) for _ in range(draw_count)]

    return st.builds(make, st.sampled_from(sorted(WORLDS)), st.integers(0, 2**32 - 1))


@settings(max_examples=25, deadline=None)
@given(cases(), st.sampled_from(["viewer", "operator", "assisted", "hstar"]))
def test_cross_entropy(case: tuple[World, list[Reporter]], process: str) -> None:
    world, reporters = case
    view, given_ = shown(world, reporters)
    for value, reporter in zip(view.cross_entropy(given_, process).values, reporters, strict=True):
        answers, expected = world.answers(reporter), 0.0
        for i, w in enumerate(world.data[process]):
            for q, label in enumerate(world.labels[process][i]):
                if label >= 0:
                    expected += w * -log(max(answers[i, q] if label else 1 - answers[i, q], 0.001))
        assert value == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_downstream(case: tuple[World, list[Reporter]]) -> None:
    world, reporters = case
    view, given_ = shown(world, reporters)
    pixels = world.of_kind("pixel")
    sets = list(chain.from_iterable(combinations(pixels, k) for k in range(1, len(pixels) + 1)))
    for value, reporter in zip(view.downstream(given_).values, reporters, strict=True):
        before, most = world.answers(reporter), 0.0
        for chosen in sets:
            states = world.states[0].copy()
            states[:, world.columns(chosen)] ^= 1  # nothing lies downstream of a pixel in these worlds
            after = answers_of(reporter, states, world.nodes)
            change = 1 - np.prod(1 - np.abs(after - before), axis=1)
            most = max(most, float(change @ world.weights))
        assert value == pytest.approx(most, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_siblings_that_fit(case: tuple[World, list[Reporter]]) -> None:
    world, reporters = case
    view, given_ = shown(world, reporters)
    counts = view.siblings_that_fit(given_)
    labels, weights = world.labels["viewer"], world.data["viewer"]
    for count, reporter in zip(counts, reporters, strict=True):
        fit = 0
        for s in range(world.siblings):
            answers = answers_of(reporter, world.states[s], world.nodes)
            wrong = (labels >= 0) & (answers != labels) & (weights > 0)[:, None]
            fit += s == 0 or not wrong.any()
        assert count == fit
    assert view.specificity(given_).values == pytest.approx(np.log(counts))


@settings(max_examples=25, deadline=None)
@given(cases())
def test_inconsistency(case: tuple[World, list[Reporter]]) -> None:
    world, reporters = case
    view, given_ = shown(world, reporters)
    for value, reporter in zip(view.inconsistency(given_).values, reporters, strict=True):
        answers, broken = world.answers(reporter), 0.0
        for pattern in product((0, 1), repeat=len(world.questions)):
            said = dict(zip(world.questions, pattern, strict=True))
            if not all(tuple(said[q] for q in r.questions) in r.allowed for r in world.relations):
                chance = np.prod(np.where(pattern, answers, 1 - answers), axis=1)
                broken += float(chance @ world.weights)
        assert value == pytest.approx(broken, abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(cases(), st.integers(1, 99), st.one_of(st.none(), st.integers(0, 99)))
def test_neither_order_nor_polarity_matters(
    case: tuple[World, list[Reporter]], order: int, polarity: int | None
) -> None:
    world, reporters = case
    values = []
    for seed, flip, listed in ((0, None, reporters), (order, polarity, reporters[::-1])):
        view, given_ = shown(world, listed, seed, flip)
        found = [
            view.cross_entropy(given_).values,
            view.downstream(given_).values,
            view.specificity(given_).values,
            view.inconsistency(given_).values,
            view.parts(given_).values,
            view.mutual_information(given_).values,
            view.usable_information(given_).values,
        ]
        values.append(np.stack(found))
    assert values[0] == pytest.approx(values[1][:, ::-1], abs=1e-9)


@pytest.mark.parametrize("name", WORLDS)
def test_a_view_holds_no_truth(name: str) -> None:
    """No hidden node, no name of a latent one, and the same arrays when only the truth is another."""
    world = WORLDS[name]
    reporters = [random_reporter(world, np.random.default_rng(0))]
    meta, arrays = encode(world, reporters, [], np.random.default_rng(0), 7)
    hidden = set(world.of_kind("hidden"))
    anonymous = {n for n, k in zip(world.nodes, world.kinds, strict=True) if k in ("latent", "parameter")}
    assert not (set(meta["nodes"]) & (hidden | anonymous))
    assert arrays["bits"].shape[2] == len(world.nodes) - len(hidden)
    from dataclasses import replace

    other = replace(world, truth=(1 - world.truth).astype(np.int8))
    again, same = encode(other, reporters, [], np.random.default_rng(0), 7)
    assert again == meta
    assert all(np.array_equal(arrays[k], same[k]) for k in arrays)


def test_a_soft_answer_costs_at_most_the_floor() -> None:
    world = WORLDS["screen"]
    view, given_ = shown(world, [Reporter((Table.constant(0),)), Reporter((Table.constant(0.5),))])
    never, unsure = view.cross_entropy(given_).values
    share = float(world.data["viewer"] @ world.labels["viewer"][:, 0])
    assert never == pytest.approx(share * -log(0.001))
    assert unsure == pytest.approx(log(2))


def test_what_was_not_declared_and_what_is_not_there() -> None:
    view, given_ = shown(WORLDS["screen"], [Reporter((Table.constant(0),))])
    with pytest.raises(ValueError, match=r'needs=\("complexity",\)'):
        view.complexity(given_)
    with pytest.raises(NotApplicable, match="no data process 'neighbour'"):
        view.cross_entropy(given_, "neighbour")
    with pytest.raises(ValueError, match="known are complexity"):
        requirements(["simplicity"])


whole = st.integers(-1000, 1000).map(float)  # exact sums
values = st.lists(whole, min_size=3, max_size=3).map(np.array)


@given(values, values, whole, whole)
def test_objectives_add_up_by_name(a: np.ndarray, b: np.ndarray, x: float, y: float) -> None:
    total = x * Objective.of(a, "a") - Objective.of(b, "b") * y + Objective.of(a, "a") + b
    assert total.values == pytest.approx(x * a - y * b + a + b)
    assert list(total.terms) == ["a", "b", "other"]
    assert sum(total.terms.values()) == pytest.approx(total.values)
    assert total.terms["a"] == pytest.approx((x + 1) * a)
    assert (1 - Objective.of(a, "a")).values == pytest.approx(1 - a)
    assert (b + Objective.of(a, "a")).values == pytest.approx(a + b)


def test_objectives_are_not_multiplied_with_each_other() -> None:
    one = Objective.of(np.ones(2), "one")
    with pytest.raises(TypeError, match="multiplied by a number"):
        one * one  # type: ignore[operator]
    with pytest.raises(TypeError):
        one * np.ones(2)  # type: ignore[operator]
