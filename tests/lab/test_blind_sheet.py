"""Blind sheets: what each arm gives, what is hidden until when, and that ratings come back to their arms."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scipy.stats import binom

from elk_sandbox.runtime.store import NameTaken, Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab.blind_outcome import outcome, told
from rlhf_lab.blind_sheet import look, make_sheet, progress, reveal
from rlhf_lab.labelling import label_here
from rlhf_lab.labels import Text, between, described, label_with, order
from rlhf_lab.raters import Rater, make
from rlhf_lab.stage import counted

HAPPY, SAD = "I feel joy and bliss", "I feel grief and woe"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path) as opened:
        yield opened


def arm(name: str, words: str, n: int = 30) -> list[Text]:
    return [Text(f"{words} in the {i}th tower.", (i,), f"run {name}") for i in range(n)]


def two_arms(store: Store, n: int = 20) -> dict[str, list[Text]]:
    arms = {"original": arm("original", SAD), "checkpoint": arm("checkpoint", HAPPY)}
    make_sheet(store, "blind", arms, n, seed=7)
    return arms


def counter() -> Rater:
    """Counts, without noise: every happy text is 1, every sad one -1."""
    return make("counter", temperature=0.0)


def rate(store: Store, who: str, values: dict[int, int]) -> None:
    for number, value in values.items():
        store.judge("blind", number, who, value)


# What is on a sheet -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3])
def test_each_arm_gives_n_texts_shuffled(store: Store, count: int) -> None:
    arms = {name: arm(name, name) for name in ["original", "checkpoint", "twin"][:count]}
    make_sheet(store, "blind", arms, 20, seed=7)
    items = store.items("blind")
    places = [place for item in items for place in item.meta["places"]]
    assert sorted((name, at) for name, at, _ in places) == sorted((name, at) for name in arms for at in range(20))
    assert all(
        item.text.startswith(name) and source == f"run {name}"
        for item in items
        for name, _, source in item.meta["places"]
    )
    assert len(items) == len({item.text for item in items}) == 20 * count
    first_half = Counter(item.meta["places"][0][0] for item in items[: 10 * count])
    assert set(first_half) == set(arms) and max(first_half.values()) < 20
    assert store.collection("blind").kind == "sheet" and store.collection("blind").meta["seed"] == 7


def test_the_seed_decides(store: Store) -> None:
    arms = {name: arm(name, name) for name in ("a", "b")}
    one, two, other = (
        [item.text for item in make_sheet(store, f"sheet{i}", arms, 9, seed)] for i, seed in enumerate([1, 1, 2])
    )
    assert one == two != other


def test_shuffling_leaves_no_trace_of_the_arm(store: Store) -> None:
    """Over 200 seeds the first text is of each arm equally often, within the bounds of 1e-6 of a fair coin."""
    arms = {name: arm(name, name, 3) for name in ("a", "b")}
    first = Counter(make_sheet(store, f"s{seed}", arms, 3, seed)[0].text[0] for seed in range(200))
    low, high = binom.ppf([5e-7, 1 - 5e-7], 200, 0.5)
    assert low <= first["a"] <= high and first.total() == 200


@pytest.mark.parametrize(
    "arms, n, words",
    [
        ({"a": arm("a", "x")}, 5, r"a blind sheet compares two or three arms, not 1 \(a\)"),
        ({}, 5, r"a blind sheet compares two or three arms, not 0 \(none\)"),
        ({name: arm(name, "x") for name in "abcd"}, 5, r"not 4 \(a, b, c, d\)"),
        ({"a": arm("a", "x"), "b": arm("b", "x", 4)}, 5, "the arm 'b' has 4 texts and the sheet needs 5: sample more"),
        ({"a": arm("a", "x"), "b": arm("b", "x")}, 0, "needs at least 1 text of each arm, not 0"),
    ],
)
def test_a_sheet_that_cannot_be_made_is_refused(store: Store, arms: Any, n: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make_sheet(store, "blind", arms, n, seed=0)
    assert store.collections() == []


def test_a_sheet_is_not_made_twice(store: Store) -> None:
    two_arms(store)
    with pytest.raises(NameTaken):
        two_arms(store)


# Rating and revealing -----------------------------------------------------------------------------------------------


def test_a_simulated_raters_labels_come_back_to_their_arms(store: Store) -> None:
    two_arms(store)
    assert label_with(store, "blind", counter(), np.random.default_rng(0)) == 40
    found = reveal(store, "blind", "counter")
    assert {name: values.tolist() for name, values in found.arms.items()} == {
        "original": [-1] * 20,
        "checkpoint": [1] * 20,
    }
    assert list(found.arms) == ["original", "checkpoint"]
    assert (found.distinct, found.shared) == ({"original": 20, "checkpoint": 20}, 0)
    assert (found.left, found.broken) == (0, False)
    assert make(**described(store, "blind")["counter"]) == counter()


def test_values_are_in_the_order_of_the_arms_texts(store: Store) -> None:
    two_arms(store, n=15)
    values = {item.number: (-1, 0, 1)[item.number % 3] for item in store.items("blind")}
    rate(store, "ann", values)
    expected: dict[str, list[int]] = {"original": [0] * 15, "checkpoint": [0] * 15}
    for item in store.items("blind"):
        for name, place, _ in item.meta["places"]:
            expected[name][place] = values[item.number]
    assert {name: found.tolist() for name, found in reveal(store, "blind", "ann").arms.items()} == expected


def test_a_drifting_rater_goes_by_the_order_in_which_she_is_shown_them(store: Store) -> None:
    two_arms(store)
    rater = make("careful", drift=10.0)
    label_with(store, "blind", rater, np.random.default_rng(3))
    shown = order(store, "blind", "careful")
    expected = rater.label([item.text for item in shown], np.random.default_rng(3))
    given = {judgement.number: judgement.value for judgement in store.current("blind", "careful")}
    assert [given[item.number] for item in shown] == expected.tolist()


def test_arms_are_hidden_until_a_rater_has_rated_all(store: Store) -> None:
    two_arms(store)
    rate(store, "ann", dict.fromkeys(range(39), 1))
    label_with(store, "blind", counter(), np.random.default_rng(0))
    with pytest.raises(InputError, match="'ann' has 1 of 40 texts of 'blind' left: rate them first, arms are hidden"):
        reveal(store, "blind", "ann")
    with pytest.raises(InputError, match="'bob' has rated no text of 'blind'; rated by: ann, counter"):
        reveal(store, "blind", "bob", force=True)
    assert progress(store, "blind") == {"ann": (39, 40), "counter": (40, 40)}
    rate(store, "ann", {39: -1})
    found = reveal(store, "blind", "ann")  # a refusal has broken nothing
    assert not found.broken and sum(map(len, found.arms.values())) == 40
    assert between(store, "blind", "ann", "counter").n == 40


def test_a_forced_reveal_breaks_the_blind_for_good(store: Store) -> None:
    two_arms(store)
    rate(store, "ann", dict.fromkeys(range(10), 1))
    rate(store, "bob", dict.fromkeys(range(40), 1))
    found = reveal(store, "blind", "ann", force=True)
    assert (found.broken, found.left, sum(map(len, found.arms.values()))) == (True, 30, 10)
    rate(store, "ann", dict.fromkeys(range(10, 40), 1))
    found = reveal(store, "blind", "ann")
    assert (found.broken, found.left) == (True, 0)
    assert not reveal(store, "blind", "bob").broken


def test_anothers_result_is_hidden_from_who_has_not_rated_all(store: Store) -> None:
    two_arms(store)
    label_with(store, "blind", counter(), np.random.default_rng(0))
    with pytest.raises(InputError, match="'bob' has 40 of 40 texts of 'blind' left"):
        outcome(store, "blind", "counter", viewer="bob")
    with pytest.raises(InputError, match="'counter' is a simulated rater"):
        look(store, "blind", "counter")
    with pytest.raises(InputError, match="'counter' is a simulated rater"):
        reveal(store, "blind", "counter", viewer="counter")
    assert outcome(store, "blind", "counter", viewer="eve", force=True)["rated"]["original"] == 20
    rate(store, "ann", dict.fromkeys(range(10), 1))
    with pytest.raises(InputError, match="'ann' has 30 of 40 texts of 'blind' left"):
        reveal(store, "blind", "ann", viewer="eve", force=True)
    for who in ("ann", "bob", "eve"):
        rate(store, who, dict.fromkeys(range(40), 1))
    assert [reveal(store, "blind", who).broken for who in ("ann", "bob", "eve")] == [False, False, True]


def test_agreement_before_all_is_rated_is_on_what_both_have_rated(store: Store) -> None:
    two_arms(store)
    values = {number: (-1, 0, 1)[number % 3] for number in range(40)}
    rate(store, "ann", {number: values[number] for number in range(30, 40)})
    rate(store, "bob", values | dict.fromkeys(range(5), 1))
    rate(store, "eve", dict.fromkeys(range(40), 1))
    found = outcome(store, "blind", "ann", force=True)
    assert (found["left"], found["broken"]) == (30, True)
    assert found["agreement"]["raters"] == ["ann", "bob", "eve"]
    assert found["agreement"]["kappa"] == {"bob": 1.0, "eve": 0.0}
    assert -1 < found["agreement"]["alpha"] < 1
    assert any("kappa 1.00 with bob" in line for line in told(found))


@pytest.mark.parametrize("change", ["rates again", "withdraws"])
def test_what_is_said_after_the_reveal_is_not_blind(store: Store, change: str) -> None:
    two_arms(store)
    rate(store, "ann", dict.fromkeys(range(40), 1))
    for _ in range(2):
        assert not reveal(store, "blind", "ann").broken
    if change == "rates again":
        rate(store, "ann", {3: -1})
    else:
        store.undo("blind", "ann")
        rate(store, "ann", {39: 1})
    assert reveal(store, "blind", "ann").broken


def test_the_session_shows_nothing_of_the_arms(store: Store) -> None:
    arms = {"original": arm("original", SAD, 5), "checkpoint": arm("checkpoint", HAPPY, 5)}
    make_sheet(store, "blind", arms, 5, seed=1)
    screen = io.StringIO()
    label_here(store, "blind", "ann", source=io.StringIO("p\n" * 10), console=Console(file=screen, width=100))
    told = screen.getvalue() + json.dumps(progress(store, "blind"))
    assert all(text.text in told for texts in arms.values() for text in texts)
    assert not any(word in told for word in ("original", "checkpoint", "run "))
    assert reveal(store, "blind", "ann").left == 0


def test_a_pool_is_no_sheet(store: Store) -> None:
    store.create_collection("first", "pool", {"seed": 0}, [("x", {})])
    with pytest.raises(InputError, match="'first' is a pool, no blind sheet"):
        reveal(store, "first", "ann")
    with pytest.raises(InputError, match="'first' is a pool, no blind sheet"):
        progress(store, "first")


# Equal texts --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=6, max_size=12),
    st.lists(st.integers(4, 9), min_size=6, max_size=12),
    st.integers(1, 6),
    st.integers(0, 99),
)
def test_equal_texts_are_shown_once_and_count_at_each_place(
    tmp_path_factory: pytest.TempPathFactory, original: list[int], checkpoint: list[int], n: int, seed: int
) -> None:
    """Against the arms' own draws: whatever the texts share, each arm has n labels, a text's own at each place."""
    happy = {number: f"{'joy ' * number}\n{'woe ' * (9 - number)}" for number in range(10)}
    arms = {
        name: [Text(happy[number] + " " * at, (), name) for at, number in enumerate(numbers)]
        for name, numbers in (("original", original), ("checkpoint", checkpoint))
    }
    with open_store(tmp_path_factory.mktemp("sheet")) as store:
        make_sheet(store, "blind", arms, n, seed)
        items = store.items("blind")
        label_with(store, "blind", counter(), np.random.default_rng(0))
        found = reveal(store, "blind", "counter")
        texts = {name: ["" for _ in range(n)] for name in arms}
        for item in items:
            for name, place, _ in item.meta["places"]:
                texts[name][place] = " ".join(item.text.split())
    plain = {name: Counter(" ".join(text.text.split()) for text in given) for name, given in arms.items()}
    assert len({" ".join(item.text.split()) for item in items}) == len(items)
    for name in arms:
        assert "" not in texts[name] and Counter(texts[name]) <= plain[name]  # n places, drawn without replacement
        assert found.arms[name].tolist() == [1 if counted(text) > 0 else -1 for text in texts[name]]
        assert found.distinct[name] == len(set(texts[name]))
    assert found.shared == len(set(texts["original"]) & set(texts["checkpoint"]))
    assert len(items) == len(set(texts["original"]) | set(texts["checkpoint"]))
