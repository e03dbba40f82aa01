"""One database behind an address: opening it, reading from it, and writing to it one short transaction at a time."""

from __future__ import annotations

import importlib.util
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from teachbox.errors import StoreError
from teachbox.store import migrations

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long SQLite itself waits for another process's transaction."""
RETRY_SECONDS = 30.0
"""How long a write is tried anew where the database says that it is locked."""
_ADVISORY_LOCK = 0x7EAC4B0
# SQLSTATE: serialization failure, deadlock, lock not available.
_RETRY_STATES = ("40001", "40P01", "55P03")


class Database:
    """An open database: `read()` for queries from any thread, `write(function)` for one transaction at a time."""

    def __init__(self, url: URL) -> None:
        self.address = url.render_as_string(hide_password=True)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._write_lock = threading.Lock()
        self._reader = _engine(url, pool_size=4)
        self._writer = _engine(url, pool_size=1)
        if self.is_sqlite:
            event.listen(self._reader, "connect", _set_up_reader)
            event.listen(self._writer, "connect", _set_up_writer)
            # The driver would open transactions on its own, and too late for BEGIN IMMEDIATE.
            event.listen(self._reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
            event.listen(self._writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    @classmethod
    def open(cls, address: str | Path) -> Database:
        """Open the database at `address` and bring its tables up to date.

        Raises `StoreError` where it cannot be opened, is none, or is newer than this program.
        """
        url = parse_address(address)
        if url.get_backend_name() == "sqlite":
            _make_room(Path(str(url.database)))
        database = cls(url)
        try:
            database._bring_up_to_date()
        except StoreError:
            database.close()
            raise
        return database

    def _bring_up_to_date(self) -> None:
        if self.is_sqlite:
            # The mode stays with the file, so one connection sets it; it cannot be set inside a transaction.
            with self._errors(), self._writer.connect() as connection:
                driver: Any = connection.connection.driver_connection
                mode = driver.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                if mode != "wal":
                    raise StoreError(
                        "the file system of the database cannot hold a write-ahead log; choose a local one",
                        where=self.address,
                    )
        self.write(self._migrate, durable=True)

    def _migrate(self, connection: Connection) -> None:
        try:
            if not migrations.is_current(connection):
                migrations.migrate(connection)
        except StoreError as error:
            raise StoreError(error.message, where=self.address) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries, from the pool; it sees one state of the database."""
        with self._errors(), self._reader.connect() as connection:
            yield connection

    def write(self, function: Callable[[Connection], T], *, durable: bool) -> T:
        """Run `function` in one transaction and return its result once that is committed.

        A `durable` one has reached the disk when this returns. One that is not survives the end of any process, and
        after a power cut it may be gone, as a whole; it costs no wait for the disk. Writers of this process queue up;
        where another process holds the lock it is tried again, then `StoreError`.
        """
        deadline = time.monotonic() + RETRY_SECONDS
        with self._write_lock, self._errors():
            while True:
                try:
                    return self._write_once(function, durable)
                except OperationalError as error:
                    if not self._is_lock(error) or time.monotonic() > deadline:
                        raise

    def _write_once(self, function: Callable[[Connection], T], durable: bool) -> T:
        with self._writer.connect() as connection:
            if self.is_sqlite:
                driver: Any = connection.connection.driver_connection
                driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            with connection.begin():
                if not self.is_sqlite:
                    # One writer at a time there as well: ids become visible in their order, so that a reader who
                    # asks for what came after an id misses nothing.
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
                    if not durable:
                        connection.execute(text("SET LOCAL synchronous_commit = off"))
                return function(connection)

    def _is_lock(self, error: OperationalError) -> bool:
        if self.is_sqlite:
            return "locked" in str(error.orig) or "busy" in str(error.orig)
        return getattr(error.orig, "sqlstate", None) in _RETRY_STATES

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(_one_line(error.orig), where=self.address) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StoreError(_one_line(error), where=self.address) from error

    def close(self) -> None:
        """Close every connection. The last process to do so folds SQLite's log into the file."""
        self._reader.dispose()
        self._writer.dispose()


def parse_address(address: str | Path) -> URL:
    """The address as a URL: a path, `sqlite:///path` or `postgresql://user@host/name`. Raises `StoreError`."""
    address = str(address)
    if "://" not in address:
        if not address:
            raise StoreError("an empty address; give a file, or postgresql://user@host/name")
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise StoreError("not an address; it should read postgresql://user@host/name", where=address) from error
    if url.drivername == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError("a database in memory would be lost at the end; give sqlite:///path", where=address)
        return url
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if importlib.util.find_spec("psycopg") is None:
            raise StoreError(
                "PostgreSQL needs the driver psycopg 3: pip install 'teachbox[postgresql]'",
                where=url.render_as_string(hide_password=True),
            )
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"no database of the kind {url.drivername!r}; it can be a path, sqlite:///path or postgresql://user@host/name",
        where=url.render_as_string(hide_password=True),
    )


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"its folder cannot be made ({error.strerror})", where=str(path)) from error
    if path.is_dir():
        raise StoreError("a folder, not a database file", where=str(path))


def _engine(url: URL, *, pool_size: int) -> Engine:
    if url.get_backend_name() == "sqlite":
        # Autocommit in the driver's words: transactions begin where the listeners of `Database` say so.
        arguments: dict[str, Any] = {
            "timeout": BUSY_SECONDS,
            "check_same_thread": False,
            "isolation_level": None,
            "cached_statements": 256,
        }
        return create_engine(url, pool_size=pool_size, max_overflow=16, connect_args=arguments)
    return create_engine(
        url, pool_size=pool_size, max_overflow=16, pool_pre_ping=True, connect_args={"connect_timeout": 10}
    )


def _set_up_reader(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA query_only=ON")


def _set_up_writer(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")


def _one_line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
