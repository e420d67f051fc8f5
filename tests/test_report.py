"""`kam report`: a closed month as an Excel workbook and as Parquet files."""

from __future__ import annotations

import re
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kam.publish import month_report, write_month_parquet, write_month_workbook
from kam.publish.workbook import Book, workbook
from kam.site import Site
from kam.warehouse import memory
from tests.cli import kam
from tests.support import close_plainly, published, write_site

OCTOBER = date(2026, 10, 1)
GIVEN: dict[str, list[dict[str, Any]]] = {
    "accounts": [{"account_id": "A", "account_name": "=Acme"}, {"account_id": "B", "account_name": "Bolt"}],
    "invoices": [
        {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-10-10", "due_date": "2026-11-10", "net_amount": 100.25},
        {"invoice_id": "I2", "account_id": "B", "invoice_date": "2026-10-05", "due_date": "2026-11-05", "net_amount": 50},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = write_site(tmp_path_factory.mktemp("reported"), GIVEN, feeds=tuple(GIVEN))
    close_plainly(made, [OCTOBER])
    return made


def sheet(file: Path, name: str) -> list[dict[str, Any]]:
    return pl.read_excel(file, sheet_name=name).to_dicts()


def test_a_workbook_has_a_cover_a_sheet_per_table_and_the_meaning_of_columns(site: Site, tmp_path: Path) -> None:
    file = write_month_workbook(site, OCTOBER, tmp_path / "october.xlsx").files[0]

    sales = {row["account_id"]: row for row in sheet(file, "sales")}
    assert sales["A"]["net_amount"] == 100.25
    assert (sales["A"]["period_month"], sales["A"]["account_name"]) == (OCTOBER, "=Acme")
    cover = pl.read_excel(file, sheet_id=1, has_header=False).rows()
    (close,) = published(site, "SELECT verdict FROM reporting.closes")
    assert {("Version", "1"), ("Verdict", close["verdict"])} <= {row[:2] for row in cover}
    (listed,) = (row for row in cover if row[0] == "sales")
    assert listed[1] == "2"
    assert [row[1:] for row in cover if row[0] == "visits"] == [("0", "no rows in this month")]
    meanings = {(row["table"], row["column"]): row["unit"] for row in sheet(file, "Columns")}
    assert meanings["sales", "net_amount"] == "reporting currency"


def test_no_text_becomes_a_formula_when_it_is_edited(site: Site, tmp_path: Path) -> None:
    file = write_month_workbook(site, OCTOBER, tmp_path / "october.xlsx").files[0]
    with zipfile.ZipFile(file) as parts:
        assert b'quotePrefix="1"' in parts.read("xl/styles.xml")
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/"))


def test_every_text_that_a_spreadsheet_may_take_for_a_formula_is_marked_as_text(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"]
    file = tmp_path / "book.xlsx"
    with memory() as con, workbook(file) as book:
        con.execute("CREATE TABLE given AS SELECT unnest($1) AS text", [[*texts, "plain"]])
        assert book.add_table("texts", con, "FROM given") == len(texts) + 1
    with zipfile.ZipFile(file) as parts:
        cells = re.findall(r'<c r="A\d+"(?: s="(\d+)")? t="', parts.read("xl/worksheets/sheet1.xml").decode())
        formats = re.findall(r"<xf [^>]*>", parts.read("xl/styles.xml").decode().partition("<cellXfs")[2])
    marked = ["quotePrefix" in formats[int(style or 0)] for style in cells[1:]]
    assert marked == [True] * len(texts) + [False]


def test_a_table_that_no_sheet_can_hold_is_named_on_the_cover(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(month_report, "MOST_ROWS", 1)
    file = write_month_workbook(site, OCTOBER, tmp_path / "october.xlsx").files[0]
    (listed,) = (row for row in pl.read_excel(file, sheet_id=1, has_header=False).rows() if row[0] == "sales")
    assert listed[1:] == ("2", "more than the 1 rows of a sheet: use the Parquet files")


def test_parquet_files_lie_by_table_and_month_and_those_of_other_months_stay(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "sales" / "2026-09.parquet"
    other.parent.mkdir()
    other.write_bytes(b"of September")
    for _ in range(2):
        written = write_month_parquet(site, OCTOBER, tmp_path)
    assert {file.relative_to(tmp_path).as_posix() for file in written.files} >= {
        "sales/2026-10.parquet",
        "account_review/2026-10.parquet",
    }
    assert pl.read_parquet(tmp_path / "sales" / "2026-10.parquet").to_dicts() == published(
        site, "FROM reporting.sales ORDER BY account_id"
    )
    assert other.read_bytes() == b"of September"
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_a_workbook_that_cannot_be_finished_leaves_the_one_before(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "october.xlsx"
    file.write_bytes(b"of yesterday")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Book, "add_text", full)
    result = kam("--site", str(site.directory), "report", "2026-10", "--xlsx", "--out", str(file))
    assert result.returncode == 1
    assert "cannot be written to: No space left on device. What was there before is untouched" in result.stderr.replace(
        "\n", " "
    )
    assert file.read_bytes() == b"of yesterday"
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2026-10"], "say what to write: --html for pages, --xlsx for a workbook, or --parquet for a file per table"),
        (["2026-09", "--xlsx"], "2026-09 is not published; published: 2026-10"),
        (["2026-10", "--xlsx", "--out", "x.csv"], "the ending has to be .xlsx"),
    ],
)
def test_a_report_that_cannot_be_says_why(site: Site, arguments: list[str], said: str) -> None:
    result = kam("--site", str(site.directory), "report", *arguments)
    assert result.returncode == 2
    assert said in " ".join(result.stderr.split())
