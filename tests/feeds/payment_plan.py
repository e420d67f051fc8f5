"""Receipts expected by account and month."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"account_id": "A", "month": "2026-06-01", "amount": "1"}],
    breaks=(
        Break(
            "receipts planned for an account that is not in the master",
            {"payment_plan": [{"account_id": "K9001", "month": "2026-10-01", "amount": "1", "currency": "EUR"}]},
            {"payment_plan.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
    ),
)
