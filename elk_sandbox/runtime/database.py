"""One database for many threads and processes: short transactions, each whole and lasting, and errors in one line.

SQLite in WAL mode: readers see the last commit and wait for nobody; writers queue (BEGIN IMMEDIATE, so none has a read
lock that it must upgrade); a commit is on the disk when it returns (synchronous=FULL).
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event, insert, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DatabaseError, InternalError, OperationalError

from elk_sandbox.runtime.tables import VERSION, metadata, schema
from elk_sandbox.terminal import InputError

__all__ = ["Database"]

ENVIRONMENT = "ELK_SANDBOX_STORE"
CREATION = 0x656C6B  # PostgreSQL's advisory lock while the tables are made


class Database:
    """A database with the store's tables, which are made where there are none.

    `patience` is how many seconds a transaction waits for other writers. Threads may share it; each process opens its
    own, also one that was forked. Raises InputError if it cannot be opened, is no database, is another program's or was
    made by a newer version.
    """

    def __init__(self, home: Path, url: str | None, patience: float) -> None:
        address = _address(home, url)
        self.dialect = address.get_backend_name()
        self.name = address.database if self.dialect == "sqlite" else address.render_as_string()
        self.patience = patience
        self._process = os.getpid()
        try:
            self._engine = create_engine(address, connect_args=self._arguments(), max_overflow=-1)
        except ModuleNotFoundError as reason:
            raise InputError(f"{self.name} needs the Python package {reason.name}: pip install it") from reason
        self._writer = self._engine.execution_options(immediate=True)
        if self.dialect == "sqlite":
            event.listen(self._engine, "connect", self._connected)
            event.listen(self._engine, "begin", _begin)
        self._make_tables()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises InputError."""
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block has been left, or leaves no trace. Raises InputError."""
        with self._errors(), self._writer.begin() as connection:
            yield connection

    def _arguments(self) -> dict[str, Any]:
        return {"timeout": self.patience} if self.dialect == "sqlite" else {}

    def _connected(self, connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing; _begin does
        end = time.monotonic() + self.patience
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as reason:  # the change to WAL is refused at once when two make it
                if reason.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    def _make_tables(self) -> None:
        with self.reading() as connection:
            made = inspect(connection).has_table(schema.name)
        if not made:
            with self.writing() as connection:
                self._create(connection)
        with self.reading() as connection:
            version = connection.scalar(select(schema.c.version))
        if version != VERSION:
            told = "a newer" if version is not None and version > VERSION else "another"
            raise InputError(
                f"{self.name} was made by {told} version of elk-sandbox (tables {version}, here {VERSION}): update "
                f"elk-sandbox, or name another store with {ENVIRONMENT}"
            )

    def _create(self, connection: Connection) -> None:
        if self.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CREATION})
        found = set(inspect(connection).get_table_names())
        if schema.name in found:
            return  # somebody else made them in the meantime
        if taken := sorted(found & set(metadata.tables)):
            raise InputError(
                f"{self.name} is another program's database (its table {taken[0]!r} is not ours): name another store "
                f"with {ENVIRONMENT}"
            )
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(schema).values(version=VERSION))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        if os.getpid() != self._process:
            raise RuntimeError("a store does not outlive a fork: open it again in the child")
        try:
            yield
        except DatabaseError as reason:
            if type(reason) not in (OperationalError, DatabaseError, InternalError):
                raise  # a broken constraint, or a mistake of ours
            raise InputError(f"{self.name} {self._told(str(reason.orig))}") from reason

    def _told(self, reason: str) -> str:
        if "locked" in reason:
            return f"has been locked by another program for {self.patience:g} s: end it, then try again"
        if "not a database" in reason or "malformed" in reason:
            return f"is not a database, or is damaged: move it away, or name another store with {ENVIRONMENT}"
        if "full" in reason or "disk I/O" in reason:
            return "cannot be written, nothing was changed: is the disk full? Make room, then try again"
        if "readonly" in reason or "unable to open" in reason:
            return f"cannot be opened for writing: see its folder's permissions, or name another with {ENVIRONMENT}"
        return f"failed: {' '.join(reason.split())}"


def _address(home: Path, url: str | None) -> URL:
    url = url or os.environ.get(ENVIRONMENT)
    if url is None or url == "":
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise InputError(f"the workspace {home} cannot be made: {reason.strerror}") from reason
        return URL.create("sqlite", database=str(home / "store.sqlite"))
    with suppress(ArgumentError):
        address = make_url(url)
        if address.get_backend_name() in ("sqlite", "postgresql") and address.database not in (None, "", ":memory:"):
            return address
    raise InputError(
        f"the store {url!r} is not the URL of a database that lasts: give sqlite:////folder/file or "
        "postgresql+psycopg://user@host/database"
    )


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
