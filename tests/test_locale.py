"""Numbers, dates and words as sites write them: read in the declared format, else rejected; nothing is guessed."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from kam.errors import SettingsError
from tests.support import long, mostly_long
from tests.test_ingest import Books

GERMAN = 'decimal = ",", thousands = "."'
FRENCH = 'decimal = ",", thousands = " "'
SWISS = 'decimal = ".", thousands = "\'"'
ENGLISH = 'thousands = ","'
EURO = f'{GERMAN}, currency_signs = ["€", "EUR"]'
MARKS = 'negative_marks = ["CR"], positive_marks = ["DR"]'
DOLLAR = f'{ENGLISH}, currency_signs = ["$", "USD"]'


KEYS = {
    "orders": {"order_id": "{}", "account_id": "A", "order_date": "2026-01-05", "quantity": "1"},
    "visits": {"visit_id": "{}", "account_id": "A", "visit_date": "2026-01-05"},
    "accounts": {"account_id": "A{}"},
    "payments": {"payment_id": "{}", "account_id": "A", "payment_date": "2026-01-05", "amount": "1"},
}


@dataclass(frozen=True)
class Read:
    """What a cell became: a value in the table, or a reject."""

    value: object = None
    reject: Mapping[str, Any] | None = None


class Column:
    """Cells of one column of a feed, each a row. The cells of a dialect are loaded together, when the first of them is asked for."""

    def __init__(self, feed: str, column: str, cells: Sequence[tuple[str, str]], settings: str = "") -> None:
        self.feed, self.column, self.cells, self.settings = feed, column, cells, settings
        self._read: dict[tuple[str, str], Read] = {}

    def read(self, cell: str, dialect: str) -> Read:
        if (cell, dialect) not in self._read:
            with TemporaryDirectory() as folder:
                self._load(Path(folder), dialect)
        return self._read[cell, dialect]

    def _load(self, folder: Path, dialect: str) -> None:
        cells = [cell for cell, spoken in self.cells if spoken == dialect]
        out = io.StringIO()
        writer = csv.DictWriter(out, list(dict.fromkeys([*KEYS[self.feed], self.column])))
        writer.writeheader()
        for number, cell in enumerate(cells):
            writer.writerow({name: key.format(number) for name, key in KEYS[self.feed].items()} | {self.column: cell})
        books = Books(folder, self.feed, f"{self.settings}\ncsv = {{ {dialect} }}")
        books.put("a.csv", out.getvalue())
        books.load()
        values = {row["source_row"]: Read(value=row[self.column]) for row in books.query(f"FROM staging.{self.feed}")}
        rejects = {row["source_row"]: Read(reject=row) for row in books.query("FROM staging.rejects")}
        assert values.keys() ^ rejects.keys() == set(range(1, len(cells) + 1))
        self._read |= {(cell, dialect): (values | rejects)[number] for number, cell in enumerate(cells, start=1)}


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
    ("0.00005", "", "0.00005"),
    ("0.00000548", "", "0.00000548"),
    ("0.00000000005", "", "0.0000000001"),
    ("1234,00005", GERMAN, "1234.00005"),
    ("12345678901,5", GERMAN, "12345678901.5"),
    # A dash in place of the cents, as in Norway, Germany and Switzerland.
    ("1.250,-", GERMAN, "1250"),
    ("1.250,--", GERMAN, "1250"),
    ("100,–", GERMAN, "100"),
    ("1'234.-", SWISS, "1234"),
    ("kr 100,-", f'{GERMAN}, currency_signs = ["kr"]', "100"),
    ("'100", "", "100"),
    ("100 DR", MARKS, "100"),
    ("Dr 100.50", MARKS, "100.5"),
]


NUMBERS_READ = Column("orders", "unit_price", [(cell, dialect) for cell, dialect, _ in NUMBERS])


@pytest.mark.parametrize(("cell", "dialect", "expected"), mostly_long(NUMBERS, in_every_run=12))
def test_a_number_in_the_declared_format(cell: str, dialect: str, expected: str) -> None:
    assert NUMBERS_READ.read(cell, dialect) == Read(value=Decimal(expected))


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
    ("100 CR", ""),
    ("-100 CR", MARKS),
    ("100,-", ""),
    ("100 USD", EURO),
    ("1€50", EURO),
    ("99999999999999999999", ""),
    ("-", ""),
]


NO_NUMBERS_READ = Column("orders", "unit_price", [*NO_NUMBERS, ("#N/A", "")])


@pytest.mark.parametrize(("cell", "dialect"), mostly_long(NO_NUMBERS, in_every_run=8))
def test_what_is_no_number_in_the_declared_format_is_rejected(cell: str, dialect: str) -> None:
    reject = NO_NUMBERS_READ.read(cell, dialect).reject
    assert reject
    assert (reject["column_name"], reject["rule"], reject["value"]) == ("unit_price", "type", cell)


def test_the_error_of_a_workbook_is_no_number_and_is_called_that() -> None:
    reject = NO_NUMBERS_READ.read("#N/A", "").reject
    assert reject
    assert (reject["column_name"], reject["rule"], reject["value"]) == ("unit_price", "error", "#N/A")
    assert reject["message"].startswith("unit_price is the error of a workbook")


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
    ("\u2212123.45", ""),
    ("\u2013123.45", ""),
    ("123.45\u2212", ""),
    ("'-123.45", ""),
    ("123.45 CR", MARKS),
    ("123.45cr", MARKS),
    ("-123.-", ""),
]


NEGATIVES_READ = Column("payments", "amount", [*NEGATIVES, ("80 %", "")])


@pytest.mark.parametrize(("cell", "dialect"), mostly_long(NEGATIVES, in_every_run=6))
def test_a_negative_amount_is_a_number_that_the_type_forbids(cell: str, dialect: str) -> None:
    reject = NEGATIVES_READ.read(cell, dialect).reject
    assert reject
    assert (reject["rule"], reject["value"]) == ("negative", cell)


def test_an_expression_takes_negatives_as_numbers(tmp_path: Path) -> None:
    cells = ["(1.234,50)", "1.234,50-", "1.234,50", "-1.234,50"]
    books = Books(
        tmp_path,
        "payments",
        f'csv = {{ {GERMAN}, delimiter = ";" }}\ncolumns = {{ amount = {{ sql = "greatest(Betrag, -Betrag)" }} }}',
    )
    lines = "".join(f"{number};A;2026-01-05;{cell}\n" for number, cell in enumerate(cells))
    books.put("a.csv", f"payment_id;account_id;payment_date;Betrag\n{lines}")
    books.load()
    assert [row["amount"] for row in books.core()] == [Decimal("1234.5")] * 4


PERCENTS = [("12,5 %", 'decimal = ","'), ("12.5%", ""), ("0.125", "")]
PERCENTS_READ = Column("visits", "success_probability", PERCENTS)


@pytest.mark.parametrize(("cell", "dialect"), PERCENTS)
def test_a_percent_sign_divides_by_a_hundred_where_one_is_the_whole(cell: str, dialect: str) -> None:
    assert PERCENTS_READ.read(cell, dialect) == Read(value=Decimal("0.125"))


def test_a_percent_sign_on_a_scale_of_a_hundred_means_points() -> None:
    assert Column("visits", "rating_cost", [("80 %", "")]).read("80 %", "") == Read(value=Decimal(80))


def test_a_score_in_percent_needs_a_hundred_points(tmp_path: Path) -> None:
    books = Books(tmp_path, "scorecards")
    books.put(
        "a.csv",
        "account_id,month,dimension,score,max_score\n"
        "A,2026-06,quality,95 %,\nA,2026-06,cost,95 %,100\nA,2026-06,delivery,95 %,10\n",
    )
    books.load()
    assert [(row["dimension"], row["score"]) for row in books.core()] == [("cost", 95), ("quality", 95)]
    assert [row["rule"] for row in books.query("FROM staging.rejects")] == ["percent"]


def test_a_percent_sign_without_a_whole_is_rejected() -> None:
    assert NEGATIVES_READ.read("80 %", "").reject


NO_WHOLE_NUMBERS = ["1.5", "2.99999", "1e0"]
NO_WHOLE_NUMBERS_READ = Column("orders", "line_no", [(cell, "") for cell in NO_WHOLE_NUMBERS])


@pytest.mark.parametrize("cell", NO_WHOLE_NUMBERS)
def test_a_whole_number_is_not_made_from_another(cell: str) -> None:
    assert NO_WHOLE_NUMBERS_READ.read(cell, "").reject


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
    # %Y alone would read the year 13.
    ("20-May-13", 'date_format = ["%d-%b-%Y", "%d-%b-%y"]', dt.date(2013, 5, 20)),
    ("25-APR-2013", 'date_format = ["%d-%b-%Y", "%d-%b-%y"]', dt.date(2013, 4, 25)),
    ("25Apr2013", 'date_format = "%d%b%Y"', dt.date(2013, 4, 25)),
    ("3. März 2026", 'date_format = "%d. %B %Y", month_names = "de"', dt.date(2026, 3, 3)),
    ("3.März.2026", 'date_format = "%d.%b.%Y", month_names = "de"', dt.date(2026, 3, 3)),
    ("14 févr. 2026", 'date_format = "%d %b %Y", month_names = "fr"', dt.date(2026, 2, 14)),
    ("1-ABR-2026", 'date_format = "%d-%b-%Y", month_names = "es"', dt.date(2026, 4, 1)),
    ("5 января 2026", 'date_format = "%d %B %Y", month_names = "ru"', dt.date(2026, 1, 5)),
    # The end of the day that is written, with and without a format.
    ("2026-06-30 24:00:00", "", dt.date(2026, 6, 30)),
    ("2026-06-30T24:00", "", dt.date(2026, 6, 30)),
    ("2026-06-30 10:24:00", "", dt.date(2026, 6, 30)),
    ("30.06.2026 24:00", 'date_format = "%d.%m.%Y %H:%M"', dt.date(2026, 6, 30)),
    ("2026-06-30 24:00:00", 'date_format = "%Y-%m-%d %H:%M:%S"', dt.date(2026, 6, 30)),
]


DATES_READ = Column("visits", "visit_date", [(cell, dialect) for cell, dialect, _ in DATES])


@pytest.mark.parametrize(("cell", "dialect", "expected"), mostly_long(DATES, in_every_run=8))
def test_a_date_in_the_declared_format(cell: str, dialect: str, expected: dt.date) -> None:
    assert DATES_READ.read(cell, dialect) == Read(value=expected)


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
    ("20-May-13", 'date_format = "%d-%b-%Y"'),
    ("3 März 2026", 'date_format = "%d %B %Y"'),
    ("2026-06-30 25:00:00", ""),
]


NO_DATES_READ = Column("visits", "visit_date", NO_DATES)


@pytest.mark.parametrize(("cell", "dialect"), mostly_long(NO_DATES, in_every_run=4))
def test_what_is_no_date_in_the_declared_format_is_rejected(cell: str, dialect: str) -> None:
    reject = NO_DATES_READ.read(cell, dialect).reject
    assert reject
    assert reject["rule"] in ("type", "date_range")


INSTANTS = [
    # Berlin is two hours ahead of UTC in June and one in January.
    ("2026-06-30T22:00:00.000Z", "", dt.date(2026, 7, 1)),
    ("2026-06-30T21:59:59Z", "", dt.date(2026, 6, 30)),
    ("2026-06-30 22:00Z", "", dt.date(2026, 7, 1)),
    ("2026-06-30 22:00:00 UTC", "", dt.date(2026, 7, 1)),
    ("2026-06-30T22:00:00+00:00", "", dt.date(2026, 7, 1)),
    ("2026-07-01T00:30:00+0200", "", dt.date(2026, 7, 1)),
    ("2026-01-31T23:30:00+00", "", dt.date(2026, 2, 1)),
    ("2026-06-30T22:00:00", "", dt.date(2026, 6, 30)),
    ("2026-06-30T22:00:00Z", 'date_format = "%Y-%m-%dT%H:%M:%SZ"', dt.date(2026, 7, 1)),
    ("2026-06-30T22:00:00Z", 'date_format = "%Y-%m-%dT%H:%M:%S%z"', dt.date(2026, 7, 1)),
    ("2026-06-30T22:00:00+0000", 'date_format = "%Y-%m-%dT%H:%M:%S%z"', dt.date(2026, 7, 1)),
    ("2026-06-30T17:00:00-05:00", 'date_format = "%Y-%m-%dT%H:%M:%S-05:00"', dt.date(2026, 7, 1)),
    ("2026-06-30T22:00:00", 'date_format = "%Y-%m-%dT%H:%M:%S"', dt.date(2026, 6, 30)),
]


INSTANTS_READ = Column(
    "visits", "visit_date", [(cell, dialect) for cell, dialect, _ in INSTANTS], 'timezone = "Europe/Berlin"'
)


@pytest.mark.parametrize(("cell", "dialect", "expected"), mostly_long(INSTANTS, in_every_run=4))
def test_an_instant_is_of_the_day_it_has_in_the_zone(cell: str, dialect: str, expected: dt.date) -> None:
    assert INSTANTS_READ.read(cell, dialect) == Read(value=expected)


@long
def test_an_instant_of_a_typed_column_is_of_the_day_it_has_in_the_zone(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits", 'sql = "landing/q.sql"\ntimezone = "Europe/Berlin"')
    books.put("q.sql", "SELECT 1 AS visit_id, 'A' AS account_id, TIMESTAMPTZ '2026-06-30 22:00:00+00' AS visit_date")
    books.load()
    assert [row["visit_date"] for row in books.core()] == [dt.date(2026, 7, 1)]


def test_a_date_format_that_is_none_names_its_key() -> None:
    with pytest.raises(SettingsError, match=r"feeds\.visits\.csv\.date_format.*%Q"):
        Column("visits", "visit_date", [("x", "")]).read("x", 'date_format = "%Q"')


WORDS = 'true_values = ["Ja", "X"], false_values = ["Nein"]'


YES_AND_NO = [("Ja", True), ("ja", True), ("x", True), ("NEIN", False), ("", None)]
OTHER_WORDS = [("yes", WORDS), ("Ja", ""), ("2", "")]
WORDS_READ = Column("accounts", "key_account", [*((cell, WORDS) for cell, _ in YES_AND_NO), *OTHER_WORDS])


@pytest.mark.parametrize(("cell", "expected"), YES_AND_NO)
def test_yes_and_no_in_declared_words(cell: str, expected: object) -> None:
    assert WORDS_READ.read(cell, WORDS) == Read(value=expected)


@pytest.mark.parametrize(("cell", "dialect"), OTHER_WORDS)
def test_other_words_are_neither_yes_nor_no(cell: str, dialect: str) -> None:
    assert WORDS_READ.read(cell, dialect).reject


SHORTENED = ["1.23457E+12", "1,23E+08", "1.23457e+12", "4.50001E9", "1e+05", "-1.5E+20"]
UNUSUAL = ["5E7", "45E7", "E+12", "1.5", "-12", "A1e+05", "Müller-東京-7"]
INVISIBLE = ["\u200b", "\u00ad", "\ufeff", "\u202e", "\u2060", "\x1f", "\t", "\u3164"]
IDENTIFIERS = [*SHORTENED, *UNUSUAL, *(f"RE{sign}1" for sign in INVISIBLE)]
IDENTIFIERS_READ = Column("accounts", "account_id", [(cell, "") for cell in IDENTIFIERS])


@pytest.mark.parametrize("cell", SHORTENED)
def test_an_identifier_that_a_program_has_shortened_is_rejected(cell: str) -> None:
    reject = IDENTIFIERS_READ.read(cell, "").reject
    assert reject
    assert reject["rule"] == "shortened"
    assert "export the column as text" in reject["message"]


@pytest.mark.parametrize("cell", UNUSUAL)
def test_an_identifier_that_looks_a_little_like_it_is_one(cell: str) -> None:
    assert IDENTIFIERS_READ.read(cell, "") == Read(value=cell)


@pytest.mark.parametrize("sign", INVISIBLE)
def test_an_identifier_with_an_invisible_character_is_rejected(sign: str) -> None:
    reject = IDENTIFIERS_READ.read(f"RE{sign}1", "").reject
    assert reject
    assert (reject["rule"], reject["value"]) == ("invisible", "RE<invisible>1")


BLANKS = [" ", "\t", "\u00a0", "\u202f"]
BLANKS_READ = Column("orders", "product_id", [(f"{blank}007{blank}", "") for blank in BLANKS])


@pytest.mark.parametrize("blank", BLANKS)
def test_blanks_around_a_cell_do_not_count(blank: str) -> None:
    assert BLANKS_READ.read(f"{blank}007{blank}", "") == Read(value="007")


@long
@pytest.mark.parametrize(("sql", "count"), [("2::DOUBLE ** 53 - 1", 0), ("2::DOUBLE ** 53", 1), ("16777217::FLOAT", 1)])
def test_a_number_of_more_digits_than_its_type_keeps_is_no_identifier(tmp_path: Path, sql: str, count: int) -> None:
    books = Books(tmp_path, "accounts", 'sql = "landing/q.sql"')
    books.put("q.sql", f"SELECT {sql} AS account_id")
    assert books.load()[0].rejected_count == count


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


@long
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


@long
@pytest.mark.parametrize(("column", "sql"), UNTYPED)
def test_a_typed_value_of_another_kind_is_rejected(tmp_path: Path, column: str, sql: str) -> None:
    books = Books(tmp_path, "accounts", 'sql = "landing/q.sql"')
    books.put("q.sql", f"SELECT 'A' AS account_id, {sql} AS {column}")
    (result,) = books.load()
    assert (result.message, result.rejected_count) == ("", 1)


@long
@pytest.mark.parametrize("sql", ["46022", "46022.5::DOUBLE", "true", "TIME '10:00'", "{'a': 1}", "'x'::BLOB", "[1]"])
def test_a_typed_value_that_is_no_date_is_rejected(tmp_path: Path, sql: str) -> None:
    books = Books(tmp_path, "visits", 'sql = "landing/q.sql"')
    books.put("q.sql", f"SELECT '1' AS visit_id, 'A' AS account_id, {sql} AS visit_date")
    (result,) = books.load()
    assert (result.message, result.rejected_count) == ("", 1)


@long
def test_a_number_is_a_date_where_excel_is_declared(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits", 'sql = "landing/q.sql"\ncsv = { date_format = "excel", decimal = "," }')
    books.put("q.sql", "SELECT '1' AS visit_id, 'A' AS account_id, 39448.5::DOUBLE AS visit_date")
    books.load()
    assert [row["visit_date"] for row in books.core()] == [dt.date(2008, 1, 1)]
