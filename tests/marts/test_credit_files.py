"""Credit files: the latest review by the month end beside the limit, what is owed and how late it is paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("credit_files.review_is_of_the_past", "review_age_days = -1"),
    Tampering(
        "credit_files.stop_has_its_grounds", "is_order_stop_advised = NOT coalesce(is_order_stop_advised, false)"
    ),
    Tampering("credit_files.undefined_has_a_reason", "exposure_reason = 'none'"),
)

Row = Mapping[str, Any]
TABLES = ["credit_files"]
JUNE, JULY = dt.date(2026, 6, 1), dt.date(2026, 7, 1)


def invoice(account: str, amount: int, **given: Any) -> Row:
    """Billed on 10 June, due on 10 July."""
    return {
        "invoice_id": f"I-{account}",
        "account_id": account,
        "invoice_date": "2026-06-10",
        "due_date": "2026-07-10",
        "net_amount": amount,
    } | given


def review(account: str, day: str, **given: Any) -> Row:
    return {"account_id": account, "reviewed_on": day} | given


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June and July 2026; one euro is worth 1.25 dollars at the end of both."""
    given = {
        "accounts": [
            {"account_id": "A", "account_name": "Alpha", "credit_limit": 1000},
            {"account_id": "B", "credit_limit": 1000},
            {"account_id": "C"},
            {"account_id": "D", "credit_limit": 1000},
            {"account_id": "E", "credit_limit": 1000, "currency": "USD"},
            {"account_id": "F", "credit_limit": 1000},
            {"account_id": "G"},
        ],
        "fx_rates": [{"currency": "USD", "rate_date": "2026-06-01", "rate": "0.8"}],
        "invoices": [
            # Paid in July, a day late.
            invoice("A", 1200),
            # Just at the limit.
            invoice("B", 1000),
            invoice("C", 100),
            invoice("D", 10, currency="CHF"),
            # 1000 dollars are 800 euros.
            invoice("E", 801),
        ],
        "payments": [
            {"payment_id": "P1", "account_id": "A", "payment_date": "2026-07-11", "amount": 1200, "invoice_id": "I-A"}
        ],
        "credit_reviews": [
            review("A", "2026-03-31", agency="R", rating="A", next_review_on="2026-06-30"),
            # Another agency, and one day too late for June.
            review("A", "2026-07-01", agency="S", rating="2", recommended_limit=500, currency="USD", is_blocked=True),
            review("B", "2026-01-10", agency="R", rating="BB"),
            review("B", "2026-02-10", agency="S", rating="3"),
            review("B", "2026-03-10", agency="R"),
            review("B", "2026-04-10", agency="R", rating="BB", next_review_on="2026-06-29", is_blocked=False),
            review("C", "2026-06-30", is_blocked=True, recommended_limit=5, currency="CHF"),
            review("D", "2026-06-30", is_blocked=False),
            # Reviewed, and nothing else happened.
            review("F", "2026-06-30"),
            review("G", "2026-06-30", is_blocked=False),
        ],
    }
    with build_case(given, periods=["2026-06", "2026-07"], feeds=(*given, "orders"), tables=TABLES) as built:
        yield built


def files(con: Connection, columns: str, month: dt.date = JUNE) -> dict[str, tuple[Any, ...]]:
    """These columns of each account."""
    found = fetch(con, f"SELECT account_id, {columns} FROM build.credit_files WHERE period_month = '{month}'")
    return {row.pop("account_id"): tuple(row.values()) for row in found}


def test_the_latest_review_by_the_month_end_counts(con: Connection) -> None:
    june = files(con, "reviewed_on, review_age_days, rating, reviewed_on_reason")
    assert june["A"] == (dt.date(2026, 3, 31), 91, "A", None)
    assert june["B"] == (dt.date(2026, 4, 10), 81, "BB", None)
    assert june["C"] == (dt.date(2026, 6, 30), 0, None, None)
    assert june["E"] == (None, None, None, "no review by the month end")
    assert files(con, "reviewed_on, review_age_days", JULY)["A"] == (dt.date(2026, 7, 1), 30)


def test_a_review_due_on_the_last_day_is_not_overdue(con: Connection) -> None:
    june = files(con, "is_review_overdue, is_review_overdue_reason")
    assert (june["A"], june["B"]) == ((False, None), (True, None))
    assert june["C"] == (None, "the review names no next one")


def test_a_rating_is_compared_with_the_one_before_by_the_same_agency(con: Connection) -> None:
    columns = "previous_rating, is_rating_changed, is_rating_changed_reason"
    june, july = files(con, columns), files(con, columns, JULY)
    # The review of March gives none, the 3 of February is of another agency.
    assert june["B"] == ("BB", False, None)
    assert june["C"] == (None, None, "the review gives no rating")
    assert july["A"] == (None, None, "no earlier rating by the agency")


def test_a_stop_is_advised_above_the_limit_or_when_blocked(con: Connection) -> None:
    columns = "is_order_stop_advised, order_stop_reason, is_order_stop_advised_reason"
    june, july = files(con, columns), files(con, columns, JULY)
    assert june["A"] == (True, "over the limit", None)
    assert june["B"] == (False, None, None)
    assert june["C"] == (True, "blocked", None)
    assert june["E"] == (True, "over the limit", None)
    assert june["F"] == june["G"] == (False, None, None)
    # What D owes in francs may be above its limit; that the review does not block it says nothing of that.
    assert june["D"] == (None, None, "no rate for CHF")
    # Paid in July.
    assert july["A"] == (True, "blocked", None)


def test_limits_are_in_the_reporting_currency(con: Connection) -> None:
    columns = "recommended_limit, recommended_limit_reason, credit_limit, credit_limit_reason"
    june, july = files(con, columns), files(con, columns, JULY)
    assert july["A"] == (400, None, 1000, None)
    assert june["C"] == (None, "no rate for CHF", None, "no credit limit")
    assert june["B"] == (None, "the review recommends none", 1000, None)
    assert june["E"] == (None, "no review by the month end", 800, None)


def test_an_account_without_receivables_owes_nothing(con: Connection) -> None:
    columns = "exposure, exposure_reason, settled_amount, weighted_days_late, weighted_days_late_reason"
    assert files(con, columns)["F"] == (0, None, 0, None, "nothing settled in the month")
    assert files(con, columns, JULY)["A"] == (0, None, 1200, 1, None)


def test_without_reviews_the_file_shows_the_limit_and_what_is_owed() -> None:
    given = {
        "accounts": [{"account_id": "A", "credit_limit": 1000}, {"account_id": "B"}],
        "invoices": [invoice("A", 1200), invoice("B", 100)],
        "payments": [
            {"payment_id": "P", "account_id": "A", "payment_date": "2026-06-20", "amount": 100, "invoice_id": "I-A"}
        ],
    }
    con = build_case(given, periods=["2026-06"], tables=TABLES)
    columns = "is_order_stop_advised, is_order_stop_advised_reason, reviewed_on_reason, is_blocked_reason"
    reason = "the feed credit_reviews is not declared"
    assert files(con, f"credit_limit, exposure, {columns}") == {
        "A": (1000, 1100, True, None, reason, reason),
        "B": (None, Decimal(100), None, "no credit limit", reason, reason),
    }


def test_reviews_alone_make_a_file_whose_exposure_says_what_is_missing() -> None:
    given = {"credit_reviews": [review("A", "2026-06-05", is_blocked=True), review("B", "2026-06-05")]}
    columns = (
        "is_order_stop_advised, is_order_stop_advised_reason, exposure, exposure_reason, weighted_days_late_reason"
    )
    con = build_case(given, periods=["2026-06"], tables=TABLES)
    no_invoices = "the feed invoices is not declared"
    assert files(con, columns) == {
        "A": (True, None, None, no_invoices, no_invoices),
        "B": (None, "the feed accounts is not declared", None, no_invoices, no_invoices),
    }
