"""Ratings that customers give their vendors."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"account_id": "A", "month": "2026-06-01", "dimension": "quality", "score": "100"}],
    breaks=(
        Break(
            "a scorecard of an account that is not in the master",
            {
                "scorecards": [
                    {"account_id": "K9001", "month": "2026-10-01", "dimension": "cost", "score": "5", "max_score": "10"}
                ]
            },
            {"scorecards.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "11 points of 10",
            {
                "scorecards": [
                    {
                        "account_id": "K0009",
                        "month": "2026-10-01",
                        "dimension": "cost",
                        "score": "11",
                        "max_score": "10",
                    }
                ]
            },
            {
                "scorecards.score_within_maximum": [
                    {"account_id": "K0009", "dimension": "cost", "score": "11.0000", "max_score": "10.0000"}
                ]
            },
        ),
    ),
)
