"""Quotations as of a month's end: which revision counts, what is open and decided, and what that is worth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from kam.build import prepare_marts
from kam.warehouse import Connection, memory, prepare
from tests.expectations.cases import Tampering
from tests.support import build, build_case, fetch, settings_of, stage

TAMPERINGS = (
    Tampering("quotations.states_follow_from_dates", "is_open = NOT is_open"),
    Tampering("quotation_performance.parts_are_within_the_whole", "quoted_on_time = quoted + 1"),
    Tampering("quotation_performance.shares_within_0_and_1", "hit_ratio = 2"),
    Tampering("quotation_performance.undefined_has_a_reason", "won_amount_reason = 'none'"),
)

Row = dict[str, Any]
JUNE = dt.date(2026, 6, 1)
COMPLETE = {f"has_{part}": True for part in ("drawing", "quantity", "specification", "usage", "sample")}


def asked(number: str, rfq_date: str, **given: Any) -> Row:
    """A quotation of account A for 100 pieces per year."""
    return {"quotation_id": number, "account_id": "A", "rfq_date": rfq_date, "quantity": 100} | given


def quoted(number: str, rfq_date: str, quoted_date: str, unit_price: float, **given: Any) -> Row:
    return asked(number, rfq_date, quoted_date=quoted_date, unit_price=unit_price, **given)


def decided(decision: str, decided_date: str, **given: Any) -> Row:
    return {"decision": decision, "decided_date": decided_date} | given


def test_june_is_what_june_s_extract_said_whatever_december_s_overwrote() -> None:
    """June closed with June's load, and again with that of December as well."""
    june = [
        asked("ASKED", "2026-06-02", **COMPLETE),
        quoted("QUOTED", "2026-06-02", "2026-06-20", 11, target_price=10),
        quoted("LOST", "2026-06-02", "2026-06-10", 7) | decided("lost", "2026-06-15", competitor_id="Z"),
        quoted("REVISED", "2026-05-02", "2026-05-10", 9),
        asked("REVISED", "2026-06-05", revision=1),
    ]
    december = [
        # Quoted and lost in July, and what was missing came or went later.
        quoted("ASKED", "2026-06-02", "2026-07-05", 3) | decided("lost", "2026-08-01"),
        # Quoted again under the same number.
        quoted("QUOTED", "2026-06-02", "2026-08-20", 8, target_price=7) | decided("won", "2026-09-01"),
        # Opened again and won.
        quoted("LOST", "2026-06-02", "2026-06-10", 7) | decided("won", "2026-11-05"),
        quoted("REVISED", "2026-05-02", "2026-05-10", 9),
        quoted("REVISED", "2026-06-05", "2026-07-10", 8, revision=1) | decided("won", "2026-07-30"),
        asked("LATER", "2026-07-01"),
    ]
    settings = settings_of(feeds=("quotations", "accounts"))
    found = []
    for load in (1, 2):
        con = memory()
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, {"quotations": june}, load_id=1)
        stage(con, {"quotations": december}, load_id=2)
        con.execute("UPDATE staging.quotations SET superseded_load_id = 2 WHERE load_id = 1")
        build(con, settings, [JUNE], as_of_load=load)
        found.append(
            [*fetch(con, "FROM build.quotation_performance"), *fetch(con, "FROM build.quotations ORDER BY ALL")]
        )
    assert found[0] == found[1]
    performance = found[0][0]
    names = ("received", "package_complete", "quoted", "open", "won", "lost", "lost_amount")
    # 18 and 8 days; 100 × 7 lost; (11 − 10) × 100 on 1000.
    assert [performance[name] for name in names] == [3, 1, 2, 3, 0, 1, 700]
    assert (performance["turnaround_days"], performance["price_gap_amount"]) == (26, 100)


@pytest.fixture(scope="module")
def con() -> Connection:
    """May, June and July; each quotation is of an account of its own name."""
    rows = [
        # Of three revisions the last came after the decision; the decision stands in both.
        quoted("LATE", "2026-05-02", "2026-05-10", 9) | decided("lost", "2026-06-20"),
        quoted("LATE", "2026-05-02", "2026-06-18", 8, revision=1) | decided("lost", "2026-06-20"),
        quoted("LATE", "2026-05-02", "2026-07-01", 7, revision=2) | decided("won", "2026-07-02"),
        # Lost on the day before the second offer was made.
        quoted("DURING", "2026-05-02", "2026-05-10", 9),
        quoted("DURING", "2026-05-02", "2026-06-21", 8, revision=1) | decided("lost", "2026-06-20"),
        # Decided by us without an offer; and by the customer.
        asked("NO OFFER", "2026-06-02") | decided("declined", "2026-06-10"),
        asked("UNPRICED", "2026-06-02") | decided("lost", "2026-06-10"),
        # Asked for on the last day of May, quoted on the day on which it was wanted, in dollars.
        quoted("ON TIME", "2026-05-31", "2026-06-12", 10, requested_by="2026-06-12", currency="USD", target_price=0)
        | decided("withdrawn", "2026-07-31"),
        # Decided in the month eleven months before June, and in the one before that.
        quoted("LONG AGO", "2025-05-02", "2025-05-10", 9) | decided("won", "2025-07-01"),
        quoted("TOO LONG", "2025-05-02", "2025-05-10", 9) | decided("won", "2025-06-30"),
    ]
    rates = [
        {"currency": "USD", "rate_date": "2026-06-12", "rate": "0.9"},
        {"currency": "USD", "rate_date": "2026-06-13", "rate": "0.8"},
    ]
    return build_case(
        {"quotations": [row | {"account_id": row["quotation_id"]} for row in rows], "fx_rates": rates},
        periods=["2026-05", "2026-06", "2026-07"],
        tables=["quotations", "quotation_performance"],
    )


def by_month(con: Connection, account_id: str, columns: str, table: str = "quotation_performance") -> list[list[Any]]:
    found = fetch(con, f"SELECT {columns} FROM build.{table} WHERE account_id = '{account_id}' ORDER BY period_month")
    return [list(row.values()) for row in found]


def test_a_revision_after_the_decision_changes_neither_the_decision_nor_the_price(con: Connection) -> None:
    # 100 × 8 of the second revision.
    assert by_month(con, "LATE", "open, won, lost, lost_amount, rolling_12_decided") == [
        [1, 0, 0, 0, 0],
        [0, 0, 1, 800, 1],
        [0, 0, 0, 0, 1],
    ]
    columns = "revision, revision_count, unit_price, quoted_date"
    assert by_month(con, "LATE", columns, "quotations") == [
        [0, 1, 9, dt.date(2026, 5, 10)],
        [1, 2, 8, dt.date(2026, 6, 18)],
    ]


def test_a_decision_counts_on_its_day_and_what_was_quoted_after_it_does_not(con: Connection) -> None:
    assert by_month(con, "DURING", "lost, lost_amount")[1:] == [[1, 900], [0, 0]]


def test_a_decision_without_an_offer_counts_and_has_no_amount(con: Connection) -> None:
    assert by_month(con, "NO OFFER", "received, quoted, declined, open, hit_ratio, lost_amount")[0] == [
        1,
        0,
        1,
        0,
        None,
        0,
    ]
    assert by_month(con, "UNPRICED", "lost, hit_ratio, lost_amount, lost_amount_reason")[0] == [
        *(1, 0, None, "not quoted by the month end"),
    ]


def test_an_offer_on_the_day_on_which_it_was_wanted_is_in_time_and_has_the_rate_of_its_day(con: Connection) -> None:
    columns = (
        "received, quoted, quoted_on_time, average_turnaround_days, price_gap_amount, price_gap_ratio_reason, open"
    )
    # 100 × 10 × 0.9
    assert by_month(con, "ON TIME", columns) == [
        [1, 0, 0, None, 0, "no quotation first quoted in the month has a price, a target price and a quantity", 1],
        [0, 1, 1, 12, 900, "the target prices are 0", 1],
        [0, 0, 0, None, 0, "no quotation first quoted in the month has a price, a target price and a quantity", 0],
    ]
    assert by_month(con, "ON TIME", "withdrawn, decided")[2] == [1, 0]


def test_twelve_months_of_decisions_stand_beside_those_of_the_month(con: Connection) -> None:
    columns = "period_month::VARCHAR, decided, hit_ratio_reason, rolling_12_won, rolling_12_hit_ratio"
    assert by_month(con, "LONG AGO", columns) == [
        [f"2026-0{month}-01", 0, "nothing was won or lost in the month", 1, 1] for month in (5, 6)
    ]
    assert by_month(con, "TOO LONG", "period_month::VARCHAR") == [["2026-05-01"]]
