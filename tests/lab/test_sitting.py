"""A rater's sitting over the store: the same queue in one window and in two, and what is kept is kept once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.runtime.store import Moved, Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab.labels import Text, create_pool, order_of, standing
from rlhf_lab.sitting import Sitting


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def pool(store: Store, many: int, name: str = "pool") -> None:
    create_pool(store, name, [Text(f"text {k}", (k,), "base") for k in range(many)], seed=2)


def numbers(sitting: Sitting, most: int = 1000) -> list[int]:
    return [due.number for due in sitting.ahead(most)]


def test_a_sitting_goes_on_where_another_left(store: Store) -> None:
    pool(store, 40)
    first = Sitting(store, "pool", "ann", repeats=0.2)
    for due in first.ahead(30):
        assert first.label(due.number, 1, due.before)
    second = Sitting(store, "pool", "ann", repeats=0.2)
    assert numbers(second) == numbers(first)
    assert (second.left, second.total) == (18, 48)
    assert second.behind(3) == first.behind(3)


def test_ahead_says_how_often_a_text_will_have_been_judged(store: Store) -> None:
    pool(store, 60)
    sitting = Sitting(store, "pool", "ann", repeats=0.5)
    seen: dict[int, int] = {}
    for due in sitting.ahead(1000):
        assert due.before == seen.get(due.number, 0)
        seen[due.number] = due.before + 1
    assert sorted(set(seen.values())) == [1, 2]


def test_what_was_done_in_another_window_is_learnt_before_anything_is_added(store: Store) -> None:
    pool(store, 10)
    one, two = Sitting(store, "pool", "ann"), Sitting(store, "pool", "ann")
    a, b, c, *_ = numbers(one)
    assert one.label(a, 1, 0)
    assert not two.label(a, -1, 0)
    assert two.label(b, -1, 0)
    assert one.undo(a, 0) is None  # her latest is another by now
    undone = one.undo(b, 0)
    assert undone is not None and undone.number == b
    assert two.label(c, 0, 0)
    assert [(e.number, e.value) for e in standing(store, "pool", "ann")] == [(a, 1), (c, 0)]
    assert sorted(numbers(two)) == sorted(set(range(10)) - {a, c})


def test_a_place_that_is_taken_is_refused_and_nothing_changes(store: Store) -> None:
    pool(store, 3)
    store.judge("pool", 0, "ann", 1, place=0)
    with pytest.raises(Moved):
        store.judge("pool", 1, "ann", 1, place=0)
    with pytest.raises(Moved):
        store.undo("pool", "ann", place=2)
    assert len(store.events("pool")) == 1
    assert store.judge("pool", 1, "bob", 1, place=0).place == 0  # places are a rater's own


def test_an_item_that_is_not_there_is_refused(store: Store) -> None:
    pool(store, 3)
    with pytest.raises(InputError, match="no item 7"):
        Sitting(store, "pool", "ann").label(7, 1, 0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["label", "undo", "skip"]), st.sampled_from([0, 1])), max_size=40))
def test_two_windows_agree_with_the_store_whatever_is_done(tmp_path_factory: pytest.TempPathFactory, acts) -> None:  # type: ignore[no-untyped-def]
    with open_store(tmp_path_factory.mktemp("sitting")) as store:
        pool(store, 6)
        windows = [Sitting(store, "pool", "ann"), Sitting(store, "pool", "ann")]
        for what, who in acts:
            sitting = windows[who]
            due = next(iter(sitting.ahead(1)), None)
            if what == "undo":
                sitting.undo()
            elif due and what == "label":
                sitting.label(due.number, 1, due.before)
            elif due:
                sitting.skip(due.number)
        labelled = [event.number for event in standing(store, "pool", "ann")]
        assert len(labelled) == len(set(labelled))
        fresh = Sitting(store, "pool", "ann")
        assert fresh.left == 6 - len(labelled)
        assert numbers(fresh) == [n for n in order_of(6, 2, "ann") if n not in labelled]


def test_tallies_and_counts(store: Store) -> None:
    pool(store, 5)
    store.judge_all("pool", "ann", [(0, 1), (0, -1), (1, 0)])
    store.judge_all("pool", "bob", [(4, 1)])
    store.undo("pool", "bob")
    assert store.tally("pool") == {"ann": 2}
    assert store.count("pool") == 5
    before = store.latest_event()
    assert Sitting(store, "pool", "ann").counts() == {1: 1, -1: 1, 0: 1}
    store.judge("pool", 2, "bob", 1)
    assert store.latest_event() > before
    assert [item.number for item in store.items("pool", [3, 1])] == [1, 3]
    assert [event.rater for event in store.events("pool", "bob", since=1)] == ["bob", "bob"]
