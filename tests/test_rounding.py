"""Numbers of which rounding to the contract's decimals takes more than a small share."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from kam.audit import rebuild
from kam.cli.check import check_site
from kam.site import find_site
from tests.test_ingest import Books, counts

ORDERS = "order_id,account_id,order_date,quantity,unit_price\n"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def rounded(books: Books) -> list[tuple[str, int, float, list[int]]]:
    """Column, rows, largest change and first records of the loads."""
    lists = [json.loads(row["rounded"] or "[]") for row in books.query("FROM ops.loads ORDER BY load_id")]
    return [
        (one["column_name"], one["row_count"], one["largest_change"], one["first_records"])
        for found in lists
        for one in found
    ]


def quantities(books: Books, *cells: str, decimal: str = ".") -> list[tuple[str, int, float, list[int]]]:
    """What is told about a load of order lines with these quantities."""
    lines = "".join(f'{number},A,2026-01-05,"{cell}",2\n' for number, cell in enumerate(cells, 1))
    books.configure(f'csv = {{ decimal = "{decimal}", thousands = "{"." if decimal == "," else ","}" }}')
    books.put("a.csv", ORDERS + lines)
    assert counts(books.load()[0]) == (len(cells), len(cells), 0, 0)
    return rounded(books)


def test_a_quantity_that_becomes_nothing_is_told(books: Books) -> None:
    # 0.00004 becomes 0; 0.00006 becomes 0.0001, two thirds more.
    assert quantities(books, "5", "0.00004", "0.00006") == [("quantity", 2, 1.0, [2, 3])]
    assert [row["quantity"] for row in books.core()] == [5, 0, Decimal("0.0001")]


def test_the_load_says_so(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,0.00006,2\n")
    (result,) = books.load()
    assert result.message == (
        "loaded; quantity is rounded to 4 decimals, which changes it by up to 66.7% in 1 row (record 1)"
    )
    assert books.query("SELECT message FROM ops.loads") == [{"message": result.message}]


@pytest.mark.parametrize(
    "cell",
    [
        "12",
        "0.0001",
        "0.00010000",
        # A thousandth at most: 1.00049 becomes 1.0005, 0.05004 becomes 0.0500.
        "1.00049",
        "0.05004",
        "0.30000000000000004",
        # What is left of a subtraction of floating-point numbers.
        "0.000000000000027",
        "1,234.50",
        "",
    ],
)
def test_a_number_that_rounding_leaves_as_it_is_is_not_told(tmp_path: Path, cell: str) -> None:
    books = Books(tmp_path, "sales_plan", 'csv = { thousands = "," }')
    books.put("a.csv", f'plan_version,month,account_id,amount\nV1,2026-06,A,"{cell}"\n')
    books.load()
    assert rounded(books) == []


@pytest.mark.parametrize("cell", ["0,00004", " 0,00004 ", "+0,00004", "0,00004+", "0,000040000"])
def test_a_number_in_another_dialect_is_told(books: Books, cell: str) -> None:
    assert quantities(books, cell, "1.234,50", decimal=",") == [("quantity", 1, 1.0, [1])]


def test_of_two_columns_the_one_that_changes_most_is_named(books: Books) -> None:
    # 0.0012499 becomes 0.0012, 4 % less; 0.00000000004 becomes 0.
    books.put("a.csv", ORDERS + "1,A,2026-01-05,0.0012499,0.00000000004\n2,A,2026-01-05,0.0012499,2\n")
    books.load()
    assert rounded(books) == [("quantity", 1, 0.0399, [2]), ("unit_price", 1, 1.0, [1])]


def test_a_percentage_is_judged_by_what_it_means(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits")
    # 0.004 % of 1 is 0.00004, and becomes 0.
    books.put(
        "a.csv", "visit_id,account_id,visit_date,success_probability\nV1,A,2026-01-05,0.004 %\nV2,A,2026-01-05,25.5 %\n"
    )
    books.load()
    assert rounded(books) == [("success_probability", 1, 1.0, [1])]


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Decimal(18, 6)])
def test_a_number_of_a_source_with_types_is_told(books: Books, dtype: pl.DataType) -> None:
    frame = pl.DataFrame(
        {"order_id": ["1", "2"], "account_id": "A", "order_date": "2026-01-05", "quantity": ["0.00004", "0.3"]}
    )
    frame.with_columns(pl.col("quantity").cast(dtype)).write_parquet(books.folder / "landing" / "a.parquet")
    books.load()
    assert rounded(books) == [("quantity", 1, 1.0, [1])]


def test_a_computed_number_is_told(tmp_path: Path) -> None:
    books = Books(tmp_path, "orders", 'columns = { quantity = { sql = "as_number(pieces) / 100000" } }')
    books.put("a.csv", "order_id,account_id,order_date,pieces\n1,A,2026-01-05,4\n2,A,2026-01-05,70000\n")
    books.load()
    assert rounded(books) == [("quantity", 1, 1.0, [1])]


def test_a_credit_note_with_a_negative_amount_is_told_by_its_size(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'sign = "amount"')
    header = "invoice_id,account_id,invoice_date,document_type,net_amount\n"
    books.put("a.csv", header + "I1,A,2026-01-05,credit_note,-10.12345\nI2,A,2026-01-05,credit_note,-0.00004\n")
    books.load()
    assert rounded(books) == [("net_amount", 1, 1.0, [2])]


def test_a_rejected_row_is_not_told(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,soon,0.00004,2\n2,A,2026-01-05,1,2\n")
    books.load()
    assert rounded(books) == []


def test_a_rebuild_tells_the_same(books: Books) -> None:
    found = quantities(books, "0.00004")
    rebuild(find_site(books.folder), force=True)
    assert rounded(books) == found == [("quantity", 1, 1.0, [1])]


def test_check_says_what_would_be_rounded_away(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,0.00004,2\n")
    assert check_site(find_site(books.folder)).examined[0].rounded.startswith("quantity is rounded to 4 decimals")
