"""Northwind: what was promised for a month and what had been shipped by its end, by order and by product."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from kam.audit import verify
from kam.periods import months_between
from kam.site import Site
from tests.real import sites
from tests.real.sites import Record, loaded_rows, month_end, month_of, records, us_date
from tests.support import needs_shared, published

pytestmark = needs_shared

MONTHS = months_between(dt.date(1996, 7, 1), dt.date(1998, 6, 1))
AT_THE_END = dt.date(1998, 6, 30)
Key = tuple[dt.date, str]


@pytest.fixture(scope="module")
def orders_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One line an order, all months closed."""
    site = sites.northwind_orders(tmp_path_factory.mktemp("orders") / "site")
    sites.close_together(site, MONTHS)
    return site


@pytest.fixture(scope="module")
def lines_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One line a product ordered, all months closed."""
    site = sites.northwind_lines(tmp_path_factory.mktemp("lines") / "site")
    sites.close_together(site, MONTHS)
    return site


def orders() -> dict[str, Record]:
    return {row["OrderID"]: row for row in records("northwind/Orders.csv")}


def lines() -> list[Record]:
    """The order lines with what their orders say."""
    of_order = orders()
    return [line | of_order[line["OrderID"]] for line in records("northwind/Order_Details.csv")]


def shipped(row: Record) -> dt.date:
    """When it was shipped; never, as far as the file knows, is the end of time."""
    return us_date(row["ShippedDate"]) if row["ShippedDate"] else dt.date.max


def due_by_customer_and_month(rows: list[Record]) -> dict[Key, list[Decimal]]:
    """Lines due, on time and in full, open at the month's end; quantity due, quantity on time. An order counts as 1."""
    sums: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)
    for row in rows:
        due = us_date(row["RequiredDate"])
        is_on_time, is_open = shipped(row) <= due, shipped(row) > month_end(due)
        pieces = Decimal(row.get("Quantity", 1))
        line = (Decimal(1), Decimal(is_on_time), Decimal(is_open), pieces, pieces * is_on_time)
        key = (month_of(due), row["CustomerID"])
        sums[key] = [kept + added for kept, added in zip(sums[key], line, strict=True)]
    return sums


def delivery_performance(site: Site) -> dict[Key, list[Decimal]]:
    columns = ("line_count", "otif_count", "open_late_count", "quantity_due", "quantity_on_time")
    return {
        (row["period_month"], row["account_id"]): [row[name] for name in columns]
        for row in published(site, "FROM reporting.delivery_performance")
    }


def failed_and_open(site: Site) -> tuple[int, int]:
    """Lines not on time and in full, and lines open at the end of the month they were due in, over all months."""
    (sums,) = published(
        site,
        "SELECT sum(line_count - otif_count) AS failed, sum(open_late_count) AS open "
        "FROM reporting.delivery_performance",
    )
    return sums["failed"], sums["open"]


def test_orders_due_of_each_customer_and_month(orders_site: Site) -> None:
    assert delivery_performance(orders_site) == due_by_customer_and_month(list(orders().values()))


def test_58_orders_failed_37_of_them_late_and_21_not_shipped(orders_site: Site) -> None:
    """As of 1998-06-30; at the end of the month they were due in, 27 were still open."""
    late = [row for row in orders().values() if us_date(row["RequiredDate"]) < shipped(row) <= AT_THE_END]
    not_shipped = [row for row in orders().values() if shipped(row) > AT_THE_END]

    assert (len(late), len(not_shipped)) == (37, 21)
    assert failed_and_open(orders_site) == (37 + 21, 27)


def test_lines_due_of_each_customer_and_month(lines_site: Site) -> None:
    assert delivery_performance(lines_site) == due_by_customer_and_month(lines())


def test_165_lines_failed_92_of_them_late_and_73_not_shipped(lines_site: Site) -> None:
    late = [row for row in lines() if us_date(row["RequiredDate"]) < shipped(row) <= AT_THE_END]
    not_shipped = [row for row in lines() if shipped(row) > AT_THE_END]

    assert (len(late), len(not_shipped)) == (92, 73)
    assert failed_and_open(lines_site)[0] == 92 + 73


def test_quantities_delivered_to_each_customer_and_month(lines_site: Site) -> None:
    expected: dict[Key, Decimal] = defaultdict(Decimal)
    for row in lines():
        if row["ShippedDate"]:
            expected[month_of(shipped(row)), row["CustomerID"]] += Decimal(row["Quantity"])

    found = published(lines_site, "FROM reporting.quality_performance WHERE delivered_quantity > 0")

    assert {(row["period_month"], row["account_id"]): row["delivered_quantity"] for row in found} == expected
    # The source says nothing of rejects, so nothing is known of them.
    assert {(row["rejected_quantity"], row["ppm"]) for row in found} == {(None, None)}


def test_prices_are_net_of_discounts_to_the_cent(lines_site: Site) -> None:
    (sales,) = loaded_rows(lines_site, "SELECT sum(amount_doc) AS net_amount FROM core.sales WHERE basis = 'ordered'")

    assert round(sales["net_amount"], 2) == Decimal("1265793.04")
    assert sum(Decimal(row["UnitPrice"]) * Decimal(row["Quantity"]) for row in lines()) == Decimal("1354458.59")


def test_every_version_of_orders_comes_out_the_same_from_the_archive_alone(orders_site: Site) -> None:
    proofs = verify(orders_site)
    assert [proof.name for proof in proofs if not proof.holds] == []
    assert {proof.is_published for proof in proofs} == {True}


def test_every_version_of_lines_comes_out_the_same_from_the_archive_alone(lines_site: Site) -> None:
    proofs = verify(lines_site)
    assert [proof.name for proof in proofs if not proof.holds] == []
    assert {proof.is_published for proof in proofs} == {True}
