"""Loading extracts into staging: every row is loaded, unchanged or rejected, and counted.

A load is one transaction. A row with a key that is already there and other content supersedes the old row, which stays;
the same content again is unchanged. A source that cannot be read is refused whole and listed in `ops.loads` as failed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from kam import archive
from kam.contracts import FEEDS, Feed
from kam.errors import KamError, SourceRefusedError
from kam.rowrules import ROW_NUMBER, Reading, reading
from kam.settings import FeedSource, Site
from kam.sources import Extract, extracts, opened
from kam.sources import archive as archive_extract
from kam.textfiles import read_error
from kam.warehouse import Connection, literal, rows, transaction

DUPLICATE_KEY = "duplicate_key"
_SAMPLE_ROWS = 5


@dataclass(frozen=True)
class LoadResult:
    """What a load did. `status` is `loaded`, `already loaded` or `failed`; `message` says why it failed."""

    feed: str
    source: str
    status: str
    load_id: int | None = None
    read_count: int = 0
    loaded_count: int = 0
    unchanged_count: int = 0
    rejected_count: int = 0
    superseded_count: int = 0
    message: str = ""


@dataclass(frozen=True)
class Examination:
    """What a load of an extract would do, without doing it: rows read, faults by rule, and the first rows as mapped."""

    feed: str
    source: str
    read_count: int
    faults: Mapping[str, int]
    sample: Sequence[Mapping[str, Any]]


def ingest(
    con: Connection,
    site: Site,
    feeds: Iterable[str] | None = None,
    *,
    on_load: Callable[[LoadResult], None] = lambda _: None,
) -> list[LoadResult]:
    """Load what is new in these feeds of a site, else in all that it declares.

    A refused source does not keep the others from loading; it is among the results with the status `failed`.
    """
    results = []
    for feed in feeds or ordered_feeds(site):
        for result in ingest_feed(con, site, feed):
            results.append(result)
            on_load(result)
    return results


def ordered_feeds(site: Site) -> list[str]:
    """The feeds a site declares, masters first."""
    return [name for name in FEEDS if name in site.settings.feeds]


def ingest_feed(con: Connection, site: Site, feed: str) -> Iterable[LoadResult]:
    """Load what is new in one feed, one result an extract."""
    try:
        found = extracts(site, feed)
    except SourceRefusedError as error:
        yield LoadResult(feed, "", "failed", message=str(error))
        return
    for extract in found:
        yield load(con, site, extract)


def load(con: Connection, site: Site, extract: Extract) -> LoadResult:
    """Load one extract, unless its bytes were loaded before with the same mapping."""
    source = site.settings.feeds[extract.feed]
    known = con.execute(
        "SELECT load_id FROM ops.loads WHERE feed = ? AND sha256 = ? AND mapping_hash = ? AND status = 'loaded'",
        [extract.feed, extract.sha256, source.mapping_hash],
    ).fetchone()
    if known:
        return LoadResult(extract.feed, extract.source, "already loaded", load_id=known[0])
    started = _utc_now()
    try:
        archive_extract(site, extract)
        with opened(con, site, extract, source) as relation:
            plan = reading(con, FEEDS[extract.feed], source, extract, relation)
            _read_rows(con, plan, extract)
            result = _commit(con, plan, extract, source, started)
    except SourceRefusedError as error:
        return _record_failure(con, extract, source, started, str(error))
    finally:
        con.execute("DROP TABLE IF EXISTS temp.incoming")
    sync_ledger(con, site)
    return result


def examine(con: Connection, site: Site, extract: Extract) -> Examination:
    """Read an extract as a load would, and say what would be rejected; writes nothing.

    Raises `SourceRefusedError` when it cannot be read at all, `SettingsError` when its mapping does not work.
    """
    source = site.settings.feeds[extract.feed]
    feed = FEEDS[extract.feed]
    try:
        with opened(con, site, extract, source) as relation:
            plan = reading(con, feed, source, extract, relation)
            _read_rows(con, plan, extract)
            _mark_double_keys(con)
            faults = con.execute(
                f"SELECT rule, count(DISTINCT source_row) FROM ({_reject_rows(plan)}) GROUP BY rule ORDER BY rule"
            )
            counts = dict(faults.fetchall())
            names = ", ".join(feed.column_names)
            sample = rows(con, f"SELECT {names} FROM incoming WHERE NOT faulty ORDER BY rowid LIMIT {_SAMPLE_ROWS}")
            read = _count(con, "SELECT count(*) FROM incoming")
    finally:
        con.execute("DROP TABLE IF EXISTS temp.incoming")
    return Examination(extract.feed, extract.source, read, counts, sample)


def _read_rows(con: Connection, plan: Reading, extract: Extract) -> None:
    """Put all rows, typed, into `incoming`, in the order of the source, so that `rowid` is the record number less one."""
    feed = plan.feed
    content = ", ".join(f"coalesce({name}::VARCHAR, chr(30))" for name in feed.column_names)
    key = ", ".join(f"coalesce({name}::VARCHAR, chr(30))" for name in feed.key)
    columns = (
        f"{', '.join(feed.column_names)}, "
        f"md5_number_lower(concat_ws(chr(31), {key})) AS key_hash, "
        f"md5_number_lower(concat_ws(chr(31), {content})) AS row_hash, "
        f"({plan.is_faulty}) AS faulty, false AS key_is_double"
    )
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE incoming AS {plan.select(columns=columns, number_rows=plan.numbers_rows)}"
        )
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException) as error:
        raise read_error(error, f"{extract.feed}: {extract.source}") from None


def _mark_double_keys(con: Connection) -> None:
    """All rows whose key comes twice with different content are faulty."""
    con.execute(
        """
        UPDATE incoming SET faulty = true, key_is_double = true
        WHERE NOT faulty AND key_hash IN (
            SELECT key_hash FROM incoming WHERE NOT faulty GROUP BY key_hash HAVING count(DISTINCT row_hash) > 1
        )
        """
    )


def _commit(con: Connection, plan: Reading, extract: Extract, source: FeedSource, started: dt.datetime) -> LoadResult:
    feed = plan.feed
    with transaction(con):
        load_id = _count(con, "SELECT coalesce(max(load_id), 0) + 1 FROM ops.loads")
        _mark_double_keys(con)
        if source.mode == "append":
            _refuse_changed_keys(con, feed)
        read = _count(con, "SELECT count(*) FROM incoming")
        rejected = _count(con, "SELECT count(*) FROM incoming WHERE faulty")
        superseded = _supersede(con, feed, load_id, closes_absent=source.mode == "snapshot")
        loaded = _insert(con, feed, load_id)
        unchanged = _count_unchanged(con, feed, load_id) if loaded < read - rejected else 0
        if read != loaded + unchanged + rejected:
            message = (
                f"{extract.feed}: {extract.source}: {read} rows read, but {loaded} loaded, {unchanged} unchanged and "
                f"{rejected} rejected do not add up to them; nothing was loaded"
            )
            raise KamError(message)
        if rejected:
            _keep_rejects(con, plan, extract, load_id, rejected)
        con.execute(
            "INSERT INTO ops.loads VALUES (?, ?, ?, ?, ?, ?, ?, 'loaded', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                load_id, extract.feed, extract.source, extract.sha256, source.mapping_hash, _files(extract),
                sum(file.path.stat().st_size for file in extract.files), read, loaded, unchanged, rejected, superseded,
                None, source.model_dump_json(), started, _utc_now(),
            ],
        )  # fmt: skip
    return LoadResult(extract.feed, extract.source, "loaded", load_id, read, loaded, unchanged, rejected, superseded)


def _refuse_changed_keys(con: Connection, feed: Feed) -> None:
    """In `append` mode a key that is already there with other content is faulty too."""
    con.execute(
        f"""
        UPDATE incoming SET faulty = true, key_is_double = true
        FROM staging.{feed.name} AS kept
        WHERE NOT incoming.faulty AND kept.superseded_load_id IS NULL
          AND kept.row_hash <> incoming.row_hash AND {_same_key(feed)}
        """
    )


def _same_key(feed: Feed) -> str:
    required = set(feed.required)
    return " AND ".join(
        f"kept.{name} {'=' if name in required else 'IS NOT DISTINCT FROM'} incoming.{name}" for name in feed.key
    )


def _supersede(con: Connection, feed: Feed, load_id: int, *, closes_absent: bool) -> int:
    """End the current rows that this load replaces, and those that a full extract no longer has; how many."""
    replaced = con.execute(
        f"""
        UPDATE staging.{feed.name} AS kept SET superseded_load_id = {load_id}
        FROM (SELECT DISTINCT ON (key_hash) * FROM incoming WHERE NOT faulty) AS incoming
        WHERE kept.superseded_load_id IS NULL AND kept.row_hash <> incoming.row_hash AND {_same_key(feed)}
        """
    ).fetchall()[0][0]
    if not closes_absent:
        return int(replaced)
    # A rejected row is still in the extract: its last good content stays.
    closed = con.execute(
        f"""
        UPDATE staging.{feed.name} AS kept SET superseded_load_id = {load_id}
        WHERE kept.superseded_load_id IS NULL AND NOT EXISTS (FROM incoming WHERE {_same_key(feed)})
        """
    ).fetchall()[0][0]
    return int(replaced) + int(closed)


def _insert(con: Connection, feed: Feed, load_id: int) -> int:
    """Add the rows that are not there yet with the same content; how many."""
    names = ", ".join(f"incoming.{name}" for name in feed.column_names)
    inserted = con.execute(
        f"""
        INSERT INTO staging.{feed.name}
        SELECT {names}, {load_id}, incoming.rowid + 1, incoming.row_hash, NULL
        FROM incoming
        WHERE NOT faulty
          AND NOT EXISTS (
            FROM staging.{feed.name} AS kept WHERE kept.superseded_load_id IS NULL AND {_same_key(feed)}
          )
          AND incoming.rowid NOT IN (
            SELECT unnest(list(rowid ORDER BY rowid)[2:]) FROM incoming WHERE NOT faulty GROUP BY key_hash HAVING count(*) > 1
          )
        ORDER BY incoming.rowid
        """
    ).fetchall()[0][0]
    return int(inserted)


def _count_unchanged(con: Connection, feed: Feed, load_id: int) -> int:
    """Good rows whose content the warehouse has from another row: of an earlier load, or earlier in this one."""
    return _count(
        con,
        f"""
        SELECT count(*) FROM incoming
        JOIN staging.{feed.name} AS kept
          ON kept.superseded_load_id IS NULL AND kept.row_hash = incoming.row_hash AND {_same_key(feed)}
        WHERE NOT incoming.faulty AND NOT (kept.load_id = {load_id} AND kept.source_row = incoming.rowid + 1)
        """,
    )


def _reject_rows(plan: Reading) -> str:
    """A SELECT of one row a fault of the faulty rows: source_row, source, column_name, rule, value, message."""
    feed = plan.feed
    faults = ", ".join(
        f"CASE WHEN coalesce({fault.condition}, false) THEN {{'column_name': {literal(fault.column)}, "
        f"'rule': {literal(fault.rule)}, 'value': given_{fault.column}::VARCHAR, 'message': {literal(fault.message)}}} END"
        for fault in plan.faults
    )
    key = " || ' ' || ".join(f"coalesce({name}::VARCHAR, '')" for name in feed.key)
    same_key = f"the key {', '.join(feed.key)} comes more than once with different content"
    double = (
        f"CASE WHEN source_row IN (SELECT rowid + 1 FROM incoming WHERE key_is_double) THEN {{'column_name': "
        f"{literal(', '.join(feed.key))}, 'rule': {literal(DUPLICATE_KEY)}, 'value': {key}, 'message': {literal(same_key)}}} END"
    )
    columns = f"{ROW_NUMBER}, to_json(record)::VARCHAR AS source, [{faults}, {double}] AS faults"
    return f"""
        SELECT source_row, source, fault.column_name, fault.rule, fault.value, fault.message FROM (
            SELECT source_row, source, unnest(list_filter(faults, lambda fault: fault IS NOT NULL)) AS fault
            FROM ({plan.select(columns=columns, number_rows=True)})
            WHERE source_row IN (SELECT rowid + 1 FROM incoming WHERE faulty)
        )"""


def _keep_rejects(con: Connection, plan: Reading, extract: Extract, load_id: int, rejected: int) -> None:
    con.execute(
        f"INSERT INTO staging.rejects SELECT {load_id}, ?, ?, source_row, source, column_name, rule, value, message "
        f"FROM ({_reject_rows(plan)}) ORDER BY source_row, rule",
        [extract.feed, extract.source],
    )
    kept = _count(con, f"SELECT count(DISTINCT source_row) FROM staging.rejects WHERE load_id = {load_id}")
    if kept != rejected:
        message = f"{extract.feed}: {extract.source}: {rejected} rows are faulty but {kept} were kept as rejects; nothing was loaded"
        raise KamError(message)


def _record_failure(
    con: Connection, extract: Extract, source: FeedSource, started: dt.datetime, reason: str
) -> LoadResult:
    """List a refused source once, however often it is tried."""
    con.execute(
        "DELETE FROM ops.loads WHERE status = 'failed' AND feed = ? AND sha256 = ?", [extract.feed, extract.sha256]
    )
    load_id = _count(con, "SELECT coalesce(max(load_id), 0) + 1 FROM ops.loads")
    con.execute(
        "INSERT INTO ops.loads VALUES (?, ?, ?, ?, ?, ?, ?, 'failed', 0, 0, 0, 0, 0, ?, ?, ?, ?)",
        [
            load_id, extract.feed, extract.source, extract.sha256, source.mapping_hash, _files(extract),
            sum(file.path.stat().st_size for file in extract.files), reason, source.model_dump_json(), started, _utc_now(),
        ],
    )  # fmt: skip
    return LoadResult(extract.feed, extract.source, "failed", load_id, message=reason)


def sync_ledger(con: Connection, site: Site) -> None:
    """Bring `archive/ledger.ndjson` up to the loads in the warehouse, also after a crash between the two."""
    entries = rows(
        con,
        """
        SELECT load_id, feed, source, sha256, mapping_hash, files, reading, read_count, loaded_count, unchanged_count,
               rejected_count, superseded_count
        FROM ops.loads WHERE status = 'loaded' ORDER BY load_id
        """,
    )
    for entry in entries:
        entry["files"], entry["reading"] = json.loads(entry["files"]), json.loads(entry["reading"])
    if len(archive.ledger_entries(site)) != len(entries):
        archive.write_ledger(site, entries)


def _files(extract: Extract) -> str:
    return json.dumps([{"name": file.name, "sha256": file.sha256} for file in extract.files])


def _count(con: Connection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def _utc_now() -> dt.datetime:
    """The time for the ledger of loads; no figure depends on it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)
