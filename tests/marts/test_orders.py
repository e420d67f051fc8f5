"""Order lines and the order book: what is open follows from dates, and rolls from month to month."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from kam.site import FEEDS
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, close_plainly, fetch, published, write_csv, write_site

TAMPERINGS = (
    Tampering("order_lines.undefined_has_a_reason", "invoiced_quantity = NULL"),
    Tampering("order_book.undefined_has_a_reason", "closing_quantity = NULL"),
    Tampering("order_to_cash.undefined_has_a_reason", "due_to_cash_days = NULL", "due_to_cash_days IS NOT NULL"),
    Tampering("order_book.rolls_forward", "change_quantity = change_quantity + 1", "change_quantity IS NOT NULL"),
    Tampering("order_book.parts_add_up", "overdue_amount = overdue_amount + 1", "overdue_amount IS NOT NULL"),
)

Row = dict[str, Any]


def order(number: str, **given: Any) -> Row:
    """A line of account A over 100 pieces of part X at 10, ordered on 10 May 2026."""
    line = {"order_id": number, "account_id": "A", "product_id": "X", "order_date": "2026-05-10"}
    return line | {"quantity": 100, "unit_price": 10} | given


def delivery(number: str, order_id: str, on: str, quantity: float) -> Row:
    return {"delivery_id": number, "order_id": order_id, "delivered_date": on, "quantity": quantity}


def books(
    orders: Sequence[Row], deliveries: Sequence[Row] = (), *, periods: Sequence[str] = ("2026-06",), **feeds: Any
) -> Connection:
    given = {"orders": orders, "deliveries": deliveries} | feeds
    return build_case(given, periods=periods, tables=["order_book", "order_lines"])


def book(con: Connection, month: str = "2026-06") -> Row:
    (row,) = fetch(con, f"FROM build.order_book WHERE period_month = '{month}-01'")
    return row


def quantities(row: Row) -> tuple[Any, ...]:
    """Opening, ordered, cancelled, delivered, change, closing."""
    lanes = ("opening", "ordered", "cancelled", "delivered", "change", "closing")
    return tuple(row[f"{lane}_quantity"] for lane in lanes)


def test_a_line_closed_short_loses_the_rest_with_its_last_delivery() -> None:
    lines = [order("O1", status="closed"), order("O2", status="closed")]
    arrived = [delivery("D1", "O1", "2026-05-20", 30), delivery("D2", "O1", "2026-06-10", 40)]
    # The last delivery by the end of June takes 40 and the 30 that are left. O2 had none, and stays open.
    assert quantities(book(books(lines, arrived))) == (170, 0, 30, 40, 0, 100)


def test_what_a_later_delivery_reopens_of_a_line_closed_short_is_a_change() -> None:
    arrived = [delivery("D1", "O1", "2026-05-20", 30), delivery("D2", "O1", "2026-06-10", 40)]
    con = books([order("O1", status="closed")], arrived, periods=["2026-05", "2026-06"])
    assert quantities(book(con, "2026-05")) == (0, 100, 70, 30, 0, 0)
    assert quantities(book(con)) == (0, 0, 30, 40, 70, 0)


def test_goods_that_come_after_the_cancellation_are_not_taken_from_the_book() -> None:
    lines = [order("O1", cancelled_date="2026-06-10", status="cancelled")]
    arrived = [delivery("D1", "O1", "2026-06-10", 30), delivery("D2", "O1", "2026-06-20", 70)]
    con = books(lines, arrived)
    assert quantities(book(con)) == (100, 0, 70, 30, 0, 0)
    # It was not due, and is in no list of open lines.
    assert fetch(con, "FROM build.order_lines") == []


def test_open_lines_are_due_by_their_newest_date() -> None:
    con = books(
        [
            order("O1", requested_date="2026-05-20", promised_date="2026-06-10", last_promised_date="2026-08-10"),
            order("O2", requested_date="2026-06-29"),
            order("O3", promised_date="2026-06-30"),
            order("O4", promised_date="2026-09-01"),
            order("O5", promised_date="2026-10-01"),
            order("O6", promised_date="2095-01-01"),
            order("O7"),
        ]
    )
    row = book(con)
    due = [
        row[f"{part}_amount"]
        for part in ("overdue", "due_month_1", "due_month_2", "due_month_3", "due_later", "undated")
    ]
    assert due == [1000, 1000, 1000, 1000, 2000, 1000]
    assert (row["overdue_quantity"], row["due_quantity"], row["undated_quantity"]) == (100, 500, 100)


def test_amounts_are_at_the_rate_of_the_order_date_and_unknown_without_one() -> None:
    rates = [{"currency": "USD", "rate_date": "2026-05-10", "rate": "0.5"}]
    rates += [{"currency": "USD", "rate_date": "2026-06-10", "rate": "0.9"}]
    row = book(books([order("O1", currency="USD")], [delivery("D1", "O1", "2026-06-15", 40)], fx_rates=rates))
    assert (row["opening_amount"], row["delivered_amount"], row["closing_amount"]) == (500, 200, 300)
    row = book(books([order("O1", currency="USD", order_date="2026-05-01")], fx_rates=rates))
    assert (row["closing_quantity"], row["closing_amount"], row["amount_reason"]) == (100, None, "no rate for USD")


def test_without_deliveries_on_record_nobody_knows_what_is_open() -> None:
    lines = [order("O1", order_date="2026-06-01"), order("O2")]
    con = build_case({"orders": lines}, periods=["2026-06"], tables=["order_book", "order_lines"])
    row = book(con)
    why = "the feed deliveries is not declared, and orders have no delivered_date"
    assert (row["ordered_quantity"], row["closing_quantity"], row["closing_quantity_reason"]) == (100, None, why)
    assert (row["ordered_amount"], row["closing_amount"], row["amount_reason"]) == (1000, None, why)
    # The line of May, which may have come long ago, is not listed as open.
    assert [(line["order_id"], line["is_open"]) for line in fetch(con, "FROM build.order_lines")] == [("O1", None)]


def test_orders_that_name_their_own_delivery_count_as_delivered() -> None:
    con = books(
        [order("O1", delivered_date="2026-06-05"), order("O2", delivered_date="2026-06-05", delivered_quantity=60)]
    )
    assert quantities(book(con)) == (200, 0, 0, 160, 0, 40)


def test_a_line_shows_what_is_invoiced_and_accepted_by_the_month_end() -> None:
    line = {"order_id": "O1", "order_line_no": 1, "account_id": "A"}
    con = books(
        [order("O1", promised_date="2026-06-20")],
        [delivery("D1", "O1", "2026-06-19", 100)],
        invoices=[
            line | {"invoice_id": "I1", "invoice_date": "2026-06-20", "accepted_date": "2026-06-22", "quantity": 70}
            | {"net_amount": 700},
            line | {"invoice_id": "C1", "invoice_date": "2026-06-25", "quantity": 20, "net_amount": 200}
            | {"document_type": "credit_note"},
            line | {"invoice_id": "I2", "invoice_date": "2026-07-01", "quantity": 50, "net_amount": 500},
        ],
    )  # fmt: skip
    (row,) = fetch(con, "FROM build.order_lines")
    assert (row["invoiced_quantity"], row["accepted_quantity"]) == (50, 70)
    assert (row["delivered_not_invoiced_quantity"], row["invoiced_not_delivered_quantity"]) == (50, 0)
    assert (row["promised_is_otif"], row["requested_is_otif"], row["promised_days_late"]) == (True, None, -1)


def test_what_no_feed_says_of_invoices_is_unknown() -> None:
    con = build_case(
        {"orders": [order("O1", order_date="2026-06-01")], "deliveries": []},
        periods=["2026-06"],
        feeds=("orders", "deliveries"),
        tables=["order_lines"],
    )
    (row,) = fetch(con, "FROM build.order_lines")
    assert (row["invoiced_quantity"], row["delivered_not_invoiced_quantity"]) == (None, None)
    assert row["invoiced_quantity_reason"] == row["accepted_quantity_reason"] == "the feed invoices is not declared"


def test_a_line_that_was_dropped_since_the_last_close_is_a_change(site_folder: Any) -> None:
    site = write_site(
        site_folder,
        {"orders": [order("O1"), order("O2", product_id="Y")], "deliveries": [delivery("D1", "O1", "2026-05-20", 30)]},
        feeds=["orders", "deliveries"],
    )
    close_plainly(site, [dt.date(2026, 5, 1)])
    corrected = [order("O1", quantity=90), order("O2", product_id="Y", status="cancelled")]
    write_csv(site.directory / "landing" / "orders_2.csv", FEEDS["orders"].column_names, corrected)
    late = [delivery("D2", "O1", "2026-05-25", 10), delivery("D3", "O1", "2026-06-05", 20)]
    write_csv(site.directory / "landing" / "deliveries_2.csv", FEEDS["deliveries"].column_names, late)
    close_plainly(site, [dt.date(2026, 6, 1)])
    rows = published(site, "FROM reporting.order_book WHERE period_month = '2026-06-01' ORDER BY product_id")
    # 90 − 30 − 10 are open at the end of May as known now, and were 70. The cancelled line was open with 100.
    assert [quantities(row) for row in rows] == [(70, 0, 0, 20, -20, 30), (100, 0, 0, 0, -100, 0)]


MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07")
ENDS = {month: dt.date(2026, int(month[-2:]) + 1, 1) - dt.timedelta(days=1) for month in MONTHS}


@pytest.mark.parametrize("seed", range(3))
def test_the_book_rolls_forward_whatever_happens_to_the_lines(seed: int) -> None:
    """Against a count of what was open on each month's last day, line by line."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    first = dt.date(2026, 3, 1)
    lines, arrived = [], []
    for number in range(60):
        ordered = first + dt.timedelta(days=chance.randrange(150))
        line = order(f"O{number}", order_date=ordered, quantity=chance.randrange(1, 50), product_id=chance.choice("XY"))
        line |= {"account_id": chance.choice("AB"), "promised_date": ordered + dt.timedelta(days=chance.randrange(60))}
        if chance.random() < 0.3:
            line |= {"status": "cancelled", "cancelled_date": ordered + dt.timedelta(days=chance.randrange(90))}
        lines.append(line)
        for part in range(chance.randrange(4)):
            on = ordered + dt.timedelta(days=chance.randrange(100))
            arrived.append(delivery(f"D{number}-{part}", f"O{number}", str(on), chance.randrange(1, 30)) | {"on": on})
    con = books(lines, [{k: v for k, v in row.items() if k != "on"} for row in arrived], periods=MONTHS)

    rows = fetch(con, "FROM build.order_book")
    closings: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    openings: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        key = (f"{row['period_month']:%Y-%m}", row["account_id"], row["product_id"])
        closings[key], openings[key] = row["closing_quantity"], row["opening_quantity"]
        opening, came, cancelled, delivered, change, closing = quantities(row)
        assert (opening + came - cancelled - delivered + change, change) == (closing, 0)
        assert row["closing_amount"] == 10 * closing
    for month in MONTHS:
        for account in "AB":
            for part in "XY":
                key = (month, account, part)
                assert closings[key] == sum(
                    _open(line, arrived, ENDS[month])
                    for line in lines
                    if (line["account_id"], line["product_id"]) == (account, part)
                )
                if month != MONTHS[0]:
                    assert openings[key] == closings[MONTHS[MONTHS.index(month) - 1], account, part]


def _open(line: Row, arrived: Sequence[Row], day: dt.date) -> int:
    """What is open of a line on a day."""
    if line["order_date"] > day or line.get("cancelled_date", dt.date.max) <= day:
        return 0
    came = sum(row["quantity"] for row in arrived if row["order_id"] == line["order_id"] and row["on"] <= day)
    return int(max(line["quantity"] - came, 0))


# --- From order to cash ---


def cash(periods: Sequence[str] = ("2026-06",), **feeds: Any) -> dict[str, Row]:
    """By month, the row of account A."""
    con = build_case(feeds, periods=periods, tables=["order_to_cash"])
    return {f"{row['period_month']:%Y-%m}": row for row in fetch(con, "FROM build.order_to_cash")}


def test_an_invoice_of_instalments_counts_once_when_the_last_cent_is_settled() -> None:
    bill = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-05-01", "net_amount": 80, "tax_amount": 20}
    parts = [("2026-05-11", 60), ("2026-06-10", 40)]
    found = cash(
        ["2026-05", "2026-06"],
        invoices=[bill],
        instalments=[
            {"invoice_id": "I1", "instalment_no": number, "due_date": due, "amount": amount}
            for number, (due, amount) in enumerate(parts, start=1)
        ],
        payments=[
            {"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-05-11", "amount": 60},
            {"payment_id": "P2", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-06-13", "amount": 40},
        ],
    )
    assert list(found) == ["2026-06"]
    row = found["2026-06"]
    # 1 May to 10 June are 40 days; three days late.
    assert (row["line_count"], row["amount"], row["invoice_to_due_days"], row["due_to_cash_days"]) == (1, 100, 40, 3)
    # It names no order, and nobody said when it was booked.
    assert (row["order_to_delivery_amount"], row["order_to_delivery_days"]) == (0, None)
    assert (
        row["order_to_delivery_days_reason"] == row["invoice_to_acceptance_days_reason"] == "no amount has both dates"
    )


def test_dates_after_the_month_end_are_not_known_and_amounts_are_at_the_rate_of_the_settlement() -> None:
    found = cash(
        orders=[order("O1")],
        deliveries=[delivery("D1", "O1", "2026-05-20", 60), delivery("D2", "O1", "2026-07-01", 40)],
        fx_rates=[
            {"currency": "USD", "rate_date": "2026-05-01", "rate": "0.5"},
            {"currency": "USD", "rate_date": "2026-06-20", "rate": "0.8"},
        ],
        invoices=[
            {"invoice_id": "I1", "account_id": "A", "order_id": "O1", "order_line_no": 1, "currency": "USD"}
            | {"invoice_date": "2026-05-25", "accepted_date": "2026-07-02", "net_amount": 100, "quantity": 60}
        ],
        payments=[
            {"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-06-20", "amount": 100}
        ],
    )  # fmt: skip
    row = found["2026-06"]
    # The delivery of 20 May, ten days after the order, is the last one known.
    assert (row["amount"], row["order_to_delivery_amount_days"], row["order_to_delivery_days"]) == (80, 800, 10)
    assert (row["delivery_to_invoice_days"], row["invoice_to_acceptance_amount"]) == (5, 0)


@pytest.mark.parametrize("seed", range(2))
def test_days_to_cash_are_the_sums_over_the_lines_whatever_is_settled_when(seed: int) -> None:
    """Against a sum over the documents, one by one: the days of several accounts come from the columns alone."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    bills: list[Row] = []
    payments: list[Row] = []
    settled: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
    for number in range(40):
        issued = dt.date(2026, 3, 1) + dt.timedelta(days=chance.randrange(100))
        due, amount, account = (
            issued + dt.timedelta(days=chance.randrange(60)),
            chance.randrange(1, 900),
            chance.choice("AB"),
        )
        document = {
            "invoice_id": f"I{number}",
            "account_id": account,
            "invoice_date": str(issued),
            "due_date": str(due),
        }
        bills.append(document | {"net_amount": amount})
        first = chance.randrange(amount + 1)
        days = sorted(issued + dt.timedelta(days=chance.randrange(80)) for _ in range(2))
        for part, (day, paid) in enumerate(zip(days, (first, amount - first), strict=True)):
            if paid:
                payment = {"payment_id": f"P{number}-{part}", "account_id": account, "invoice_id": f"I{number}"}
                payments.append(payment | {"payment_date": str(day), "amount": paid})
        last = days[1] if amount > first else days[0]
        settled[account, f"{last:%Y-%m}"].append((amount, (due - issued).days, (last - due).days))
    feeds = {"invoices": bills, "payments": payments}
    con = build_case(feeds, periods=MONTHS, tables=["order_to_cash"])

    found = {(row["account_id"], f"{row['period_month']:%Y-%m}"): row for row in fetch(con, "FROM build.order_to_cash")}
    assert found.keys() == {key for key in settled if key[1] in MONTHS}
    for key, row in found.items():
        total = sum(amount for amount, _, _ in settled[key])
        to_due = sum(amount * days for amount, days, _ in settled[key])
        to_cash = sum(amount * days for amount, _, days in settled[key])
        assert (row["line_count"], row["amount"]) == (len(settled[key]), total)
        assert (row["invoice_to_due_amount_days"], row["due_to_cash_amount_days"]) == (to_due, to_cash)
        assert row["due_to_cash_days"] == (Decimal(to_cash) / total).quantize(Decimal("0.000001"), ROUND_HALF_UP)
