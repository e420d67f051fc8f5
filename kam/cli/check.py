"""What `kam check` does: it reads each source as a load would, into a database in memory. It loads nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
from pydantic import ValidationError

from expectations.site import faults_of_own_rules, own_suites, require_valid
from kam.archive import ledger
from kam.errors import KamError, SourceRefusedError, WarehouseBusyError
from kam.ingest import (
    Examination,
    Extract,
    Proposal,
    Sample,
    examine,
    header_place,
    offered,
    opened,
    order_in_question,
    ordered_feeds,
    propose,
    snippet,
    text_sample,
    unpivoted,
    wide_sample,
)
from kam.ingest.readers import Missing, missing_in, missing_in_files, uncompressed
from kam.publish import faults_of_targets
from kam.site import FEEDS, WORKBOOK_ENDINGS, FeedSource, Site, require_feed, scratch_folder
from kam.warehouse import Connection, KnownCorrection, checked_corrections, memory, open_read_only, quoted
from kam.words import counted, printable

_ROWS_OF_A_DATABASE = 10_000
_ROWS_LOOKED_AT = 1000
_SHARE_THAT_FITS = 0.5
_SHOWN_ROWS = 3
_SHOWN_KINDS = 20
_SHOWN_LOOK_ALIKES = 20


@dataclass(frozen=True)
class SiteCheck:
    """What can be read, what is refused and why, notes, and proposals for files that do not fit their declaration.

    A proposal has several lines: a table of `kam.toml`, what it leaves open, and the first rows as it maps them. The
    corrections are looked up in what is loaded already. `feeds` are those that were looked at.
    """

    feeds: Sequence[str]
    faulty: list[str]

    examined: list[Examination]
    refused: list[str]
    notes: list[str]
    proposals: list[str]
    corrections: list[KnownCorrection]
    missing: list[Missing]

    @property
    def in_need(self) -> list[str]:
        """The feeds of which a source is refused or a row would be rejected."""
        rejecting = {examined.feed for examined in self.examined if examined.rejected_count}
        return [feed for feed in self.feeds if feed in rejecting or feed in self.faulty]

    @property
    def useless(self) -> list[str]:
        """The feeds of which every row would be rejected."""
        found = {feed: [one for one in self.examined if one.feed == feed and one.read_count] for feed in self.feeds}
        return [feed for feed, of in found.items() if of and all(one.rejected_count == one.read_count for one in of)]


def check_site(site: Site, feed: str | None = None) -> SiteCheck:
    """Examine all sources, alert channels and targets of publications of a site, or the sources of one feed.

    Raises `UsageError` for a feed that is not declared, `SettingsError` for settings or rules of the site that are wrong.
    """
    if feed is not None:
        require_feed(site.settings, feed)
    require_valid(site)
    result = SiteCheck([feed] if feed else ordered_feeds(site), [], [], [], [], [], [], [])
    _check_corrections(site, feed, result)
    _check_own_rules(site, result)
    if not site.settings.feeds:
        result.notes.append("No feed is declared in kam.toml; nothing would be loaded. Remove the # in front of one.")
    known = _loaded(site, result)
    _check_databases(site, result)
    _check_inputs(site, result)
    with memory() as con:
        for name in result.feeds:
            if name in result.faulty:
                continue
            try:
                with offered(con, site, name, row_limit=_ROWS_OF_A_DATABASE) as found:
                    _check_feed(con, site, name, found, known, result)
            except KamError as error:
                result.faulty.append(name)
                result.refused.append(str(error))
    result.notes.extend(_look_alikes(result.examined))
    if feed is None:
        result.refused.extend(faults_of_targets(site))
        if site.settings.alerts.channels:
            from kam.alerts import faults

            result.refused.extend(faults(site.settings.alerts))
    return result


def _check_databases(site: Site, result: SiteCheck) -> None:
    """What the queries need and do not find, in one list for each database; their feeds are not read then."""
    sources = {name: site.settings.feeds[name] for name in result.feeds}
    for database in dict.fromkeys(source.database for source in sources.values() if source.database):
        queries = {name: str(source.query) for name, source in sources.items() if source.database == database}
        first, *others = queries
        more = f" (and {counted(len(others), 'more feed')})" if others else ""
        where = f"feeds.{first}.database{more}"
        try:
            missing = missing_in(str(database), where, queries)
        except KamError as error:
            result.faulty.extend(queries)
            result.refused.append(str(error))
            continue
        if missing:
            needing = {feed for one in missing for feed in one.feeds}
            result.missing.extend(missing)
            result.faulty.extend(name for name in queries if name in needing)
            lines = (f"  {one.table}: {one.what} ({', '.join(one.feeds)})" for one in missing)
            result.refused.append("\n".join((f"{database}: the queries need what is not there:", *lines)))


def _check_inputs(site: Site, result: SiteCheck) -> None:
    """What the SELECTs over files need and do not find in them, in one list; their feeds are not read then."""
    missing = []
    for name in result.feeds:
        select = site.settings.feeds[name].sql
        if select is not None and (site.directory / select).is_file():
            text = (site.directory / select).read_text(encoding="utf-8", errors="replace")
            missing += missing_in_files(site.directory, name, text)
    if missing:
        result.missing.extend(missing)
        result.faulty.extend(dict.fromkeys(feed for one in missing for feed in one.feeds))
        lines = (f"  {one.table}: {one.what} ({', '.join(one.feeds)})" for one in missing)
        result.refused.append("\n".join(("The queries need what is not in the files:", *lines)))


def _loaded(site: Site, result: SiteCheck) -> Collection[tuple[str, str]]:
    """The feed and the hash of all that the ledger of the archive lists as loaded."""
    try:
        return ledger.loaded(site)
    except KamError as error:
        result.refused.append(str(error))
        return ()


def _look_alikes(examined: list[Examination]) -> list[str]:
    """Notes on identifiers of two spellings that look like one thing: `1023` and `1023.0`, `A-1` and `a-1`."""
    seen: dict[tuple[str, str], dict[str, set[str]]] = {}
    for one in examined:
        for column, values in one.identifiers.items():
            for value in values:
                seen.setdefault((column, _looks_like(value)), {}).setdefault(value, set()).add(one.feed)
    alike = [(column, spellings) for (column, _), spellings in sorted(seen.items()) if len(spellings) > 1]
    notes = []
    for column, spellings in alike[:_SHOWN_LOOK_ALIKES]:
        named = " and ".join(f"{value!r} ({', '.join(sorted(feeds))})" for value, feeds in sorted(spellings.items()))
        notes.append(f"{column}: {named} look alike and count as different. Write them in one way")
    if len(alike) > _SHOWN_LOOK_ALIKES:
        notes.append(f"{len(alike) - _SHOWN_LOOK_ALIKES:,} more identifiers look like others")
    return notes


def _looks_like(identifier: str) -> str:
    """An identifier without what the eye does not tell apart, or a program adds to a number."""
    plain = unicodedata.normalize("NFKC", identifier).casefold()
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return re.sub(r"^(\d+)[.,]0+$", r"\1", plain.strip())


def _check_corrections(site: Site, feed: str | None, result: SiteCheck) -> None:
    try:
        result.corrections.extend(checked_corrections(site, feed))
    except KamError as error:
        result.notes.append(f"The corrections cannot be checked now: {error}")


def _check_own_rules(site: Site, result: SiteCheck) -> None:
    """Whether the site's own rules find the tables and columns that they name, as far as these are there already."""
    if not own_suites(site):
        return
    try:
        with open_read_only(site) as con:
            result.refused.extend(faults_of_own_rules(con, site))
    except WarehouseBusyError as error:
        result.notes.append(f"The rules in {site.checks.name}/ cannot be tested now: {error}")


def _check_feed(
    con: Connection, site: Site, name: str, found: list[Extract], known: Collection[tuple[str, str]], result: SiteCheck
) -> None:
    """Examine what a feed offers; `known` are the feed and the hash of what was loaded before."""
    source = site.settings.feeds[name]
    if not found:
        nothing = "the query returns no rows" if source.database else f"no file matches {', '.join(source.patterns)}"
        result.notes.append(f"{name}: {nothing} yet.")
    if not all((name, extract.sha256) in known for extract in found) and (
        doubt := order_in_question(site, name, found)
    ):
        result.faulty.append(name)
        result.refused.append(doubt)
    misfit = None
    for extract in found:
        if extract.left:
            result.notes.append(extract.left)
            continue
        examined = _examined(con, site, extract, known, result)
        if extract.refusal:
            continue
        if examined is None or examined.rejected_count > examined.read_count * _SHARE_THAT_FITS:
            misfit = misfit or extract
    if misfit is not None:
        proposed = _proposal(con, site, misfit)
        if proposed:
            result.proposals.append(proposed)


def _examined(
    con: Connection, site: Site, extract: Extract, known: Collection[tuple[str, str]], result: SiteCheck
) -> Examination | None:
    """What a load would do with an extract, listed in the result; None when it would refuse it."""
    try:
        if extract.refusal:
            raise SourceRefusedError(extract.refusal)
        examined = examine(con, site, extract, is_known=(extract.feed, extract.sha256) in known)
    except KamError as error:
        result.faulty.append(extract.feed)
        result.refused.append(str(error))
        return None
    result.examined.append(examined)
    if examined.remark:
        result.notes.append(examined.remark)
    return examined


def _proposal(con: Connection, site: Site, extract: Extract) -> str:
    """A declaration that fits a file better than its own, and what it makes of the first rows; empty without one."""
    declared = site.settings.feeds[extract.feed]
    source = _with_header(site, extract, declared)
    sample = _sample(con, site, extract, source)
    if sample is None:
        return ""
    wide = wide_sample(FEEDS[extract.feed], sample) if source.files is not None and source.unpivot is None else None
    if wide is not None:
        source, sample = source.model_copy(update={"unpivot": wide[0]}), wide[1]
    found = propose(FEEDS[extract.feed], source, sample)
    if found is None:
        return ""
    text = snippet(extract.feed, source, found)
    try:
        tried = FeedSource.model_validate(
            source.model_dump(exclude_unset=True) | {"csv": dict(found.csv), "columns": dict(found.columns)}
        )
    except ValidationError:
        return ""
    head = f"{extract.feed}: {extract.source} may be declared as:"
    if tried.mapping_hash == declared.mapping_hash:
        if not found.remarks:
            return ""
        head = f"{extract.feed}: {extract.source}: nothing fits better than what is declared:"
    return "\n".join((head, "", text, "", *_outcome(con, site, extract, tried, found)))


def _with_header(site: Site, extract: Extract, source: FeedSource) -> FeedSource:
    """The declaration with the sheet and the row of a workbook that name most of the feed's columns."""
    if source.files is None or not extract.source.lower().endswith(WORKBOOK_ENDINGS):
        return source
    try:
        from kam.ingest.readers.workbooks import first_rows

        sheets = first_rows(extract.files[0].path, site.settings.ingest, extract.source)
    except KamError:
        return source
    place = header_place(FEEDS[extract.feed], source, sheets)
    return source if place is None else source.model_copy(update=place)


def _outcome(con: Connection, site: Site, extract: Extract, tried: FeedSource, found: Proposal) -> list[str]:
    """What remains open in a proposal, and the first rows that it gives."""
    feeds = {**site.settings.feeds, extract.feed: tried}
    try:
        examined = examine(con, Site(site.directory, site.settings.model_copy(update={"feeds": feeds})), extract)
    except KamError as error:
        return [*found.remarks, f"With it: {error}"]
    rejected = f", {examined.rejected_count:,} of them rejected ({by_rule(examined)})" if examined.faults else ""
    lines = [*found.remarks, f"With it, {examined.read_count:,} rows are read{rejected}."]
    shown = examined.sample[:_SHOWN_ROWS]
    for name in shown[0] if shown else ():
        values = ["" if row[name] is None else str(row[name]) for row in shown]
        if any(values):
            lines.append(f"  {name}: {' | '.join(values)}")
    return lines


def by_rule(examined: Examination) -> str:
    """The rejected rows by rule, as in `2 × required, 1 × type`."""
    return ", ".join(f"{count:,} × {rule}" for rule, count in examined.faults.items())


def fault_rows(examined: Examination) -> list[dict[str, str]]:
    """The kinds of faults of a source as a table: column, rule, rows, and record and value of the first five."""
    return [
        {
            "Column": kind.column,
            "Rule": kind.rule,
            "Rows": f"{kind.count:,}",
            "First": "; ".join(
                f"record {record:,}{f', column {printable(column)}' if column else ''}: "
                f"{'empty' if value is None else repr(printable(value))}"
                for record, column, value in kind.first
            ),
            "What is wrong": kind.message,
        }
        for kind in examined.kinds[:_SHOWN_KINDS]
    ]


def summary(report: SiteCheck) -> dict[str, object]:
    """What other programs need of a check, without rows of the data."""
    return {
        "feeds": report.feeds,
        "feeds_in_need": report.in_need,
        "feeds_rejected_as_a_whole": report.useless,
        "sources": [
            {
                "feed": one.feed,
                "source": one.source,
                "read_count": one.read_count,
                "rejected_count": one.rejected_count,
                "faults": [
                    {"column": kind.column, "rule": kind.rule, "count": kind.count, "message": kind.message}
                    for kind in one.kinds
                ],
            }
            for one in report.examined
        ],
        "missing": [
            {"database": one.database, "table": one.table, "what": one.what, "feeds": list(one.feeds)}
            for one in report.missing
        ],
        "refused": report.refused,
        "notes": report.notes,
        "proposals": report.proposals,
        "corrections": report.corrections,
    }


def _sample(con: Connection, site: Site, extract: Extract, source: FeedSource) -> Sample | None:
    """The first rows of a source as text: worked out from the bytes of a text file, else as the source has them."""
    if source.sql is None and source.database is None and source.unpivot is None:
        found = _text_file_sample(site, extract)
        if found is not None:
            return found
    try:
        with opened(con, site, extract, source) as raw:
            relation = unpivoted(con, extract, source, raw)
            names = list(relation.columns)
            cells = ", ".join(f"coalesce({quoted(name)}::VARCHAR, '')" for name in names)
            rows = con.execute(f"SELECT {cells} FROM {relation.sql} LIMIT {_ROWS_LOOKED_AT}").fetchall()
    except (KamError, duckdb.Error):
        return None
    return Sample(names, rows, source.csv.model_dump(exclude_unset=True))


def _text_file_sample(site: Site, extract: Extract) -> Sample | None:
    with scratch_folder(site, "check-") as folder:
        file = extract.files[0].path
        try:
            return text_sample(uncompressed(file, folder, extract.source, site.settings.ingest))
        except KamError:
            return None
