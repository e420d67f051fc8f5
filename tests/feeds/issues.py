"""Complaints, audit findings and requests of customers."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"issue_id": "S", "account_id": "A", "opened_date": "2026-06-03", "closed_date": "2026-06-03"}],
    breaks=(
        Break(
            "an issue of an account that is not in the master",
            {"issues": [{"issue_id": "BAD-1", "account_id": "K9001", "opened_date": "2026-10-05"}]},
            {"issues.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "an issue with a part that is not in the master",
            {
                "issues": [
                    {"issue_id": "BAD-2", "account_id": "K0001", "product_id": "SEA-8888", "opened_date": "2026-10-05"}
                ]
            },
            {"issues.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
        Break(
            "an issue closed on the day before it was opened",
            {
                "issues": [
                    {
                        "issue_id": "BAD-3",
                        "account_id": "K0001",
                        "opened_date": "2026-10-05",
                        "closed_date": "2026-10-04",
                    }
                ]
            },
            {
                "issues.not_closed_before_opened": [
                    {"issue_id": "BAD-3", "opened_date": "2026-10-05", "closed_date": "2026-10-04"}
                ]
            },
        ),
    ),
)
