"""Control totals: each breaks when one of its sides is tampered with, names the account, and leaves the others alone.

One site is loaded and built once. A test changes a candidate or a loaded row in a transaction, looks, and rolls back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.build import controls
from kam.close import ControlTotal, MonthOutcome, require_loaded, steps, why_not_valid
from kam.close.controls import control_totals
from kam.site import FEEDS, Site
from kam.warehouse import Connection, memory, rows, warehouse
from kam.warehouse import prepare as prepare_warehouse
from tests.support import long, mostly_long, published, write_csv, write_site

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
RECEIVABLES = ["invoices", "payments"]
# Every lane has a figure in May: B pays for A and too much, a payment takes its currency from its invoice, an order is
# cancelled, a delivery names no known order, a forecast was written afterwards, a visit is no scorecard, a row is rejected.
BOOKS: dict[str, list[dict[str, Any]]] = {
    "accounts": [{"account_id": "A", "account_manager": "Kim"}, {"account_id": "B", "account_manager": "Lee"}],
    "products": [{"product_id": "X", "product_line": "Tyres", "standard_cost": 2}],
    "fx_rates": [{"currency": "USD", "rate_date": "2026-03-31", "rate": "0.9"}],
    "orders": [
        {
            "order_id": "O1",
            "account_id": "A",
            "order_date": "2026-05-02",
            "promised_date": "2026-05-20",
            "quantity": 10,
            "unit_price": 5,
        },
        {"order_id": "O2", "account_id": "A", "order_date": "2026-05-02", "promised_date": "2026-05-20", "quantity": 4}
        | {"unit_price": 5, "status": "cancelled"},
        {"order_id": "O3", "account_id": "B", "order_date": "2026-05-03", "promised_date": "2026-05-25", "quantity": 6}
        | {"unit_price": 5, "delivered_date": "2026-05-24"},
    ],
    "deliveries": [
        {"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-05-19", "quantity": 10},
        {"delivery_id": "D2", "order_id": "unknown", "delivered_date": "2026-05-19", "quantity": 3},
    ],
    "invoices": [
        {"invoice_id": "I4", "account_id": "A", "invoice_date": "2026-04-10", "net_amount": 100, "tax_form_type": "C"},
        {"invoice_id": "I5", "account_id": "A", "invoice_date": "2026-05-10", "net_amount": 50, "quantity": 10}
        | {"product_id": "X"},
        {"invoice_id": "I6", "account_id": "B", "invoice_date": "2026-05-12", "net_amount": 70, "quantity": 7}
        | {"currency": "USD", "product_id": "X", "tax_form_type": "C"},
        {"invoice_id": "I7", "account_id": "A", "invoice_date": "2026-06-10", "net_amount": 30, "quantity": 3},
        {"invoice_id": "C5", "account_id": "A", "invoice_date": "2026-05-28", "net_amount": 5, "quantity": 1}
        | {"document_type": "credit_note", "reference_invoice_id": "I4"},
    ],
    "payments": [
        {"payment_id": "P1", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-05-20", "amount": 40},
        {"payment_id": "P2", "account_id": "B", "invoice_id": "I5", "payment_date": "2026-05-21", "amount": 56},
        {"payment_id": "P3", "account_id": "B", "invoice_id": "I6", "payment_date": "2026-05-22", "amount": 20},
        {"payment_id": "P4", "account_id": "B", "invoice_id": "I7", "payment_date": "2026-05-23", "amount": 9},
        {"payment_id": "P5", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-05-20", "amount": 2}
        | {"payment_type": "discount"},
        {"payment_id": "P6", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-05-21", "amount": 3}
        | {"payment_type": "write_off"},
        {"payment_id": "P7", "account_id": "A", "payment_date": "2026-05-21", "amount": 1, "payment_type": "refund"},
    ],
    "tax_forms": [
        {"form_id": "F1", "form_type": "C", "account_id": "A", "received_date": "2026-05-15", "amount": 60}
        | {"fiscal_year": 2026, "quarter": 2},
        {"form_id": "F2", "form_type": "C", "account_id": "B", "received_date": "2026-05-15", "amount": 20}
        | {"currency": "USD", "invoice_id": "I6"},
    ],
    "visits": [
        {"visit_id": "V1", "account_id": "A", "visit_date": "2026-05-05", "rating_delivery": 60}
        | {"promised_payment_amount": 30, "promised_payment_date": "2026-05-25"},
        {"visit_id": "V2", "account_id": "B", "visit_date": "2026-05-06"},
        {"visit_id": "V3", "account_id": "B"},
    ],
    "issues": [
        {"issue_id": "S1", "account_id": "A", "opened_date": "2026-05-04", "target_close_date": "2026-05-20"},
        {"issue_id": "S2", "account_id": "A", "opened_date": "2026-05-05", "closed_date": "2026-05-15"},
    ],
    "opportunities": [
        {"opportunity_id": "P1", "account_id": "A", "recorded_on": "2026-04-04", "value": 9},
        {"opportunity_id": "P1", "account_id": "A", "recorded_on": "2026-05-05", "value": 8},
        {"opportunity_id": "P2", "account_id": "B", "recorded_on": "2026-05-05", "value": 7}
        | {"outcome": "lost", "closed_on": "2026-05-05"},
    ],
    "quotations": [
        {"quotation_id": "Q1", "account_id": "A", "rfq_date": "2026-05-04", "quoted_date": "2026-05-05"},
        {"quotation_id": "Q2", "account_id": "B", "rfq_date": "2026-04-04", "quoted_date": "2026-05-05", "quantity": 5}
        | {"unit_price": 3, "decision": "lost", "decided_date": "2026-05-20"},
        # What one of two is worth is not known, so that neither counts.
        {"quotation_id": "Q3", "account_id": "B", "rfq_date": "2026-05-04", "quoted_date": "2026-05-05", "quantity": 5}
        | {"unit_price": 3, "decision": "won", "decided_date": "2026-05-20"},
        {
            "quotation_id": "Q4",
            "account_id": "B",
            "rfq_date": "2026-05-04",
            "decision": "won",
            "decided_date": "2026-05-20",
        },
    ],
    "contracts": [{"contract_id": "T1", "account_id": "A", "start_date": "2026-01-01", "end_date": "2026-12-31"}],
    "commitments": [
        {"commitment_id": "VA", "contract_id": "T1", "account_id": "A", "product_id": "X", "quantity": 20}
        | {"from_date": "2026-05-01", "to_date": "2026-05-31"},
        {"commitment_id": "VB", "account_id": "B", "amount": 50, "from_date": "2026-05-01", "to_date": "2026-05-31"},
    ],
    "market": [{"month": "2026-05", "account_id": "A", "product_line": "Tyres", "total_amount": 500}],
    "account_costs": [
        {"account_id": "A", "month": "2026-05", "cost_type": "freight", "amount": 6},
        {"account_id": "B", "month": "2026-05", "cost_type": "other", "amount": 10, "currency": "USD"},
    ],
    "business_cases": [
        {"case_id": "K", "account_id": "A", "month": "2026-04", "cash_flow": -8},
        {"case_id": "K", "account_id": "A", "month": "2026-12", "cash_flow": 20, "currency": "USD"},
    ],
    "scorecards": [
        {"account_id": "A", "month": "2026-05", "dimension": "quality", "score": 80},
        {"account_id": "B", "month": "2026-05", "dimension": "quality", "score": 9, "max_score": 10},
    ],
    "sales_plan": [
        {"plan_version": "budget", "month": "2026-05", "account_id": "A", "quantity": 8, "amount": 48},
        {"plan_version": "budget", "month": "2026-05", "account_id": "B", "quantity": 7, "amount": 60},
    ],
    "forecasts": [
        {"snapshot_month": "2026-04", "target_month": "2026-05", "account_id": "A", "quantity": 8},
        {"snapshot_month": "2026-04", "target_month": "2026-05", "account_id": "B", "quantity": 7},
        {"snapshot_month": "2026-06", "target_month": "2026-05", "account_id": "B", "quantity": 1},
    ],
}
LATE_INVOICE = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}


def build(site: Site, months: Sequence[date]) -> int:
    """Load what is new and build these months; the last load that is known."""
    for feed in site.settings.feeds:
        require_loaded(steps.load_feed(site, feed))
    return prepare(site, months)


def prepare(site: Site, months: Sequence[date]) -> int:
    """Build these months from what is loaded; the last load that is known."""
    as_of_load = steps.prepare_months(site, months)
    steps.build_marts(site, as_of_load)
    return as_of_load


def commit(site: Site, months: Sequence[date], as_of_load: int) -> list[MonthOutcome]:
    """Compare the control totals of what was built, and commit the months whose totals tie."""
    with warehouse(site) as con:
        con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
        totals = control_totals(con, site.settings.available)
    return [
        steps.commit_month(site, month, as_of_load=as_of_load, checks=(), controls=totals, restate=False, reason="test")
        for month in months
    ]


def deliver(site: Site, feed: str, *records: dict[str, Any]) -> None:
    """A second file of a feed."""
    write_csv(site.directory / "landing" / f"{feed}_late.csv", FEEDS[feed].column_names, records)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """April is closed; a document of April came late; May and June are built and not committed.

    Its session stays open: what is built is kept as long as that on a lake.
    """
    site = write_site(tmp_path_factory.mktemp("books"), BOOKS, settings={"forecast": {"actual": "ordered"}})
    with steps.writing_session(site, "test"):
        commit(site, [APRIL], build(site, [APRIL]))
        steps.publish(site)
        deliver(site, "invoices", LATE_INVOICE)
        steps.load_feed(site, "invoices")
        prepare(site, [MAY, JUNE])
        yield site


@pytest.fixture
def con(site: Site) -> Iterator[Connection]:
    """The warehouse of that site; what a test changes is taken back."""
    with warehouse(site) as con:
        con.execute("SET VARIABLE as_of_load = (SELECT max(load_id) FROM ops.loads)")
        con.execute("BEGIN")
        yield con
        con.execute("ROLLBACK")


def totals(con: Connection, site: Site) -> list[ControlTotal]:
    return control_totals(con, site.settings.available)


def broken(found: Sequence[ControlTotal]) -> dict[tuple[date, str], tuple[str | None, str, str]]:
    """The totals that do not tie: the first account that does not, and its two amounts."""
    return {
        (total.month, f"{total.control} {total.currency}".strip()): (
            total.first_untied,
            f"{total.first_untied_left_amount:.2f}",
            f"{total.first_untied_right_amount:.2f}",
        )
        for total in found
        if not total.ties
    }


def test_sound_books_tie_in_every_total(con: Connection, site: Site) -> None:
    found = totals(con, site)
    assert [total.in_words() for total in found if not total.ties or total.difference] == []
    # By hand: what the total says of May.
    amounts = {f"{total.control} {total.currency}".strip(): total.left_amount for total in found if total.month == MAY}
    assert {name: amount for name, amount in amounts.items() if not name.endswith(" rows")} == {
        # 100 + 7 late − 40 − 2 − 3 − 5 of I4, 50 − 56 of I5, 9 and −1 that are on no invoice of the month.
        "open items = ledger roll-forward EUR": 100 + 7 - 40 - 2 - 3 - 5 + 50 - 56 - 9 + 1,
        "open items = ledger roll-forward USD": 70 - 20,
        # At the rate of 0.9.
        "ageing buckets = open items": 43 + 45,
        "opening = closing of the month before EUR": 100,
        "opening = closing of the month before USD": 0,
        "documents late for closed months = prior period adjustment EUR": 7,
        "documents late for closed months = prior period adjustment USD": 0,
        # I4, with the late invoice.
        "invoices open a month ago = roll rates": 107,
        "invoices of the month = roll-forward, invoiced EUR": 50,
        "invoices of the month = roll-forward, invoiced USD": 70,
        "receipts of the month, where they settle = roll-forward, received EUR": 40 + 56 + 9,
        "receipts of the month, where they settle = roll-forward, received USD": 20,
        "discounts of the month, where they settle = roll-forward, discount EUR": 2,
        "write-offs of the month, where they settle = roll-forward, written_off EUR": 3,
        "refunds of the month, where they settle = roll-forward, refunded EUR": 1,
        "credit notes of the month, where they settle = roll-forward, credited EUR": 5,
        "invoice lines of the month = sales EUR": 50 - 5,
        "invoice lines of the month = sales USD": 70,
        "invoices of the month = sales, net amount": 50 - 5 + 63,
        "sales of the month, net amount = profit by product line": 50 - 5 + 63,
        # I4 of April less the form, and 70 less 20 dollars.
        "documents with a tax form due − forms received = outstanding": 100 - 60 + 45,
        "documents without a tax form, one by one = outstanding": 100 - 60 + 45,
        "sales of the month, net amount = profit by account": 50 - 5 + 63,
        # 10 and 7 pieces.
        "cost of goods, profit by product line = by account": 20 + 14,
        "costs of accounts, one by one = profit by account": 6 + 9,
        "money of business cases, month by month = in total": -8 + 18,
        "sales of the month with a quantity = price trend": 50 - 5 + 63,
        # Tyres of A.
        "sales of the month in known markets = market share": 50,
        # April had 100 and the late 7.
        "sales less those of the prior month = lanes of the sales bridge": (45 + 63) - (100 + 7),
        # Five each.
        "order lines of the month = sales + cancelled EUR": 5 * (10 + 4 + 6),
        "sales = actual of the plan variance, plan budget": 45 + 63,
        "bridge lanes = variance, plan budget": (45 + 63) - (48 + 60),
        "plan summary, total = plan rows, plan budget": (45 + 63) - (48 + 60),
        "plan summary by account = plan rows, plan budget": (45 + 63) - (48 + 60),
        # Orders and invoices of April too: 100 and the late 7.
        "sales of the fiscal year = full-year outlook, plan budget": 100 + 7 + 45 + 63,
        "order lines promised for the month = delivery performance + cancelled units": 10 + 4 + 6,
        "deliveries of the month = quality performance + unknown order lines units": 10 + 3 + 6,
        "open order lines = order book, closing quantity units": 0,
        # One each of A and B.
        "order lines on time in full, promised = delivery performance units": 2,
        "scorecards of the month = vendor rating points": 80 + 90,
        "visits planned for the month = visit performance visits": 0,
        "visits held in the month = visit performance visits": 2,
        "visits held as planned, one by one = visit performance visits": 0,
        "issues opened in the month = issue performance issues": 2,
        "open issues, one by one = issue performance issues": 1,
        "days of closed issues, one by one = issue performance days": 10,
        "open opportunities = pipeline opportunities": 1,
        "opportunities won and lost, one by one = pipeline opportunities": 1,
        "quotations asked for in the month = quotation performance quotations": 3,
        "open quotations, one by one = quotation performance quotations": 1,
        "decided quotations, one by one = quotation performance quotations": 3,
        "quotations won and lost, one by one = quotation performance": 15,
        # B's amount; the quantity of X that A bought, and of all that B bought.
        "bought under commitments, one by one = contract status": 63,
        "invoice lines in the days of commitments = bought quantity units": 10 + 7,
        "received for promises, at most the receipts": 30,
        # Delivery of A and B, and of A the issue that was not closed in time.
        "own score + points of the rating gaps = 100 points": 300,
        "deducted = deductions of the rating gaps points": 0,
        "order lines late or short = late lines of the rating gaps lines": 0,
        "forecasts of the month = forecast accuracy + written afterwards, sales units": 8 + 7 + 1,
        # The same two in each window.
        "forecasts of 3, 6 and 12 months = accuracy trend, sales units": 3 * (8 + 7),
        "items forecast = forecast stair, sales items": 2,
    }
    assert amounts["visits: rows read = staging + unchanged + rejected rows"] == 3
    assert amounts["visits: rows loaded − replaced = core rows"] == 2


@pytest.mark.parametrize(
    ("tampering", "month", "control", "first"),
    mostly_long(
        [
            (
                "UPDATE build.receivables_ageing SET outstanding_amount_doc = 51 WHERE document_id = 'I4' AND {may}",
                MAY,
                "open items = ledger roll-forward EUR",
                # A holds I4 and the late invoice, and a refund that is on no invoice.
                ("account A", "59.00", "58.00"),
            ),
            (
                "DELETE FROM build.receivables_summary WHERE account_id = 'A' AND {may}",
                MAY,
                "ageing buckets = open items",
                ("account A", "0.00", "58.00"),
            ),
            (
                "UPDATE build.receivables_roll_rates SET amount = amount + 1 WHERE to_bucket = 'paid' AND {may}",
                MAY,
                "invoices open a month ago = roll rates",
                ("account A", "107.00", "108.00"),
            ),
            (
                "UPDATE staging.tax_forms SET received_date = '2026-06-15' WHERE form_id = 'F1'",
                MAY,
                "documents with a tax form due − forms received = outstanding",
                ("account A", "100.00", "40.00"),
            ),
            (
                "DELETE FROM build.tax_form_documents WHERE document_kind = 'form' AND account_id = 'A' AND {may}",
                MAY,
                "documents without a tax form, one by one = outstanding",
                ("account A", "100.00", "40.00"),
            ),
            (
                "UPDATE marts.receivables_rollforward SET closing_amount_doc = 99",
                MAY,
                "opening = closing of the month before EUR",
                ("account A", "100.00", "99.00"),
            ),
            (
                "UPDATE build.receivables_rollforward SET closing_amount_doc = 49 WHERE currency = 'USD' AND {may}",
                JUNE,
                "opening = closing of the month before USD",
                ("account B", "50.00", "49.00"),
            ),
            (
                "UPDATE staging.invoices SET tax_amount = 2 WHERE invoice_id = 'LATE'",
                MAY,
                "documents late for closed months = prior period adjustment EUR",
                ("account A", "9.00", "7.00"),
            ),
            (
                "UPDATE staging.invoices SET tax_amount = 1 WHERE invoice_id = 'I5'",
                MAY,
                "invoices of the month = roll-forward, invoiced EUR",
                ("account A", "51.00", "50.00"),
            ),
            (
                # B's receipts settle A's invoice, as far as it goes.
                "UPDATE staging.payments SET amount = 61 WHERE payment_id = 'P2'",
                MAY,
                "receipts of the month, where they settle = roll-forward, received EUR",
                ("account B", "20.00", "15.00"),
            ),
            (
                "UPDATE staging.payments SET amount = 2.5 WHERE payment_id = 'P5'",
                MAY,
                "discounts of the month, where they settle = roll-forward, discount EUR",
                ("account A", "2.50", "2.00"),
            ),
            (
                "UPDATE staging.payments SET amount = 4 WHERE payment_id = 'P6'",
                MAY,
                "write-offs of the month, where they settle = roll-forward, written_off EUR",
                ("account A", "4.00", "3.00"),
            ),
            (
                "UPDATE staging.payments SET amount = 0 WHERE payment_id = 'P7'",
                MAY,
                "refunds of the month, where they settle = roll-forward, refunded EUR",
                ("account A", "0.00", "1.00"),
            ),
            (
                "UPDATE staging.invoices SET tax_amount = 1 WHERE invoice_id = 'C5'",
                MAY,
                "credit notes of the month, where they settle = roll-forward, credited EUR",
                ("account A", "6.00", "5.00"),
            ),
            (
                "UPDATE build.sales SET net_amount = 62, adjustment_amount = adjustment_amount - 1 WHERE net_amount = 63 AND {may}",
                MAY,
                "invoices of the month = sales, net amount",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.product_line_profit SET net_sales_amount = 62 WHERE net_sales_amount = 63 AND {may}",
                MAY,
                "sales of the month, net amount = profit by product line",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.account_profit SET net_sales_amount = 62 WHERE net_sales_amount = 63 AND {may}",
                MAY,
                "sales of the month, net amount = profit by account",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.account_profit SET cost_of_goods_amount = 15 WHERE cost_of_goods_amount = 14 AND {may}",
                MAY,
                "cost of goods, profit by product line = by account",
                ("account B", "14.00", "15.00"),
            ),
            (
                "UPDATE build.account_profit SET freight_amount = 7 WHERE freight_amount = 6 AND {may}",
                MAY,
                "costs of accounts, one by one = profit by account",
                ("account A", "6.00", "7.00"),
            ),
            (
                "UPDATE build.business_cases SET total_cash_amount = 11 WHERE {may}",
                MAY,
                "money of business cases, month by month = in total",
                ("case K", "10.00", "11.00"),
            ),
            (
                "UPDATE build.price_trend SET priced_amount = 62 WHERE priced_amount = 63 AND {may}",
                MAY,
                "sales of the month with a quantity = price trend",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.market_share SET own_amount = 49 WHERE {may}",
                MAY,
                "sales of the month in known markets = market share",
                ("account A", "50.00", "49.00"),
            ),
            (
                "UPDATE build.sales_bridge SET new_effect = 62 WHERE new_effect = 63 AND {may}",
                MAY,
                "sales less those of the prior month = lanes of the sales bridge",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.sales_plan_variance SET actual_amount = 62 WHERE account_id = 'B' AND {may}",
                MAY,
                "sales = actual of the plan variance, plan budget",
                ("account B", "63.00", "62.00"),
            ),
            (
                "UPDATE build.sales_plan_variance SET price_effect = price_effect + 1 WHERE account_id = 'A' AND {may}",
                MAY,
                "bridge lanes = variance, plan budget",
                # 45 sold, 48 planned.
                ("account A", "-2.00", "-3.00"),
            ),
            (
                "UPDATE build.sales_plan_summary SET variance_amount = 5 WHERE account_id = 'B' AND {may}",
                MAY,
                "plan summary by account = plan rows, plan budget",
                ("account B", "5.00", "3.00"),
            ),
            (
                "UPDATE build.sales_plan_summary SET variance_amount = 5 WHERE level = 'total' AND {may}",
                MAY,
                "plan summary, total = plan rows, plan budget",
                ("total", "5.00", "0.00"),
            ),
            (
                "UPDATE build.full_year_outlook SET actual_amount = actual_amount + 1 WHERE account_id = 'B' AND {may}",
                MAY,
                "sales of the fiscal year = full-year outlook, plan budget",
                ("account B", "63.00", "64.00"),
            ),
            (
                "UPDATE build.delivery_performance SET quantity_due = 0 WHERE account_id = 'A'",
                MAY,
                "order lines promised for the month = delivery performance + cancelled units",
                # Ten due and four cancelled.
                ("account A", "14.00", "4.00"),
            ),
            (
                "UPDATE build.order_book SET closing_quantity = 1 WHERE account_id = 'A' AND {may}",
                MAY,
                "open order lines = order book, closing quantity units",
                ("account A", "0.00", "1.00"),
            ),
            (
                "UPDATE build.order_lines SET promised_is_otif = false WHERE account_id = 'B' AND {may}",
                MAY,
                "order lines on time in full, promised = delivery performance units",
                ("account B", "0.00", "1.00"),
            ),
            (
                "DELETE FROM build.quality_performance WHERE account_id = 'B'",
                MAY,
                "deliveries of the month = quality performance + unknown order lines units",
                ("account B", "6.00", "0.00"),
            ),
            (
                "UPDATE build.vendor_rating SET customer_score = 70 WHERE account_id = 'A' AND dimension = 'quality'",
                MAY,
                "scorecards of the month = vendor rating points",
                ("account A", "80.00", "70.00"),
            ),
            (
                "UPDATE build.visit_performance SET held = 0 WHERE account_id = 'A' AND {may}",
                MAY,
                "visits held in the month = visit performance visits",
                ("account A", "1.00", "0.00"),
            ),
            (
                "UPDATE build.pipeline SET open_count = 2 WHERE account_id = 'A' AND {may}",
                MAY,
                "open opportunities = pipeline opportunities",
                ("account A", "1.00", "2.00"),
            ),
            (
                "UPDATE build.contract_status SET bought_amount = 60 WHERE account_id = 'B' AND {may}",
                MAY,
                "bought under commitments, one by one = contract status",
                ("contract VB", "63.00", "60.00"),
            ),
            (
                "UPDATE build.commitments SET bought_quantity = 9 WHERE account_id = 'A' AND {may}",
                MAY,
                "invoice lines in the days of commitments = bought quantity units",
                ("account A", "10.00", "9.00"),
            ),
            (
                "UPDATE build.opportunities SET is_lost = false WHERE account_id = 'B' AND {may}",
                MAY,
                "opportunities won and lost, one by one = pipeline opportunities",
                ("account B", "0.00", "1.00"),
            ),
            (
                "UPDATE build.quotation_performance SET received = 2 WHERE account_id = 'A' AND {may}",
                MAY,
                "quotations asked for in the month = quotation performance quotations",
                ("account A", "1.00", "2.00"),
            ),
            (
                "UPDATE build.quotations SET is_open = false WHERE account_id = 'A' AND {may}",
                MAY,
                "open quotations, one by one = quotation performance quotations",
                ("account A", "0.00", "1.00"),
            ),
            (
                "UPDATE build.quotations SET decided_date = NULL WHERE quotation_id = 'Q2' AND {may}",
                MAY,
                "decided quotations, one by one = quotation performance quotations",
                ("account B", "2.00", "3.00"),
            ),
            (
                "UPDATE build.quotations SET amount = 14 WHERE quotation_id = 'Q2' AND {may}",
                MAY,
                "quotations won and lost, one by one = quotation performance",
                ("account B", "14.00", "15.00"),
            ),
            (
                "UPDATE build.issues SET days_to_close = 9 WHERE issue_id = 'S2' AND {may}",
                MAY,
                "days of closed issues, one by one = issue performance days",
                ("account A", "9.00", "10.00"),
            ),
            (
                "UPDATE build.promises SET received_amount = 97 WHERE {may}",
                MAY,
                "received for promises, at most the receipts",
                # A paid 40, and B 56 for an invoice of A.
                ("account A", "97.00", "96.00"),
            ),
            (
                "DELETE FROM build.rating_gaps WHERE {may}",
                MAY,
                "own score + points of the rating gaps = 100 points",
                ("account A, management", "0.00", "100.00"),
            ),
            (
                "UPDATE build.vendor_rating SET deducted_points = 3 WHERE account_id = 'A' AND dimension = 'management' AND {may}",
                MAY,
                "deducted = deductions of the rating gaps points",
                ("account A, management", "3.00", "0.00"),
            ),
            (
                "DELETE FROM build.forecast_accuracy WHERE level = 'item' AND account_id = 'A'",
                MAY,
                "forecasts of the month = forecast accuracy + written afterwards, sales units",
                # Without its row nobody knows any more that forecasts were by account.
                ("account A", "8.00", "0.00"),
            ),
            (
                "UPDATE build.forecast_accuracy_trend SET forecast_quantity = 9 WHERE account_id = 'A' AND window_months = 6 AND {may}",
                MAY,
                "forecasts of 3, 6 and 12 months = accuracy trend, sales units",
                ("account A", "24.00", "25.00"),
            ),
            (
                "UPDATE build.forecast_stair SET n_alone = n_alone + 1 WHERE account_id = 'B'",
                MAY,
                "items forecast = forecast stair, sales items",
                ("account B", "1.00", "2.00"),
            ),
        ],
        in_every_run=4,
    ),
)
def test_one_figure_tampered_with_stops_its_month_and_names_the_account(
    con: Connection, site: Site, tampering: str, month: date, control: str, first: tuple[str, str, str]
) -> None:
    con.execute(tampering.format(may="period_month = '2026-05-01'"))
    found = totals(con, site)
    assert broken(found) == {(month, control): first}
    (other,) = {MAY, JUNE} - {month}
    assert why_not_valid((), found, other) == ""
    assert f"The first that does not tie is {first[0]}: " in why_not_valid((), found, month)


@pytest.mark.parametrize(
    ("tampering", "of_counts", "first"),
    [
        (
            "DELETE FROM staging.visits WHERE visit_id = 'V2'",
            {"rows read = staging + unchanged + rejected", "rows loaded − replaced = core"},
            [("3.00", "2.00"), ("2.00", "1.00")],
        ),
        (
            "DELETE FROM staging.rejects WHERE feed = 'visits'",
            {"rows read = staging + unchanged + rejected"},
            [("3.00", "2.00")],
        ),
        (
            "UPDATE staging.visits SET superseded_load_id = load_id WHERE visit_id = 'V2'",
            {"rows loaded − replaced = core"},
            [("2.00", "1.00")],
        ),
    ],
)
def test_a_row_that_no_load_accounts_for_stops_every_month_and_names_the_load(
    con: Connection, site: Site, tampering: str, of_counts: set[str], first: list[tuple[str, str]]
) -> None:
    con.execute(tampering)
    (load_id,) = con.execute("SELECT load_id FROM ops.loads WHERE feed = 'visits'").fetchone() or ()
    found = {key: first for key, first in broken(totals(con, site)).items() if key[1].endswith(" rows")}
    assert set(found) == {(month, f"visits: {count} rows") for month in (MAY, JUNE) for count in of_counts}
    assert set(found.values()) == {(f"load {load_id} (landing/visits.csv)", *amounts) for amounts in first}


def test_a_master_record_that_is_there_twice_doubles_sales(con: Connection, site: Site) -> None:
    con.execute("INSERT INTO staging.accounts FROM staging.accounts WHERE account_id = 'B'")
    found = broken(totals(con, site))
    assert found[MAY, "invoice lines of the month = sales USD"] == ("account B", "70.00", "140.00")
    assert found[MAY, "order lines of the month = sales + cancelled EUR"] == ("account B", "30.00", "60.00")
    assert found[MAY, "sales = actual of the plan variance, plan budget"] == ("account B", "126.00", "63.00")
    assert (MAY, "accounts: rows read = staging + unchanged + rejected rows") in found


def miscount_deliveries(con: Connection, of_a: int, of_b: int) -> None:
    con.execute(
        "UPDATE build.quality_performance SET delivered_quantity = delivered_quantity + CASE account_id WHEN 'A' THEN ? "
        "ELSE ? END WHERE period_month = '2026-05-01'",
        [of_a, of_b],
    )


def test_two_errors_that_cancel_out_do_not_tie(con: Connection, site: Site) -> None:
    miscount_deliveries(con, 1, -1)
    (total,) = [total for total in totals(con, site) if not total.ties]
    assert (total.difference, total.untied_count, total.first_untied) == (0, 2, "account A")
    assert "account A: 10 is not 11; 1 more." in total.in_words()


def test_the_largest_difference_comes_first(con: Connection, site: Site) -> None:
    miscount_deliveries(con, 1, -2)
    assert [first for first, *_ in broken(totals(con, site)).values()] == ["account B"]


def test_every_file_of_controls_is_compared(con: Connection, site: Site) -> None:
    for control in controls().values():
        assert control.missing(site.settings.available) == []
        assert {row["period_month"] for row in rows(con, control.sql)} >= {MAY}, control.name


@long
def test_a_published_balance_that_changed_is_no_late_document(site_folder: Path) -> None:
    site = write_site(site_folder, {feed: BOOKS[feed] for feed in RECEIVABLES}, feeds=RECEIVABLES)
    with steps.writing_session(site, "test"):
        commit(site, [APRIL], build(site, [APRIL]))
        with warehouse(site) as con:
            con.execute("UPDATE marts.receivables_rollforward SET closing_amount_doc = 90")
        (may, june) = commit(site, [MAY, JUNE], build(site, [MAY, JUNE]))
    assert may.outcome == "failed"
    assert (
        "documents late for closed months = prior period adjustment in EUR: 0 is not 10. "
        "The first that does not tie is account A: 0 is not 10." in may.message
    )
    assert "--restate" in may.message
    # June ties by itself.
    assert june.outcome == "closed"


def receipt(payment_id: str, account_id: str, invoice_id: str, amount: int) -> dict[str, Any]:
    """A receipt of April."""
    of = {"payment_id": payment_id, "account_id": account_id, "invoice_id": invoice_id}
    return of | {"payment_date": "2026-04-20", "amount": amount}


def billed(invoice_id: str, account_id: str, amount: int, **other: str) -> dict[str, Any]:
    """An invoice of April, or another document."""
    of = {"invoice_id": invoice_id, "account_id": account_id, "invoice_date": "2026-04-10"}
    return of | {"net_amount": amount} | other


@long
def test_late_documents_that_move_money_between_accounts_tie(site_folder: Path) -> None:
    known = {
        "invoices": [
            billed("I2", "A2", 100), billed("I3", "B3", 100), billed("I5", "A5", 100), billed("I6", "A6", 100),
            billed("M", "A", 1, invoice_date="2026-05-10"),
        ],
        "payments": [
            receipt("P1", "B1", "I1", 40), receipt("P2", "B2", "I2", 40), receipt("P3", "A3", "I3", 40),
            receipt("P4", "A4", "I4", 40), receipt("P5", "B5", "I5", 100),
        ],
        "fx_rates": BOOKS["fx_rates"],
    }  # fmt: skip
    site = write_site(site_folder, known, feeds=list(known))
    with steps.writing_session(site, "test"):
        commit(site, [APRIL], build(site, [APRIL]))
        deliver(
            site,
            "invoices",
            billed("I1", "A1", 100),
            billed("I3", "A3", 100),
            billed("I4", "A4", 100, currency="USD"),
            billed("C6", "B6", 10, document_type="credit_note", reference_invoice_id="I6"),
        )
        deliver(site, "payments", receipt("P2", "A2", "I2", 40), receipt("Q5", "B5", "I5", 30))
        for feed in ("invoices", "payments"):
            steps.load_feed(site, feed, accept_changes=True)
        (may,) = commit(site, [APRIL, MAY], build(site, [APRIL, MAY]))[1:]
        assert may.message == ""
        with warehouse(site) as con:
            adjusted = rows(con, "FROM marts.receivables_rollforward WHERE prior_period_adjustment_doc <> 0")
    assert {(row["account_id"], row["currency"]): row["prior_period_adjustment_doc"] for row in adjusted} == {
        # B had paid before the invoice came: 40 to its credit, which settle a part of A's invoice now.
        ("A1", "EUR"): 60,
        ("B1", "EUR"): 40,
        # The payer was corrected, 2: that changes nothing for the invoice. The invoice's account was corrected, 3.
        ("A3", "EUR"): 60,
        ("B3", "EUR"): -60,
        # The payment takes its currency from the invoice, which came late.
        ("A4", "EUR"): 40,
        ("A4", "USD"): 60,
        # Another paid more than was left.
        ("B5", "EUR"): -30,
        # The credit note of another account reduces the invoice.
        ("A6", "EUR"): -10,
    }


def test_the_totals_of_a_version_are_published(site: Site) -> None:
    found = published(
        site, "FROM reporting.control_totals WHERE control = 'invoices of the month = roll-forward, invoiced'"
    )
    assert found == [
        {
            "period_month": APRIL,
            "close_version": 1,
            "control": "invoices of the month = roll-forward, invoiced",
            "currency": "EUR",
            "left_amount": Decimal(100),
            "right_amount": Decimal(100),
            "difference": Decimal(0),
            "severity": "critical",
            "untied_count": 0,
            "first_untied": None,
            "first_untied_left_amount": None,
            "first_untied_right_amount": None,
        }
    ]


def test_a_warehouse_of_before_gains_the_new_columns() -> None:
    with memory() as con:
        con.execute("CREATE SCHEMA ops")
        con.execute(
            "CREATE TABLE ops.control_totals AS SELECT DATE '2026-04-01' AS period_month, 1 AS close_version,"
            " 'ageing buckets = open items' AS control, '' AS currency, 5 AS left_amount, 5 AS right_amount, 0 AS difference"
        )
        prepare_warehouse(con, "EUR")
        assert rows(con, "SELECT severity, untied_count, first_untied FROM ops.control_totals") == [
            {"severity": "critical", "untied_count": 0, "first_untied": None}
        ]
