"""The preset of Dolibarr, on a MariaDB database with its definitions: figures worked by hand, and what happens to documents that change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.mariadb import MariaDb, mariadb  # noqa: F401 - the fixture
from tests.presets.books import HERE, Books, only_what_is_read, statements
from tests.support import long


class Dolibarr(Books):
    """A site of the preset and its database."""

    def __init__(self, folder: Path, server: MariaDb) -> None:
        super().__init__(folder, "dolibarr")
        self.url = server.new_database()
        self.server = server
        self.run(*statements(HERE / "dolibarr" / "schema.sql"), *statements(HERE / "dolibarr" / "rows.sql"))

    def run(self, *sql: str) -> None:
        self.server.run(self.url, *sql)


@pytest.fixture
def dolibarr(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    mariadb: MariaDb,  # noqa: F811 - pytest's way
) -> Dolibarr:
    made = Dolibarr(site_folder / "dolibarr", mariadb)
    monkeypatch.setenv("DOLIBARR_URL", made.url)
    return made


@long
def test_figures_are_those_worked_by_hand(dolibarr: Dolibarr) -> None:
    report = dolibarr.check()
    assert (report.refused, report.in_need) == ([], [])
    assert {feed: counts[0] for feed, counts in dolibarr.load().items()} == {
        "accounts": 2, "products": 2, "fx_rates": 2, "orders": 3, "deliveries": 2, "invoices": 8, "payments": 4, "visits": 2,
        "opportunities": 2,
    }  # fmt: skip
    figures = dolibarr.figures("2026-01", "2026-02")
    # February: 360 - 100 - 28.80; of 120 nothing is left. USD 200 - 80, at 1 / 1.60, and 51.
    assert figures.receivables == {
        ("2026-01", "10"): Decimal("360.00"),
        ("2026-02", "10"): Decimal("231.20"),
        ("2026-02", "20"): Decimal("126.00"),
    }
    # February: 100 less the credit of 24; USD 200 at the rate of the month end, and 50.
    assert figures.sales == {
        ("2026-01", "10"): Decimal("300.00"),
        ("2026-02", "10"): Decimal("76.00"),
        ("2026-02", "20"): Decimal("175.00"),
    }
    assert figures.lines == {("2026-01", "10"): (1, 1), ("2026-02", "20"): (1, 1)}
    assert dolibarr.query(
        "SELECT payment_type, amount FROM core.payments WHERE invoice_id = 'FA2602-0002' ORDER BY 1"
    ) == [
        {"payment_type": "receipt", "amount": 100},
        {"payment_type": "write_off", "amount": 20},
    ]
    (visit,) = dolibarr.query("FROM core.visits WHERE visit_date IS NOT NULL")
    assert (visit["account_manager"], visit["duration_hours"]) == ("Ada Manager", Decimal("1.5"))


@long
def test_what_is_deleted_or_a_draft_again_counts_no_more(dolibarr: Dolibarr) -> None:
    dolibarr.load()
    dolibarr.run(
        "DELETE FROM llx_paiement_facture WHERE rowid = 1",
        "UPDATE llx_facture SET fk_statut = 0, tms = '2026-03-02' WHERE ref = 'FA2602-0004'",
        "UPDATE llx_commande SET fk_statut = -1, tms = '2026-03-02' WHERE ref = 'CO2602-0001'",
    )
    dolibarr.load()
    figures = dolibarr.figures("2026-01", "2026-02")
    assert figures.receivables["2026-02", "10"] == Decimal("331.20")
    assert figures.receivables["2026-02", "20"] == Decimal("75.00")
    assert figures.lines == {("2026-01", "10"): (1, 1)}


@long
def test_each_query_says_all_that_it_reads_and_no_more(dolibarr: Dolibarr) -> None:
    only_what_is_read("dolibarr", dolibarr.server, dolibarr.url)


@long
def test_a_month_closes_with_all_checks(dolibarr: Dolibarr) -> None:
    dolibarr.close("2026-02")
    assert dolibarr.published_receivables("2026-02")["10"] == Decimal("231.20")
