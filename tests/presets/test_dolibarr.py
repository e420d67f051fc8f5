"""The preset of Dolibarr, on a MariaDB database with its definitions: figures worked by hand, and what happens to documents that change."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.mariadb import MariaDb, mariadb  # noqa: F401 - the fixture
from tests.presets.books import HERE, Books, only_what_is_read, statements
from tests.presets.changes import require_nothing_lost_or_doubled, require_question
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


# FA2602-0004 was a draft again, and was validated with 10 more under its number. `tms` is set by the database.
CORRECTION = (
    "UPDATE llx_facturedet SET qty = 6, total_ht = 60, total_ttc = 60 WHERE fk_facture = 5",
    "UPDATE llx_facture SET total_ttc = 61 WHERE rowid = 5",
)
# The payment of USD 80 is deleted.
CANCELLATION = (
    "DELETE FROM llx_paiement_facture WHERE fk_paiement = 2",
    "DELETE FROM llx_paiement WHERE rowid = 2",
)
# The draft of 28 February is validated in March.
LATE = (
    "INSERT INTO llx_facturedet VALUES (8, 6, 1, 0, 75, 900, 900, 0, 0)",
    "UPDATE llx_facture SET ref = 'FA2602-0005', fk_statut = 1, date_lim_reglement = '2026-03-28' WHERE rowid = 6",
)


@long
def test_a_closed_month_asks_before_a_corrected_cancelled_or_late_document_changes_it(dolibarr: Dolibarr) -> None:
    dolibarr.close("2026-02")
    assert dolibarr.published_receivables("2026-02") == {"10": Decimal("231.20"), "20": Decimal("126.00")}
    dolibarr.run(*CORRECTION)
    require_question(dolibarr, "2026-02", "invoices", {"10": Decimal("231.20"), "20": Decimal("136.00")})
    # USD 80 at 1 / 1.60 are owed again.
    dolibarr.run(*CANCELLATION)
    require_question(dolibarr, "2026-02", "payments", {"10": Decimal("231.20"), "20": Decimal("186.00")})
    dolibarr.run(*LATE)
    require_question(dolibarr, "2026-02", "invoices", {"10": Decimal("231.20"), "20": Decimal("1086.00")})


@long
def test_a_load_that_is_killed_neither_loses_nor_doubles_a_document(dolibarr: Dolibarr) -> None:
    require_nothing_lost_or_doubled(dolibarr, lambda: dolibarr.run(*CORRECTION, *CANCELLATION, *LATE))
