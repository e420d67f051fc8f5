"""What was promised in contracts."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {"commitment_id": "C", "contract_id": "T", "account_id": "A", "product_id": "X", "quantity": "100"}
        | {"from_date": "2026-06-01", "to_date": "2027-05-31"}
    ],
    good={"commitment_id": "BAD", "account_id": "K0001", "from_date": "2026-10-12", "to_date": "2027-10-11", "quantity": "5"},
    breaks=(
        Break(
            "a commitment of an account that is not in the master",
            {"commitments": [{"commitment_id": "BAD-1", "account_id": "K9001"}]},
            {"commitments.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a commitment for a part that is not in the master",
            {"commitments": [{"commitment_id": "BAD-2", "product_id": "SEA-8888"}]},
            {"commitments.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
        Break(
            "a commitment that ends on the day before it begins",
            {"commitments": [{"commitment_id": "BAD-3", "to_date": "2026-10-11"}]},
            {
                "commitments.end_after_they_begin": [
                    {"commitment_id": "BAD-3", "from_date": "2026-10-12", "to_date": "2026-10-11"}
                ]
            },
        ),
        Break(
            "a commitment that names neither a volume nor a day",
            {"commitments": [{"commitment_id": "BAD-4", "quantity": ""}]},
            {"commitments.say_what_is_promised": [{"commitment_id": "BAD-4"}]},
        ),
        Break(
            "a commitment of a contract that is not in the feed of contracts",
            {"commitments": [{"commitment_id": "BAD-5", "contract_id": "GONE"}]},
            {
                "commitments.contract_is_known": [
                    {
                        "commitment_id": "BAD-5",
                        "contract_id": "GONE",
                        "account_id": "K0001",
                        "contract_account_id": None,
                    }
                ]
            },
        ),
    ),
)  # fmt: skip
