"""Where the money of each ageing bucket went within a month."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.marts.test_receivables import credit_note, invoice, payment, rate
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("receivables_roll_rates.shares_add_up", "amount = amount + 0.01"),
    Tampering("receivables_roll_rates.undefined_has_a_reason", "roll_ratio = NULL", "roll_ratio IS NOT NULL"),
)


def june(settings: Any = None, **given: Any) -> Connection:
    return build_case(given, settings=settings, periods=["2026-06"], tables=["receivables_roll_rates"])


def rolls(con: Connection, account_id: str) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Amount and share by both buckets."""
    found = fetch(con, f"FROM build.receivables_roll_rates WHERE account_id = '{account_id}' ORDER BY to_bucket_no")
    return {(row["from_bucket"], row["to_bucket"]): (row["amount"], row["roll_ratio"]) for row in found}


def test_the_parts_of_each_bucket_are_what_it_held() -> None:
    con = june(
        fx_rates=[rate("USD", "2026-06-01", "0.5")],
        invoices=[
            invoice("I1", 100, "2026-05-01", "2026-05-20", currency="USD"),
            credit_note("C1", "33.33", "2026-06-20", "I1", currency="USD"),
            invoice("I2", 100, "2026-04-01", "2026-05-10", account_id="B"),
            invoice("I3", 80, "2026-05-15", "2026-07-15", account_id="B"),
            invoice("I4", 500, "2026-06-05", "2026-06-10", account_id="B"),
        ],
        payments=[
            payment("P1", "33.33", "2026-06-10", "I1", currency="USD"),
            payment("P2", 60, "2026-05-20", "I2", account_id="B"),
            payment("P3", 20, "2026-06-20", "I2", account_id="B", payment_type="refund"),
            payment("P4", 30, "2026-06-20", "I3", account_id="B", payment_type="write_off"),
            payment("P5", 5, "2026-06-20", "I3", account_id="B", payment_type="discount"),
            payment("P6", 45, "2026-07-01", "I3", account_id="B"),
        ],
    )
    # 100 USD are 50: 33.34 USD open are 16.67, with what was paid 33.34, with what was credited 50.
    assert {key: str(amount) for key, (amount, _) in rolls(con, "A").items()} == {
        ("1-30", "31-60"): "16.67",
        ("1-30", "paid"): "16.67",
        ("1-30", "credited"): "16.66",
    }
    # The refund of 20 opened I2 again: 60 are open of the 40 there were. I4 came in June, P6 came in July.
    assert rolls(con, "B") == {
        ("1-30", "31-60"): (60, Decimal("1.5")),
        ("1-30", "paid"): (-20, Decimal("-0.5")),
        ("current", "current"): (45, Decimal("0.5625")),
        ("current", "paid"): (5, Decimal("0.0625")),
        ("current", "written_off"): (30, Decimal("0.375")),
    }


def test_cash_that_is_set_against_an_item_pays_it() -> None:
    con = june(
        invoices=[invoice("I1", 100, "2026-05-01", "2026-05-20")],
        payments=[payment("P1", 40, "2026-06-10")],
        settings={"receivables": {"apply_unapplied": "oldest_first"}},
    )
    assert {key: amount for key, (amount, _) in rolls(con, "A").items()} == {
        ("1-30", "31-60"): 60,
        ("1-30", "paid"): 40,
    }


def test_a_bucket_with_an_amount_without_a_rate_has_no_shares_and_says_why() -> None:
    con = june(
        invoices=[
            invoice("I1", 100, "2026-05-01", "2026-05-20", currency="USD"),
            invoice("I2", 50, "2026-05-01", "2026-05-20"),
        ],
        payments=[payment("P1", 50, "2026-06-10", "I2")],
    )
    found = {row["to_bucket"]: row for row in fetch(con, "FROM build.receivables_roll_rates")}
    assert (found["31-60"]["amount"], found["31-60"]["amount_reason"]) == (None, "no rate for USD")
    assert (found["paid"]["amount"], found["paid"]["roll_ratio"], found["paid"]["from_amount"]) == (50, None, None)
    assert found["paid"]["roll_ratio_reason"] == "no rate for USD"


MONTHS = ("2026-04", "2026-05", "2026-06", "2026-07")


@pytest.mark.parametrize("seed", range(2))
def test_what_a_bucket_held_is_what_went_from_it_whatever_is_paid_or_credited(seed: int) -> None:
    """Against what was open at the end of the month before, document by document; the shares of a bucket add up to 1."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    bills, others = [], []
    for number in range(40):
        issued = dt.date(2026, 2, 1) + dt.timedelta(days=chance.randrange(150))
        due, amount = issued + dt.timedelta(days=chance.randrange(45)), chance.randrange(2, 900)
        account = chance.choice("AB")
        bills.append(invoice(f"I{number}", amount, str(issued), str(due), account_id=account))
        # Two parts of it, so that no document is settled beyond its amount.
        for part in range(2):
            day, of = issued + dt.timedelta(days=chance.randrange(90)), chance.randrange(1, amount // 2 + 1)
            others.append(
                (f"I{number}", f"{number}-{part}", account, day, of, chance.choice(("receipt", "write_off", "credit")))
            )
    credited = [credit_note(f"C{name}", of, str(day), of_bill, account_id=account)
               for of_bill, name, account, day, of, kind in others if kind == "credit"]  # fmt: skip
    payments = [payment(f"P{name}", of, str(day), of_bill, account_id=account, payment_type=kind)
                for of_bill, name, account, day, of, kind in others if kind != "credit"]  # fmt: skip
    con = build_case(
        {"invoices": [*bills, *credited], "payments": payments}, periods=MONTHS, tables=["receivables_roll_rates"]
    )

    held: dict[tuple[str, str], int] = defaultdict(int)
    for month in MONTHS:
        before = dt.date(2026, int(month[-2:]), 1) - dt.timedelta(days=1)
        for bill in bills:
            if dt.date.fromisoformat(bill["invoice_date"]) <= before:
                gone = sum(row[4] for row in others if row[0] == bill["invoice_id"] and row[3] <= before)
                held[bill["account_id"], month] += bill["net_amount"] - gone
    buckets: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in fetch(con, "FROM build.receivables_roll_rates"):
        buckets[row["account_id"], f"{row['period_month']:%Y-%m}", row["from_bucket"]].append(row)
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (account, month, _), rows in buckets.items():
        assert {sum(row["amount"] for row in rows)} == {row["from_amount"] for row in rows}
        assert abs(sum(row["roll_ratio"] for row in rows) - 1) < Decimal("0.00001")
        found[account, month] += rows[0]["from_amount"]
    assert found == {key: amount for key, amount in held.items() if amount}
