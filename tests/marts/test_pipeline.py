"""Sales opportunities: open, won and lost as was recorded by the month's end, and how good the probabilities were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("opportunities.states_follow_from_dates", "is_open = NOT is_open"),
    Tampering("pipeline.parts_within_the_open_ones", "slipped_count = open_count + 1"),
    Tampering("pipeline.undefined_has_a_reason", "won_amount_reason = 'none'"),
    Tampering("pipeline_calibration.probabilities_are_of_their_tenth", "stated_sum = stated_sum + n"),
    Tampering("pipeline_calibration.shares_within_0_and_1", "won_ratio = 2"),
)

Row = dict[str, Any]
MONTHS = ("2026-05", "2026-06", "2026-07")


def record(number: str, recorded_on: str, **given: Any) -> Row:
    """A record of an opportunity of account A that is worth 100."""
    return {"opportunity_id": number, "recorded_on": recorded_on, "account_id": "A", "value": 100} | given


def won(number: str, recorded_on: str, closed_on: str, **given: Any) -> Row:
    """The record that says it was won."""
    return record(number, recorded_on, outcome="won", closed_on=closed_on, **given)


def build(*records: Row, periods: Sequence[str] = MONTHS, **feeds: Any) -> Connection:
    tables = ["opportunities", "pipeline", "pipeline_calibration"]
    return build_case({"opportunities": records} | feeds, periods=periods, tables=tables)


@pytest.fixture(scope="module")
def states() -> Connection:
    """One opportunity per account, or two, in three months."""
    return build(
        # Closed on 28 May, which nobody recorded before June; the record of July says it once more.
        record("P1", "2026-04-10", account_id="LATE"),
        won("P1", "2026-06-02", "2026-05-28", account_id="LATE"),
        won("P1", "2026-07-02", "2026-05-28", account_id="LATE"),
        # Won in May, open again in June, won again in July.
        won("P2", "2026-05-10", "2026-05-10", account_id="AGAIN"),
        record("P2", "2026-06-10", account_id="AGAIN"),
        won("P2", "2026-07-10", "2026-07-10", account_id="AGAIN", value=90),
        # Recorded in May as lost on a day in June.
        record("P3", "2026-05-10", account_id="AHEAD", outcome="lost", closed_on="2026-06-30"),
        # Closed without an outcome.
        record("P4", "2026-04-10", account_id="NEITHER", stage="offer"),
        record("P4", "2026-06-10", account_id="NEITHER", stage="offer", closed_on="2026-06-10"),
        # Due on the last day of June; without a probability.
        record("P5", "2026-05-10", account_id="SLIP", expected_close="2026-06-30"),
        record("P6", "2026-05-10", account_id="SLIP", expected_close="2026-07-01", success_probability=0),
        # In dollars: the rate is that of the month end while it is open, and of the day on which it was won.
        record("P7", "2026-05-10", account_id="USD", currency="USD", success_probability=0.333),
        won("P7", "2026-07-10", "2026-07-08", account_id="USD", currency="USD"),
        record("P8", "2026-07-01", account_id="YEN", currency="JPY"),
        fx_rates=[
            {"currency": "USD", "rate_date": "2026-05-31", "rate": "0.9"},
            {"currency": "USD", "rate_date": "2026-06-30", "rate": "0.7"},
            {"currency": "USD", "rate_date": "2026-07-08", "rate": "0.8"},
            {"currency": "USD", "rate_date": "2026-07-09", "rate": "0.6"},
        ],
    )


def by_month(con: Connection, account_id: str, columns: str) -> list[tuple[Any, ...]]:
    """The figures of an account, month by month."""
    query = f"SELECT {columns} FROM build.pipeline WHERE account_id = '{account_id}' ORDER BY period_month"
    return [tuple(row.values()) for row in fetch(con, query)]


def test_a_closing_that_is_recorded_in_a_later_month_counts_there_and_once(states: Connection) -> None:
    assert by_month(states, "LATE", "open_count, won, won_amount") == [(1, 0, 0), (0, 1, 100)]


def test_an_opportunity_that_was_opened_again_is_won_twice(states: Connection) -> None:
    assert by_month(states, "AGAIN", "open_count, won, won_amount") == [(0, 1, 100), (1, 0, 0), (0, 1, 90)]


def test_an_opportunity_is_open_until_the_day_of_its_closing(states: Connection) -> None:
    assert by_month(states, "AHEAD", "open_count, lost, lost_amount, won") == [(1, 0, 0, 0), (0, 1, 100, 0)]
    found = fetch(
        states, "SELECT outcome, closed_on IS NULL AS is_null FROM build.opportunities WHERE opportunity_id = 'P3'"
    )
    assert [tuple(row.values()) for row in found] == [(None, True), ("lost", False)]


def test_what_is_closed_without_an_outcome_is_neither_open_nor_decided(states: Connection) -> None:
    assert by_month(states, "NEITHER", "stage, open_count") == [("offer", 1)]
    (row,) = fetch(states, "FROM build.opportunities WHERE opportunity_id = 'P4' AND period_month = '2026-06-01'")
    assert (row["is_closed"], row["is_won"], row["is_lost"]) == (True, False, False)


def test_expected_by_the_last_day_and_open_has_slipped(states: Connection) -> None:
    columns = "stage, open_count, unrated_count, slipped_count, expected_amount"
    assert by_month(states, "SLIP", columns) == [
        ("unknown", 2, 1, 0, 0),
        ("unknown", 2, 1, 1, 0),
        ("unknown", 2, 1, 2, 0),
    ]


def test_open_ones_have_the_rate_of_the_month_end_and_decided_ones_that_of_their_day(states: Connection) -> None:
    columns = "open_amount, expected_amount, won_amount"
    # 100 × 0.9 × 0.333 = 29.97, 100 × 0.7 × 0.333 = 23.31, 100 × 0.8 = 80.
    assert [[float(cell) for cell in row] for row in by_month(states, "USD", columns)] == [
        [90, 29.97, 0],
        [70, 23.31, 0],
        [0, 0, 80],
    ]
    columns = "open_count, open_amount, expected_amount, open_amount_reason, won_amount, won_amount_reason"
    assert by_month(states, "YEN", columns) == [(1, None, None, "no rate for JPY", 0, None)]


def test_the_probability_is_the_one_stated_three_months_before_the_decision_by_who_stated_it() -> None:
    con = build(
        # 28 February is three months before 31 May; 0.9 came a day later.
        record("W1", "2026-01-10", success_probability=0.2),
        record("W1", "2026-02-28", success_probability=1, account_manager="Kim"),
        record("W1", "2026-03-01", success_probability=0.9, account_manager="Lou"),
        won("W1", "2026-05-31", "2026-05-31", success_probability=1, account_manager="Lou"),
        # One record, which is the decision: nothing was stated before.
        won("W2", "2026-05-31", "2026-05-31", success_probability=1),
        # Stated after the decision only.
        won("W3", "2026-06-12", "2026-05-20"),
        record("W3", "2026-06-10", success_probability=0.9),
        # Decided on the last day of the thirteenth month back; and on the day after, in the twelfth.
        record("W4", "2025-01-10", success_probability=0.5),
        won("W4", "2025-06-30", "2025-06-30"),
        record("W5", "2025-01-10", success_probability=0.5999),
        record("W5", "2025-07-01", outcome="lost", closed_on="2025-07-01"),
        periods=["2026-06"],
        accounts=[{"account_id": "A", "account_manager": "Max"}],
    )
    columns = "account_manager, tenth, n, stated_sum, won, brier_score"
    found = fetch(con, f"SELECT {columns} FROM build.pipeline_calibration ORDER BY tenth")
    # 0.5999² = 0.35988001
    assert [(*list(row.values())[:3], *map(float, list(row.values())[3:])) for row in found] == [
        ("Max", 5, 1, 0.5999, 0, 0.35988),
        ("Kim", 9, 1, 1, 1, 0),
    ]
