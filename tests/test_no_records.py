"""Rows that are no records: totals, headers again, page headers, footers, rows of another grain, rows nobody wants."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kam.audit import rebuild
from kam.cli.check import check_site
from kam.errors import SettingsError
from kam.site import find_site
from tests.support import long, mostly_long
from tests.test_ingest import Books, counts

INVOICES = "invoice_id,account_id,invoice_date,net_amount\n"
TWO = "I1,A,2026-01-05,10\nI2,B,2026-01-06,11\n"
FORECASTS = "snapshot_month,target_month,account_id,product_id,quantity\n"
PLAN = "plan_version,month,account_id,product_id,amount\n"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path, "invoices")


def rules(books: Books) -> list[tuple[int, str]]:
    return [(row["source_row"], row["rule"]) for row in books.query("FROM staging.rejects ORDER BY ALL")]


def amounts(books: Books) -> list[Decimal]:
    return [row["net_amount"] for row in books.query("FROM core.invoices ORDER BY invoice_id, line_no")]


@pytest.mark.parametrize(
    "total",
    mostly_long(
        [
            ",,,21",
            "Total,,,21",
            "TOTAL:,,,21.00",
            "Summe,,,21",
            "Gesamtsumme EUR,,,21",
            "*,,,21",
            ",Total,,21",
            # Some of its rows are not in the file.
            "Total,,,500",
            # It has all cells that a record has.
            "Total,ALL,2026-01-31,21",
            "A1,Grand total,2026-01-31,21",
        ],
        in_every_run=4,
    ),
)
def test_a_total_row_is_called_one(books: Books, total: str) -> None:
    books.put("a.csv", INVOICES + TWO + total + "\n")
    assert counts(books.load()[0]) == (3, 2, 0, 1)
    assert amounts(books) == [10, 11]
    assert rules(books) == [(3, "total_row")]
    assert "a total row, not a record" in books.query("FROM staging.rejects")[0]["message"]


def test_subtotals_and_their_total_are_called_totals(books: Books) -> None:
    lines = "I1,A,2026-01-05,10\nI2,A,2026-01-06,11\n,A,,21\nI3,B,2026-01-06,5\nI4,B,2026-01-06,6\n,,,11\n,,,32\n"
    books.put("a.csv", INVOICES + lines)
    books.load()
    assert amounts(books) == [10, 11, 5, 6]
    assert rules(books) == [(3, "total_row"), (6, "total_row"), (7, "total_row")]


def test_a_total_of_credit_notes_and_invoices_is_their_difference(books: Books) -> None:
    header = "invoice_id,account_id,invoice_date,net_amount,document_type\n"
    lines = "I1,A,2026-01-05,100,invoice\nI2,A,2026-01-06,30,credit_note\n,,,70,\n"
    books.put("a.csv", header + lines)
    books.load()
    assert rules(books) == [(3, "total_row")]


@pytest.mark.parametrize(
    "line",
    [
        # An account may well be called so, and one amount may equal another.
        "I3,TOTAL,2026-01-07,11",
        "I3,TotalEnergies,2026-01-07,21",
        "Summer-1,A,2026-01-07,21",
    ],
)
def test_a_record_that_only_looks_like_a_total_is_loaded(books: Books, line: str) -> None:
    books.put("a.csv", INVOICES + TWO + line + "\n")
    assert counts(books.load()[0]) == (3, 3, 0, 0)


def test_a_row_that_lacks_its_account_and_is_no_sum_is_still_rejected_for_that(books: Books) -> None:
    books.put("a.csv", INVOICES + TWO + "I3,,2026-01-07,5\nI4,A,soon,26\n")
    books.load()
    assert rules(books) == [(3, "required"), (4, "type")]


@pytest.mark.parametrize(
    "total",
    ["2026-05,2026-06,,,180", "2026-05,2026-06,Total,,180", "2026-05,2026-06,,,999", "2026-05,2026-06,Alle,,180"],
)
def test_a_total_does_not_change_the_grain_of_a_forecast_round(tmp_path: Path, total: str) -> None:
    books = Books(tmp_path, "forecasts")
    rows = "".join(
        f"2026-05,2026-06,{account},{quantity}\n" for account, quantity in (("A,X", 90), ("A,Y", 60), ("B,X", 30))
    )
    books.put("a.csv", FORECASTS + rows + total + "\n")
    assert counts(books.load()[0]) == (4, 3, 0, 1)
    assert [row["quantity"] for row in books.query("FROM core.forecasts ORDER BY ALL")] == [90, 60, 30]


def test_a_region_may_buy_what_its_accounts_buy_together(tmp_path: Path) -> None:
    books = Books(tmp_path, "market")
    lines = "2026-01-01,A,,10\n2026-01-01,B,,11\n2026-01-01,,North,21\n2026-01-01,,,42\n"
    books.put("a.csv", "month,account_id,region,total_amount\n" + lines)
    books.load()
    assert rules(books) == [(4, "no_account_or_region")]


def test_totals_of_each_account_and_month_are_no_forecasts(tmp_path: Path) -> None:
    books = Books(tmp_path, "forecasts")
    lines = [
        f"2026-05,{month},{cells}"
        for month in ("2026-06", "2026-07")
        for cells in ("A,X,90", "A,Y,60", "A,Total,150", "B,X,30", "B,Y,5", "B,Total,35", "Total,,185")
    ]
    books.put("a.csv", FORECASTS + "\n".join(lines) + "\n")
    assert counts(books.load()[0]) == (14, 8, 0, 6)
    assert {rule for _, rule in rules(books)} == {"total_row"}


def test_a_row_of_another_grain_than_the_rows_that_are_there_is_a_reject(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan")
    books.put("a.csv", PLAN + "V1,2026-06,A,X,5\nV1,2026-06,B,X,7\nV1,2026-07,A,X,6\n")
    books.load()
    books.put("b.csv", PLAN + "V1,2026-08,A,,50\nV2,2026-08,A,,50\n")
    assert counts(books.load()[1]) == (2, 1, 0, 1)
    (reject,) = books.query("FROM staging.rejects")
    assert (reject["source_row"], reject["rule"], reject["value"]) == (1, "grain", "fills account_id")


def test_without_a_clear_majority_no_row_is_thrown_out(tmp_path: Path) -> None:
    # The check forecasts.round_has_one_grain stops the month.
    books = Books(tmp_path, "forecasts")
    books.put("a.csv", FORECASTS + "2026-05,2026-06,A,X,90\n2026-05,2026-06,B,,70\n")
    assert counts(books.load()[0]) == (2, 2, 0, 0)


def test_the_header_again_and_ruled_lines_are_no_records(tmp_path: Path) -> None:
    books = Books(tmp_path, "accounts")
    books.put("a.csv", "account_id,account_name\nA,Alpha\n account_id , account_name\n---,---\nB,Beta\n")
    (result,) = books.load()
    assert counts(result) == (2, 2, 0, 0)
    assert result.message == "loaded; 2 left out (1 header again, 1 ruled line)"
    assert [row["account_id"] for row in books.core()] == ["A", "B"]
    assert books.query("SELECT message FROM ops.loads") == [{"message": result.message}]
    # The place in the file is that of all records.
    assert books.query("SELECT max(source_row) AS last FROM staging.accounts") == [{"last": 4}]


LIST = """\
10.06.2026        Dynamic List Display        1
-----------------------------------------------
|Bill.Doc.|Sold-to|Bill.Date |Net Value|
-----------------------------------------------
|9001     |A      |10.06.2026| 1.234,50|
-----------------------------------------------
11.06.2026        Dynamic List Display        2
-----------------------------------------------
|Bill.Doc.|Sold-to|Bill.Date |Net Value|
-----------------------------------------------
|9003     |B      |12.06.2026|    34,50|
|---------|-------|----------|---------|
|*        |       |          | 1.269,00|
"""
SAP = (
    'csv = { delimiter = "|", quote = "", decimal = ",", thousands = ".", date_format = "%d.%m.%Y", skip_rows = 2 }\n'
    'columns = { invoice_id = "Bill.Doc.", account_id = "Sold-to", invoice_date = "Bill.Date", net_amount = "Net Value" }'
)


def test_a_list_with_pages_is_its_documents_and_its_total(books: Books) -> None:
    books.configure(SAP)
    books.put("list.txt", LIST)
    assert counts(books.load()[0]) == (3, 2, 0, 1)
    assert amounts(books) == [Decimal("1234.5"), Decimal("34.5")]
    assert [rule for _, rule in rules(books)] == ["total_row"]


@long
def test_where_leaves_out_rows_and_says_how_many(books: Books) -> None:
    books.configure(SAP + '\nwhere = """"Bill.Doc." NOT LIKE \'*%\'"""')
    books.put("list.txt", LIST)
    (result,) = books.load()
    assert counts(result) == (2, 2, 0, 0)
    assert result.message == "loaded; 2 left out (1 header again, 1 by where)"
    assert check_site(find_site(books.folder)).examined[0].left_out == "2 left out (1 header again, 1 by where)"


@pytest.mark.parametrize("where", ["net_amount > 10", "as_number(net_amount) > 10"])
def test_where_reads_numbers_and_keeps_what_it_cannot_judge(books: Books, where: str) -> None:
    books.configure(f'where = "{where}"')
    books.put("a.csv", INVOICES + TWO + "I3,A,2026-01-07,\nI4,A,2026-01-07,much\n")
    assert counts(books.load()[0]) == (3, 1, 0, 2)
    assert amounts(books) == [11]


@pytest.mark.parametrize(("where", "words"), [("nothing = 1", "nothing"), ("net_amount", "expected a condition")])
def test_a_condition_that_does_not_work_is_named(books: Books, where: str, words: str) -> None:
    books.configure(f'where = "{where}"')
    books.put("a.csv", INVOICES + TWO)
    with pytest.raises(SettingsError, match=f"feeds.invoices.where: .*{words}"):
        books.load()


def test_a_select_has_a_where_of_its_own(books: Books) -> None:
    (books.folder / "kam.toml").write_text(
        '[site]\nname = "Books"\n[feeds.invoices]\nsql = "a.sql"\nskip_footer = 1\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="only together with `files`"):
        find_site(books.folder)


def test_a_footer_is_left_out(books: Books) -> None:
    books.configure("skip_footer = 2")
    books.put("a.csv", INVOICES + TWO + "2 documents,,,\nprinted on 31 January\n")
    (result,) = books.load()
    assert counts(result) == (2, 2, 0, 0)
    assert result.message == "loaded; 2 left out (2 by skip_footer)"


def test_a_record_in_the_place_of_the_footer_is_rejected_and_not_lost(books: Books) -> None:
    books.configure("skip_footer = 1")
    books.put("a.csv", INVOICES + TWO)
    assert counts(books.load()[0]) == (2, 1, 0, 1)
    assert rules(books) == [(2, "footer")]


def test_what_was_rejected_as_a_total_is_settled_when_the_site_leaves_it_out(books: Books) -> None:
    books.put("a.csv", INVOICES + TWO + ",,,21\n")
    books.load()
    books.configure("skip_footer = 1")
    assert counts(books.load()[0]) == (2, 0, 2, 0)
    assert books.query("SELECT status FROM staging.rejects") == [{"status": "resolved"}]


@long
def test_a_rebuild_leaves_out_and_rejects_the_same_rows(books: Books) -> None:
    books.configure(SAP + "\nskip_footer = 1")
    books.put("list.txt", LIST + "|Total    |       |          | 1.269,00|\n")
    books.load()
    before = (
        books.query("SELECT * FROM staging.invoices ORDER BY ALL"),
        books.query("SELECT * FROM staging.rejects ORDER BY ALL"),
    )
    rebuild(find_site(books.folder), force=True)
    after = (
        books.query("SELECT * FROM staging.invoices ORDER BY ALL"),
        books.query("SELECT * FROM staging.rejects ORDER BY ALL"),
    )
    assert after == before
