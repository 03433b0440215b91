"""What is kept of runs and of judgements, in one database that threads and processes share.

A call is one transaction: done and lasting when it returns, and where it raises, nothing was changed. Judgements are
append-only: undoing one is an event of its own.
"""

import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from elk_sandbox.declare import suggest
from elk_sandbox.runtime import judging, metric_queries
from elk_sandbox.runtime.database import Database
from elk_sandbox.runtime.judging import Moved
from elk_sandbox.runtime.tables import (
    Collection,
    Event,
    Item,
    Judgement,
    Outcome,
    Progress,
    RunRow,
    collections,
    items,
    metrics,
    runs,
)
from elk_sandbox.terminal import InputError

__all__ = ["Moved", "NameTaken", "Store", "check_name", "open_store"]

PATIENCE = 60.0  # seconds that a transaction waits for other writers
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Texts = Iterable[tuple[str, Mapping[str, Any]]]


class NameTaken(InputError):
    """A run or collection of that name exists."""


def open_store(home: Path, url: str | None = None, *, patience: float = PATIENCE) -> "Store":
    """Open the store at the SQLAlchemy `url`, else $ELK_SANDBOX_STORE, else the file `home`/store.sqlite.

    Made if there is none. SQLite must lie on a local disk (its locks do not hold on NFS). A process opens its own, a
    forked one too; `patience` is how many seconds a call waits for other writers. Raises InputError, as every method
    does, if it is locked for longer, is no database, another program's or a newer version's, or the disk is full.
    """
    return Store(Database(home, url, patience))


class Store:
    """The runs with their metrics, and the collections with their judgements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def create_run(self, name: str, kind: str, config: Mapping[str, Any], parents: Mapping[str, str]) -> RunRow:
        """Enter a run that was never started. Raises NameTaken, or InputError if `name` is no plain name."""
        check_name(name, "run")
        row = {"name": name, "kind": kind, "config": dict(config), "parents": dict(parents), "created": time.time()}
        try:
            with self._database.writing() as connection:
                connection.execute(insert(runs).values(row | {"progress": None}))
        except IntegrityError as reason:
            raise NameTaken(f"a run called {name!r} exists: choose another name, or delete it first") from reason
        return self.run(name)

    def run(self, name: str) -> RunRow:
        """Return a run. Raises InputError, with a close match, if there is none of that name."""
        with self._database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.name == name)).one_or_none()
        if row is None:
            raise self._no_run(name)
        return _run_row(row)

    def runs(self, kind: str | None = None) -> list[RunRow]:
        """Return the runs, or those of a kind, in the order in which they were created."""
        query = select(runs).order_by(runs.c.created, runs.c.name)
        with self._database.reading() as connection:
            rows = connection.execute(query if kind is None else query.where(runs.c.kind == kind)).all()
        return [_run_row(row) for row in rows]

    def delete_run(self, name: str, *, force: bool = False) -> None:
        """Delete a run and its metrics. Raises InputError if runs are built on it, unless forced."""
        with self._database.writing() as connection:
            rows = connection.execute(select(runs.c.name, runs.c.parents).order_by(runs.c.created)).all()
            children = [row.name for row in rows if name in row.parents.values()]
            if children and not force:
                raise InputError(
                    f"{', '.join(children)} built on {name!r}: delete what is built on it first, or say --force"
                )
            connection.execute(delete(metrics).where(metrics.c.run == name))
            found = connection.execute(delete(runs).where(runs.c.name == name)).rowcount
        if not found:
            raise self._no_run(name)

    def mark_started(self, name: str) -> None:
        """Count an attempt, and clear what the last one left: its outcome and a request to stop."""
        fresh = {"ended": None, "outcome": None, "message": "", "want_stop": False}
        self._change(name, {"started": time.time(), "attempts": runs.c.attempts + 1, **fresh})

    def mark_ended(self, name: str, outcome: Outcome, message: str = "") -> None:
        self._change(name, {"ended": time.time(), "outcome": outcome, "message": message, "want_stop": False})

    def mark_progress(self, name: str, progress: Progress) -> None:
        self._change(name, {"progress": asdict(progress)})

    def ask_to_stop(self, name: str) -> None:
        self._change(name, {"want_stop": True})

    def record(self, run: str, values: Iterable[tuple[str, int, float]]) -> None:
        """Write metrics (key, step, value), NaN and infinities too; what a key has at a step already is replaced.

        Raises InputError if there is no such run.
        """
        latest = {(key, step): float(value) for key, step, value in values}
        if not latest:
            return
        rows = [
            {"run": run, "key": key, "step": step, "value": None if math.isnan(value) else value}
            for (key, step), value in latest.items()
        ]
        statement = (postgresql if self._database.dialect == "postgresql" else sqlite).insert(metrics)
        upsert = statement.on_conflict_do_update(
            index_elements=list(metrics.primary_key), set_={"value": statement.excluded.value}
        )
        try:
            with self._database.writing() as connection:
                connection.execute(upsert, rows)
        except IntegrityError as reason:
            raise self._no_run(run) from reason

    def forget_from(self, run: str, step: int) -> None:
        """Delete a run's metrics of this step and later ones."""
        with self._database.writing() as connection:
            connection.execute(delete(metrics).where(metrics.c.run == run, metrics.c.step >= step))

    def metrics(self, run: str, keys: Sequence[str] | None = None) -> dict[str, list[tuple[int, float]]]:
        """Return (step, value) in the order of steps, for each key, or each of these that the run has."""
        with self._database.reading() as connection:
            return metric_queries.of_run(connection, run, keys)

    def latest(self, keys: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return the last value of these metrics, by run and key: of all runs at once, for a list of them."""
        with self._database.reading() as connection:
            return metric_queries.latest(connection, keys)

    def create_collection(
        self,
        name: str,
        kind: Literal["pool", "sheet", "notes"],
        meta: Mapping[str, Any] | None = None,
        texts: Texts = (),
    ) -> list[Item]:
        """Make a collection of these (text, meta). Raises NameTaken, or InputError if `name` is no plain name."""
        check_name(name, kind)
        row = {"name": name, "kind": kind, "meta": dict(meta or {}), "created": time.time()}
        try:
            with self._database.writing() as connection:
                connection.execute(insert(collections).values(row))
                return judging.append_items(connection, name, texts)
        except IntegrityError as reason:
            raise NameTaken(f"a pool or sheet called {name!r} exists: choose another name") from reason

    def collection(self, name: str) -> Collection:
        """Return a collection. Raises InputError, with a close match, if there is none of that name."""
        with self._database.reading() as connection:
            judging.require(connection, name)
            row = connection.execute(select(collections).where(collections.c.name == name)).one()
        return Collection(**row._mapping)

    def collections(self) -> list[Collection]:
        """Return the collections in the order in which they were created."""
        query = select(collections).order_by(collections.c.created, collections.c.name)
        with self._database.reading() as connection:
            return [Collection(**row._mapping) for row in connection.execute(query)]

    def add_items(self, collection: str, texts: Texts) -> list[Item]:
        """Append (text, meta), numbered on from the last, without gaps. Raises InputError if nothing is so called."""
        with self._database.writing() as connection:
            judging.lock(connection, collection)
            return judging.append_items(connection, collection, texts)

    def items(self, collection: str, numbers: Sequence[int] | None = None) -> list[Item]:
        """Return the items in order, all or those of these numbers. Raises InputError if nothing is so called."""
        query = select(items.c.number, items.c.text, items.c.meta).where(items.c.collection == collection)
        query = query if numbers is None else query.where(items.c.number.in_(numbers))
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return [Item(**row._mapping) for row in connection.execute(query.order_by(items.c.number))]

    def count(self, collection: str) -> int:
        """Return how many items there are. Raises InputError if nothing is so called."""
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return judging.count(connection, collection)

    def judge(self, collection: str, number: int, rater: str, value: int, *, place: int | None = None) -> Judgement:
        """Append a judgement; it is on the disk when this returns.

        place: the running number that it is to have among the rater's events, where she may be at work elsewhere.
        Raises InputError if there is no such item, and Moved if the rater's next place is another.
        """
        return self.judge_all(collection, rater, [(number, value)], place=place)[0]

    def judge_all(
        self, collection: str, rater: str, values: Sequence[tuple[int, int]], *, place: int | None = None
    ) -> list[Judgement]:
        """Append the rater's (number, value) in this order, all or none. Raises as `judge`."""
        judging.utf8(rater, "rater's name")
        try:
            with self._database.writing() as connection:
                judging.lock(connection, collection)
                judging.hold(connection, collection, rater, place)
                return judging.append_judgements(connection, collection, rater, values)
        except IntegrityError as reason:
            known = {item.number for item in self.items(collection)}
            missing = next(number for number, _ in values if number not in known)
            raise InputError(f"{collection!r} has no item {missing}: it has {len(known)}, from 0 on") from reason

    def undo(self, collection: str, rater: str, *, place: int | None = None) -> Judgement | None:
        """Withdraw the rater's latest judgement that stands and return it; None if there is none to withdraw.

        Again and again it goes back one by one; an earlier judgement of the same item stands again. Raises InputError
        if nothing is so called, and Moved as `judge`.
        """
        with self._database.writing() as connection:
            judging.lock(connection, collection)
            judging.hold(connection, collection, rater, place)
            return judging.withdraw(connection, collection, rater)

    def current(self, collection: str, rater: str | None = None) -> list[Judgement]:
        """Return the judgements that stand, each rater's latest of each item, in the order in which they were made."""
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return judging.standing(connection, collection, rater)

    def values(self, collection: str, rater: str, among: str | None = None) -> dict[int, int]:
        """Return a rater's latest value that stands of each item, or of those that another has judged too."""
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return judging.values(connection, collection, rater, among)

    def events(self, collection: str, rater: str | None = None, *, since: int = 0) -> list[Event]:
        """Return all that was judged or withdrawn, by all or one, from this place of a rater's on, by time."""
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return judging.events(connection, collection, rater, since)

    def tally(self, collection: str) -> dict[str, int]:
        """Return on how many items each rater has a word that stands, in the order in which they came."""
        with self._database.reading() as connection:
            judging.require(connection, collection)
            return judging.tally(connection, collection)

    def latest_event(self) -> int:
        """Return a number that grows with every judgement and undo: until it grows, nothing has changed."""
        with self._database.reading() as connection:
            return judging.latest(connection)

    def _change(self, name: str, values: Mapping[str, Any]) -> None:
        with self._database.writing() as connection:
            found = connection.execute(update(runs).where(runs.c.name == name).values(**values)).rowcount
        if not found:
            raise self._no_run(name)

    def _no_run(self, name: str) -> InputError:
        return InputError(f"no run is called {name!r}{suggest(name, [row.name for row in self.runs()])}")


def check_name(name: str, what: str) -> None:
    """Raise InputError unless the name may also be a folder's."""
    if not PLAIN.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a {what}: at most 64 letters, digits, '.', '_' and '-', no leading sign"
        )


def _run_row(row: Row[Any]) -> RunRow:
    told = row.progress
    return RunRow(**{**row._mapping, "progress": None if told is None else Progress(**told)})
