"""Queries over the ledgers in `ops` that several packages need."""

from __future__ import annotations

LAST_TRIED = """
    SELECT period_month, min(close_version) AS close_version
    FROM (
        SELECT period_month, max(close_version) AS close_version FROM ops.standing_closes GROUP BY period_month
        UNION ALL SELECT period_month, 0 FROM ops.failed_closes
    )
    GROUP BY period_month
"""
"""A SELECT of the version whose checks show the state of each month: the attempt that failed, else the newest version."""
