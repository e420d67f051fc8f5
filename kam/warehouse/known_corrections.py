"""The state of each correction of a site in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass

from kam.site import Site
from kam.warehouse.corrected import fill_corrections, states_of_corrections
from kam.warehouse.sql import Connection, rows
from kam.warehouse.store import open_read_only


@dataclass(frozen=True)
class KnownCorrection:
    """A correction and its row as known: `found` is the source's value, `fault` says why it cannot be applied.

    `state` is `applied`, `not yet loaded` (the row came with a later load than the one that counts) or `stale`.
    """

    feed: str
    key: str
    column: str
    wrong: str | None
    right: str | None
    reason: str
    owner: str
    state: str
    found: str | None
    fault: str | None


def known_corrections(con: Connection) -> list[KnownCorrection]:
    """The corrections of the build, and the state of each."""
    return _known(con, "build.corrections")


def checked_corrections(site: Site, feed: str | None = None) -> list[KnownCorrection]:
    """The corrections of a site, or those of one feed, as known at the last load; writes nothing.

    Raises `WarehouseBusyError` while another process writes.
    """
    corrections = [correction for correction in site.settings.corrections if feed in (None, correction.feed)]
    if not corrections:
        return []
    with open_read_only(site) as con:
        # The warehouse has the corrections of the last run, and nothing may be written to it.
        fill_corrections(con, "temp.corrections", corrections)
        return _known(con, f"({states_of_corrections(corrections, 'temp.corrections')})")


def _known(con: Connection, table: str) -> list[KnownCorrection]:
    found = rows(
        con,
        f"""
        SELECT
            feed, key, column_name AS "column", wrong_value AS wrong, right_value AS "right", reason, owner, state,
            found_value AS found, fault
        FROM {table} AS corrections ORDER BY feed, key_values, column_name
        """,
    )
    return [KnownCorrection(**row) for row in found]
