"""Which sources are new: not loaded before, not older than what is there, and in an order that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from kam.errors import SourceRefusedError
from kam.ingest.file_order import doubtful_order, file_order
from kam.ingest.results import LoadResult, LoadStatus
from kam.ingest.sources import Extract, extracts
from kam.site import FEEDS, FeedSource, Site
from kam.warehouse import Connection


def loaded_before(con: Connection, extract: Extract, source: FeedSource) -> int | None:
    """The load that makes another one unnecessary: the last one of this source, or a copy under another name.

    A source that goes back to earlier content is not a copy. Nor is a full extract that equals one before the last.
    """
    # In one query: each costs a lake as much as the load of some rows.
    found = con.execute(
        """
        SELECT load_id, sha256 = $sha256 AND mapping_hash = $mapping_hash FROM ops.loads
        WHERE feed = $feed AND status = 'loaded' AND (source = $source OR $any OR (sha256 = $sha256 AND mapping_hash = $mapping_hash))
        ORDER BY source = $source DESC, load_id DESC LIMIT 1
        """,
        {
            "feed": extract.feed,
            "source": extract.source,
            "sha256": extract.sha256,
            "mapping_hash": source.mapping_hash,
            "any": source.mode == "snapshot",
        },
    ).fetchone()
    return int(found[0]) if found and found[1] else None


def newer_snapshot(con: Connection, extract: Extract, source: FeedSource) -> tuple[int, str] | None:
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


def passed_over(con: Connection, extract: Extract, newer: tuple[int, str]) -> LoadResult:
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
                    if not extract.refusal and not extract.left and loaded_before(con, extract, source) is None
                ]
    return waiting


def order_in_question(site: Site, feed: str, found: Sequence[Extract]) -> str:
    """The question that a feed's files raise whose names hold dates in another order; empty without one."""
    source = site.settings.source(feed)
    if source.files is None or source.file_date is not None:
        return ""
    doubt = doubtful_order([extract.source for extract in found], source.csv.month_names)
    return f"{feed}: {doubt}" if doubt else ""


def is_new(con: Connection, site: Site, extract: Extract) -> bool:
    """Whether a load would read an extract."""
    return not extract.refusal and loaded_before(con, extract, site.settings.source(extract.feed)) is None


def ordered_feeds(site: Site) -> list[str]:
    """The feeds a site declares, masters first."""
    return [name for name in FEEDS if name in site.settings.feeds]
