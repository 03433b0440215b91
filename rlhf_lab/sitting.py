"""One rater at work on a pool or a sheet: what she is to see next, and what she says of it, kept at once.

The terminal and the app work with the same object. A label is on the disk when `label` returns. She may be at work in
two windows: each then learns what was done in the other before it adds anything, and no text is labelled twice by it.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TypeVar

import numpy as np
from jaxtyping import Int

from elk_sandbox.runtime.store import Moved, Store
from elk_sandbox.runtime.tables import Event, Judgement
from elk_sandbox.terminal import InputError
from rlhf_lab.labels import order_of, require_person

__all__ = ["GAP", "Due", "Given", "Sitting", "schedule"]

GAP = 20  # texts, at least, between a text and its repetition, where there are so many
T = TypeVar("T")


@dataclass(frozen=True)
class Due:
    """A text that is to be judged."""

    number: int  # of the item
    before: int  # how many of her judgements of it will stand when it is shown: 0, or 1 for a repetition
    text: str


@dataclass(frozen=True)
class Given:
    """A judgement of hers that stands."""

    number: int
    before: int  # as in Due
    text: str
    value: int


def schedule(items: Sequence[T], repeats: float, rng: np.random.Generator) -> list[tuple[T, int]]:
    """The items in order, each as occasion 0, and a share `repeats` of them a second time, as occasion 1.

    Which, and where, is drawn; at least GAP others stand between the two occasions, so the last GAP items are never
    shown again. Raises InputError for a share outside [0, 1].
    """
    if not 0 <= repeats <= 1:
        raise InputError(f"the share of texts shown again is from 0 to 1, not {repeats}")
    n = len(items)
    again = rng.permutation(max(0, n - GAP))[: round(repeats * n)]
    # A repetition of text i takes a place between two texts: after text i + GAP at the earliest.
    places = np.concatenate([np.arange(n), rng.integers(again + GAP, n) + 0.5])
    which = np.concatenate([np.arange(n), again])
    by_place = np.argsort(places, kind="stable")
    return [(items[i], int(at >= n)) for i, at in zip(which[by_place].tolist(), by_place.tolist(), strict=True)]


@lru_cache(maxsize=16)
def _plan(
    many: int, seed: int, rater: str, repeats: float
) -> tuple[Int[np.ndarray, "shown"], Int[np.ndarray, "shown"]]:
    """The numbers of a rater's items in the order in which she sees them, and which occasion each is; kept, as a large
    pool takes a tenth of a second."""
    rng = np.random.default_rng([seed, many, *rater.encode()])
    numbers, occasions = np.array(schedule(order_of(many, seed, rater), repeats, rng)).T
    return numbers, occasions


class Sitting:
    """A rater's queue over a collection, in her own order; those shown twice are a share `repeats`, by the seed.

    Raises InputError for no texts, and as `require_person`.
    """

    def __init__(self, store: Store, name: str, rater: str, *, repeats: float = 0.0) -> None:
        require_person(store, name, rater)
        self.store, self.name, self.rater = store, name, rater
        many, seed = store.count(name), store.collection(name).meta["seed"]
        if not many:
            raise InputError(f"{name!r} has no texts to label")
        numbers, occasions = _plan(many, seed, rater, repeats)
        self.total = len(numbers)
        self._times = np.bincount(numbers)
        self._queue: deque[int] = deque()
        self._judged: Counter[int] = Counter()
        self._mine: list[Event] = []  # her judgements that stand, in the order of time
        self._place = 0  # of her next event
        self._catch_up()
        judged = np.zeros(many, dtype=int)
        for number, times in self._judged.items():
            judged[number] = times
        self._queue = deque(numbers[occasions >= judged[numbers]].tolist())

    @property
    def left(self) -> int:
        """Texts yet to be judged, repetitions included."""
        return len(self._queue)

    @property
    def place(self) -> int:
        """Where in all that she has done her next judgement or withdrawal will stand."""
        return self._place

    def known(self, said: Sequence[tuple[int, int | None]], since: int) -> list[bool]:
        """Which of these, an item and its value or None for a withdrawal, are in the store from this place on.

        They are looked for in their order, and each is found once: so a judgement that was kept, and withdrawn since,
        is known too.
        """
        kept = [(event.number, event.value) for event in self.store.events(self.name, self.rater, since=since)]
        found = []
        for each in said:
            found.append(each in kept)
            if found[-1]:
                del kept[: kept.index(each) + 1]
        return found

    def ahead(self, most: int) -> list[Due]:
        """The next texts, at most so many."""
        numbers = list(islice(self._queue, most))
        texts = self._texts(numbers)
        seen: Counter[int] = Counter()
        found = []
        for number in numbers:
            found.append(Due(number, self._judged[number] + seen[number], texts[number]))
            seen[number] += 1
        return found

    def behind(self, most: int) -> list[Given]:
        """Her latest judgements that stand, at most so many, the latest last."""
        events = self._mine[-most:] if most else []
        texts = self._texts([event.number for event in events])
        later: Counter[int] = Counter()
        found = []
        for event in reversed(events):
            later[event.number] += 1
            before = self._judged[event.number] - later[event.number]
            found.append(Given(event.number, before, texts[event.number], int(event.value or 0)))
        return found[::-1]

    def label(self, number: int, value: int, before: int | None = None) -> bool:
        """Keep a judgement; False, and nothing is kept, if it is there already.

        before: how many of her judgements of it stood when it was shown. More by now means that this one came twice, or
        that she gave it in another window. Raises InputError for an item that is not there.
        """
        while before is None or self._judged[number] <= before:
            try:
                said = self.store.judge(self.name, number, self.rater, value, place=self._place)
            except Moved:
                self._catch_up()
                continue
            self._take(_event(said, self.name))
            return True
        return False

    def skip(self, number: int) -> None:
        """Put a text off to the end of the queue; it is kept nowhere."""
        if number in self._queue:
            self._queue.remove(number)
            self._queue.append(number)

    def undo(self, number: int | None = None, before: int | None = None) -> Judgement | None:
        """Withdraw her latest judgement that stands; None if there is none.

        number, before: what that one is thought to be; where it is another by now, nothing is withdrawn.
        """
        while self._mine:
            last = self._mine[-1]
            if number not in (None, last.number) or before not in (None, self._judged[last.number] - 1):
                return None
            try:
                withdrawn = self.store.undo(self.name, self.rater, place=self._place)
            except Moved:
                self._catch_up()
                continue
            if withdrawn is not None:
                self._drop(withdrawn.id, withdrawn.number)
                self._place += 1
            return withdrawn
        return None

    def _catch_up(self) -> None:
        """Learn what she has done since, here or elsewhere."""
        for event in self.store.events(self.name, self.rater, since=self._place):
            if event.undoes is None:
                self._take(event)
            else:
                self._drop(event.undoes, event.number)
                self._place = event.place + 1

    def _take(self, event: Event) -> None:
        self._mine.append(event)
        self._judged[event.number] += 1
        self._place = event.place + 1
        if event.number in self._queue:
            self._queue.remove(event.number)

    def _drop(self, judgement: int, number: int) -> None:
        at = next(k for k in reversed(range(len(self._mine))) if self._mine[k].id == judgement)
        del self._mine[at]
        self._judged[number] -= 1
        if self._judged[number] < self._times[number]:  # else she has judged it often enough
            self._queue.appendleft(number)

    def _texts(self, numbers: Sequence[int]) -> dict[int, str]:
        return {item.number: item.text for item in self.store.items(self.name, numbers)} if numbers else {}


def _event(said: Judgement, collection: str) -> Event:
    return Event(said.id, collection, said.number, said.rater, said.place, said.value, None, said.at)
