"""What BI tools read: `published/kam.duckdb`, built aside and swapped in with one rename.

A reader has either the old file or the new one. `reporting` has the newest version of every month that readers may see, as tables
because some tools list no views. `history` has all versions that they may see, and `ops` the records of runs. Beside the file lies `kam.osi.json`, which describes
the tables to other tools. The working file has the same names as views.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb

from kam.build import MartColumn, Model, marts, published_tables, vocabulary
from kam.errors import KamError, disk_fault
from kam.publish.semantic_model import SEMANTIC_MODEL_FILE, write_semantic_model
from kam.site import BUILDING, Site
from kam.stages import each
from kam.warehouse import Connection, catalog, insert, literal, names_mean, quoted, stored, transaction

PUBLISHED_FILE = "kam.duckdb"
# Readers from DuckDB 1.1 on can open this.
_STORAGE_VERSION = "v1.0.0"
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
_SEEN = "ANTI JOIN {database}ops.preliminary AS preliminary USING (period_month, close_version)"
"""Leaves the rows of versions that readers may see, of a table with a column `close_version`."""
VERSIONS_AND_FAILURES = f"""(
    SELECT period_month, close_version, content_hash FROM {{database}}ops.closes {_SEEN}
    UNION ALL SELECT period_month, as_of_load, message FROM {{database}}ops.failed_closes
    UNION ALL SELECT period_month, close_version, reason FROM {{database}}ops.withdrawals {_SEEN}
)"""
"""What makes a publication another one, by month, of the working file or of an attached database."""
_WAITING = "(SELECT period_month, close_version, 'waiting' FROM {database}ops.preliminary WHERE is_waiting)"


def publish(con: Connection, site: Site) -> Path:
    """Build the published file from all committed versions that readers may see and swap it in; the file.

    Raises `KamError` when the folder cannot be written to, and when a version has other content than was approved.
    """
    _require_what_was_approved(con, site)
    with stored(con):
        _write_definitions(con)
        create_reporting_views(con)
    target = site.published / PUBLISHED_FILE
    try:
        site.published.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=site.published, prefix=BUILDING, ignore_cleanup_errors=True) as aside:
            built = Path(aside) / PUBLISHED_FILE
            fill(con, built)
            write_semantic_model(Path(aside))
            (Path(aside) / SEMANTIC_MODEL_FILE).replace(site.published / SEMANTIC_MODEL_FILE)
            _swap(built, target)
    except (OSError, duckdb.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else disk_fault(error)
        if not reason:
            raise
        message = f"{site.published}: cannot be written to: {reason}. The published file is untouched and every closed month is kept. Make room or make it writable, then: {site.command('publish')}"
        raise KamError(message) from None
    return target


def _require_what_was_approved(con: Connection, site: Site) -> None:
    """Raise `KamError` when readers would see a version whose content is not that which was approved, such as after a rebuild."""
    other = con.execute(
        """
        SELECT strftime(closes.period_month, '%Y-%m'), closes.close_version
        FROM (FROM ops.shown_closes QUALIFY close_version = max(close_version) OVER (PARTITION BY period_month)) AS closes
        JOIN ops.approvals AS approvals
            ON approvals.period_month = closes.period_month AND approvals.close_version = closes.close_version
        WHERE approvals.content_hash IS DISTINCT FROM closes.content_hash
        ORDER BY ALL
        """
    ).fetchall()
    if other:
        names = ", ".join(f"{month} version {version}" for month, version in other)
        message = (
            f"{names}: other content than was approved, so nothing is published, and readers keep what they see. "
            f"See which tables differ: {site.command('verify')}. Then close the month with --restate and approve the new version"
        )
        raise KamError(message)


def lags(con: Connection, site: Site) -> bool:
    """Whether the published file is missing, lacks a committed version, or tells of another failed attempt or withdrawal."""
    target = site.published / PUBLISHED_FILE
    if not target.exists():
        return True
    try:
        con.execute(f"ATTACH {literal(str(target))} AS published (READ_ONLY)")
    except duckdb.Error:
        return True
    try:
        told = f"(FROM {VERSIONS_AND_FAILURES} UNION ALL FROM {_WAITING})"
        here, there = (told.format(database=database) for database in ("", "published."))
        different = f"SELECT count(*) FROM (({here} EXCEPT {there}) UNION ALL ({there} EXCEPT {here}))"
        return bool(con.execute(different).fetchall()[0][0])
    except duckdb.Error:
        return True
    finally:
        con.execute("DETACH published")


def create_reporting_views(con: Connection) -> None:
    """Make `reporting.*` and `history.*` in the current database, as views."""
    for table in published_tables():
        con.execute(f"CREATE OR REPLACE VIEW reporting.{table.name} AS {_newest(table)}")
        if table.schema == "marts":
            con.execute(f"CREATE OR REPLACE VIEW history.{table.name} AS {_all_versions(table)}")


def _create_reporting_tables(con: Connection) -> None:
    """Make `reporting.*` as tables with their comments, old names as views, and `history.*` as views."""
    for table in published_tables():
        kind = "VIEW" if table.is_old_name else "TABLE"
        con.execute(f"CREATE {kind} reporting.{table.name} AS {_newest(table)}")
        _comment(con, kind, table)
        if table.schema == "marts":
            con.execute(f"CREATE VIEW history.{table.name} AS {_all_versions(table)}")
            history = f"All versions: add up rows of one close_version only. {table.description}"
            con.execute(f"COMMENT ON VIEW history.{table.name} IS {literal(history)}")


def _newest(table: Model) -> str:
    """The rows of the newest version of each month that readers see; of a table about the runs all."""
    if table.schema != "marts":
        return table.sql
    newest = "SELECT period_month, max(close_version) AS close_version FROM ops.shown_closes GROUP BY period_month"
    return _of_versions(table, newest)


def _all_versions(table: Model) -> str:
    """The rows of all versions that readers may see. Those of versions that are not committed yet are nobody's."""
    return _of_versions(table, "FROM ops.closes ANTI JOIN ops.preliminary USING (period_month, close_version)")


def _of_versions(table: Model, versions: str) -> str:
    names = ", ".join(_as_read(table, column.name) for column in table.all_columns if column.name != "period_month")
    stored = (
        f"marts.{table.level_of or table.name} AS mart SEMI JOIN ({versions}) AS seen "
        "ON seen.period_month = mart.period_month AND seen.close_version = mart.close_version"
    )
    condition = f"WHERE mart.level = {literal(table.level)}" if table.level_of else ""
    return f"SELECT mart.period_month, mart.close_version, {names} FROM {stored} {condition}"


def _as_read(mart: Model, column: str) -> str:
    return f"{mart.when_read[column]} AS {column}" if column in mart.when_read else f"mart.{column}"


def published_columns(table: Model) -> tuple[MartColumn, ...]:
    """The columns that a table has in `reporting`."""
    if table.schema != "marts":
        return table.columns
    return (*table.all_columns, vocabulary().columns["close_version"])


def _comment(con: Connection, kind: str, table: Model) -> None:
    name = f"reporting.{table.name}"
    comments = [f"COMMENT ON {kind} {name} IS {literal(table.description)}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{column.name} IS {literal(column.comment)}" for column in published_columns(table)
    ]
    con.execute("; ".join(comments))


def _write_definitions(con: Connection) -> None:
    definitions = [
        {
            "table_name": model.name, "column_name": column.name, "data_type": column.sql_type,
            "grain": ", ".join(model.grain), "meaning": column.meaning, "unit": column.unit,
            "formula": column.formula or column.ratio, "method": model.method, "aggregation": column.aggregation,
            "numerator": column.numerator, "denominator": column.denominator, "format": column.format,
            "direction": column.direction, "source": column.source,
        }
        for model in published_tables()
        for column in published_columns(model)
    ]  # fmt: skip
    con.execute("DELETE FROM ops.metric_definitions")
    insert(con, "ops.metric_definitions", definitions)


def fill(con: Connection, file: Path, *, with_preliminary: bool = False) -> None:
    """Write what readers may see into a new file, or all versions that stand, as if those that wait were approved."""
    working = quoted(catalog(con))
    # A connection that only reads the working file may still write this one.
    con.execute(f"ATTACH {literal(str(file))} AS published (READ_WRITE, STORAGE_VERSION {literal(_STORAGE_VERSION)})")
    # A join costs time, also one that leaves out nothing.
    is_any_preliminary = con.execute("FROM ops.preliminary LIMIT 1").fetchone() is not None
    seen = _SEEN.format(database=f"{working}.") if is_any_preliminary and not with_preliminary else ""
    is_any_stored_ahead = con.execute("FROM ops.stored_ahead LIMIT 1").fetchone() is not None
    committed = f"SEMI JOIN {working}.ops.closes USING (period_month, close_version)" if is_any_stored_ahead else ""
    try:
        for schema in ("marts", "ops", "reporting", "history"):
            con.execute(f"CREATE SCHEMA published.{schema}")
        tables = {f"marts.{mart.name}": f"{committed} {seen} ORDER BY ALL" for mart in marts()}
        tables |= {f"ops.{ledger}": "" if ledger in _WITHOUT_VERSIONS else seen for ledger in _LEDGERS} | {
            "ops.loads": ""
        }
        sources = {}
        if with_preliminary:
            tables["ops.preliminary"] = "WHERE false"
            sources["ops.shown_closes"] = "ops.standing_closes"
        for table in each("publish", tuple(tables), "table"):
            columns = _LOADS if table == "ops.loads" else "*"
            con.execute(
                f"CREATE TABLE published.{table} AS SELECT {columns} FROM {working}.{sources.get(table, table)} {tables[table]}"
            )
        with names_mean(con, "published"), transaction(con):
            _create_reporting_tables(con)
    except duckdb.Error:
        # On a full disk this may fail too; the first error is the one to report.
        with suppress(duckdb.Error):
            con.execute("DETACH published")
        raise
    con.execute("DETACH published")


def _swap(built: Path, target: Path) -> None:
    if built.with_name(built.name + ".wal").exists():
        message = f"{built}: was not written completely; the published file is untouched. Publish again"
        raise KamError(message)
    # A log left beside the target by a crashed writer would be replayed into the new file.
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    with built.open("rb") as stream:
        os.fsync(stream.fileno())
    built.chmod(0o644)
    built.replace(target)
