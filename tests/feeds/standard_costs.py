"""What one unit of a part costs, since when."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"product_id": "X", "valid_from": "2026-01-01", "unit_cost": "6"}],
    breaks=(
        Break(
            "a cost of a part that is not in the master",
            {"standard_costs": [{"product_id": "SEA-8888", "valid_from": "2026-10-05", "unit_cost": "4"}]},
            {"standard_costs.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
    ),
    extract=[
        {"product_id": "SEA-0001", "valid_from": f"2026-{month:02}-01", "unit_cost": "3.90"} for month in range(3, 11)
    ],
)
