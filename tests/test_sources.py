"""What may lie in a landing folder: the same rows in any format, and files that must not be read, or not yet."""

from __future__ import annotations

import codecs
import datetime as dt
import gzip
import io
import json
import os
import re
import shutil
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
import zstandard

from kam.archive import folder as archive_folder
from kam.archive.store import ledger_entries
from kam.audit import rebuild
from kam.errors import SettingsError, SourceRefusedError
from kam.ingest import LoadResult
from kam.ingest.readers.workbooks import first_rows
from kam.site import IngestSection, find_site
from kam.warehouse import rows, warehouse
from tests.stores import lose_warehouse
from tests.support import ingest, long

COLUMNS = ("order_id", "account_id", "order_date", "quantity", "unit_price", "status")
CSV = """order_id,account_id,order_date,quantity,unit_price,status
00123,4711,2026-05-31,0.3,2.00025,open
124,Müller,2026-06-01,1500,19.99,
"""
CORE = [
    ("00123", "4711", dt.date(2026, 5, 31), Decimal("0.3"), Decimal("2.00025"), "open"),
    ("124", "Müller", dt.date(2026, 6, 1), Decimal(1500), Decimal("19.99"), None),
]


class Books:
    """A site with the one feed `orders` and its landing folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.landing = folder, folder / "landing"
        self.landing.mkdir()
        self.configure('files = "landing/**"')

    def configure(self, *settings: str, ingest: str = "") -> None:
        lines = ('[site]\nname = "Books"', f"[ingest]\n{ingest}", "[feeds.orders]", *settings)
        (self.folder / "kam.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def put(self, name: str, content: str | bytes) -> Path:
        file = self.landing / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def load(self) -> list[LoadResult]:
        site = find_site(self.folder)
        with warehouse(site) as con:
            return ingest(con, site)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse(find_site(self.folder)) as con:
            return rows(con, sql)

    def orders(self) -> list[tuple[Any, ...]]:
        return [tuple(row[name] for name in COLUMNS) for row in self.query("FROM core.orders ORDER BY order_id")]

    def ids(self) -> list[str]:
        return [row["order_id"] for row in self.query("FROM core.orders ORDER BY order_id")]

    def refusal(self) -> str:
        """The message of the one load, which was refused and left nothing behind."""
        (result,) = self.load()
        assert result.status == "failed"
        assert result.message.startswith("orders: landing/")
        assert "\n" not in result.message
        assert self.query("FROM staging.orders") == []
        return result.message


@pytest.fixture
def books(site_folder: Path) -> Books:
    return Books(site_folder)


def line(order_id: str) -> str:
    return f"order_id,account_id,order_date,quantity\n{order_id},A,2026-05-01,1\n"


def workbook(
    file: Path, sheets: dict[str, list[list[Any]]], *, titles: tuple[str, ...] = (), date_1904: bool = False
) -> None:
    """A workbook; titles are merged cells above the first row, each in a row of its own."""
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy", "date_1904": date_1904}) as book:
        for name, cells in sheets.items():
            sheet = book.add_worksheet(name)
            for number, title in enumerate(titles):
                sheet.merge_range(number, 0, number, 3, title)
            for number, row in enumerate(cells, start=len(titles)):
                for column, value in enumerate(row):
                    if isinstance(value, str) and value.startswith("#"):
                        sheet.write_formula(number, column, "=NA()", None, value)
                    elif isinstance(value, str):
                        sheet.write_string(number, column, value)
                    else:
                        sheet.write(number, column, value)


# The same rows in each format. Ids are text in one row and a number in the other, as in real workbooks.
SHEET = [
    list(COLUMNS),
    ["00123", 4711, dt.datetime(2026, 5, 31), 0.1 + 0.2, 2.00025, "open"],
    [124, "Müller", dt.datetime(2026, 6, 1), 1500, 19.99, None],
]
OBJECTS = [
    {
        "order_id": "00123",
        "account_id": 4711,
        "order_date": "2026-05-31",
        "quantity": 0.3,
        "unit_price": 2.00025,
        "status": "open",
    },
    {"order_id": 124, "account_id": "Müller", "order_date": "2026-06-01", "quantity": 1500.0, "unit_price": "19.99"},
]
FRAME = pl.DataFrame(
    {
        "order_id": ["00123", "124"],
        "account_id": ["4711", "Müller"],
        "order_date": [dt.date(2026, 5, 31), dt.date(2026, 6, 1)],
        "quantity": [0.3, 1500.0],
        "unit_price": [2.00025, 19.99],
        "status": ["open", None],
    }
)


@long
def test_text_plain_and_compressed_gives_the_same_rows(books: Books) -> None:
    for name, pack in (("a.csv", bytes), ("b.csv.gz", gzip.compress), ("c.csv.zst", zstandard.compress)):
        books.put(name, pack(CSV.encode()))
        results = books.load()
        assert results[-1].status == "loaded"
        assert books.orders() == CORE
    assert [row["unchanged_count"] for row in books.query("FROM ops.loads ORDER BY load_id")] == [0, 2, 2]


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.ndjson.gz", "a.jsonl.zst"])
def test_ndjson_gives_the_same_rows(books: Books, name: str) -> None:
    content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in OBJECTS).encode()
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(Path(name).suffix, bytes)
    books.put(name, pack(content))
    assert books.load()[0].status == "loaded"
    assert books.orders() == CORE


def test_parquet_gives_the_same_rows(books: Books) -> None:
    FRAME.write_parquet(books.landing / "a.parquet")
    assert books.load()[0].status == "loaded"
    assert books.orders() == CORE


def test_parquet_of_other_types_reads_alike(books: Books) -> None:
    FRAME.with_columns(
        pl.Series("account_id", [4711.0, 5.0]),
        pl.col("order_date").cast(pl.Datetime),
        pl.Series("quantity", [Decimal("0.30"), Decimal("1500.00")]),
        pl.col("status").cast(pl.Categorical),
    ).write_parquet(books.landing / "a.parquet")
    assert books.load()[0].rejected_count == 0
    assert books.orders() == [CORE[0], ("124", "5", *CORE[1][2:])]


def test_a_workbook_gives_the_same_rows(books: Books) -> None:
    workbook(books.landing / "a.xlsx", {"Orders": SHEET})
    assert books.load()[0].status == "loaded"
    assert books.orders() == CORE


def test_a_sheet_below_merged_titles_is_read_from_its_header_row(books: Books) -> None:
    books.configure('files = "landing/*.xlsx"', 'sheet = "Orders"', "header_row = 3")
    workbook(
        books.landing / "a.xlsx", {"Notes": [["nothing"]], "Orders": SHEET}, titles=("Sales of May", "Confidential")
    )
    assert books.load()[0].status == "loaded"
    assert books.orders() == CORE


def test_blank_rows_of_a_sheet_are_no_records_and_unnamed_columns_without_cells_no_columns(books: Books) -> None:
    blank = [None, " ", None, None, None, None]
    workbook(books.landing / "a.xlsx", {"Orders": [SHEET[0], [None], SHEET[1], blank, SHEET[2], blank]})
    assert books.load()[0].read_count == 2
    assert books.orders() == CORE


def test_cells_with_text_are_read_in_the_declared_format_and_number_cells_as_they_are(books: Books) -> None:
    books.configure('files = "landing/*"', 'csv = { decimal = ",", thousands = ".", date_format = "%d.%m.%Y" }')
    cells = [
        ["order_id", "account_id", "order_date", "quantity", "unit_price"],
        ["1", "A", "31.05.2026", "1.234,5", 12.345],
        ["2", "A", dt.datetime(2026, 6, 1), 1234.5, 12.345],
        ["3", "A", "2026-06-01", "12.34", 1],
    ]
    workbook(books.landing / "a.xlsx", {"Orders": cells})
    (result,) = books.load()
    assert (result.loaded_count, result.rejected_count) == (2, 1)
    assert [(row[2], row[3], row[4]) for row in books.orders()] == [
        (dt.date(2026, 5, 31), Decimal("1234.5"), Decimal("12.345")),
        (dt.date(2026, 6, 1), Decimal("1234.5"), Decimal("12.345")),
    ]


def test_numbers_of_json_are_numbers_whatever_the_format_of_texts(books: Books) -> None:
    books.configure('files = "landing/*"', 'csv = { decimal = ",", thousands = "." }')
    record = {
        "order_id": "1",
        "account_id": "A",
        "order_date": "2026-05-01",
        "quantity": 12.345,
        "unit_price": "1.234,5",
    }
    books.put("a.ndjson", json.dumps(record))
    books.load()
    assert [(row[3], row[4]) for row in books.orders()] == [(Decimal("12.345"), Decimal("1234.5"))]


def test_a_small_number_of_json_is_the_number_it_says(books: Books) -> None:
    record = '{"order_id": "1", "account_id": "A", "order_date": "2026-05-01", "quantity": 1e-3, "unit_price": 2e-08}'
    books.put("a.ndjson", record + record.replace("1e-3", '"1e-3"').join(("\n", "\n")))
    (result,) = books.load()
    # A text is no number in this notation.
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert [(row[3], row[4]) for row in books.orders()] == [(Decimal("0.001"), Decimal("0.00000002"))]


def test_dates_of_a_workbook_that_counts_from_1904_are_the_days_they_show(books: Books) -> None:
    workbook(books.landing / "a.xlsx", {"Orders": SHEET}, date_1904=True)
    assert books.load()[0].status == "loaded"
    assert books.orders() == CORE
    books.configure('files = "landing/*"', 'csv = { date_format = "%d.%m.%Y" }')
    books.load()
    assert books.orders() == CORE


def test_bare_day_numbers_that_count_from_1904_are_refused(books: Books) -> None:
    books.configure('files = "landing/*"', 'csv = { date_format = "excel" }')
    days = [["order_id", "account_id", "order_date", "quantity"], ["1", "A", 44712, 5]]
    workbook(books.landing / "a.xlsx", {"Orders": days}, date_1904=True)
    assert "counts days from 1904" in books.refusal()
    workbook(books.landing / "a.xlsx", {"Orders": days})
    books.load()
    # 44712 days after 30 December 1899; from 1904 it would be 1 June 2026.
    assert [row[2] for row in books.orders()] == [dt.date(2022, 5, 31)]


def test_an_error_in_a_cell_is_rejected_and_not_taken_for_empty(books: Books) -> None:
    workbook(
        books.landing / "a.xlsx", {"Orders": [SHEET[0], ["1", "A", dt.datetime(2026, 5, 1), 1, "#N/A", None], SHEET[1]]}
    )
    (result,) = books.load()
    assert (result.loaded_count, result.rejected_count) == (1, 1)
    assert [(row["column_name"], row["value"]) for row in books.query("FROM staging.rejects")] == [
        ("unit_price", "#N/A")
    ]


def test_json_keys_may_come_and_go(books: Books) -> None:
    first = {"order_id": "1", "account_id": "A", "order_date": "2026-05-01", "quantity": 1}
    second = {
        "status": "open",
        "quantity": 2,
        "order_date": "2026-05-01",
        "account_id": "A",
        "order_id": "2",
        "x": {"y": []},
    }
    books.put("a.ndjson", codecs.BOM_UTF8 + f"{json.dumps(first)}\r\n\r\n{json.dumps(second)}".encode())
    books.load()
    assert [(row[0], row[3], row[5]) for row in books.orders()] == [("1", 1, None), ("2", 2, "open")]


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", bytes(200_000_000))
    return out.getvalue()


@pytest.mark.parametrize(("size", "words"), [(1_001, "expand to 1,001"), (1_000, "damaged or protected")])
def test_a_gigabyte_of_a_workbook_is_a_thousand_million_bytes_too(tmp_path: Path, size: int, words: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as parts:
        parts.writestr("xl/workbook.xml", bytes(size))
    with pytest.raises(SourceRefusedError, match=words):
        first_rows(tmp_path / "a.xlsx", IngestSection(max_expanded_gigabytes="0.000001"), "orders: a.xlsx")


REFUSED = [
    ("a.xlsx", b"order_id,account_id\n", "this is text, not an Excel workbook"),
    ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), "password-protected"),
    ("a.xlsx", b"PK\x03\x04 and so on", "damaged"),
    ("a.xlsx", b"<html>Login</html>", "web page"),
    ("a.xlsx", b"", "zero bytes"),
    ("a.xlsx", _bomb(), "expand to 200,000,000"),
    ("a.parquet", b"order_id,account_id\n", "this is text, not a Parquet file"),
    ("a.parquet", b"PAR1" + bytes(100), "damaged"),
    ("a.parquet", b"", "zero bytes"),
    ("a.ndjson", b"", "zero bytes"),
    ("a.ndjson", b"[{}]", "a JSON array"),
    ("a.ndjson", b"order_id,account_id\n1,2\n", "expected NDJSON"),
    ("a.ndjson", b'{"order_id": "1"}\n{"order_id": ', "not NDJSON"),
    ("a.ndjson", b'{"order_id": "\xff"}\n', "not NDJSON"),
    ("a.ndjson", b'{"order_id": "1", "order_id": "2"}\n', "two keys"),
    ("a.ndjson", b'{"Order_id": "1"}\n{"order_id": "2"}\n', "two columns"),
    ("a.ndjson", b'{"order_id": 123456789012345678901234}\n', "more digits"),
    ("a.ndjson", b'{"order_id": "1"}\n', "no columns 'account_id' (required), 'order_date' (required)"),
    ("a.ndjson.gz", gzip.compress(b'{"order_id": "1"}\n' * 100)[:40], "damaged or incomplete"),
    ("a.csv", b"PK\x03\x04 and so on", "Excel workbook"),
    ("a.json", b"{}", "the ending does not say what is in it"),
    ("a", b"order_id\n", "the ending does not say what is in it"),
    ("a.xls", b"\xd0\xcf\x11\xe0", "Save the workbook as .xlsx"),
]


@pytest.mark.parametrize(("name", "content", "words"), REFUSED, ids=[f"{name} {words}" for name, _, words in REFUSED])
def test_content_that_is_not_what_the_name_says_is_refused(books: Books, name: str, content: bytes, words: str) -> None:
    books.put(name, content)
    assert words in books.refusal()


def test_a_sheet_that_is_not_there_or_has_no_header_is_refused(books: Books) -> None:
    workbook(books.landing / "a.xlsx", {"Orders": SHEET, "Empty": []})
    for settings, words in (
        ('sheet = "Sales"', "The workbook has: Orders, Empty"),
        ('sheet = "Empty"', "names no columns"),
        ("header_row = 99", "row 99"),
    ):
        books.configure('files = "landing/*"', settings)
        assert words in books.refusal()


def test_two_columns_of_one_name_are_refused_in_any_format(books: Books) -> None:
    workbook(books.landing / "a.xlsx", {"Orders": [["order_id", "Quantity", "quantity"], ["1", 1, 2]]})
    pl.DataFrame({"order_id": ["1"], "Quantity": [1], "quantity": [2]}).write_parquet(books.landing / "b.parquet")
    assert ["two columns" in result.message for result in books.load()] == [True, True]


def test_a_parquet_file_cut_short_or_damaged_inside_is_refused(books: Books) -> None:
    FRAME.write_parquet(books.landing / "a.parquet", compression="zstd")
    content = (books.landing / "a.parquet").read_bytes()
    books.put("a.parquet", content[:-12])
    books.put("b.parquet", content[:4] + bytes(120) + content[124:])
    assert [result.status for result in books.load()] == ["failed", "failed"]
    assert books.query("FROM staging.orders") == []


def test_a_folder_means_all_files_in_it_and_below(books: Books) -> None:
    books.configure('files = "landing"')
    for name in ("b.csv", "2026/05/a.csv", "2026/06/a.csv"):
        books.put(name, line(name.replace("/", "-")))
    books.put(".hidden.csv", line("hidden"))
    books.put("2026/~$open.xlsx", b"somebody has it open")
    assert [result.source for result in books.load()] == [
        "landing/2026/05/a.csv",
        "landing/2026/06/a.csv",
        "landing/b.csv",
    ]


def test_two_stars_mean_any_folder_below(books: Books) -> None:
    books.configure('files = "landing/**/*.csv"')
    for name in ("a.csv", "x/b.csv", "x/y/c.csv", "x/d.txt"):
        books.put(name, line(name[-5]))
    books.load()
    assert books.ids() == ["a", "b", "c"]


def test_a_file_that_several_patterns_name_loads_once(books: Books) -> None:
    books.configure('files = ["landing/*.csv", "landing/a*", "landing"]')
    books.put("a.csv", line("1"))
    (books.landing / "loop").symlink_to(books.landing)
    assert [result.source for result in books.load()] == ["landing/a.csv"]


@long
def test_names_with_quotes_newlines_brackets_and_other_bytes_load(books: Books) -> None:
    names = ('it\'s "a";.csv', "two\nlines.csv", "orders[1]*?.csv", "Bestellungen Mai – Ä.csv")
    for number, name in enumerate(names):
        books.put(name, line(str(number)))
    (books.landing / os.fsdecode(b"latin-\xfc.csv")).write_text(line("4"))
    results = books.load()
    assert [result.status for result in results] == ["loaded"] * 5
    assert books.ids() == ["0", "1", "2", "3", "4"]
    listed = [entry["source"] for entry in ledger_entries(find_site(books.folder))]
    assert {"landing/two\\nlines.csv", "landing/latin-\\xfc.csv"} < set(listed)
    assert all("\n" not in name for name in listed)


def test_a_link_out_of_the_landing_folder_is_refused(books: Books) -> None:
    (books.folder / "secret.csv").write_text(line("1"))
    (books.landing / "a.csv").symlink_to(books.folder / "secret.csv")
    assert "leads out of the landing folder" in books.refusal()


def test_a_file_above_the_site_is_no_link_and_named_with_its_whole_path(books: Books) -> None:
    elsewhere = books.folder.parent / "elsewhere of the books"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(line("1"))
    books.configure('files = "../elsewhere of the books/*.csv"')
    (refused,) = books.load()
    assert refused.message == (
        "orders: ../elsewhere of the books/a.csv: lies outside the site. Name its folder by its whole path: "
        f"{elsewhere.resolve()}"
    )
    books.configure(f'files = "{elsewhere.resolve()}/*.csv"')
    assert [result.status for result in books.load()] == ["loaded"]


def test_a_link_to_a_folder_elsewhere_is_refused(books: Books, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text(line("1"))
    (books.landing / "more").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the landing folder" in books.refusal()


def test_a_landing_folder_elsewhere_is_named_by_its_whole_path(books: Books, tmp_path: Path) -> None:
    elsewhere = tmp_path / "exports"
    elsewhere.mkdir()
    (elsewhere / "a.csv").write_text(line("1"))
    (elsewhere / "b.csv").symlink_to(elsewhere / "a.csv")
    (elsewhere / "c.csv").symlink_to(books.folder / "kam.toml")
    books.configure(f'files = "{elsewhere}/*.csv"')
    assert [result.status for result in books.load()] == ["loaded", "failed"]


def test_a_link_inside_the_landing_folder_is_a_file(books: Books) -> None:
    books.put("old/a.csv", line("1"))
    books.configure('files = "landing/*.csv"')
    (books.landing / "newest.csv").symlink_to(books.landing / "old" / "a.csv")
    books.load()
    assert books.ids() == ["1"]


def test_a_link_to_nothing_and_a_pipe_are_refused_and_the_others_load(books: Books) -> None:
    (books.landing / "a.csv").symlink_to(books.landing / "gone.csv")
    os.mkfifo(books.landing / "b.csv")
    books.put("c.csv", line("1"))
    results = books.load()
    assert [result.status for result in results] == ["failed", "failed", "loaded"]
    assert "not there" in results[0].message
    assert "not a regular file" in results[1].message


def test_a_file_whose_name_says_it_is_unfinished_is_left_for_the_next_run(books: Books) -> None:
    books.put("a.csv.part", line("1"))
    (result,) = books.load()
    assert result.status == "left"
    assert books.query("FROM ops.loads") == []
    (books.landing / "a.csv.part").rename(books.landing / "a.csv")
    assert [result.status for result in books.load()] == ["loaded"]


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_run(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = books.put("a.csv", line("1"))
    copied_bytes = archive_folder._copied_bytes  # noqa: SLF001 - the moment in which somebody writes

    def copy_while_somebody_writes(source: Path, copy: Path, descriptor: int) -> str:
        with file.open("a") as grown:
            grown.write("2,A,2026-05-01,1\n")
        return copied_bytes(source, copy, descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("kam.archive.folder._copied_bytes", copy_while_somebody_writes)
        (result,) = books.load()
    assert (result.status, "still being written" in result.message) == ("left", True)
    assert books.query("FROM ops.loads") == []
    assert [path for path in (books.folder / "archive").rglob("*") if path.is_file()] == []
    books.load()
    assert books.ids() == ["1", "2"]


def test_a_file_that_changes_between_hash_and_archive_is_left_for_the_next_run(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.put("a.csv", line("1"))
    books.load()
    # As long as the one that was loaded, so that it is hashed before it is archived.
    books.put("a.csv", line("2"))
    with monkeypatch.context() as patch:
        patch.setattr("kam.ingest.sources.file_hash", lambda _: "0" * 64)
        (result,) = books.load()
    assert result.status == "left"
    assert books.ids() == ["1"]
    books.load()
    assert books.ids() == ["1", "2"]


def test_a_file_settles_before_it_is_read(books: Books) -> None:
    books.configure('files = "landing/*"', ingest="settle_seconds = 60")
    file = books.put("a.csv", line("1"))
    (result,) = books.load()
    assert (result.status, "60 seconds" in result.message) == ("left", True)
    os.utime(file, (0, 0))
    books.load()
    assert books.ids() == ["1"]


def test_a_select_cannot_name_inputs_outside_the_site(books: Books) -> None:
    for name in ("/etc/hostname", "../other/a.csv"):
        books.configure('sql = "landing/plan.sql"', f'inputs = ["{name}"]')
        with pytest.raises(SettingsError, match="below the site"):
            find_site(books.folder)


SELECT = ('sql = "landing/orders.sql"', 'inputs = ["landing/new/*.csv"]')
UNDECLARED = {
    "FROM 'landing/other.csv'": "No files found.*inputs",
    "FROM read_csv('{folder}/landing/other.csv')": "inputs",
    "FROM read_csv('../../landing/other.csv')": "inputs",
    "SELECT content FROM read_text('/etc/hosts')": "/etc/hosts.*inputs",
    "FROM glob('{folder}/*')": "inputs",
    "FROM read_text('http://127.0.0.1:9/x')": "httpfs",
    "FROM core.orders": "core",
    "FROM read_xlsx('landing/new/a.csv')": "excel",
    "SELECT now() AS order_date": r"now\(\) gives another value",
    "SELECT CURRENT_DATE AS order_date": "current_date gives another value",
    "SELECT 1 AS a; SELECT 2 AS a": "expected one SELECT",
    "COPY (SELECT 1) TO 'out.csv'": "expected one SELECT",
}


@long
@pytest.mark.parametrize("select", UNDECLARED)
def test_a_select_that_would_see_more_than_its_inputs_is_refused(books: Books, select: str) -> None:
    books.configure(*SELECT)
    books.put("new/a.csv", line("1"))
    books.put("other.csv", line("2"))
    books.put("orders.sql", select.format(folder=books.folder))
    (result,) = books.load()
    assert result.status == "failed"
    assert re.search(UNDECLARED[select], result.message)
    assert "\n" not in result.message
    assert ".scratch" not in result.message


@long
def test_a_select_takes_in_new_files_of_its_folder_and_a_rebuild_gives_the_same(books: Books) -> None:
    books.configure(*SELECT)
    books.put(
        "orders.sql", "SELECT * EXCLUDE filename, filename AS note FROM read_csv('landing/new/*.csv', filename = true)"
    )
    books.configure(*SELECT, 'columns = { account_id = "note" }')
    books.put("new/01.csv", line("1"))
    books.load()
    assert [load.status for load in books.load()] == ["already loaded"]
    books.put("new/02.csv", line("2"))
    (second,) = books.load()
    assert (second.loaded_count, second.unchanged_count) == (1, 1)
    before = books.orders()
    assert [row[1] for row in before] == ["landing/new/01.csv", "landing/new/02.csv"]
    shutil.rmtree(books.landing)
    lose_warehouse(find_site(books.folder))
    assert rebuild(find_site(books.folder)).load_count == 2
    assert books.orders() == before


@long
def test_inputs_that_are_unfinished_missing_or_elsewhere_keep_a_select_from_loading(books: Books) -> None:
    books.configure(*SELECT)
    books.put("orders.sql", "FROM read_csv('landing/new/*')")
    (nothing,) = books.load()
    assert (nothing.status, "landing/new/*.csv: no such file" in nothing.message) == ("failed", True)
    books.configure(SELECT[0], 'inputs = ["landing/new"]')
    books.put("new/01.csv", line("1"))
    unfinished = books.put("new/02.csv.part", line("2"))
    (left,) = books.load()
    assert (left.status, "still being written" in left.message) == ("left", True)
    unfinished.unlink()
    (books.landing / "new" / "hosts.csv").symlink_to("/etc/hosts")
    (refused,) = books.load()
    assert (refused.status, "leads out of the landing folder" in refused.message) == ("failed", True)
    (books.landing / "new" / "hosts.csv").unlink()
    assert [load.status for load in books.load()] == ["loaded"]
