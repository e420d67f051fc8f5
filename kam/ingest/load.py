"""Loading extracts into staging: every row is loaded, unchanged or rejected, and counted.

A load is one transaction. A row whose key is already there with different content supersedes the old row, which stays;
the same content again is unchanged. A source that cannot be read is refused whole and listed in `ops.loads` as failed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from kam.archive import archived, ledger
from kam.errors import (
    DatabaseUnreachableError,
    KamError,
    MissingColumnError,
    SourceBusyError,
    SourceRefusedError,
)
from kam.ingest import questions, rejects, rounding
from kam.ingest.compare import (
    close_vanished,
    end_missing_lines,
    end_narrow_numbers,
    insert_rows,
    match,
    refuse_changed_keys,
    supersede,
)
from kam.ingest.first_dates import first_date
from kam.ingest.incoming import clean_up, counted, mark, mark_column, read_rows
from kam.ingest.new_sources import KnownLoads, order_in_question, passed_over, were_loaded
from kam.ingest.results import LoadResult, LoadStatus
from kam.ingest.row_rules import NARROW, Reading
from kam.ingest.sources import Extract, offered, opened
from kam.ingest.sources import archive as archive_extract
from kam.site import FeedSource, Site
from kam.warehouse import Connection, insert, number_of, own_names, stored, utc_now
from kam.words import printable


@dataclass(frozen=True)
class _Terms:
    """Parameters of a load: the share of rows a snapshot may lose, whether its bytes were loaded before, whether to ask.

    For a rebuild also the original id and times.
    """

    shrink_ratio: float
    was_read: bool
    asks: bool = False
    load_id: int | None = None
    started: dt.datetime | None = None
    finished: dt.datetime | None = None


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
    ledger.sync_once(con, site)
    known = KnownLoads(con, feed)
    with ExitStack() as stack:
        try:
            found = stack.enter_context(offered(con, site, feed, known_sizes=known.sizes))
        except DatabaseUnreachableError:
            raise
        except SourceRefusedError as error:
            yield LoadResult(feed, "", LoadStatus.FAILED, message=printable(str(error)))
            return
        question = None
        for extract in found:
            if (done := _not_to_load(site, extract, known)) is not None:
                yield done
                continue
            if question is None and not extract.refusal:
                question = order_in_question(site, feed, found)
            if question:
                yield LoadResult(
                    feed, extract.source, LoadStatus.FAILED, message=f"{question}. Nothing more was loaded"
                )
                return
            yield load(con, site, extract, known, accept_shrink=accept_shrink, accept_changes=accept_changes)


def _not_to_load(site: Site, extract: Extract, known: KnownLoads) -> LoadResult | None:
    """The result of an extract that is left for the next run, or whose bytes were loaded before with the same mapping."""
    if extract.left:
        return LoadResult(extract.feed, extract.source, LoadStatus.LEFT, message=extract.left)
    same = None if extract.refusal else known.same(extract, _source(site, extract))
    if same is not None:
        return LoadResult(extract.feed, extract.source, LoadStatus.ALREADY_LOADED, load_id=same)
    return None


def _source(site: Site, extract: Extract) -> FeedSource:
    return extract.reading or site.settings.source(extract.feed)


def load(
    con: Connection,
    site: Site,
    extract: Extract,
    known: KnownLoads,
    *,
    accept_shrink: bool = False,
    accept_changes: bool = False,
) -> LoadResult:
    """Load an extract that was not loaded before."""
    source, started = _source(site, extract), utc_now()
    try:
        if extract.refusal:
            raise SourceRefusedError(extract.refusal)  # noqa: TRY301 - one place lists what is refused
        newer = known.newer_snapshot(extract, source)
        if newer is not None:
            return passed_over(con, extract, newer)
        archive_extract(site, extract)
        shrink_ratio = 1.0 if accept_shrink else float(site.settings.ingest.shrink_ratio)
        terms = _Terms(shrink_ratio, known.has_bytes_of(extract), asks=not accept_changes, started=started)
        result = _load(con, site, extract, source, terms)
    except SourceBusyError as error:
        return LoadResult(extract.feed, extract.source, LoadStatus.LEFT, message=str(error))
    except SourceRefusedError as error:
        is_missing = isinstance(error, MissingColumnError)
        advice = f"; {site.command('check', '--feed', extract.feed)} may propose how" if is_missing else ""
        return _record_failure(con, site, extract, source, started, f"{error}{advice}")
    load_id = int(result.load_id or 0)
    known.add(load_id, extract, source)
    ledger.add_load(con, site, load_id)
    return result


def load_made_here(con: Connection, site: Site, extract: Extract) -> LoadResult:
    """Load a file that kam itself made (`made_here`): nothing about it has to be asked.

    Raises `KamError` when it was refused, and when the archive's ledger lists loads that the warehouse does not have.
    """
    ledger.sync_once(con, site)
    known = KnownLoads(con, extract.feed)
    result = _not_to_load(site, extract, known) or load(con, site, extract, known, accept_changes=True)
    if result.status in {LoadStatus.FAILED, LoadStatus.LEFT}:
        raise KamError(result.message)
    return result


def replay(con: Connection, site: Site, extract: Extract, entry: Mapping[str, Any]) -> LoadResult:
    """Load an archived extract as a line of the ledger says that it was loaded: as that load, with that mapping.

    Raises `SourceRefusedError` when it can no longer be read so.
    """
    started, finished = (
        dt.datetime.fromisoformat(entry[name]) if entry.get(name) else None for name in ("started_at", "finished_at")
    )
    source = FeedSource.model_validate(entry["reading"])
    was_read = were_loaded(con, extract)
    return _load(
        con, site, extract, source, _Terms(1.0, was_read, load_id=entry["load_id"], started=started, finished=finished)
    )


def _load(con: Connection, site: Site, extract: Extract, source: FeedSource, terms: _Terms) -> LoadResult:
    try:
        with opened(con, site, extract, source) as relation:
            with own_names(con):
                reading = read_rows(con, extract, source, relation)
            return _commit(con, site, reading, extract, source, terms)
    finally:
        clean_up(con)


def _commit(
    con: Connection, site: Site, reading: Reading, extract: Extract, source: FeedSource, terms: _Terms
) -> LoadResult:
    feed = reading.feed
    with stored(con):
        load_id = terms.load_id or _next_load_id(con)
        if terms.asks and not terms.was_read:
            questions.require_one_document_a_number(con, site, extract, reading)
        current = number_of(con, f"SELECT count(*) FROM staging.{feed.name} WHERE superseded_load_id IS NULL")
        # What else a document has, unless all of it is here.
        beside = f"staging.{feed.name}" if current and source.mode not in {"document", "snapshot"} else ""
        mark(con, reading, beside=beside, fills=reading.is_patch)
        if current:
            match(con, reading)
        if terms.asks:
            questions.require_answers(
                con, site, extract, reading, source, is_first=not current, was_read=terms.was_read
            )
        if current and source.mode == "append":
            refuse_changed_keys(con, reading)
        counts, left_out = counted(con)
        rounded = rounding.roundings(con, reading.too_long, record=reading.record_number)
        noted = "; ".join(filter(None, (left_out, rounding.in_words(rounded))))
        read = counts.total()
        rejected = read - counts["good"]
        superseded = supersede(con, feed, load_id) if current else 0
        if current and NARROW in reading.values:
            superseded += end_narrow_numbers(con, site, reading, load_id, was_read=terms.was_read)
        if current and source.mode == "document":
            superseded += end_missing_lines(con, feed, load_id)
        if current and source.mode == "snapshot":
            superseded += close_vanished(con, site, extract, load_id, current, terms.shrink_ratio)
        loaded = insert_rows(con, reading, load_id, any_left_out=bool(rejected or left_out), any_current=bool(current))
        unchanged = number_of(con, "SELECT count(*) FROM matched WHERE NOT differs") if current else 0
        _require_each_counted_once(extract, read, loaded, unchanged, rejected)
        _list(
            con, site, extract, source, load_id=load_id, status=LoadStatus.LOADED, read_count=read, loaded_count=loaded,
            unchanged_count=unchanged, rejected_count=rejected, superseded_count=superseded,
            started_at=terms.started or utc_now(), finished_at=terms.finished or utc_now(), watermark=extract.watermark,
            message=f"loaded; {noted}" if noted else None, rounded=rounding.as_json(rounded),
            first_date=first_date(con, feed, load_id),
            header=json.dumps(list(reading.relation.wide.header if reading.relation.wide else reading.relation.columns)),
        )  # fmt: skip
        _keep_rejects(con, reading, extract, source, load_id, rejected)
    return LoadResult(
        extract.feed, extract.source, LoadStatus.LOADED, load_id, read, loaded, unchanged, rejected, superseded,
        f"loaded; {noted}" if noted else "",
    )  # fmt: skip


def _keep_rejects(
    con: Connection, reading: Reading, extract: Extract, source: FeedSource, load_id: int, count: int
) -> None:
    """Keep the rows that were not loaded, and settle those of earlier loads that this one has again."""
    if count:
        rejects.keep(con, reading, load_id, extract.source, count)
    # A full extract replaces all before it, and a new reading of the same bytes replaces the first one.
    replaces = "true" if source.mode == "snapshot" else f"loads.sha256 = '{extract.sha256}'"
    rejects.settle(con, reading.feed, load_id, has_marks=mark_column(reading) is not None, replaces=replaces)


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
    return number_of(con, f"SELECT {known} + 1")


def _record_failure(
    con: Connection, site: Site, extract: Extract, source: FeedSource, started: dt.datetime, reason: str
) -> LoadResult:
    """List a refused source once, however often it is tried."""
    # It may quote the source's own names, and those may hold line ends.
    reason = printable(reason)
    with stored(con):
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
