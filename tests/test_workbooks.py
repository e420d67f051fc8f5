"""Workbooks as programs write them: formulas, percents, merged cells, long numbers, several sheets, text in disguise."""

from __future__ import annotations

import datetime as dt
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kam.cli.check import check_site
from kam.site import find_site
from tests.support import long
from tests.test_ingest import Books, counts

INVOICES = ("invoice_id", "account_id", "invoice_date", "net_amount")
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PERCENT = (
    f'<styleSheet xmlns="{NAMESPACE}"><numFmts><numFmt numFmtId="170" formatCode="0.0%"/>'
    '<numFmt numFmtId="171" formatCode="0.00&quot;%&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs></styleSheet>'
)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, "invoices")


def raw_workbook(file: Path, *rows: str, header: tuple[str, ...] = INVOICES) -> None:
    """A workbook of one sheet whose rows below the header are these cells as XML, in which `@` is the row's number."""
    titles = "".join(
        f'<c r="{"ABCDEF"[place]}1" t="inlineStr"><is><t>{name}</t></is></c>' for place, name in enumerate(header)
    )
    lines = "".join(
        f'<row r="{number}">{row.replace("@", str(number))}</row>' for number, row in enumerate(rows, start=2)
    )
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{NAMESPACE}" xmlns:r="{relations}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        for name, kind, target in (
            ("_rels/.rels", "officeDocument", "xl/workbook.xml"),
            ("xl/_rels/workbook.xml.rels", "worksheet", "worksheets/sheet1.xml"),
        ):
            parts.writestr(
                name,
                '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                f'<Relationship Id="rId1" Type="{relations}/{kind}" Target="{target}"/></Relationships>',
            )
        parts.writestr("xl/styles.xml", PERCENT)
        parts.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{NAMESPACE}"><sheetData><row r="1">{titles}</row>{lines}</sheetData></worksheet>',
        )


def text(column: str, content: str) -> str:
    return f'<c r="{column}@" t="inlineStr"><is><t>{content}</t></is></c>'


def invoice(number: str, amount: str, date: str = "2026-03-10") -> str:
    return text("A", number) + text("B", "A") + text("C", date) + amount


def rejects(books: Books) -> list[tuple[str, str]]:
    return [(row["column_name"], row["value"]) for row in books.query("FROM staging.rejects ORDER BY ALL")]


def amounts(books: Books) -> dict[str, Decimal]:
    return {row["invoice_id"]: row["net_amount"] for row in books.core()}


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="D@"><f>2*100</f></c>',
        '<c r="D@"><f>2*100</f><v/></c>',
        '<c r="D@"><f>2*100</f><v></v></c>',
        '<c r="D@" s="0">\n  <f>2*100</f>\n</c>',
        '<c r="D@"><f t="shared" si="0"/></c>',
    ],
)
def test_a_formula_without_its_result_is_rejected_and_not_taken_for_empty(books: Books, cell: str) -> None:
    raw_workbook(
        books.folder / "landing" / "a.xlsx", invoice("I1", '<c r="D@"><f>50*2</f><v>100</v></c>'), invoice("I2", cell)
    )
    assert counts(books.load()[0]) == (2, 1, 0, 1)
    assert amounts(books) == {"I1": 100}
    ((column, value),) = rejects(books)
    assert column == "net_amount"
    assert value.startswith("#NOT STORED: =")
    assert [(row["rule"], "result is not stored" in row["message"]) for row in books.query("FROM staging.rejects")] == [
        ("error", True)
    ]


def test_a_formula_without_its_result_is_no_identifier_and_no_text(books: Books) -> None:
    cells = '<c r="A@"><f>"I"&amp;ROW()</f></c>' + text("B", "A") + text("C", "2026-03-10") + '<c r="D@"><v>5</v></c>'
    raw_workbook(books.folder / "landing" / "a.xlsx", cells, invoice("I3", '<c r="D@"><v>7</v></c>'))
    books.load()
    assert amounts(books) == {"I3": 7}
    assert rejects(books) == [("invoice_id", '#NOT STORED: ="I"&ROW()')]


def test_the_zero_of_a_program_that_leaves_formulas_to_others_is_not_stored(books: Books) -> None:
    with xlsxwriter.Workbook(books.folder / "landing" / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([INVOICES, ("I1", "A", "2026-03-10"), ("I2", "A", "2026-03-10")]):
            sheet.write_row(number, 0, row)
        sheet.write_formula("D2", "=50*2")
        sheet.write_formula("D3", "=50*3", None, 150)
    books.load()
    assert amounts(books) == {"I2": 150}
    assert rejects(books) == [("net_amount", "#NOT STORED: =50*2")]


def test_the_zero_that_a_spreadsheet_program_worked_out_is_a_zero(books: Books) -> None:
    raw_workbook(books.folder / "landing" / "a.xlsx", invoice("I1", '<c r="D@"><f>5-5</f><v>0</v></c>'))
    books.load()
    assert amounts(books) == {"I1": 0}


@pytest.mark.parametrize(
    ("style", "score"), [("1", Decimal(29)), ("2", Decimal(29)), ("3", Decimal("0.29")), ("0", Decimal("0.29"))]
)
def test_a_score_that_shows_a_percentage_is_of_a_hundred(tmp_path: Path, style: str, score: Decimal) -> None:
    # 0.29 is stored as the nearest double; style 3 shows a percent sign that is only text.
    books = Books(tmp_path, "scorecards")
    row = (
        text("A", "A")
        + text("B", "2026-06")
        + text("C", "quality")
        + f'<c r="D@" s="{style}"><v>0.28999999999999998</v></c>'
    )
    raw_workbook(books.folder / "landing" / "a.xlsx", row, header=("account_id", "month", "dimension", "score"))
    assert counts(books.load()[0]) == (1, 1, 0, 0)
    assert [row["score"] for row in books.core()] == [score]


def test_a_percentage_of_a_hundred_is_rejected_where_the_row_names_another_whole(tmp_path: Path) -> None:
    books = Books(tmp_path, "scorecards")
    row = (
        text("A", "A")
        + text("B", "2026-06")
        + text("C", "quality")
        + '<c r="D@" s="1"><v>0.8</v></c><c r="E@"><v>10</v></c>'
    )
    raw_workbook(
        books.folder / "landing" / "a.xlsx", row, header=("account_id", "month", "dimension", "score", "max_score")
    )
    assert counts(books.load()[0]) == (1, 0, 0, 1)


def test_a_probability_that_shows_a_percentage_is_of_one(tmp_path: Path) -> None:
    books = Books(tmp_path, "visits")
    row = text("A", "V1") + text("B", "A") + text("C", "2026-06-10") + '<c r="D@" s="1"><v>0.95</v></c>'
    raw_workbook(
        books.folder / "landing" / "a.xlsx", row, header=("visit_id", "account_id", "visit_date", "success_probability")
    )
    books.load()
    assert [row["success_probability"] for row in books.core()] == [Decimal("0.95")]


def test_a_percentage_is_no_amount(books: Books) -> None:
    raw_workbook(books.folder / "landing" / "a.xlsx", invoice("I1", '<c r="D@" s="1"><v>0.19</v></c>'))
    assert counts(books.load()[0]) == (1, 0, 0, 1)
    assert rejects(books) == [("net_amount", "19.00%")]


def test_a_cell_in_the_last_corner_is_named_and_reserves_nothing(books: Books) -> None:
    corner = '<c r="XFD1048576" t="inlineStr"><is><t>z</t></is></c>'
    raw_workbook(
        books.folder / "landing" / "a.xlsx", invoice("I1", '<c r="D@"><v>5</v></c>'), f"</row><row r='1048576'>{corner}"
    )
    assert "reaches to XFD1048576 with" in books.refusal()
    assert any("XFD1048576" in reason for reason in check_site(find_site(books.folder)).refused)


@long
def test_a_note_far_below_a_narrow_table_does_not_matter_to_its_rows(books: Books) -> None:
    note = '<c r="A1048576" t="inlineStr"><is><t>the end</t></is></c>'
    raw_workbook(
        books.folder / "landing" / "a.xlsx", invoice("I1", '<c r="D@"><v>5</v></c>'), f"</row><row r='1048576'>{note}"
    )
    assert counts(books.load()[0]) == (2, 1, 0, 1)
    assert amounts(books) == {"I1": 5}


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        ("9007199254740993", None),
        ("1234567890123456789", None),
        # A spreadsheet program keeps fifteen digits of what is typed.
        ("1234567890123450", None),
        ("1234567890123451", "1234567890123451"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_a_number_that_may_have_lost_digits_is_no_identifier(books: Books, number: str, outcome: str | None) -> None:
    cells = f'<c r="A@"><v>{number}</v></c>' + text("B", "A") + text("C", "2026-03-10") + '<c r="D@"><v>5</v></c>'
    raw_workbook(books.folder / "landing" / "a.xlsx", cells)
    books.load()
    assert list(amounts(books)) == ([outcome] if outcome else [])
    assert [row["rule"] for row in books.query("FROM staging.rejects")] == ([] if outcome else ["shortened"])


def test_digits_that_are_text_are_an_identifier_of_any_length(books: Books) -> None:
    raw_workbook(books.folder / "landing" / "a.xlsx", invoice("12345678901234567890", '<c r="D@"><v>5</v></c>'))
    books.load()
    assert list(amounts(books)) == ["12345678901234567890"]


def test_cells_hidden_in_merged_ones_are_rejected_and_not_taken_for_empty(tmp_path: Path) -> None:
    # The due date of both rows stands in one cell over both: what it says of the second is not known.
    books = Books(tmp_path, "invoices")
    with xlsxwriter.Workbook(books.folder / "landing" / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(
            [(*INVOICES, "due_date"), ("I1", "A", "2026-03-10", 5), ("I2", "A", "2026-03-10", 6)]
        ):
            sheet.write_row(number, 0, row)
        sheet.merge_range("E2:E3", "2026-05-31")
    books.load()
    assert amounts(books) == {"I1": 5}
    assert rejects(books) == [("due_date", "#MERGED: E2")]


def test_a_record_over_two_rows_of_merged_cells_is_one_record(books: Books) -> None:
    with xlsxwriter.Workbook(books.folder / "landing" / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, INVOICES)
        for column, value in enumerate(("I1", "A", "2026-03-10", 5)):
            sheet.merge_range(1, column, 2, column, value)
        sheet.write_row(3, 0, ("I2", "A", "2026-03-10", 6))
    assert counts(books.load()[0]) == (2, 2, 0, 0)


SHEET: list[list[Any]] = [list(INVOICES), ["I1", "A", dt.datetime(2026, 1, 31), 5]]
OTHER: list[list[Any]] = [list(INVOICES), ["I2", "A", "2026-02-28", 6]]


def sheets(file: Path, cells: dict[str, list[list[Any]]]) -> None:
    with xlsxwriter.Workbook(file, {"default_date_format": "dd.mm.yyyy"}) as book:
        for name, table in cells.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(table):
                sheet.write_row(number, 0, row)
        book.add_chartsheet("Chart").set_chart(chart := book.add_chart({"type": "line"}))
        chart.add_series({"values": f"='{next(iter(cells))}'!$D$2:$D$2"})


def test_rows_on_another_sheet_with_the_same_columns_are_asked_about(books: Books) -> None:
    sheets(books.folder / "landing" / "a.xlsx", {"Jan": SHEET, "Notes": [["text"], ["by hand"]], "Feb": OTHER})
    assert 'sheet = ["Jan", "Feb"], or only sheet = "Jan"' in books.refusal()
    assert "sheet = [" in check_site(find_site(books.folder)).refused[0]


@pytest.mark.parametrize("setting", ['["Jan", "Feb"]', '["Feb", "Ja*"]', '"[JF]*"'])
def test_several_sheets_are_read_one_below_the_other(books: Books, setting: str) -> None:
    books.configure(f"sheet = {setting}")
    sheets(books.folder / "landing" / "a.xlsx", {"Jan": SHEET, "Notes": [["text"], ["by hand"]], "Feb": OTHER})
    assert counts(books.load()[0]) == (2, 2, 0, 0)
    assert [(row["invoice_id"], row["invoice_date"]) for row in books.core()] == [
        ("I1", dt.date(2026, 1, 31)),
        ("I2", dt.date(2026, 2, 28)),
    ]


def test_dates_of_several_sheets_are_read_in_the_declared_format(books: Books) -> None:
    books.configure('sheet = "*n"\ncsv = { date_format = "%d.%m.%Y" }')
    other = [list(INVOICES), ["I2", "A", "28.02.2026", 6]]
    sheets(books.folder / "landing" / "a.xlsx", {"Jan": SHEET, "Jun": other})
    assert counts(books.load()[0]) == (2, 2, 0, 0)


def test_sheets_with_other_columns_are_not_read_together(books: Books) -> None:
    books.configure('sheet = ["Jan", "Feb"]')
    sheets(
        books.folder / "landing" / "a.xlsx",
        {"Jan": SHEET, "Feb": [[*INVOICES, "due_date"], ["I2", "A", "2026-02-28", 6]]},
    )
    assert "do not both have a column 'due_date'" in books.refusal()


def test_a_sheet_that_is_named_is_read_alone(books: Books) -> None:
    books.configure('sheet = "Feb"')
    sheets(books.folder / "landing" / "a.xlsx", {"Jan": SHEET, "Feb": OTHER})
    assert counts(books.load()[0]) == (1, 1, 0, 0)


def test_an_empty_form_beside_the_table_is_no_question(books: Books) -> None:
    sheets(books.folder / "landing" / "a.xlsx", {"Jan": SHEET, "Feb": [list(INVOICES)]})
    assert counts(books.load()[0]) == (1, 1, 0, 0)


TABLE = "invoice_id\taccount_id\tinvoice_date\tnet_amount\r\nI1\tA\t2026-03-10\t5\r\n"


@pytest.mark.parametrize(("encoding", "declared"), [("utf-16", "utf-16"), ("utf-8", "utf-8"), ("utf-8-sig", "utf-8")])
def test_text_that_is_called_a_workbook_is_read_as_text(books: Books, encoding: str, declared: str) -> None:
    books.configure(f'csv = {{ delimiter = "\\t", encoding = "{declared}" }}')
    books.put("a.xls", TABLE.encode(encoding))
    books.load()
    assert amounts(books) == {"I1": 5}


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (TABLE.encode(), "looks separated by '\\\\t'"),
        (TABLE.encode("utf-16"), 'encoding = "utf-16"'),
        (b"<html><table><tr><td>invoice_id", "a web page or XML, not a workbook. Open it"),
        ("\n<?xml version='1.0'?><Workbook>".encode("utf-16"), "a web page or XML, not a workbook. Open it"),
        (b"PK\x03\x04 and so on", "Rename it to .xlsx"),
        (b"\xd0\xcf\x11\xe0 and so on", "Save the workbook as .xlsx"),
        (b"\x09\x08\x10\x00 and so on", "Save the workbook as .xlsx"),
        (b"", "zero bytes"),
    ],
)
def test_advice_about_a_workbook_of_the_old_kind_leads_on(books: Books, content: bytes, advice: str) -> None:
    books.put("a.xls", content)
    assert advice in books.refusal()
