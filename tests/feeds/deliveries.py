"""Deliveries against order lines."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-06-12", "quantity": "5"}],
    good={"line_no": "1", "order_id": "BAD-4", "order_line_no": "10", "delivered_date": "2026-10-12", "quantity": "1"},
    breaks=(
        Break(
            "a delivery for an unknown order",
            {"deliveries": [{"delivery_id": "BAD-1", "order_id": "SO-NOWHERE", "order_line_no": "10"}]},
            {
                "deliveries.order_line_is_known": [
                    {"delivery_id": "BAD-1", "order_id": "SO-NOWHERE", "order_line_no": 10}
                ]
            },
        ),
        Break(
            "a delivery of 1 October against an order of 30 October",
            {
                "deliveries": [
                    {"delivery_id": "BAD-2", "order_id": "BAD-3", "order_line_no": "10", "delivered_date": "2026-10-01"}
                ]
            },
            {
                "deliveries.not_before_order": [
                    {"delivery_id": "BAD-2", "delivered_date": "2026-10-01", "order_date": "2026-10-30"}
                ]
            },
        ),
        Break(
            "6 pieces rejected of 5 delivered",
            {"deliveries": [{"delivery_id": "BAD-3", "quantity": "5", "rejected_quantity": "6"}]},
            {
                "deliveries.rejected_within_delivered": [
                    {"delivery_id": "BAD-3", "quantity": "5.0000", "rejected_quantity": "6.0000"}
                ]
            },
        ),
    ),
)
