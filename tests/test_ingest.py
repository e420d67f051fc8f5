"""Loading: every row is loaded, unchanged or rejected; what cannot be read is refused whole, with one clear line."""

from __future__ import annotations

import codecs
import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam.archive import archived, file_hash
from kam.archive.store import ledger_entries
from kam.errors import SettingsError
from kam.ingest import LoadResult
from kam.site import find_site
from kam.warehouse import rows, warehouse
from tests.support import ingest, long, mostly_long

ORDERS = "order_id,account_id,order_date,quantity,unit_price\n"


class Books:
    """A site with one feed, and what is in its warehouse."""

    def __init__(self, folder: Path, feed: str = "orders", settings: str = "") -> None:
        self.folder, self.feed = folder, feed
        (folder / "landing").mkdir()
        self.configure(settings)

    def configure(self, settings: str) -> None:
        text = f'[site]\nname = "Books"\n[feeds.{self.feed}]\n{settings}\n'
        if not settings.startswith("sql ="):
            text += 'files = "landing/*"\n'
        (self.folder / "kam.toml").write_text(text, encoding="utf-8")

    def put(self, name: str, content: str | bytes) -> Path:
        file = self.folder / "landing" / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def load(self) -> list[LoadResult]:
        site = find_site(self.folder)
        with warehouse(site) as con:
            return ingest(con, site)

    def query(self, sql: str) -> list[dict[str, Any]]:
        with warehouse(find_site(self.folder)) as con:
            return rows(con, sql)

    def core(self) -> list[dict[str, Any]]:
        return self.query(f"FROM core.{self.feed} ORDER BY ALL")

    def refusal(self) -> str:
        """The message of the one load, which was refused and left nothing behind."""
        (result,) = self.load()
        assert result.status == "failed"
        assert "\n" not in result.message
        assert self.query(f"FROM staging.{self.feed}") == []
        return result.message


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def counts(result: LoadResult) -> tuple[int, int, int, int]:
    """read, loaded, unchanged, rejected"""
    return result.read_count, result.loaded_count, result.unchanged_count, result.rejected_count


def test_rows_are_typed_and_defaults_fill_what_is_absent(books: Books) -> None:
    books.put("a.csv", ORDERS + "007,A, 2026-01-05 ,12.5,\n")
    (result,) = books.load()
    assert counts(result) == (1, 1, 0, 0)
    (row,) = books.core()
    assert row["order_id"] == "007"
    assert row["line_no"] == 1
    assert row["order_date"] == dt.date(2026, 1, 5)
    assert row["quantity"] == Decimal("12.5")
    assert row["unit_price"] is None
    assert row["currency"] == "EUR"


def test_a_file_already_loaded_loads_nothing_even_under_another_name(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    books.put("b.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    assert [result.status for result in books.load()] == ["already loaded", "already loaded"]
    assert len(books.query("FROM ops.loads")) == 1


def test_a_correction_supersedes_and_the_same_content_is_unchanged(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n2,A,2026-01-05,5,2\n")
    books.load()
    books.put("b.csv", ORDERS + "1,A,2026-01-05,9,2\n2,A,2026-01-05,5,2\n3,A,2026-01-06,1,1\n")
    result = books.load()[1]
    assert counts(result) == (3, 2, 1, 0)
    assert result.superseded_count == 1
    assert [row["quantity"] for row in books.core()] == [9, 5, 1]
    versions = books.query("FROM staging.orders WHERE order_id = '1' ORDER BY load_id")
    assert [(row["quantity"], row["superseded_load_id"]) for row in versions] == [(1, 2), (9, None)]


def test_core_shows_what_was_known_at_a_load(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    books.put("b.csv", ORDERS + "1,A,2026-01-05,9,2\n")
    books.load()
    with warehouse(find_site(books.folder)) as con:
        con.execute("SET VARIABLE as_of_load = 1")
        assert con.execute("SELECT quantity FROM core.orders").fetchall() == [(Decimal(1),)]


@long
def test_a_row_that_went_back_to_its_first_content_is_a_new_version(books: Books) -> None:
    for name, quantity in (("a", 1), ("b", 9)):
        books.put(f"{name}.csv", ORDERS + f"1,A,2026-01-05,{quantity},2\n")
        books.load()
    books.put("c.csv", ORDERS + "1,A,2026-01-05,1.0,2\n")
    books.load()
    assert [row["load_id"] for row in books.query("FROM staging.orders ORDER BY load_id")] == [1, 2, 3]
    assert [row["quantity"] for row in books.core()] == [1]


def test_snapshot_closes_what_a_full_extract_no_longer_has(books: Books) -> None:
    books.configure('mode = "snapshot"')
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n2,A,2026-01-05,5,2\n")
    books.load()
    books.put("b.csv", ORDERS + "2,A,2026-01-05,5,2\n3,A,2026-01-05,x,2\n")
    books.load()
    assert [row["order_id"] for row in books.core()] == ["2"]


def test_append_rejects_another_content_for_a_key_that_is_there(books: Books) -> None:
    books.configure('mode = "append"')
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    books.put("b.csv", ORDERS + "1,A,2026-01-05,9,2\n2,A,2026-01-05,1,2\n")
    assert counts(books.load()[1]) == (2, 1, 0, 1)
    assert [(row["order_id"], row["quantity"]) for row in books.core()] == [("1", 1), ("2", 1)]


REJECTS = [
    ("orders", "order_id,account_id,order_date,quantity", "1,A,,5", "order_date", "required"),
    ("orders", "order_id,account_id,order_date,quantity", "1,A,31.12.2026,5", "order_date", "type"),
    ("orders", "order_id,account_id,order_date,quantity", "1,A,2026-02-30,5", "order_date", "type"),
    ("orders", "order_id,account_id,order_date,quantity", "1,A,1899-12-31,5", "order_date", "date_range"),
    ("orders", "order_id,account_id,order_date,quantity", "1,A,2026-01-01,five", "quantity", "type"),
    ("orders", "order_id,account_id,order_date,quantity", "1,A,2026-01-01,-5", "quantity", "negative"),
    ("orders", "order_id,line_no,account_id,order_date,quantity", "1,1.5,A,2026-01-01,5", "line_no", "type"),
    ("orders", "order_id,account_id,order_date,quantity,status", "1,A,2026-01-01,5,lost", "status", "enumeration"),
    ("orders", "order_id,account_id,order_date,quantity,currency", "1,A,2026-01-01,5,EURO", "currency", "currency"),
    (
        "visits",
        "visit_id,account_id,visit_date,success_probability",
        "1,A,2026-01-01,1.2",
        "success_probability",
        "range",
    ),
    ("visits", "visit_id,account_id,visit_date,rating_cost", "1,A,2026-01-01,101", "rating_cost", "range"),
    ("visits", "visit_id,account_id,planned_date,visit_date", "1,A,,", "visit_date", "no_date"),
    ("sales_plan", "plan_version,month,account_id,quantity", "P,2026-01,A,5", "amount", "no_amount"),
    ("sales_plan", "plan_version,month,week,amount", "P,,,5", "month", "no_month"),
    ("sales_plan", "plan_version,week,amount", "P,2026-01-06,5", "week", "monday"),
    ("sales_plan", "plan_version,month,week,amount", "P,2026-01,2026-01-05,5", "month", "given_twice"),
    ("sales_plan", "plan_version,month,week,amount", "P,January,2026-01-05,5", "month", "type"),
    (
        "opportunities",
        "opportunity_id,recorded_on,account_id,value,outcome,closed_on",
        "1,2026-01-01,A,5,won,",
        "closed_on",
        "no_closed_on",
    ),
    (
        "quotations",
        "quotation_id,account_id,rfq_date,decision,decided_date",
        "1,A,2026-01-01,won,",
        "decided_date",
        "no_decided_date",
    ),
    ("fx_rates", "currency,rate_date,rate", "USD,2026-01-01,0", "rate", "range"),
    ("accounts", "account_id,key_account", "A,perhaps", "key_account", "type"),
    (
        "orders",
        "order_id,account_id,order_date,quantity,unit_price",
        "1,A,2026-01-01,10000000,10000000",
        "unit_price",
        "range",
    ),
]


@pytest.mark.parametrize(("feed", "header", "line", "column", "rule"), mostly_long(REJECTS, in_every_run=6))
def test_a_bad_row_is_rejected_with_its_reason(
    tmp_path: Path, feed: str, header: str, line: str, column: str, rule: str
) -> None:
    books = Books(tmp_path, feed)
    books.put("a.csv", f"{header}\n{line}\n")
    (result,) = books.load()
    assert counts(result) == (1, 0, 0, 1)
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["column_name"], reject["rule"], reject["source_row"]) == (column, rule, 1)
    assert reject["file"] == "landing/a.csv"
    assert column.split("_", 1)[0] in reject["message"]
    source = json.loads(reject["source"])
    assert {name: value or "" for name, value in source.items()} == dict(
        zip(header.split(","), line.split(","), strict=True)
    )


def test_a_plan_by_weeks_keeps_each_week_under_the_month_it_begins_in(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan")
    books.put("a.csv", "plan_version,week,amount\nP,2026-06-22,400\nP,2026-06-29,500\n")
    assert counts(books.load()[0]) == (2, 2, 0, 0)
    assert [(str(row["month"]), str(row["week"]), row["amount"]) for row in books.core()] == [
        ("2026-06-01", "2026-06-22", 400),
        ("2026-06-01", "2026-06-29", 500),
    ]
    books.put("b.csv", "plan_version,week,amount\nP,2026-06-29,550\n")
    books.load()
    assert [row["amount"] for row in books.core()] == [400, 550]


def test_the_same_key_with_two_contents_in_one_load_is_rejected_altogether(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n2,A,2026-01-05,1,2\n1,A,2026-01-05,9,2\n")
    (result,) = books.load()
    assert counts(result) == (3, 1, 0, 2)
    assert [(row["source_row"], row["rule"]) for row in books.query("FROM staging.rejects ORDER BY ALL")] == [
        (1, "duplicate_key"),
        (3, "duplicate_key"),
    ]


def test_the_same_line_twice_in_one_load_counts_once_and_is_listed(books: Books) -> None:
    books.put("a.csv", "line_no," + ORDERS + "7,1,A,2026-01-05,1,2\n" * 3)
    (result,) = books.load()
    assert counts(result) == (3, 1, 0, 2)
    listed = books.query("SELECT source_row, rule, status, resolved_load_id FROM staging.rejects ORDER BY ALL")
    assert [tuple(row.values()) for row in listed] == [
        (2, "repeated_row", "repeated", 1),
        (3, "repeated_row", "repeated", 1),
    ]


def test_equal_rows_without_line_numbers_are_lines(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n" * 3)
    (result,) = books.load()
    assert counts(result) == (3, 3, 0, 0)
    assert [row["line_no"] for row in books.query("FROM staging.orders ORDER BY ALL")] == [1, 2, 3]


def test_a_row_with_two_faults_is_one_rejected_row_with_both_reasons(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,yesterday,many,2\n")
    (result,) = books.load()
    assert counts(result) == (1, 0, 0, 1)
    assert [row["column_name"] for row in books.query("FROM staging.rejects ORDER BY column_name")] == [
        "order_date",
        "quantity",
    ]


def test_record_numbers_count_records_not_lines(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits")
    books.put("a.csv", 'visit_id,account_id,visit_date,notes\n1,A,2026-01-01,"two\nlines"\n2,A,soon,\n')
    books.load()
    assert [row["source_row"] for row in books.query("FROM staging.rejects")] == [2]
    assert [row["notes"] for row in books.core()] == ["two\nlines"]


def test_a_german_extract_loads_through_its_mapping(books: Books) -> None:
    books.configure(
        'csv = { delimiter = ";", encoding = "latin-1", decimal = ",", thousands = ".", date_format = "%d.%m.%Y" }\n'
        'columns = { order_id = "Auftrag", account_id = "Kunde", order_date = "Datum", unit_price = "Preis", '
        'quantity = { sql = "as_number(Menge) * 1000" }, currency = { value = "CHF" }, line_no = "source_row" }'
    )
    first, second = "01;Müller;31.12.2025;5;1.234,56\n", "02;Möller;01.01.2026;x;1\n"
    text = "Auftrag;Kunde;Datum;Menge;Preis\n" + first + second + "03;Z;02.01.2026;1;12.34\n"
    books.put("a.csv", text.encode("latin-1"))
    (result,) = books.load()
    assert counts(result) == (3, 1, 0, 2)
    (row,) = books.core()
    assert (row["account_id"], row["order_date"], row["line_no"]) == ("Müller", dt.date(2025, 12, 31), 1)
    assert (row["quantity"], row["unit_price"], row["currency"]) == (5000, Decimal("1234.56"), "CHF")
    faults = books.query("SELECT source_row, column_name, rule FROM staging.rejects ORDER BY source_row")
    # 12.34 has a thousands separator where none can be: taken for 1234 it would be a wrong number.
    assert [tuple(fault.values()) for fault in faults] == [(2, "quantity", "type"), (3, "unit_price", "type")]


def test_an_expression_on_text_stays_text(books: Books) -> None:
    books.configure("columns = { account_id = { sql = \"upper(account_id) || '-' || order_id\" } }")
    books.put("a.csv", ORDERS + "1,a,2026-01-05,1,2\n")
    books.load()
    assert books.core()[0]["account_id"] == "A-1"


def test_an_expression_that_does_not_work_names_its_key(books: Books) -> None:
    books.configure('columns = { quantity = { sql = "no_such_function(quantity)" } }')
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    with pytest.raises(SettingsError, match=r"feeds\.orders\.columns\.quantity\.sql.*no_such_function"):
        books.load()


def test_another_mapping_reads_the_file_again(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    books.configure('columns = { currency = { value = "USD" } }')
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    assert [row["currency"] for row in books.core()] == ["USD"]


def test_a_select_over_files_is_a_feed_and_sees_only_its_inputs(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan", 'sql = "landing/plan.sql"\ninputs = ["landing/wide.csv"]')
    books.put("wide.csv", "manager,2026-01,2026-02\nAda,1,-\nBob,2.5,3\n")
    books.put(
        "plan.sql",
        """
        SELECT 'T' AS plan_version, month, manager AS account_manager, amount::DECIMAL(18, 4) * 1000 AS amount
        FROM (
            UNPIVOT (FROM read_csv('landing/wide.csv', all_varchar = true)) ON "2026-01", "2026-02"
            INTO NAME month VALUE amount
        )
        WHERE amount <> '-';  -- months without a target
        """,
    )
    assert counts(books.load()[0]) == (3, 3, 0, 0)
    plan = {(row["account_manager"], row["month"]): row["amount"] for row in books.core()}
    january, february = dt.date(2026, 1, 1), dt.date(2026, 2, 1)
    assert plan == {("Ada", january): 1000, ("Bob", january): 2500, ("Bob", february): 3000}
    books.put("plan.sql", "SELECT * FROM 'landing/other.csv'")
    books.put("other.csv", "a\n1\n")
    (result,) = books.load()
    assert result.status == "failed"
    assert "inputs" in result.message


def test_utf16_and_gzip_are_read(books: Books) -> None:
    books.configure('csv = { encoding = "utf-16" }')
    books.put("a.csv", (ORDERS + "1,Ö,2026-01-05,1,2\n").encode("utf-16"))
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    books.configure("")
    (books.folder / "landing" / "a.csv").unlink()
    books.put("b.csv.gz", gzip.compress((ORDERS + "2,Ö,2026-01-05,1,2\n").encode()))
    books.load()
    assert [row["account_id"] for row in books.core()] == ["Ö", "Ö"]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(books: Books) -> None:
    books.put("a.csv", codecs.BOM_UTF8 + (ORDERS + "1,A,2026-01-05,1,2\n").replace("\n", "\r\n").encode())
    assert counts(books.load()[0]) == (1, 1, 0, 0)


def test_a_header_without_rows_is_an_empty_load(books: Books) -> None:
    books.put("a.csv", ORDERS)
    (result,) = books.load()
    assert (result.status, *counts(result)) == ("loaded", 0, 0, 0, 0)


REFUSED = [
    (b"", "zero bytes"),
    (b"order_id,account_id,quantity\n1,A,5\n", "no column 'order_date'"),
    (b"order_id;account_id;order_date;quantity\n1;A;2026-01-01;5\n", "delimiter"),
    (b"<!DOCTYPE html><html><body>Login</body></html>", "web page"),
    (b"PK\x03\x04 and so on", "Excel workbook"),
    (b"PAR1 and so on", "Parquet"),
    (gzip.compress(b"order_id,account_id,order_date,quantity\n" * 500)[:60], "damaged or incomplete"),
    ((ORDERS + "1,Ö,2026-01-05,1,2\n").encode("utf-16"), "utf-16"),
    ((ORDERS + "1,Müller,2026-01-05,1,2\n").encode("latin-1"), "not UTF-8"),
    ((ORDERS + "1,A,2026-01-05\n").encode(), "the record has 3 cells where the header names 5"),
    ((ORDERS + "1,A,2026-01-05,1,2,3,4\n").encode(), "the record has 7 cells where the header names 5"),
    ((ORDERS + '1,"A,2026-01-05,1,2\n').encode(), "a quote is opened and never closed"),
    (b"order_id,account_id,order_date,quantity,quantity\n1,A,2026-01-01,5,6\n", "two columns are called 'quantity'"),
    (b"\n \n", "no header line"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_a_file_that_cannot_be_read_is_refused_with_one_line(books: Books, content: bytes, words: str) -> None:
    books.put("a.csv", content)
    message = books.refusal()
    assert message.startswith("orders: landing/a.csv: ")
    assert words.lower() in message.lower()
    assert "Traceback" not in message


def test_a_refused_file_is_listed_once_and_loads_after_it_is_fixed(books: Books) -> None:
    books.put("a.csv", "order_id;account_id\n1;A\n")
    books.load()
    books.load()
    assert [row["status"] for row in books.query("FROM ops.loads")] == ["failed"]
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    assert [result.status for result in books.load()] == ["loaded"]


def test_one_refused_file_does_not_keep_the_others_from_loading(books: Books) -> None:
    books.put("a.csv", "")
    books.put("b.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    assert [result.status for result in books.load()] == ["failed", "loaded"]


def test_a_mapped_column_that_the_file_lacks_is_refused(books: Books) -> None:
    books.configure('columns = { unit_price = "Preis" }')
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    assert "no column 'Preis' for unit_price" in books.refusal()


def test_loaded_bytes_are_archived_and_listed_in_the_ledger(books: Books) -> None:
    file = books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    site = find_site(books.folder)
    sha256 = file_hash(file)
    assert archived(site, sha256).read_bytes() == file.read_bytes()
    (entry,) = ledger_entries(site)
    assert entry["files"] == [{"name": "landing/a.csv", "sha256": sha256}]
    assert (entry["load_id"], entry["read_count"], entry["loaded_count"]) == (1, 1, 1)


def test_the_ledger_catches_up_after_a_crash(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    books.load()
    (books.folder / "archive" / "ledger.ndjson").write_text('{"load_id": 1, "fee')
    books.put("b.csv", ORDERS + "2,A,2026-01-05,1,2\n")
    books.load()
    assert [entry["load_id"] for entry in ledger_entries(find_site(books.folder))] == [1, 2]


def test_names_with_quotes_and_blanks_are_names(books: Books) -> None:
    books.put('it\'s "a" file;.csv', 'order_id,account_id,order_date,quantity,"my ""own"" note"\n1,A,2026-01-05,1,n\n')
    assert counts(books.load()[0]) == (1, 1, 0, 0)
