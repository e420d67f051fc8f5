"""A DuckLake with its catalog in PostgreSQL: several machines may have it open, and others read while one writes. Experimental.

What is stored is in the lake. What a run makes for itself, `core` and `build`, is in memory, in a database that all connections of a
process to this site share. Whose turn it is to write is a lock in PostgreSQL, which is free as soon as its holder is gone.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from kam.errors import KamError, SettingsError, WarehouseBusyError, disk_fault
from kam.site import Site, sweep
from kam.stops import check, heard, interrupting
from kam.warehouse import connection
from kam.warehouse.fence import WRITER
from kam.warehouse.names import LAKE, LOCAL_SCHEMAS, STORED_SCHEMAS, catalog, look_in_store
from kam.warehouse.people import user_name
from kam.warehouse.schema import prepare
from kam.warehouse.sql import Config, Connection, literal, quoted

if TYPE_CHECKING:
    from psycopg import Connection as PgConnection

_EXTENSIONS = ("ducklake", "postgres_scanner")
_MISSING = "a warehouse in DuckLake needs the extra lake: pip install 'kam-close[lake]'"
# One site a catalog, so one number for all.
_LOCK = 5_226_301
_HOLDER = """
    SELECT activity.application_name FROM pg_locks AS locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objid = %s
      AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# The rights to write that this process holds, by catalog: what each of its transactions has to show.
_tokens: dict[str, str] = {}


class LakeStore:
    """A DuckLake that `[warehouse]` names."""

    def __init__(self, site: Site) -> None:
        """The lake of a site; it may not be there yet. Raises `SettingsError` when the variable of the catalog is not set."""
        self._site = site
        variable = site.settings.warehouse.catalog_variable
        self._url = os.environ.get(variable, "")
        if not self._url:
            message = f"[warehouse] catalog: the environment variable {variable} is not set. It holds the URL of a PostgreSQL database"
            raise SettingsError(message)

    @property
    def name(self) -> str:
        """The catalog, by the variable that holds its URL."""
        return f"the lake of {self._site.settings.warehouse.catalog_variable}"

    def exists(self) -> bool:
        """Whether the catalog has a lake with our tables."""
        with self._postgresql("looks whether there is a lake") as catalog:
            if not _value(catalog, "SELECT to_regclass('ducklake_table') IS NOT NULL"):
                return False
            found = "SELECT count(*) > 0 FROM ducklake_table WHERE table_name = 'shape' AND end_snapshot IS NULL"
            return bool(_value(catalog, found))

    def stamp(self) -> tuple[int, ...]:
        """Nothing takes the place of a lake."""
        return ()

    @contextmanager
    def writing(self, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock of the catalog. It ends with its connection, so nobody waits for a process that is gone."""
        who = f"{purpose} (process {os.getpid()} of {user_name()} on {socket.gethostname()})"
        with self._postgresql(who) as catalog:
            self._wait_for_turn(catalog, wait_seconds, on_wait)
            token = uuid.uuid4().hex
            with self.open() as con:
                con.execute("UPDATE ops.writer SET token = ?, commits = 0", [token])
                # Workers of a run that died store nothing more.
                con.execute("DELETE FROM ops.workers")
            _tokens[self._url] = token
            try:
                sweep(self._site)
                yield
            finally:
                del _tokens[self._url]

    def _wait_for_turn(self, catalog: PgConnection[Any], wait_seconds: float, on_wait: Callable[[str], None]) -> None:
        deadline, who = time.monotonic() + wait_seconds, ""
        while not _value(catalog, f"SELECT pg_try_advisory_lock({_LOCK})"):
            check()
            found = str(_value(catalog, _HOLDER, [_LOCK]) or who or "another process")
            if time.monotonic() >= deadline:
                message = f"{self.name}: still in use by {found} after {wait_seconds:.0f} seconds. Try again when it has finished"
                raise WarehouseBusyError(message)
            if found != who:
                on_wait(f"Waiting for {found} to finish")
                who = found
            time.sleep(0.2)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Open the lake for reading and writing; create or update it where needed."""
        site = self._site
        site.scratch.mkdir(exist_ok=True)
        # All connections of this process share this database while one of them is open, as they share a file.
        key = hashlib.sha256(f"{site.directory} {self._url}".encode()).hexdigest()[:12]
        with self._faults_explained(), self._opened(f":memory:kam_{key}") as con:
            if catalog(con) != LAKE:
                self._attach(con, LAKE, read_only=False)
                lacking = _lacking(con)
                for schema in (*LOCAL_SCHEMAS, *(f"{LAKE}.{schema}" for schema in lacking)):
                    con.execute(f"CREATE SCHEMA {schema}")
                if lacking:
                    con.execute(f"CREATE TABLE {LAKE}.ops.writer AS SELECT '' AS token, 0::BIGINT AS commits")
                con.execute(f"CREATE TABLE IF NOT EXISTS {LAKE}.ops.workers (token VARCHAR, chunk BIGINT)")
            look_in_store(con)
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
            con.execute(f"SET VARIABLE {WRITER} = ?", [_tokens.get(self._url, "")])
            yield con

    @contextmanager
    def open_read_only(self) -> Iterator[Connection]:
        """Open the lake for reading only, also while somebody writes; an empty database in memory when nothing was loaded yet."""
        site = self._site
        if not self.exists():
            with connection.memory() as con:
                prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
                yield con
            return
        with self._faults_explained(), self._opened(":memory:") as con:
            self._attach(con, LAKE, read_only=True)
            for schema in LOCAL_SCHEMAS:
                con.execute(f"CREATE SCHEMA {schema}")
            look_in_store(con)
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
            yield con

    @contextmanager
    def open_for_worker(self) -> Iterator[Connection]:
        """Open the lake with `core` and `build` of one's own, which no other connection of this process sees.

        Nothing can be stored but by `stored_by_worker`.
        """
        site = self._site
        site.scratch.mkdir(exist_ok=True)
        with self._faults_explained(), self._opened(":memory:") as con:
            self._attach(con, LAKE, read_only=False)
            for schema in LOCAL_SCHEMAS:
                con.execute(f"CREATE SCHEMA {schema}")
            look_in_store(con)
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
            con.execute(f"SET VARIABLE {WRITER} = ''")
            con.execute("SET enable_progress_bar = false")  # DuckDB takes a process without a script for a person
            yield con

    def attach(self, con: Connection, name: str) -> None:
        """Let a connection read the lake under this name."""
        self._attach(con, name, read_only=True)

    @contextmanager
    def _opened(self, database: str) -> Iterator[Connection]:
        config: Config = {
            "memory_limit": self._site.settings.site.memory_limit,
            "temp_directory": str(self._site.scratch / "spill"),
            "autoinstall_known_extensions": False,
        }
        with connection.connect(database, config=config) as con:
            con.execute("SET TimeZone = 'UTC'")
            with interrupting(con.interrupt):
                yield con

    def _attach(self, con: Connection, name: str, *, read_only: bool) -> None:
        for extension in _EXTENSIONS:
            con.execute(f"LOAD {literal(_extension(extension))}")
        settings = self._site.settings.warehouse
        data = (self._site.directory / settings.data).resolve()
        data.mkdir(parents=True, exist_ok=True)
        options = f"DATA_PATH {literal(f'{data}/')}{', READ_ONLY' if read_only else ''}"
        con.execute(f"ATTACH {literal(f'ducklake:postgres:{self._url}')} AS {quoted(name)} ({options})")
        con.execute("SET ducklake_max_retry_count = 100")

    @contextmanager
    def _postgresql(self, purpose: str) -> Iterator[PgConnection[Any]]:
        try:
            import psycopg
        except ImportError:
            raise KamError(_MISSING) from None
        try:
            catalog = psycopg.connect(self._url, autocommit=True, application_name=f"kam {purpose}"[:63])
        except psycopg.Error as error:
            message = f"{self.name}: cannot be reached: {self._harmless(str(error))}"
            raise KamError(message) from None
        with catalog:
            yield catalog

    @contextmanager
    def _faults_explained(self) -> Iterator[None]:
        check()
        try:
            with heard():
                yield
        except duckdb.Error as error:
            text = self._harmless(str(error))
            if fault := disk_fault(error):
                message = f"{self.name}: cannot be written: {fault}. What was committed stays. Make room or make it writable, then run the command again"
                raise KamError(message) from None
            if "Transaction conflict" in text or "Failed to commit DuckLake transaction" in text:
                message = f"{self.name}: somebody else wrote to it meanwhile, so nothing of this step was kept. Run the command again"
                raise WarehouseBusyError(message) from None
            if "connect" in text and "server" in text:
                message = f"{self.name}: cannot be reached: {text}"
                raise KamError(message) from None
            raise

    def _harmless(self, text: str) -> str:
        """The first line of a message, without what the URL says."""
        line = text.splitlines()[0] if text else ""
        return re.sub(r"postgres(ql)?://\S+", "…", line.replace(self._url, "…"))


def _lacking(con: Connection) -> list[str]:
    """The stored schemas that a new lake does not have yet."""
    found = con.execute("SELECT schema_name FROM duckdb_schemas() WHERE database_name = ?", [LAKE]).fetchall()
    return [schema for schema in STORED_SCHEMAS if (schema,) not in found]


def _extension(name: str) -> str:
    """The file of an extension, from its wheel. Raises `KamError` when it is not installed, or not for this version of DuckDB."""
    try:
        package = importlib.resources.files(f"duckdb_extension_{name}")
    except ModuleNotFoundError:
        raise KamError(_MISSING) from None
    file = package / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not file.is_file():
        message = f"the DuckDB extension {name} is not of version {duckdb.__version__}, as DuckDB is: pip install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise KamError(message)
    return str(file)


def _value(catalog: PgConnection[Any], query: str, values: list[object] | None = None) -> object:
    row = catalog.execute(query, values).fetchone()
    return row[0] if row else None
