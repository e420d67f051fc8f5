"""Delivery and quality: what arrived when, how much, and how much of it was rejected."""

from __future__ import annotations

import csv
import datetime as dt
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.periods import months_between, parse_month
from kam.warehouse import Connection, literal, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import SHARED, build, build_case, fetch, long, needs_shared, settings_of

# One change of a table for each rule of its own; see tests/expectations/test_broken_inputs.py.
TAMPERINGS = (
    Tampering("delivery_performance.shares_within_0_and_1", "otif_ratio = 1.000001"),
    Tampering("delivery_performance.parts_within_the_lines", "otif_count = line_count + 1"),
    Tampering("delivery_performance.undefined_has_a_reason", "otif_ratio = NULL"),
    # The demo's accounts buy pieces and metres, so that none has a total.
    Tampering(
        "quality_performance.ppm_needs_deliveries",
        "ppm = NULL, quantity_reason = NULL, delivered_quantity = 1, rejected_quantity = 0",
        "ppm IS NOT NULL",
    ),
    Tampering("quality_performance.undefined_has_a_reason", "ppm_reason = 'nothing delivered'", "ppm IS NOT NULL"),
)


Row = dict[str, Any]


def order(**given: Any) -> Row:
    """An order line of account A over 100 pieces, promised for 12 March 2026, with what is given changed."""
    line = {
        "order_id": "O1",
        "account_id": "A",
        "order_date": "2026-02-01",
        "promised_date": "2026-03-12",
        "quantity": 100,
    }
    return line | given


def delivery(delivered_date: str, quantity: float = 100, **given: Any) -> Row:
    """A delivery against the first line of order O1."""
    row = {
        "delivery_id": f"D{delivered_date}",
        "order_id": "O1",
        "delivered_date": delivered_date,
        "quantity": quantity,
    }
    return row | given


def delivery_performance(
    orders: Sequence[Row], deliveries: Sequence[Row] = (), *, month: str = "2026-03", **window: Any
) -> dict[str, Row]:
    """The rows of the month by basis; `window` holds settings of [delivery]."""
    con = build_case(
        {"orders": orders, "deliveries": deliveries},
        settings={"delivery": window},
        periods=[month],
        feeds=("orders", "deliveries"),
        tables=["delivery_performance"],
    )
    return {row["basis"]: row for row in fetch(con, "SELECT * FROM build.delivery_performance")}


def promised(orders: Sequence[Row], deliveries: Sequence[Row] = (), **options: Any) -> Row:
    """The row of the basis `promised`, the only one."""
    found = delivery_performance(orders, deliveries, **options)
    assert list(found) == ["promised"]
    return found["promised"]


def counts(row: Row) -> tuple[int, int, int, int, int]:
    """line_count, on_time_count, in_full_count, otif_count, open_late_count."""
    return (
        row["line_count"],
        row["on_time_count"],
        row["in_full_count"],
        row["otif_count"],
        row["open_late_count"],
    )


def quality_performance(given: Mapping[str, Sequence[Row]], *months: str, **settings: Any) -> list[Row]:
    """The rows of the months in order of month and account."""
    con = build_case(
        given,
        settings=settings,
        periods=months,
        feeds=("orders", "deliveries", "issues"),
        tables=["quality_performance"],
    )
    return fetch(con, "SELECT * FROM build.quality_performance ORDER BY period_month, account_id")


# --- on time, in full -------------------------------------------------------------------------------------------------


def test_split_deliveries_count_together() -> None:
    row = promised([order()], [delivery("2026-03-10", 60), delivery("2026-03-12", 40)])
    assert counts(row) == (1, 1, 1, 1, 0)
    assert row["otif_ratio"] == row["quantity_on_time_ratio"] == 1
    assert row["average_days_late"] is None


def test_two_deliveries_on_one_day_count_together() -> None:
    row = promised([order()], [delivery("2026-03-12", 60), delivery("2026-03-12", 40, delivery_id="D2")])
    assert counts(row) == (1, 1, 1, 1, 0)


def test_second_half_too_late_is_in_full_but_not_on_time() -> None:
    # 60 by the 12th, 40 on the 15th: three days late.
    row = promised([order()], [delivery("2026-03-10", 60), delivery("2026-03-15", 40)])
    assert counts(row) == (1, 0, 1, 0, 0)
    assert row["quantity_on_time"] == 60
    assert row["quantity_on_time_ratio"] == Decimal("0.6")
    assert row["average_days_late"] == 3


def test_short_line_is_on_time_but_not_in_full() -> None:
    # All that was delivered so far came in time, but it is 60 of 100; the rest is open for 31 - 12 = 19 days.
    row = promised([order()], [delivery("2026-03-10", 60)])
    assert counts(row) == (1, 1, 0, 0, 1)
    assert row["average_days_late"] == 19


@pytest.mark.parametrize(
    ("deliveries", "on_time", "late", "still_open", "days_late"),
    [
        # 95 of 100 on the promised day, and closed: not in full, and nothing is late.
        ([delivery("2026-03-12", 95)], 1, 0, 0, None),
        ([delivery("2026-03-12", 60), delivery("2026-03-15", 35)], 0, 1, 0, 3),
        # Nothing says when a line without a delivery was closed: by its dates it is open, to the month end.
        ([], 0, 1, 1, 19),
        ([delivery("2026-04-02", 95)], 0, 1, 1, 19),
    ],
)
def test_a_line_that_was_closed_short_waits_for_nothing_more(
    deliveries: list[Row], on_time: int, late: int, still_open: int, days_late: int | None
) -> None:
    row = promised([order(status="closed")], deliveries)
    assert (row["on_time_count"], row["in_full_count"], row["otif_count"]) == (on_time, 0, 0)
    assert (row["late_count"], row["open_late_count"], row["average_days_late"]) == (late, still_open, days_late)


def test_line_not_delivered_is_late() -> None:
    row = promised([order()])
    assert counts(row) == (1, 0, 0, 0, 1)
    assert row["quantity_on_time"] == 0
    assert row["late_count"] == 1


def test_delivery_of_nothing_is_not_on_time() -> None:
    assert counts(promised([order()], [delivery("2026-03-10", 0)])) == (1, 0, 0, 0, 1)


def test_delivery_after_month_end_is_not_known_yet() -> None:
    orders, deliveries = [order(promised_date="2026-03-30")], [delivery("2026-04-01")]
    row = promised(orders, deliveries)
    assert counts(row) == (1, 0, 0, 0, 1)
    assert row["average_days_late"] == 1
    # Two days of grace reach into April; in March nobody knows of the delivery all the same.
    assert counts(promised(orders, deliveries, late_days=2)) == (1, 0, 0, 0, 1)


def test_average_days_late_is_over_the_late_lines() -> None:
    # 3 days, 5 days and one in time: (3 + 5) / 2.
    orders = [order(), order(order_id="O2"), order(order_id="O3")]
    deliveries = [
        delivery("2026-03-15"),
        delivery("2026-03-17", order_id="O2"),
        delivery("2026-03-01", order_id="O3"),
    ]
    row = promised(orders, deliveries)
    assert (row["late_count"], row["days_late"], row["average_days_late"]) == (2, 8, 4)
    assert row["otif_ratio"] == Decimal("0.333333")


# --- the window and the tolerance -------------------------------------------------------------------------------------


def test_any_early_delivery_is_on_time_by_default() -> None:
    assert counts(promised([order()], [delivery("2026-02-02")])) == (1, 1, 1, 1, 0)


@pytest.mark.parametrize(("delivered", "on_time"), [("2026-03-09", 0), ("2026-03-10", 1), ("2026-03-12", 1)])
def test_two_days_early_are_allowed(delivered: str, on_time: int) -> None:
    row = promised([order()], [delivery(delivered)], early_days=2)
    assert counts(row) == (1, on_time, 1, on_time, 0)
    # Too early is not late.
    assert (row["late_count"], row["average_days_late"]) == (0, None)


@pytest.mark.parametrize(("delivered", "on_time", "days_late"), [("2026-03-14", 1, None), ("2026-03-15", 0, 3)])
def test_two_days_of_grace_are_allowed(delivered: str, on_time: int, days_late: int | None) -> None:
    row = promised([order()], [delivery(delivered)], late_days=2)
    assert counts(row) == (1, on_time, 1, on_time, 0)
    # Beyond the grace, days count from the due date.
    assert row["average_days_late"] == days_late


@pytest.mark.parametrize(("quantity", "in_full"), [("94.9999", 0), ("95", 1), ("105", 1), ("105.0001", 0)])
def test_tolerance_holds_on_both_sides(quantity: str, in_full: int) -> None:
    row = promised([order()], [delivery("2026-03-12", float(quantity))], quantity_tolerance_ratio=0.05)
    assert (row["on_time_count"], row["in_full_count"], row["otif_count"]) == (1, in_full, in_full)


def test_over_delivery_within_no_tolerance_is_no_fault_and_capped() -> None:
    row = promised([order()], [delivery("2026-03-12", 150)])
    assert counts(row) == (1, 1, 1, 1, 0)
    assert row["quantity_on_time"] == 100


def test_over_delivered_line_is_complete() -> None:
    row = promised([order()], [delivery("2026-03-12", 150)], quantity_tolerance_ratio=0.05)
    assert counts(row) == (1, 1, 0, 0, 0)
    assert row["late_count"] == 0


# --- what is due ------------------------------------------------------------------------------------------------------


def test_each_date_is_a_basis_of_its_own() -> None:
    line = order(requested_date="2026-03-05", promised_date="2026-03-12", last_promised_date="2026-04-02")
    by_basis = delivery_performance([line], [delivery("2026-03-10")])
    assert {basis: row["on_time_count"] for basis, row in by_basis.items()} == {"requested": 0, "promised": 1}
    assert by_basis["requested"]["average_days_late"] == 5
    # Our own score goes by the promise, unless the settings name another date.
    assert {basis: row["is_default_basis"] for basis, row in by_basis.items()} == {"requested": False, "promised": True}
    in_april = delivery_performance([line], [delivery("2026-03-10")], month="2026-04")
    assert {basis: row["otif_count"] for basis, row in in_april.items()} == {"last_promised": 1}


@pytest.mark.parametrize(
    "left_out",
    [
        pytest.param({"status": "cancelled"}, id="cancelled"),
        pytest.param({"cancelled_date": "2026-03-31"}, id="cancelled by the month end"),
        pytest.param({"promised_date": None}, id="without the date"),
        pytest.param({"quantity": 0}, id="for nothing"),
        pytest.param({"promised_date": "2026-04-01"}, id="due in another month"),
    ],
)
def test_lines_that_are_not_due_do_not_count(left_out: Row) -> None:
    row = promised([order(), order(order_id="O2", **left_out)], [delivery("2026-03-12")])
    assert counts(row) == (1, 1, 1, 1, 0)


def test_a_line_that_was_cancelled_after_the_month_end_was_due() -> None:
    row = promised([order(status="cancelled", cancelled_date="2026-04-01")], [])
    assert counts(row) == (1, 0, 0, 0, 1)


def test_month_without_lines_due_has_no_row() -> None:
    assert delivery_performance([order()], month="2026-02") == {}


def test_business_month_decides_where_a_line_is_due() -> None:
    # March ends on the 28th; a line due on the 30th belongs to April.
    calendar = [
        {"period_month": "2026-03-01", "start_date": "2026-03-01", "end_date": "2026-03-28"},
        {"period_month": "2026-04-01", "start_date": "2026-03-29", "end_date": "2026-04-25"},
    ]
    con = build_case(
        {"orders": [order(promised_date="2026-03-30")], "deliveries": [], "calendar": calendar},
        periods=["2026-03", "2026-04"],
    )
    found = fetch(con, "SELECT period_month, average_days_late FROM build.delivery_performance")
    assert found == [{"period_month": dt.date(2026, 4, 1), "average_days_late": 26}]


# --- one delivery a line, in the orders themselves --------------------------------------------------------------------


def test_date_without_quantity_means_the_whole_line() -> None:
    row = promised([order(delivered_date="2026-03-12")])
    assert counts(row) == (1, 1, 1, 1, 0)
    assert row["quantity_on_time"] == 100


def test_quantity_in_the_order_counts() -> None:
    row = promised([order(delivered_date="2026-03-12", delivered_quantity=40)])
    assert counts(row) == (1, 1, 0, 0, 1)


def test_deliveries_win_over_the_order_columns_line_by_line() -> None:
    orders = [
        order(delivered_date="2026-03-01", rejected_quantity=50),
        order(line_no=2, delivered_date="2026-03-02", rejected_quantity=2),
    ]
    deliveries = [delivery("2026-03-20", 100, rejected_quantity=1)]
    row = promised(orders, deliveries)
    assert counts(row) == (2, 1, 2, 1, 0)
    quality = quality_performance({"orders": orders, "deliveries": deliveries}, "2026-03")
    assert [(q["delivered_quantity"], q["rejected_quantity"]) for q in quality] == [(200, 3)]


# --- quality ----------------------------------------------------------------------------------------------------------


def test_ppm_is_rejected_per_million_delivered() -> None:
    given = {"orders": [order(quantity=80000)], "deliveries": [delivery("2026-03-10", 80000, rejected_quantity=2)]}
    (row,) = quality_performance(given, "2026-03")
    assert (row["delivered_quantity"], row["rejected_quantity"], row["ppm"]) == (80000, 2, 25)


def test_ppm_is_undefined_when_nothing_was_delivered() -> None:
    complaint: Row = {"issue_id": "I1", "account_id": "A", "issue_type": "complaint", "opened_date": "2026-03-05"}
    (row,) = quality_performance({"issues": [complaint | {"affected_quantity": 7}]}, "2026-03")
    assert (row["ppm"], row["ytd_ppm"], row["complaint_count"], row["complaint_quantity"]) == (None, None, 1, 7)
    assert row["account_name"] == "unknown"


def test_only_complaints_opened_in_the_month_count_as_complaints() -> None:
    issue: Row = {"account_id": "A", "issue_type": "complaint", "opened_date": "2026-03-31"}
    issues = [
        issue | {"issue_id": "I1"},
        issue | {"issue_id": "I2", "opened_date": "2026-04-01", "affected_quantity": 5},
        issue | {"issue_id": "I3", "issue_type": "audit_finding", "affected_quantity": 5},
        issue | {"issue_id": "I4", "issue_type": None, "affected_quantity": 5},
    ]
    march, april = quality_performance({"issues": issues}, "2026-03", "2026-04")
    assert (march["complaint_count"], march["complaint_quantity"]) == (1, 0)
    assert (april["complaint_count"], april["ytd_complaint_count"], april["ytd_complaint_quantity"]) == (1, 2, 5)


def test_year_to_date_is_fiscal_and_from_totals() -> None:
    # The year begins in April. April: 10 of 1,000 = 10,000 ppm; May: 0 of 9,000 = 0.
    # To date 10 of 10,000 = 1,000 ppm, not the mean 5,000.
    given = {
        "orders": [order(quantity=99999), order(order_id="O2", order_date="2026-06-01")],
        "deliveries": [
            delivery("2026-03-31", 500, rejected_quantity=500),
            delivery("2026-04-10", 1000, rejected_quantity=10),
            delivery("2026-05-10", 9000),
        ],
    }
    april, may, june = quality_performance(given, "2026-04", "2026-05", "2026-06", site={"fiscal_year_start_month": 4})
    assert (april["ppm"], april["ytd_ppm"]) == (10000, 10000)
    assert (may["ppm"], may["ytd_ppm"], may["ytd_delivered_quantity"]) == (0, 1000, 10000)
    assert (june["ppm"], june["delivered_quantity"], june["ytd_ppm"]) == (None, 0, 1000)


def test_goods_delivered_on_a_cancelled_line_count_in_quality() -> None:
    given = {"orders": [order(status="cancelled")], "deliveries": [delivery("2026-03-10", 40, rejected_quantity=1)]}
    (row,) = quality_performance(given, "2026-03")
    assert (row["delivered_quantity"], row["ppm"]) == (40, 25000)


def test_delivery_of_an_unknown_line_belongs_to_no_account() -> None:
    given = {
        "orders": [order()],
        "deliveries": [delivery("2026-03-10", 60), delivery("2026-03-11", 40, order_line_no=9)],
    }
    (row,) = quality_performance(given, "2026-03")
    assert row["delivered_quantity"] == 60


# --- real data --------------------------------------------------------------------------------------------------------


def _build_orders(select: str, first: str, last: str, calendar: str | None = None) -> Connection:
    """The marts of these months over one delivery a line, loaded as one set by a SELECT."""
    settings = settings_of(feeds=("orders",))
    con = memory()
    prepare(con, settings.site.reporting_currency)
    prepare_marts(con)
    con.execute(f"INSERT INTO staging.orders BY NAME SELECT *, 1 AS load_id FROM ({select})")
    if calendar:
        con.execute(f"INSERT INTO staging.calendar BY NAME SELECT *, 1 AS load_id FROM ({calendar})")
    build(con, settings, months_between(parse_month(first), parse_month(last)), as_of_load=1)
    return con


def _records(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def _us_date(text: str) -> dt.date | None:
    if not text:
        return None
    month, day, year = (int(part) for part in text.split("/"))
    return dt.date(year, month, day)


def _month_end(day: dt.date) -> dt.date:
    return day.replace(day=monthrange(day.year, day.month)[1])


NORTHWIND = SHARED / "data" / "northwind"
PURCHASING = SHARED / "data" / "adventureworks_purchasing"
NORTHWIND_ORDERS = f"""
    SELECT
        OrderID AS order_id,
        CustomerID AS account_id,
        strptime(OrderDate, '%m/%d/%Y')::DATE AS order_date,
        strptime(RequiredDate, '%m/%d/%Y')::DATE AS requested_date,
        strptime(nullif(ShippedDate, ''), '%m/%d/%Y')::DATE AS delivered_date
    FROM read_csv({literal(str(NORTHWIND / "Orders.csv"))}, header = true, all_varchar = true, quote = '"')"""
NORTHWIND_ONE_LINE = f"SELECT *, 1 AS line_no, 1 AS quantity FROM ({NORTHWIND_ORDERS})"
NORTHWIND_LINES = f"""
    SELECT orders.*, ProductID::INTEGER AS line_no, Quantity::DECIMAL(18, 4) AS quantity
    FROM ({NORTHWIND_ORDERS}) AS orders
    JOIN read_csv({literal(str(NORTHWIND / "Order_Details.csv"))}, header = true, all_varchar = true) AS details
      ON details.OrderID = orders.order_id"""


@needs_shared
def test_northwind_as_of_june_1998_has_37_late_and_21_not_shipped() -> None:
    # One business month from the first order to 30 June 1998 shows all orders as known on that day.
    calendar = (
        "SELECT DATE '1998-06-01' AS period_month, DATE '1996-07-01' AS start_date, DATE '1998-06-30' AS end_date"
    )
    con = _build_orders(NORTHWIND_ONE_LINE, "1998-06", "1998-06", calendar)
    (total,) = fetch(
        con,
        """SELECT
            sum(line_count) AS lines,
            sum(open_late_count) AS not_shipped,
            sum(late_count - open_late_count) AS late
        FROM build.delivery_performance WHERE basis = 'requested'""",
    )
    assert total == {"lines": 830, "not_shipped": 21, "late": 37}


@needs_shared
@pytest.mark.parametrize(
    ("select", "lines", "failed"),
    [
        pytest.param(NORTHWIND_ONE_LINE, 830, 58, id="one line an order"),
        pytest.param(NORTHWIND_LINES, 2155, 92 + 73, id="a line a product"),
    ],
)
def test_northwind_lines_that_failed_month_by_month(select: str, lines: int, failed: int) -> None:
    con = _build_orders(select, "1996-07", "1998-06")
    (total,) = fetch(
        con,
        """SELECT sum(line_count) AS lines, sum(line_count - otif_count) AS failed
        FROM build.delivery_performance WHERE basis = 'requested'""",
    )
    assert total == {"lines": lines, "failed": failed}


@needs_shared
def test_northwind_orders_still_open_at_their_month_end() -> None:
    con = _build_orders(NORTHWIND_ONE_LINE, "1996-07", "1998-06")
    assert con.execute("SELECT sum(open_late_count) FROM build.delivery_performance").fetchall() == [(27,)]


@needs_shared
def test_northwind_agrees_with_plain_python_for_each_customer_and_month() -> None:
    expected: dict[tuple[str, dt.date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for record in _records(NORTHWIND / "Orders.csv"):
        due, shipped = _us_date(record["RequiredDate"]), _us_date(record["ShippedDate"])
        assert due
        figures = expected[record["CustomerID"], due.replace(day=1)]
        figures[0] += 1
        figures[1] += bool(shipped and shipped <= due)
        figures[2] += not shipped or shipped > _month_end(due)
    con = _build_orders(NORTHWIND_ONE_LINE, "1996-07", "1998-06")
    found = con.execute(
        "SELECT account_id, period_month, line_count, otif_count, open_late_count FROM build.delivery_performance"
    ).fetchall()
    assert {(account, month): figures for account, month, *figures in found} == dict(expected)


PURCHASE_LINES = f"""
    SELECT
        details.PurchaseOrderID AS order_id,
        details.PurchaseOrderDetailID::INTEGER AS line_no,
        headers.VendorID AS account_id,
        headers.OrderDate::TIMESTAMP::DATE AS order_date,
        details.DueDate::TIMESTAMP::DATE AS promised_date,
        details.OrderQty::DECIMAL(18, 4) AS quantity,
        headers.ShipDate::TIMESTAMP::DATE AS delivered_date,
        details.ReceivedQty::DECIMAL(18, 4) AS delivered_quantity,
        details.RejectedQty::DECIMAL(18, 4) AS rejected_quantity
    FROM read_csv({literal(str(PURCHASING / "PurchaseOrderDetail.csv"))}, header = true, all_varchar = true) AS details
    JOIN read_csv({literal(str(PURCHASING / "PurchaseOrderHeader.csv"))}, header = true, all_varchar = true) AS headers
      USING (PurchaseOrderID)"""


def _purchases() -> Iterator[tuple[str, dt.date, dt.date, Decimal, Decimal, Decimal]]:
    """Vendor, due date, date delivered, quantity ordered, received and rejected of each line."""
    headers = {record["PurchaseOrderID"]: record for record in _records(PURCHASING / "PurchaseOrderHeader.csv")}
    for line in _records(PURCHASING / "PurchaseOrderDetail.csv"):
        header = headers[line["PurchaseOrderID"]]
        yield (
            header["VendorID"],
            dt.date.fromisoformat(line["DueDate"][:10]),
            dt.date.fromisoformat(header["ShipDate"][:10]),
            Decimal(line["OrderQty"]),
            Decimal(line["ReceivedQty"]),
            Decimal(line["RejectedQty"]),
        )


@pytest.fixture(scope="module")
def purchases() -> Connection:
    """AdventureWorks' purchases, its vendors in the place of customers; 43 months."""
    return _build_orders(PURCHASE_LINES, "2022-04", "2025-10")


@long
@needs_shared
def test_purchases_have_7_late_lines(purchases: Connection) -> None:
    (total,) = fetch(
        purchases,
        "SELECT sum(line_count) AS lines, sum(line_count - on_time_count) AS late FROM build.delivery_performance",
    )
    assert total == {"lines": 8845, "late": 7}


@needs_shared
def test_delivery_of_purchases_agrees_with_plain_python(purchases: Connection) -> None:
    expected: dict[tuple[str, dt.date], list[Any]] = defaultdict(lambda: [0] * 8)
    for vendor, due, shipped, ordered, received, _ in _purchases():
        end = _month_end(due)
        arrived = received if shipped <= end else Decimal(0)
        on_time, in_full = arrived > 0 and shipped <= due, arrived >= ordered
        late = not in_full or shipped > due
        figures = expected[vendor, due.replace(day=1)]
        for index, value in enumerate(
            (
                1,
                on_time,
                in_full,
                on_time and in_full,
                not in_full,
                ordered,
                min(arrived, ordered) if on_time else 0,
                ((shipped if in_full else end) - due).days if late else 0,
            )
        ):
            figures[index] += value
    found = purchases.execute(
        """SELECT account_id, period_month, line_count, on_time_count, in_full_count, otif_count, open_late_count,
            quantity_due, quantity_on_time, coalesce(round(average_days_late * late_count), 0)::INTEGER
        FROM build.delivery_performance"""
    ).fetchall()
    assert {(vendor, month): figures for vendor, month, *figures in found} == dict(expected)


@needs_shared
def test_quality_of_purchases_agrees_with_plain_python(purchases: Connection) -> None:
    delivered: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
    rejected: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
    for vendor, _, shipped, _, received, refused in _purchases():
        delivered[vendor, shipped.replace(day=1)] += received
        rejected[vendor, shipped.replace(day=1)] += refused
    found = {
        (row["account_id"], row["period_month"]): row
        for row in fetch(purchases, "SELECT * FROM build.quality_performance")
    }
    assert set(delivered) <= set(found)
    for (vendor, month), row in found.items():
        to_date = [key for key in delivered if key[0] == vendor and key[1].year == month.year and key[1] <= month]
        assert to_date
        assert row["ytd_delivered_quantity"] == sum(delivered[key] for key in to_date)
        assert row["ytd_rejected_quantity"] == sum(rejected[key] for key in to_date)
        assert row["ytd_ppm"] == _ppm(row["ytd_rejected_quantity"], row["ytd_delivered_quantity"])
        assert row["delivered_quantity"] == delivered.get((vendor, month), 0)
        assert row["ppm"] == _ppm(rejected.get((vendor, month), Decimal(0)), delivered.get((vendor, month), Decimal(0)))


def _ppm(rejected: Decimal, delivered: Decimal) -> Decimal | None:
    """Rounded to six digits, half away from zero, in exact arithmetic."""
    if not delivered:
        return None
    millionths = Fraction(rejected) / Fraction(delivered) * 10**12
    return Decimal(int(millionths + Fraction(1, 2))) / 10**6


def test_a_source_that_never_says_what_was_rejected_has_no_parts_per_million() -> None:
    order = {
        "order_id": "O1",
        "account_id": "A",
        "order_date": "2026-03-01",
        "quantity": 10,
        "delivered_date": "2026-03-09",
    }
    con = build_case({"orders": [order]}, periods=["2026-03"])
    (row,) = fetch(
        con, "SELECT delivered_quantity, rejected_quantity, ppm, ytd_ppm, ppm_reason FROM build.quality_performance"
    )
    assert row == {
        "delivered_quantity": 10,
        "rejected_quantity": None,
        "ppm": None,
        "ytd_ppm": None,
        "ppm_reason": "no source says what was rejected",
    }


def test_complaints_are_unknown_without_issues_and_deliveries_without_orders() -> None:
    given = {"orders": [order()], "deliveries": [delivery("2026-03-12")]}
    row = quality(given, feeds=["orders", "deliveries"])
    assert (row["delivered_quantity"], row["complaint_count"], row["complaint_count_reason"]) == (
        100,
        None,
        "the feed issues is not declared",
    )
    complaint = {"issue_id": "I1", "account_id": "A", "opened_date": "2026-03-12", "issue_type": "complaint"}
    row = quality({"issues": [complaint]}, feeds=["issues"])
    assert (row["delivered_quantity"], row["ppm"], row["ppm_reason"]) == (None, None, "the feed orders is not declared")
    assert (row["complaint_count"], row["complaint_count_reason"]) == (1, None)


def quality(given: Mapping[str, Sequence[Row]], *, feeds: Sequence[str]) -> Row:
    """The one row of March of a site with these feeds."""
    con = build_case(given, periods=["2026-03"], feeds=feeds, tables=["quality_performance"])
    (row,) = fetch(con, "FROM build.quality_performance")
    return row


def test_without_a_source_of_deliveries_nothing_is_known_of_them() -> None:
    """Neither a feed of deliveries nor a delivered_date in the orders: no line is late for that."""
    no_deliveries = "the feed deliveries is not declared, and orders have no delivered_date"
    issues = [{"issue_id": "I1", "account_id": "A", "opened_date": "2026-03-12", "issue_type": "complaint"}]
    tables = ["delivery_performance", "quality_performance", "vendor_rating"]
    scorecards = [{"account_id": "A", "month": "2026-03-01", "dimension": "cost", "score": 80}]
    given = {"orders": [order()], "issues": issues, "scorecards": scorecards}
    con = build_case(given, periods=["2026-03"], tables=tables)
    (row,) = fetch(con, "FROM build.delivery_performance")
    assert (row["line_count"], row["quantity_due"], row["otif_ratio_reason"]) == (1, 100, no_deliveries)
    counted = ["on_time_count", "in_full_count", "otif_count", "late_count", "open_late_count", "quantity_on_time"]
    ratios = ["on_time_ratio", "in_full_ratio", "otif_ratio", "quantity_on_time_ratio", "average_days_late"]
    assert {row[name] for name in (*counted, *ratios)} == {None}
    (row,) = fetch(con, "FROM build.quality_performance")
    assert (row["delivered_quantity"], row["ytd_delivered_quantity"], row["ppm"]) == (None, None, None)
    assert (row["ppm_reason"], row["complaint_count"]) == (no_deliveries, 1)
    ratings = {row["dimension"]: row for row in fetch(con, "FROM build.vendor_rating")}
    for dimension in ("quality", "delivery"):
        assert (ratings[dimension]["own_score"], ratings[dimension]["own_score_reason"]) == (None, no_deliveries)


def test_deliveries_in_the_orders_are_a_source_of_deliveries() -> None:
    orders = [order(), order(order_id="O2", promised_date="2026-04-12", delivered_date="2026-04-12")]
    con = build_case({"orders": orders}, periods=["2026-03"], tables=["delivery_performance"])
    (row,) = fetch(con, "FROM build.delivery_performance")
    assert (row["otif_ratio"], row["otif_ratio_reason"], row["open_late_count"]) == (0, None, 1)


def test_pieces_and_kilograms_have_no_total_of_deliveries_and_complaints() -> None:
    """In February pieces only; in March pieces and kilograms: 100 and 50, of which 1 rejected."""
    products = [{"product_id": "X", "unit": "pcs"}, {"product_id": "Y", "unit": "kg"}]
    orders = [
        order(product_id="X"),
        order(order_id="O2", product_id="Y", quantity=50),
        order(order_id="O3", product_id="X", promised_date="2026-02-20"),
    ]
    deliveries = [
        delivery("2026-03-12", rejected_quantity=1),
        delivery("2026-03-13", 50, order_id="O2"),
        delivery("2026-02-20", order_id="O3"),
    ]
    issue: Row = {"account_id": "A", "issue_type": "complaint", "opened_date": "2026-03-05"}
    issues = [
        issue | {"issue_id": "I1", "product_id": "X", "affected_quantity": 5},
        issue | {"issue_id": "I2", "product_id": "Y", "affected_quantity": 3},
    ]
    given = {"products": products, "orders": orders, "deliveries": deliveries, "issues": issues}
    con = build_case(
        given,
        periods=["2026-02", "2026-03"],
        tables=["delivery_performance", "quality_performance", "headline_figures", "vendor_rating"],
    )
    february, march = fetch(con, "FROM build.delivery_performance ORDER BY period_month")
    assert (february["quantity_due"], february["quantity_reason"]) == (100, None)
    assert (march["quantity_due"], march["quantity_on_time"], march["otif_count"]) == (None, None, 1)
    assert (february["quantity_on_time_ratio"], march["quantity_on_time_ratio"]) == (1, None)
    assert march["quantity_reason"] == "items of different units"
    february, march = fetch(con, "FROM build.quality_performance ORDER BY period_month")
    assert (february["delivered_quantity"], february["quantity_reason"]) == (100, None)
    for name in ("delivered_quantity", "rejected_quantity", "ytd_delivered_quantity", "complaint_quantity"):
        assert march[name] is None
    reasons = ("quantity_reason", "ytd_quantity_reason", "complaint_quantity_reason")
    assert {march[name] for name in reasons} == {"items of different units"}
    # 1 of 100 pieces and of 50 kilograms are no parts per million.
    assert (march["ppm"], march["ytd_ppm"], march["complaint_count"]) == (None, None, 2)
    assert (february["ppm"], march["ppm_reason"]) == (0, "items of different units")
    headlines = fetch(con, "FROM build.headline_figures WHERE figure = 'Rejected parts' ORDER BY period_month")
    assert [row["value"] for row in headlines] == [0, None]
    scores = fetch(con, "FROM build.vendor_rating WHERE dimension = 'quality' ORDER BY period_month")
    assert [(row["own_score"], row["own_score_reason"]) for row in scores] == [
        (100, None),
        (None, "items of different units"),
    ]
