"""Wide files: one column a month becomes one row a month; rejects name record and column, and load again."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kam.audit import rebuild
from kam.cli.check import check_site, fault_rows
from kam.errors import SettingsError
from kam.ingest.rejects import export
from kam.site import find_site
from kam.warehouse import open_read_only
from tests.stores import lose_warehouse
from tests.support import long
from tests.test_ingest import Books, counts

WIDE = """unpivot = { columns = "* 2026", name = "month", value = "amount" }
csv = { date_format = "%b %Y" }
columns = { plan_version = { value = "v1" }, account_id = "Customer" }
"""
HEADER = "Customer,Jan 2026,Feb 2026,Mar 2026\n"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, "sales_plan", WIDE)


def plan(books: Books) -> list[tuple[Any, ...]]:
    """Account, month, amount and record of each planned amount."""
    found = books.query(
        "SELECT account_id, month(month) AS month, amount, source_row FROM core.sales_plan ORDER BY ALL"
    )
    return [tuple(row.values()) for row in found]


def rejected(books: Books) -> list[tuple[Any, ...]]:
    names = "load_id, source_row, source_column, column_name, value, status, source"
    return [tuple(row.values()) for row in books.query(f"SELECT {names} FROM staging.rejects ORDER BY ALL")]


def exported(books: Books, name: str) -> Path:
    file = books.folder / name
    site = find_site(books.folder)
    with open_read_only(site) as con:
        export(con, site, "sales_plan", file)
    return file


def test_each_filled_cell_is_a_row_with_the_record_that_it_stands_in(books: Books) -> None:
    books.put("plan.csv", HEADER + "A,100,,300\nB,,,\nC,0,-5, \n")
    (result,) = books.load()
    assert counts(result) == (4, 4, 0, 0)
    assert plan(books) == [("A", 1, 100, 1), ("A", 3, 300, 1), ("C", 1, 0, 3), ("C", 2, -5, 3)]
    books.put("plan_2.csv", "Customer,Mar 2026,Apr 2026\nA,310,400\n")
    assert counts(books.load()[1]) == (2, 2, 0, 0)
    assert plan(books)[:3] == [("A", 1, 100, 1), ("A", 3, 310, 1), ("A", 4, 400, 1)]


def test_rejects_name_record_and_column_and_load_again_when_they_are_fixed(books: Books) -> None:
    books.put("plan.csv", HEADER + "A,100,x,y\nB,1,2,3\n,7,8,\n")
    (result,) = books.load()
    assert counts(result) == (8, 4, 0, 4)
    found = rejected(books)
    assert found[:2] == [
        (1, 1, "Feb 2026", "amount", "x", "open", '{"Customer":"A","Feb 2026":"x"}'),
        (1, 1, "Mar 2026", "amount", "y", "open", '{"Customer":"A","Mar 2026":"y"}'),
    ]
    file = exported(books, "fix.csv")
    lines = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    assert list(lines[0])[:4] == ["Customer", "Jan 2026", "Feb 2026", "Mar 2026"]
    assert [line["kam_reject"] for line in lines][:2] == ["1-1-Feb 2026", "1-1-Mar 2026"]
    books.put("fixed.csv", file.read_text().replace(",x,", ",200,"))
    books.load()
    statuses = [(load, row, column, status) for load, row, column, _, _, status, _ in rejected(books)]
    assert (1, 1, "Feb 2026", "resolved") in statuses
    assert (1, 1, "Mar 2026", "replaced") in statuses
    assert ("A", 2, 200, 1) in plan(books)
    before = books.query("SELECT * EXCLUDE (load_id) FROM staging.rejects ORDER BY ALL")
    lose_warehouse(find_site(books.folder))
    rebuild(find_site(books.folder))
    assert books.query("SELECT * EXCLUDE (load_id) FROM staging.rejects ORDER BY ALL") == before


@long
def test_a_workbook_with_dates_in_its_header_is_read_and_its_rejects_load_again(books: Books) -> None:
    books.configure(
        'unpivot = { columns = "*.20??", without = "Total", name = "month", value = "amount" }\nheader_row = 2\n'
        'csv = { decimal = ",", date_format = "%d.%m.%Y" }\n'
        'columns = { plan_version = { value = "v1" }, account_id = "Customer" }'
    )
    with xlsxwriter.Workbook(books.folder / "landing" / "plan.xlsx") as book:
        sheet, style = book.add_worksheet(), book.add_format({"num_format": "mmm yy"})
        sheet.write_row(0, 0, ["Plan of the region"])
        sheet.write_row(1, 0, ["Customer"])
        for column, month in enumerate((1, 2), 1):
            sheet.write_datetime(1, column, dt.datetime(2026, month, 1), style)
        sheet.write_row(1, 3, ["Total"])
        sheet.write_row(2, 0, ["A", 1250.5, "soon", 1250.5])
        sheet.write_row(3, 0, ["B", None, "12,5", 12.5])
    (result,) = books.load()
    assert counts(result) == (3, 2, 0, 1)
    assert plan(books) == [("A", 1, Decimal("1250.5"), 1), ("B", 2, Decimal("12.5"), 2)]
    assert [row[1:5] for row in rejected(books)] == [(1, "01.02.2026", "amount", "soon")]
    exported(books, "fix.xlsx").rename(books.folder / "landing" / "again.xlsx")
    assert counts(books.load()[0]) == (1, 0, 0, 1)
    assert [row[:5] for row in rejected(books)][1] == (2, 1, "01.02.2026", "amount", "soon")


@long
def test_a_column_of_numbers_that_nothing_uses_is_asked_about(books: Books) -> None:
    books.put("plan.csv", "Customer,Remark,Jan 2026,Feb 26\nA,n/a,100,200\n")
    assert "nothing uses the numbers of 'Feb 26', beside the columns that unpivot takes" in books.refusal()
    books.configure(WIDE.replace('"* 2026"', '["* 2026", "* 26"]'))
    (result,) = books.load()
    # The name of the column is no month in the declared format.
    assert counts(result) == (2, 1, 0, 1)
    assert [row[1:5] for row in rejected(books)] == [(1, "Feb 26", "month", "Feb 26")]
    books.configure(WIDE.replace('name = "month"', 'without = ["Feb*"], name = "month"'))
    books.load()
    assert plan(books) == [("A", 1, 100, 1)]


def test_a_file_without_such_a_column_or_with_a_taken_name_is_refused(books: Books) -> None:
    file = books.put("plan.csv", "Customer,Jan 2025\nA,100\n")
    assert "no column is one of unpivot.columns ('* 2026'). The source has: Customer, Jan 2025" in books.refusal()
    file.write_text("Customer,Month,Jan 2026\nA,1,100\n")
    assert "has a column 'Month' already" in books.load()[0].message


def test_records_that_do_not_fit_totals_headers_again_and_footers_are_told_by_record(books: Books) -> None:
    books.configure(WIDE + "skip_footer = 1\n")
    text = HEADER + "A,100,200,300\nB,1,2\n" + HEADER + "D,10,20,30\nTotal,110,220,330\nPrinted today,,,\n"
    books.put("plan.csv", text)
    (result,) = books.load()
    assert result.message == "loaded; 3 left out (3 header again)"
    assert counts(result) == (10, 6, 0, 4)
    found = [(row[1], row[2], row[3]) for row in rejected(books)]
    assert found == [(2, None, ""), (5, "Feb 2026", ""), (5, "Jan 2026", ""), (5, "Mar 2026", "")]
    assert rejected(books)[0][6] == '{"Customer":"B","Jan 2026":"1","Feb 2026":"2","Mar 2026":null}'


def test_where_and_expressions_see_the_two_new_columns_and_record_numbers_of_the_file(books: Books) -> None:
    books.configure(
        'unpivot = { columns = "*", name = "period", value = "planned" }\n'
        "where = \"Kind = 'plan' AND period <> 'X 2026'\"\n"
        'columns = { plan_version = { sql = "\'v\' || source_row" }, account_id = "Customer", '
        'month = { sql = "strptime(period, \'%b %Y\')" }, amount = { sql = "as_number(planned) * 1000" } }'
    )
    books.put("plan.csv", "Customer,Kind,Jan 2026,X 2026\nZ,actual,1,1\nA,plan,2,3\n")
    books.load()
    assert books.query("SELECT plan_version, account_id, amount FROM core.sales_plan") == [
        {"plan_version": "v2", "account_id": "A", "amount": Decimal(2000)}
    ]


def test_check_names_record_and_column(books: Books) -> None:
    books.put("plan.csv", HEADER + "A,100,x,\n")
    (examined,) = check_site(find_site(books.folder)).examined
    assert (examined.read_count, examined.rejected_count) == (2, 1)
    assert fault_rows(examined)[0]["First"] == "record 1, column Feb 2026: 'x'"


def test_unpivot_is_for_files_and_two_columns(books: Books) -> None:
    books.configure('sql = "landing/plan.sql"\nunpivot = { columns = "*", name = "month", value = "amount" }')
    with pytest.raises(SettingsError, match="unpivot"):
        find_site(books.folder)
    books.configure('unpivot = { columns = "*", name = "month", value = "Month" }')
    with pytest.raises(SettingsError, match="name and value that differ"):
        find_site(books.folder)


@pytest.mark.parametrize(
    ("header", "unpivot", "csv_settings"),
    [
        ("Kunde;Jan 2026;Feb 2026;Mär 2026;Total 2026", 'columns = "* [0-9][0-9][0-9][0-9]", without = ["Total 2026"]', 'date_format = "%b %Y", month_names = "de"'),
        ("Customer;2026-01;2026-02;2026-03;Remark", 'columns = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"', ""),
    ],
)  # fmt: skip
def test_check_proposes_it_for_a_file_with_columns_of_months(
    books: Books, header: str, unpivot: str, csv_settings: str
) -> None:
    books.configure('columns = { plan_version = { value = "v1" } }')
    books.put("plan.csv", f"{header}\nA;100,5;200;;x\nB;1;2;3;x\n")
    (proposal,) = check_site(find_site(books.folder)).proposals
    assert unpivot in proposal
    assert csv_settings in proposal
    assert 'decimal = ","' in proposal
    assert "With it, 5 rows are read." in proposal
    snippet = proposal.split("\n\n")[1].partition("\n")[2]
    books.configure(snippet.replace('files = "landing/*"\n', ""))
    assert counts(books.load()[-1]) == (5, 5, 0, 0)
