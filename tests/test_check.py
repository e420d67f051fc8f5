"""Proposals of `kam check`: what the file decides is declared, what can be read in two ways is left to the reader."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest
import xlsxwriter

from kam.cli.check import check_site, fault_rows
from kam.site import find_site
from kam.warehouse import memory
from tests.support import long
from tests.test_ingest import ORDERS, Books, counts

GERMAN = (
    "Auftrag;Kunden-Nr.;Auftragsdatum;Menge;Preis;Währung\n"
    "0001;A;31.12.2025;5;1.234,56 €;EUR\n"
    "0002;B;01.02.2026;7;10,50 €;EUR\n"
)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def proposals(books: Books) -> list[str]:
    return check_site(find_site(books.folder)).proposals


def declaration(proposal: str) -> str:
    """The lines of the TOML table below its head, without `files`."""
    lines = proposal.split("\n\n")[1].splitlines()
    assert lines[0].startswith("[feeds.")
    return "\n".join(line for line in lines[1:] if not line.startswith("files ="))


def test_a_german_extract_gets_a_declaration_that_loads_it(books: Books) -> None:
    books.put("a.csv", GERMAN.encode("cp1252"))
    (proposal,) = proposals(books)
    assert "unit_price: 1234.5600000000 | 10.5000000000" in proposal
    assert "order_date: 2025-12-31 | 2026-02-01" in proposal
    books.configure(declaration(proposal))
    assert counts(books.load()[0]) == (2, 2, 0, 0)
    assert [(row["order_id"], row["account_id"]) for row in books.core()] == [("0001", "A"), ("0002", "B")]


@long
def test_check_names_the_record_and_the_value_of_each_kind_of_fault_once(books: Books) -> None:
    bad = "".join(f"{number},A,soon{number},1,2\n" for number in range(2, 9))
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n" + bad + "9,,2026-01-05,many,2\n")
    report = check_site(find_site(books.folder))
    (examined,) = report.examined
    shown = {row["Column"]: (row["Rule"], row["Rows"], row["First"]) for row in fault_rows(examined)}
    assert shown == {
        "order_date": ("type", "7", "; ".join(f"record {number}: 'soon{number}'" for number in range(2, 7))),
        "account_id": ("required", "1", "record 9: empty"),
        "quantity": ("type", "1", "record 9: 'many'"),
    }
    assert (report.in_need, report.useless) == (["orders"], [])


@long
def test_check_says_which_feeds_need_work_and_which_would_load_nothing(books: Books) -> None:
    (books.folder / "kam.toml").write_text(
        '[site]\nname = "Books"\n'
        + "".join(
            f'[feeds.{feed}]\nfiles = "landing/{feed}*.csv"\n' for feed in ("orders", "accounts", "products", "visits")
        )
    )
    books.put("orders_1.csv", ORDERS + "1,A,soon,1,2\n")
    books.put("orders_2.csv", ORDERS + "2,A,soon,1,2\n")
    books.put("accounts.csv", "account_id,account_name\nA,Ada\n")
    books.put("products.csv", "product;name\n1;2\n")
    report = check_site(find_site(books.folder))
    assert report.feeds == ["accounts", "products", "orders", "visits"]
    assert (report.in_need, report.useless) == (["products", "orders"], ["orders"])


def test_check_does_not_send_anybody_to_check_and_a_load_does(books: Books) -> None:
    books.put("a.csv", "PO / SO,Buyer\n1,A\n")
    report = check_site(find_site(books.folder))
    assert "no columns 'order_id' (required), 'account_id' (required), 'order_date' (required)" in report.refused[0]
    assert not any(
        "kam check" in text or " check --feed" in text for text in (*report.refused, *report.notes, *report.proposals)
    )
    (loaded,) = books.load()
    assert loaded.message.endswith(f"kam --site {books.folder} check --feed orders may propose how")


def test_a_file_that_fits_gets_no_proposal(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,2026-01-05,1,2\n")
    assert proposals(books) == []


def test_dates_that_can_be_read_in_two_ways_are_said_to_be_ambiguous(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,01/02/2026,1,2\n2,A,03/04/2026,1,2\n")
    (proposal,) = proposals(books)
    assert "ambiguous: '01/02/2026'" in proposal
    assert '"%d/%m/%Y" or "%m/%d/%Y"' in proposal
    assert "date_format" not in declaration(proposal)


def test_one_date_decides_about_the_others(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,01/02/2026,1,2\n2,A,12/31/2026,1,2\n")
    (proposal,) = proposals(books)
    assert 'date_format = "%m/%d/%Y"' in declaration(proposal)


def test_numbers_that_can_be_read_in_two_ways_are_said_to_be_ambiguous(books: Books) -> None:
    books.put("a.csv", ORDERS + '1,A,2026-01-05,1,"1,234"\n')
    (proposal,) = proposals(books)
    assert "Numbers are ambiguous: '1,234'" in proposal


@pytest.mark.parametrize(
    ("cells", "csv"),
    [
        (["45658", "45659"], 'date_format = "excel"'),
        (["20260105", "20261231"], 'date_format = "%Y%m%d"'),
        (["12/31/26", "01/02/26"], 'date_format = "%m/%d/%y"'),
    ],
)
def test_other_ways_to_write_dates(books: Books, cells: list[str], csv: str) -> None:
    books.put("a.csv", ORDERS + "".join(f"{number},A,{cell},1,2\n" for number, cell in enumerate(cells)))
    (proposal,) = proposals(books)
    assert csv in declaration(proposal)
    assert "order_date: 2" in proposal


@long
@pytest.mark.parametrize(
    ("cells", "csv"),
    [
        (["25-Apr-2013", "26-MAY-2013"], 'date_format = "%d-%b-%Y"'),
        (["25-Apr-13", "26-May-13"], 'date_format = "%d-%b-%y"'),
        (["25 April 2013", "1 May 2013"], 'date_format = "%d %b %Y", month_names = "en"'),
        (["25-Okt-2013", "26-Mai-2013"], 'date_format = "%d-%b-%Y", month_names = "de"'),
        (["3. März 2026", "4. Dezember 2026"], 'date_format = "%d. %b %Y", month_names = "de"'),
        (["3 févr. 2026", "14 août 2026"], 'date_format = "%d %b %Y", month_names = "fr"'),
        (["3-ene-2026", "14-dic-2026"], 'date_format = "%d-%b-%Y", month_names = "es"'),
    ],
)
def test_dates_with_the_names_of_months_are_proposed_and_load(books: Books, cells: list[str], csv: str) -> None:
    books.put("a.csv", ORDERS + "".join(f"{number},A,{cell},1,2\n" for number, cell in enumerate(cells)))
    (proposal,) = proposals(books)
    assert csv in declaration(proposal)
    books.configure(declaration(proposal))
    assert counts(books.load()[0]) == (2, 2, 0, 0)


def test_words_for_yes_and_no_are_declared(tmp_path: Path) -> None:
    books = Books(tmp_path, "accounts")
    books.put("a.csv", "account_id,key_account\nA,Ja\nB,Nein\nC,Ja\n")
    (proposal,) = proposals(books)
    assert 'true_values = ["ja"], false_values = ["nein"]' in declaration(proposal)
    assert "key_account: True | False | True" in proposal


def test_lines_above_the_header_are_counted(books: Books) -> None:
    books.put("a.csv", "Orders of January\nprinted 5 January\n" + ORDERS + "1,A,2026-01-05,1,2\n")
    (proposal,) = proposals(books)
    assert "skip_rows = 2" in declaration(proposal)
    assert "With it, 1 rows are read." in proposal


def test_a_column_that_is_nowhere_is_named(books: Books) -> None:
    books.put("a.csv", "order_id,account_id,quantity\n1,A,5\n")
    (proposal,) = proposals(books)
    assert "a name like order_date, which is required" in proposal


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 50, b"<html></html>", b"one column\n1\n", b'"\n"\n,'])
def test_a_file_that_is_no_table_gets_no_proposal(books: Books, content: bytes) -> None:
    books.put("a.csv", content)
    assert proposals(books) == []


@pytest.mark.parametrize("name", ["a.parquet", "a.ndjson"])
def test_columns_of_other_formats_are_mapped_too(books: Books, name: str) -> None:
    rows = "SELECT '1' AS \"Auftrag\", 'A' AS \"Kunde\", '31.12.2025' AS \"Datum\", '5' AS \"Menge\""
    kind = "PARQUET" if name.endswith("parquet") else "JSON"
    with memory() as con:
        con.execute(f"COPY ({rows}) TO '{books.folder / 'landing' / name}' (FORMAT {kind})")
    (proposal,) = proposals(books)
    books.configure(declaration(proposal))
    assert counts(books.load()[0]) == (1, 1, 0, 0)


def write_workbook(file: Path, rows: list[list[object]]) -> None:
    """A workbook of two sheets; the second has titles above these rows."""
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        book.add_worksheet("Notes").write(0, 0, "printed by hand")
        sheet = book.add_worksheet("Januar")
        sheet.merge_range(0, 0, 0, 3, "Aufträge")
        for number, row in enumerate(rows, start=3):
            for place, cell in enumerate(row):
                sheet.write(number, place, cell)


def test_the_sheet_and_the_header_row_of_a_workbook_are_found(books: Books) -> None:
    write_workbook(
        books.folder / "landing" / "a.xlsx",
        [["Auftrag", "Kunde", "Datum", "Menge"], ["0001", "A", dt.datetime(2026, 1, 31), 5]],
    )
    (proposal,) = proposals(books)
    assert 'sheet = "Januar"\nheader_row = 4' in declaration(proposal)
    assert "order_date: 2026-01-31" in proposal
    books.configure(declaration(proposal))
    assert counts(books.load()[0]) == (1, 1, 0, 0)


def test_texts_in_a_workbook_get_their_format_declared(books: Books) -> None:
    books.configure('sheet = "Januar"\nheader_row = 4')
    write_workbook(
        books.folder / "landing" / "a.xlsx",
        [["order_id", "account_id", "order_date", "quantity"], ["0001", "A", "31.01.2026", "1,5"]],
    )
    (proposal,) = proposals(books)
    assert 'csv = { decimal = ",", date_format = "%d.%m.%Y" }' in declaration(proposal)
    assert "quantity: 1.5000" in proposal


def test_the_columns_of_a_database_are_mapped_and_its_texts_are_left_to_the_query(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = books.folder / "erp.sqlite"
    monkeypatch.setenv("ERP_URL", f"sqlite:///{file}")
    (books.folder / "kam.toml").write_text(
        '[site]\nname = "Books"\n[feeds.orders]\ndatabase = "env:ERP_URL"\nquery = "SELECT * FROM sales"\n'
    )
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE sales AS SELECT '1' AS Auftrag, 'A' AS Kunde, '31.01.2026' AS Datum, 5 AS Menge")
    con.close()
    (proposal,) = proposals(books)
    assert (
        'columns = { order_id = "Auftrag", account_id = "Kunde", order_date = "Datum", quantity = "Menge" }' in proposal
    )
    assert "csv" not in declaration(proposal)
    assert '{ date_format = "%d.%m.%Y" }: convert them in the query' in proposal


def test_a_declaration_that_works_for_a_file_with_bad_rows_is_kept(books: Books) -> None:
    csv = 'csv = { delimiter = ";", decimal = ",", thousands = ".", date_format = "%d.%m.%Y", null_values = ["-"] }'
    books.configure(csv)
    header = "order_id;account_id;order_date;quantity;unit_price\n"
    books.put("a.csv", header + "1;A;31.02.2026;x;1.234,56\n2;A;01.02.2026;5;y\n3;A;01.02.2026;5;-\n")
    (proposal,) = proposals(books)
    assert "nothing fits better than what is declared" in proposal
    for part in ('decimal = ","', 'thousands = "."', 'date_format = "%d.%m.%Y"', 'null_values = ["-"]'):
        assert part in declaration(proposal)
    assert "With it, 3 rows are read, 2 of them rejected (2 × type)." in proposal


def test_a_row_with_two_faults_is_one_rejected_row(books: Books) -> None:
    books.put("a.csv", ORDERS + "1,A,soon,x,2\n2,A,2026-01-05,1,2\n3,A,2026-01-05,1,2\n")
    report = check_site(find_site(books.folder))
    (examined,) = report.examined
    assert (examined.read_count, examined.rejected_count, examined.faults) == (3, 1, {"type": 1})
    assert report.proposals == []
