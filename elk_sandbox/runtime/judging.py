"""What a transaction does with the collections: items are appended and numbered, judgements appended, one withdrawn.

Every writer of a collection first locks its row (SQLite has locked the whole file by then), so numbers have no gaps and
a rater's places are in the order of the commits.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, exists, func, insert, select

from elk_sandbox.declare import suggest
from elk_sandbox.runtime.tables import Event, Item, Judgement, collections, items, judgements
from elk_sandbox.terminal import InputError

__all__ = ["Moved", "append_items", "append_judgements", "count", "events", "hold", "latest", "lock", "require"]
__all__ += ["standing", "tally", "values", "withdraw"]

SAID = [judgements.c[name] for name in ("id", "number", "rater", "place", "value", "at")]
undoing = judgements.alias()
# Said, not withdrawn. Not `undoes IS NULL`, which is the same: SQLite would look through all of its index for it.
STANDS = judgements.c.value.is_not(None) & ~exists().where(undoing.c.undoes == judgements.c.id)

Query = TypeVar("Query", bound=Select[Any])


class Moved(InputError):
    """The rater has judged or withdrawn something since her place was looked at, in another window say."""


def lock(connection: Connection, collection: str) -> None:
    """Keep other writers from the collection until the transaction ends. Raises InputError if nothing is so called."""
    require(connection, collection)
    query = select(collections.c.name).where(collections.c.name == collection)
    connection.execute(query.with_for_update(key_share=True))


def hold(connection: Connection, collection: str, rater: str, place: int | None) -> None:
    """Raise Moved if a place is given and the rater's next event in the locked collection would have another."""
    if place is not None and _next_place(connection, collection, rater) != place:
        raise Moved(f"{rater!r} has been at work on {collection!r} elsewhere")


def require(connection: Connection, collection: str) -> None:
    """Raise InputError, with a close match, if nothing is so called."""
    if connection.scalar(select(collections.c.name).where(collections.c.name == collection)) is None:
        known = connection.scalars(select(collections.c.name).where(collections.c.kind.in_(("pool", "sheet")))).all()
        raise InputError(f"no pool or sheet is called {collection!r}{suggest(collection, known)}")


def append_items(connection: Connection, collection: str, texts: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Item]:
    """Append (text, meta) to a locked collection."""
    first = _next(connection, select(func.max(items.c.number)).where(items.c.collection == collection))
    added = [Item(first + at, utf8(text, "text"), dict(meta)) for at, (text, meta) in enumerate(texts)]
    if added:
        rows = [
            {"collection": collection, "number": each.number, "text": each.text, "meta": each.meta} for each in added
        ]
        connection.execute(insert(items), rows)
    return added


def append_judgements(
    connection: Connection, collection: str, rater: str, values: Sequence[tuple[int, int]]
) -> list[Judgement]:
    """Append (number, value) to a locked collection, in this order. Raises IntegrityError if an item is not there."""
    if not values:
        return []
    first = _next_place(connection, collection, rater)
    always = {"collection": collection, "rater": rater, "undoes": None, "at": time.time()}
    rows = [
        always | {"number": index(number), "value": index(value), "place": first + at}
        for at, (number, value) in enumerate(values)
    ]
    connection.execute(insert(judgements), rows)
    query = _of(select(*SAID), collection, rater).where(judgements.c.place >= first).order_by(judgements.c.place)
    return [Judgement(**row._mapping) for row in connection.execute(query)]


def withdraw(connection: Connection, collection: str, rater: str) -> Judgement | None:
    """Append to a locked collection that the rater's latest judgement that stands is withdrawn; None if none does."""
    query = _of(select(*SAID), collection, rater).where(STANDS).order_by(judgements.c.place.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    judgement = Judgement(**row._mapping)
    undo = {"collection": collection, "number": judgement.number, "rater": rater, "value": None, "undoes": judgement.id}
    place = _next_place(connection, collection, rater)
    connection.execute(insert(judgements).values(undo | {"place": place, "at": time.time()}))
    return judgement


def standing(connection: Connection, collection: str, rater: str | None) -> list[Judgement]:
    """Return each rater's latest judgement of each item that was not withdrawn, in the order of time."""
    latest = _of(select(func.max(judgements.c.id)), collection, rater).where(STANDS)
    latest = latest.group_by(judgements.c.rater, judgements.c.number)
    query = select(*SAID).where(judgements.c.id.in_(latest)).order_by(judgements.c.id)
    return [Judgement(**row._mapping) for row in connection.execute(query)]


def events(connection: Connection, collection: str, rater: str | None, since: int) -> list[Event]:
    """Return all that was said or withdrawn from a place on, in the order of time."""
    query = _of(select(judgements), collection, rater).where(judgements.c.place >= since).order_by(judgements.c.id)
    return [Event(**row._mapping) for row in connection.execute(query)]


def values(connection: Connection, collection: str, rater: str, among: str | None) -> dict[int, int]:
    """Return a rater's latest value of each item on which her word stands and, if named, that another has judged."""
    query = _of(select(judgements.c.number, judgements.c.value), collection, rater)
    if among is not None:
        query = query.where(judgements.c.number.in_(_of(select(judgements.c.number), collection, among)))
    return {row.number: row.value for row in connection.execute(query.where(STANDS).order_by(judgements.c.id))}


def count(connection: Connection, collection: str) -> int:
    """Return how many items a collection has."""
    return _next(connection, select(func.max(items.c.number)).where(items.c.collection == collection))


def tally(connection: Connection, collection: str) -> dict[str, int]:
    """Return on how many items each rater has a judgement that stands, in the order in which they came."""
    each = func.count(judgements.c.number.distinct()).label("many")
    query = _of(select(judgements.c.rater, each), collection, None).where(STANDS).group_by(judgements.c.rater)
    return {row.rater: row.many for row in connection.execute(query.order_by(func.min(judgements.c.id)))}


def latest(connection: Connection) -> int:
    """Return the largest id of an event, 0 if there is none."""
    return connection.scalar(select(func.max(judgements.c.id))) or 0


def utf8(text: str, what: str) -> str:
    """Return the text if it can be kept. Raises InputError."""
    try:
        text.encode()
    except UnicodeEncodeError as reason:
        raise InputError(
            f"the {what} {text[:40]!r} holds half of a character pair, which is no text: mend it"
        ) from reason
    return text


def _of(query: Query, collection: str, rater: str | None) -> Query:
    query = query.where(judgements.c.collection == collection)
    return query if rater is None else query.where(judgements.c.rater == rater)


def _next_place(connection: Connection, collection: str, rater: str) -> int:
    return _next(connection, _of(select(func.max(judgements.c.place)), collection, rater))


def _next(connection: Connection, latest: Select[tuple[Any]]) -> int:
    found = connection.scalar(latest)
    return 0 if found is None else found + 1
