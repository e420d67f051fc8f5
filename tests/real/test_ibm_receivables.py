"""IBM's sample of settled invoices: what was open and overdue at any month end follows from the dates of each."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pytest

from kam.audit import verify
from kam.periods import months_between
from kam.site import Site
from tests.real import sites
from tests.real.sites import loaded_rows, month_end, month_of, records, us_date
from tests.support import needs_shared, published

pytestmark = needs_shared

MONTHS = months_between(dt.date(2012, 1, 1), dt.date(2014, 1, 1))
TOTAL = Decimal("147703.18")
SOME_MONTHS = [
    dt.date(2012, 1, 1),
    dt.date(2012, 2, 1),
    dt.date(2012, 12, 1),
    dt.date(2013, 6, 1),
    dt.date(2013, 12, 1),
]


@dataclass(frozen=True)
class Invoice:
    """A row of the file."""

    number: str
    customer: str
    invoiced: dt.date
    due: dt.date
    settled: dt.date
    amount: Decimal
    is_disputed: bool
    days_late: int

    def is_open_at(self, day: dt.date) -> bool:
        """Invoiced by the end of that day, and not settled by then."""
        return self.invoiced <= day < self.settled


def invoices() -> list[Invoice]:
    return [
        Invoice(
            row["invoiceNumber"],
            row["customerID"],
            us_date(row["InvoiceDate"]),
            us_date(row["DueDate"]),
            us_date(row["SettledDate"]),
            Decimal(row["InvoiceAmount"]),
            row["Disputed"] == "Yes",
            int(row["DaysLate"]),
        )
        for row in records("ibm_receivables/receivables.csv")
    ]


def bucket(days_overdue: int) -> str:
    """The default buckets, spelled out."""
    if days_overdue <= 0:
        return "current"
    if days_overdue <= 30:
        return "1-30"
    return "31-60" if days_overdue <= 60 else "61-90"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Every month from the first invoice to the last payment, closed."""
    place = sites.receivables(tmp_path_factory.mktemp("receivables") / "site")
    sites.close_together(place, MONTHS)
    return place


def test_invoice_numbers_keep_their_leading_zeros(site: Site) -> None:
    numbers = {row["invoice_id"] for row in loaded_rows(site, "SELECT invoice_id FROM core.invoices")}

    assert numbers == {invoice.number for invoice in invoices()}
    assert sum(number.startswith("0") for number in numbers) == 266
    assert {len(number) for number in numbers} == {10}


def test_every_invoice_and_every_payment_is_loaded(site: Site) -> None:
    for feed, column in (("invoices", "net_amount"), ("payments", "amount")):
        (found,) = loaded_rows(site, f"SELECT count(*) AS row_count, sum({column}) AS amount FROM core.{feed}")
        assert (found["row_count"], found["amount"]) == (2466, TOTAL)
    (disputed,) = loaded_rows(site, "SELECT count(*) AS row_count FROM core.invoices WHERE disputed")
    assert disputed["row_count"] == 561


@pytest.mark.parametrize("month", SOME_MONTHS, ids=lambda month: f"{month:%Y-%m}")
def test_open_items(site: Site, month: dt.date) -> None:
    day = month_end(month)
    expected = {
        (
            invoice.number,
            invoice.customer,
            invoice.due,
            invoice.amount,
            (day - invoice.due).days,
            bucket((day - invoice.due).days),
            invoice.is_disputed,
        )
        for invoice in invoices()
        if invoice.is_open_at(day)
    }

    found = published(site, f"FROM reporting.receivables_ageing WHERE period_month = DATE '{month}'")

    columns = (
        "document_id", "account_id", "due_date", "outstanding_amount", "days_overdue", "bucket", "disputed"
    )  # fmt: skip
    assert len(found) == len(expected) > 0
    assert {tuple(row[name] for name in columns) for row in found} == expected


def test_buckets_of_each_customer_at_each_month_end(site: Site) -> None:
    expected: dict[tuple[dt.date, str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for month in MONTHS:
        day = month_end(month)
        for invoice in invoices():
            if invoice.is_open_at(day):
                sums = expected[month, invoice.customer, bucket((day - invoice.due).days)]
                sums[0] += invoice.amount
                sums[1] += 1
                sums[2] += invoice.amount * invoice.is_disputed

    found = published(site, "FROM reporting.receivables_summary")

    assert {
        (row["period_month"], row["account_id"], row["bucket"]): [
            row["outstanding_amount"], row["item_count"], row["disputed_amount"]
        ]
        for row in found
        if row["item_count"]
    } == expected  # fmt: skip


def test_the_roll_forward_takes_every_month_from_opening_to_closing(site: Site) -> None:
    found = {
        row["period_month"]: row
        for row in published(
            site,
            """
            SELECT
                period_month,
                sum(opening_amount_doc) AS opening,
                sum(invoiced_amount_doc) AS invoiced,
                sum(received_amount_doc) AS received,
                sum(closing_amount_doc) AS closing,
                sum(difference_doc) AS difference
            FROM reporting.receivables_rollforward GROUP BY period_month
            """,
        )
    }

    opening = Decimal(0)
    for month in MONTHS:
        day, of_file = month_end(month), invoices()
        closing = sum((invoice.amount for invoice in of_file if invoice.is_open_at(day)), Decimal(0))
        row = found[month]
        assert row["opening"] == opening
        assert row["invoiced"] == sum(invoice.amount for invoice in of_file if month_of(invoice.invoiced) == month)
        assert row["received"] == sum(invoice.amount for invoice in of_file if month_of(invoice.settled) == month)
        assert (row["closing"], row["difference"]) == (closing, 0)
        opening = closing


def test_all_months_together_invoice_and_collect_the_file_s_total(site: Site) -> None:
    (lanes,) = published(
        site,
        "SELECT sum(invoiced_amount_doc) AS invoiced, sum(received_amount_doc) AS received "
        "FROM reporting.receivables_rollforward",
    )
    left = published(site, f"FROM reporting.receivables_ageing WHERE period_month = DATE '{MONTHS[-1]}'")

    assert (lanes["invoiced"], lanes["received"]) == (TOTAL, TOTAL)
    assert left == []


def test_days_late_are_those_that_the_file_states(site: Site) -> None:
    """The file says itself how late each invoice was settled; early ones with 0."""
    amount: dict[dt.date, Decimal] = defaultdict(Decimal)
    weighted: dict[dt.date, Decimal] = defaultdict(Decimal)
    for invoice in invoices():
        month = month_of(invoice.settled)
        amount[month] += invoice.amount
        weighted[month] += invoice.amount * invoice.days_late

    found = published(
        site,
        "SELECT period_month, settled_amount, weighted_days_late FROM reporting.receivables_kpis WHERE level = 'total'",
    )

    assert {row["period_month"]: (row["settled_amount"], row["weighted_days_late"]) for row in found} == {
        month: (amount[month], (weighted[month] / amount[month]).quantize(Decimal("0.01"), ROUND_HALF_UP))
        for month in MONTHS
    }


def test_every_version_comes_out_the_same_from_the_archive_alone(site: Site) -> None:
    proofs = verify(site)
    assert [proof.name for proof in proofs if not proof.holds] == []
    assert {proof.is_published for proof in proofs} == {True}
