"""Open items, ageing, roll-forward and key figures of what customers owe, one behaviour a test."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kam.build import prepare_build, prepare_marts, run_models
from kam.periods import add_months, parse_month
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.marts import receivables_by_hand as by_hand
from tests.support import build, build_case, fetch, long, settings_of, stage

# One change of a table for each rule of its own; see tests/expectations/test_broken_inputs.py.
TAMPERINGS = (
    Tampering("receivables_ageing.every_item_has_its_bucket", "bucket = '31-60'", "bucket = '1-30'"),
    Tampering("receivables_ageing.amounts_add_up", "paid_amount_doc = paid_amount_doc + 0.01"),
    Tampering("receivables_ageing.items_are_open", "outstanding_amount_doc = 0"),
    Tampering("receivables_ageing.nothing_is_dated_after_month_end", "document_date = '2026-11-01'"),
    Tampering("receivables_ageing.undefined_has_a_reason", "outstanding_amount = NULL"),
    Tampering("receivables_summary.buckets_add_up_the_items", "outstanding_amount = outstanding_amount + 0.01"),
    Tampering("receivables_summary.undefined_has_a_reason", "outstanding_amount = NULL"),
    Tampering("receivables_rollforward.difference_is_zero", "received_amount_doc = received_amount_doc + 0.01"),
    Tampering("receivables_rollforward.closes_on_the_open_items", "closing_amount_doc = closing_amount_doc + 0.01"),
    Tampering("receivables_rollforward.opens_on_the_last_closing", "opening_amount_doc = opening_amount_doc + 0.01"),
    Tampering("receivables_kpis.levels_add_up", "closing_amount = closing_amount + 0.01", "level = 'account_manager'"),
    Tampering("receivables_kpis.undefined_has_a_reason", "dso_days = NULL", "dso_days IS NOT NULL"),
    Tampering("receivables_kpis.shares_within_0_and_1", "promise_kept_ratio = 1.000001"),
)


BALANCES = ("receivables_ageing", "receivables_summary", "receivables_rollforward")
MARTS = (*BALANCES, "receivables_kpis")
Rows = Sequence[Mapping[str, Any]]


def close(*periods: str, settings: Mapping[str, Any] | None = None, **given: Rows) -> Connection:
    """Balances of these months from a site that has the given feeds, and an invoice feed in any case."""
    return _built(given, periods, settings, BALANCES)


def close_all(*periods: str, settings: Mapping[str, Any] | None = None, **given: Rows) -> Connection:
    """The key figures, too; they take longer than all the rest."""
    return close_books(given, *periods, settings=settings)


def close_books(given: Mapping[str, Rows], *periods: str, settings: Mapping[str, Any] | None = None) -> Connection:
    return _built(given, periods, settings, MARTS)


def _built(
    given: Mapping[str, Rows], periods: Sequence[str], settings: Mapping[str, Any] | None, tables: Sequence[str]
) -> Connection:
    feeds = sorted({"invoices", *given})
    return build_case(given, settings=settings, periods=periods, feeds=feeds, tables=tables)


def invoice(invoice_id: str, amount: object, on: str, due: str | None = None, **more: object) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "account_id": "A",
        "invoice_date": on,
        "due_date": due,
        "net_amount": amount,
    } | more


def credit_note(
    invoice_id: str, amount: object, on: str, reference: str | None = None, **more: object
) -> dict[str, Any]:
    return invoice(invoice_id, amount, on, document_type="credit_note", reference_invoice_id=reference) | more


def payment(payment_id: str, amount: object, on: str, invoice_id: str | None = None, **more: object) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "account_id": "A",
        "payment_date": on,
        "amount": amount,
        "invoice_id": invoice_id,
    } | more


def instalment(invoice_id: str, number: int, amount: object, due: str) -> dict[str, Any]:
    return {"invoice_id": invoice_id, "instalment_no": number, "amount": amount, "due_date": due}


def rate(currency: str, on: str, value: object, rate_type: str = "spot") -> dict[str, Any]:
    return {"currency": currency, "rate_date": on, "rate": value, "rate_type": rate_type}


def ageing(con: Connection, *columns: str, month: str | None = None) -> list[tuple[Any, ...]]:
    """These columns of the open items, ordered by document, line and instalment; decimals as plain numbers."""
    where = f"WHERE period_month = '{month}-01'" if month else ""
    found = fetch(con, f"SELECT * FROM build.receivables_ageing {where} ORDER BY document_id, line_no, instalment_no")
    return [tuple(_plain(row[column]) for column in columns) for row in found]


def rollforward(con: Connection, month: str | None = None, **keys: str) -> dict[str, Any]:
    where = " AND ".join(
        [f"{name} = '{value}'" for name, value in keys.items()] + ([f"period_month = '{month}-01'"] if month else [])
    )
    found = fetch(con, f"SELECT * FROM build.receivables_rollforward WHERE {where or 'true'}")
    assert len(found) == 1, found
    assert found[0]["difference_doc"] == 0
    return {name: _plain(value) for name, value in found[0].items()}


def kpis(con: Connection, month: str | None = None, level: str = "account", **keys: str) -> dict[str, Any]:
    keys = {"level": level} | keys
    where = " AND ".join(
        [f"{name} = '{value}'" for name, value in keys.items()] + ([f"period_month = '{month}-01'"] if month else [])
    )
    found = fetch(con, f"SELECT * FROM build.receivables_kpis WHERE {where}")
    assert len(found) == 1, found
    return {name: _plain(value) for name, value in found[0].items()}


def content(con: Connection, mart: str, month: str) -> list[tuple[Any, ...]]:
    """All rows of a month in the order of the candidate table, as text."""
    return con.execute(
        f"SELECT CAST(found AS VARCHAR) FROM build.{mart} AS found WHERE period_month = '{month}-01'"
    ).fetchall()


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def lanes(row: Mapping[str, Any]) -> dict[str, float]:
    """The parts of a roll-forward row that are not zero, without their suffix."""
    names = (
        "opening_amount_doc",
        "invoiced_amount_doc",
        "credited_amount_doc",
        "received_amount_doc",
        "discount_amount_doc",
        "written_off_amount_doc",
        "refunded_amount_doc",
        "prior_period_adjustment_doc",
        "closing_amount_doc",
    )
    return {name.removesuffix("_doc").removesuffix("_amount"): row[name] for name in names if row[name]}


# Instalments


def test_a_difference_to_the_invoice_goes_to_the_last_instalment() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[instalment("I1", 1, 60, "2026-07-01"), instalment("I1", 2, 30, "2026-08-01")],
    )
    assert ageing(con, "instalment_no", "original_amount_doc", "due_date_source") == [
        (1, 60, "instalment"),
        (2, 40, "instalment"),
    ]


def test_instalments_above_the_invoice_never_owe_more_than_it() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[instalment("I1", 1, 120, "2026-07-01"), instalment("I1", 2, 50, "2026-08-01")],
    )
    assert ageing(con, "instalment_no", "outstanding_amount_doc") == [(1, 100)]


def test_a_named_instalment_is_paid_first_and_its_excess_fills_the_others() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[
            instalment("I1", 1, 30, "2026-07-01"),
            instalment("I1", 2, 30, "2026-08-01"),
            instalment("I1", 3, 40, "2026-09-01"),
        ],
        payments=[payment("P1", 35, "2026-06-10", "I1", instalment_no=2)],
    )
    assert ageing(con, "instalment_no", "paid_amount_doc", "outstanding_amount_doc") == [(1, 5, 25), (3, 0, 40)]


def test_an_instalment_that_does_not_exist_counts_as_none_named() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[instalment("I1", 1, 30, "2026-07-01"), instalment("I1", 2, 70, "2026-08-01")],
        payments=[payment("P1", 30, "2026-06-10", "I1", instalment_no=9)],
    )
    assert ageing(con, "instalment_no", "outstanding_amount_doc") == [(2, 70)]


def test_cash_then_write_offs_then_credit_notes() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01"), credit_note("C1", 15, "2026-06-05", "I1")],
        instalments=[instalment("I1", 1, 60, "2026-07-01"), instalment("I1", 2, 40, "2026-08-01")],
        payments=[
            payment("P1", 50, "2026-06-20", "I1"),
            payment("P2", 30, "2026-06-10", "I1", payment_type="write_off"),
        ],
    )
    # The first takes 50 cash and 10 written off; the second 20 written off and 15 credited.
    columns = (
        "instalment_no",
        "paid_amount_doc",
        "written_off_amount_doc",
        "credited_amount_doc",
        "outstanding_amount_doc",
    )
    assert ageing(con, *columns) == [(2, 0, 20, 15, 5)]


def test_a_write_off_that_names_an_instalment_stays_with_it() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[instalment("I1", 1, 60, "2026-07-01"), instalment("I1", 2, 40, "2026-08-01")],
        payments=[payment("P1", 10, "2026-06-10", "I1", payment_type="write_off", instalment_no=2)],
    )
    assert ageing(con, "instalment_no", "written_off_amount_doc", "outstanding_amount_doc") == [(1, 0, 60), (2, 10, 30)]


# Cash


def test_discounts_count_as_cash_and_refunds_take_it_back() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[
            payment("P1", 95, "2026-06-10", "I1"),
            payment("P1", 5, "2026-06-10", "I1", line_no=2, payment_type="discount"),
            payment("P2", 30, "2026-06-20", "I1", payment_type="refund"),
        ],
    )
    assert ageing(con, "paid_amount_doc", "outstanding_amount_doc") == [(70, 30)]


def test_a_refund_without_an_instalment_reopens_the_earliest_due() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        instalments=[instalment("I1", 1, 60, "2026-07-01"), instalment("I1", 2, 40, "2026-08-01")],
        payments=[
            payment("P1", 60, "2026-06-10", "I1", instalment_no=1),
            payment("P2", 40, "2026-06-10", "I1", instalment_no=2),
            payment("P3", 70, "2026-06-20", "I1", payment_type="refund"),
        ],
    )
    assert ageing(con, "instalment_no", "paid_amount_doc", "outstanding_amount_doc") == [(1, 0, 60), (2, 30, 10)]


def test_refunding_more_than_was_paid_adds_to_what_is_owed() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[payment("P1", 20, "2026-06-10", "I1", payment_type="refund")],
    )
    assert ageing(con, "paid_amount_doc", "outstanding_amount_doc") == [(-20, 120)]


def test_a_refund_without_an_invoice_is_a_positive_cash_row() -> None:
    con = close("2026-06", payments=[payment("P1", 20, "2026-06-10", payment_type="refund")])
    assert ageing(con, "item_type", "document_type", "outstanding_amount_doc") == [("unapplied_cash", "refund", 20)]


def test_an_overpayment_is_taken_from_the_newest_payment() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[payment("P1", 80, "2026-06-05", "I1"), payment("P2", 40, "2026-06-10", "I1")],
    )
    columns = (
        "item_type",
        "document_id",
        "document_date",
        "original_amount_doc",
        "paid_amount_doc",
        "outstanding_amount_doc",
    )
    assert ageing(con, *columns) == [("unapplied_cash", "P2", date(2026, 6, 10), -40, -20, -20)]
    assert ageing(con, "unapplied_cause") == [("more than the invoice",)]


def test_money_rather_than_a_discount_of_the_same_day_is_the_excess() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[
            payment("P1", 100, "2026-06-05", "I1"),
            payment("P1", 3, "2026-06-05", "I1", line_no=2, payment_type="discount"),
        ],
    )
    assert ageing(con, "document_id", "line_no", "outstanding_amount_doc") == [("P1", 1, -3)]


def test_writing_off_more_than_is_left_stays_open_as_a_negative_row() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[
            payment("P1", 90, "2026-06-05", "I1"),
            payment("W1", 15, "2026-06-06", "I1", payment_type="write_off"),
        ],
    )
    assert ageing(con, "document_id", "document_type", "written_off_amount_doc", "outstanding_amount_doc") == [
        ("W1", "write_off", -10, -5)
    ]


def test_a_payment_counts_on_its_invoice_from_the_invoice_date_on() -> None:
    con = close(
        "2026-05",
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[payment("P1", 100, "2026-05-20", "I1")],
    )
    assert ageing(con, "period_month", "document_id", "outstanding_amount_doc", "unapplied_cause") == [
        (date(2026, 5, 1), "P1", -100, "unknown invoice")
    ]
    assert lanes(rollforward(con, "2026-06")) == {"opening": -100, "invoiced": 100}


def test_a_payment_in_another_currency_stays_unapplied() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01", currency="USD")],
        payments=[payment("P1", 100, "2026-06-05", "I1", currency="EUR"), payment("P2", 30, "2026-06-06", "I1")],
        fx_rates=[rate("USD", "2026-06-01", "0.9")],
    )
    assert ageing(con, "document_id", "currency", "outstanding_amount_doc", "unapplied_cause") == [
        ("I1", "USD", 70, None),
        ("P1", "EUR", -100, "other currency than the invoice"),
    ]


def test_the_currency_of_a_later_invoice_is_not_known_yet() -> None:
    con = close(
        "2026-05",
        "2026-06",
        invoices=[invoice("I1", 70, "2026-06-01", currency="USD")],
        payments=[payment("P1", 100, "2026-05-20", "I1")],
        fx_rates=[rate("USD", "2026-05-01", "0.9")],
    )
    assert ageing(con, "currency", "outstanding_amount_doc") == [("EUR", -100), ("USD", -30)]
    assert lanes(rollforward(con, "2026-06", currency="EUR")) == {"opening": -100, "received": -100}
    assert lanes(rollforward(con, "2026-06", currency="USD")) == {"invoiced": 70, "received": 100, "closing": -30}


@long
def test_oldest_first_sets_cash_against_the_oldest_due_items_of_its_currency() -> None:
    given: dict[str, Rows] = {
        "invoices": [
            invoice("I1", 60, "2026-05-01", "2026-06-15"),
            invoice("I2", 60, "2026-05-01", "2026-06-10"),
            invoice("I3", 60, "2026-05-01", "2026-06-01", currency="USD"),
        ],
        "payments": [payment("P1", 70, "2026-06-05"), payment("P2", 20, "2026-06-06")],
        "fx_rates": [rate("USD", "2026-05-01", "0.9")],
    }
    left_alone = close_books(given, "2026-06")
    assert ageing(left_alone, "document_id", "outstanding_amount_doc") == [
        ("I1", 60),
        ("I2", 60),
        ("I3", 60),
        ("P1", -70),
        ("P2", -20),
    ]
    con = close_books(given, "2026-06", settings={"receivables": {"apply_unapplied": "oldest_first"}})
    assert ageing(con, "document_id", "paid_amount_doc", "outstanding_amount_doc") == [("I1", 30, 30), ("I3", 0, 60)]
    assert rollforward(con, currency="EUR")["closing_amount_doc"] == 30


def test_oldest_first_leaves_cash_that_nothing_is_owed_for() -> None:
    con = close(
        "2026-06",
        settings={"receivables": {"apply_unapplied": "oldest_first"}},
        invoices=[invoice("I1", 60, "2026-05-01"), credit_note("C1", 500, "2026-05-02")],
        payments=[payment("P1", 50, "2026-06-05"), payment("P2", 50, "2026-06-06")],
    )
    assert ageing(con, "document_id", "paid_amount_doc", "outstanding_amount_doc") == [
        ("C1", 0, -500),
        ("P2", -10, -40),
    ]


# Credit notes


def test_the_excess_of_a_credit_note_stays_open() -> None:
    con = close(
        "2026-06",
        invoices=[
            invoice("I1", 60, "2026-06-01"),
            credit_note("C1", 50, "2026-06-05", "I1"),
            credit_note("C2", 30, "2026-06-06", "I1"),
        ],
    )
    columns = ("item_type", "document_id", "original_amount_doc", "credited_amount_doc", "outstanding_amount_doc")
    assert ageing(con, *columns) == [("credit", "C2", -30, -10, -20)]


def test_a_credit_note_is_split_by_the_invoices_its_lines_name() -> None:
    con = close(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-06-01"),
            invoice("I2", 100, "2026-06-01"),
            credit_note("C1", 30, "2026-06-05", "I1", line_no=1),
            credit_note("C1", 20, "2026-06-05", "I2", line_no=2, tax_amount=4),
            credit_note("C1", 5, "2026-06-05", line_no=3),
        ],
    )
    assert ageing(con, "document_id", "line_no", "outstanding_amount_doc") == [
        ("C1", 3, -5),
        ("I1", 1, 70),
        ("I2", 1, 76),
    ]


def test_a_credit_note_waits_for_an_invoice_that_is_unknown_later_or_in_another_currency() -> None:
    con = close(
        "2026-05",
        "2026-06",
        invoices=[
            credit_note("C1", 10, "2026-05-05", "nowhere"),
            credit_note("C2", 20, "2026-05-05", "I2"),
            credit_note("C3", 30, "2026-05-05", "I3"),
            invoice("I2", 100, "2026-06-01"),
            invoice("I3", 100, "2026-05-01", currency="USD"),
        ],
        fx_rates=[rate("USD", "2026-05-01", "0.9")],
    )
    columns = ("document_id", "outstanding_amount_doc", "unapplied_cause")
    assert ageing(con, *columns, month="2026-05") == [
        ("C1", -10, "unknown invoice"),
        ("C2", -20, "unknown invoice"),
        ("C3", -30, "other currency than the invoice"),
        ("I3", 100, None),
    ]
    assert ageing(con, "document_id", "outstanding_amount_doc", month="2026-06") == [
        ("C1", -10),
        ("C3", -30),
        ("I2", 80),
        ("I3", 100),
    ]


def test_a_debit_note_is_owed_like_an_invoice() -> None:
    con = close("2026-06", invoices=[invoice("D1", 40, "2026-06-01", document_type="debit_note")])
    assert ageing(con, "item_type", "document_type", "outstanding_amount_doc") == [("invoice", "debit_note", 40)]


# Ageing


def test_lines_of_an_invoice_are_owed_together_with_their_tax() -> None:
    con = close(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-06-01", line_no=10, tax_amount=19),
            invoice("I1", "0.0050", "2026-06-01", line_no=20, disputed=True),
        ],
    )
    assert ageing(con, "line_no", "outstanding_amount_doc", "outstanding_amount", "disputed") == [
        (10, 119.005, 119.01, True)
    ]


def test_a_missing_due_date_follows_the_terms_else_the_invoice_date() -> None:
    con = close(
        "2026-06",
        accounts=[{"account_id": "A", "payment_terms_days": 14}],
        invoices=[
            invoice("I1", 1, "2026-06-01"),
            invoice("I2", 1, "2026-06-01", account_id="B"),
            invoice("I3", 1, "2026-06-01", "2026-06-02"),
        ],
    )
    assert ageing(con, "document_id", "due_date", "due_date_source") == [
        ("I1", date(2026, 6, 15), "payment terms"),
        ("I2", date(2026, 6, 1), "document date"),
        ("I3", date(2026, 6, 2), "document"),
    ]


def test_ageing_from_the_invoice_date() -> None:
    con = close_all(
        "2026-06",
        settings={"receivables": {"basis": "invoice_date"}},
        invoices=[invoice("I1", 1, "2026-05-01", "2026-06-30")],
    )
    assert ageing(con, "bucket", "bucket_basis", "age_days", "days_overdue") == [("31-60", "invoice_date", 60, 0)]
    assert kpis(con)["current_amount"] == 1


def test_credits_and_cash_age_from_their_own_date() -> None:
    con = close(
        "2026-06",
        invoices=[credit_note("C1", 10, "2026-05-31", due_date="2026-09-30")],
        payments=[payment("P1", 10, "2026-05-30"), payment("P2", 10, "2026-06-30")],
    )
    assert ageing(con, "document_id", "bucket", "bucket_basis") == [
        ("C1", "1-30", "document_date"),
        ("P1", "31-60", "document_date"),
        ("P2", "current", "document_date"),
    ]


def test_the_upper_bounds_of_buckets_are_a_setting() -> None:
    con = close(
        "2026-06",
        settings={"receivables": {"buckets": [15, 45]}},
        invoices=[
            invoice(f"I{days}", 1, "2026-01-01", str(date(2026, 6, 30) - timedelta(days)))
            for days in (10, 15, 16, 45, 46)
        ],
    )
    assert ageing(con, "document_id", "bucket_no", "bucket") == [
        ("I10", 1, "1-15"),
        ("I15", 1, "1-15"),
        ("I16", 2, "16-45"),
        ("I45", 2, "16-45"),
        ("I46", 3, "over 45"),
    ]


def test_the_summary_counts_items_and_what_is_disputed() -> None:
    con = close(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-06-01", "2026-07-01", disputed=True),
            invoice("I2", 50, "2026-06-01", "2026-07-01"),
            invoice("I3", 7, "2026-05-01", "2026-06-01"),
        ],
    )
    found = fetch(con, "FROM build.receivables_summary ORDER BY bucket_no")
    assert [(row["bucket"], row["outstanding_amount"], row["item_count"], row["disputed_amount"]) for row in found] == [
        ("current", 150, 2, 100),
        ("1-30", 7, 1, 0),
    ]


def test_foreign_items_are_valued_at_the_latest_spot_rate_by_the_month_end() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-10", "2026-07-10", currency="USD")],
        fx_rates=[
            rate("USD", "2026-06-01", "0.90"),
            rate("USD", "2026-06-28", "0.95"),
            rate("USD", "2026-07-01", "0.99"),
        ],
    )
    assert ageing(con, "outstanding_amount", "book_amount", "unrealised_fx", "rate_source") == [(95, 90, 5, "spot")]
    row = rollforward(con)
    assert (row["opening_amount"], row["movement_amount"], row["fx_difference_amount"], row["closing_amount"]) == (
        0,
        90,
        5,
        95,
    )


def test_the_closing_in_the_reporting_currency_is_the_sum_of_rounded_items() -> None:
    con = close(
        "2026-06",
        invoices=[invoice(f"I{number}", "0.03", "2026-06-10", currency="USD") for number in range(3)],
        fx_rates=[rate("USD", "2026-06-01", "0.50")],
    )
    # 0.03 × 0.50 is 0.015, rounded to 0.02 three times.
    assert rollforward(con)["closing_amount"] == 0.06


def test_without_a_spot_rate_the_latest_average_rate_is_used() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-10", currency="USD")],
        fx_rates=[rate("USD", "2026-05-01", "0.80", "average")],
    )
    assert ageing(con, "outstanding_amount", "rate_source") == [(80, "average")]


def test_a_currency_without_any_rate_leaves_no_partial_sums() -> None:
    con = close_all(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-06-10", "2026-07-10", currency="CHF"),
            invoice("I2", 50, "2026-06-10", "2026-07-10"),
            invoice("I3", 5, "2026-06-10", "2026-07-10", account_id="B"),
        ],
    )
    assert ageing(con, "outstanding_amount_doc", "outstanding_amount", "outstanding_amount_reason") == [
        (100, None, "no rate for CHF"),
        (50, 50, None),
        (5, 5, None),
    ]
    summary = fetch(con, "FROM build.receivables_summary WHERE account_id = 'A'")[0]
    assert (summary["outstanding_amount"], summary["outstanding_amount_reason"], summary["item_count"]) == (
        None,
        "no rate for CHF",
        2,
    )
    row = rollforward(con, account_id="A", currency="CHF")
    assert (row["closing_amount_doc"], row["closing_amount"]) == (100, None)
    assert row["amount_reason"].startswith("no rate for CHF")
    for level, keys in (("account", {"account_id": "A"}), ("total", {})):
        figures = kpis(con, level=level, **keys)
        assert (figures["closing_amount"], figures["closing_amount_reason"]) == (None, "no rate for CHF")
        assert (figures["dso_days"], figures["dso_days_reason"]) == (None, "no rate for CHF")
        assert (figures["exposure"], figures["exposure_reason"]) == (None, "no rate for CHF")
    assert kpis(con, account_id="B")["closing_amount"] == 5


# Roll-forward


def test_every_lane_of_the_rollforward() -> None:
    con = close(
        "2026-06",
        invoices=[
            invoice("I0", 500, "2026-05-10"),
            invoice("I1", 100, "2026-06-10", tax_amount=19),
            invoice("D1", 11, "2026-06-11", document_type="debit_note"),
            credit_note("C1", 7, "2026-06-12", "I1"),
            invoice("I2", 900, "2026-07-01"),
        ],
        payments=[
            payment("P1", 200, "2026-06-15", "I0"),
            payment("P2", 4, "2026-06-15", "I0", payment_type="discount"),
            payment("P3", 6, "2026-06-15", "I0", payment_type="write_off"),
            payment("P4", 50, "2026-06-20", "I0", payment_type="refund"),
            payment("P5", 33, "2026-06-21"),
        ],
    )
    assert lanes(rollforward(con)) == {
        "opening": 500,
        "invoiced": 130,
        "credited": 7,
        "received": 233,
        "discount": 4,
        "written_off": 6,
        "refunded": 50,
        "closing": 430,
    }


def test_a_parents_payment_counts_on_the_invoice_and_its_excess_on_the_parent() -> None:
    con = close(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-10")],
        payments=[payment("P1", 120, "2026-06-15", "I1", account_id="PARENT")],
    )
    assert ageing(con, "account_id", "outstanding_amount_doc") == [("PARENT", -20)]
    assert lanes(rollforward(con, account_id="A")) == {"invoiced": 100, "received": 100}
    assert lanes(rollforward(con, account_id="PARENT")) == {"received": 20, "closing": -20}


def test_an_excess_that_a_refund_uses_up_moves_from_the_parent_to_the_invoice() -> None:
    con = close(
        "2026-06",
        "2026-07",
        invoices=[invoice("I1", 100, "2026-06-10")],
        payments=[
            payment("P1", 120, "2026-06-15", "I1", account_id="PARENT"),
            payment("P2", 20, "2026-07-15", "I1", account_id="PARENT", payment_type="refund"),
        ],
    )
    assert lanes(rollforward(con, "2026-07", account_id="A")) == {"received": 20, "refunded": 20}
    assert lanes(rollforward(con, "2026-07", account_id="PARENT")) == {"opening": -20, "received": -20}


def test_cash_of_a_parent_moves_over_when_the_invoice_is_issued() -> None:
    con = close(
        "2026-05",
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-10")],
        payments=[payment("P1", 100, "2026-05-15", "I1", account_id="PARENT")],
    )
    assert lanes(rollforward(con, "2026-05")) == {"received": 100, "closing": -100}
    assert lanes(rollforward(con, "2026-06", account_id="A")) == {"invoiced": 100, "received": 100}
    assert lanes(rollforward(con, "2026-06", account_id="PARENT")) == {"opening": -100, "received": -100}


@long
def test_documents_that_arrive_late_for_a_closed_month_are_a_prior_period_adjustment() -> None:
    con = close(
        "2026-05", invoices=[invoice("I1", 100, "2026-05-10"), invoice("I2", 10, "2026-05-11", account_id="GONE")]
    )
    con.execute("INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES ('2026-05-01', 1, 1)")
    con.execute(
        "INSERT INTO marts.receivables_rollforward BY NAME "
        "SELECT 1 AS close_version, * FROM build.receivables_rollforward"
    )
    con.execute("DELETE FROM staging.invoices WHERE invoice_id = 'I2'")
    late = [
        invoice("I3", 30, "2026-05-20"),
        invoice("I4", 5, "2026-06-02"),
        invoice("I5", 8, "2026-05-03", account_id="NEW"),
    ]
    stage(con, {"invoices": late}, load_id=2)

    build(con, settings_of(feeds=["invoices"]), [parse_month("2026-06")], as_of_load=2)
    row = rollforward(con, account_id="A")
    assert lanes(row) == {"opening": 100, "prior_period_adjustment": 30, "invoiced": 5, "closing": 135}
    assert (row["opening_amount"], row["prior_period_adjustment_amount"], row["closing_amount"]) == (100, 30, 135)
    assert lanes(rollforward(con, account_id="NEW")) == {"prior_period_adjustment": 8, "closing": 8}
    assert lanes(rollforward(con, account_id="GONE")) == {"opening": 10, "prior_period_adjustment": -10}

    months = [parse_month("2026-05"), parse_month("2026-06")]
    settings = settings_of(feeds=["invoices"])
    prepare_build(con, settings, months, as_of_load=2, restate=True)
    run_models(con, settings.available)
    assert lanes(rollforward(con, "2026-06", account_id="A")) == {"opening": 130, "invoiced": 5, "closing": 135}


def test_a_month_without_activity_carries_its_balance() -> None:
    con = close_all("2026-05", invoices=[invoice("I1", 100, "2026-02-10"), invoice("I2", 1, "2026-06-10")], payments=[])
    assert lanes(rollforward(con)) == {"opening": 100, "closing": 100}
    figures = kpis(con)
    assert (figures["opening_amount"], figures["billed_amount"], figures["closing_amount"]) == (100, 0, 100)
    assert (figures["dso_days"], figures["dso_days_reason"]) == (None, "no billing in the window")
    assert (figures["weighted_days_late"], figures["weighted_days_late_reason"]) == (
        None,
        "nothing settled in the month",
    )


def test_a_month_before_any_document_still_has_a_total() -> None:
    con = close_all(
        "2026-05", accounts=[{"account_id": "A"}], payments=[], visits=[], fx_rates=[rate("USD", "2026-05-01", 1)]
    )
    assert ageing(con, "document_id") == []
    figures = kpis(con, level="total")
    assert (figures["closing_amount"], figures["promises_made"]) == (0, 0)
    assert figures["overdue_ratio_reason"] == "nothing outstanding"
    assert figures["collection_effectiveness_ratio_reason"] == "nothing to collect"
    assert figures["collection_ratio_reason"] == "nothing expected"


def test_business_months_of_a_declared_calendar() -> None:
    con = close_all(
        "2026-01",
        "2026-02",
        calendar=[
            {"period_month": "2026-01-01", "start_date": "2026-01-01", "end_date": "2026-01-28"},
            {"period_month": "2026-02-01", "start_date": "2026-01-29", "end_date": "2026-02-25"},
            {"period_month": "2026-03-01", "start_date": "2026-02-26", "end_date": "2026-04-01"},
        ],
        invoices=[invoice("I1", 100, "2026-01-10", "2026-01-20"), invoice("I2", 56, "2026-01-30", "2026-03-01")],
        payments=[payment("P1", 100, "2026-01-29", "I1")],
        settings={"receivables": {"dso_window_months": 1}},
    )
    assert ageing(con, "as_of_date", "document_id", "days_overdue") == [
        (date(2026, 1, 28), "I1", 8),
        (date(2026, 2, 25), "I2", -4),
    ]
    assert lanes(rollforward(con, "2026-02")) == {"opening": 100, "invoiced": 56, "received": 100, "closing": 56}
    figures = kpis(con, "2026-02")
    assert (figures["window_days"], figures["dso_days"], figures["dso_countback_days"]) == (28, 28, 28)
    assert figures["weighted_days_late"] == 9


# Key figures


def test_countback_stops_where_the_sales_run_out() -> None:
    con = close_all(
        "2026-03",
        invoices=[invoice("I1", 100, "2026-03-10")],
        payments=[payment("P1", 50, "2026-03-11", payment_type="refund")],
    )
    figures = kpis(con)
    assert (figures["closing_amount"], figures["dso_countback_days"]) == (150, None)
    assert figures["dso_countback_days_reason"] == "history exhausted"


def test_countback_goes_through_months_without_billing_and_beyond_the_window() -> None:
    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 310, "2026-01-10"), invoice("I2", 100, "2026-06-10")],
        payments=[payment("P1", 300, "2026-06-11", "I1")],
    )
    # 110 open: 100 of June, February to May nothing, 10 of January's 310: 150 + 10 ÷ 310 × 31 days.
    assert kpis(con)["dso_countback_days"] == 151


def test_nothing_open_counts_back_to_zero_and_a_credit_balance_not_at_all() -> None:
    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01"), invoice("I2", 100, "2026-06-01", account_id="B")],
        payments=[payment("P1", 100, "2026-06-10", "I1"), payment("P2", 120, "2026-06-10", "I2", account_id="B")],
    )
    settled = kpis(con, account_id="A")
    assert (settled["dso_days"], settled["dso_countback_days"], settled["overdue_ratio_reason"]) == (
        0,
        0,
        "nothing outstanding",
    )
    in_credit = kpis(con, account_id="B")
    assert (in_credit["dso_countback_days"], in_credit["dso_countback_days_reason"]) == (None, "credit balance")


def test_billing_takes_credit_notes_off_and_counts_tax() -> None:
    con = close_all(
        "2026-03",
        invoices=[
            invoice("I1", 100, "2026-01-10", "2026-02-10", tax_amount=20),
            credit_note("C1", 30, "2026-02-10", "I1"),
            invoice("I2", 90, "2026-03-10", "2026-04-10"),
        ],
    )
    figures = kpis(con)
    assert (figures["billed_amount"], figures["window_billed_amount"], figures["closing_amount"]) == (90, 180, 180)
    assert (figures["dso_days"], figures["best_possible_dso_days"], figures["average_days_delinquent"]) == (90, 45, 45)
    assert figures["overdue_ratio"] == 0.5


def test_more_credited_than_billed_has_no_dso() -> None:
    con = close_all("2026-03", invoices=[invoice("I1", 100, "2026-03-10"), credit_note("C1", 130, "2026-03-10")])
    assert kpis(con)["dso_days_reason"] == "credit notes exceed billing in the window"


def test_days_late_are_weighted_by_amount_and_early_is_not_late() -> None:
    con = close_all(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-05-01", "2026-06-01"),
            invoice("I2", 300, "2026-05-01", "2026-06-30"),
            invoice("I3", 999, "2026-05-01", "2026-06-01"),
        ],
        payments=[
            payment("P1", 60, "2026-06-05", "I1"),
            payment("P2", 40, "2026-06-11", "I1"),
            payment("P3", 300, "2026-06-20", "I2"),
            payment("P4", 998, "2026-06-20", "I3"),
        ],
    )
    # (100 × 10 + 300 × 0) ÷ 400
    figures = kpis(con)
    assert (figures["weighted_days_late"], figures["settled_amount_days"], figures["settled_amount"]) == (
        2.5,
        1000,
        400,
    )


def test_an_instalment_settles_on_the_day_that_cash_reaches_it() -> None:
    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-05-01")],
        instalments=[instalment("I1", 1, 60, "2026-06-01"), instalment("I1", 2, 40, "2026-06-10")],
        payments=[payment("P1", 70, "2026-06-04", "I1"), payment("P2", 30, "2026-06-20", "I1")],
    )
    # (60 × 3 + 40 × 10) ÷ 100
    assert kpis(con)["weighted_days_late"] == 5.8


def test_an_item_reopened_within_the_month_settles_when_it_is_paid_again() -> None:
    con = close_all(
        "2026-05",
        "2026-06",
        "2026-07",
        invoices=[invoice("I1", 100, "2026-05-01", "2026-06-01")],
        payments=[
            payment("P1", 100, "2026-06-05", "I1"),
            payment("P2", 100, "2026-06-08", "I1", payment_type="refund"),
            payment("P3", 100, "2026-06-21", "I1"),
            payment("P4", 50, "2026-07-01", "I1"),
        ],
    )
    assert kpis(con, "2026-06")["weighted_days_late"] == 20
    assert kpis(con, "2026-07")["weighted_days_late"] is None


def test_expected_receipts_are_what_falls_due_by_the_month_end() -> None:
    con = close_all(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-04-01", "2026-05-01"),
            invoice("I2", 200, "2026-05-01", "2026-06-15"),
            invoice("I3", 400, "2026-05-01", "2026-07-01"),
            invoice("I4", 800, "2026-06-02", "2026-06-30"),
            credit_note("C1", 50, "2026-05-20"),
        ],
        payments=[payment("P0", 40, "2026-05-20", "I1"), payment("P1", 265, "2026-06-10", "I2")],
    )
    # 60 still open of I1, 200 of I2, and 800 billed and due in June.
    figures = kpis(con)
    assert (figures["expected_receipts"], figures["actual_receipts"], figures["collection_ratio"]) == (1060, 265, 0.25)


def test_a_payment_plan_replaces_what_is_due() -> None:
    con = close_all(
        "2026-06",
        invoices=[
            invoice("I1", 100, "2026-05-01", "2026-06-01"),
            invoice("I2", 100, "2026-05-01", "2026-06-01", account_id="B"),
        ],
        payment_plan=[{"account_id": "A", "month": "2026-06-01", "amount": 500, "currency": "USD"}],
        fx_rates=[rate("USD", "2026-06-01", "0.5")],
    )
    assert kpis(con, account_id="A")["expected_receipts"] == 250
    assert kpis(con, level="total")["expected_receipts"] == 350


def test_credit_limit_exposure_and_breach() -> None:
    con = close_all(
        "2026-06",
        accounts=[
            {
                "account_id": "A",
                "account_name": "Alpha",
                "account_manager": "M",
                "credit_limit": 100,
                "currency": "USD",
            },
            {"account_id": "B", "account_manager": "M", "credit_limit": 100},
            {"account_id": "C", "account_manager": "M"},
        ],
        invoices=[invoice(f"I{account}", 60, "2026-06-01", account_id=account) for account in "ABC"],
        fx_rates=[rate("USD", "2026-06-01", "0.5")],
    )
    breached, within, unlimited = (kpis(con, account_id=account) for account in "ABC")
    assert (breached["account_name"], breached["account_manager"]) == ("Alpha", "M")
    assert (breached["credit_limit"], breached["exposure"], breached["credit_use_ratio"]) == (50, 60, 1.2)
    assert (breached["credit_breach"], within["credit_breach"], unlimited["credit_breach"]) == (True, False, None)
    assert unlimited["credit_breach_reason"] == unlimited["credit_limit_reason"] == "no credit limit"
    manager = kpis(con, level="account_manager", account_manager="M")
    assert (manager["credit_limit"], manager["exposure"], manager["credit_breach"], manager["credit_breach_count"]) == (
        150,
        180,
        True,
        1,
    )
    assert manager["credit_use_ratio_reason"] == "by account only"


@long
def test_exposure_adds_undelivered_open_orders_where_the_settings_say_so() -> None:
    order = {"order_id": "O1", "account_id": "A", "order_date": "2026-05-01", "quantity": 10, "unit_price": 5}
    given: dict[str, Rows] = {
        "invoices": [invoice("I1", 60, "2026-06-01")],
        "orders": [
            order,
            order | {"order_id": "O2", "status": "cancelled"},
            order | {"order_id": "O3", "order_date": "2026-07-01"},
            order | {"order_id": "O4", "delivered_date": "2026-06-15", "delivered_quantity": 9},
            order | {"order_id": "O5", "delivered_date": "2026-06-15"},
            order | {"order_id": "O6", "status": "cancelled", "cancelled_date": "2026-06-20"},
        ],
        "deliveries": [
            {"delivery_id": "D6", "order_id": "O6", "delivered_date": "2026-06-10", "quantity": 4},
            {"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-06-10", "quantity": 4},
            {"delivery_id": "D2", "order_id": "O1", "delivered_date": "2026-07-10", "quantity": 6},
        ],
    }
    assert kpis(close_books(given, "2026-06"))["exposure"] == 60
    con = close_books(
        given, "2026-05", "2026-06", settings={"receivables": {"credit_exposure": "outstanding_and_open_orders"}}
    )
    # May: O1, O4, O5 and O6 whole. June: 60, six pieces of O1 and one of O4; what was open of O6 is cancelled.
    assert [kpis(con, month)["exposure"] for month in ("2026-05", "2026-06")] == [200, 95]


def test_a_promise_is_kept_by_cash_between_visit_and_promised_day() -> None:
    def visit(number: int, account_id: str, on: str, amount: int, by: str, **more: object) -> dict[str, Any]:
        return {
            "visit_id": f"V{number}",
            "account_id": account_id,
            "visit_date": on,
            "promised_payment_amount": amount,
            "promised_payment_date": by,
        } | more

    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 500, "2026-05-01"), invoice("I2", 5, "2026-05-01", account_id="C")],
        payments=[
            payment("P1", 60, "2026-05-28", "I1"),
            payment("P2", 40, "2026-06-10", "I1", account_id="PARENT"),
            payment("P3", 900, "2026-06-30"),
            payment("P4", 100, "2026-06-05", account_id="B", currency="USD"),
        ],
        visits=[
            visit(1, "A", "2026-05-28", 100, "2026-06-10"),
            visit(2, "A", "2026-05-29", 100, "2026-06-10"),
            visit(3, "A", "2026-05-29", 100, "2026-07-01"),
            visit(4, "B", "2026-06-01", 80, "2026-06-30"),
            visit(5, "B", "2026-06-01", 100, "2026-06-30", currency="USD"),
        ],
        fx_rates=[rate("USD", "2026-05-01", "0.5")],
    )
    first = kpis(con, account_id="A")
    assert (first["promises_made"], first["promises_kept"], first["promise_kept_ratio"]) == (2, 1, 0.5)
    second = kpis(con, account_id="B")
    assert (second["promises_made"], second["promises_kept"]) == (2, 1)
    assert kpis(con, level="total")["promises_made"] == 4
    assert kpis(con, account_id="C")["promise_kept_ratio_reason"] == "no promise fell due in the month"


@long
def test_expected_credit_loss_by_the_matrix() -> None:
    invoices = [invoice("I1", 1000, "2026-06-01", "2026-07-01"), invoice("I2", 200, "2026-05-01", "2026-06-01")]
    matrix = {"receivables": {"loss_rates": {"current": 0.003, "1-30": 0.016}}}
    assert kpis(close_all("2026-06", settings=matrix, invoices=invoices))["expected_credit_loss"] == 6.2
    older = [*invoices, invoice("I3", 1, "2026-04-01", "2026-05-20")]
    figures = kpis(close_all("2026-06", settings=matrix, invoices=older))
    assert (figures["expected_credit_loss"], figures["expected_credit_loss_reason"]) == (
        None,
        "bucket 31-60 has no loss rate",
    )


def test_no_expected_credit_loss_without_a_matrix() -> None:
    con = close_all("2026-06", invoices=[invoice("I1", 1000, "2026-06-01")])
    assert (kpis(con)["expected_credit_loss"], kpis(con)["expected_credit_loss_reason"]) == (
        None,
        "no loss rates in the settings",
    )


def test_write_offs_and_unapplied_cash() -> None:
    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 100, "2026-06-01")],
        payments=[payment("P1", 30, "2026-06-10", "I1", payment_type="write_off"), payment("P2", 25, "2026-06-10")],
    )
    assert (kpis(con)["written_off"], kpis(con)["unapplied_cash"], kpis(con)["actual_receipts"]) == (30, 25, 25)


def test_a_manager_counts_the_documents_that_name_them_else_their_accounts() -> None:
    con = close_all(
        "2026-06",
        accounts=[{"account_id": "A", "account_manager": "M1"}],
        invoices=[
            invoice("I1", 100, "2026-06-01", account_manager="M2"),
            invoice("I2", 10, "2026-06-01"),
            invoice("I3", 1, "2026-06-01", account_id="nobody"),
        ],
        payments=[payment("P1", 130, "2026-06-10", "I1")],
    )
    # Of the payment, 100 settles M2's invoice; the excess of 30 is with the account, which is M1's.
    found = {name: kpis(con, level="account_manager", account_manager=name) for name in ("M1", "M2", "unknown")}
    assert {name: row["closing_amount"] for name, row in found.items()} == {"M1": -20, "M2": 0, "unknown": 1}
    assert {name: row["actual_receipts"] for name, row in found.items()} == {"M1": 30, "M2": 100, "unknown": 0}
    unknown = kpis(con, account_id="nobody")
    assert (unknown["account_name"], unknown["account_manager"]) == ("unknown", "unknown")


# All of it together


def _random_books(seed: int) -> dict[str, list[dict[str, Any]]]:
    """About 300 documents and payments of four months, all kinds mixed, many of them odd."""
    dice = random.Random(seed)  # noqa: S311 - not for secrets

    def day() -> date:
        return date(2026, 1, 1) + timedelta(dice.randrange(120))

    def money(most: int) -> Decimal:
        return Decimal(dice.randrange(1, most * 100)) / 100

    invoices: list[dict[str, Any]] = []
    instalments: list[dict[str, Any]] = []
    for number in range(110):
        issued = day()
        invoices.append(
            {
                "invoice_id": f"I{number:03}",
                "document_type": dice.choice(["invoice"] * 9 + ["debit_note"]),
                "account_id": dice.choice("ABCD"),
                "invoice_date": issued,
                "due_date": issued + timedelta(dice.randrange(60)),
                "net_amount": money(100),
                "currency": dice.choice(["EUR", "EUR", "USD"]),
            }
        )
        if dice.random() < 0.4:
            instalments += [
                instalment(f"I{number:03}", part, money(60), str(issued + timedelta(dice.randrange(90))))
                for part in range(1, dice.randrange(2, 5))
            ]
    for row in instalments:
        row["due_date"] = date.fromisoformat(row["due_date"])
    credit_notes = [
        {
            "invoice_id": f"C{number:03}",
            "document_type": "credit_note",
            "account_id": dice.choice("ABCD"),
            "invoice_date": day(),
            "net_amount": money(60),
            "currency": dice.choice(["EUR", "EUR", "USD"]),
            "reference_invoice_id": dice.choice([None, "nowhere", *(f"I{dice.randrange(110):03}" for _ in range(10))]),
        }
        for number in range(40)
    ]
    payments = [
        {
            "payment_id": f"P{number:03}",
            "account_id": dice.choice("ABCD"),
            "invoice_id": dice.choice([None, "nowhere", "C001", *(f"I{dice.randrange(110):03}" for _ in range(20))]),
            "instalment_no": dice.choice([None, None, 1, 2, 3]),
            "payment_date": day(),
            "amount": money(70),
            "currency": dice.choice([None, None, None, "EUR", "USD"]),
            "payment_type": dice.choice(["receipt"] * 6 + ["discount", "write_off", "refund", "refund"]),
        }
        for number in range(180)
    ]
    return {
        "invoices": invoices + credit_notes,
        "instalments": instalments,
        "payments": payments,
        "fx_rates": [
            {"currency": "USD", "rate_date": date(2025, 12, 1) + timedelta(10 * step), "rate": Decimal(80 + step) / 100}
            for step in range(20)
        ],
    }


MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")


@long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mixed_books_agree_with_a_calculation_by_hand(seed: int) -> None:
    given = _random_books(seed)
    con = close_books(given, *MONTHS)
    for month in MONTHS:
        last = add_months(parse_month(month), 1) - timedelta(1)
        expected = by_hand.open_items(given, last)
        found = fetch(con, f"FROM build.receivables_ageing WHERE period_month = '{month}-01'")
        assert {
            (row["item_type"], row["document_id"], row["line_no"], row["instalment_no"]): row["outstanding_amount_doc"]
            for row in found
        } == expected
        for row in found:
            assert row["outstanding_amount_doc"] == (
                row["original_amount_doc"]
                - row["paid_amount_doc"]
                - row["credited_amount_doc"]
                - row["written_off_amount_doc"]
            )
        balances: dict[tuple[str, str], Decimal] = {}
        for key, amount in expected.items():
            place = by_hand.place_of(given, key, last)
            balances[place] = balances.get(place, Decimal(0)) + amount
        _check_rollforward(con, month, balances, given)


def _check_rollforward(
    con: Connection, month: str, balances: Mapping[tuple[str, str], Decimal], given: Mapping[str, Rows]
) -> None:
    found = fetch(con, f"FROM build.receivables_rollforward WHERE period_month = '{month}-01'")
    assert {
        (row["account_id"], row["currency"]): row["closing_amount_doc"] for row in found if row["closing_amount_doc"]
    } == {place: amount for place, amount in balances.items() if amount}
    assert all(row["difference_doc"] == 0 for row in found)
    lane_types = {
        "received_amount_doc": "receipt",
        "discount_amount_doc": "discount",
        "written_off_amount_doc": "write_off",
        "refunded_amount_doc": "refund",
    }
    # Between accounts and currencies cash may move; over all of them a lane is what is dated in the month.
    for lane, payment_type in lane_types.items():
        dated = [
            row["amount"]
            for row in given["payments"]
            if row["payment_type"] == payment_type and f"{row['payment_date']:%Y-%m}" == month
        ]
        assert sum(row[lane] for row in found) == sum(dated)
    for lane, is_credit in (("invoiced_amount_doc", False), ("credited_amount_doc", True)):
        dated = [
            row["net_amount"]
            for row in given["invoices"]
            if (row["document_type"] == "credit_note") is is_credit and f"{row['invoice_date']:%Y-%m}" == month
        ]
        assert sum(row[lane] for row in found) == sum(dated)
    closing = fetch(
        con, f"SELECT sum(outstanding_amount) AS amount FROM build.receivables_ageing WHERE period_month = '{month}-01'"
    )
    assert kpis(con, month, level="total")["closing_amount"] == float(closing[0]["amount"])
    assert sum(row["closing_amount"] for row in found) == closing[0]["amount"]


@long
@pytest.mark.parametrize("seed", [1, 2])
def test_settlement_days_agree_with_a_calculation_by_hand(seed: int) -> None:
    given = _random_books(seed)
    con = close_books(given, *MONTHS)
    for month in MONTHS[1:]:
        first = parse_month(month)
        days = [first - timedelta(1) + timedelta(step) for step in range((add_months(first, 1) - first).days + 1)]
        found = fetch(con, f"FROM core.receivable_settled_items WHERE period_month = '{month}-01'")
        assert {
            ("invoice", row["invoice_id"], 1, row["instalment_no"]): row["settled_date"] for row in found
        } == by_hand.settled_days(given, days)


@long
def test_several_months_at_once_equal_one_by_one() -> None:
    given = _random_books(4)
    settings = {"receivables": {"apply_unapplied": "oldest_first"}}
    together = close_books(given, *MONTHS, settings=settings)
    for month in MONTHS:
        alone = close_books(given, month, settings=settings)
        for mart in MARTS:
            assert content(alone, mart, month) == content(together, mart, month), (mart, month)


@long
def test_months_closed_one_after_the_other_equal_all_at_once() -> None:
    given = _random_books(7)
    together, closed = close_books(given, *MONTHS), close_books(given, MONTHS[0])
    for month in MONTHS:
        build(closed, settings_of(feeds=sorted(given)), [parse_month(month)], as_of_load=1)
        for mart in MARTS:
            assert content(closed, mart, month) == content(together, mart, month), (mart, month)
        closed.execute("INSERT INTO ops.closes (period_month, close_version) VALUES (?, 1)", [parse_month(month)])
        closed.execute(
            "INSERT INTO marts.receivables_rollforward BY NAME "
            "SELECT 1 AS close_version, * FROM build.receivables_rollforward"
        )


@long
def test_months_that_are_not_neighbours_can_be_built_together() -> None:
    given = _random_books(5)
    together, alone = close_books(given, "2026-01", "2026-04"), close_books(given, "2026-04")
    for mart in MARTS:
        assert content(alone, mart, "2026-04") == content(together, mart, "2026-04"), mart


@long
def test_nothing_dated_after_the_month_end_has_any_effect() -> None:
    given = _random_books(6)
    month_end = date(2026, 2, 28)
    known_then = given | {
        "invoices": [row for row in given["invoices"] if row["invoice_date"] <= month_end],
        "payments": [row for row in given["payments"] if row["payment_date"] <= month_end],
        "fx_rates": [row for row in given["fx_rates"] if row["rate_date"] <= month_end],
    }
    with_later, without = close_books(given, "2026-02"), close_books(known_then, "2026-02")
    for mart in MARTS:
        assert content(with_later, mart, "2026-02") == content(without, mart, "2026-02"), mart


# Credit notes that are paid out, old credits, terms, promises, feeds that are not there


def _refunded(*more: dict[str, Any], **changed: object) -> dict[str, Rows]:
    """An invoice of 200, paid and then credited in full, and a refund that names the credit note."""
    refund = payment("P2", 200, "2026-05-20", "C1", payment_type="refund") | changed
    return {
        "invoices": [
            invoice("I1", 200, "2026-01-10", "2026-02-10"),
            credit_note("C1", 200, "2026-03-10", "I1"),
            invoice("I2", 50, "2026-06-10", "2026-07-10"),
        ],
        "payments": [payment("P1", 200, "2026-02-10", "I1"), refund, *more],
        "fx_rates": [rate("USD", "2026-01-01", 1)],
    }


@pytest.mark.parametrize(
    ("given", "open_items"),
    [
        (_refunded(), {"I2": 50}),
        (_refunded(amount=150), {"C1": -50, "I2": 50}),
        (_refunded(amount=260), {"I2": 50, "P2": 60}),
        (_refunded(payment("P3", 30, "2026-05-21", "C1", payment_type="refund"), amount=190), {"I2": 50, "P3": 20}),
        (_refunded(payment_date="2026-07-01"), {"C1": -200, "I2": 50}),
        (_refunded(currency="USD"), {"C1": -200, "I2": 50, "P2": 200}),
        (_refunded(account_id="B"), {"C1": -200, "I2": 50, "P2": 200}),
    ],
)
def test_a_refund_pays_out_the_credit_note_that_it_names(given: dict[str, Rows], open_items: dict[str, int]) -> None:
    con = close("2026-06", **given)
    assert dict(ageing(con, "document_id", "outstanding_amount_doc")) == open_items
    assert {row["difference_doc"] for row in fetch(con, "FROM build.receivables_rollforward")} == {0}


def test_a_refund_of_a_credit_note_without_an_invoice_and_one_that_came_before_it() -> None:
    con = close(
        "2026-05",
        "2026-06",
        invoices=[credit_note("C1", 80, "2026-06-10")],
        payments=[payment("P1", 80, "2026-05-20", "C1", payment_type="refund")],
    )
    assert ageing(con, "document_id", "outstanding_amount_doc", month="2026-05") == [("P1", 80)]
    assert ageing(con, "document_id", month="2026-06") == []


def test_a_refund_of_a_credit_note_that_reduced_its_invoice_stays_open_and_says_why() -> None:
    con = close(
        "2026-05",
        invoices=[invoice("I1", 100, "2026-05-01"), credit_note("C1", 100, "2026-05-10", "I1")],
        payments=[payment("P1", 100, "2026-05-20", "C1", payment_type="refund")],
    )
    assert ageing(con, "document_id", "outstanding_amount_doc", "unapplied_cause") == [
        ("P1", 100, "more than is left of the credit note")
    ]


def test_what_is_overdue_and_what_may_be_lost_is_what_invoices_owe() -> None:
    con = close_all(
        "2026-06",
        settings={"receivables": {"loss_rates": {"current": "0.01", "over 120": "0.5"}}},
        accounts=[{"account_id": "A"}, {"account_id": "B"}],
        invoices=[
            invoice("I1", 1000, "2025-12-01", "2026-01-15", account_id="B"),
            credit_note("C1", 900, "2026-01-10"),
            invoice("I2", 100, "2026-06-20", "2026-07-20"),
        ],
        payments=[payment("P1", 50, "2026-06-29")],
    )
    columns = ("closing_amount", "current_amount", "overdue_amount", "credit_amount", "expected_credit_loss")
    found = {
        row["account_id"]: tuple(map(float, (row[name] for name in columns)))
        for row in fetch(con, "FROM build.receivables_kpis WHERE level <> 'account_manager'")
    }
    # Credits of A lessen neither B's debt nor what A may not pay: 100 × 0.01 + 1,000 × 0.5.
    assert found == {
        "A": (-850, 100, 0, -950, 1),
        "B": (1000, 0, 1000, 0, 500),
        None: (150, 100, 1000, -950, 501),
    }
    assert kpis(con, level="total")["overdue_ratio"] == pytest.approx(0.909091)


def test_an_account_with_credits_only_has_no_overdue_ratio() -> None:
    con = close_all("2026-06", invoices=[credit_note("C1", 900, "2026-06-10")], payments=[])
    assert (kpis(con)["overdue_amount"], kpis(con)["overdue_ratio_reason"]) == (0, "credit balance")


def _with_terms(*versions: tuple[int, int | None]) -> Connection:
    """Invoices of loads 1 and 2, and versions of the account's terms, each with its load; June's figures at load 3."""
    con = memory()
    settings = settings_of(feeds=("accounts", "invoices"))
    prepare(con, "EUR")
    prepare_marts(con)
    for load_id, days in versions:
        con.execute("UPDATE staging.accounts SET superseded_load_id = ? WHERE superseded_load_id IS NULL", [load_id])
        stage(con, {"accounts": [{"account_id": "A", "payment_terms_days": days}]}, load_id)
    stage(con, {"invoices": [invoice("I1", 1000, "2026-03-01")]}, 1)
    stage(con, {"invoices": [invoice("I2", 1, "2026-05-29"), invoice("I3", 1, "2026-06-10", "2026-06-10")]}, 2)
    build(con, settings, [parse_month("2026-06")], as_of_load=3)
    return con


@pytest.mark.parametrize(
    ("versions", "due"),
    [
        # Load 3 changes the terms of what comes later only.
        ([(1, 30), (3, 120)], {"I1": date(2026, 3, 31), "I2": date(2026, 6, 28)}),
        ([(1, 30), (2, 10)], {"I1": date(2026, 3, 31), "I2": date(2026, 6, 8)}),
        # Terms that the master did not have before say what they always were.
        ([(1, None), (3, 30)], {"I1": date(2026, 3, 31), "I2": date(2026, 6, 28)}),
        ([(3, 30)], {"I1": date(2026, 3, 31), "I2": date(2026, 6, 28)}),
    ],
)
def test_an_old_document_keeps_the_terms_of_its_time(
    versions: Sequence[tuple[int, int | None]], due: dict[str, date]
) -> None:
    assert dict(ageing(_with_terms(*versions), "document_id", "due_date")) == due | {"I3": date(2026, 6, 10)}


def test_without_payments_what_was_received_is_unknown_and_says_why() -> None:
    con = close_all("2026-06", invoices=[invoice("I1", 100, "2026-05-01", "2026-06-10")])
    figures = kpis(con, level="total")
    for name in ("actual_receipts", "collection_ratio", "collection_effectiveness_ratio", "written_off"):
        assert (name, figures[name], figures[f"{name}_reason"]) == (name, None, "the feed payments is not declared")
    assert (figures["promises_made"], figures["promise_kept_ratio_reason"]) == (None, "the feed visits is not declared")
    assert (figures["credit_breach_count"], figures["credit_limit_reason"]) == (
        None,
        "the feed accounts is not declared",
    )
    assert (figures["closing_amount"], figures["overdue_amount"], figures["expected_receipts"]) == (100, 100, 100)


def test_exposure_with_open_orders_is_unknown_without_orders() -> None:
    con = close_all(
        "2026-06",
        invoices=[invoice("I1", 60, "2026-06-01")],
        settings={"receivables": {"credit_exposure": "outstanding_and_open_orders"}},
    )
    assert (kpis(con)["exposure"], kpis(con)["exposure_reason"]) == (None, "the feed orders is not declared")


def test_a_site_can_switch_receivables_off() -> None:
    con = build_case(
        {"invoices": [invoice("I1", 60, "2026-06-01")]},
        settings={"receivables": {"enabled": False}},
        periods=["2026-06"],
    )
    assert {mart: fetch(con, f"FROM build.{mart}") for mart in MARTS} == {mart: [] for mart in MARTS}


def test_an_order_that_was_closed_later_was_open_until_its_delivery() -> None:
    order = {"account_id": "A", "order_date": "2026-05-01", "quantity": 10, "unit_price": 5, "status": "closed"}
    given: dict[str, Rows] = {
        "invoices": [invoice("I1", 60, "2026-05-01")],
        "orders": [order | {"order_id": "O1"}, order | {"order_id": "O2"}],
        # O1 is closed short in June; when O2 was closed, nobody says.
        "deliveries": [{"delivery_id": "D1", "order_id": "O1", "delivered_date": "2026-06-10", "quantity": 4}],
    }
    con = close_books(
        given, "2026-05", "2026-06", settings={"receivables": {"credit_exposure": "outstanding_and_open_orders"}}
    )
    assert [kpis(con, month)["exposure"] for month in ("2026-05", "2026-06")] == [110, 60]


def _promises(*promises: tuple[str, int, str], receipts: Sequence[tuple[int, str]]) -> int:
    """How many promises of account A, each (made, amount, by), June's figures call kept; receipts are (amount, on)."""
    con = close_all(
        "2026-06",
        payments=[payment(f"P{number}", amount, on) for number, (amount, on) in enumerate(receipts)],
        visits=[
            {
                "visit_id": f"V{number}",
                "account_id": "A",
                "visit_date": made,
                "promised_payment_amount": amount,
                "promised_payment_date": by,
            }
            for number, (made, amount, by) in enumerate(promises)
        ],
    )
    return int(kpis(con, level="total")["promises_kept"])


@pytest.mark.parametrize(
    ("promises", "receipts", "kept"),
    [
        # One receipt of 100 keeps one promise of 100.
        ([("2026-06-01", 100, "2026-06-10"), ("2026-06-02", 100, "2026-06-10")], [(100, "2026-06-05")], 1),
        ([("2026-06-01", 100, "2026-06-10"), ("2026-06-02", 100, "2026-06-10")], [(200, "2026-06-05")], 2),
        ([("2026-06-01", 100, "2026-06-10"), ("2026-06-02", 50, "2026-06-20")], [(150, "2026-06-05")], 2),
        ([("2026-06-01", 100, "2026-06-10"), ("2026-06-02", 51, "2026-06-20")], [(150, "2026-06-05")], 1),
        # What kept a promise of May is not there for one of June.
        ([("2026-05-01", 100, "2026-05-31"), ("2026-05-02", 100, "2026-06-10")], [(100, "2026-05-20")], 0),
        # A promise that is not kept takes what arrived for it.
        ([("2026-06-01", 500, "2026-06-10"), ("2026-06-02", 100, "2026-06-20")], [(100, "2026-06-05")], 0),
        # The older one comes first, also where it is for a later day.
        ([("2026-06-01", 100, "2026-07-10"), ("2026-06-02", 100, "2026-06-20")], [(100, "2026-06-05")], 0),
        (
            [("2026-06-01", 60, "2026-06-10"), ("2026-06-02", 60, "2026-06-20")],
            [(40, "2026-06-03"), (40, "2026-06-04"), (40, "2026-06-15")],
            2,
        ),
    ],
)
def test_money_keeps_one_promise_only(
    promises: Sequence[tuple[str, int, str]], receipts: Sequence[tuple[int, str]], kept: int
) -> None:
    assert _promises(*promises, receipts=receipts) == kept


def test_a_document_before_the_first_rate_leaves_the_rest_summed() -> None:
    con = close_all(
        "2026-06",
        accounts=[{"account_id": "A"}, {"account_id": "B"}],
        invoices=[
            invoice("I1", 100, "2026-06-01", "2026-06-20"),
            invoice("I2", 10, "2026-06-02", "2026-06-20", currency="USD"),
            invoice("I3", 20, "2026-06-12", "2026-06-20", currency="USD"),
            invoice("I4", 5, "2026-06-02", "2026-06-20", account_id="B", currency="USD"),
        ],
        payments=[
            payment("P1", 4, "2026-06-03", currency="USD"),
            payment("P2", 6, "2026-06-13", currency="USD"),
        ],
        fx_rates=[rate("USD", "2026-06-10", "0.5")],
    )
    total = kpis(con, level="total")
    # Of June's billing, 100 + 20 × 0.5; received 6 × 0.5. What is open is valued at the month end.
    assert (total["billed_amount"], total["window_billed_amount"], total["actual_receipts"]) == (110, 110, 3)
    assert (total["expected_receipts"], total["closing_amount"]) == (110, 112.5)
    alone = kpis(con, account_id="B")
    assert (alone["billed_amount"], alone["billed_amount_reason"]) == (None, "no rate for USD at a document date")
    rows = fetch(con, "FROM build.receivables_rollforward WHERE currency = 'USD' ORDER BY account_id")
    # I3 and P2 of June: 20 × 0.5 − 6 × 0.5. What I2 and P1 are worth at the month end is no change of rates.
    assert [(row["movement_amount"], row["fx_difference_amount"], row["closing_amount"]) for row in rows] == [
        (7, None, 10),
        (None, None, 2.5),
    ]
    assert {row["amount_reason"] for row in rows} == {"no rate for USD at a document date"}
