"""Which sources are new: not loaded before, not older than what is there, and in an order that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from kam.errors import SourceRefusedError
from kam.ingest.file_order import doubtful_order, file_order
from kam.ingest.results import LoadResult, LoadStatus
from kam.ingest.sources import Extract, extracts
from kam.site import FEEDS, FeedSource, Site
from kam.warehouse import Connection


@dataclass(frozen=True)
class _Known:
    """A load of a feed: its id and source, the hash of its bytes, and the mapping that read them."""

    load_id: int
    source: str
    sha256: str
    mapping_hash: str


class KnownLoads:
    """The loads of a feed, read once for all of its extracts: each query costs a lake as much as the load of some rows."""

    def __init__(self, con: Connection, feed: str) -> None:
        """Those that are there now, and the sizes of all that was loaded or refused."""
        found = con.execute(
            "SELECT load_id, source, sha256, mapping_hash, bytes, status = 'loaded' FROM ops.loads WHERE feed = ? ORDER BY load_id",
            [feed],
        ).fetchall()
        self._last: _Known | None = None
        self._of_source: dict[str, _Known] = {}
        self._of_bytes: dict[tuple[str, str], _Known] = {}
        self._of_mapping: dict[str, _Known] = {}
        self._hashes: set[str] = set()
        self.sizes = {row[4] for row in found}
        for *load, _, is_loaded in found:
            if is_loaded:
                self._add(_Known(*load))

    def _add(self, load: _Known) -> None:
        self._last = self._of_source[load.source] = self._of_mapping[load.mapping_hash] = load
        self._of_bytes[load.sha256, load.mapping_hash] = load
        self._hashes.add(load.sha256)

    def add(self, load_id: int, extract: Extract, source: FeedSource) -> None:
        """One that was just committed."""
        self._add(_Known(load_id, extract.source, extract.sha256, source.mapping_hash))

    def same(self, extract: Extract, source: FeedSource) -> int | None:
        """The load that makes another one unnecessary: the last one of this source, or a copy under another name.

        A source that goes back to earlier content is not a copy. Nor is a full extract that equals one before the last.
        """
        bytes_and_mapping = extract.sha256, source.mapping_hash
        copy = self._last if source.mode == "snapshot" else self._of_bytes.get(bytes_and_mapping)
        found = self._of_source.get(extract.source, copy)
        return found.load_id if found and (found.sha256, found.mapping_hash) == bytes_and_mapping else None

    def has_bytes_of(self, extract: Extract) -> bool:
        """What `were_loaded` says."""
        return extract.sha256 in self._hashes

    def newer_snapshot(self, extract: Extract, source: FeedSource) -> tuple[int, str] | None:
        """Load and name of the last full extract when it comes later in the order of files; None when this one is the newest."""
        found = self._of_mapping.get(source.mapping_hash)
        if source.mode != "snapshot" or found is None:
            return None
        order = file_order(source.file_date, source.csv.month_names)
        return (found.load_id, found.source) if order(found.source) > order(extract.source) else None


def were_loaded(con: Connection, extract: Extract) -> bool:
    """Whether the bytes of an extract were loaded before, however read: what their rows change was asked or accepted then."""
    found = con.execute(
        "SELECT 1 FROM ops.loads WHERE feed = ? AND sha256 = ? AND status = 'loaded' LIMIT 1",
        [extract.feed, extract.sha256],
    )
    return found.fetchone() is not None


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
            known = KnownLoads(con, feed)
            # What is missing or refused is for the load to tell.
            with suppress(SourceRefusedError):
                waiting += [
                    f"{extract.source} ({feed})"
                    for extract in extracts(site, feed)
                    if not extract.refusal and not extract.left and known.same(extract, source) is None
                ]
    return waiting


def order_in_question(site: Site, feed: str, found: Sequence[Extract]) -> str:
    """The question that a feed's files raise whose names hold dates in another order; empty without one."""
    source = site.settings.source(feed)
    if source.files is None or source.file_date is not None:
        return ""
    doubt = doubtful_order([extract.source for extract in found], source.csv.month_names)
    return f"{feed}: {doubt}" if doubt else ""


def ordered_feeds(site: Site) -> list[str]:
    """The feeds a site declares, masters first."""
    return [name for name in FEEDS if name in site.settings.feeds]
