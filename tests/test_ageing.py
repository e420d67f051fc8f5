"""The receivables of any day: the same figures as a close gives at the month's end, and nothing of what came later."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kam.build import models
from kam.close import ageing as module
from kam.close import write_ageing
from kam.errors import UsageError, ValidationFailedError
from kam.site import FEEDS, Site, find_site
from kam.warehouse import open_read_only, rows, warehouse
from tests.cli import kam
from tests.support import close_plainly, ingest, long, published, write_csv, write_site

TODAY = date(2026, 11, 20)
GIVEN: dict[str, Sequence[dict[str, Any]]] = {
    "accounts": [{"account_id": "A", "account_name": "=Acme"}, {"account_id": "B", "account_name": "Bolt"}],
    "invoices": [
        {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-09-10", "due_date": "2026-10-10", "net_amount": 100},
        {"invoice_id": "I2", "account_id": "B", "invoice_date": "2026-10-05", "due_date": "2026-11-05", "net_amount": 50},
        {"invoice_id": "I3", "account_id": "B", "invoice_date": "2026-10-18", "due_date": "2026-11-18", "net_amount": 7},
    ],
    "payments": [
        {"payment_id": "P1", "account_id": "A", "payment_date": "2026-10-17", "invoice_id": "I1", "amount": 30},
        {"payment_id": "P2", "account_id": "A", "payment_date": "2026-10-18", "invoice_id": "I1", "amount": 20},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "today", lambda _site: TODAY)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = write_site(tmp_path_factory.mktemp("loaded"), GIVEN, feeds=tuple(GIVEN))
    with warehouse(made) as con:
        ingest(con, made)
    return made


@pytest.fixture
def site(loaded: Site, tmp_path: Path) -> Site:
    """A site of one's own, with what is loaded."""
    return find_site(Path(shutil.copytree(loaded.directory, tmp_path / "site")))


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def tables(site: Site) -> list[dict[str, Any]]:
    with open_read_only(site) as con:
        # The steps of each run are kept, so that one sees what it took.
        return rows(
            con,
            "SELECT schema_name, table_name, estimated_size, sql FROM duckdb_tables() WHERE table_name <> 'steps' ORDER BY ALL",
        )


def test_what_came_the_day_after_does_not_count_and_nothing_is_kept(site: Site) -> None:
    write_csv(site.directory / "landing" / "payments_2.csv", FEEDS["payments"].column_names, [])
    before = tables(site)
    found = write_ageing(site, date(2026, 10, 17))

    # I1 is 100 less 30 and seven days late; I2 is due in November; I3 and P2 are of the 18th.
    assert found.file == site.published / "ageing" / "ageing-2026-10-17.csv"
    items = read(found.file)
    assert [
        (row["as_of_date"], row["document_id"], row["outstanding_amount"], row["days_overdue"]) for row in items
    ] == [("2026-10-17", "I1", "70.00", "7"), ("2026-10-17", "I2", "50.00", "-19")]
    assert list(items[0]) == [column.name for column in models()["build.receivables_ageing"].all_columns]
    assert (found.total.item_count, found.total.open_amount, found.total.overdue_amount) == (2, 120, 70)
    assert [(line.open_amount, line.overdue_amount) for line in found.buckets] == [(50, 0), (70, 70)]
    assert [line.name for line in found.accounts] == ["A =Acme", "B Bolt"]
    assert found.notes == [
        "As known at load 3. Up to that day, the newest invoice is of 2026-10-05 and the newest payment is of 2026-10-17.",
        f"Not counted, because not loaded yet: landing/payments_2.csv (payments). Load first: {site.command('ingest')}",
        "No rule was checked; a close of the month does that.",
    ]
    assert tables(site) == before
    assert not (site.published / "kam.duckdb").exists()


@long
def test_a_month_end_has_the_rows_of_the_closed_month(site: Site) -> None:
    close_plainly(site, [date(2026, 10, 1)])
    target = site.directory / "october.parquet"
    write_ageing(site, date(2026, 10, 31), file=target)

    items = duckdb.connect().execute(f"FROM '{target}'").fetchall()
    closed = published(site, "SELECT * EXCLUDE (close_version) FROM history.receivables_ageing ORDER BY document_id")
    assert items == [tuple(row.values()) for row in closed]
    assert [row["outstanding_amount"] for row in closed] == [Decimal(50), Decimal(50), Decimal(7)]


@long
def test_the_business_month_of_the_day_counts(site_folder: Path) -> None:
    calendar = [
        {"period_month": "2026-10", "start_date": "2026-09-28", "end_date": "2026-10-15"},
        {"period_month": "2026-11", "start_date": "2026-10-16", "end_date": "2026-11-22"},
    ]
    site = write_site(site_folder, GIVEN | {"calendar": calendar}, feeds=(*GIVEN, "calendar"))
    with warehouse(site) as con:
        ingest(con, site)
    items = read(write_ageing(site, date(2026, 10, 17)).file)
    assert [(row["period_month"], row["as_of_date"], row["outstanding_amount"]) for row in items] == [
        ("2026-11-01", "2026-10-17", "70.00"),
        ("2026-11-01", "2026-10-17", "50.00"),
    ]


def test_a_workbook_has_numbers_dates_and_no_formulas(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "new" / "ageing.xlsx"
    write_ageing(site, date(2026, 10, 17), file=target)
    items = pl.read_excel(target)
    assert items.select("as_of_date", "account_name", "outstanding_amount").rows() == [
        (date(2026, 10, 17), "=Acme", 70),
        (date(2026, 10, 17), "Bolt", 50),
    ]
    assert [file.name for file in target.parent.iterdir()] == ["ageing.xlsx"]


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 11, 21), "2026-11-21 is in the future: today is 2026-11-20"),
        (
            date(2026, 9, 9),
            "2026-09-09 is before the first data: the first invoice or payment is of 2026-09-10",
        ),
    ],
)
def test_a_day_without_data_is_refused(site: Site, day: date, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        write_ageing(site, day)
    assert str(refused.value) == why
    assert not (site.published / "ageing").exists()


def test_a_site_without_invoices_is_refused_with_the_reason(site_folder: Path) -> None:
    site = write_site(site_folder, {}, feeds=["orders"])
    with pytest.raises(UsageError, match="the site has no receivables: the feed invoices is not declared"):
        write_ageing(site, date(2026, 10, 17))


def test_a_stale_correction_is_named_and_no_file_is_written(site: Site) -> None:
    (site.directory / "corrections.toml").write_text(
        '[[corrections]]\nfeed = "invoices"\nkey = { invoice_id = "I1", line_no = 1 }\ncolumn = "net_amount"\n'
        'wrong = 90\nright = 80\nreason = "misread"\nowner = "Ann"\n'
    )
    with pytest.raises(ValidationFailedError, match=r"entries of corrections\.toml are stale:\n  invoices .*I1"):
        write_ageing(find_site(site.directory), date(2026, 10, 17))
    assert not (site.published / "ageing").exists()


def test_the_command_shows_what_is_open_by_bucket_and_account(site: Site) -> None:
    refused = kam("--site", site.directory, "ageing", "--as-of", "2026-10-17", "--out", "kam.toml")
    assert (refused.returncode, "expected one of .csv, .parquet, .xlsx" in refused.stderr) == (2, True)
    answer = kam("--site", site.directory, "ageing", "--as-of", "2026-10-17", "--as-of-load", "3")
    assert answer.returncode == 0, answer.stderr
    shown = [" ".join(line.split()) for line in answer.stdout.splitlines()]
    assert "All 2 120.00 EUR 70.00 EUR" in shown
    assert "A =Acme 1 70.00 EUR 70.00 EUR" in shown
    assert f"Written: {site.published / 'ageing' / 'ageing-2026-10-17.csv'}" in shown
