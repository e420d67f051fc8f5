"""What it costs to serve accounts, beside the goods."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase, Gap

CASE = FeedCase(
    clean=[{"account_id": "A", "month": "2026-06-01", "cost_type": "freight", "amount": "70"}],
    breaks=(
        Break(
            "costs of an account that is not in the master",
            {"account_costs": [{"account_id": "K9001", "month": "2026-10-01", "cost_type": "freight", "amount": "1"}]},
            {"account_costs.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
    ),
    gaps=(
        Gap(
            "the freight of the month did not come",
            "cost_type = 'freight'",
            {"account_costs.kinds_have_rows": [{"cost_type": "freight"}]},
        ),
    ),
)
