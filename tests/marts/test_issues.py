"""Issues: open, closed and reopened as their dates say at the month's end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from kam.site import FEEDS
from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.support import build_case, close_plainly, fetch, published, write_csv, write_site

TAMPERINGS = (
    Tampering("issues.states_follow_from_dates", "is_open = NOT is_open"),
    Tampering("issue_performance.open_issues_have_one_age", "open = open + 1"),
    Tampering("issue_performance.parts_within_the_issues", "repeated = opened + 1"),
    Tampering("issue_performance.undefined_has_a_reason", "average_days_to_close_reason = 'none'"),
)

Row = dict[str, Any]


def issue(number: str, **given: Any) -> Row:
    """A complaint of account A on the quality of part X."""
    return {"issue_id": number, "account_id": "A", "product_id": "X", "dimension": "quality"} | given


def build(*issues: Row, periods: Sequence[str] = ("2026-06",), **feeds: Any) -> Connection:
    return build_case({"issues": issues} | feeds, periods=periods, tables=["issues", "issue_performance"])


def test_an_issue_is_open_again_from_the_day_it_was_reopened() -> None:
    con = build(
        issue("S1", opened_date="2026-04-01", closed_date="2026-05-10", reopened_date="2026-06-12"),
        # Closed again in June after it was reopened.
        issue("S2", opened_date="2026-04-01", closed_date="2026-06-20", reopened_date="2026-06-12", product_id="Y"),
        # Reopened on the day it was closed.
        issue("S3", opened_date="2026-05-01", closed_date="2026-05-20", reopened_date="2026-05-20", product_id="Z"),
        issue("S4", opened_date="2026-07-01", account_id="B"),
        issue("S5", opened_date="2026-06-01", closed_date="2026-06-02", account_id="C"),
        periods=["2026-05", "2026-06", "2026-07"],
    )
    columns = "closed, open, reopened, days_to_close"
    found = fetch(con, f"SELECT {columns} FROM build.issue_performance WHERE account_id = 'A' ORDER BY period_month")
    # May: S1 is closed, and nobody knows yet that S2 will be. June: S2 is closed after 80 days.
    assert [tuple(row.values()) for row in found] == [(1, 2, 1, 39), (1, 2, 2, 80), (0, 2, 0, 0)]
    # Where nothing is open, no age has one.
    columns = "open, open_0_30, open_31_60, open_61_90, open_over_90"
    (row,) = fetch(con, f"SELECT {columns} FROM build.issue_performance WHERE account_id = 'C'")
    assert set(row.values()) == {0}


def test_only_another_issue_of_the_last_90_days_about_the_same_part_makes_one_repeated() -> None:
    con = build(
        issue("S1", opened_date="2026-03-03"),
        issue("S2", opened_date="2026-06-01"),
        issue("S3", opened_date="2026-06-01", dimension="delivery"),
        issue("S4", opened_date="2026-06-02", product_id=None),
        issue("S5", opened_date="2026-06-03", product_id=None),
        issue("S6", opened_date="2026-06-04", account_id="B"),
        issue("S7", opened_date="2026-03-02", account_id="C"),
        issue("S8", opened_date="2026-06-01", account_id="C"),
    )
    # From 3 March to 1 June are 90 days, from 2 March 91.
    assert fetch(con, "SELECT issue_id FROM build.issues WHERE is_repeated") == [{"issue_id": "S2"}]


def test_costs_are_those_of_the_issues_opened_and_unknown_without_a_rate() -> None:
    con = build(
        issue("S1", opened_date="2026-05-05", cost=70),
        issue("S2", opened_date="2026-06-05", cost=100, currency="USD"),
        issue("S3", opened_date="2026-06-06"),
        issue("S4", opened_date="2026-06-01", cost=5, currency="USD", account_id="B"),
        fx_rates=[{"currency": "USD", "rate_date": "2026-06-04", "rate": "0.9"}],
        periods=["2026-06"],
    )
    first, second = fetch(con, "FROM build.issue_performance ORDER BY account_id")
    assert (first["open"], first["cost"], first["cost_reason"]) == (3, 90, None)
    assert (second["cost"], second["cost_reason"]) == (None, "no rate for USD")
    (row,) = fetch(build(issue("S1", opened_date="2026-06-05")), "FROM build.issue_performance")
    assert (row["cost"], row["cost_reason"]) == (None, "no issue so far names its cost")


def test_due_on_the_last_day_is_not_overdue() -> None:
    con = build(
        issue("S1", opened_date="2026-06-01", target_close_date="2026-06-30"),
        issue("S2", opened_date="2026-06-01", target_close_date="2026-06-29"),
        issue("S3", opened_date="2026-06-01"),
    )
    assert fetch(con, "SELECT issue_id FROM build.issues WHERE is_overdue") == [{"issue_id": "S2"}]


def test_a_closing_that_a_later_load_overwrote_still_counts_in_its_month(site_folder: Any) -> None:
    kept, undone = issue("S1", opened_date="2026-04-01"), issue("S2", opened_date="2026-04-01", product_id="Y")
    closed = {"closed_date": "2026-05-10", "target_close_date": "2026-05-15"}
    site = write_site(
        site_folder,
        {"issues": [kept | closed, undone | closed | {"dimension": "cost"}]},
        feeds=["issues"],
    )
    close_plainly(site, [dt.date(2026, 5, 1)])
    # S1 is reopened in June and closed in July. Of S2 the source takes the date away: it was never closed.
    again = [kept | closed | {"reopened_date": "2026-06-12", "closed_date": "2026-07-05"}]
    again += [undone | {"dimension": "cost", "target_close_date": "2026-05-15"}]
    write_csv(site.directory / "landing" / "issues_2.csv", FEEDS["issues"].column_names, again)
    close_plainly(site, [dt.date(2026, 5, 1)], restate=True)
    close_plainly(site, [dt.date(2026, 6, 1), dt.date(2026, 7, 1)])
    found = published(site, "SELECT issue_id, is_open, is_closed FROM reporting.issues ORDER BY period_month, issue_id")
    assert [tuple(row.values()) for row in found] == [
        ("S1", False, True), ("S2", True, False),
        ("S1", True, False), ("S2", True, False),
        ("S1", False, True), ("S2", True, False),
    ]  # fmt: skip
    scores = published(site, "SELECT dimension, own_score FROM reporting.vendor_rating WHERE own_score IS NOT NULL")
    assert {row["own_score"] for row in scores if row["dimension"] == "cost"} == {0}
