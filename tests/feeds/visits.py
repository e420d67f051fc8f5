"""Visits to customers, planned and held."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"visit_id": "V", "account_id": "A", "planned_date": "2026-06-03"}],
    good={"account_id": "K0001", "visit_type": "sales", "planned_date": "2026-10-12", "visit_date": "2026-10-12"},
    breaks=(
        Break(
            "a visit to an account that is not in the master",
            {"visits": [{"visit_id": "BAD-1", "account_id": "K9001"}]},
            {"visits.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
    ),
)
