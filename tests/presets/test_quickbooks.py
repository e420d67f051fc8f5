"""The preset of QuickBooks, with files in the layout of its reports: titles above, totals and a foot below."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.presets.books import Books
from tests.presets.changes import require_question
from tests.support import long

TITLE = ("Ours LLC,,,,,,", "{},,,,,,", '"January 1, 2026 - February 28, 2026",,,,,,', "")
FOOT = ("", "Accrual Basis Sunday, March 1, 2026 09:00 AM GMT-05:00,,,,,,")
# Nordic: invoice 1001 of 1,296.00 with sales tax, 1002 of 50.00; paid 1,000.00; a credit memo of 100.00. Tyre Corp: twice 15.00 in advance, without
# numbers, a sales receipt of 80.00 and a refund of 20.00.
TRANSACTIONS = (
    "Date,Transaction type,Num,Name,Due date,Amount",
    '01/21/2026,Invoice,1001,"Nordic, Inc.",02/20/2026,"1,296.00"',
    '02/05/2026,Invoice,1002,"Nordic, Inc.",03/07/2026,50.00',
    '02/10/2026,Payment,77,"Nordic, Inc.",,"-1,000.00"',
    '02/25/2026,Credit Memo,1003,"Nordic, Inc.",,-100.00',
    "02/12/2026,Sales Receipt,1004,Tyre Corp,,80.00",
    "02/28/2026,Payment,,Tyre Corp,,-15.00",
    "02/28/2026,Payment,,Tyre Corp,,-15.00",
    "02/27/2026,Refund,1005,Tyre Corp,,-20.00",
    '02/28/2026,Estimate,9,"Nordic, Inc.",,500.00',
    'TOTAL,,,,,"296.00"',
)
DETAILS = (
    "Date,Transaction type,Num,Customer,Product/Service,Quantity,Amount",
    '01/21/2026,Invoice,1001,"Nordic, Inc.",Seal,24,"1,200.00"',
    '02/05/2026,Invoice,1002,"Nordic, Inc.",Seal,1,50.00',
    '02/25/2026,Credit Memo,1003,"Nordic, Inc.",Seal,-2,-100.00',
    "02/12/2026,Sales Receipt,1004,Tyre Corp,Ring,4,80.00",
    "02/27/2026,Refund,1005,Tyre Corp,Ring,-1,-20.00",
    'TOTAL,,,,,,"1,230.00"',
)


class QuickBooks(Books):
    """A site of the preset with its files."""

    def put(self, name: str, lines: tuple[str, ...]) -> None:
        (self.folder / "landing" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def report(self, name: str, title: str, rows: tuple[str, ...]) -> None:
        self.put(name, (*(line.format(title) for line in TITLE), *rows, *FOOT))


@pytest.fixture
def books(tmp_path: Path) -> QuickBooks:
    made = QuickBooks(tmp_path / "qb", "quickbooks-csv")
    made.put(
        "customers.csv",
        (
            "Customer,Company,State,Country,Terms in days,Credit limit",
            '"Nordic, Inc.",Nordic,MN,US,30,"$5,000.00"',
            "Tyre Corp,,OH,US,,",
        ),
    )
    made.report("transaction_list_2026-02.csv", "Transaction List by Date", TRANSACTIONS)
    made.report("sales_by_customer_detail_2026-02.csv", "Sales by Customer Detail", DETAILS)
    return made


@long
def test_figures_are_those_worked_by_hand(books: QuickBooks) -> None:
    report = books.check()
    assert (report.refused, report.in_need) == ([], [])
    books.load()
    figures = books.figures("2026-01", "2026-02")
    # February: 1,296 + 50 - 1,000 - 100; Tyre Corp has 30.00 on account.
    assert figures.receivables == {
        ("2026-01", "Nordic, Inc."): Decimal("1296.00"),
        ("2026-02", "Nordic, Inc."): Decimal("246.00"),
        ("2026-02", "Tyre Corp"): Decimal("-30.00"),
    }
    # The oldest invoice is paid first.
    assert figures.items["2026-02", "1002", 1] == Decimal("50.00")
    assert figures.sales == {
        ("2026-01", "Nordic, Inc."): Decimal("1200.00"),
        ("2026-02", "Nordic, Inc."): Decimal("-50.00"),
        ("2026-02", "Tyre Corp"): Decimal("60.00"),
    }
    # A payment of March without a number is another one.
    books.report(
        "transaction_list_2026-03.csv",
        "Transaction List by Date",
        (TRANSACTIONS[0], "03/02/2026,Payment,,Tyre Corp,,-15.00"),
    )
    # Voided in March: the report of February comes again, the invoice with amount 0 and without lines.
    voided = tuple(line.replace("03/07/2026,50.00", "03/07/2026,0.00") for line in TRANSACTIONS)
    books.report("transaction_list_2026-02b.csv", "Transaction List by Date", voided)
    books.report(
        "sales_by_customer_detail_2026-02b.csv",
        "Sales by Customer Detail",
        tuple(line for line in DETAILS if "Seal,1,50.00" not in line),
    )
    books.load()
    february = books.figures("2026-02")
    assert february.receivables["2026-02", "Nordic, Inc."] == Decimal("196.00")
    assert february.sales["2026-02", "Nordic, Inc."] == Decimal("-100.00")
    assert books.figures("2026-03").receivables["2026-03", "Tyre Corp"] == Decimal("-45.00")


@long
def test_a_row_of_other_columns_is_refused_and_not_left_out_like_the_foot(books: QuickBooks) -> None:
    books.report(
        "transaction_list_2026-02.csv",
        "Transaction List by Date",
        (*TRANSACTIONS, "02/28/2026,Payment,79,Tyre, Corp,,-30.00"),
    )
    refused = books.check().refused
    assert all("rows with a date do not have the columns of the heading" in text for text in refused)
    assert len(refused) == 2


@long
def test_a_closed_month_asks_before_a_second_export_changes_it(books: QuickBooks) -> None:
    books.close("2026-02")
    assert books.published_receivables("2026-02") == {"Nordic, Inc.": Decimal("246.00"), "Tyre Corp": Decimal("-30.00")}
    # Invoice 1002 has 10 more, the payment of 1,000 was voided, and an invoice of 20 was entered for 26 February.
    transactions = [
        line.replace("03/07/2026,50.00", "03/07/2026,60.00").replace('"-1,000.00"', "0.00") for line in TRANSACTIONS
    ]
    transactions.insert(-1, '02/26/2026,Invoice,1006,"Nordic, Inc.",03/28/2026,20.00')
    details = [line.replace("Seal,1,50.00", "Seal,1,60.00") for line in DETAILS]
    details.insert(-1, '02/26/2026,Invoice,1006,"Nordic, Inc.",Ring,1,20.00')
    books.report("transaction_list_2026-02b.csv", "Transaction List by Date", tuple(transactions))
    books.report("sales_by_customer_detail_2026-02b.csv", "Sales by Customer Detail", tuple(details))
    expected = {"Nordic, Inc.": Decimal("1276.00"), "Tyre Corp": Decimal("-30.00")}
    require_question(books, "2026-02", "invoices payments", expected)
