"""What the published file has: written anew, or the last one with the versions and months that changed since.

A file that is written anew costs as much as all that was ever closed. So the last one is copied, if it still is what was written, byte
by byte, and if its tables are those of this release and site. Then only what differs is deleted and inserted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb

from kam.build import marts, published_tables
from kam.publish.reporting import is_of_its_rows, newest, reporting_table, reporting_tables
from kam.stages import each
from kam.warehouse import Connection, catalog, insert, literal, names_mean, quoted, stored, transaction

STORAGE_VERSION = "v1.0.0"
"""Readers from DuckDB 1.1 on can open this."""
# The mapping is internal and is not published.
_LOADS = "load_id, feed, source, sha256, status, loaded_count, unchanged_count, rejected_count, superseded_count, finished_at"
_LEDGERS = (
    "closes",
    "shown_closes",
    "withdrawals",
    "approvals",
    "failed_closes",
    "checks",
    "check_failures",
    "control_totals",
    "corrections",
    "metric_definitions",
    "preliminary",
)
_WITHOUT_VERSIONS = ("failed_closes", "metric_definitions", "preliminary")
SEEN = "ANTI JOIN {database}ops.preliminary AS preliminary USING (period_month, close_version)"
"""Leaves the rows of versions that readers may see, of a table with a column `close_version`."""
_VISIBLE = f"SELECT period_month, close_version, content_hash FROM {{database}}ops.closes {SEEN}"
_SHOWN = """
    SELECT period_month, close_version, content_hash FROM {database}ops.shown_closes
    QUALIFY close_version = max(close_version) OVER (PARTITION BY period_month)
"""
_PIECE = 1 << 20
# Sorting so many rows of the widest mart takes a quarter of a gigabyte.
_ROWS_AT_ONCE = 500_000
# What rows leave behind stays in the file. So it is written anew now and then.
_MOST_UPDATES = 24

# Month, number and content hash.
_Version = tuple[date, int, str]


@dataclass(frozen=True)
class Stamp:
    """By what a published file is known again: the hash of its bytes, that of what its tables are, and how often it was updated since it was written anew."""

    sha256: str
    definitions: str
    update_count: int


def fill(con: Connection, file: Path, *, with_preliminary: bool = False) -> None:
    """Write what readers may see into a new file, or all versions that stand, as if those that wait were approved."""
    working = quoted(catalog(con))
    # A join costs time, also one that leaves out nothing.
    is_any_preliminary = con.execute("FROM ops.preliminary LIMIT 1").fetchone() is not None
    seen = SEEN.format(database=f"{working}.") if is_any_preliminary and not with_preliminary else ""
    is_any_stored_ahead = con.execute("FROM ops.stored_ahead LIMIT 1").fetchone() is not None
    committed = f"SEMI JOIN {working}.ops.closes USING (period_month, close_version)" if is_any_stored_ahead else ""
    with _attached(con, file):
        for schema in ("marts", "ops", "reporting", "history"):
            con.execute(f"CREATE SCHEMA published.{schema}")
        tables = _ledgers(working, seen)
        if with_preliminary:
            tables["ops.preliminary"] += " WHERE false"
            tables["ops.shown_closes"] = f"FROM {working}.ops.standing_closes"
        for table in each("publish", (*(f"marts.{mart.name}" for mart in marts()), *tables), "table"):
            if table in tables:
                con.execute(f"CREATE TABLE published.{table} AS {tables[table]}")
            else:
                _fill_mart(con, table, f"FROM {working}.{table} {committed} {seen}")
        with names_mean(con, "published"), transaction(con):
            for statement in reporting_tables():
                con.execute(statement)


def _fill_mart(con: Connection, table: str, query: str) -> None:
    """Make a mart of a new file, its rows sorted by number of version and month; not all at once, whatever their memory."""
    pieces = list(_pieces(con, query))
    if len(pieces) == 1:
        con.execute(f"CREATE TABLE published.{table} AS {query} {pieces[0]} ORDER BY ALL")
        return
    con.execute(f"CREATE TABLE published.{table} AS {query} LIMIT 0")
    for condition in pieces:
        con.execute(f"INSERT INTO published.{table} BY NAME {query} {condition} ORDER BY ALL")


def _pieces(con: Connection, query: str) -> Iterator[str]:
    """Conditions that cut the rows of a mart into versions of `_ROWS_AT_ONCE` rows together, or one version of more; one that takes all where they are fewer."""
    if con.execute(f"SELECT count(*) <= {_ROWS_AT_ONCE} FROM ({query})").fetchall()[0][0]:
        yield ""
        return
    counts = (
        f"SELECT period_month, close_version, count(*) FROM ({query}) GROUP BY ALL ORDER BY close_version, period_month"
    )
    piece: list[_Version] = []
    row_count = 0
    for month, number, count in con.execute(counts).fetchall():
        if piece and row_count + count > _ROWS_AT_ONCE:
            yield f"WHERE {_is_one_of(piece)}"
            piece, row_count = [], 0
        piece.append((month, number, ""))
        row_count += count
    yield f"WHERE {_is_one_of(piece)}"


def last_stamp(con: Connection) -> Stamp | None:
    """That of the file that was published last, None where none was."""
    found = con.execute("SELECT sha256, definitions, update_count FROM ops.published_file").fetchall()
    return Stamp(*found[0]) if found else None


def fill_from_last(con: Connection, last: Path, file: Path, definitions: str) -> Stamp:
    """Write what `fill` writes into a new file, from a copy of the last published one where that saves work; what `keep_stamp` takes once it is published.

    The copy has the same rows; their order within a table may differ.
    """
    count = _updated(con, last, file, definitions)
    if not count:
        file.unlink(missing_ok=True)
        fill(con, file)
    with file.open("rb") as stream:
        return Stamp(hashlib.file_digest(stream, "sha256").hexdigest(), definitions, count)


def keep_stamp(con: Connection, stamp: Stamp) -> None:
    """Remember what was published, so that the next publication may begin with a copy of it."""
    with stored(con):
        con.execute("DELETE FROM ops.published_file")
        insert(con, "ops.published_file", [asdict(stamp)])


def _updated(con: Connection, last: Path, file: Path, definitions: str) -> int:
    """Make the file from a copy of the last one; how often that was done in a row now, 0 where the file has to be written anew."""
    stamp = last_stamp(con)
    if stamp is None or not last.is_file():
        return 0
    if stamp.definitions != definitions or stamp.update_count >= _MOST_UPDATES or _copied(last, file) != stamp.sha256:
        return 0
    working = quoted(catalog(con))
    with _attached(con, file):
        here, there = (_versions(con, database, _VISIBLE) for database in ("", "published."))
        if 2 * len(here ^ there) > len(here):
            return 0
        shown_here, shown_there = (_versions(con, database, _SHOWN) for database in ("", "published."))
        months = {month for month, _, _ in shown_here ^ shown_there}
        with names_mean(con, "published"), transaction(con):
            _update_stored(con, working, gone=there - here, new=here - there)
            _update_reporting(con, months)
    return stamp.update_count + 1


def _copied(last: Path, file: Path) -> str:
    """Copy a file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with last.open("rb") as source, file.open("wb") as copy:
        while piece := source.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
    return digest.hexdigest()


def _versions(con: Connection, database: str, query: str) -> set[_Version]:
    return set(con.execute(query.format(database=database)).fetchall())


def _update_stored(con: Connection, working: str, *, gone: Collection[_Version], new: Collection[_Version]) -> None:
    """Take versions out of the marts and put others in; the ledgers are small, and made anew."""
    for mart in marts():
        if gone:
            con.execute(f"DELETE FROM marts.{mart.name} WHERE {_is_one_of(gone)}")
        if new:
            query = f"FROM (FROM {working}.marts.{mart.name} WHERE {_is_one_of(new)})"
            for condition in _pieces(con, query):
                con.execute(f"INSERT INTO marts.{mart.name} BY NAME {query} {condition} ORDER BY ALL")
    for ledger, query in _ledgers(working, SEEN.format(database=f"{working}.")).items():
        con.execute(f"CREATE OR REPLACE TABLE {ledger} AS {query}")


def _update_reporting(con: Connection, months: Collection[date]) -> None:
    """Replace the rows of months of which readers see another version; what also follows from others is made anew."""
    named = ", ".join(f"DATE '{month}'" for month in sorted(months))
    for table in published_tables():
        if not is_of_its_rows(table):
            for statement in reporting_table(table):
                con.execute(statement)
        elif months and not table.is_old_name:
            con.execute(f"DELETE FROM reporting.{table.name} WHERE period_month IN ({named})")
            rows_of_months = f"FROM ({newest(table)}) WHERE period_month IN ({named})"
            con.execute(f"INSERT INTO reporting.{table.name} BY NAME {rows_of_months}")


def _is_one_of(versions: Collection[_Version]) -> str:
    """A condition for which DuckDB passes over the row groups of other months, as it does not for pairs in a list."""
    return " OR ".join(
        f"period_month = DATE '{month}' AND close_version = {number}" for month, number, _ in sorted(versions)
    )


def _ledgers(working: str, seen: str) -> dict[str, str]:
    """The tables about the runs, each with its query."""
    tables = {
        f"ops.{ledger}": f"FROM {working}.ops.{ledger} {'' if ledger in _WITHOUT_VERSIONS else seen}"
        for ledger in _LEDGERS
    }
    return tables | {"ops.loads": f"SELECT {_LOADS} FROM {working}.ops.loads"}


@contextmanager
def _attached(con: Connection, file: Path) -> Iterator[None]:
    """The file as the database `published`."""
    # A connection that only reads the working file may still write this one.
    con.execute(f"ATTACH {literal(str(file))} AS published (READ_WRITE, STORAGE_VERSION {literal(STORAGE_VERSION)})")
    try:
        yield
    except duckdb.Error:
        # On a full disk this may fail too; the first error is the one to report.
        with suppress(duckdb.Error):
            con.execute("DETACH published")
        raise
    con.execute("DETACH published")
