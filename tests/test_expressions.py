"""Expressions of a mapping: what they cannot read is rejected by name, and no sign, week or line goes missing in them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from kam.errors import SettingsError
from tests.support import long
from tests.test_ingest import Books

PLAN = "plan_version,month,account_id,quantity,amount\n"
INVOICES = "invoice_id,line_no,account_id,invoice_date,net_amount\n"


def messages(books: Books) -> list[tuple[int, str, str]]:
    """Record number, rule and message of each reject."""
    found = books.query("SELECT source_row, rule, message FROM staging.rejects ORDER BY ALL")
    return [(row["source_row"], row["rule"], row["message"]) for row in found]


def test_what_as_date_and_as_number_cannot_read_is_rejected_by_name(tmp_path: Path) -> None:
    books = Books(
        tmp_path,
        "orders",
        'csv = { date_format = "%d-%b-%y" }\n'
        'columns = { promised_date = { sql = "as_date(promised)" }, unit_price = { sql = "as_number(price)" } }',
    )
    books.put(
        "a.csv",
        "order_id,account_id,order_date,promised,quantity,price\n"
        "A1,A,2-Jun-06,9-Jun-06,19,29\nA2,A,3-Jun-06,31-Jun-06,20,28\nA3,B,4-Jun-06,,30,6.2O\nA4,B,5-Jun-06,,10,\n",
    )
    books.load()
    assert [(row["order_id"], row["promised_date"], row["unit_price"]) for row in books.core()] == [
        ("A1", dt.date(2006, 6, 9), Decimal(29)),
        ("A4", None, None),
    ]
    assert messages(books) == [
        (2, "type", "promised is not a date in the declared format, and promised_date is made of it"),
        (3, "type", "price is not a number in the declared format, and unit_price is made of it"),
    ]
    assert [row["value"] for row in books.query("FROM staging.rejects ORDER BY source_row")] == ["31-Jun-06", "6.2O"]


def test_a_part_of_a_cell_that_cannot_be_read_is_rejected_and_no_default_takes_its_place(tmp_path: Path) -> None:
    books = Books(
        tmp_path,
        "invoices",
        'csv = { delimiter = ";", decimal = ",", date_format = "%d.%m.%Y" }\n'
        "columns = { due_date = { sql = \"as_date(split_part(due, ' ', 1))\" }, "
        "tax_amount = { sql = \"as_number(replace(tax, 'EUR', ''))\" } }",
    )
    books.put(
        "a.csv",
        "invoice_id;account_id;invoice_date;due;net_amount;tax\n"
        "I1;A;10.04.2026;31.07.2026 00:00;100;19,00 EUR\nI2;A;10.04.2026;31.09.2026 00:00;100;19.00 EUR\n"
        "I3;A;10.04.2026;2026-07-31 00:00;100;1'900,00 EUR\nI4;A;10.04.2026;;100;\n",
    )
    books.load()
    assert [(row["invoice_id"], row["tax_amount"]) for row in books.core()] == [("I1", 19), ("I4", 0)]
    faults = books.query("SELECT source_row, column_name FROM staging.rejects ORDER BY ALL")
    assert [tuple(fault.values()) for fault in faults] == [
        (2, "due_date"),
        (2, "tax_amount"),
        (3, "due_date"),
        (3, "tax_amount"),
    ]


def test_the_lenient_forms_give_an_empty_cell(tmp_path: Path) -> None:
    books = Books(
        tmp_path,
        "orders",
        'columns = { unit_price = { sql = "try_as_number(price)" }, promised_date = { sql = "try_as_date(promised)" } }',
    )
    books.put("a.csv", "order_id,account_id,order_date,quantity,price,promised\n1,A,2026-01-05,1,n/a,soon\n")
    books.load()
    assert [(row["unit_price"], row["promised_date"]) for row in books.core()] == [(None, None)]


def test_only_the_branch_that_is_taken_is_read(tmp_path: Path) -> None:
    books = Books(
        tmp_path,
        "orders",
        "columns = { unit_price = { sql = \"CASE WHEN price <> 'free' THEN as_number(price) END\" } }",
    )
    books.put("a.csv", "order_id,account_id,order_date,quantity,price\n1,A,2026-01-05,1,free\n2,A,2026-01-05,1,dear\n")
    books.load()
    assert [(row["order_id"], row["unit_price"]) for row in books.core()] == [("1", None)]
    assert [row[0] for row in messages(books)] == [2]


def test_a_date_and_a_number_in_one_expression_are_each_read_as_what_they_are(tmp_path: Path) -> None:
    books = Books(
        tmp_path, "invoices", 'columns = { due_date = { sql = "as_date(invoice_date) + INTERVAL 1 DAY * terms" } }'
    )
    books.put(
        "a.csv", "invoice_id,account_id,invoice_date,terms,net_amount\nI1,A,2026-01-05,30,10\nI2,A,2026-01-06,x,1\n"
    )
    books.load()
    assert [row["due_date"] for row in books.core()] == [dt.date(2026, 2, 4)]
    assert messages(books) == [(2, "type", "terms is not a number in the declared format, and due_date is made of it")]


def test_a_text_that_is_compared_with_texts_stays_one_beside_a_number(tmp_path: Path) -> None:
    sql = "price * CASE WHEN status = 'open' THEN 1 ELSE 2 END"
    books = Books(tmp_path, "orders", f'columns = {{ unit_price = {{ sql = "{sql}" }} }}')
    books.put("a.csv", "order_id,account_id,order_date,quantity,price,status\n1,A,2026-01-05,1,5,closed\n")
    books.load()
    assert [row["unit_price"] for row in books.core()] == [10]


def test_an_expression_that_fails_on_a_row_rejects_that_row(tmp_path: Path) -> None:
    books = Books(
        tmp_path, "orders", "columns = { quantity = { sql = \"CAST(replace(pieces, 'x', '') AS INTEGER)\" } }"
    )
    books.put("a.csv", "order_id,account_id,order_date,pieces\n1,A,2026-01-05,5x\n2,A,2026-01-05,five\n")
    books.load()
    assert [row["quantity"] for row in books.core()] == [5]
    assert [row[:2] for row in messages(books)] == [(2, "expression")]


OTHER_EACH_TIME = {
    "now()::DATE": r"columns\.promised_date\.sql: now\(\) gives another value each time",
    "CURRENT_DATE": "current_date gives another value each time",
    "as_date(order_date) + INTERVAL 1 DAY * (random() * 9)::INTEGER": r"random\(\) gives another value",
    "as_date(order_date) + age(as_date(order_date), )": "syntax error",
    "DATE '2026-01-01' + age(as_date(order_date))": r"age\(\) gives another value",
    "ago('1 day')::DATE": r"ago\(\) gives another value",
    "DATE '2026-01-01' + getvariable('as_of_load')::INTEGER": r"getvariable\(\) gives another value",
    "(SELECT max(order_date) FROM core.orders)": "it reads orders. An expression sees the columns of its row only",
    "(SELECT max(content) FROM read_text('kam.toml'))": r"it reads read_text\(\)",
    "1), (SELECT max(content) FROM read_text('kam.toml')": "Parser Error",
    "1); COPY (SELECT 1) TO 'written.csv'; SELECT (1": "Parser Error",
    "1; COPY (SELECT 1) TO 'written.csv'; SELECT 1": "expected one expression",
}


@pytest.mark.parametrize("sql", OTHER_EACH_TIME)
def test_an_expression_that_would_give_another_value_when_it_is_read_again_is_refused(tmp_path: Path, sql: str) -> None:
    books = Books(tmp_path, "orders", f'columns = {{ promised_date = {{ sql = "{sql}" }} }}')
    books.put("a.csv", "order_id,account_id,order_date,quantity\n1,A,2026-01-05,1\n")
    with pytest.raises(SettingsError, match=OTHER_EACH_TIME[sql]):
        books.load()


def test_a_condition_that_would_choose_other_rows_later_is_refused(tmp_path: Path) -> None:
    books = Books(tmp_path, "orders", 'where = "as_date(order_date) < today()"')
    books.put("a.csv", "order_id,account_id,order_date,quantity\n1,A,2026-01-05,1\n")
    with pytest.raises(SettingsError, match=r"feeds\.orders\.where: today\(\) gives another value"):
        books.load()


@pytest.mark.parametrize(
    "sql",
    [
        "as_date(order_date) + age(DATE '2026-01-03', DATE '2026-01-01')",
        "CASE WHEN note = 'now()' THEN DATE '2026-01-07' END",
        "list_max([as_date(order_date) + INTERVAL 1 DAY * n for n in range(3)])",
        "(SELECT max(as_date(order_date) + INTERVAL 1 DAY * n) FROM unnest([1, 2]) AS days(n))",
    ],
)
def test_an_expression_that_gives_the_same_each_time_is_taken(tmp_path: Path, sql: str) -> None:
    books = Books(tmp_path, "orders", f'columns = {{ promised_date = {{ sql = "{sql}" }} }}')
    books.put("a.csv", "order_id,account_id,order_date,quantity,note\n1,A,2026-01-05,1,now()\n")
    books.load()
    assert [row["promised_date"] for row in books.core()] == [dt.date(2026, 1, 7)]


def test_digits_of_a_price_survive_an_expression(tmp_path: Path) -> None:
    books = Books(tmp_path, "orders", 'columns = { unit_price = { sql = "as_number(per_thousand) / 1000" } }')
    books.put("a.csv", "order_id,account_id,order_date,quantity,per_thousand\n1,A,2026-01-05,1,0.00548\n")
    books.load()
    assert [row["unit_price"] for row in books.core()] == [Decimal("0.00000548")]


def test_a_discount_line_is_taken_and_a_negative_document_is_not(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices")
    books.put(
        "a.csv", INVOICES + "I1,1,A,2026-06-10,100\nI1,2,A,2026-06-10,-10\nI2,1,A,2026-06-10,-20\nI2,2,A,2026-06-10,5\n"
    )
    books.load()
    assert [(row["invoice_id"], row["net_amount"]) for row in books.core()] == [("I1", 100), ("I1", -10)]
    assert [row[:2] for row in messages(books)] == [(3, "negative"), (4, "negative")]


@long
def test_a_discount_line_that_comes_later_belongs_to_its_document(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'mode = "append"')
    books.put("a.csv", INVOICES + "I1,1,A,2026-06-10,100\n")
    books.load()
    books.put("b.csv", INVOICES + "I1,2,A,2026-06-10,-10\nI2,1,A,2026-06-10,-10\n")
    books.load()
    assert [row["net_amount"] for row in books.core()] == [100, -10]
    assert [row[:2] for row in messages(books)] == [(2, "negative")]


def test_credit_notes_that_are_negative_in_the_source_are_turned_where_that_is_declared(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'sign = "amount"')
    books.put(
        "a.csv",
        "invoice_id,line_no,account_id,invoice_date,document_type,quantity,net_amount,tax_amount\n"
        "I1,1,A,2026-06-10,invoice,2,100,19\nC1,1,A,2026-06-11,credit_note,-1,-50,-9.5\nC1,2,A,2026-06-11,credit_note,,5,0\n",
    )
    books.load()
    assert [(row["invoice_id"], row["quantity"], row["net_amount"], row["tax_amount"]) for row in books.core()] == [
        ("C1", 1, 50, Decimal("9.5")),
        ("C1", None, -5, 0),
        ("I1", 2, 100, 19),
    ]


def test_a_document_whose_signs_abs_takes_away_is_kept_out(tmp_path: Path) -> None:
    books = Books(tmp_path, "invoices", 'columns = { net_amount = { sql = "abs(net_amount)" } }')
    books.put(
        "a.csv", INVOICES + "I1,1,A,2026-06-10,100\nI1,2,A,2026-06-10,-10\nI2,1,A,2026-06-10,7\nI3,1,A,2026-06-10,-7\n"
    )
    books.load()
    assert [(row["invoice_id"], row["net_amount"]) for row in books.core()] == [("I2", 7)]
    assert [row[0] for row in messages(books)] == [1, 2, 4]
    assert "abs()" in messages(books)[0][2]


def test_abs_beside_a_type_that_follows_the_sign_takes_none_away(tmp_path: Path) -> None:
    by_sign = "CASE WHEN net_amount < 0 THEN 'credit_note' ELSE 'invoice' END"
    books = Books(
        tmp_path,
        "invoices",
        f'columns = {{ net_amount = {{ sql = "abs(net_amount)" }}, document_type = {{ sql = "{by_sign}" }} }}',
    )
    books.put("a.csv", INVOICES + "I1,1,A,2026-06-10,100\nC1,1,A,2026-06-10,-0.40\n")
    books.load()
    assert [(row["document_type"], row["net_amount"]) for row in books.core()] == [
        ("credit_note", Decimal("0.4")),
        ("invoice", 100),
    ]


def test_planned_credits_and_returns_are_negative(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan")
    books.put("a.csv", PLAN + "P,2026-01,A,,1000\nP,2026-01,B,-5,-200\n")
    books.load()
    assert [(row["account_id"], row["quantity"], row["amount"]) for row in books.core()] == [
        ("A", None, 1000),
        ("B", -5, -200),
    ]


def test_a_plan_cell_whose_sign_abs_takes_away_is_rejected(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan", 'columns = { amount = { sql = "abs(amount)" } }')
    books.put("a.csv", PLAN + "P,2026-01,A,,1000\nP,2026-01,B,,-200\n")
    books.load()
    assert [row["amount"] for row in books.core()] == [1000]
    assert [row[:2] for row in messages(books)] == [(2, "sign_lost")]


@pytest.mark.parametrize("day", ["2025-12-28", "2026-06-08", "2026-06-30", "2026-06-30 00:00:00"])
def test_a_date_inside_a_month_is_no_month(tmp_path: Path, day: str) -> None:
    books = Books(tmp_path, "sales_plan")
    books.put("a.csv", PLAN + f"P,{day},A,25,250\nP,2026-06-01,B,1,1\nP,2026-06,C,1,1\n")
    books.load()
    assert [row["month"] for row in books.core()] == [dt.date(2026, 6, 1)] * 2
    assert [row[:2] for row in messages(books)] == [(1, "inside_month")]


def test_weeks_that_a_mapping_truncates_to_a_month_are_no_repeats(tmp_path: Path) -> None:
    books = Books(tmp_path, "sales_plan", "columns = { month = { sql = \"date_trunc('month', as_date(month))\" } }")
    books.put(
        "a.csv", PLAN + "P,2026-06-01,A,25,250\nP,2026-06-08,A,25,250\nP,2026-06-15,B,1,10\nP,2026-06-15,B,1,10\n"
    )
    (result,) = books.load()
    assert [(row["account_id"], row["month"]) for row in books.core()] == [("B", dt.date(2026, 6, 1))]
    assert (result.unchanged_count, result.rejected_count) == (0, 3)


def test_a_column_that_is_not_there_is_told_by_its_key(tmp_path: Path) -> None:
    books = Books(tmp_path, "orders", 'columns = { quantity = { sql = "no_such_column * 2" } }')
    books.put("a.csv", "order_id,account_id,order_date\n1,A,2026-01-05\n")
    with pytest.raises(SettingsError, match=r"feeds\.orders\.columns\.quantity\.sql.*no_such_column"):
        books.load()
