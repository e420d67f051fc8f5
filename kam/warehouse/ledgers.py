"""Queries over the ledgers in `ops` that several packages need."""

from __future__ import annotations

_LAST = """
    SELECT period_month, min(close_version) AS close_version
    FROM (
        SELECT period_month, max(close_version) AS close_version FROM ops.{closes} GROUP BY period_month
        UNION ALL SELECT period_month, 0 FROM ops.failed_closes
    )
    GROUP BY period_month
"""
LAST_TRIED = _LAST.format(closes="standing_closes")
"""A SELECT of the version whose checks show the state of each month: the attempt that failed, else the newest version."""
LAST_SHOWN = _LAST.format(closes="shown_closes")
"""The same for readers: the attempt that failed, else the newest version that they see."""
