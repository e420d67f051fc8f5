"""Contracts with customers."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {"contract_id": "T", "account_id": "A", "start_date": "2026-06-01", "end_date": "2027-05-31"}
        | {"notice_days": "90", "signed_by_us": "2026-05-20", "signed_by_customer": "2026-05-22"}
    ],
    good={"contract_id": "BAD", "account_id": "K0001", "start_date": "2026-10-12", "end_date": "2027-10-11"},
    breaks=(
        Break(
            "a contract with an account that is not in the master",
            {"contracts": [{"contract_id": "BAD-1", "account_id": "K9001"}]},
            {"contracts.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a contract that ends on the day before it starts",
            {"contracts": [{"contract_id": "BAD-2", "end_date": "2026-10-11"}]},
            {
                "contracts.end_after_they_start": [
                    {"contract_id": "BAD-2", "start_date": "2026-10-12", "end_date": "2026-10-11"}
                ]
            },
        ),
        Break(
            "a contract with days of notice and no end",
            {"contracts": [{"contract_id": "BAD-3", "end_date": "", "notice_days": "90"}]},
            {"contracts.what_is_renewed_has_an_end": [{"contract_id": "BAD-3", "notice_days": 90}]},
        ),
    ),
)
