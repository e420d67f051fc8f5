"""Visits: planned in one month and held in another, reported, paid for, and planned in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, fetch

TAMPERINGS = (
    Tampering("visits.is_planned_or_held", "is_held = false, is_planned = false"),
    Tampering("visit_performance.shares_within_0_and_1", "held_as_planned_ratio = 1.000001", "planned > 0"),
    Tampering("visit_performance.parts_within_the_visits", "held_as_planned = planned + 1"),
    Tampering("visit_performance.undefined_has_a_reason", "hours = NULL"),
    Tampering("visit_plans.submitted_within_the_planned", "submitted = planned + 1"),
    Tampering("visit_plans.undefined_has_a_reason", "submitted_on_time = true"),
)

Row = dict[str, Any]


def visit(number: str, **given: Any) -> Row:
    """A sales visit of account A."""
    return {"visit_id": number, "account_id": "A", "visit_type": "sales"} | given


def build(
    *visits: Row, periods: Sequence[str] = ("2026-06",), plan_due_day: int | None = None, **feeds: Any
) -> Connection:
    settings = {"visits": {"plan_due_day": plan_due_day}} if plan_due_day else None
    tables = ["visits", "visit_performance", "visit_plans"]
    return build_case({"visits": visits} | feeds, settings=settings, periods=periods, tables=tables)


def test_what_visits_never_say_is_unknown_until_one_says_it() -> None:
    con = build(
        visit("V1", planned_date="2026-05-10", visit_date="2026-05-10", duration_hours=2),
        visit("V2", visit_date="2026-06-11", cost=50, participants=3, reported_at="2026-06-12 08:00:00"),
        periods=["2026-05", "2026-06"],
    )
    may, june = fetch(con, "FROM build.visit_performance ORDER BY period_month")
    assert (may["hours"], may["cost"], may["cost_reason"]) == (2, None, "no visit so far names its cost")
    assert (may["reported"], may["report_days"], may["budget_cost"]) == (0, None, None)
    # In June visits are known to name their length; this one has none.
    assert (june["hours"], june["cost"], june["participants"], june["report_days"]) == (0, 50, 3, 1)
    assert (june["held_as_planned_ratio"], june["unplanned"]) == (None, 1)
    assert june["held_as_planned_ratio_reason"] == "nothing was planned for the month"


def test_amounts_are_at_the_rate_of_the_visit_and_unknown_without_one() -> None:
    rates = [{"currency": "USD", "rate_date": "2026-06-05", "rate": "0.5"}]
    rates += [{"currency": "USD", "rate_date": "2026-06-20", "rate": "0.8"}]
    con = build(
        visit("V1", planned_date="2026-06-10", visit_date="2026-06-20", cost=100, budget_cost=60, currency="USD"),
        visit("V2", visit_date="2026-06-01", cost=100, currency="USD", account_id="B"),
        fx_rates=rates,
    )
    first, second = fetch(con, "FROM build.visit_performance ORDER BY account_id")
    assert (first["cost"], first["budget_cost"]) == (80, 30)
    assert (second["cost"], second["cost_reason"], second["budget_cost"]) == (None, "no rate for USD", 0)


def test_days_since_the_last_visit_count_those_of_any_type_that_were_held() -> None:
    con = build(
        visit("V1", visit_date="2026-04-01", visit_type="audit"),
        visit("V2", planned_date="2026-05-20"),
        visit("V3", visit_date="2026-06-10"),
        visit("V4", visit_date="2026-06-10", visit_type=None),
        visit("V5", visit_date="2026-06-09", account_id="B"),
    )
    found = fetch(con, "SELECT visit_id, visit_type, days_since_last FROM build.visits ORDER BY visit_id")
    assert [tuple(row.values()) for row in found] == [
        ("V3", "sales", 70),
        ("V4", "unknown", 0),
        ("V5", "sales", None),
    ]


def test_a_plan_is_in_time_when_all_visits_of_the_month_were_submitted_by_its_day() -> None:
    early, late = "2026-02-28 18:00:00", "2026-03-02 09:00:00"
    con = build(
        # February ends before the 31st.
        visit("V1", planned_date="2026-03-10", account_manager="Ito", plan_submitted_at=early),
        visit("V2", planned_date="2026-03-20", account_manager="Kim", plan_submitted_at=early),
        visit("V3", planned_date="2026-03-21", account_manager="Kim"),
        visit("V4", planned_date="2026-03-22", account_manager="Lee", plan_submitted_at=late),
        # Nobody knows in March of what is submitted in April.
        visit("V5", planned_date="2026-03-23", plan_submitted_at="2026-04-01 00:00:00"),
        visit("V6", visit_date="2026-03-24", account_manager="Ito"),
        periods=["2026-03"],
        plan_due_day=31,
        accounts=[{"account_id": "A", "account_manager": "Ann"}],
    )
    found = fetch(con, "FROM build.visit_plans ORDER BY account_manager")
    assert [(row["account_manager"], row["planned"], row["submitted"], row["submitted_on_time"]) for row in found] == [
        ("Ann", 1, 0, False),
        ("Ito", 1, 1, True),
        ("Kim", 2, 1, False),
        ("Lee", 1, 1, False),
    ]
    assert {f"{row['due_date']}" for row in found} == {"2026-02-28"}


def test_without_a_due_day_or_a_day_of_submission_nobody_knows_who_was_in_time() -> None:
    planned = visit("V1", planned_date="2026-06-10", plan_submitted_at="2026-05-20 00:00:00")
    (row,) = fetch(build(planned), "FROM build.visit_plans")
    assert (row["due_date"], row["submitted_on_time"]) == (None, None)
    assert row["submitted_on_time_reason"] == "no plan_due_day in the settings"
    (row,) = fetch(build(visit("V1", planned_date="2026-06-10"), plan_due_day=25), "FROM build.visit_plans")
    assert (row["submitted"], row["submitted_on_time"]) == (0, None)
    assert row["submitted_on_time_reason"] == "no visit so far names when its plan was submitted"


def test_a_month_ends_where_the_calendar_says() -> None:
    con = build(
        visit("V1", planned_date="2026-06-27", visit_date="2026-06-29"),
        # A day that no month of the calendar has.
        visit("V2", planned_date="2026-07-29", visit_date="2026-07-29"),
        calendar=[
            {"period_month": "2026-06-01", "start_date": "2026-05-31", "end_date": "2026-06-27"},
            {"period_month": "2026-07-01", "start_date": "2026-06-28", "end_date": "2026-07-25"},
        ],
        periods=["2026-06", "2026-07"],
    )
    found = fetch(con, "SELECT visit_id, is_planned, is_held FROM build.visits ORDER BY period_month")
    assert [tuple(row.values()) for row in found] == [("V1", True, False), ("V1", False, True)]
