"""Loading extracts into staging: every row is loaded, unchanged or rejected, and counted.

A load is one transaction. A row whose key is already there with different content supersedes the old row, which stays;
the same content again is unchanged. A source that cannot be read is refused whole and listed in `ops.loads` as failed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb

from kam.archive import archived, ledger
from kam.errors import (
    DatabaseUnreachableError,
    KamError,
    MissingColumnError,
    SourceBusyError,
    SourceRefusedError,
    is_of_storage,
)
from kam.ingest import documents, questions, rejects, rounding, totals
from kam.ingest.documents import mark_negative_documents
from kam.ingest.file_order import doubtful_order, file_order
from kam.ingest.first_dates import first_date
from kam.ingest.patches import fill_patches
from kam.ingest.readers import READ_ERRORS, Relation
from kam.ingest.row_rules import LEFT_OUT, NARROW, RECORD_HASH, UNNUMBERED, Reading, plan_reading
from kam.ingest.sources import Extract, column_sql, extracts, offered, opened, unreadable
from kam.ingest.sources import archive as archive_extract
from kam.ingest.unpivot import unpivoted
from kam.site import FEEDS, Feed, FeedSource, Site
from kam.warehouse import Connection, insert, literal, rows, sql_text, transaction, utc_now
from kam.words import printable

_SAMPLE_ROWS = 5
# What several feeds call the same things by.
_COMMON_IDENTIFIERS = ("account_id", "product_id")
_MOST_IDENTIFIERS = 100_000
# What a load makes of a row of `incoming`. What is left out is not counted. All but good rows are rejected; with a repeat nothing is wrong.
_VERDICTS = (
    "good",
    "repeat",
    *rejects.LEFT_OUT,
    "unreadable",
    "double key",
    "changed key",
    documents.VERDICT,
    totals.TOTAL,
    totals.ODD_GRAIN,
    rejects.UNEXPECTED_FOOTER,
    rejects.INCOMPLETE,
)
_VERDICT = f"ENUM ({', '.join(map(literal, _VERDICTS))})"
_LEFTOVERS = (
    "incoming",
    "repeated",
    "matched",
    "vanished",
    "waiting",
    "came",
    "faulty_records",
    "faults",
    "suspects",
    "summed",
)


class LoadStatus(StrEnum):
    """How a load ended."""

    LOADED = "loaded"
    ALREADY_LOADED = "already loaded"
    LEFT = "left"
    """Left for the next run, because the file is still being written or a newer extract makes it unnecessary."""
    FAILED = "failed"
    """The source was refused, or its database did not answer."""


@dataclass(frozen=True)
class LoadResult:
    """What a load did; `message` says why a source was refused or left."""

    feed: str
    source: str
    status: LoadStatus
    load_id: int | None = None
    read_count: int = 0
    loaded_count: int = 0
    unchanged_count: int = 0
    rejected_count: int = 0
    superseded_count: int = 0
    message: str = ""


@dataclass(frozen=True)
class FaultKind:
    """Rejected rows with the same fault: `first` has record number, column of a wide file and value of a few, in their order."""

    column: str
    rule: str
    message: str
    count: int
    first: Sequence[tuple[int, str | None, str | None]]


@dataclass(frozen=True)
class Examination:
    """What a load of an extract would do, without doing it: rows read and rejected, and the first rows as mapped.

    `faults` counts rejected rows by rule; a row that breaks two rules is in both counts, and once in `rejected_count`.
    `remark` is about columns whose names are almost right.
    """

    feed: str
    source: str
    read_count: int
    rejected_count: int
    faults: Mapping[str, int]
    sample: Sequence[Mapping[str, Any]]
    left_out: str
    """Which rows are left out, in words; empty for none."""
    identifiers: Mapping[str, frozenset[str]]
    """Identifiers of accounts and products in its rows, by column."""
    kinds: Sequence[FaultKind] = ()
    remark: str = ""
    rounded: str = ""
    """Which numbers rounding changes by more than a little, in words; empty for none."""


@dataclass(frozen=True)
class _Terms:
    """Parameters of a load: the share of rows a snapshot may lose, whether to ask, and, for a rebuild, the original id and times."""

    shrink_ratio: float
    asks: bool = False
    load_id: int | None = None
    started: dt.datetime | None = None
    finished: dt.datetime | None = None


def ordered_feeds(site: Site) -> list[str]:
    """The feeds a site declares, masters first."""
    return [name for name in FEEDS if name in site.settings.feeds]


def unreached(feed: str, error: DatabaseUnreachableError) -> LoadResult:
    """The result of a feed whose database did not answer."""
    return LoadResult(feed, "", LoadStatus.FAILED, message=str(error))


def ingest_feed(
    con: Connection, site: Site, feed: str, *, accept_shrink: bool = False, accept_changes: bool = False
) -> Iterator[LoadResult]:
    """Load what is new in one feed, one result per extract.

    With `accept_shrink` a snapshot may lose as many rows as it likes. With `accept_changes` documents may become other ones,
    and columns may go. Raises `DatabaseUnreachableError`, and `KamError`
    when the archive's ledger lists loads that the warehouse does not have.
    """
    ledger.sync(con, site)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(offered(con, site, feed, to_load=True))
        except DatabaseUnreachableError:
            raise
        except SourceRefusedError as error:
            yield LoadResult(feed, "", LoadStatus.FAILED, message=printable(str(error)))
            return
        question = None
        for extract in found:
            if question is None and not extract.left and _is_new(con, site, extract):
                question = order_in_question(site, feed, found)
            if question:
                yield LoadResult(
                    feed, extract.source, LoadStatus.FAILED, message=f"{question}. Nothing more was loaded"
                )
                return
            yield load(con, site, extract, accept_shrink=accept_shrink, accept_changes=accept_changes)


def order_in_question(site: Site, feed: str, found: Sequence[Extract]) -> str:
    """The question that a feed's files raise whose names hold dates in another order; empty without one."""
    source = site.settings.source(feed)
    if source.files is None or source.file_date is not None:
        return ""
    doubt = doubtful_order([extract.source for extract in found], source.csv.month_names)
    return f"{feed}: {doubt}" if doubt else ""


def _is_new(con: Connection, site: Site, extract: Extract) -> bool:
    return not extract.refusal and _loaded_before(con, extract, site.settings.source(extract.feed)) is None


def waiting_sources(con: Connection, site: Site) -> list[str]:
    """The files and SELECTs, with their feeds, that the next load would read; databases are not asked."""
    waiting = []
    for feed in ordered_feeds(site):
        source = site.settings.source(feed)
        if source.database is None:
            # What is missing or refused is for the load to tell.
            with suppress(SourceRefusedError):
                waiting += [
                    f"{extract.source} ({feed})"
                    for extract in extracts(site, feed)
                    if not extract.refusal and not extract.left and _loaded_before(con, extract, source) is None
                ]
    return waiting


def load(
    con: Connection, site: Site, extract: Extract, *, accept_shrink: bool = False, accept_changes: bool = False
) -> LoadResult:
    """Load one extract, unless its bytes were loaded before with the same mapping."""
    source = site.settings.source(extract.feed)
    if extract.left:
        return LoadResult(extract.feed, extract.source, LoadStatus.LEFT, message=extract.left)
    known = None if extract.refusal else _loaded_before(con, extract, source)
    if known is not None:
        return LoadResult(extract.feed, extract.source, LoadStatus.ALREADY_LOADED, load_id=known)
    started = utc_now()
    try:
        if extract.refusal:
            raise SourceRefusedError(extract.refusal)  # noqa: TRY301 - one place lists what is refused
        newer = _newer_snapshot(con, extract, source)
        if newer is not None:
            return _passed_over(con, extract, newer)
        archive_extract(site, extract)
        shrink_ratio = 1.0 if accept_shrink else float(site.settings.ingest.shrink_ratio)
        result = _load(con, site, extract, source, _Terms(shrink_ratio, asks=not accept_changes, started=started))
    except SourceBusyError as error:
        return LoadResult(extract.feed, extract.source, LoadStatus.LEFT, message=str(error))
    except SourceRefusedError as error:
        is_missing = isinstance(error, MissingColumnError)
        advice = f"; {site.command('check', '--feed', extract.feed)} may propose how" if is_missing else ""
        return _record_failure(con, site, extract, source, started, f"{error}{advice}")
    ledger.add_load(con, site, int(result.load_id or 0))
    return result


def replay(con: Connection, site: Site, extract: Extract, entry: Mapping[str, Any]) -> LoadResult:
    """Load an archived extract as a line of the ledger says that it was loaded: as that load, with that mapping.

    Raises `SourceRefusedError` when it can no longer be read so.
    """
    started, finished = (
        dt.datetime.fromisoformat(entry[name]) if entry.get(name) else None for name in ("started_at", "finished_at")
    )
    source = FeedSource.model_validate(entry["reading"])
    return _load(con, site, extract, source, _Terms(1.0, load_id=entry["load_id"], started=started, finished=finished))


def _load(con: Connection, site: Site, extract: Extract, source: FeedSource, terms: _Terms) -> LoadResult:
    try:
        with opened(con, site, extract, source) as relation:
            reading = _read_rows(con, extract, source, relation)
            return _commit(con, site, reading, extract, source, terms)
    finally:
        _clean_up(con)


def _clean_up(con: Connection) -> None:
    for table in _LEFTOVERS:
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _loaded_before(con: Connection, extract: Extract, source: FeedSource) -> int | None:
    """The load that makes another one unnecessary: the last one of this source, or a copy under another name.

    A source that goes back to earlier content is not a copy. Nor is a full extract that equals one before the last.
    """
    newest = "ORDER BY load_id DESC LIMIT 1"
    known = _loads(con, f"feed = ? AND source = ? {newest}", extract.feed, extract.source)
    if not known:
        scope = newest if source.mode == "snapshot" else "AND sha256 = ? AND mapping_hash = ? LIMIT 1"
        equal = () if source.mode == "snapshot" else (extract.sha256, source.mapping_hash)
        known = _loads(con, f"feed = ? {scope}", extract.feed, *equal)
    same = (extract.sha256, source.mapping_hash)
    return next((load_id for load_id, *bytes_and_mapping in known if tuple(bytes_and_mapping) == same), None)


def _loads(con: Connection, condition: str, *parameters: str) -> list[tuple[Any, ...]]:
    """Id, hash of the bytes and hash of the mapping of loads that succeeded."""
    found = con.execute(
        f"SELECT load_id, sha256, mapping_hash FROM ops.loads WHERE status = 'loaded' AND {condition}", list(parameters)
    )
    return found.fetchall()


def _newer_snapshot(con: Connection, extract: Extract, source: FeedSource) -> tuple[int, str] | None:
    """Load and name of the last full extract when it comes later in the order of files; None when this one is the newest."""
    if source.mode != "snapshot":
        return None
    found = con.execute(
        """
        SELECT load_id, source FROM ops.loads
        WHERE feed = ? AND mapping_hash = ? AND status = 'loaded' ORDER BY load_id DESC LIMIT 1
        """,
        [extract.feed, source.mapping_hash],
    ).fetchone()
    order = file_order(source.file_date, source.csv.month_names)
    return (int(found[0]), str(found[1])) if found and order(found[1]) > order(extract.source) else None


def _passed_over(con: Connection, extract: Extract, newer: tuple[int, str]) -> LoadResult:
    """The result of a full extract that was refused before a newer one was loaded: it is not needed any more.

    Raises `SourceRefusedError` for any other that is older than what is loaded: to load it would undo the newer one.
    """
    load_id, name = newer
    refused_before = con.execute(
        "SELECT 1 FROM ops.loads WHERE feed = ? AND sha256 = ? AND status = 'failed' AND load_id < ?",
        [extract.feed, extract.sha256, load_id],
    ).fetchone()
    older = f"{extract.feed}: {extract.source}: older than {name}, which is loaded; a full extract must not undo a newer one"
    if refused_before:
        return LoadResult(extract.feed, extract.source, LoadStatus.LEFT, message=f"{older}. It is not needed any more")
    message = (
        f"{older}. Move it out of the landing folder; if it is the newest, give it a name that sorts last, "
        "or declare the form of the date in the names (file_date)"
    )
    raise SourceRefusedError(message)


def examine(con: Connection, site: Site, extract: Extract, *, is_known: bool = False) -> Examination:
    """Read an extract as a load would, and say what would be rejected; writes nothing.

    An extract that `is_known` was loaded before: what a load asks about it was answered then.
    Raises `SourceRefusedError` when it cannot be read at all, `SettingsError` when its mapping does not work.
    """
    source = site.settings.source(extract.feed)
    try:
        with opened(con, site, extract, source) as relation:
            reading = _read_rows(con, extract, source, relation)
            if not is_known:
                questions.require_one_document_a_number(con, site, extract, reading)
            _mark(con, reading, beside="", fills=False)
            con.execute(f"CREATE OR REPLACE TEMP TABLE faults AS {rejects.reject_rows(con, reading, extract.source)}")
            faults = con.execute("SELECT rule, count(DISTINCT place) FROM faults GROUP BY ALL ORDER BY rule")
            counts = dict(faults.fetchall())
            kinds = _kinds(con)
            sample = rows(
                con,
                f"SELECT {_columns(reading)} FROM incoming WHERE verdict IN {rejects.ACCEPTED} ORDER BY rowid LIMIT {_SAMPLE_ROWS}",
            )
            verdicts = _verdicts(con)
            remark = "" if is_known else questions.about_names(extract, reading)
            rounded = rounding.in_words(rounding.roundings(con, reading.too_long, record=reading.record_number))
            identifiers = _identifiers(con, reading)
    finally:
        _clean_up(con)
    left_out = {name: verdicts.pop(name) for name in rejects.LEFT_OUT if verdicts[name]}
    read = verdicts.total()
    rejected = read - verdicts["good"]
    return Examination(
        extract.feed,
        extract.source,
        read,
        rejected,
        counts,
        sample,
        _left_out_in_words(left_out),
        identifiers,
        kinds,
        remark,
        rounded,
    )


def _kinds(con: Connection) -> list[FaultKind]:
    """The faults by column, rule and message, the most frequent first."""
    found = con.execute(
        f"""
        SELECT column_name, rule, message, count(*), (list(source_row ORDER BY place))[:{_SAMPLE_ROWS}],
               (list(source_column ORDER BY place))[:{_SAMPLE_ROWS}], (list(value ORDER BY place))[:{_SAMPLE_ROWS}]
        FROM faults GROUP BY column_name, rule, message ORDER BY count(*) DESC, column_name, rule, message
        """
    )
    return [
        FaultKind(column or "", rule, message, count, list(zip(records, columns, values, strict=True)))
        for column, rule, message, count, records, columns, values in found.fetchall()
    ]


def _read_rows(con: Connection, extract: Extract, source: FeedSource, relation: Relation) -> Reading:
    """Put all rows, typed, into `incoming`, in the order of the source, so that `rowid` is the record number less one.

    A file with records that DuckDB cannot read is read once more, record by record; those become rejects.
    """
    try:
        try:
            reading = _read_relation(con, extract, source, relation)
        except READ_ERRORS as error:
            if relation.second_look is None or is_of_storage(error):
                raise
            reading = _read_relation(con, extract, source, relation.second_look())
    except duckdb.Error as error:
        if is_of_storage(error):
            raise
        raise unreadable(error, extract, source, len(relation.columns)) from None
    if source.skip_footer:
        _leave_out_footer(con, reading, source.skip_footer)
    totals.mark_totals(con, reading, _kept_names(reading))
    return reading


def _read_relation(con: Connection, extract: Extract, source: FeedSource, relation: Relation) -> Reading:
    reading = plan_reading(con, FEEDS[extract.feed], source, extract, unpivoted(con, extract, source, relation))
    _fill_incoming(con, reading)
    return reading


def _leave_out_footer(con: Connection, reading: Reading, count: int) -> None:
    """The last records are left out; one with all that the records above it have is rejected, because it may be none of a footer."""
    wide = reading.relation.wide
    records = "incoming" if wide is None else wide.sql
    is_footer = f"{reading.record_number} > (SELECT count(*) FROM {records}) - {count}"
    names = _kept_names(reading)
    filled = con.execute(
        f"SELECT count(*), {', '.join(f'count({name})' for name in names)} FROM incoming WHERE verdict = 'good' AND NOT {is_footer}"
    ).fetchall()[0]
    always = [name for name, there in zip(names, filled[1:], strict=True) if there == filled[0]]
    looks_good = " AND ".join(f"{name} IS NOT NULL" for name in always)
    con.execute(
        f"""
        UPDATE incoming SET verdict = CASE
            WHEN verdict = 'good' AND {filled[0]} > 0 AND {len(always)} > 1 AND {looks_good or "false"}
            THEN '{rejects.UNEXPECTED_FOOTER}' ELSE 'footer' END
        WHERE {is_footer}
        """
    )


def _verdicts(con: Connection) -> Counter[str]:
    """How many rows of `incoming` have each verdict."""
    return Counter(dict(con.execute("SELECT verdict, count(*) FROM incoming GROUP BY verdict").fetchall()))


def _left_out_in_words(counts: Mapping[str, int]) -> str:
    """`3 left out (2 by where, 1 header again)`; empty for none."""
    words = {"where": "by where", "footer": "by skip_footer"}
    parts = (f"{count:,} {words.get(reason, reason)}" for reason, count in counts.items())
    return f"{sum(counts.values()):,} left out ({', '.join(parts)})" if counts else ""


def _mark(con: Connection, reading: Reading, *, beside: str, fills: bool) -> None:
    """What is wrong with rows beside each other; `beside` is the staging table with the rows that an upsert keeps.

    With `fills` the rows of a patch get what is there in the columns that the file does not have.
    """
    totals.mark_odd_grain(con, reading.feed, _kept_names(reading), beside=beside)
    _mark_repeated_keys(con, reading)
    if fills:
        fill_patches(con, reading)
    mark_negative_documents(con, reading, beside=beside)


def _fill_incoming(con: Connection, reading: Reading) -> None:
    mark = _mark_column(reading)
    if mark is not None:
        reading = dataclasses.replace(
            reading, given={**reading.given, rejects.MARK: f"trim({column_sql(mark)}::VARCHAR)"}
        )
    left_out = (
        f"WHEN given_{LEFT_OUT} IS NOT NULL THEN given_{LEFT_OUT}::{_VERDICT} " if LEFT_OUT in reading.given else ""
    )
    # Columns that the source lacks are left out: a temporary table stores their NULLs at full width.
    columns = (
        f"{', '.join(_kept_names(reading))}, CASE {left_out}WHEN {reading.is_faulty} THEN 'unreadable'::{_VERDICT} "
        f"ELSE 'good'::{_VERDICT} END AS verdict"
        f"{f', given_{rejects.MARK} AS {rejects.MARK}' if mark is not None else ''}"
        f"{''.join(f', given_{name} AS {name}' for name in reading.kept)}"
        f"{f', {NARROW}' if NARROW in reading.values else ''}"
        f"{f', {rounding.rounded_column(reading.too_long)} AS {rounding.ROUNDED}' if reading.too_long else ''}"
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS {reading.select(columns=columns)}")


def _empty_columns(reading: Reading) -> frozenset[str]:
    """The columns that are NULL in every row, because the source does not have them; those of the key are kept."""
    if reading.is_patch:
        return frozenset()
    return frozenset(
        name for name, value in reading.values.items() if value.startswith("NULL::") and name not in reading.feed.key
    )


def _kept_names(reading: Reading) -> list[str]:
    """The columns of `incoming` that come from the source."""
    empty = _empty_columns(reading)
    return [name for name in reading.feed.column_names if name not in empty]


def _columns(reading: Reading) -> str:
    """The feed's columns in a SELECT from `incoming`."""
    empty = _empty_columns(reading)
    return ", ".join(f"NULL AS {name}" if name in empty else name for name in reading.feed.column_names)


def _mark_column(reading: Reading) -> str | None:
    """The column that `kam rejects --export` adds, as the source calls it; None when it has none."""
    return next((name for name in reading.relation.columns if name.lower() == rejects.MARK), None)


def _mark_repeated_keys(con: Connection, reading: Reading) -> None:
    """All rows whose key comes with different contents are faulty; of equal rows, those after the first are repeats.

    Equal rows of a document whose source does not number its lines are lines of their own: they get the numbers 1, 2, 3 …
    """
    if not _has_repeated_keys(con, reading):
        return
    key = ", ".join(reading.feed.key)
    is_kept = (name for name in reading.kept if name in (RECORD_HASH, UNNUMBERED))
    content = ", ".join((*_kept_names(reading), *is_kept))
    found = sql_text("ingest/repeated_rows.sql", key=key, columns=content)
    line = reading.feed.line
    is_unnumbered = (
        "true" if line and not reading.is_numbered else UNNUMBERED if UNNUMBERED in reading.kept else "false"
    )
    con.execute(
        f"""
        UPDATE incoming
        SET verdict = CASE WHEN found.is_double THEN 'double key' WHEN NOT {is_unnumbered} THEN 'repeat' ELSE 'good' END
            {f", {line} = CASE WHEN found.is_double THEN {line} WHEN {is_unnumbered} THEN occurrence ELSE {line} END" if line else ""}
        FROM ({found}) AS found
        WHERE incoming.rowid = found.place AND (found.is_double OR found.occurrence > 1)
        """
    )
    if is_unnumbered == UNNUMBERED and _has_repeated_keys(con, reading):
        # Some lines of the document have numbers of their own, and an unnumbered one got the same.
        con.execute(
            f"""
            UPDATE incoming SET verdict = 'double key' FROM ({found}) AS found
            WHERE incoming.rowid = found.place
            """
        )


def _has_repeated_keys(con: Connection, reading: Reading) -> bool:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT hash({", ".join(reading.feed.key)}) AS key_hash
        FROM incoming WHERE verdict = 'good' GROUP BY key_hash HAVING count(*) > 1
        """
    )
    return bool(_count(con, "SELECT count(*) FROM repeated"))


def _identifiers(con: Connection, reading: Reading) -> dict[str, frozenset[str]]:
    """The values of each identifier that other feeds have too, as far as rows are accepted."""
    found = {
        name: con.execute(
            f"SELECT DISTINCT {name} FROM incoming WHERE verdict IN {rejects.ACCEPTED} AND {name} IS NOT NULL "
            f"LIMIT {_MOST_IDENTIFIERS}"
        ).fetchall()
        for name in _kept_names(reading)
        if name in _COMMON_IDENTIFIERS
    }
    return {name: frozenset(value for (value,) in values) for name, values in found.items()}


def _commit(
    con: Connection, site: Site, reading: Reading, extract: Extract, source: FeedSource, terms: _Terms
) -> LoadResult:
    feed = reading.feed
    with transaction(con):
        load_id = terms.load_id or _next_load_id(con)
        if terms.asks and not questions.was_read_before(con, extract):
            questions.require_one_document_a_number(con, site, extract, reading)
        current = _count(con, f"SELECT count(*) FROM staging.{feed.name} WHERE superseded_load_id IS NULL")
        # What else a document has, unless this extract is a full one.
        beside = f"staging.{feed.name}" if current and source.mode != "snapshot" else ""
        _mark(con, reading, beside=beside, fills=reading.is_patch)
        if current:
            _match(con, reading)
        if terms.asks:
            questions.require_answers(con, site, extract, reading, source)
        if current and source.mode == "append":
            _refuse_changed_keys(con, reading)
        verdicts = _verdicts(con)
        left_out = _left_out_in_words({name: verdicts.pop(name) for name in rejects.LEFT_OUT if verdicts[name]})
        rounded = rounding.roundings(con, reading.too_long, record=reading.record_number)
        noted = "; ".join(filter(None, (left_out, rounding.in_words(rounded))))
        read = verdicts.total()
        rejected = read - verdicts["good"]
        superseded = _supersede(con, feed, load_id) if current else 0
        if current and NARROW in reading.values:
            superseded += _end_narrow_numbers(con, site, reading, extract, load_id)
        if current and source.mode == "snapshot":
            superseded += _close_vanished(con, site, extract, load_id, current, terms.shrink_ratio)
        loaded = _insert(con, reading, load_id, any_left_out=bool(rejected or left_out), any_current=bool(current))
        unchanged = _count(con, "SELECT count(*) FROM matched WHERE NOT differs") if current else 0
        _require_each_counted_once(extract, read, loaded, unchanged, rejected)
        _list(
            con, site, extract, source, load_id=load_id, status=LoadStatus.LOADED, read_count=read, loaded_count=loaded,
            unchanged_count=unchanged, rejected_count=rejected, superseded_count=superseded,
            started_at=terms.started or utc_now(), finished_at=terms.finished or utc_now(), watermark=extract.watermark,
            message=f"loaded; {noted}" if noted else None, rounded=rounding.as_json(rounded),
            first_date=first_date(con, feed, load_id),
            header=json.dumps(list(reading.relation.wide.header if reading.relation.wide else reading.relation.columns)),
        )  # fmt: skip
        if rejected:
            rejects.keep(con, reading, load_id, extract.source, rejected)
        # A full extract replaces all before it, and a new reading of the same bytes replaces the first one.
        replaces = "true" if source.mode == "snapshot" else f"loads.sha256 = '{extract.sha256}'"
        rejects.settle(con, feed, load_id, has_marks=_mark_column(reading) is not None, replaces=replaces)
    return LoadResult(
        extract.feed, extract.source, LoadStatus.LOADED, load_id, read, loaded, unchanged, rejected, superseded,
        f"loaded; {noted}" if noted else "",
    )  # fmt: skip


def _require_each_counted_once(extract: Extract, read: int, loaded: int, unchanged: int, rejected: int) -> None:
    if read != loaded + unchanged + rejected:
        message = (
            f"{extract.feed}: {extract.source}: {read} rows read, but {loaded} loaded, {unchanged} unchanged and "
            f"{rejected} rejected do not add up; nothing was loaded"
        )
        raise KamError(message)


def _next_load_id(con: Connection) -> int:
    """An id that no load had: a close may know of a failed load that is no longer listed."""
    known = "greatest((SELECT max(load_id) FROM ops.loads), (SELECT max(as_of_load) FROM ops.closes), 0)"
    return _count(con, f"SELECT {known} + 1")


def _match(con: Connection, reading: Reading) -> None:
    """Put into `matched` which good row of `incoming` has the key of which current row, and whether they differ."""
    feed, empty = reading.feed, _empty_columns(reading)
    differs = " OR ".join(
        f"kept.{name} IS DISTINCT FROM {'NULL' if name in empty else f'incoming.{name}'}"
        for name in feed.column_names
        if name not in feed.key
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE matched AS
        SELECT
            incoming.rowid AS place,
            kept.rowid AS kept_place,
            {differs} AS differs
        FROM incoming
        JOIN staging.{feed.name} AS kept ON kept.superseded_load_id IS NULL AND {feed.same_key("kept", "incoming")}
        WHERE incoming.verdict = 'good'
        """
    )


def _refuse_changed_keys(con: Connection, reading: Reading) -> None:
    """In `append` mode a key that is already there with other content is faulty too, and so are its repeats.

    Without line numbers all rows of the document are faulty: which of them are new is not known.
    """
    feed = reading.feed
    changed = _count(con, "SELECT count(*) FROM matched WHERE differs")
    if not changed:
        return
    con.execute(
        """
        UPDATE incoming SET verdict = 'changed key'
        WHERE rowid IN (SELECT place FROM matched WHERE differs)
        """
    )
    con.execute(
        f"""
        UPDATE incoming SET verdict = 'changed key'
        FROM (SELECT {", ".join(feed.key)} FROM incoming WHERE verdict = 'changed key') AS kept
        WHERE incoming.verdict = 'repeat' AND {feed.same_key("kept", "incoming")}
        """
    )
    if feed.identity is not None and not reading.is_numbered:
        con.execute(
            f"""
            UPDATE incoming SET verdict = 'changed key' WHERE verdict = 'good' AND {feed.identity.document} IN (
                SELECT {feed.identity.document} FROM incoming WHERE verdict = 'changed key'
            )
            """
        )
    con.execute("DELETE FROM matched WHERE differs")


def _supersede(con: Connection, feed: Feed, load_id: int) -> int:
    """End the current rows that this load replaces; how many."""
    replaced = con.execute(
        f"""
        UPDATE staging.{feed.name} SET superseded_load_id = {load_id}
        WHERE rowid IN (SELECT kept_place FROM matched WHERE differs)
        """
    )
    return int(replaced.fetchall()[0][0])


def _end_narrow_numbers(con: Connection, site: Site, reading: Reading, extract: Extract, load_id: int) -> int:
    """End the current rows that this load brings again under a number with the wider key of the site; how many."""
    feed = reading.feed
    if feed.identity is None:
        return 0
    # Whether a document with another date or other lines is the same was asked, unless the file was read before: then only its own
    # lines end.
    same = (
        questions.same_line(reading, "kept", "incoming", site.settings.ingest.redated_days)
        if questions.was_read_before(con, extract)
        else questions.same_document(reading, "kept", "incoming")
    )
    ended = con.execute(
        f"""
        UPDATE staging.{feed.name} AS kept SET superseded_load_id = {load_id}
        FROM incoming
        WHERE kept.superseded_load_id IS NULL AND incoming.verdict = 'good'
          AND kept.{feed.identity.document} = incoming.{NARROW}
          AND {same}
        """
    )
    return int(ended.fetchall()[0][0])


def _close_vanished(
    con: Connection, site: Site, extract: Extract, load_id: int, current: int, shrink_ratio: float
) -> int:
    """End the current rows that a full extract no longer has; how many.

    Raises `SourceRefusedError` when that is more than the share `shrink_ratio` of them: the extract may be incomplete.
    """
    feed = FEEDS[extract.feed]
    # A rejected row is still in the extract: its last good content stays.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE vanished AS
        SELECT kept.rowid AS kept_place
        FROM staging.{feed.name} AS kept
        WHERE kept.superseded_load_id IS NULL
          AND kept.rowid NOT IN (SELECT kept_place FROM matched)
          AND NOT EXISTS (SELECT 1 FROM incoming WHERE verdict NOT IN {rejects.NOT_REJECTED} AND {feed.same_key("kept", "incoming")})
        """
    )
    gone = _count(con, "SELECT count(*) FROM vanished")
    if gone > shrink_ratio * current:
        message = (
            f"{extract.feed}: {extract.source}: this full extract lacks {gone:,} of the {current:,} rows that are "
            f"current ({gone / current:.0%}; [ingest] shrink_ratio allows {shrink_ratio:.0%}). Nothing was loaded. "
            f"Is it complete? If these rows really ended: "
            f"{site.command('ingest', '--feed', extract.feed, '--accept-shrink')}"
        )
        raise SourceRefusedError(message)
    closed = con.execute(
        f"""
        UPDATE staging.{feed.name} SET superseded_load_id = {load_id}
        WHERE rowid IN (SELECT kept_place FROM vanished)
        """
    )
    return int(closed.fetchall()[0][0])


def _insert(con: Connection, reading: Reading, load_id: int, *, any_left_out: bool, any_current: bool) -> int:
    """Add the rows that are not there yet with the same content; how many."""
    # A condition that holds for every row costs a twentieth of a large load.
    conditions = ["verdict = 'good'"] if any_left_out else []
    if any_current:
        conditions.append("rowid NOT IN (SELECT place FROM matched WHERE NOT differs)")
    inserted = con.execute(
        f"""
        INSERT INTO staging.{reading.feed.name} BY NAME
        SELECT {_columns(reading)}, {load_id} AS load_id, {reading.record_number} AS source_row
        FROM incoming
        {"WHERE " if conditions else ""}{" AND ".join(conditions)}
        """
    )
    return int(inserted.fetchall()[0][0])


def _record_failure(
    con: Connection, site: Site, extract: Extract, source: FeedSource, started: dt.datetime, reason: str
) -> LoadResult:
    """List a refused source once, however often it is tried."""
    # It may quote the source's own names, and those may hold line ends.
    reason = printable(reason)
    with transaction(con):
        con.execute(
            "DELETE FROM ops.loads WHERE status = 'failed' AND feed = ? AND source = ? AND sha256 = ?",
            [extract.feed, extract.source, extract.sha256],
        )
        load_id = _next_load_id(con)
        _list(
            con, site, extract, source, load_id=load_id, status=LoadStatus.FAILED, read_count=0, loaded_count=0,
            unchanged_count=0, rejected_count=0, superseded_count=0, message=reason, started_at=started,
            finished_at=utc_now(),
        )  # fmt: skip
    return LoadResult(extract.feed, extract.source, LoadStatus.FAILED, load_id, message=reason)


def _list(con: Connection, site: Site, extract: Extract, source: FeedSource, **values: object) -> None:
    """List a load in `ops.loads`: what was read and how, beside the values of the other columns."""
    described = {
        "feed": extract.feed,
        "source": extract.source,
        "sha256": extract.sha256,
        "mapping_hash": source.mapping_hash,
        "files": _files(extract),
        "bytes": _size(site, extract),
        "reading": _as_json(source),
    }
    insert(con, "ops.loads", [{**described, **values}])


def _size(site: Site, extract: Extract) -> int:
    """Bytes of an extract; a file that went away since counts as none."""
    places = ((archived(site, file.sha256), file.path) for file in extract.files)
    found = (next((path for path in pair if path.exists()), None) for pair in places)
    return sum(path.stat().st_size for path in found if path is not None)


def _files(extract: Extract) -> str:
    return json.dumps([{"name": file.name, "sha256": file.sha256} for file in extract.files])


def _as_json(source: FeedSource) -> str:
    """How a source is read, as `replay` takes it: what differs from the defaults."""
    return source.model_dump_json(exclude_defaults=True)


def _count(con: Connection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])
