"""The tables of the store, and what one row of each is to a reader.

Portable: text, integers, doubles and JSON kept as text. Nothing of ours updates or deletes a judgement, and on SQLite
triggers keep others from it.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)

__all__ = ["VERSION", "Collection", "Event", "Item", "Judgement", "Outcome", "Progress", "RunRow"]

VERSION = 1  # of this schema; the store holds the one that it was made with

Outcome = Literal["stopped", "done", "failed"]


class Json(TypeDecorator[Any]):
    """A JSON value as text, with Python's NaN and Infinity, which a database's own JSON refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value)


metadata = MetaData()

schema = Table("elk_sandbox_store", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

runs = Table(
    "runs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("config", Json, nullable=False),
    Column("parents", Json, nullable=False),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("ended", Double),
    Column("outcome", Text),
    Column("message", Text, nullable=False, default=""),
    Column("want_stop", Boolean, nullable=False, default=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("progress", Json, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("run", Text, ForeignKey("runs.name"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Double),  # null is NaN, which SQLite cannot hold
    sqlite_with_rowid=False,
)

collections = Table(
    "collections",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("meta", Json, nullable=False),
    Column("created", Double, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("collection", Text, ForeignKey("collections.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("meta", Json, nullable=False),
    sqlite_with_rowid=False,
)

judgements = Table(
    "judgements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("rater", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("value", Integer),
    Column("undoes", Integer, ForeignKey("judgements.id"), unique=True),
    Column("at", Double, nullable=False),
    ForeignKeyConstraint(["collection", "number"], ["items.collection", "items.number"]),
    UniqueConstraint("collection", "rater", "place"),
    CheckConstraint("(value IS NULL) <> (undoes IS NULL)", name="a_value_or_an_undo"),
    sqlite_autoincrement=True,
)


@event.listens_for(judgements, "after_create")
def _append_only(table: Table, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER judgements_no_{action.lower()} BEFORE {action} ON judgements "
                "BEGIN SELECT RAISE(ABORT, 'judgements are append-only'); END"
            )


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: float  # in the stage's own unit
    total: float
    words: str  # what the stage said of it
    left: float | None  # seconds that are left by the pace so far; None before there is one
    at: float  # when it was said, seconds since 1970


@dataclass(frozen=True)
class RunRow:
    """What the store knows of a run; whether it lives is known by its lock alone."""

    name: str
    kind: str
    config: dict[str, Any]
    parents: dict[str, str]  # role: name of the run that it builds on
    created: float  # seconds since 1970
    started: float | None  # the last attempt; None if there was none
    ended: float | None  # the last attempt that came to an end of its own; None while it has not
    outcome: Outcome | None  # of the last attempt; None if it lives, was killed, or never was
    message: str  # why it failed; else empty
    want_stop: bool  # somebody asked it to stop
    attempts: int
    progress: Progress | None  # the last that was said, in whatever attempt

    @property
    def said(self) -> Progress | None:
        """The last that was said since the last attempt began; None if that said nothing yet."""
        return self.progress if self.progress and self.progress.at >= (self.started or 0.0) else None


@dataclass(frozen=True)
class Collection:
    """A named list of texts to be judged: a pool to label, or a sheet to rate blind."""

    name: str
    kind: Literal["pool", "sheet", "notes"]
    meta: dict[str, Any]
    created: float  # seconds since 1970


@dataclass(frozen=True)
class Item:
    """A text of a collection."""

    number: int  # from 0, in the order of adding
    text: str
    meta: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """What a rater did: judged an item, or withdrew a judgement."""

    id: int  # grows with time within a collection
    collection: str
    number: int  # the item
    rater: str
    place: int  # the running number of this rater's events in this collection, from 0
    value: int | None  # None if it withdraws
    undoes: int | None  # the id of the judgement that it withdraws; None if it judges
    at: float  # seconds since 1970


@dataclass(frozen=True)
class Judgement:
    """A rater's word on an item."""

    id: int
    number: int  # the item
    rater: str
    place: int  # the running number of this rater's events in the collection, from 0
    value: int
    at: float  # seconds since 1970
