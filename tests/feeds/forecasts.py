"""Quantities forecast for a target month at the end of a snapshot month."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase, Gap

CASE = FeedCase(
    clean=[{"snapshot_month": "2026-05-01", "target_month": "2026-06-01", "account_id": "A", "quantity": "1"}],
    good={
        "forecast_step": "sales",
        "snapshot_month": "2026-09-01",
        "target_month": "2026-10-01",
        "account_id": "K0001",
        "product_id": "HOS-0002",
        "quantity": "1",
    },
    breaks=(
        Break(
            "a forecast for an account and a part that are not in the masters",
            {"forecasts": [{"account_id": "K9001", "product_id": "SEA-8888"}]},
            {
                "forecasts.account_is_known": [{"account_id": "K9001", "row_count": 1}],
                "forecasts.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}],
            },
        ),
        Break(
            "a forecast for October made at the end of October",
            {"forecasts": [{"forecast_step": "late", "snapshot_month": "2026-10-01"}]},
            {
                "forecasts.target_after_snapshot": [
                    {"forecast_step": "late", "snapshot_month": "2026-10-01", "target_month": "2026-10-01"}
                ]
            },
        ),
        Break(
            "a forecast for an account and one for an account and a part",
            {"forecasts": [{"forecast_step": "tie", "product_id": ""}, {"forecast_step": "tie", "quantity": "7"}]},
            {
                "forecasts.round_has_one_grain": [
                    {"forecast_step": "tie", "grains": "account_id and account_id × product_id"}
                ]
            },
        ),
    ),
    gaps=(
        Gap(
            "no forecast for one of the parts of K0003 came",
            "account_id = 'K0003' AND product_id = 'HOS-0007'",
            {"forecasts.active_items_have_one": [{"account_id": "K0003", "product_id": "HOS-0007"}]},
        ),
    ),
)
