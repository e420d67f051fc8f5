"""The one door to DuckDB: the working file of a site, databases in memory, and who may write.

Every connection gets the macros of `sql/macros.sql`. One process writes at a time; `writing` waits for its turn.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from kam.contracts import FEEDS, Feed
from kam.errors import KamError, WarehouseBusyError, disk_fault
from kam.scratch import scratch_folder, sweep
from kam.settings import Site

SQL = Path(__file__).resolve().parent.parent / "sql"
STAGING_BOOKKEEPING = (
    ("load_id", "BIGINT"),
    ("source_row", "BIGINT"),
    ("row_hash", "UBIGINT"),
    ("superseded_load_id", "BIGINT"),
)
_LOOK_SECONDS = 20
# In DuckDB's refusal to open a file that another process has open.
_OPENED_BY = re.compile(r"held in (?P<program>.+?) \(PID (?P<process>\d+)\)")
Connection = duckdb.DuckDBPyConnection
Config = dict[str, str | bool | int | float | list[str]]


@cache
def _text(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def rows(con: Connection, sql: str, parameters: object = None) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries; for results of a size that a person reads."""
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _connect(database: str, *, read_only: bool = False, config: Config | None = None) -> Connection:
    return duckdb.connect(database, read_only=read_only, config=config or {})


def memory() -> Connection:
    """A new database in memory, with the project's macros."""
    con = _connect(":memory:")
    con.execute(_text("macros.sql"))
    return con


@contextmanager
def warehouse(site: Site) -> Iterator[Connection]:
    """Open the working file for reading and writing, made and brought up to date where needed.

    Raises `WarehouseBusyError` when another process has it open, and `KamError` when a disk is full or does not take
    what is written while it is open.
    """
    with _disk_faults_explained(site):
        site.scratch.mkdir(exist_ok=True)
        with _opened_for_writing(site) as con:
            prepare(con, site.settings.site.reporting_currency)
            yield con


@contextmanager
def _opened_for_writing(site: Site) -> Iterator[Connection]:
    config: Config = {
        "memory_limit": site.settings.site.memory_limit,
        "temp_directory": str(site.scratch / "spill"),
        "storage_compatibility_version": "v1.5.0",
    }
    if not site.warehouse.exists():
        _make(site, config)
    # Somebody may be looking at the status; that takes no longer than this.
    with _opened(site, config=config, wait_seconds=_LOOK_SECONDS) as con:
        yield con


def _make(site: Site, config: Config) -> None:
    """Make an empty working file, whole or not at all: half of one, nobody could open or read."""
    with scratch_folder(site, "new-") as folder:
        new = folder / site.warehouse.name
        with _connect(str(new), config=config) as con:
            prepare(con, site.settings.site.reporting_currency)
        # A log left by a file that was deleted would be replayed into this one.
        site.warehouse.with_name(f"{site.warehouse.name}.wal").unlink(missing_ok=True)
        new.replace(site.warehouse)


@contextmanager
def _disk_faults_explained(site: Site) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        fault = disk_fault(error)
        if not fault:
            raise
        named = re.search(r'file "([^"]+)"', str(error))
        where = named[1] if named else getattr(error, "filename", None) or site.warehouse
        message = f"{where}: cannot be written: {fault}. What was committed stays. Make room or make it writable, then run the command again"
        raise KamError(message) from None


@contextmanager
def reading(site: Site) -> Iterator[Connection]:
    """Open the working file for reading only; an empty one in memory when nothing was loaded yet.

    Raises `WarehouseBusyError` while another process writes.
    """
    if not site.warehouse.exists():
        with memory() as con:
            prepare(con, site.settings.site.reporting_currency)
            yield con
        return
    wanted = _wanted_shape(_views(site.settings.site.reporting_currency))
    with _opened(site, read_only=True) as con:
        if _shape(con) == wanted:
            con.execute(_text("macros.sql"))
            yield con
            return
    # Made by an earlier release: first brought up to date.
    with warehouse(site):
        pass
    with _opened(site, read_only=True) as con:
        con.execute(_text("macros.sql"))
        yield con


@contextmanager
def _opened(
    site: Site, *, read_only: bool = False, config: Config | None = None, wait_seconds: float = 0
) -> Iterator[Connection]:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            con = _connect(str(site.warehouse), read_only=read_only, config=config)
            break
        except duckdb.IOException as error:
            if disk_fault(error):
                raise
            if "Could not set lock" not in str(error):
                message = f"{site.warehouse}: cannot be opened: {str(error).splitlines()[0]}"
                raise KamError(message) from None
            if time.monotonic() >= deadline:
                message = f"{site.warehouse}: in use by {_opener(site, str(error))}. Try again when it has finished"
                raise WarehouseBusyError(message) from None
            time.sleep(0.1)
    try:
        con.execute("SET TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any exception."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        # A connection that a full disk broke has no transaction any more; what broke it is worth telling.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def prepare(con: Connection, reporting_currency: str) -> None:
    """Make what is missing: schemas, macros, the ledgers, an empty staging table and a view `core.<feed>` for each feed."""
    con.execute(_text("macros.sql"))
    views = _views(reporting_currency)
    shape = _wanted_shape(views)
    if _shape(con) == shape:
        return
    with transaction(con):
        con.execute(_text("schema.sql"))
        for feed in FEEDS.values():
            con.execute(f"CREATE TABLE IF NOT EXISTS staging.{feed.name} ({_staging_columns(feed)})")
            con.execute(f"CREATE OR REPLACE VIEW core.{feed.name} AS {views[feed.name]}")
        con.execute(f"CREATE OR REPLACE TABLE ops.shape AS SELECT {literal(shape)} AS sha256")


def _views(reporting_currency: str) -> dict[str, str]:
    return {feed.name: as_known(feed, reporting_currency) for feed in FEEDS.values()}


def _wanted_shape(views: Mapping[str, str]) -> str:
    return hashlib.sha256("\0".join((_text("schema.sql"), *views.values())).encode()).hexdigest()


def _shape(con: Connection) -> str | None:
    """What the schemas were last made from; None for a new database."""
    try:
        return str(con.execute("SELECT sha256 FROM ops.shape").fetchall()[0][0])
    except duckdb.CatalogException:
        return None


def _staging_columns(feed: Feed) -> str:
    columns = [(column.name, column.sql_type) for column in feed.columns]
    return ", ".join(f"{name} {sql_type}" for name, sql_type in (*columns, *STAGING_BOOKKEEPING))


def as_known(feed: Feed, reporting_currency: str) -> str:
    """The feed's rows as known at the variable `as_of_load`, one a key; without the variable, as known now."""
    default = literal(reporting_currency)
    columns = ", ".join(
        f"coalesce(currency, {default}) AS currency" if name == "currency" and feed.name != "payments" else name
        for name in feed.column_names
    )
    return f"""
        SELECT {columns}, load_id, source_row
        FROM staging.{feed.name}
        WHERE (getvariable('as_of_load') IS NULL OR load_id <= getvariable('as_of_load'))
          AND (superseded_load_id IS NULL OR superseded_load_id > getvariable('as_of_load'))"""


@dataclass(frozen=True)
class Holder:
    """Who holds the right to write: a process on a machine, and what it does, such as `close 2026-06`."""

    purpose: str
    process: int
    user: str
    machine: str

    def __str__(self) -> str:
        """As a waiting person reads it."""
        where = "" if self.machine == socket.gethostname() else f" on {self.machine}"
        return f"{self.purpose} (process {self.process} of {self.user}{where})"


@contextmanager
def writing(
    site: Site, purpose: str, *, wait_seconds: float = 600, on_wait: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold the right to write to the warehouse; wait for another process that has it.

    `purpose` tells a waiting person what this process does, such as `close 2026-06`. `on_wait` gets one message for each
    process that is waited for. Raises `WarehouseBusyError` after `wait_seconds`.
    """
    lock = FileLock(site.directory / ".kam.lock")
    deadline = time.monotonic() + wait_seconds
    who = ""
    while True:
        try:
            lock.acquire(timeout=min(0.2, max(deadline - time.monotonic(), 0)))
            break
        except Timeout:
            found = str(holder(site) or who or "another process")
            if time.monotonic() >= deadline:
                message = f"{site.warehouse}: still in use by {found} after {wait_seconds:.0f} seconds. Try again when it has finished"
                raise WarehouseBusyError(message) from None
            if found != who:
                on_wait(f"Waiting for {found} to finish")
                who = found
        except OSError as error:
            message = f"{site.directory}: cannot be written to: {error.strerror}"
            raise KamError(message) from None
    note = _holder_file(site)
    try:
        # Only a courtesy: on a full disk a waiting person reads "another process".
        with suppress(OSError):
            note.write_text(
                json.dumps(asdict(Holder(purpose, os.getpid(), _user(), socket.gethostname()))), encoding="utf-8"
            )
        sweep(site)
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        lock.release()


def holder(site: Site) -> Holder | None:
    """Who holds the right to write; None when it is not known, or when that process of this machine is gone."""
    try:
        found = Holder(**json.loads(_holder_file(site).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return None if found.machine == socket.gethostname() and not _is_running(found.process) else found


def _holder_file(site: Site) -> Path:
    """Says who has the lock. A process that is killed leaves it, whereas the system takes the lock back."""
    return site.directory / ".kam.holder"


def _opener(site: Site, refusal: str) -> str:
    """Who has the working file open: the writer, or the program that DuckDB names, which only looks."""
    found = _OPENED_BY.search(refusal)
    writer = holder(site)
    if writer is not None and (found is None or int(found["process"]) == writer.process):
        return str(writer)
    return f"{Path(found['program']).name} (process {found['process']})" if found else "another process"


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where asking would interrupt it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container user without a name
        return f"user {os.getuid()}"
