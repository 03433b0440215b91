"""Pools of texts to be labelled, over the store: who labelled what, in which order, and how far raters agree.

A label is -1 (negative), 0 (neutral) or 1 (positive), one event of the store, which only appends. Each rater is shown
the texts in an order of her own, which the collection's stored seed fixes for good.
"""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from jaxtyping import Float, Int

from elk_sandbox.runtime.store import NameTaken, Store
from elk_sandbox.runtime.tables import Event, Item
from elk_sandbox.terminal import InputError
from rlhf_lab.raters import Rater

__all__ = [
    "WORDS",
    "Agreement",
    "Labels",
    "Rule",
    "Text",
    "agreement",
    "between",
    "create_pool",
    "current",
    "described",
]
__all__ += ["label_with", "note", "notes", "order", "order_of", "raters", "require_person", "self_agreement"]
__all__ += ["standing"]

WORDS = {-1: "negative", 0: "neutral", 1: "positive"}
NOTES = "rlhf_lab.notes"  # a collection of what is to be kept beside events: an item a note, its text what it is about
Rule = Literal["majority", "mean"]


@dataclass(frozen=True)
class Text:
    """A text to be labelled or rated."""

    text: str
    tokens: tuple[int, ...]  # of the completion, without the prompt
    source: str  # the run whose model wrote it, or the corpus that it is cut from


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a pool that stand, of those items that have one, in the order of the pool."""

    numbers: Int[np.ndarray, "item"]  # of the items in the pool
    values: Float[np.ndarray, "item"]  # in [-1, 1]
    raters: Int[np.ndarray, "item"]  # how many raters' labels are in the value
    texts: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]  # of each text, without the prompt
    rule: Rule  # by which the labels of several raters are made one


@dataclass(frozen=True)
class Agreement:
    """How far two series of labels of the same texts agree."""

    n: int  # texts labelled twice
    share: float  # of equal labels; nan for no text
    kappa: float  # Cohen's: beyond chance by both's own shares; nan where chance alone agrees always


def beside(texts: int, share: float) -> int:
    """How many snippets make up that share of a pool with so many texts. Raises InputError for one outside [0, 1)."""
    if not 0 <= share < 1:
        raise InputError(f"the share of corpus snippets is at least 0 and below 1, not {share}")
    return round(share / (1 - share) * texts)


def create_pool(
    store: Store,
    name: str,
    texts: Sequence[Text],
    *,
    seed: int,
    snippets: Sequence[Text] = (),
    share: float = 0.0,
) -> list[Item]:
    """Make a pool of these texts, mixed with as many snippets of a corpus as make up `share` of it.

    The snippets are drawn without replacement and stand at random places, both by the seed; an item's meta has tokens,
    source and origin (sample or corpus). Raises InputError for no texts, a share outside [0, 1), too few snippets, and
    a name that is taken or no plain name.
    """
    if not texts:
        raise InputError(f"the pool {name!r} needs at least one text: sample some first")
    wanted = beside(len(texts), share)
    if wanted > len(snippets):
        raise InputError(f"{share:g} of the pool {name!r} are {wanted} snippets, and the corpus gives {len(snippets)}")
    rng = np.random.default_rng(seed)
    mixed = [(text, "sample") for text in texts]
    mixed += [(snippets[at], "corpus") for at in rng.choice(len(snippets), wanted, replace=False)] if wanted else []
    placed = [mixed[at] for at in rng.permutation(len(mixed))] if wanted else mixed
    return store.create_collection(
        name,
        "pool",
        {"seed": seed, "share": wanted / len(mixed)},
        [(t.text, {"tokens": list(t.tokens), "source": t.source, "origin": origin}) for t, origin in placed],
    )


def order(store: Store, name: str, rater: str) -> list[Item]:
    """The items in the order in which this rater is to see them; items added later change no order of the others."""
    items = store.items(name)
    return [items[at] for at in order_of(len(items), store.collection(name).meta["seed"], rater)]


def order_of(many: int, seed: int, rater: str) -> list[int]:
    """The numbers of so many items in the order in which this rater is to see them."""
    rng = np.random.default_rng([seed, *rater.encode()])
    return [int(at) for at in np.argsort(rng.random(many), kind="stable")]


def standing(store: Store, name: str, rater: str) -> list[Event]:
    """Every judgement of the rater that was not withdrawn, in the order of time: of a repeated item, each."""
    events = store.events(name, rater)
    withdrawn = {event.undoes for event in events}
    return [event for event in events if event.value is not None and event.id not in withdrawn]


def raters(store: Store, name: str) -> dict[str, int]:
    """The raters with how many items each has labelled, in the order in which they came."""
    return store.tally(name)


def label_with(store: Store, name: str, rater: Rater, generator: np.random.Generator, *, who: str | None = None) -> int:
    """Let a simulated rater label all items that she has not labelled, in her order; all or none. Returns how many.

    She is known as `who` (default: her own name), and her knobs are stored under it. Raises InputError if somebody
    else is known by it.
    """
    who = who or rater.name
    known = described(store, name).get(who)
    mine = standing(store, name, who)
    if known not in (None, rater.to_json()) or (known is None and mine):
        raise InputError(f"{name!r} has labels of another rater called {who!r}: give this one another name")
    if known is None:
        note(store, name, "rater", {"who": who, "rater": rater.to_json()})
    done = {event.number for event in mine}
    todo = [item for item in order(store, name, who) if item.number not in done]
    before = mine[-1].value if mine else None
    values = rater.label([item.text for item in todo], generator, first_place=len(mine), before=before)
    store.judge_all(name, who, [(item.number, int(value)) for item, value in zip(todo, values, strict=True)])
    return len(todo)


def require_person(store: Store, name: str, who: str) -> None:
    """Raise InputError for a rater without a name, or with that of a simulated one."""
    if not who.strip():
        raise InputError("a rater needs a name: whose labels are these?")
    if who in described(store, name):
        raise InputError(f"{who!r} is a simulated rater of {name!r}: label under another name")


def described(store: Store, name: str) -> dict[str, dict[str, Any]]:
    """The simulated raters of a collection: name to the dict from which `raters.make` rebuilds her."""
    return {value["who"]: value["rater"] for value in notes(store, name, "rater")}


def note(store: Store, name: str, what: str, value: dict[str, Any]) -> None:
    """Keep something beside a collection for good."""
    with suppress(NameTaken):  # it is there already
        store.create_collection(NOTES, "notes")
    store.add_items(NOTES, [(name, {"what": what, "value": value, "at": time.time()})])


def notes(store: Store, name: str, what: str) -> list[dict[str, Any]]:
    """What was noted of a collection, in the order of time."""
    if NOTES not in {collection.name for collection in store.collections()}:
        return []
    return [item.meta["value"] for item in store.items(NOTES) if item.text == name and item.meta["what"] == what]


def current(store: Store, name: str, who: Sequence[str] | None = None, *, rule: Rule = "majority") -> Labels:
    """The labels that stand of one rater, or of several (default: all) made one by the rule.

    majority: the label given most often, neutral where two are given equally often. mean: the mean of the labels. Of a
    text that one rater labelled more than once the latest label counts. Raises InputError for a rater without labels,
    if there are no labels, and for a sheet.
    """
    if store.collection(name).kind != "pool":
        raise InputError(f"{name!r} is a sheet to be rated blind, no pool of labels: see what it holds by revealing it")
    known = raters(store, name)
    asked = list(known) if who is None else list(dict.fromkeys(who))
    if missing := [each for each in asked if each not in known]:
        raise InputError(f"{name!r} has no labels of {missing[0]!r}: there are those of {', '.join(known) or 'nobody'}")
    if not asked:
        raise InputError(f"{name!r} has no labels yet: label it first (rlhf-lab label)")
    given: dict[int, list[int]] = {}
    for judgement in store.current(name):
        if judgement.rater in asked:
            given.setdefault(judgement.number, []).append(judgement.value)
    made = _majority if rule == "majority" else np.mean
    items = [item for item in store.items(name) if item.number in given]
    return Labels(
        np.array([item.number for item in items], np.int64),
        np.array([made(given[item.number]) for item in items], np.float64),
        np.array([len(given[item.number]) for item in items], np.int64),
        tuple(item.text for item in items),
        tuple(tuple(item.meta["tokens"]) for item in items),
        rule,
    )


def _majority(values: list[int]) -> int:
    (label, most), *others = Counter(values).most_common()
    return 0 if others and others[0][1] == most else label


def agreement(one: Int[np.ndarray, "text"], two: Int[np.ndarray, "other"]) -> Agreement:
    """Share of equal labels, and Cohen's kappa (share - chance) / (1 - chance).

    Raises ValueError for series of unlike length. Source: Cohen 1960.
    """
    if one.shape != two.shape:
        raise ValueError(f"two series of labels of the same texts, not of shapes {one.shape} and {two.shape}")
    if not one.size:
        return Agreement(0, np.nan, np.nan)
    from rlhf_lab.blind_rating import kappa  # which needs scipy

    return Agreement(one.size, float(np.mean(one == two)), kappa(one, two))


def between(store: Store, name: str, one: str, two: str) -> Agreement:
    """Agreement of two raters on the items that both have labelled."""
    first, second = store.values(name, one), store.values(name, two, one)
    both = sorted(first.keys() & second.keys())
    return agreement(np.array([first[n] for n in both], np.int64), np.array([second[n] for n in both], np.int64))


def self_agreement(store: Store, name: str, rater: str) -> Agreement:
    """Agreement of a rater's first and latest label of the items that she has labelled more than once."""
    given: dict[int, list[int]] = {}
    for event in standing(store, name, rater):
        given.setdefault(event.number, []).append(cast(int, event.value))
    twice = [values for values in given.values() if len(values) > 1]
    return agreement(np.array([v[0] for v in twice], np.int64), np.array([v[-1] for v in twice], np.int64))
