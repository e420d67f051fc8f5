"""What was agreed to be done."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"action_id": "T", "account_id": "A", "kind": "to_do", "owner": "Kim", "opened_date": "2026-06-03"}],
    breaks=(
        Break(
            "an action of an account that is not in the master",
            {
                "actions": [
                    {"action_id": "BAD-1", "account_id": "K9001", "opened_date": "2026-10-05", "owner": "Anna Köhler"}
                ]
            },
            {"actions.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "an action done on the day before it was agreed",
            {
                "actions": [
                    {
                        "action_id": "BAD-2",
                        "account_id": "K0001",
                        "opened_date": "2026-10-05",
                        "done_date": "2026-10-04",
                    }
                ]
            },
            {
                "actions.not_done_before_opened": [
                    {
                        "action_id": "BAD-2",
                        "opened_date": "2026-10-05",
                        "done_date": "2026-10-04",
                        "cancelled_date": None,
                    }
                ]
            },
        ),
        Break(
            "an action of nobody",
            {"actions": [{"action_id": "BAD-3", "opened_date": "2026-10-05"}]},
            {"actions.somebody_is_responsible": [{"action_id": "BAD-3"}]},
        ),
        Break(
            "an action for a figure that is not published",
            {
                "actions": [
                    {
                        "action_id": "BAD-4",
                        "account_id": "K0001",
                        "opened_date": "2026-10-05",
                        "measure": "sales.turnover",
                    }
                ]
            },
            {"actions.measure_is_published": [{"action_id": "BAD-4", "measure": "sales.turnover"}]},
        ),
    ),
)
