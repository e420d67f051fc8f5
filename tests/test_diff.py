"""What a restatement changed, against amounts worked out by hand."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from kam.close import CellChange, Difference, FigureChange, TableChange, steps
from kam.errors import KamError, UsageError
from kam.site import Site
from kam.warehouse import warehouse
from tests.support import close_plainly, ingest, long, write_csv, write_site

JUNE = date(2026, 6, 1)
COLUMNS = ("invoice_id", "account_id", "invoice_date", "due_date", "net_amount")


def invoice(invoice_id: str, account_id: str, net_amount: int, invoice_date: str = "2026-06-10") -> dict[str, object]:
    dates = {"invoice_date": invoice_date, "due_date": "2026-07-10"}
    return {"invoice_id": invoice_id, "account_id": account_id, "net_amount": net_amount} | dates


@pytest.fixture
def site(site_folder: Path) -> Site:
    """June with 100 of A and 200 of B, closed; then B's invoice becomes 230 and A's gets a second one of 7."""
    given = {"invoices": [invoice("I1", "A", 100), invoice("I2", "B", 200)]}
    site = write_site(site_folder, given, feeds=["invoices"])
    close_plainly(site, [JUNE])
    late = [invoice("I2", "B", 230), invoice("I3", "A", 7), invoice("I4", "C", 900, "2026-07-02")]
    write_csv(site.directory / "landing" / "invoices_late.csv", COLUMNS, late)
    return site


def compare(site: Site, first: int | None = None, second: int | None = None, limit: int = 1000) -> Difference:
    return steps.difference(site, JUNE, first, second, limit=limit)


def cells(
    found: Difference, table: str, measure: str
) -> list[tuple[str | None, str | None, str | None, Decimal | None]]:
    return [
        (cell.account_id, cell.before, cell.after, cell.change)
        for cell in found.cells
        if (cell.table, cell.measure) == (table, measure)
    ]


def check_amounts(found: Difference) -> None:
    """B grew by 30 and A by 7, which makes 337 of 300; the July invoice of C is not of June."""
    assert TableChange("receivables_ageing", 1, 0, 1) in found.tables
    assert cells(found, "receivables_rollforward", "closing_amount") == [
        ("B", "200.00", "230.00", Decimal(30)),
        ("A", "100.00", "107.00", Decimal(7)),
    ]
    assert cells(found, "receivables_ageing", "outstanding_amount") == [
        ("B", "200.00", "230.00", Decimal(30)),
        ("A", None, "7.00", Decimal(7)),
    ]
    assert FigureChange("Open receivables", "", "EUR", Decimal("300.0000"), Decimal("337.0000")) in found.figures
    assert [(row.feed, row.account_id, row.key, row.what, row.load_id, row.source_row) for row in found.sources] == [
        ("invoices", "B", "I2 1", "corrected", 2, 1),
        ("invoices", "A", "I3 1", "new", 2, 2),
    ]
    assert found.sources[0].values == "net_amount 200.0000 → 230.0000"
    assert found.sources[0].source == "landing/invoices_late.csv"


@long
def test_the_last_version_against_what_a_close_would_give_now(site: Site) -> None:
    steps.load_feed(site, "invoices")
    found = compare(site)
    assert (found.before.name, found.after.name) == ("version 1", "now")
    check_amounts(found)
    # Nothing was committed.
    assert [outcome.outcome for outcome in close_plainly(site, [JUNE])] == ["changed"]


@long
def test_one_version_against_another(site: Site) -> None:
    close_plainly(site, [JUNE], restate=True)
    check_amounts(compare(site, 1, 2))
    check_amounts(compare(site, None, 2))
    assert list(compare(site).tables) == []


@long
def test_versions_that_an_earlier_release_closed_are_compared_under_the_new_names(site: Site) -> None:
    close_plainly(site, [JUNE], restate=True)
    with warehouse(site) as con:
        con.execute("ALTER TABLE marts.receivables_ageing RENAME COLUMN outstanding_amount_reason TO rate_reason")
    check_amounts(compare(site, 1, 2))


@long
def test_backwards_the_signs_turn(site: Site) -> None:
    close_plainly(site, [JUNE], restate=True)
    found = compare(site, 2, 1)
    assert cells(found, "receivables_rollforward", "closing_amount") == [
        ("B", "230.00", "200.00", Decimal(-30)),
        ("A", "107.00", "100.00", Decimal(-7)),
    ]
    assert [(row.key, row.what) for row in found.sources] == [("I2 1", "corrected"), ("I3 1", "gone")]


@long
def test_the_largest_come_first_and_the_rest_is_counted(site: Site) -> None:
    close_plainly(site, [JUNE], restate=True)
    found = compare(site, 1, 2, limit=1)
    (cell,) = found.cells
    assert isinstance(cell, CellChange)
    assert (cell.account_id, cell.change) == ("B", Decimal(30))
    assert found.cell_count > 10
    assert (len(found.sources), found.source_count) == (1, 2)


@long
def test_all_of_it_can_be_exported(site: Site, tmp_path: Path) -> None:
    close_plainly(site, [JUNE], restate=True)
    found = steps.difference(site, JUNE, 1, 2, limit=1, export_to=tmp_path / "out")
    with (tmp_path / "out" / "cells.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == found.cell_count
    with (tmp_path / "out" / "source_rows.csv").open(newline="") as stream:
        assert [row["key"] for row in csv.DictReader(stream)] == ["I2 1", "I3 1"]
    (tmp_path / "file").write_text("")
    with pytest.raises(KamError, match="cannot be written to"):
        steps.difference(site, JUNE, 1, 2, limit=1, export_to=tmp_path / "file")


@long
def test_a_version_that_is_not_there_is_a_usage_error(site: Site) -> None:
    for first, second in [(2, None), (1, 2)]:
        with pytest.raises(UsageError, match=r"2026-06 has no version 2; its only version is 1"):
            compare(site, first, second)
    for first, second in [(0, None), (0, 1), (None, 1)]:
        with pytest.raises(UsageError, match="2026-06: version 1 is the first, so there is none before it to compare"):
            compare(site, first, second)


@long
def test_a_comparison_with_now_names_the_files_that_are_not_loaded_yet(site: Site) -> None:
    found = compare(site)
    assert list(found.tables) == []
    assert list(found.reasons) == [
        f"Not compared, because not loaded yet: landing/invoices_late.csv (invoices). Load first: {site.command('ingest')}"
    ]
    with warehouse(site) as con:
        ingest(con, site)
    loaded = compare(site)
    assert not any("not loaded yet" in reason for reason in loaded.reasons)
    assert loaded.tables


@long
def test_a_month_that_is_not_closed_says_so(site: Site) -> None:
    with pytest.raises(UsageError, match=r"2026-05 is not closed, so there is no version"):
        steps.difference(site, date(2026, 5, 1), None, None, limit=1)
