"""Rejects of workbooks: exported as a workbook with cells of the same types, which is fixed and loaded again."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

import fastexcel
import polars as pl
import pytest
import xlsxwriter

from kam.errors import UsageError
from tests.cli import kam
from tests.support import long
from tests.test_rejects import Books

XLSX = "landing/*.xlsx"
ORDERS = ("order_id", "account_id", "order_date", "quantity", "unit_price")


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, files=XLSX)


def workbook(file: Path, *rows: tuple[object, ...], header: int = 1, sheets: tuple[str, ...] = ("S",)) -> None:
    """A workbook with these rows below a header in the first of its sheets; the others have the header only."""
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["Orders of March"] if header > 1 else [])
            sheet.write_row(header - 1, 0, ORDERS)
            for number, row in enumerate(rows if name == sheets[0] else (), header):
                sheet.write_row(number, 0, row)


def cells(file: Path, sheet: int = 0) -> pl.DataFrame:
    return fastexcel.read_excel(file).load_sheet(sheet).to_polars()


@long
def test_cells_keep_their_types_and_the_fixed_workbook_settles_its_rejects(books: Books) -> None:
    rows = [
        ("A1", "A", dt.date(2026, 3, 10), 5, 12.5),
        ("0012", "A", dt.date(2026, 3, 11), -5, 12.5),
        (17, "A", dt.date(2026, 3, 12), -7, 1250),
    ]
    workbook(books.folder / "landing" / "a.xlsx", *rows)
    books.load()
    assert books.statuses() == [(1, 2, "open", None), (1, 3, "open", None)]
    exported = cells(books.export("fix.xlsx"))
    assert exported.columns == [*ORDERS, "kam_reject", "kam_rule", "kam_message"]
    assert exported.select("order_date", "quantity", "unit_price").rows() == [
        (dt.datetime(2026, 3, 11), -5.0, 12.5),
        (dt.datetime(2026, 3, 12), -7.0, 1250.0),
    ]
    assert exported["order_id"].to_list() == ["0012", "17"]
    assert exported["kam_reject"].to_list() == ["1-2", "1-3"]
    with xlsxwriter.Workbook(books.folder / "landing" / "fixed.xlsx", {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("S")
        sheet.write_row(0, 0, exported.columns)
        for number, row in enumerate(exported.rows(named=True), 1):
            sheet.write_row(number, 0, (row | {"quantity": -row["quantity"]}).values())
    books.load()
    assert books.statuses() == [(1, 2, "resolved", 2), (1, 3, "resolved", 2)]
    orders = books.query("SELECT order_id, quantity FROM core.orders ORDER BY order_id")
    assert [tuple(order.values()) for order in orders] == [("0012", 5), ("17", 7), ("A1", 5)]


@long
def test_an_exported_workbook_that_is_loaded_as_it_is_rejects_the_same_values(books: Books) -> None:
    settings = 'sheet = ["S-*", "T"]\nheader_row = 3\ncsv = { decimal = ",", date_format = "%d.%m.%Y" }'
    books.configure(settings, XLSX)
    rows = [
        ("1", "A", dt.date(2026, 3, 10), "1250,5", "1.5"),
        ("2", "A", "2026-03-11", 1250.5, 0.00005),
        ("3", "A", "31.02.2026", 0.1, "=1+1"),
        ("4", "A", "11.03.2026", True, 12345678901234567),
    ]
    workbook(books.folder / "landing" / "a.xlsx", *rows, header=3, sheets=("S-March", "T"))
    books.load()
    before = books.query("SELECT * EXCLUDE (load_id, file, status, resolved_load_id) FROM staging.rejects ORDER BY ALL")
    assert before
    file = books.export("fix.xlsx")
    assert fastexcel.read_excel(file).sheet_names == ["S-", "T"]
    file.rename(books.folder / "landing" / "b.xlsx")
    books.load()
    again = books.query("FROM staging.rejects WHERE load_id = 2 ORDER BY source_row, column_name, rule")
    kept = ("column_name", "rule", "value", "message", "business_key")
    assert sorted([row[name] or "" for name in kept] for row in again) == sorted(
        [row[name] or "" for name in kept] for row in before
    )
    assert {status for load, _, status, _ in books.statuses() if load == 1} == {"replaced"}


def test_a_workbook_that_the_feed_would_not_find_is_not_written(books: Books) -> None:
    books.configure("", "landing/*.csv")
    with pytest.raises(UsageError, match="Choose a name that ends"):
        books.export("fix.xlsx")
    assert not (books.folder / "fix.xlsx").exists()


def test_rejects_of_workbooks_are_written_as_text_to_read_and_the_command_that_resends_them_is_named(
    books: Books,
) -> None:
    books.configure("", XLSX)
    workbook(books.folder / "landing" / "a.xlsx", ("1", "A", "soon", 5, 12.5))
    books.load()
    answer = kam("--site", books.folder, "rejects", "--export", books.folder / "fix.csv")
    (reject,) = csv.DictReader((books.folder / "fix.csv").open(encoding="utf-8", newline=""))
    assert (reject["order_id"], reject["order_date"], reject["kam_reject"]) == ("1", "soon", "1-1")
    assert re.search(r"for reading: .* kam .* rejects --feed orders --export FILE\.xlsx", answer.stdout)


def test_a_text_that_no_cell_holds_is_told_and_leaves_no_file(books: Books) -> None:
    books.configure("", "landing/*")
    (books.folder / "landing" / "a.csv").write_text(f"{','.join(ORDERS)},note\n1,A,soon,5,1,{'x' * 40_000}\n")
    books.load()
    with pytest.raises(Exception, match="column note: 40,000 letters do not fit into a cell"):
        books.export("fix.xlsx")
    assert not (books.folder / "fix.xlsx").exists()
