"""Numbers, dates and words as sites write them: read in the declared format, else rejected; nothing is guessed."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import pytest

from kam.errors import SettingsError
from kam.ingest import LoadResult
from tests.test_ingest import Books

GERMAN = 'decimal = ",", thousands = "."'
FRENCH = 'decimal = ",", thousands = " "'
SWISS = 'decimal = ".", thousands = "\'"'
ENGLISH = 'thousands = ","'
EURO = f'{GERMAN}, currency_signs = ["€", "EUR"]'
DOLLAR = f'{ENGLISH}, currency_signs = ["$", "USD"]'


def load_cell(folder: Path, feed: str, column: str, cell: str, dialect: str) -> tuple[Books, LoadResult]:
    """One row of a feed with this cell in this column, loaded in this dialect."""
    rows = {
        "orders": {"order_id": "1", "account_id": "A", "order_date": "2026-01-05", "quantity": "1"},
        "visits": {"visit_id": "1", "account_id": "A", "visit_date": "2026-01-05"},
        "accounts": {"account_id": "A"},
        "payments": {"payment_id": "1", "account_id": "A", "payment_date": "2026-01-05", "amount": "1"},
    }
    row = rows[feed] | {column: cell}
    books = Books(folder, feed, f"csv = {{ {dialect} }}")
    out = io.StringIO()
    csv.writer(out).writerows([row.keys(), row.values()])
    books.put("a.csv", out.getvalue())
    return books, books.load()[0]


NUMBERS = [
    ("1234.5", "", "1234.5"),
    ("+5", "", "5"),
    (".5", "", "0.5"),
    ("5.", "", "5"),
    ("1.234,56", GERMAN, "1234.56"),
    ("1234,56", GERMAN, "1234.56"),
    ("1.234.567", GERMAN, "1234567"),
    (",5", GERMAN, "0.5"),
    ("1234,56", 'decimal = ","', "1234.56"),
    ("1 234,56", FRENCH, "1234.56"),
    ("1\u00a0234\u00a0567,8", FRENCH, "1234567.8"),
    ("1\u202f234,56", FRENCH, "1234.56"),
    ("1\u2009234,56", FRENCH, "1234.56"),
    ("1'234.50", SWISS, "1234.5"),
    ("1\u2019234.50", SWISS, "1234.5"),
    ("1,234.56", ENGLISH, "1234.56"),
    ("€ 1.234,56", EURO, "1234.56"),
    ("1.234,56 €", EURO, "1234.56"),
    ("1.234,56\u00a0EUR", EURO, "1234.56"),
    ("1,234.56 USD", DOLLAR, "1234.56"),
    ("$1,234.56", DOLLAR, "1234.56"),
    ("0.00005", "", "0.0001"),
    ("0.000049999", "", "0"),
    ("1234,00005", GERMAN, "1234.0001"),
]


@pytest.mark.parametrize(("cell", "dialect", "expected"), NUMBERS)
def test_a_number_in_the_declared_format(tmp_path: Path, cell: str, dialect: str, expected: str) -> None:
    books, result = load_cell(tmp_path, "orders", "unit_price", cell, dialect)
    assert result.rejected_count == 0
    assert books.core()[0]["unit_price"] == Decimal(expected)


NO_NUMBERS = [
    ("1,234.56", ""),
    ("1.234,56", ""),
    ("1.234", 'decimal = ","'),
    ("12.34", GERMAN),
    ("1.2345,6", GERMAN),
    ("1,234.56", GERMAN),
    ("1 234", ""),
    ("1_000", ""),
    ("1e5", ""),
    ("1.23457E+12", ""),
    ("1,5e3", GERMAN),
    ("NaN", ""),
    ("infinity", ""),
    ("0x10", ""),
    ("--5", ""),
    ("(5", ""),
    ("5)", ""),
    ("+5-", ""),
    ("(-5)", ""),
    ("12 %", ""),
    ("100 USD", ""),
    ("100 USD", EURO),
    ("1€50", EURO),
    ("99999999999999999999", ""),
    ("#N/A", ""),
    ("-", ""),
]


@pytest.mark.parametrize(("cell", "dialect"), NO_NUMBERS)
def test_what_is_no_number_in_the_declared_format_is_rejected(tmp_path: Path, cell: str, dialect: str) -> None:
    books, result = load_cell(tmp_path, "orders", "unit_price", cell, dialect)
    assert result.rejected_count == 1
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["column_name"], reject["rule"], reject["value"]) == ("unit_price", "type", cell)


NEGATIVES = [
    ("-123.45", ""),
    ("- 123.45", ""),
    ("(123.45)", ""),
    ("( 123.45 )", ""),
    ("123.45-", ""),
    ("123,45-", GERMAN),
    ("(123,45 €)", EURO),
    ("-€ 123,45", EURO),
    ("€ -123,45", EURO),
    ("123,45- EUR", EURO),
    ("($123.45)", DOLLAR),
]


@pytest.mark.parametrize(("cell", "dialect"), NEGATIVES)
def test_a_negative_amount_is_a_number_that_the_type_forbids(tmp_path: Path, cell: str, dialect: str) -> None:
    books, _ = load_cell(tmp_path, "payments", "amount", cell, dialect)
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["rule"], reject["value"]) == ("negative", cell)


@pytest.mark.parametrize("cell", ["(1.234,50)", "1.234,50-", "1.234,50", "-1.234,50"])
def test_an_expression_takes_negatives_as_numbers(tmp_path: Path, cell: str) -> None:
    books = Books(
        tmp_path,
        "payments",
        f'csv = {{ {GERMAN}, delimiter = ";" }}\ncolumns = {{ amount = {{ sql = "abs(Betrag)" }} }}',
    )
    books.put("a.csv", f"payment_id;account_id;payment_date;Betrag\n1;A;2026-01-05;{cell}\n")
    books.load()
    assert [row["amount"] for row in books.core()] == [Decimal("1234.5")]


@pytest.mark.parametrize(("cell", "dialect"), [("12,5 %", 'decimal = ","'), ("12.5%", ""), ("0.125", "")])
def test_a_percent_sign_divides_by_a_hundred_where_one_is_the_whole(tmp_path: Path, cell: str, dialect: str) -> None:
    books, _ = load_cell(tmp_path, "visits", "success_probability", cell, dialect)
    assert [row["success_probability"] for row in books.core()] == [Decimal("0.125")]


def test_a_percent_sign_on_a_scale_of_a_hundred_is_rejected(tmp_path: Path) -> None:
    _, result = load_cell(tmp_path, "visits", "rating_cost", "80 %", "")
    assert result.rejected_count == 1


@pytest.mark.parametrize("cell", ["1.5", "2.99999", "1e0"])
def test_a_whole_number_is_not_made_from_another(tmp_path: Path, cell: str) -> None:
    _, result = load_cell(tmp_path, "orders", "line_no", cell, "")
    assert result.rejected_count == 1


DATES = [
    ("2026-12-31", "", dt.date(2026, 12, 31)),
    ("2026-12-31 23:59:59", "", dt.date(2026, 12, 31)),
    ("2026-12-31T08:00", "", dt.date(2026, 12, 31)),
    ("31.12.2026", 'date_format = "%d.%m.%Y"', dt.date(2026, 12, 31)),
    ("1.2.2026", 'date_format = "%d.%m.%Y"', dt.date(2026, 2, 1)),
    ("12/31/26", 'date_format = "%m/%d/%y"', dt.date(2026, 12, 31)),
    ("20261231", 'date_format = "%Y%m%d"', dt.date(2026, 12, 31)),
    ("31 Dec 2026", 'date_format = "%d %b %Y"', dt.date(2026, 12, 31)),
    # Excel's help gives 39448 as the serial number of 1 January 2008.
    ("39448", 'date_format = "excel"', dt.date(2008, 1, 1)),
    ("39448.75", 'date_format = "excel"', dt.date(2008, 1, 1)),
    ("39448,75", 'date_format = "excel", decimal = ","', dt.date(2008, 1, 1)),
    ("39448", 'date_format = ["%d.%m.%Y", "excel"]', dt.date(2008, 1, 1)),
    ("01.01.2008", 'date_format = ["%d.%m.%Y", "excel"]', dt.date(2008, 1, 1)),
]


@pytest.mark.parametrize(("cell", "dialect", "expected"), DATES)
def test_a_date_in_the_declared_format(tmp_path: Path, cell: str, dialect: str, expected: dt.date) -> None:
    books, _ = load_cell(tmp_path, "visits", "visit_date", cell, dialect)
    assert [row["visit_date"] for row in books.core()] == [expected]


NO_DATES = [
    ("31.12.2026", ""),
    ("2026-12-31junk", ""),
    ("2026-1-5x", ""),
    ("2026-02-30", ""),
    ("39448", ""),
    ("infinity", ""),
    ("2026-12-31", 'date_format = "%d.%m.%Y"'),
    ("31.12.26", 'date_format = "%d.%m.%Y"'),
    ("12/31/2026", 'date_format = "%m/%d/%y"'),
    ("31/12/26", 'date_format = "%m/%d/%y"'),
    ("1122026", 'date_format = "%d%m%Y"'),
    ("-5", 'date_format = "excel"'),
    ("31.12.2026", 'date_format = "excel"'),
]


@pytest.mark.parametrize(("cell", "dialect"), NO_DATES)
def test_what_is_no_date_in_the_declared_format_is_rejected(tmp_path: Path, cell: str, dialect: str) -> None:
    books, result = load_cell(tmp_path, "visits", "visit_date", cell, dialect)
    assert result.rejected_count == 1
    assert {row["rule"] for row in books.query("FROM staging.rejects")} <= {"type", "date_range"}


def test_a_date_format_that_is_none_names_its_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"feeds\.visits\.csv\.date_format.*%Q"):
        load_cell(tmp_path, "visits", "visit_date", "x", 'date_format = "%Q"')


WORDS = 'true_values = ["Ja", "X"], false_values = ["Nein"]'


@pytest.mark.parametrize(("cell", "expected"), [("Ja", True), ("ja", True), ("x", True), ("NEIN", False), ("", None)])
def test_yes_and_no_in_declared_words(tmp_path: Path, cell: str, expected: object) -> None:
    books, _ = load_cell(tmp_path, "accounts", "key_account", cell, WORDS)
    assert [row["key_account"] for row in books.core()] == [expected]


@pytest.mark.parametrize(("cell", "dialect"), [("yes", WORDS), ("Ja", ""), ("2", "")])
def test_other_words_are_neither_yes_nor_no(tmp_path: Path, cell: str, dialect: str) -> None:
    _, result = load_cell(tmp_path, "accounts", "key_account", cell, dialect)
    assert result.rejected_count == 1


def test_an_identifier_that_a_spreadsheet_has_shortened_is_rejected(tmp_path: Path) -> None:
    books, result = load_cell(tmp_path, "accounts", "account_id", "1.23457E+12", "")
    assert result.rejected_count == 1
    (reject,) = books.query("FROM staging.rejects")
    assert reject["rule"] == "shortened"
    assert "export the column as text" in reject["message"]


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u202f"])
def test_blanks_around_a_cell_do_not_count(tmp_path: Path, blank: str) -> None:
    books, _ = load_cell(tmp_path, "accounts", "account_id", f"{blank}007{blank}", "")
    assert [row["account_id"] for row in books.core()] == ["007"]


TYPED = [
    ("account_id", "123.0::DOUBLE", "123"),
    ("account_id", "123::BIGINT", "123"),
    ("account_id", "123.00::DECIMAL(18, 2)", "123"),
    ("account_name", "DATE '2026-01-05'", "2026-01-05"),
    ("currency", "'usd'", "USD"),
    ("credit_limit", "2.00025::DOUBLE", Decimal("2.0003")),
    ("credit_limit", "1e5::DOUBLE", Decimal(100000)),
    ("payment_terms_days", "30.0::DOUBLE", 30),
    ("key_account", "1::INTEGER", True),
    ("key_account", "true", True),
]


@pytest.mark.parametrize(("column", "sql", "expected"), TYPED)
def test_a_typed_column_reads_as_its_text_would(tmp_path: Path, column: str, sql: str, expected: object) -> None:
    books = Books(tmp_path, "accounts", 'sql = "landing/q.sql"')
    key = "" if column == "account_id" else "'A' AS account_id, "
    books.put("q.sql", f"SELECT {key}{sql} AS {column}")
    (result,) = books.load()
    assert (result.message, result.rejected_count) == ("", 0)
    assert books.core()[0][column] == expected


UNTYPED = [
    ("currency", "12"),
    ("key_account", "2"),
    ("credit_limit", "'nan'::DOUBLE"),
    ("credit_limit", "'infinity'::DOUBLE"),
    ("credit_limit", "true"),
    ("credit_limit", "DATE '2026-01-05'"),
    ("payment_terms_days", "1.5::DOUBLE"),
    ("payment_terms_days", "'nan'::DOUBLE"),
    ("payment_terms_days", "true"),
]


@pytest.mark.parametrize(("column", "sql"), UNTYPED)
def test_a_typed_value_of_another_kind_is_rejected(tmp_path: Path, column: str, sql: str) -> None:
    books = Books(tmp_path, "accounts", 'sql = "landing/q.sql"')
    books.put("q.sql", f"SELECT 'A' AS account_id, {sql} AS {column}")
    (result,) = books.load()
    assert (result.message, result.rejected_count) == ("", 1)


@pytest.mark.parametrize("sql", ["46022", "46022.5::DOUBLE", "true", "TIME '10:00'", "{'a': 1}", "'x'::BLOB", "[1]"])
def test_a_typed_value_that_is_no_date_is_rejected(tmp_path: Path, sql: str) -> None:
    books = Books(tmp_path, "visits", 'sql = "landing/q.sql"')
    books.put("q.sql", f"SELECT '1' AS visit_id, 'A' AS account_id, {sql} AS visit_date")
    (result,) = books.load()
    assert (result.message, result.rejected_count) == ("", 1)


def test_a_number_is_a_date_where_excel_is_declared(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits", 'sql = "landing/q.sql"\ncsv = { date_format = "excel", decimal = "," }')
    books.put("q.sql", "SELECT '1' AS visit_id, 'A' AS account_id, 39448.5::DOUBLE AS visit_date")
    books.load()
    assert [row["visit_date"] for row in books.core()] == [dt.date(2008, 1, 1)]
