"""The preset of Odoo, on a database with its definitions: figures worked by hand, and what happens to documents that change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kam.ingest import load
from kam.ingest.readers.needs import reads_of
from tests.cli import kam
from tests.postgresql import PostgreSql, postgresql  # noqa: F401 - the fixture
from tests.presets.books import HERE, Books, day, queries_of, statements, unread
from tests.presets.changes import require_nothing_lost_or_doubled, require_question
from tests.support import long, published

SCHEMA, ROWS = HERE / "odoo" / "schema.sql", HERE / "odoo" / "rows.sql"
# Columns that are read only where an Odoo has them, through to_jsonb.
AS_JSON = {"credit_limit", "property_payment_term_id", "standard_price", "product_uom"}


class Odoo(Books):
    """A site of the preset and its database."""

    def __init__(self, folder: Path, server: PostgreSql) -> None:
        super().__init__(folder, "odoo")
        self.url = server.new_database()
        self.server = server
        self.run(*statements(SCHEMA), *statements(ROWS))

    def run(self, *sql: str) -> None:
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as con:
            for statement in sql:
                con.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture
def odoo(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgresql: PostgreSql,  # noqa: F811 - pytest's way
) -> Odoo:
    made = Odoo(site_folder / "odoo", postgresql)
    monkeypatch.setenv("ODOO_URL", made.url)
    return made


def test_figures_are_those_worked_by_hand(odoo: Odoo) -> None:
    report = odoo.check()
    assert (report.refused, report.in_need) == ([], [])
    assert {feed: counts[0] for feed, counts in odoo.load().items()} == {
        "accounts": 2, "products": 2, "fx_rates": 2, "orders": 3, "deliveries": 2, "invoices": 6, "instalments": 4, "payments": 3,
        "opportunities": 3,
    }  # fmt: skip
    figures = odoo.figures("2026-01", "2026-02")
    # January: the invoice of 357. February: less 100 received and 28.56 credited. USD: 200.01 - 80 - 50 unapplied, at 1 / 1.60.
    assert figures.receivables == {
        ("2026-01", "10"): Decimal("357.00"),
        ("2026-02", "10"): Decimal("228.44"),
        ("2026-02", "20"): Decimal("43.76"),
    }
    assert figures.items["2026-02", "INV/2026/00001", 1] == Decimal("49.94")
    assert figures.items["2026-02", "INV/2026/00001", 2] == Decimal("178.50")
    assert figures.items["2026-02", "INV/2026/00002", 1] == Decimal("120.01")
    # February: less the credit of 24; USD 200 at the rate of the month end, 1 / 1.60.
    assert figures.sales == {
        ("2026-01", "10"): Decimal("300.00"),
        ("2026-02", "10"): Decimal("-24.00"),
        ("2026-02", "20"): Decimal("125.00"),
    }
    # Line 1 of S00001 was promised for 20 January and complete on 2 February; S00003 was due on 17 February, 7 days after the order.
    assert figures.lines == {("2026-01", "10"): (1, 1), ("2026-02", "20"): (1, 1)}


@long
def test_documents_have_what_odoo_says_of_them(odoo: Odoo) -> None:
    odoo.load()
    (ada,) = odoo.query(
        "SELECT account_name, account_manager, industry, region, country, payment_terms_days, credit_limit, parent_account_id FROM core.accounts WHERE account_id = '10'"
    )
    assert tuple(ada.values()) == ("Nordrad AG", "Ada Manager", "Automotive", "Bayern", "DE", 30, 5000, None)
    lines = odoo.query(
        "SELECT order_date, promised_date, product_id, quantity, unit_price, status FROM core.orders WHERE order_id = 'S00001' ORDER BY line_no"
    )
    # Two dozen in the unit of the product; a service has no day on which it is promised.
    assert [tuple(line.values()) for line in lines] == [
        (day("2026-01-05"), day("2026-01-20"), "SEAL-1", 24, 10, "open"),
        (day("2026-01-05"), None, "#2", 1, 60, "open"),
    ]
    (second,) = odoo.query("FROM core.deliveries WHERE delivery_id = 'WH/OUT/00002'")
    assert (second["order_id"], second["order_line_no"], second["quantity"], second["rejected_quantity"]) == (
        "S00001",
        1,
        10,
        2,
    )
    (credit,) = odoo.query("FROM core.invoices WHERE document_type = 'credit_note'")
    assert (credit["reference_invoice_id"], credit["order_id"], credit["net_amount"], credit["tax_amount"]) == (
        "INV/2026/00001",
        "S00001",
        24,
        Decimal("4.56"),
    )
    (cancelled,) = odoo.query("FROM core.invoices WHERE invoice_id = 'INV/2026/00003'")
    assert (cancelled["net_amount"], cancelled["line_no"]) == (0, 0)
    assert odoo.query("SELECT opportunity_id, outcome, recorded_on, account_id FROM core.opportunities ORDER BY 1") == [
        {"opportunity_id": "1", "outcome": None, "recorded_on": day("2026-02-02"), "account_id": "10"},
        {"opportunity_id": "2", "outcome": "won", "recorded_on": day("2026-02-10"), "account_id": "20"},
        {"opportunity_id": "3", "outcome": "lost", "recorded_on": day("2026-02-12"), "account_id": "20"},
    ]


@long
def test_a_document_that_changes_is_whole_again_and_nothing_counts_twice(odoo: Odoo) -> None:
    odoo.load()
    before = odoo.figures("2026-02")
    assert odoo.load() == {}
    # Back to draft: nothing is matched with it any more, a line is deleted, another one added, and the invoice is posted again.
    odoo.run(
        "DELETE FROM account_partial_reconcile WHERE id IN (1, 2)",
        "UPDATE account_move_line SET amount_residual_currency = amount_currency, write_date = '2026-03-02 10:00' WHERE id IN (12, 14)",
        "UPDATE account_move SET write_date = '2026-03-02 10:00', amount_total = 309.40 WHERE id = 1",
        "DELETE FROM account_move_line WHERE id IN (2, 4)",
        "INSERT INTO account_move_line (id, move_id, display_type, currency_id, product_id, product_uom_id, quantity, price_subtotal, price_total, write_date) VALUES (50, 1, 'product', 1, 1, 1, 2, 20, 23.80, '2026-03-02 10:00')",
        "UPDATE account_move_line SET amount_currency = 309.40 WHERE id = 5",
    )
    # Its two lines, and the credit note, which corrects no invoice any more.
    assert odoo.load()["invoices"][0] == 3
    assert odoo.query(
        "SELECT line_no, net_amount FROM core.invoices WHERE invoice_id = 'INV/2026/00001' ORDER BY 1"
    ) == [
        {"line_no": 1, "net_amount": 240},
        {"line_no": 50, "net_amount": 20},
    ]
    assert odoo.query("SELECT invoice_id, amount FROM core.payments WHERE payment_id = 'PBNK1/2026/00001'") == [
        {"invoice_id": None, "amount": 100}
    ]
    # 47.60 less: 40 net with tax.
    assert odoo.figures("2026-02").receivables["2026-02", "10"] == before.receivables["2026-02", "10"] - Decimal(
        "47.60"
    )
    # Cancelled altogether.
    odoo.run("UPDATE account_move SET state = 'cancel', write_date = '2026-03-03 10:00' WHERE id IN (1, 7)")
    odoo.load()
    assert odoo.figures("2026-02").receivables["2026-02", "10"] == Decimal("-28.56")
    odoo.run("UPDATE sale_order SET state = 'cancel', write_date = '2026-03-03 10:00' WHERE id = 1")
    odoo.load()
    assert {row["status"] for row in odoo.query("FROM core.orders WHERE order_id = 'S00001'")} == {"cancelled"}


@long
def test_a_run_that_dies_loses_and_doubles_nothing(odoo: Odoo, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, count = load._commit, 0  # noqa: SLF001 - between the answer of the database and the commit

    def dies_at_the_payments(*arguments: object) -> object:
        nonlocal count
        count += 1
        if count == 8:  # the payments
            raise KeyboardInterrupt
        return commit(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(load, "_commit", dies_at_the_payments)
        with pytest.raises(KeyboardInterrupt):
            odoo.results()
    assert [row["feed"] for row in odoo.query("SELECT feed FROM ops.loads ORDER BY load_id DESC LIMIT 1")] == [
        "instalments"
    ]
    # Meanwhile a transaction commits that began before the newest one that was read.
    odoo.run(
        "INSERT INTO account_move SELECT 60, 'INV/2026/00009', 'posted', move_type, company_id, journal_id, partner_id, commercial_partner_id, date, invoice_date, invoice_date_due, 1, 10, NULL, 'not_paid', 1, true, '2026-02-28 09:10' FROM account_move WHERE id = 2",
        "INSERT INTO account_move_line (id, move_id, display_type, currency_id, quantity, price_subtotal, price_total, write_date) VALUES (60, 60, 'product', 1, 1, 10, 10, '2026-02-28 09:10')",
    )
    again = odoo.load()
    assert (again["invoices"][0], again["payments"][0], again.get("accounts")) == (1, 3, None)
    figures = odoo.figures("2026-02")
    assert figures.receivables["2026-02", "10"] == Decimal("228.44")
    assert figures.receivables["2026-02", "20"] == Decimal("53.76")


# INV/2026/00001 was a draft again and lost 10 net and 1.90 tax of its second line. It keeps its number.
CORRECTION = (
    "UPDATE account_move_line SET price_subtotal = 50, price_total = 59.50, amount_currency = -50, write_date = '2026-03-02 10:00' WHERE id = 2",
    "UPDATE account_move_line SET amount_currency = -55.10, write_date = '2026-03-02 10:00' WHERE id = 3",
    "UPDATE account_move_line SET amount_currency = 166.60, amount_residual_currency = 166.60, write_date = '2026-03-02 10:00' WHERE id = 5",
    "UPDATE account_move SET amount_total = 345.10, write_date = '2026-03-02 10:00' WHERE id = 1",
)
# The payment of 100 is cancelled, and the order that was late in February.
CANCELLATION = (
    "DELETE FROM account_partial_reconcile WHERE id = 1",
    "UPDATE account_move_line SET amount_residual_currency = 149.94, write_date = '2026-03-03 10:00' WHERE id = 4",
    "UPDATE account_move SET state = 'cancel', write_date = '2026-03-03 10:00' WHERE id = 7",
    "UPDATE sale_order SET state = 'cancel', write_date = '2026-03-03 10:00' WHERE id = 3",
)
# The draft of 28 February is posted in March.
LATE = (
    "UPDATE account_move SET name = 'INV/2026/00010', state = 'posted', posted_before = true, invoice_date = '2026-02-28', invoice_date_due = '2026-03-28', amount_total = 11.90, write_date = '2026-03-04 10:00' WHERE id = 4",
    "INSERT INTO account_move_line (id, move_id, account_id, partner_id, display_type, currency_id, amount_currency, quantity, price_subtotal, price_total, write_date) VALUES (70, 4, 2, 20, 'product', 1, -10, 1, 10, 11.90, '2026-03-04 10:00')",
    "INSERT INTO account_move_line (id, move_id, account_id, partner_id, display_type, currency_id, amount_currency, amount_residual_currency, date_maturity, quantity, price_subtotal, price_total, write_date) VALUES (71, 4, 1, 20, 'payment_term', 1, 11.90, 11.90, '2026-03-28', 1, 0, 0, '2026-03-04 10:00')",
)


@long
def test_a_closed_month_asks_before_a_corrected_cancelled_or_late_document_changes_it(odoo: Odoo) -> None:
    lines = "SELECT sum(line_count) AS lines FROM reporting.delivery_performance WHERE period_month = '2026-02-01' AND basis = 'promised'"
    odoo.close("2026-02")
    assert odoo.published_receivables("2026-02") == {"10": Decimal("228.44"), "20": Decimal("43.76")}
    assert published(odoo.site, lines) == [{"lines": 1}]
    odoo.run(*CORRECTION)
    require_question(odoo, "2026-02", "invoices", {"10": Decimal("216.54"), "20": Decimal("43.76")})
    odoo.run(*CANCELLATION)
    require_question(odoo, "2026-02", "payments", {"10": Decimal("316.54"), "20": Decimal("43.76")})
    assert published(odoo.site, lines) == [{"lines": None}]
    odoo.run(*LATE)
    require_question(odoo, "2026-02", "invoices", {"10": Decimal("316.54"), "20": Decimal("55.66")})
    # From the archive alone, with each document as it was known then.
    assert kam("--site", odoo.folder, "verify", "2026-02", "--version", "1").returncode == 0


@long
def test_a_load_that_is_killed_neither_loses_nor_doubles_a_document(odoo: Odoo) -> None:
    require_nothing_lost_or_doubled(odoo, lambda: odoo.run(*CORRECTION, *CANCELLATION, *LATE))


@long
def test_odoo_17_keeps_limits_and_terms_elsewhere(odoo: Odoo) -> None:
    odoo.run(
        "ALTER TABLE res_partner DROP COLUMN credit_limit, DROP COLUMN property_payment_term_id",
        "ALTER TABLE product_product DROP COLUMN standard_price",
        "INSERT INTO ir_property (name, company_id, res_id, value_float) VALUES ('credit_limit', 1, 'res.partner,10', 5000)",
        "INSERT INTO ir_property (name, company_id, res_id, value_reference) VALUES ('property_payment_term_id', 1, 'res.partner,10', 'account.payment.term,1')",
    )
    settings = odoo.folder / "kam.toml"
    settings.write_text(settings.read_text().replace("queries/accounts.sql", "queries/accounts_17.sql"))
    assert odoo.check().refused == []
    odoo.load()
    assert odoo.query("SELECT payment_terms_days, credit_limit FROM core.accounts ORDER BY account_id") == [
        {"payment_terms_days": 30, "credit_limit": 5000},
        {"payment_terms_days": None, "credit_limit": None},
    ]


def test_each_query_says_all_that_it_reads_and_no_more(odoo: Odoo) -> None:
    engine = create_engine(odoo.url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as con:
        columns = con.execute(
            text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        ).all()
        for query in queries_of("odoo"):
            assert unread(query) == [], query.name
            reads = reads_of(query.read_text(encoding="utf-8"))
            for table, column in columns:
                if column not in reads.get(table, ()) and column not in AS_JSON:
                    con.exec_driver_sql(f'ALTER TABLE {table} DROP COLUMN "{column}" CASCADE')
            con.execute(
                text(f"EXPLAIN {query.read_text(encoding='utf-8')}"),
                {"watermark": "2026-01-01"} if ":watermark" in query.read_text() else {},
            )
            con.rollback()
    engine.dispose()
