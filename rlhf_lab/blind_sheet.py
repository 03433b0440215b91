"""Blind sheets: texts of two or three arms, shuffled, rated without being told which arm wrote what.

A sheet is a collection of the store, rated as a pool is labelled. Each arm gives n texts. A text that several places
share, in one arm or across arms, stands on the sheet once and its rating counts at each of them: a text seen again and
again would tell which arm repeats itself. Texts are the same if they differ in blanks only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from elk_sandbox.runtime.store import Store
from elk_sandbox.runtime.tables import Item
from elk_sandbox.terminal import InputError
from rlhf_lab.labels import Text, note, notes, require_person

__all__ = ["Revealed", "look", "make_sheet", "progress", "reveal", "was_revealed"]


@dataclass(frozen=True, eq=False)
class Revealed:
    """What one rater said of each arm."""

    rater: str
    arms: dict[str, Int[np.ndarray, "text"]]  # labels in the order of the arm's texts; those not rated are left out
    distinct: dict[str, int]  # different texts of each arm among those rated: ratings of equal texts are one rating
    shared: int  # texts on the sheet that stand in more than one arm
    left: int  # texts of the sheet that she has not rated
    broken: bool  # an arm was revealed to her before she had rated all, or she rated on after it


def make_sheet(store: Store, name: str, arms: Mapping[str, Sequence[Text]], n: int, seed: int) -> list[Item]:
    """Make a sheet of n texts of each arm, drawn without replacement and shuffled by the seed, which is stored.

    Raises InputError unless there are two or three arms with at least n texts each, and n at least 1, and for a name
    that is taken or no plain name.
    """
    if len(arms) not in (2, 3):
        raise InputError(f"a blind sheet compares two or three arms, not {len(arms)} ({', '.join(arms) or 'none'})")
    if n < 1:
        raise InputError(f"a blind sheet needs at least 1 text of each arm, not {n}")
    for arm, texts in arms.items():
        if len(texts) < n:
            raise InputError(f"the arm {arm!r} has {len(texts)} texts and the sheet needs {n}: sample more")
    rng = np.random.default_rng(seed)
    shown: dict[str, str] = {}
    places: dict[str, list[list[Any]]] = {}  # arm, place among the arm's n, source
    for arm, texts in arms.items():
        for place, at in enumerate(rng.choice(len(texts), n, replace=False)):
            key = " ".join(texts[at].text.split())
            shown.setdefault(key, texts[at].text)
            places.setdefault(key, []).append([arm, place, texts[at].source])
    keys = list(shown)
    rows = [(shown[keys[at]], {"places": places[keys[at]]}) for at in rng.permutation(len(keys))]
    return store.create_collection(name, "sheet", {"seed": seed, "n": n, "arms": list(arms)}, rows)


def progress(store: Store, name: str) -> dict[str, tuple[int, int]]:
    """How many texts each rater has rated, and of how many; nothing of the arms."""
    total = len(_sheet(store, name))
    rated: dict[str, int] = {}
    for judgement in store.current(name):
        rated[judgement.rater] = rated.get(judgement.rater, 0) + 1
    return {rater: (done, total) for rater, done in rated.items()}


def was_revealed(store: Store, name: str, rater: str) -> bool:
    """Whether the arms were revealed to the rater, rightly or by force, as they are rated now."""
    said = len(store.events(name, rater))
    return any(told["who"] == rater and told["events"] == said for told in notes(store, name, "revealed"))


def look(store: Store, name: str, viewer: str, *, force: bool = False) -> None:
    """Store that this person is shown the arms, whoever's ratings she looks at.

    Raises InputError, and stores nothing, before she has rated every text, unless forced, which breaks her blind for
    good; and as `require_person`.
    """
    require_person(store, name, viewer)
    _look(store, name, viewer, len(_sheet(store, name)), force)


def _look(store: Store, name: str, viewer: str, total: int, force: bool) -> None:
    left = total - len(store.current(name, viewer))
    if left and not force:
        raise InputError(f"{viewer!r} has {left} of {total} texts of {name!r} left: rate them first, arms are hidden")
    now = {"who": viewer, "left": left, "events": len(store.events(name, viewer))}
    if now not in notes(store, name, "revealed"):  # to look again at the same is no other look
        note(store, name, "revealed", now)


def reveal(store: Store, name: str, rater: str, *, viewer: str | None = None, force: bool = False) -> Revealed:
    """The rater's ratings by arm; that they were revealed to the viewer (default: the rater herself) is stored.

    Raises InputError, and reveals nothing, before the viewer has rated every text, unless forced, which breaks her
    blind for good; if the rater has rated none; and of another than the viewer before that one has rated all.
    """
    items = _sheet(store, name)
    rated = {judgement.number: judgement.value for judgement in store.current(name, rater)}
    if not rated:
        known = ", ".join(progress(store, name)) or "nobody"
        raise InputError(f"{rater!r} has rated no text of {name!r}; rated by: {known}")
    left = len(items) - len(rated)
    if viewer is None:
        _look(store, name, rater, len(items), force)
    elif left and viewer != rater:
        raise InputError(
            f"{rater!r} has {left} of {len(items)} texts of {name!r} left: others see the result after that"
        )
    else:
        look(store, name, viewer, force=force)
    said = len(store.events(name, rater))
    before = [told for told in notes(store, name, "revealed") if told["who"] == rater]
    found: dict[str, dict[int, int]] = {arm: {} for arm in store.collection(name).meta["arms"]}
    distinct = dict.fromkeys(found, 0)
    shared = 0
    for item in items:
        standing_in = {arm for arm, _, _ in item.meta["places"]}
        shared += len(standing_in) > 1
        if item.number in rated:
            for arm, place, _ in item.meta["places"]:
                found[arm][place] = rated[item.number]
            for arm in standing_in:
                distinct[arm] += 1
    return Revealed(
        rater,
        {arm: np.array([values[place] for place in sorted(values)], np.int64) for arm, values in found.items()},
        distinct,
        shared,
        left,
        bool(left) or any(told["left"] or told["events"] < said for told in before),
    )


def _sheet(store: Store, name: str) -> list[Item]:
    if (kind := store.collection(name).kind) != "sheet":
        raise InputError(f"{name!r} is a {kind}, no blind sheet")
    return store.items(name)
