"""Tax forms: what is outstanding of each quarter at a month's end, in which currency it was invoiced, and what that may cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kam.build import models, prepare_build, prepare_marts, run_mart
from kam.periods import parse_month
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("tax_forms_outstanding.amounts_add_up", "received_amount = received_amount + 1"),
    Tampering("tax_forms_outstanding.quarter_is_not_in_the_future", "days_outstanding = -1"),
    Tampering("tax_forms_outstanding.undefined_has_a_reason", "tax_at_risk_amount = NULL"),
    Tampering(
        "tax_form_documents.a_form_is_received_and_a_document_invoiced",
        "invoiced_amount_doc = 1, received_amount_doc = 1",
    ),
)

Row = dict[str, Any]
TABLES = ("tax_forms_outstanding", "tax_form_documents")
SETTINGS = {"site": {"fiscal_year_start_month": 4}, "tax_forms": {"rates": {"C": 0.1}}}


def invoice(number: str, day: str, amount: float, account: str = "A", **given: Any) -> Row:
    return {
        "invoice_id": number,
        "account_id": account,
        "invoice_date": day,
        "net_amount": amount,
        "tax_form_type": "C",
    } | given


def form(number: str, day: str, amount: float, account: str = "A", **given: Any) -> Row:
    return {
        "form_id": number,
        "form_type": "C",
        "account_id": account,
        "received_date": day,
        "amount": amount,
    } | given


def quarter(year: int, number: int) -> Row:
    return {"fiscal_year": year, "quarter": number}


def outstanding(con: Connection, account: str) -> list[tuple[Any, ...]]:
    columns = "fiscal_year, fiscal_quarter, invoiced_amount, received_amount, outstanding_amount, days_outstanding, tax_at_risk_amount"
    return con.execute(
        f"SELECT {columns} FROM build.tax_forms_outstanding WHERE account_id = '{account}' ORDER BY ALL"
    ).fetchall()


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026, the first quarter of fiscal year 2027. A rupee was worth 0.011 in March, 0.01 in June."""
    given = {
        "fx_rates": [
            {"currency": "INR", "rate_date": "2026-03-01", "rate": 0.011},
            {"currency": "INR", "rate_date": "2026-06-01", "rate": 0.01},
        ],
        "invoices": [
            # Covered in rupees when the rate was another.
            invoice("I1", "2026-03-10", 1000.33, "RUPEE", currency="INR"),
            invoice("I2", "2026-03-11", 2000.34, "RUPEE", currency="INR"),
            invoice("I3", "2026-03-10", 500, "NOTES"),
            invoice("C3", "2026-03-20", 100, "NOTES", document_type="credit_note"),
            invoice("D3", "2026-04-02", 30, "NOTES", document_type="debit_note"),
            invoice("I4", "2026-02-10", 300, "ONE"),
            invoice("I5", "2026-05-10", 300, "ONE"),
            invoice("I6", "2026-05-10", 100, "YEN", currency="JPY"),
            invoice("I7", "2026-05-10", 100, "OTHER", tax_form_type="H"),
        ],
        "tax_forms": [
            form("F1", "2026-06-10", 3000.67, "RUPEE", currency="INR", **quarter(2026, 4)),
            form("F3", "2026-06-10", 450, "NOTES", **quarter(2026, 4)),
            # A form for one invoice counts in its quarter; one for an invoice that nobody knows, in none.
            form("F4", "2026-06-11", 120, "ONE", invoice_id="I4"),
            form("F5", "2026-06-12", 7, "ONE", invoice_id="NONE"),
            # The quarter that a form names counts before that of its invoice.
            form("F6", "2026-06-12", 50, "ONE", invoice_id="I4", **quarter(2027, 1)),
        ],
    }
    with build_case(given, settings=SETTINGS, periods=["2026-06"], tables=TABLES) as built:
        yield built


def test_a_quarter_covered_in_its_currency_has_nothing_outstanding_whatever_the_rates(con: Connection) -> None:
    # 3000.67 × 0.01; 31 March to 30 June.
    (found,) = outstanding(con, "RUPEE")
    assert [*map(float, found)] == [2026, 4, 30.01, 30.01, 0, 91, 0]
    assert fetch(con, "FROM build.tax_form_documents WHERE account_id = 'RUPEE'") == []


def test_credit_notes_count_less_debit_notes_count_and_more_forms_than_invoices_put_nothing_at_risk(
    con: Connection,
) -> None:
    # 500 − 100 less 450; the debit note of April is in the quarter that runs.
    assert outstanding(con, "NOTES") == [(2026, 4, 400, 450, -50, 91, 0), (2027, 1, 30, 0, 30, 0, 3)]


def test_a_form_for_an_invoice_counts_in_its_quarter_and_is_never_lost(con: Connection) -> None:
    assert outstanding(con, "ONE") == [
        (2026, 4, 300, 120, 180, 91, 18),
        (2027, 1, 300, 50, 250, 0, 25),
        (None, None, 0, 7, -7, None, 0),
    ]
    documents = con.execute(
        "SELECT fiscal_quarter, document_kind, document_id, invoiced_amount_doc, received_amount_doc"
        " FROM build.tax_form_documents WHERE account_id = 'ONE' ORDER BY document_id"
    ).fetchall()
    assert documents == [
        (4, "form", "F4", 0, 120),
        (None, "form", "F5", 0, 7),
        (1, "form", "F6", 0, 50),
        (4, "invoice", "I4", 300, 0),
        (1, "invoice", "I5", 300, 0),
    ]


def test_what_cannot_be_told_says_why(con: Connection) -> None:
    rows = {row["account_id"]: row for row in fetch(con, "FROM build.tax_forms_outstanding WHERE fiscal_quarter = 1")}
    assert rows["YEN"]["outstanding_amount"] is None
    assert rows["YEN"]["tax_at_risk_amount_reason"] == rows["YEN"]["outstanding_amount_reason"] == "no rate for JPY"
    assert (rows["OTHER"]["outstanding_amount"], rows["OTHER"]["tax_at_risk_amount"]) == (100, None)
    assert rows["OTHER"]["tax_at_risk_amount_reason"] == "no rate of H in [tax_forms] rates"


def test_june_is_what_june_s_extract_said_whatever_december_s_added() -> None:
    """June built with June's loads, and again with those of December."""
    june = {
        "invoices": [invoice("I1", "2026-05-10", 100)],
        "tax_forms": [form("F1", "2026-06-20", 40, invoice_id="I2"), form("F0", "2026-06-21", 9, **quarter(2027, 4))],
    }
    december = {
        # The invoice of a form that came before it, credit notes of autumn, the form of the rest.
        "invoices": [
            invoice("I2", "2026-07-02", 40),
            invoice("C1", "2026-10-02", 10, document_type="credit_note", reference_invoice_id="I1"),
        ],
        "tax_forms": [form("F2", "2026-11-20", 90, **quarter(2027, 1))],
    }
    settings = settings_of(SETTINGS, feeds=("invoices", "tax_forms"))
    con = memory()
    prepare(con, "EUR")
    prepare_marts(con)
    found = []
    for load, given in enumerate((june, december), start=1):
        stage(con, given, load_id=load)
        prepare_build(con, settings, [parse_month("2026-06")], as_of_load=load)
        for table in TABLES:
            run_mart(con, models()[f"build.{table}"])
        found.append([fetch(con, f"FROM build.{table} ORDER BY ALL") for table in TABLES])
    assert found[0] == found[1]
    # The form for a later invoice is in no quarter yet; that for a quarter to come waits there.
    assert outstanding(con, "A") == [
        (2027, 1, 100, 0, 100, 0, 10),
        (2027, 4, 0, 9, -9, 0, 0),
        (None, None, 0, 40, -40, None, 0),
    ]
