"""Figures of any size that the contract allows: a currency of small units, parts sold by the billion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.periods import parse_month
from tests.support import close_plainly, long, published, write_site

AMOUNT = 18_000_000_000_000
QUANTITY = 1_000_000_000_000
Rows = Sequence[Mapping[str, Any]]


def _books(currency: str, amount: int, quantity: int) -> dict[str, Rows]:
    """A site of three months whose every amount and quantity is this large; the unit price makes one of the other."""
    price = Decimal(amount) / quantity
    months = (4, 5, 6)
    line = {"account_id": "A", "product_id": "X", "currency": currency}
    orders = [
        line
        | {
            "order_id": f"O{month}",
            "order_date": f"2026-{month:02}-01",
            "requested_date": f"2026-{month:02}-10",
            "promised_date": f"2026-{month:02}-10",
            "last_promised_date": f"2026-{month:02}-10",
            "quantity": quantity,
            "unit_price": price,
        }
        for month in months
    ]
    invoices = [
        line
        | {
            "invoice_id": f"I{month}",
            "invoice_date": f"2026-{month:02}-05",
            "due_date": f"2026-{month:02}-20",
            "quantity": quantity,
            "net_amount": amount,
        }
        for month in months
    ]
    return {
        "accounts": [{"account_id": "A", "credit_limit": amount, "currency": currency}],
        "products": [{"product_id": "X", "unit": "pcs"}],
        "orders": orders,
        "deliveries": [
            {
                "delivery_id": f"D{month}",
                "order_id": f"O{month}",
                "delivered_date": f"2026-{month:02}-12",
                "quantity": quantity,
                "rejected_quantity": quantity,
            }
            for month in months
        ],
        "invoices": [
            *invoices,
            line
            | {"invoice_id": "C5", "document_type": "credit_note", "invoice_date": "2026-05-06", "net_amount": amount},
        ],
        "instalments": [
            {
                "invoice_id": "I6",
                "instalment_no": number,
                "due_date": f"2026-06-{number}0",
                "amount": Decimal(amount) / 2,
            }
            for number in (1, 2)
        ],
        "payments": [
            {
                "payment_id": "P4",
                "account_id": "A",
                "payment_date": "2026-06-25",
                "amount": amount,
                "invoice_id": "I4",
                "currency": currency,
            },
            {
                "payment_id": "P5",
                "account_id": "A",
                "payment_date": "2026-05-25",
                "amount": amount,
                "currency": currency,
            },
        ],
        "payment_plan": [{"account_id": "A", "month": "2026-06-01", "amount": amount, "currency": currency}],
        "sales_plan": [
            line
            | {"plan_version": "AOP", "month": f"2026-{month:02}-01", "quantity": quantity - 1, "unit_price": price}
            for month in months
        ],
        "forecasts": [
            {
                "forecast_step": "sales",
                "snapshot_month": f"2026-{month - 1:02}-01",
                "target_month": f"2026-{month:02}-01",
                "account_id": "A",
                "product_id": "X",
                "quantity": 1,
            }
            for month in months
        ],
        "issues": [
            {
                "issue_id": "S1",
                "account_id": "A",
                "opened_date": "2026-06-05",
                "issue_type": "complaint",
                "affected_quantity": quantity,
            }
        ],
        "visits": [
            {
                "visit_id": f"V{number}",
                "account_id": "A",
                "visit_date": "2026-06-01",
                "promised_payment_amount": amount,
                "promised_payment_date": "2026-06-30",
                "currency": currency,
            }
            for number in (1, 2)
        ],
        "fx_rates": [{"currency": "USD", "rate_date": f"2026-{month:02}-01", "rate": 16_000} for month in months],
    }


@long
@pytest.mark.parametrize(
    ("currency", "amount", "quantity", "rate"),
    [
        ("IDR", AMOUNT, QUANTITY, 1),
        # One piece costs 18 trillion, and a piece of a trillion costs as little as a price can say.
        ("IDR", AMOUNT, 2, 1),
        ("USD", AMOUNT // 16_000, QUANTITY, 16_000),
    ],
)
def test_figures_of_trillions_close_with_all_checks(
    currency: str, amount: int, quantity: int, rate: int, site_folder: Path
) -> None:
    books = _books(currency, amount, quantity)
    loss_rates = {"current": 1, "1-30": 1, "31-60": 1, "61-90": 1, "91-120": 1, "over 120": 1}
    site = write_site(
        site_folder,
        books,
        settings={
            "site": {"reporting_currency": "IDR"},
            "receivables": {"credit_exposure": "outstanding_and_open_orders", "loss_rates": loss_rates},
        },
        feeds=tuple(books),
    )

    (outcome,) = close_plainly(site, [parse_month("2026-06")], with_checks=True)

    assert outcome.outcome == "closed", outcome.message
    (kpis,) = published(site, "FROM reporting.receivables_kpis WHERE level = 'total'")
    # Billed three times and credited once; paid once, and once more without an invoice.
    assert kpis["closing_amount"] == 0
    assert kpis["overdue_amount"] == kpis["expected_credit_loss"] == 2 * amount * rate
    assert (kpis["promises_made"], kpis["promises_kept"]) == (2, 1)
    (plan,) = published(site, "FROM reporting.sales_plan_summary WHERE level = 'total'")
    price = Decimal(amount) / quantity
    assert plan["actual_amount"] == amount * rate
    assert plan["variance_amount"] == price * rate
    assert plan["ytd_variance_amount"] == 3 * price * rate - amount * rate
    (accuracy,) = published(site, "FROM reporting.forecast_accuracy WHERE level = 'total' AND lag = 1")
    assert (accuracy["n"], accuracy["absolute_error_quantity"]) == (1, quantity - 1)
    (quality,) = published(site, "FROM reporting.quality_performance")
    assert (quality["ppm"], quality["complaint_quantity"]) == (1_000_000, quantity)
