"""What BI tools read: `published/kam.duckdb`, built aside and swapped in with one rename.

A reader has either the old file or the new one. `reporting` has the newest version of every month that readers may see, as tables
because some tools list no views. `history` has all versions that they may see, and `ops` the records of runs. Beside the file lies `kam.osi.json`, which describes
the tables to other tools. The working file has the same names as views.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from kam.build import published_tables
from kam.errors import KamError, disk_fault, out_of_memory
from kam.publish.filling import SEEN, STORAGE_VERSION, fill_from_last, keep_stamp, last_stamp
from kam.publish.reporting import create_reporting_views, has_reporting_views, published_columns, reporting_tables
from kam.publish.semantic_model import SEMANTIC_MODEL_FILE, write_semantic_model
from kam.site import BUILDING, Site
from kam.warehouse import Connection, catalog, insert, literal, stored

PUBLISHED_FILE = "kam.duckdb"
VERSIONS_AND_FAILURES = f"""(
    SELECT period_month, close_version, content_hash FROM {{database}}ops.closes {SEEN}
    UNION ALL SELECT period_month, as_of_load, message FROM {{database}}ops.failed_closes
    UNION ALL SELECT period_month, close_version, reason FROM {{database}}ops.withdrawals {SEEN}
)"""
"""What makes a publication another one, by month, of the working file or of an attached database."""
_WAITING = "(SELECT period_month, close_version, 'waiting' FROM {database}ops.preliminary WHERE is_waiting)"


def publish(con: Connection, site: Site) -> Path:
    """Build the published file from all committed versions that readers may see and swap it in; the file.

    Raises `KamError` when the folder cannot be written to, and when a version has other content than was approved.
    """
    _require_what_was_approved(con, site)
    definitions = _metric_definitions()
    described = _description(con, definitions)
    before = last_stamp(con)
    if before is None or before.definitions != described or not has_reporting_views(con):
        with stored(con):
            con.execute("DELETE FROM ops.metric_definitions")
            insert(con, "ops.metric_definitions", definitions)
            create_reporting_views(con)
    target = site.published / PUBLISHED_FILE
    try:
        site.published.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=site.published, prefix=BUILDING, ignore_cleanup_errors=True) as aside:
            built = Path(aside) / PUBLISHED_FILE
            stamp = fill_from_last(con, target, built, described)
            write_semantic_model(Path(aside))
            (Path(aside) / SEMANTIC_MODEL_FILE).replace(site.published / SEMANTIC_MODEL_FILE)
            _swap(built, target)
        keep_stamp(con, stamp)
    except (OSError, duckdb.Error) as error:
        if lack := out_of_memory(error):
            message = f"publishing needs more memory than [site] memory_limit allows: {lack}. The published file is untouched and every closed month is kept. With a higher memory_limit in kam.toml: {site.command('publish')}"
            raise KamError(message) from error
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


def _metric_definitions() -> list[dict[str, object]]:
    """One row per column of a published table."""
    return [
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


def _description(con: Connection, definitions: Sequence[Mapping[str, object]]) -> str:
    """The hash of what the published tables are: columns as they are stored, definitions, and the statements that make what readers read."""
    columns = con.execute(
        f"""
        SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = {literal(catalog(con))} AND schema_name IN ('marts', 'ops')
        ORDER BY schema_name, table_name, column_index
        """
    ).fetchall()
    return hashlib.sha256(repr((STORAGE_VERSION, columns, definitions, reporting_tables())).encode()).hexdigest()


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
