"""The preset of ERPNext, on a MariaDB database with its definitions: figures worked by hand, and what happens to documents that change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.mariadb import MariaDb, mariadb  # noqa: F401 - the fixture
from tests.presets.books import HERE, Books, only_what_is_read, statements
from tests.presets.changes import require_nothing_lost_or_doubled, require_question
from tests.support import long


class ErpNext(Books):
    """A site of the preset and its database."""

    def __init__(self, folder: Path, server: MariaDb) -> None:
        super().__init__(folder, "erpnext")
        self.url = server.new_database()
        self.server = server
        self.run(*statements(HERE / "erpnext" / "schema.sql"), *statements(HERE / "erpnext" / "rows.sql"))

    def run(self, *sql: str) -> None:
        self.server.run(self.url, *sql)


@pytest.fixture
def erpnext(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    mariadb: MariaDb,  # noqa: F811 - pytest's way
) -> ErpNext:
    made = ErpNext(site_folder / "erpnext", mariadb)
    monkeypatch.setenv("ERPNEXT_URL", made.url)
    return made


def test_figures_are_those_worked_by_hand(erpnext: ErpNext) -> None:
    report = erpnext.check()
    assert (report.refused, report.in_need) == ([], [])
    assert {feed: counts[0] for feed, counts in erpnext.load().items()} == {
        "accounts": 2, "products": 2, "fx_rates": 2, "orders": 3, "deliveries": 2, "invoices": 11, "instalments": 6, "payments": 5,
        "visits": 1, "opportunities": 2,
    }  # fmt: skip
    figures = erpnext.figures("2026-01", "2026-02")
    # February: 357 - 100 - 28.56, and 40 less 1.50 written off. USD: 200 - 80 - 50 unapplied, at 0.625.
    assert figures.receivables == {
        ("2026-01", "Nordrad AG"): Decimal("357.00"),
        ("2026-02", "Nordrad AG"): Decimal("266.94"),
        ("2026-02", "Tyre Corp"): Decimal("43.75"),
    }
    assert figures.items["2026-02", "SINV-1", 1] == Decimal("49.94")
    assert figures.items["2026-02", "SINV-1", 2] == Decimal("178.50")
    # February: 40 and 100 less the return of 24; USD 200.01 at the rate of the month end.
    assert figures.sales == {
        ("2026-01", "Nordrad AG"): Decimal("300.00"),
        ("2026-02", "Nordrad AG"): Decimal("116.00"),
        ("2026-02", "Tyre Corp"): Decimal("125.01"),
    }
    assert figures.lines == {("2026-01", "Nordrad AG"): (1, 1), ("2026-02", "Tyre Corp"): (1, 1)}


@long
def test_what_is_cancelled_or_taken_apart_counts_no_more(erpnext: ErpNext) -> None:
    erpnext.load()
    assert erpnext.load() == {}
    (account,) = erpnext.query("FROM core.accounts WHERE account_id = 'Nordrad AG'")
    assert (account["account_manager"], account["credit_limit"], account["payment_terms_days"]) == (
        "Ada Manager",
        5000,
        30,
    )
    (second,) = erpnext.query("FROM core.deliveries WHERE delivery_id = 'DN-2'")
    assert (second["order_line_no"], second["quantity"], second["rejected_quantity"]) == (1, 10, 2)
    # The payment is no longer reconciled with the invoice; the return, the second delivery and the order are cancelled.
    erpnext.run(
        "UPDATE `tabPayment Ledger Entry` SET delinked = 1, modified = '2026-03-02' WHERE name IN ('l2', 'l7')",
        "INSERT INTO `tabPayment Ledger Entry` SELECT 'l20', company, account_type, party_type, party, posting_date, voucher_type, voucher_no, 'Payment Entry', 'PE-1', -100, 'EUR', 0, '2026-03-02' FROM `tabPayment Ledger Entry` WHERE name = 'l2'",
        "UPDATE `tabSales Invoice` SET docstatus = 2, modified = '2026-03-02' WHERE name = 'SRET-1'",
        "UPDATE `tabDelivery Note` SET docstatus = 2, modified = '2026-03-02' WHERE name = 'DN-2'",
        "UPDATE `tabSales Order` SET docstatus = 2, modified = '2026-03-02' WHERE name = 'SO-3'",
    )
    erpnext.load()
    assert erpnext.query("SELECT invoice_id, amount FROM core.payments WHERE payment_id = 'PE-1' AND amount > 0") == [
        {"invoice_id": None, "amount": 100}
    ]
    figures = erpnext.figures("2026-01", "2026-02")
    assert figures.receivables["2026-02", "Nordrad AG"] == Decimal("295.50")
    assert figures.sales["2026-02", "Nordrad AG"] == Decimal("140.00")
    assert figures.lines == {("2026-01", "Nordrad AG"): (1, 1)}
    assert erpnext.query("SELECT quantity FROM core.deliveries WHERE delivery_id = 'DN-2'") == [{"quantity": 0}]


@long
def test_each_query_says_all_that_it_reads_and_no_more(erpnext: ErpNext) -> None:
    only_what_is_read("erpnext", erpnext.server, erpnext.url)


@long
def test_a_table_that_may_not_be_read_is_in_the_list(erpnext: ErpNext, monkeypatch: pytest.MonkeyPatch) -> None:
    erpnext.run("CREATE USER IF NOT EXISTS little@'127.0.0.1' IDENTIFIED BY 'little-secret'")
    name = erpnext.url.split("/")[-1].split("?")[0]
    erpnext.run(
        f"GRANT SELECT ON {name}.`tabItem` TO little@'127.0.0.1'", "ALTER TABLE `tabItem` DROP COLUMN item_group"
    )
    monkeypatch.setenv("ERPNEXT_URL", f"mysql://little:little-secret@127.0.0.1:{erpnext.server.port}/{name}")
    missing = {one.table: one.what for one in erpnext.check().missing}
    assert missing["tabItem"] == "no column item_group"
    assert len(missing) == 17


# A payment of 120 was entered as one of 100: cancelled, and entered again under another number.
CORRECTION = (
    "UPDATE `tabPayment Ledger Entry` SET delinked = 1, modified = '2026-03-02' WHERE name = 'l2'",
    "INSERT INTO `tabPayment Ledger Entry` SELECT 'l21', company, account_type, party_type, party, posting_date, voucher_type, 'PE-1-1', against_voucher_type, against_voucher_no, -120, account_currency, 0, '2026-03-02' FROM `tabPayment Ledger Entry` WHERE name = 'l2'",
)
# The return of 28.56 is cancelled.
CANCELLATION = (
    "UPDATE `tabSales Invoice` SET docstatus = 2, modified = '2026-03-03' WHERE name = 'SRET-1'",
    "UPDATE `tabPayment Ledger Entry` SET delinked = 1, modified = '2026-03-03' WHERE name = 'l7'",
)
# The draft of 28 February is submitted in March.
LATE = (
    "UPDATE `tabSales Invoice` SET docstatus = 1, modified = '2026-03-04' WHERE name = 'SINV-4'",
    "INSERT INTO `tabSales Invoice Item` VALUES ('sii8', 'SINV-4', 1, 'SEAL-1', 75, 900, 900, NULL, NULL)",
    "INSERT INTO `tabPayment Schedule` VALUES ('p7', 'SINV-4', 'Sales Invoice', 1, '2026-03-28', 900, 900)",
    "INSERT INTO `tabPayment Ledger Entry` VALUES ('l22', 'Ours', 'Receivable', 'Customer', 'Tyre Corp', '2026-02-28', 'Sales Invoice', 'SINV-4', 'Sales Invoice', 'SINV-4', 900, 'EUR', 0, '2026-03-04')",
)


@long
def test_a_closed_month_asks_before_a_corrected_cancelled_or_late_document_changes_it(erpnext: ErpNext) -> None:
    erpnext.close("2026-02")
    assert erpnext.published_receivables("2026-02") == {"Nordrad AG": Decimal("266.94"), "Tyre Corp": Decimal("43.75")}
    erpnext.run(*CORRECTION)
    expected = {"Nordrad AG": Decimal("246.94"), "Tyre Corp": Decimal("43.75")}
    require_question(erpnext, "2026-02", "payments", expected)
    erpnext.run(*CANCELLATION)
    expected["Nordrad AG"] = Decimal("275.50")
    require_question(erpnext, "2026-02", "invoices", expected)
    erpnext.run(*LATE)
    expected["Tyre Corp"] = Decimal("943.75")
    require_question(erpnext, "2026-02", "invoices", expected)


@long
def test_a_load_that_is_killed_neither_loses_nor_doubles_a_document(erpnext: ErpNext) -> None:
    require_nothing_lost_or_doubled(erpnext, lambda: erpnext.run(*CORRECTION, *CANCELLATION, *LATE))
