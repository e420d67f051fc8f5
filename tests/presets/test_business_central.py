"""The preset of Business Central, with files in the layout of its lists: American numbers and dates, applications and their end."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.presets.books import Books, day
from tests.presets.changes import require_question
from tests.support import long

LEDGER = "Entry No.,Posting Date,Document Type,Document No.,Customer No.,Salesperson Code,Currency Code,Original Amount,Due Date,On Hold"
DETAIL = "Entry No.,Cust. Ledger Entry No.,Applied Cust. Ledger Entry No.,Entry Type,Posting Date,Amount,Unapplied"
LINES = "Document No.,Line No.,Type,No.,Quantity,Amount,Amount Including VAT,Order No.,Order Line No."
# Invoice 103001 of 1,200.00 net and 96.00 tax: 1,000.00 received on 10 February, a discount of 20.00, a credit memo of 108.00. In EUR: 200.00, of which
# 80.00 paid and 30.00 on account. An opening entry of a journal without a document type lessens what is owed by 5.00.
FILES = {
    "customers.csv": (
        "No.,Name,Bill-to Customer No.,Salesperson Code,Country/Region Code,Territory Code,Credit Limit (LCY)",
        '00010,"Northern Wheels, Inc.",,AM,US,MIDWEST,"50,000.00"',
        "C-20,Tyre Europe,00010,JO,DE,EXPORT,0.00",
    ),
    "items.csv": (
        "No.,Description,Item Category Code,Base Unit of Measure,Unit Cost,Unit Price",
        '1896-S,"Seal, large",SEALS,PCS,"1,004.50","1,200.00"',
    ),
    "currency_exchange_rates.csv": (
        "Currency Code,Starting Date,Exchange Rate Amount,Relational Exch. Rate Amount",
        "EUR,1/1/2026,100,110.00",
        "EUR,2/28/2026,100,125.00",
    ),
    "sales_orders.csv": ("No.,Order Date", "101005,1/5/2026", "101006,2/10/2026"),
    "sales_lines.csv": (
        "Document Type,Document No.,Line No.,Type,No.,Sell-to Customer No.,Quantity,Line Amount,Currency Code,Requested Delivery Date,Promised Delivery Date,Planned Delivery Date",
        'Order,101005,10000,Item,1896-S,00010,24,"1,200.00",,1/18/2026,1/20/2026,1/25/2026',
        "Order,101005,20000, ,,00010,0,0.00,,,,",
        "Order,101006,10000,Item,1896-S,C-20,5,100.00,EUR,,,2/17/2026",
        "Quote,101009,10000,Item,1896-S,C-20,5,100.00,EUR,,,2/17/2026",
    ),
    "posted_sales_shipment_lines.csv": (
        "Document No.,Line No.,Type,No.,Quantity,Posting Date,Order No.,Order Line No.,Correction",
        "102001,10000,Item,1896-S,14,1/19/2026,101005,10000,No",
        "102002,10000,Item,1896-S,10,2/2/2026,101005,10000,No",
        "102003,10000,Item,1896-S,5,2/3/2026,101006,10000,Yes",
        "102003,20000,Item,1896-S,-5,2/3/2026,101006,10000,Yes",
    ),
    "customer_ledger_entries_1.csv": (
        LEDGER,
        '501,1/21/2026,Invoice,103001,00010,AM,,"1,296.00",2/20/2026,',
        '502,2/10/2026,Payment,BANK-7,00010,AM,,"-1,000.00",2/10/2026,',
        "503,2/25/2026,Credit Memo,104001,00010,AM,,-108.00,2/25/2026,",
        "504,2/15/2026,Invoice,103002,C-20,JO,EUR,200.00,3/17/2026,DISPUTE",
        "505,2/28/2026,Payment,BANK-8,C-20,JO,EUR,-110.00,2/28/2026,",
        "506,1/31/2026,,JNL-1,00010,AM,,-5.00,1/31/2026,",
    ),
    "detailed_customer_ledger_entries_1.csv": (
        DETAIL,
        '1,501,0,Initial Entry,1/21/2026,"1,296.00",No',
        '2,501,502,Application,2/10/2026,"-1,000.00",No',
        '3,502,502,Application,2/10/2026,"1,000.00",No',
        "4,501,502,Payment Discount,2/10/2026,-20.00,No",
        "5,503,501,Application,2/25/2026,108.00,No",
        "6,501,501,Application,2/25/2026,-108.00,No",
        "7,504,505,Application,2/28/2026,-80.00,No",
        "8,505,505,Application,2/28/2026,80.00,No",
        "9,504,505,Application,2/28/2026,-7.00,Yes",
    ),
    "posted_sales_invoice_lines.csv": (
        LINES,
        '103001,10000,Item,1896-S,24,"1,200.00","1,296.00",101005,10000',
        "103001,20000, ,,0,0.00,0.00,,",
        "103002,10000,Item,1896-S,10,200.00,200.00,,",
    ),
    "posted_sales_credit_memo_lines.csv": (LINES, "104001,10000,Item,1896-S,2,100.00,108.00,,"),
}


class BusinessCentral(Books):
    """A site of the preset with its files."""

    def put(self, name: str, lines: tuple[str, ...]) -> None:
        (self.folder / "landing" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def central(tmp_path: Path) -> BusinessCentral:
    made = BusinessCentral(tmp_path / "bc", "business-central-csv")
    for name, lines in FILES.items():
        made.put(name, lines)
    return made


@long
def test_figures_are_those_worked_by_hand(central: BusinessCentral) -> None:
    report = central.check()
    assert (report.refused, report.in_need) == ([], [])
    central.load()
    figures = central.figures("2026-01", "2026-02")
    # January: less 5.00. February: 1,296 - 1,000 - 20 - 108 - 5. EUR: 200 - 80 - 30 on account, at 1.25.
    assert figures.receivables == {
        ("2026-01", "00010"): Decimal("1291.00"),
        ("2026-02", "00010"): Decimal("163.00"),
        ("2026-02", "C-20"): Decimal("112.50"),
    }
    assert figures.items["2026-02", "103001", 1] == Decimal("168.00")
    assert figures.items["2026-02", "103002", 1] == Decimal("120.00")
    assert figures.sales == {
        ("2026-01", "00010"): Decimal("1200.00"),
        ("2026-02", "00010"): Decimal("-100.00"),
        ("2026-02", "C-20"): Decimal("250.00"),
    }
    # Promised for 20 January and complete on 2 February; the other one is planned for 17 February, and its shipment was undone.
    assert figures.lines == {("2026-01", "00010"): (1, 1), ("2026-02", "C-20"): (1, 1)}


@long
def test_an_application_that_is_taken_back_ends_and_the_money_is_unapplied(central: BusinessCentral) -> None:
    central.load()
    central.put(
        "detailed_customer_ledger_entries_2.csv",
        (DETAIL, '2,501,502,Application,2/10/2026,"-1,000.00",Yes', '3,502,502,Application,2/10/2026,"1,000.00",Yes'),
    )
    central.load()
    assert central.query("SELECT invoice_id, amount FROM core.payments WHERE payment_id = 'E502'") == [
        {"invoice_id": None, "amount": 1000}
    ]
    assert central.figures("2026-02").receivables["2026-02", "00010"] == Decimal("163.00")
    (credit,) = central.query("FROM core.invoices WHERE document_type = 'credit_note'")
    assert (credit["reference_invoice_id"], credit["quantity"], credit["net_amount"]) == ("103001", 2, 100)
    (account,) = central.query("FROM core.accounts WHERE account_id = '00010'")
    assert (account["account_name"], account["credit_limit"]) == ("Northern Wheels, Inc.", 50000)
    (due,) = central.query("SELECT DISTINCT due_date, disputed FROM core.invoices WHERE invoice_id = '103002'")
    assert due == {"due_date": day("2026-03-17"), "disputed": True}


# The export of March: 103001 is due a month later, a credit memo of 28 February cancels what was left of 103002, and an invoice of 27 February is new.
LATER = {
    "customer_ledger_entries_2.csv": (
        LEDGER,
        '501,1/21/2026,Invoice,103001,00010,AM,,"1,296.00",3/20/2026,',
        "507,2/28/2026,Credit Memo,104002,C-20,JO,EUR,-120.00,2/28/2026,",
        "508,2/27/2026,Invoice,103003,00010,AM,,10.80,3/29/2026,",
    ),
    "detailed_customer_ledger_entries_2.csv": (
        DETAIL,
        "10,504,507,Application,2/28/2026,-120.00,No",
        "11,507,507,Application,2/28/2026,120.00,No",
    ),
    "posted_sales_invoice_lines_2.csv": (LINES, "103003,10000,Item,1896-S,1,10.00,10.80,,"),
    "posted_sales_credit_memo_lines_2.csv": (LINES, "104002,10000,Item,1896-S,6,120.00,120.00,,"),
}


@long
def test_a_closed_month_asks_before_a_second_export_changes_it(central: BusinessCentral) -> None:
    central.close("2026-02")
    assert central.published_receivables("2026-02") == {"00010": Decimal("163.00"), "C-20": Decimal("112.50")}
    # 168.00 of the invoice, less the 5.00 of the journal.
    assert central.published_overdue("2026-02") == {"00010": Decimal("163.00")}
    for name, lines in LATER.items():
        central.put(name, lines)
    # EUR 30 are left on account, at 1.25.
    require_question(central, "2026-02", "invoices", {"00010": Decimal("173.80"), "C-20": Decimal("-37.50")})
    assert central.published_overdue("2026-02") == {"00010": Decimal("-5.00")}


@long
def test_words_of_another_language_are_refused_and_not_left_out(central: BusinessCentral) -> None:
    name = "customer_ledger_entries_1.csv"
    central.put(name, tuple(line.replace(",Invoice,", ",Rechnung,") for line in FILES[name]))
    assert any("the Document Type Rechnung is none of the English ones" in text for text in central.check().refused)
    central.put(name, FILES[name])
    name = "detailed_customer_ledger_entries_1.csv"
    central.put(name, tuple(line.replace(",No", ",Nein") for line in FILES[name]))
    assert any("Unapplied is neither Yes nor No" in text for text in central.check().refused)
