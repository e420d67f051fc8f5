"""Gates of projects with customers."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"project_id": "R", "account_id": "A", "product_id": "X", "gate": "RFQ", "planned_date": "2026-06-15"}],
    good={"project_id": "BAD", "account_id": "K0001", "gate": "RFQ", "planned_date": "2026-10-12"},
    breaks=(
        Break(
            "a gate of an account that is not in the master",
            {"milestones": [{"project_id": "BAD-1", "account_id": "K9001"}]},
            {"milestones.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a gate of a part that is not in the master",
            {"milestones": [{"project_id": "BAD-2", "product_id": "SEA-8888"}]},
            {"milestones.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
        Break(
            "a gate without any day",
            {"milestones": [{"project_id": "BAD-3", "planned_date": ""}]},
            {"milestones.have_a_date": [{"project_id": "BAD-3", "gate": "RFQ"}]},
        ),
        Break(
            "a gate that was approved on no day",
            {"milestones": [{"project_id": "BAD-4", "result": "approved"}]},
            {"milestones.results_have_a_day": [{"project_id": "BAD-4", "gate": "RFQ", "result": "approved"}]},
        ),
    ),
)
