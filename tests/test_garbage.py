"""Full collections of garbage in the app's server: quick after the first, and nothing lost is kept for ever."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from elk_sandbox.pages import garbage


class Node:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time that the callback sees: every look at it takes a second."""
    now = [0.0]

    def monotonic() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(garbage, "monotonic", monotonic)
    gc.collect()
    gc.disable()
    garbage.look_at_new_objects_only()
    yield now
    gc.callbacks[:] = [each for each in gc.callbacks if not isinstance(each, garbage._SetAside)]
    gc.unfreeze()
    gc.enable()


def test_what_a_slow_collection_has_left_is_not_looked_at_again(told: list[float]) -> None:
    kept = [Node() for _ in range(1000)]
    gc.collect()
    assert gc.get_freeze_count() > 1000 and not any(type(each) is Node for each in gc.get_objects())
    lost = weakref.ref(Node())
    gc.collect()
    assert lost() is None and all(each.me is each for each in kept)


def test_after_a_while_it_is_looked_at_again_so_that_nothing_lost_is_kept_for_ever(
    told: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node()
    lost = weakref.ref(node)
    gc.collect()
    del node
    gc.collect()
    assert lost() is not None  # set aside while it was in use
    monkeypatch.setattr(garbage, "SLOW", 60.0)  # what is new is looked through quickly
    told[0] += garbage.WHOLE
    gc.collect()  # the next looks at everything
    monkeypatch.undo()
    assert not gc.get_freeze_count()
    gc.collect()
    assert lost() is None


def test_quick_collections_and_those_of_the_young_set_nothing_aside(
    told: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.collect(1)
    assert not gc.get_freeze_count()
    monkeypatch.setattr(garbage, "SLOW", 60.0)
    gc.collect()
    assert not gc.get_freeze_count()


def test_it_is_asked_for_once(told: list[float]) -> None:
    garbage.look_at_new_objects_only()
    assert sum(isinstance(each, garbage._SetAside) for each in gc.callbacks) == 1
