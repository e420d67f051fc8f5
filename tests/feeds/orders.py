"""Order lines."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {
            "order_id": "O1",
            "account_id": "A",
            "product_id": "X",
            "order_date": "2026-06-10",
            "quantity": "5",
            "currency": "USD",
        }
    ],
    good={
        "line_no": "10",
        "account_id": "K0001",
        "product_id": "HOS-0002",
        "order_date": "2026-10-12",
        "promised_date": "2026-11-10",
        "quantity": "4000.000",
        "unit_price": "8.50",
        "currency": "EUR",
        "Status": "offen",
    },
    breaks=(
        Break(
            "an order without a date, an invoice whose amount cannot be read, and a forecast of another grain are rejected",
            {
                "orders": [{"order_id": "BAD-NO-DATE", "order_date": ""}],
                "invoices": [{"invoice_id": "BAD-LAKH", "net_amount": "12x500x000"}],
                "forecasts": [
                    {"forecast_step": "coarse", "account_id": "K0001"},
                    {"forecast_step": "coarse", "account_id": "K0002"},
                    {"forecast_step": "coarse", "product_id": "", "quantity": "7"},
                ],
            },
            {
                "loads.few_rows_rejected": [
                    {"feed": "orders", "source": "landing/orders/broken.csv", "rejected_count": 1},
                    {"feed": "invoices", "rejected_count": 1},
                    {"feed": "forecasts", "rejected_count": 1},
                ],
                "loads.little_money_rejected": [{"feed": "invoices", "rejected_rows": 1, "rejected_amount": 12500000}],
                "loads.every_row_is_a_record": [{"feed": "forecasts", "rule": "grain", "row_count": 1}],
            },
        ),
        Break(
            "an order of 0.00406 pieces, which become 0.0041",
            {"orders": [{"order_id": "BAD-TINY", "quantity": "0.00406", "currency": "USD"}]},
            {"loads.little_is_rounded_away": [{"feed": "orders", "column_name": "quantity", "row_count": 1}]},
        ),
        Break(
            "an order of an account that is not in the master",
            {"orders": [{"order_id": "BAD-1", "account_id": "K9001"}]},
            {"orders.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "an order of a part that is not in the master",
            {"orders": [{"order_id": "BAD-2", "product_id": "SEA-8888"}]},
            {"orders.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
        Break(
            "an order of 30 October promised for 1 October",
            {"orders": [{"order_id": "BAD-3", "order_date": "2026-10-30", "promised_date": "2026-10-01"}]},
            {
                "orders.promised_on_or_after_order_date": [
                    {"order_id": "BAD-3", "order_date": "2026-10-30", "promised_date": "2026-10-01"}
                ]
            },
        ),
        Break(
            "a line promised for Sunday 11 October that came on Monday",
            {
                "orders": [{"order_id": "BAD-SUNDAY", "order_date": "2026-10-01", "promised_date": "2026-10-11"}],
                "deliveries": [{"delivery_id": "BAD-SUNDAY", "order_id": "BAD-SUNDAY", "delivered_date": "2026-10-12"}],
            },
            {
                "orders.late_on_a_working_day": [
                    {
                        "order_id": "BAD-SUNDAY",
                        "basis": "promised",
                        "due_date": "2026-10-11",
                        "delivered_date": "2026-10-12",
                    }
                ]
            },
        ),
        Break(
            "a price of 9,999 for a part of a few euro",
            {"orders": [{"order_id": "BAD-4", "unit_price": "9999.00"}]},
            {"orders.price_is_usual": [{"order_id": "BAD-4", "account_id": "K0001", "price": "9999.0000"}]},
        ),
        Break(
            "ten million pieces instead of some thousand",
            {"orders": [{"order_id": "BAD-5", "quantity": "10000000.000"}]},
            {"orders.quantity_is_usual": [{"order_id": "BAD-5", "account_id": "K0001", "quantity": "10000000.0000"}]},
        ),
        Break(
            "an order line of nothing",
            {"orders": [{"order_id": "BAD-6", "quantity": "0.000"}]},
            {"orders.quantity_is_above_zero": [{"order_id": "BAD-6", "line_no": 10}]},
        ),
        Break(
            "3 pieces rejected of 2 delivered, on the order line itself",
            {"orders": [{"order_id": "BAD-7", "delivered_quantity": "2.000", "rejected_quantity": "3.000"}]},
            {
                "orders.rejected_within_delivered": [
                    {"order_id": "BAD-7", "delivered_quantity": "2.0000", "rejected_quantity": "3.0000"}
                ]
            },
        ),
    ),
)
