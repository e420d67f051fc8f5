"""What credit agencies, or our own credit department, found about customers."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"account_id": "A", "reviewed_on": "2026-06-03", "rating": "A", "next_review_on": "2026-12-03"}],
    breaks=(
        Break(
            "a review of an account that is not in the master",
            {"credit_reviews": [{"account_id": "K9001", "reviewed_on": "2026-10-05"}]},
            {"credit_reviews.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a next review due on the day of the review",
            {
                "credit_reviews": [
                    {"account_id": "K0001", "reviewed_on": "2026-10-29", "next_review_on": "2026-10-29"},
                ]
            },
            {
                "credit_reviews.next_one_is_later": [
                    {"account_id": "K0001", "reviewed_on": "2026-10-29", "next_review_on": "2026-10-29"}
                ]
            },
        ),
    ),
)
