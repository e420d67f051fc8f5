"""What is there beside what came: which rows are new, which end others, and which stay as they are."""

from __future__ import annotations

from kam.errors import SourceRefusedError
from kam.ingest import questions, rejects
from kam.ingest.incoming import columns_of, empty_columns
from kam.ingest.row_rules import NARROW, Reading
from kam.ingest.sources import Extract
from kam.site import FEEDS, Feed, Site
from kam.warehouse import Connection, number_of


def match(con: Connection, reading: Reading) -> None:
    """Put into `matched` which good row of `incoming` has the key of which current row, and whether they differ."""
    feed, empty = reading.feed, empty_columns(reading)
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


def refuse_changed_keys(con: Connection, reading: Reading) -> None:
    """In `append` mode a key that is already there with other content is faulty too, and so are its repeats.

    Without line numbers all rows of the document are faulty: which of them are new is not known.
    """
    feed = reading.feed
    changed = number_of(con, "SELECT count(*) FROM matched WHERE differs")
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


def supersede(con: Connection, feed: Feed, load_id: int) -> int:
    """End the current rows that this load replaces; how many."""
    replaced = con.execute(
        f"""
        UPDATE staging.{feed.name} SET superseded_load_id = {load_id}
        WHERE rowid IN (SELECT kept_place FROM matched WHERE differs)
        """
    )
    return int(replaced.fetchall()[0][0])


def end_narrow_numbers(con: Connection, site: Site, reading: Reading, load_id: int, *, was_read: bool) -> int:
    """End the current rows that this load brings again under a number with the wider key of the site; how many.

    `was_read` says whether its bytes were loaded before.
    """
    feed = reading.feed
    if feed.identity is None:
        return 0
    # Whether a document with another date or other lines is the same was asked, unless the file was read before: then only its own
    # lines end.
    same = (
        questions.same_line(reading, "kept", "incoming", site.settings.ingest.redated_days)
        if was_read
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


def end_missing_lines(con: Connection, feed: Feed, load_id: int) -> int:
    """End the current lines that documents no longer have which this load brings with all of their lines; how many.

    A rejected line is still in its document: its last good content stays.
    """
    document = feed.identity.document if feed.identity else feed.key[0]
    ended = con.execute(
        f"""
        UPDATE staging.{feed.name} AS kept SET superseded_load_id = {load_id}
        WHERE kept.superseded_load_id IS NULL
          AND kept.{document} IN (SELECT {document} FROM incoming WHERE verdict = 'good')
          AND kept.rowid NOT IN (SELECT kept_place FROM matched)
          AND NOT EXISTS (SELECT 1 FROM incoming WHERE verdict NOT IN {rejects.NOT_REJECTED} AND {feed.same_key("kept", "incoming")})
        """
    )
    return int(ended.fetchall()[0][0])


def close_vanished(
    con: Connection, site: Site, extract: Extract, load_id: int, current: int, shrink_ratio: float
) -> int:
    """End the current rows that a full extract no longer has; how many.

    What kam made itself for the feed is no part of it. Raises `SourceRefusedError` when that is more than the share `shrink_ratio`
    of them: the extract may be incomplete.
    """
    feed = FEEDS[extract.feed]
    made_here = [
        load_id for (load_id,) in con.execute("SELECT load_id FROM ops.loads WHERE is_made_here(source)").fetchall()
    ]
    not_made_here = f"AND kept.load_id NOT IN ({', '.join(map(str, made_here))})" if made_here else ""
    # A rejected row is still in the extract: its last good content stays.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE vanished AS
        SELECT kept.rowid AS kept_place
        FROM staging.{feed.name} AS kept
        WHERE kept.superseded_load_id IS NULL
          AND kept.rowid NOT IN (SELECT kept_place FROM matched) {not_made_here}
          AND NOT EXISTS (SELECT 1 FROM incoming WHERE verdict NOT IN {rejects.NOT_REJECTED} AND {feed.same_key("kept", "incoming")})
        """
    )
    gone = number_of(con, "SELECT count(*) FROM vanished")
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


def insert_rows(con: Connection, reading: Reading, load_id: int, *, any_left_out: bool, any_current: bool) -> int:
    """Add the rows that are not there yet with the same content; how many."""
    # A condition that holds for every row costs a twentieth of a large load.
    conditions = ["verdict = 'good'"] if any_left_out else []
    if any_current:
        conditions.append("rowid NOT IN (SELECT place FROM matched WHERE NOT differs)")
    inserted = con.execute(
        f"""
        INSERT INTO staging.{reading.feed.name} BY NAME
        SELECT {columns_of(reading)}, {load_id} AS load_id, {reading.record_number} AS source_row
        FROM incoming
        {"WHERE " if conditions else ""}{" AND ".join(conditions)}
        """
    )
    return int(inserted.fetchall()[0][0])
