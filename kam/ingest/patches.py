"""Patches: files that have only some columns, and leave the others of each row as they were."""

from __future__ import annotations

from kam.ingest.row_rules import Reading
from kam.warehouse import Connection


def fill_patches(con: Connection, reading: Reading) -> None:
    """Give the rows of `incoming` what current rows have in the columns that the file does not have.

    A row that is not there yet and lacks what the feed requires becomes `incomplete`.
    """
    feed = reading.feed
    absent = [name for name in feed.column_names if name in reading.absent and name not in feed.key]
    if not absent:
        return
    con.execute(
        f"""
        UPDATE incoming SET {", ".join(f"{name} = kept.{name}" for name in absent)}
        FROM staging.{feed.name} AS kept
        WHERE kept.superseded_load_id IS NULL AND verdict = 'good' AND {feed.same_key("kept", "incoming")}
        """
    )
    lacks = [f"{name} IS NULL" for name in absent if feed.column(name).required]
    lacks += [
        f"NOT ({rule.is_kept('{} IS NOT NULL'.format)})" for rule in feed.row_rules if reading.absent & rule.columns
    ]
    if lacks:
        con.execute(f"UPDATE incoming SET verdict = 'incomplete' WHERE verdict = 'good' AND ({' OR '.join(lacks)})")
