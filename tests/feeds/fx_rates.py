"""Exchange rates into the reporting currency."""

from __future__ import annotations

from tests.feeds.case import FeedCase

CASE = FeedCase(
    clean=[{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.9"}],
)
