"""Figures of any size that the contract allows: a currency of small units, parts sold by the billion, the largest and least numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from kam.build import marts
from kam.periods import parse_month
from tests.support import close_plainly, long, published, write_site

AMOUNT = 18_000_000_000_000
QUANTITY = 1_000_000_000_000
# The largest and the least of an amount and of a quantity that a feed takes.
MOST = Decimal("99999999999999.99")
CENT = Decimal("0.01")
LEAST = Decimal("0.0001")
# 30 digits before the point hold every sum and ratio; these columns have fewer, because of what they are.
BOUNDED = {
    "a share of things counted": (
        "on_time_ratio",
        "in_full_ratio",
        "otif_ratio",
        "promise_kept_ratio",
        "held_as_planned_ratio",
        "done_on_time_ratio",
        "quoted_on_time_ratio",
        "hit_ratio",
        "rolling_12_hit_ratio",
    ),
    "a share of a sum of positive amounts": ("overdue_ratio",),
    "a probability or a share of decisions, and the squares of their differences": (
        *("success_probability", "stated_probability", "stated_ratio", "won_ratio", "brier_score", "brier_sum"),
    ),
    "between 0 and 2": ("smape",),
    "a sum of 12 errors, by their mean": ("tracking_signal",),
    "days between two dates of the calendar": (
        "average_days_late",
        "average_days_to_close",
        "average_age_days",
        "average_turnaround_days",
        "dso_countback_days",
    ),
    "of scores from 0 to 100, or of the settings": (
        *("loss_rate",),
        *("customer_score", "own_score", "gap", "score", "weight", "points_to_next_band", "previous_score", "change"),
        *("moving_average_3m", "moving_average_6m", "moving_average_12m", "slope_6m", "points", "deducted_points"),
    ),
    "a number as the feed has it, of one row": (
        *(
            "rate",
            "unit_price",
            "target_price",
            "credit_limit",
            "annual_spend",
            "annual_quantity",
            "target_margin_ratio",
            "discount_rate",
            "standard_cost",
            "list_price",
            "unit_price",
        ),
    ),
}
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
        pytest.param("IDR", AMOUNT, 2, 1, marks=long),
        pytest.param("USD", AMOUNT // 16_000, QUANTITY, 16_000, marks=long),
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
            "tax_forms": {"rates": {"C": 1}},
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


def test_every_published_decimal_has_room_for_any_sum_and_ratio() -> None:
    bounded = {name for names in BOUNDED.values() for name in names}
    narrow = {
        f"{mart.name}.{column.name} {column.sql_type}"
        for mart in marts()
        for column in mart.columns
        if column.sql_type.startswith("DECIMAL")
        and column.name not in bounded
        and column.sql_type not in ("DECIMAL(32,2)", "DECIMAL(34,4)", "DECIMAL(36,6)")
    }

    assert narrow == set()


def _greatest(currency: str) -> dict[str, Rows]:
    """Two accounts and six months of the largest numbers that a feed takes; A has the least ones until May."""
    lines = [
        {
            "account_id": account,
            "product_id": "X",
            "currency": currency,
            "line_no": number,
            "document": f"{account}{month}",
            "month": f"2026-{month:02}",
            "quantity": LEAST if account == "A" and month < 6 else MOST,
            "amount": CENT if account == "A" and month < 6 else MOST,
        }
        for account in "AB"
        for month in range(1, 7)
        for number in (1, 2)
    ]
    return {
        "accounts": [
            {"account_id": account, "credit_limit": limit, "currency": currency}
            for account, limit in (("A", CENT), ("B", MOST))
        ],
        "products": [{"product_id": "X", "unit": "pcs", "list_price": MOST, "currency": currency}],
        "fx_rates": [
            {"currency": "USD", "rate_date": f"2026-{month:02}-01", "rate": 2_000_000} for month in range(1, 7)
        ],
        "standard_costs": [
            {"product_id": "X", "valid_from": f"2026-{month:02}-01", "unit_cost": MOST, "currency": currency}
            for month in (1, 6)
        ],
        "account_costs": [
            {"account_id": account, "month": "2026-06-01", "cost_type": kind, "amount": MOST, "currency": currency}
            for account in "AB"
            for kind in ("freight", "service", "other")
        ],
        "business_cases": [
            {"case_id": "K", "month": month, "cash_flow": flow, "currency": currency, "discount_rate": 1}
            for month, flow in (("1990-01-01", MOST), ("2026-06-01", MOST), ("2099-01-01", f"-{MOST}"))
        ],
        "credit_reviews": [
            {"account_id": account, "reviewed_on": "2026-05-04", "currency": currency}
            | {"score": number, "recommended_limit": number}
            for account, number in (("A", LEAST), ("B", MOST))
        ],
        "market": [
            {"month": f"2026-{month:02}-01", "account_id": account, "currency": currency}
            | {"total_amount": CENT if month < 6 else MOST, "total_quantity": LEAST if month < 6 else MOST}
            for account in "AB"
            for month in (5, 6)
        ],
        "indicators": [
            {"indicator": "i", "month": f"{month}-01", "value": value}
            for month, value in (("2025-05", LEAST), ("2026-05", MOST), ("2025-06", MOST), ("2026-06", -MOST))
        ],
        "assessments": [
            {"assessment_id": f"E{number}", "account_id": "A", "kind": "audit", "assessed_on": f"2026-05-0{number}"}
            | {"points": MOST, "max_points": LEAST}
            for number in (1, 2)
        ],
        **_sold(lines),
        **_owed(lines),
        **_expected(lines),
    }


def _of(line: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: line[name] for name in names}


def _sold(lines: Rows) -> dict[str, Rows]:
    item = ("account_id", "product_id", "currency", "line_no", "quantity")
    return {
        "orders": [
            _of(line, *item)
            | {"order_id": f"O{line['document']}", "order_date": f"{line['month']}-01", "unit_price": 1}
            | {f"{kind}_date": f"{line['month']}-10" for kind in ("requested", "promised", "last_promised")}
            for line in lines
        ],
        "deliveries": [
            {
                "delivery_id": f"D{line['document']}-{line['line_no']}",
                "order_id": f"O{line['document']}",
                "order_line_no": line["line_no"],
                "delivered_date": f"{line['month']}-12",
                "quantity": LEAST,
                "rejected_quantity": MOST,
            }
            for line in lines
        ],
        "opportunities": [
            {"opportunity_id": f"P{number}", "account_id": "A", "recorded_on": "2026-06-05", "value": MOST}
            | {"currency": lines[0]["currency"], "success_probability": "0.9999"}
            | ({"outcome": "won", "closed_on": "2026-06-05"} if number > 2 else {})
            for number in range(1, 5)
        ],
        # A price and a quantity of the most would be rejected; a target price is not.
        "quotations": [
            {"quotation_id": f"Q{number}", "account_id": "A", "rfq_date": "2026-06-05", "quoted_date": "2026-06-06"}
            | {"currency": lines[0]["currency"], "target_price": target, "quantity": MOST, "unit_price": "0.9"}
            | ({"decision": "lost", "decided_date": "2026-06-07"} if number > 2 else {})
            for number, target in ((1, MOST), (2, 1), (3, LEAST), (4, LEAST))
        ],
        "contracts": [{"contract_id": "T", "account_id": "A", "start_date": "2026-05-01", "end_date": "2100-01-01"}],
        "commitments": [
            {"commitment_id": f"V{number}", "account_id": "A", "contract_id": "T", "currency": lines[0]["currency"]}
            | {"from_date": "2026-05-01", "to_date": "2026-06-30", "quantity": number, "amount": number}
            for number in (LEAST, MOST)
        ],
        "milestones": [
            {"project_id": "R", "gate": "SOP", "account_id": "A", "product_id": "X", "actual_date": "2026-05-01"}
            | {"annual_quantity": MOST, "unit_price": "0.9", "lifetime_years": 5, "currency": lines[0]["currency"]}
        ],
        "competitor_observations": [
            {
                "observation_id": f"{account}{value}",
                "account_id": account,
                "product_id": "X",
                "competitor_id": f"Z{value}",
            }
            | {"observed_on": "2026-06-05", "kind": "price", "value": value, "currency": lines[0]["currency"]}
            for account, value in product("AB", (LEAST, MOST))
        ],
        "issues": [
            {"issue_id": f"S{number}", "account_id": "A", "product_id": "X", "opened_date": "2026-06-05"}
            | {"issue_type": "complaint", "affected_quantity": MOST}
            for number in (1, 2)
        ],
    }


def _owed(lines: Rows) -> dict[str, Rows]:
    item = ("account_id", "product_id", "currency", "line_no", "quantity")
    return {
        "invoices": [
            _of(line, *item)
            | {
                "invoice_id": f"I{line['document']}",
                "invoice_date": f"{line['month']}-05",
                "due_date": f"{line['month']}-20",
            }
            | {"net_amount": line["amount"], "tax_amount": line["amount"], "tax_form_type": "C"}
            for line in lines
        ],
        "tax_forms": [
            _of(line, "account_id", "currency")
            | {"form_id": f"F{line['document']}-{line['line_no']}", "form_type": "C", "amount": CENT}
            | {"received_date": f"{line['month']}-20", "invoice_id": f"I{line['document']}"}
            for line in lines
        ],
        "payments": [
            _of(line, "account_id", "currency")
            | {"payment_id": f"P{line['document']}-{line['line_no']}", "payment_date": f"{line['month']}-25"}
            | {"amount": MOST, "invoice_id": f"I{line['document']}" if line["line_no"] == 1 else None}
            for line in lines
        ],
        "visits": [
            _of(line, "account_id", "currency")
            | {"visit_id": f"V{line['document']}-{line['line_no']}", "visit_date": f"{line['month']}-01"}
            | {"promised_payment_amount": MOST, "promised_payment_date": f"{line['month']}-28"}
            for line in lines
        ],
    }


def _expected(lines: Rows) -> dict[str, Rows]:
    """Plans and forecasts of the least and of the most, and receipts planned of a cent."""
    firsts = [line for line in lines if line["line_no"] == 1]
    return {
        "payment_plan": [_of(line, "account_id", "month", "currency") | {"amount": CENT} for line in firsts],
        "sales_plan": [
            _of(line, "account_id", "product_id", "month", "currency")
            | {"plan_version": version, "quantity": quantity, "amount": amount}
            for line in firsts
            for version, quantity, amount in (("least", LEAST, CENT), ("most", MOST, MOST))
        ],
        "forecasts": [
            _of(line, "account_id", "product_id")
            | {
                "forecast_step": step,
                "snapshot_month": before["month"],
                "target_month": line["month"],
                "quantity": quantity,
            }
            for before, line in pairwise(firsts)
            if before["account_id"] == line["account_id"]
            for step, quantity in (("sales", MOST), ("statistical", LEAST))
        ],
    }


# Not a rate of today; that of dinars in rials is about as high.
@pytest.mark.parametrize(("currency", "rate"), [pytest.param("IDR", 1, marks=long), ("USD", 2_000_000)])
def test_the_largest_and_least_numbers_that_a_feed_takes_close_with_all_checks(
    currency: str, rate: int, site_folder: Path
) -> None:
    books = _greatest(currency)
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

    outcomes = close_plainly(site, [parse_month("2026-05"), parse_month("2026-06")], with_checks=True)

    assert [outcome.outcome for outcome in outcomes] == ["closed", "closed"], outcomes[0].message
    # Two lines of two accounts in June, net and tax. In May A sold 0.0002, and was expected to sell a lot.
    (kpis,) = published(site, "FROM reporting.receivables_kpis WHERE level = 'total' AND period_month = '2026-06-01'")
    assert kpis["billed_amount"] == 8 * MOST * rate
    (plan,) = published(
        site,
        "FROM reporting.sales_plan_summary "
        "WHERE level = 'total' AND plan_version = 'least' AND period_month = '2026-06-01'",
    )
    assert (plan["plan_amount"], plan["actual_amount"]) == (2 * CENT * rate, 4 * MOST * rate)
    assert plan["variance_ratio"] == pytest.approx(4 * MOST / (2 * CENT))
    may, june = published(
        site,
        "FROM reporting.forecast_accuracy "
        "WHERE level = 'item' AND account_id = 'A' AND forecast_step = 'sales' ORDER BY period_month",
    )
    assert may["wape"] == pytest.approx(MOST / (2 * LEAST))
    assert (june["actual_quantity"], june["wape"]) == (2 * MOST, Decimal("0.5"))
    (quality,) = published(
        site, "FROM reporting.quality_performance WHERE account_id = 'B' AND period_month = '2026-06-01'"
    )
    assert quality["ppm"] == pytest.approx(MOST * 1_000_000 / LEAST)
