"""Which months readers see: the newest versions in the published file, also while another process writes to the site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from kam.publish.month_report import published_month
from kam.publish.published_file import PUBLISHED_FILE
from kam.site import Site
from kam.warehouse import rows


@dataclass(frozen=True)
class PublishedMonth:
    """The version of a month that readers see; `closed_at` is in UTC."""

    month: date
    version: int
    verdict: str
    closed_at: datetime
    closed_by: str
    content_hash: str


def published_months(site: Site) -> list[PublishedMonth]:
    """The months that readers see, oldest first; none where nothing was published yet."""
    if not (site.published / PUBLISHED_FILE).exists():
        return []
    with published_month(site) as con:
        found = rows(
            con,
            """
            SELECT
                period_month AS month, close_version AS version, verdict, closed_at, closed_by, content_hash
            FROM reporting.closes
            WHERE is_newest
            ORDER BY period_month
            """,
        )
    return [PublishedMonth(**row) for row in found]


def failed_months(site: Site) -> list[tuple[date, datetime]]:
    """The months whose last attempt failed, as far as readers know, and when it was (UTC)."""
    if not (site.published / PUBLISHED_FILE).exists():
        return []
    with published_month(site) as con:
        found = rows(con, "SELECT period_month, failed_at FROM reporting.failed_closes ORDER BY period_month")
    return [(row["period_month"], row["failed_at"]) for row in found]


def waiting_months(site: Site) -> list[tuple[date, int]]:
    """The months with a version that waits for approval, as far as the published file knows, and the version."""
    if not (site.published / PUBLISHED_FILE).exists():
        return []
    with published_month(site) as con:
        try:
            found = rows(
                con, "SELECT period_month, close_version FROM ops.preliminary WHERE is_waiting ORDER BY period_month"
            )
        except duckdb.CatalogException:  # a file of an earlier release
            return []
    return [(row["period_month"], row["close_version"]) for row in found]
