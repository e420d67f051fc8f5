"""A DuckLake with its catalog in PostgreSQL: several machines may have it open, and others read while one writes. Experimental.

What is stored is in the lake. What a run makes for itself, `core` and `build`, is in memory, in a database that all connections of a
process to this site share. Whose turn it is to write is a lock in PostgreSQL, which is free as soon as its holder is gone.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from kam.errors import KamError, SettingsError, WarehouseAwayError, WarehouseBusyError, away, disk_fault
from kam.site import Site, sweep
from kam.stops import check, heard, interrupting
from kam.warehouse import connection, extensions
from kam.warehouse.fence import WRITER
from kam.warehouse.lake_catalog import LakeCatalog, schema_of
from kam.warehouse.lake_data import claim, data_path, explained, is_taken, open_storage, require_storage, require_there
from kam.warehouse.lake_statistics import add_lacking_statistics
from kam.warehouse.lost import require_not_lost
from kam.warehouse.names import LAKE, LOCAL_SCHEMAS, STORED_SCHEMAS, catalog, look_in_store
from kam.warehouse.schema import is_of_this_release, prepare, prepare_to_read
from kam.warehouse.sql import Config, Connection, literal, quoted

if TYPE_CHECKING:
    from psycopg import Connection as PgConnection

_CREATE_SECONDS = 60
_DOUBLE = """
    SELECT 'version ' || close_version || ' of ' || strftime(period_month, '%Y-%m') FROM ops.closes
    GROUP BY period_month, close_version HAVING count(*) > 1
    UNION ALL SELECT 'load ' || load_id FROM ops.loads GROUP BY load_id HAVING count(*) > 1
    ORDER BY ALL
"""
# What this process holds, by catalog: the token that each of its transactions has to show, and the number of the lake.
_tokens: dict[str, str] = {}
_numbers: dict[str, int] = {}
# How many turns to write began and ended, by catalog. After a commit that a lake refused, DuckDB would wait for ever for the database in
# memory of that turn to go; each has one of its own.
_turns: Counter[str] = Counter()
log = logging.getLogger("kam")


class LakeStore:
    """A DuckLake that `[warehouse]` names."""

    def __init__(self, site: Site, number: int | None = None) -> None:
        """The lake of a site that is in use, or the one with this number; it may not be there yet.

        Raises `SettingsError` when the variable of the catalog is not set.
        """
        self._site = site
        self.catalog = LakeCatalog(site)
        self._given = number

    @property
    def name(self) -> str:
        """The catalog, by the variable that holds its URL."""
        return self.catalog.name

    def exists(self) -> bool:
        """Whether the catalog has a lake in use."""
        return self._number() is not None

    def stamp(self) -> tuple[int, ...]:
        """The number of the lake in use."""
        number = self._number()
        return () if number is None else (number,)

    def _number(self) -> int | None:
        found = self._given or _numbers.get(self.catalog.url)
        if found is None:
            with self.catalog.connected("looks which lake is in use") as catalog:
                found = self.catalog.number(catalog)
        return found

    def place(self) -> str:
        """The lake in use, as an administrator finds it; empty when there is none."""
        number = self._number()
        return (
            ""
            if number is None
            else f"{self.name}: schema {schema_of(number)}, files in {data_path(self._site, number)}"
        )

    def leave(self) -> None:
        """No lake is in use any more; the one that was stays as it is. Only for the one process that may write."""
        with self.catalog.connected("leaves the lake") as catalog:
            self.catalog.use(catalog, None)

    @contextmanager
    def turn(
        self, purpose: str, *, wait_seconds: float = 600, on_wait: Callable[[str], None] = log.info
    ) -> Iterator[PgConnection[Any]]:
        """Hold the lock of the catalog, whatever state the lake is in; gives the connection that has it."""
        with self.catalog.turn(purpose, wait_seconds=wait_seconds, on_wait=on_wait) as catalog:
            sweep(self._site)
            yield catalog

    @contextmanager
    def writing(self, purpose: str, *, wait_seconds: float, on_wait: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock of the catalog, and be the only one whose transactions are not refused.

        The lake stays open meanwhile: to attach it anew at each step takes half a second.
        """
        url = self.catalog.url
        with self.turn(purpose, wait_seconds=wait_seconds, on_wait=on_wait) as catalog:
            try:
                _turns[url] += 1
                number = self.catalog.number(catalog)
                _numbers[url] = self._made(catalog) if number is None else number
                with self.open() as con:
                    require_there(con, self._site, _numbers[url])
                    self._require_single(con)
                    add_lacking_statistics(con, schema_of(_numbers[url]))
                    token = uuid.uuid4().hex
                    con.execute("UPDATE ops.writer SET token = ?, commits = 0", [token])
                    # Workers of a run that died store nothing more.
                    con.execute("DELETE FROM ops.workers")
                    _tokens[url] = token
                    yield
            finally:
                _turns[url] += 1
                _tokens.pop(url, None)
                _numbers.pop(url, None)

    def _require_single(self, con: Connection) -> None:
        """Raise `KamError` when two writers stored the same version or load: a lake has no keys that would refuse it."""
        double = [name for (name,) in con.execute(_DOUBLE).fetchall()]
        if double:
            message = (
                f"{self.name}: has {', '.join(double[:5])} twice: two processes wrote at once. Nothing was changed. "
                f"Rebuild the warehouse from the archive: {self._site.command('rebuild', '--force')}"
            )
            raise KamError(message)

    def _made(self, catalog: PgConnection[Any]) -> int:
        """Make an empty lake and use it; its number. Raises `KamError` when there was one."""
        require_not_lost(self._site, self.name)
        number = self.new_number(catalog)
        with LakeStore(self._site, number).open():
            pass
        self.catalog.use(catalog, number)
        return number

    def require_storage(self) -> None:
        """Raise `WarehouseAwayError` when the storage of the data files does not answer, or refuses; before work that would be lost."""
        with self.explained(), self._opened(":memory:") as con:
            require_storage(con, self._site)

    def new_number(self, catalog: PgConnection[Any]) -> int:
        """The number of a lake to be made, whose place has no files. `catalog` has the lock.

        Raises `WarehouseAwayError` when the storage cannot be reached, or does not take a file.
        """
        with self.explained(), self._opened(":memory:") as con:
            open_storage(con, self._site)
            number = self.catalog.next_number(catalog, lambda number: is_taken(con, self._site, number))
            claim(con, self._site, number)
        return number

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Open the lake for reading and writing; create or update it where needed."""
        site = self._site
        number = self._number()
        if number is None:
            with self.turn("makes a lake", wait_seconds=_CREATE_SECONDS) as held:
                number = self.catalog.number(held) or self._made(held)
        site.scratch.mkdir(exist_ok=True)
        # All connections of this process share this database while one of them is open, as they share a file.
        key = hashlib.sha256(
            f"{site.directory} {self.catalog.url} {number} {_turns[self.catalog.url]}".encode()
        ).hexdigest()[:12]
        with self.explained(), self._opened(f":memory:kam_{key}") as con:
            if catalog(con) != LAKE:
                self._attach(con, LAKE, number, read_only=False)
                lacking = _lacking(con)
                for schema in (*LOCAL_SCHEMAS, *(f"{LAKE}.{schema}" for schema in lacking)):
                    con.execute(f"CREATE SCHEMA {schema}")
                if lacking:
                    con.execute(f"CREATE TABLE {LAKE}.ops.writer AS SELECT '' AS token, 0::BIGINT AS commits")
                    con.execute(f"CREATE TABLE {LAKE}.ops.workers (token VARCHAR, chunk BIGINT)")
            look_in_store(con)
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
            con.execute(f"SET VARIABLE {WRITER} = {literal(_tokens.get(self.catalog.url, ''))}")
            yield con

    @contextmanager
    def open_read_only(self) -> Iterator[Connection]:
        """Open the lake for reading only, also while somebody writes; an empty database in memory when nothing was loaded yet."""
        site = self._site
        number = self._number()
        if number is None:
            require_not_lost(site, self.name)
            with connection.memory() as con:
                prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
                yield con
            return
        with self._opened_beside_own(number, read_only=True) as (con, is_ready):
            if is_ready:
                yield con
                return
        # Made by an earlier release: first brought up to date.
        with self.turn("updates the lake", wait_seconds=_CREATE_SECONDS), self.open():
            pass
        with self._opened_beside_own(number, read_only=True) as (con, _):
            yield con

    @contextmanager
    def open_for_worker(self) -> Iterator[Connection]:
        """Open the lake with `core` and `build` of one's own, which no other connection of this process sees.

        Nothing can be stored but by `stored_by_worker`. Raises `KamError` when there is no lake.
        """
        number = self._number_there()
        self._site.scratch.mkdir(exist_ok=True)
        with self._opened_beside_own(number, read_only=False) as (con, is_ready):
            if not is_ready:
                message = f"{self.name}: was made by another release than that of this worker. Install the same on all machines"
                raise KamError(message)
            con.execute(f"SET VARIABLE {WRITER} = ''")
            con.execute("SET enable_progress_bar = false")  # DuckDB takes a process without a script for a person
            yield con

    def attach(self, con: Connection, name: str) -> None:
        """Let a connection read the lake under this name."""
        self._attach(con, name, self._number_there(), read_only=True)

    def _number_there(self) -> int:
        number = self._number()
        if number is None:
            message = f"{self.name}: has no lake yet"
            raise KamError(message)
        return number

    @contextmanager
    def _opened_beside_own(self, number: int, *, read_only: bool) -> Iterator[tuple[Connection, bool]]:
        """Open the lake beside `core` and `build` of one's own, in memory. Nothing is written to it, and so nothing of an earlier release updated.

        Also whether it is of this release; only then all of it can be read.
        """
        with self.explained(), self._opened(":memory:") as con:
            self._attach(con, LAKE, number, read_only=read_only)
            for schema in LOCAL_SCHEMAS:
                con.execute(f"CREATE SCHEMA {schema}")
            look_in_store(con)
            currency = self._site.settings.site.reporting_currency
            is_ready = is_of_this_release(con, currency)
            if is_ready:
                prepare_to_read(con, currency)
            yield con, is_ready

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

    def _attach(self, con: Connection, name: str, number: int, *, read_only: bool) -> None:
        for extension in ("ducklake", "postgres_scanner"):
            extensions.load(con, extension, "lake")
        open_storage(con, self._site)
        options = [
            f"DATA_PATH {literal(data_path(self._site, number))}",
            f"METADATA_SCHEMA {literal(schema_of(number))}",
            *(["READ_ONLY"] if read_only else []),
        ]
        con.execute(
            f"ATTACH {literal(f'ducklake:postgres:{self.catalog.url}')} AS {quoted(name)} ({', '.join(options)})"
        )
        con.execute("SET ducklake_max_retry_count = 100")

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Tell what is wrong with the catalog, the storage or a disk as a person reads it; see the errors of `writing`."""
        check()
        try:
            with heard():
                yield
        except duckdb.Error as error:
            if found := explained(self._site, error):
                raise found from None
            text = self.catalog.harmless(str(error))
            if away(error):
                message = f"{self.name}: cannot be reached: {text}. What was committed stays. Run the command again when it answers"
                raise WarehouseAwayError(message) from None
            if fault := disk_fault(error):
                message = f"{self.name}: cannot be written: {fault}. What was committed stays. Make room or make it writable, then run the command again"
                raise KamError(message) from None
            if "Transaction conflict" in text or "Failed to commit DuckLake transaction" in text:
                message = f"{self.name}: somebody else wrote to it meanwhile, so nothing of this step was kept. Run the command again"
                raise WarehouseBusyError(message) from None
            if "does not match existing data path" in text:
                message = (
                    f"{self.name}: its data files are in another folder than [warehouse] data says: {text}. Is it the lake of another site? "
                    "Then name another database. Did the folder move? Then move it back"
                )
                raise SettingsError(message) from None
            raise


def _lacking(con: Connection) -> list[str]:
    """The stored schemas that a new lake does not have yet."""
    found = con.execute(f"SELECT schema_name FROM duckdb_schemas() WHERE database_name = {literal(LAKE)}").fetchall()
    return [schema for schema in STORED_SCHEMAS if (schema,) not in found]
