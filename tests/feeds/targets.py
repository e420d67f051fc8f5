"""What figures should be."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"month": "2026-06-01", "measure": "sales.net_amount", "account_id": "A", "target": "1"}],
    breaks=(
        Break(
            "a target of an account that is not in the master",
            {"targets": [{"month": "2026-10-01", "measure": "sales.net_amount", "account_id": "K9001", "target": "1"}]},
            {"targets.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a target of a figure that no table has",
            {"targets": [{"month": "2026-10-01", "measure": "sales.net_amuont", "account_id": "K0001", "target": "1"}]},
            {
                "targets.measure_is_published": [
                    {
                        "measure": "sales.net_amuont",
                        "nearest": "sales.net_amount",
                        "account_id": "K0001",
                        "account_manager": None,
                    }
                ]
            },
        ),
        Break(
            "a target of a figure that is neither better nor worse when it rises",
            {
                "targets": [
                    {"month": "2026-10-01", "measure": "sales.list_amount", "account_id": "K0001", "target": "1"}
                ]
            },
            {
                "targets.measure_has_a_direction": [
                    {"measure": "sales.list_amount", "account_id": "K0001", "account_manager": None}
                ]
            },
        ),
        Break(
            "a target of a manager without accounts",
            {
                "targets": [
                    {"month": "2026-10-01", "measure": "sales.net_amount", "account_manager": "Nobody", "target": "1"}
                ]
            },
            {
                "targets.manager_has_accounts": [
                    {"measure": "sales.net_amount", "account_manager": "Nobody"},
                ]
            },
        ),
    ),
)
