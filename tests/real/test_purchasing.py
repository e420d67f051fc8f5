"""AdventureWorks purchasing, with its vendors as the accounts: what came late, short or was rejected."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest

from kam.audit import verify
from kam.periods import months_between
from kam.site import Site
from tests.real import sites
from tests.real.sites import Record, iso_date, loaded_rows, month_end, month_of, records
from tests.support import needs_shared, published

pytestmark = needs_shared

MONTHS = months_between(dt.date(2022, 4, 1), dt.date(2025, 10, 1))
Sums = dict[tuple[dt.date, str], list[Decimal]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Every month from the first due date to the last one, closed."""
    place = sites.purchasing(tmp_path_factory.mktemp("purchasing") / "site")
    sites.close_together(place, MONTHS)
    return place


def lines() -> list[Record]:
    """The order lines with the vendor and the ship date of their orders."""
    headers = {row["PurchaseOrderID"]: row for row in records("adventureworks_purchasing/PurchaseOrderHeader.csv")}
    return [
        headers[row["PurchaseOrderID"]] | row for row in records("adventureworks_purchasing/PurchaseOrderDetail.csv")
    ]


def add(sums: Sums, key: tuple[dt.date, str], values: Sequence[Decimal | int]) -> None:
    sums[key] = [kept + value for kept, value in zip(sums.get(key, [Decimal(0)] * len(values)), values, strict=True)]


def by_vendor_and_month(site: Site, table: str, columns: Sequence[str]) -> Sums:
    return {
        (row["period_month"], row["account_id"]): [row[name] for name in columns]
        for row in published(site, f"FROM reporting.{table}")
    }


def test_delivery_of_each_vendor_and_month(site: Site) -> None:
    """A line is in full when all that was ordered had come by the end of the month it was due in."""
    expected: Sums = {}
    for line in lines():
        due, shipped = iso_date(line["DueDate"]), iso_date(line["ShipDate"])
        ordered, received = Decimal(line["OrderQty"]), Decimal(line["ReceivedQty"])
        is_on_time = shipped <= due
        is_in_full = received >= ordered and shipped <= month_end(due)
        on_time_quantity = min(received, ordered) if is_on_time else Decimal(0)
        add(
            expected,
            (month_of(due), line["VendorID"]),
            (1, is_on_time, is_in_full, is_on_time and is_in_full, not is_in_full, ordered, on_time_quantity),
        )

    columns = (
        "line_count",
        "on_time_count",
        "in_full_count",
        "otif_count",
        "open_late_count",
        "quantity_due",
        "quantity_on_time",
    )
    assert by_vendor_and_month(site, "delivery_performance", columns) == expected


def test_7_lines_came_late(site: Site) -> None:
    (sums,) = published(
        site,
        "SELECT sum(line_count) AS lines, sum(line_count - on_time_count) AS late FROM reporting.delivery_performance",
    )

    assert (sums["lines"], sums["late"]) == (8845, 7)


def test_rejects_of_each_vendor_and_month(site: Site) -> None:
    expected: Sums = {}
    for line in lines():
        key = (month_of(iso_date(line["ShipDate"])), line["VendorID"])
        add(expected, key, (Decimal(line["ReceivedQty"]), Decimal(line["RejectedQty"])))
    ppm = {
        key: (rejected * 1_000_000 / received).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        for key, (received, rejected) in expected.items()
    }

    delivered = published(site, "FROM reporting.quality_performance WHERE delivered_quantity > 0")

    assert {
        (row["period_month"], row["account_id"]): [row["delivered_quantity"], row["rejected_quantity"]]
        for row in delivered
    } == expected
    assert {(row["period_month"], row["account_id"]): row["ppm"] for row in delivered} == ppm


def test_rejects_of_the_year_to_date_come_from_totals(site: Site) -> None:
    expected: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in lines():
        if line["ShipDate"].startswith("2024"):
            expected[line["VendorID"]][0] += Decimal(line["ReceivedQty"])
            expected[line["VendorID"]][1] += Decimal(line["RejectedQty"])

    december = published(site, "FROM reporting.quality_performance WHERE period_month = DATE '2024-12-01'")

    assert {
        row["account_id"]: [row["ytd_delivered_quantity"], row["ytd_rejected_quantity"]] for row in december
    } == expected


def test_all_that_was_received_and_rejected_is_counted_once(site: Site) -> None:
    (sums,) = published(
        site,
        "SELECT sum(delivered_quantity) AS delivered, sum(rejected_quantity) AS rejected "
        "FROM reporting.quality_performance",
    )

    assert sums["delivered"] == sum(Decimal(line["ReceivedQty"]) for line in lines()) == 2_327_299
    assert sums["rejected"] == sum(Decimal(line["RejectedQty"]) for line in lines()) == 72_700


def test_order_amounts_tie_to_the_headers(site: Site) -> None:
    (orders,) = loaded_rows(site, "SELECT sum(amount_doc) AS amount FROM core.sales WHERE basis = 'ordered'")
    headers = records("adventureworks_purchasing/PurchaseOrderHeader.csv")

    assert orders["amount"] == sum(Decimal(row["SubTotal"]) for row in headers) == Decimal("63791994.838")


def test_what_is_ordered_and_not_received_rolls_from_month_to_month(site: Site) -> None:
    expected: Sums = {}
    for line in lines():
        ordered, received = Decimal(line["OrderQty"]), Decimal(line["ReceivedQty"])
        for month in MONTHS:
            if iso_date(line["OrderDate"]) <= month_end(month):
                has_come = iso_date(line["ShipDate"]) <= month_end(month)
                add(expected, (month, line["VendorID"]), [ordered - min(received, ordered) if has_come else ordered])
    sums = "SELECT period_month, account_id, sum(closing_quantity) AS closing, sum(change_quantity) AS change"

    book = published(site, f"{sums} FROM reporting.order_book GROUP BY ALL")

    found = {(row["period_month"], row["account_id"]): [row["closing"]] for row in book if row["closing"]}
    assert found == {key: values for key, values in expected.items() if values[0]}
    assert {row["change"] for row in book} == {0}


def test_every_version_comes_out_the_same_from_the_archive_alone(site: Site) -> None:
    proofs = verify(site)
    assert [proof.name for proof in proofs if not proof.holds] == []
    assert {proof.is_published for proof in proofs} == {True}
