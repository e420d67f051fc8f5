"""A month that is over stays as it is: what happens later changes no state as of its end, whichever extract tells about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from kam.build import marts
from kam.site import FEEDS
from tests.marts.test_undeclared_feeds import full_case_rows
from tests.support import build_case, fetch, long

Row = Mapping[str, Any]
MONTH, LAST_DAY = "2025-12", dt.date(2025, 12, 31)
# Days on which something about a row happened that was there before, and what is said together with it. Moved by a month here, so that
# at each month's end some rows still wait for theirs.
STATES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "orders": {"cancelled_date": ()},
    "invoices": {"accepted_date": ()},
    "issues": {"closed_date": (), "reopened_date": ()},
    "quotations": {"quoted_date": ("unit_price",), "decided_date": ("decision", "lost_reason", "competitor_id")},
    "actions": {"done_date": (), "cancelled_date": (), "updated_date": ()},
    "visits": {"visit_date": (), "reported_at": ()},
    "contracts": {"signed_by_us": (), "signed_by_customer": (), "terminated_on": ()},
    "commitments": {"fulfilled_on": ()},
    "milestones": {"actual_date": ("result",)},
}
# A visit planned for December and held in January, and opportunities decided before and after the month's end.
MORE: Mapping[str, tuple[Row, ...]] = {
    "visits": (
        {"visit_id": "V1", "account_id": "A", "planned_date": "2025-12-10", "visit_date": "2026-01-05"}
        | {"plan_submitted_at": "2025-11-20", "reported_at": "2026-01-06"},
        {"visit_id": "V2", "account_id": "A", "planned_date": "2025-12-11", "visit_date": "2025-12-30"}
        | {"plan_submitted_at": "2025-11-20", "reported_at": "2026-01-02"},
    ),
    "opportunities": tuple(
        {"opportunity_id": name, "account_id": "A", "value": 80, "recorded_on": recorded_on} | said
        for name, closed_on in (("O1", "2025-11-20"), ("O2", "2026-01-20"))
        for recorded_on, said in (
            ("2025-06-04", {"success_probability": 0.4}),
            (closed_on, {"outcome": "won", "closed_on": closed_on}),
        )
    ),
}
# Statements about a month, or known ahead of it: they are in both extracts.
KNOWN_AHEAD = {"calendar", "payment_plan", "scorecards", "sales_plan", "forecasts", "targets", "market", "indicators"}


def _moved(feed: str, row: Row) -> Row:
    moved = STATES.get(feed, {}) if feed != "visits" else ()
    days = {name: _day(row[name]) + dt.timedelta(days=31) for name in moved if row.get(name)}
    return {**row, **days}


def _day(value: object) -> dt.date:
    return dt.date.fromisoformat(str(value))


def _known_by_the_end(feed: str, rows: Sequence[Row]) -> list[Row]:
    """The rows as an extract of the last day has them."""
    date = FEEDS[feed].date
    if date and feed not in KNOWN_AHEAD:
        rows = [row for row in rows if _day(row.get("planned_date") or row[date]) <= LAST_DAY]
    return [_without_later_states(feed, row) for row in rows]


def _without_later_states(feed: str, row: Row) -> Row:
    later = {
        name
        for state, said in STATES.get(feed, {}).items()
        if row.get(state) and _day(row[state]) > LAST_DAY
        for name in (state, *said)
    }
    return {name: value for name, value in row.items() if name not in later}


@long
def test_a_month_is_the_same_from_its_own_extract_and_from_one_of_half_a_year_later() -> None:
    half_a_year_later = {
        feed: [*(_moved(feed, row) for row in rows), *MORE.get(feed, ())] for feed, rows in full_case_rows().items()
    }
    of_its_end = {feed: _known_by_the_end(feed, rows) for feed, rows in half_a_year_later.items()}
    invoices = {row["invoice_id"] for row in of_its_end["invoices"]}
    of_its_end["instalments"] = [row for row in of_its_end["instalments"] if row["invoice_id"] in invoices]
    with build_case(of_its_end, periods=[MONTH]) as then, build_case(half_a_year_later, periods=[MONTH]) as later:
        tables = [mart.name for mart in marts() if not mart.is_dimension]
        rows = {
            table: tuple(fetch(con, f"FROM build.{table} ORDER BY ALL") for con in (then, later)) for table in tables
        }

    differing = {
        f"{table}.{column}"
        for table, (before, after) in rows.items()
        for one, other in zip(before, after, strict=False)
        for column in one
        if one[column] != other[column]
    }
    assert {table for table, (before, after) in rows.items() if len(before) != len(after)} == set()
    assert differing == set()
    # Every table takes part.
    assert [table for table, (before, _) in rows.items() if not before] == []
