"""Promises of payment: each amount of cash fills one of them, the oldest first."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("promises.received_within_the_promise", "received_amount_doc = promised_amount_doc + 1"),
    Tampering("promises.undefined_has_a_reason", "state_reason = 'none'"),
)

Row = Mapping[str, Any]


def visit(number: str, on: str, amount: float, by: str, **given: Any) -> Row:
    """A visit to account A in which it promised an amount by a day."""
    line = {"visit_id": number, "account_id": "A", "visit_date": on}
    return line | {"promised_payment_amount": amount, "promised_payment_date": by} | given


def receipt(number: str, amount: float, on: str, **given: Any) -> Row:
    """Cash of account A."""
    return {"payment_id": number, "account_id": "A", "payment_date": on, "amount": amount} | given


def build(
    visits: Sequence[Row], payments: Sequence[Row] = (), *, periods: Sequence[str] = ("2026-06",), **feeds: Any
) -> Connection:
    return build_case({"visits": visits, "payments": payments} | feeds, periods=periods, tables=["promises"])


def states(con: Connection, month: str = "2026-06") -> dict[str, tuple[Any, Any]]:
    """By visit, what was received and what became of the promise."""
    found = fetch(con, f"FROM build.promises WHERE period_month = '{month}-01' ORDER BY visit_id")
    return {row["visit_id"]: (row["received_amount_doc"], row["state"]) for row in found}


def test_a_promise_stands_in_each_month_until_its_day_as_known_then() -> None:
    con = build(
        [visit("V1", "2026-05-20", 100, "2026-07-05"), visit("V2", "2026-07-01", 10, "2026-06-30")],
        [receipt("P1", 30, "2026-05-25"), receipt("P2", 70, "2026-07-05"), receipt("P3", 10, "2026-07-06")],
        periods=["2026-05", "2026-06", "2026-07"],
    )
    assert [states(con, month) for month in ("2026-05", "2026-06", "2026-07")] == [
        {"V1": (30, "pending")},
        {"V1": (30, "pending")},
        {"V1": (100, "kept")},
    ]


def test_receipts_in_another_currency_fill_a_promise_at_the_rate_of_their_day() -> None:
    con = build(
        [
            visit("V1", "2026-06-01", 100, "2026-06-20", currency="USD"),
            visit("V2", "2026-06-02", 40, "2026-06-20"),
            visit("V3", "2026-06-02", 40, "2026-06-20", account_id="B"),
        ],
        [receipt("P1", 60, "2026-06-05"), receipt("P2", 9, "2026-06-06", account_id="B", currency="CHF")],
        fx_rates=[{"currency": "USD", "rate_date": "2026-05-01", "rate": "0.5"}],
    )
    # 60 EUR are 120 USD: 50 EUR fill the first promise, 10 are left for the second.
    assert states(con) == {"V1": (100, "kept"), "V2": (10, "broken"), "V3": (0, None)}
    rows = fetch(con, "SELECT received_amount, promised_amount, state_reason FROM build.promises ORDER BY visit_id")
    assert [tuple(row.values()) for row in rows] == [(50, 50, None), (10, 40, None), (0, 40, "no rate for CHF")]


def test_cash_for_the_invoice_of_another_account_is_its_own_where_the_payer_promised_nothing() -> None:
    bill = {"invoice_id": "I1", "account_id": "A", "invoice_date": "2026-05-01", "net_amount": 500}
    later = bill | {"invoice_id": "I2", "invoice_date": "2026-07-02"}
    con = build(
        [
            visit("V1", "2026-06-01", 100, "2026-06-20"),
            visit("V2", "2026-06-10", 30, "2026-06-15", account_id="PARENT"),
        ],
        [
            receipt("P1", 60, "2026-06-05", account_id="PARENT", invoice_id="I1"),
            receipt("P2", 40, "2026-06-12", account_id="PARENT", invoice_id="I1"),
            # In June nobody knows the invoice.
            receipt("P3", 40, "2026-06-18", account_id="PARENT", invoice_id="I2"),
        ],
        invoices=[bill, later],
        periods=["2026-06", "2026-07"],
    )
    assert states(con) == {"V1": (60, "broken"), "V2": (30, "kept")}


def test_without_payments_nobody_knows_what_was_kept() -> None:
    con = build_case(
        {"visits": [visit("V1", "2026-06-01", 100, "2026-06-20")]}, periods=["2026-06"], tables=["promises"]
    )
    (row,) = fetch(con, "FROM build.promises")
    assert (row["promised_amount"], row["received_amount"], row["state"]) == (100, None, None)
    assert row["state_reason"] == row["received_amount_reason"] == "the feed payments is not declared"


@pytest.mark.parametrize("seed", range(3))
def test_cash_fills_the_oldest_promise_that_it_is_in_time_for(seed: int) -> None:
    """Against a walk over the receipts, one after the other."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    first = date(2026, 4, 1)

    def day(span: int) -> date:
        return first + timedelta(days=chance.randrange(span))

    made = [(day(85), chance.randrange(1, 90), account) for account in "AB" for _ in range(25)]
    visits = [
        visit(f"V{number:02}", str(on), amount, str(on + timedelta(days=chance.randrange(25))), account_id=account)
        for number, (on, amount, account) in enumerate(made)
    ]
    payments = [
        receipt(f"P{number:02}", chance.randrange(1, 60), str(day(100)), account_id=chance.choice("AB"))
        for number in range(60)
    ]
    con = build(visits, payments, periods=["2026-04", "2026-05", "2026-06"])
    for month, end in (("2026-04", "2026-04-30"), ("2026-05", "2026-05-31"), ("2026-06", "2026-06-30")):
        wanted = _walked(visits, [row for row in payments if row["payment_date"] <= end])
        found = states(con, month)
        assert {number: amount for number, (amount, _) in found.items()} == {number: wanted[number] for number in found}
        due = [row for row in visits if f"{month}-01" <= row["promised_payment_date"] and row["visit_date"] <= end]
        assert set(found) == {row["visit_id"] for row in due}


def _walked(visits: Sequence[Row], payments: Sequence[Row]) -> dict[str, Decimal]:
    """What each promise received, receipt by receipt in the order of their days."""
    got = {row["visit_id"]: Decimal(0) for row in visits}
    order = sorted(
        visits,
        key=lambda row: (
            row["visit_date"],
            row["promised_payment_date"],
            row["promised_payment_amount"],
            row["visit_id"],
        ),
    )
    for cash in sorted(payments, key=lambda row: (row["payment_date"], row["payment_id"])):
        left = Decimal(cash["amount"])
        for promise in order:
            in_time = promise["visit_date"] <= cash["payment_date"] <= promise["promised_payment_date"]
            if in_time and promise["account_id"] == cash["account_id"]:
                taken = min(left, promise["promised_payment_amount"] - got[promise["visit_id"]])
                got[promise["visit_id"]] += taken
                left -= taken
    return got
