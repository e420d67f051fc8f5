"""The money that projects cost and bring."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"case_id": "B1", "month": "2026-06-01", "account_id": "A", "cash_flow": "-100", "discount_rate": "0.08"}],
    breaks=(
        Break(
            "a case of an account that is not in the master",
            {"business_cases": [{"case_id": "B901", "month": "2026-10-01", "account_id": "K9001", "cash_flow": "-5"}]},
            {"business_cases.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a case with two discount rates",
            {
                "business_cases": [
                    {"case_id": "B902", "month": month, "account_id": "K0001", "cash_flow": "-5", "discount_rate": rate}
                    for month, rate in (("2026-10-01", "0.08"), ("2026-11-01", "0.09"))
                ]
            },
            {"business_cases.case_is_one": [{"case_id": "B902"}]},
        ),
    ),
)
