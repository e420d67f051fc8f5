"""The one door to DuckDB: the working file of a site, databases in memory, and who may write.

Every database has the macros of `sql/macros.sql`. One process writes at a time; `writing` waits for its turn.
"""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from kam.contracts import FEEDS, Feed, RowRule
from kam.errors import KamError, WarehouseBusyError, disk_fault
from kam.scratch import scratch_folder, sweep
from kam.settings import Correction, Site

SQL = Path(__file__).resolve().parent.parent / "sql"
STAGING_BOOKKEEPING = (
    ("load_id", "BIGINT"),
    ("source_row", "BIGINT"),
    ("superseded_load_id", "BIGINT"),
)
_CORRECTION_COLUMNS = (
    "feed", "key", "key_values", "column_name", "wrong_value", "right_value", "reason", "owner",
)  # fmt: skip
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


def utc_now() -> dt.datetime:
    """The time of day for the ledgers, in UTC and without a zone; no figure depends on it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


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
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
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
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
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

    Its views `core.*` have the corrections of the command that wrote last. Raises `WarehouseBusyError` while another process writes.
    """
    if not site.warehouse.exists():
        with memory() as con:
            prepare(con, site.settings.site.reporting_currency, site.settings.corrections)
            yield con
        return
    wanted = _wanted_shape(site.settings.site.reporting_currency)
    with _opened(site, read_only=True) as con:
        if _made_from(con)[:1] == (wanted,):
            yield con
            return
    # Made by an earlier release: first brought up to date.
    with warehouse(site):
        pass
    with _opened(site, read_only=True) as con:
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


def prepare(con: Connection, reporting_currency: str, corrections: Sequence[Correction] = ()) -> None:
    """Make what is missing: schemas, macros, the ledgers, an empty staging table and a view `core.<feed>` for each feed.

    The views show what the corrections make of the rows, and `core.corrections` how each correction stands to its row.
    """
    views = _views(reporting_currency, corrections)
    made_from = (_wanted_shape(reporting_currency), _hash(json.dumps([entry.model_dump() for entry in corrections])))
    if _made_from(con) == made_from:
        return
    with transaction(con):
        con.execute(_text("macros.sql"))
        con.execute(_text("schema.sql"))
        fill_corrections(con, "staging.corrections", corrections)
        for feed in FEEDS.values():
            con.execute(f"CREATE TABLE IF NOT EXISTS staging.{feed.name} ({_staging_columns(feed)})")
            # Earlier releases kept a hash of each row; rows are compared by their values now.
            con.execute(f"ALTER TABLE staging.{feed.name} DROP COLUMN IF EXISTS row_hash")
        for name, select in views.items():
            con.execute(f"CREATE OR REPLACE VIEW core.{name} AS {select}")
        hashes = f"{literal(made_from[0])} AS sha256, {literal(made_from[1])} AS corrections_sha256"
        con.execute(f"CREATE OR REPLACE TABLE ops.shape AS SELECT {hashes}")


def _views(reporting_currency: str, corrections: Sequence[Correction] = ()) -> dict[str, str]:
    views = {feed.name: as_known(feed, reporting_currency, _corrected(feed, corrections)) for feed in FEEDS.values()}
    return views | {"corrections": states_of_corrections(corrections, "staging.corrections")}


def _wanted_shape(reporting_currency: str) -> str:
    """Changes when the schemas have to be made otherwise, whatever is corrected."""
    staging = (_staging_columns(feed) for feed in FEEDS.values())
    return _hash("\0".join((_text("macros.sql"), _text("schema.sql"), *staging, *_views(reporting_currency).values())))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _made_from(con: Connection) -> tuple[str, ...]:
    """Hashes of what the schemas and the corrections were last made from; empty for a new database."""
    try:
        return tuple(map(str, con.execute("FROM ops.shape").fetchall()[0]))
    except duckdb.CatalogException:
        return ()


def _staging_columns(feed: Feed) -> str:
    columns = [(column.name, column.sql_type) for column in feed.columns]
    return ", ".join(f"{name} {sql_type}" for name, sql_type in (*columns, *STAGING_BOOKKEEPING))


def as_known(feed: Feed, reporting_currency: str, corrected: Collection[str] = ()) -> str:
    """The feed's rows as known at the variable `as_of_load`, one a key; without the variable, as known now.

    The columns `corrected` have their right values where `staging.corrections` names the row and its wrong value.
    """
    default = literal(reporting_currency)
    columns = ", ".join(
        f"coalesce(currency, {default}) AS currency" if name == "currency" and feed.name != "payments" else name
        for name in feed.column_names
    )
    source = f"({_with_corrections(feed, corrected)})" if corrected else f"staging.{feed.name}"
    return f"""
        SELECT {columns}, load_id, source_row
        FROM {source}
        WHERE (getvariable('as_of_load') IS NULL OR load_id <= getvariable('as_of_load'))
          AND (superseded_load_id IS NULL OR superseded_load_id > getvariable('as_of_load'))"""


def _corrected(feed: Feed, corrections: Sequence[Correction]) -> list[str]:
    """The columns of a feed that corrections name, in the feed's order."""
    named = {correction.column for correction in corrections if correction.feed == feed.name}
    return [name for name in feed.column_names if name in named]


def _with_corrections(feed: Feed, corrected: Collection[str]) -> str:
    """All rows of a feed in staging, right values in place of wrong ones; one row of corrections a key, or none."""
    entries = []
    values = []
    for name in corrected:
        sql_type, named = feed.column(name).sql_type, f"column_name = {literal(name)}"
        entries += [
            f"bool_or({named}) AS is_named_{name}",
            f"(any_value(wrong_value) FILTER ({named}))::{sql_type} AS wrong_{name}",
            f"(any_value(right_value) FILTER ({named}))::{sql_type} AS right_{name}",
        ]
        holds = f"entries.is_named_{name} AND line.{name} IS NOT DISTINCT FROM entries.wrong_{name}"
        values.append(f"CASE WHEN {holds} THEN entries.right_{name} ELSE line.{name} END AS {name}")
    return f"""
        SELECT line.* REPLACE ({", ".join(values)})
        FROM staging.{feed.name} AS line
        LEFT JOIN (
            SELECT {_key_columns(feed)}, {", ".join(entries)}
            FROM staging.corrections WHERE feed = {literal(feed.name)} GROUP BY {", ".join(feed.key)}
        ) AS entries ON {_same_key(feed)}"""


def _key_columns(feed: Feed) -> str:
    """The key of a row that a correction names, from its JSON."""
    return ", ".join(f"(key_values ->> '$.{name}')::{feed.column(name).sql_type} AS {name}" for name in feed.key)


def _same_key(feed: Feed) -> str:
    """The condition that joins the rows `line` of a feed and the corrections `entries`."""
    return " AND ".join(
        f"line.{name} {'=' if feed.column(name).required or feed.column(name).default else 'IS NOT DISTINCT FROM'} entries.{name}"
        for name in feed.key
    )


def fill_corrections(con: Connection, table: str, corrections: Sequence[Correction]) -> None:
    """Make a table with one row a correction."""
    kind = "TEMP TABLE" if table.startswith("temp.") else "TABLE"
    con.execute(f"CREATE OR REPLACE {kind} {table} ({', '.join(f'{name} VARCHAR' for name in _CORRECTION_COLUMNS)})")
    if corrections:
        values = [
            (
                entry.feed, entry.key_in_words, json.dumps(entry.key, ensure_ascii=False), entry.column, entry.wrong,
                entry.right, entry.reason, entry.owner,
            )
            for entry in corrections
        ]  # fmt: skip
        lists = ", ".join(["unnest(?::VARCHAR[])"] * len(_CORRECTION_COLUMNS))
        con.execute(f"INSERT INTO {table} SELECT {lists}", [list(column) for column in zip(*values, strict=True)])


def states_of_corrections(corrections: Sequence[Correction], table: str) -> str:
    """A SELECT of the corrections in `table`, each with its row as known at the variable `as_of_load`.

    It adds `found_value` (what the source says), `state` (applied, not yet loaded, stale) and `fault` (why it is stale).
    """
    feeds = [feed for feed in FEEDS.values() if _corrected(feed, corrections)]
    if not feeds:
        nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in ("found_value", "state", "fault"))
        return f"SELECT *, {nothing} FROM {table} WHERE false"
    looked_up = " UNION ALL ".join(_looked_up(feed, _corrected(feed, corrections), table) for feed in feeds)
    return f"""
        WITH looked_up AS ({looked_up}),

        judged AS (
            SELECT
                *,
                CASE
                    WHEN is_there AND found_value IS DISTINCT FROM wrong_value THEN
                        CASE
                            WHEN found_value IS NOT DISTINCT FROM right_value
                            THEN 'the source was mended; remove the correction'
                            ELSE 'the source now says ' || coalesce(found_value, 'nothing')
                                || '; mend the correction or remove it'
                        END
                    WHEN is_there AND is_too_little THEN 'the row needs this value or another in its place; give one'
                    WHEN is_there THEN NULL
                    WHEN was_there THEN 'the row is no longer in the source; remove the correction'
                    WHEN NOT comes_later THEN 'no such row was ever loaded; mend the key or load its extract'
                END AS fault
            FROM looked_up
        )

        SELECT
            * EXCLUDE (is_there, was_there, comes_later, is_too_little, fault),
            CASE WHEN fault IS NOT NULL THEN 'stale' WHEN is_there THEN 'applied' ELSE 'not yet loaded' END AS state,
            fault
        FROM judged"""


def _looked_up(feed: Feed, corrected: Collection[str], table: str) -> str:
    """A SELECT of the corrections of one feed with what is known of their rows."""
    known = "line.load_id <= coalesce(getvariable('as_of_load'), line.load_id)"
    current = "coalesce(line.superseded_load_id > getvariable('as_of_load'), line.superseded_load_id IS NULL)"
    found = " ".join(f"WHEN {literal(name)} THEN line.{name}::VARCHAR" for name in corrected)
    lacks = " OR ".join(f"NOT ({_is_given(rule)})" for rule in feed.row_rules) or "false"
    return f"""
        SELECT
            {", ".join(f"entries.{name}" for name in _CORRECTION_COLUMNS)},
            any_value(CASE entries.column_name {found} END) FILTER ({known} AND {current}) AS found_value,
            coalesce(bool_or({known} AND {current}), false) AS is_there,
            coalesce(bool_or({known}), false) AS was_there,
            count(line.load_id) > 0 AS comes_later,
            coalesce(bool_or(({lacks}) AND {known} AND {current}), false) AS is_too_little
        FROM (
            SELECT
                *, {_key_columns(feed)},
                list(column_name) FILTER (right_value IS NULL) OVER (PARTITION BY key_values) AS emptied,
                list(column_name) FILTER (right_value IS NOT NULL) OVER (PARTITION BY key_values) AS filled
            FROM {table}
            WHERE feed = {literal(feed.name)}
        ) AS entries
        LEFT JOIN staging.{feed.name} AS line ON {_same_key(feed)}
        GROUP BY ALL"""


def _is_given(rule: RowRule) -> str:
    """A condition: a row has what a rule of the feed asks for, once its corrections are applied."""
    groups = (
        " AND ".join(
            f"(line.{name} IS NOT NULL OR coalesce(list_contains(filled, {literal(name)}), false)) "
            f"AND NOT coalesce(list_contains(emptied, {literal(name)}), false)"
            for name in group
        )
        for group in rule.any_of
    )
    return " OR ".join(f"({group})" for group in groups)


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
