"""A month is closed only when it is over, leaves no gap and has the data that earlier months had."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kam.close import Outcome, Run, Terms, close_months, require_closed, steps
from kam.errors import SettingsError, ValidationFailedError
from kam.site import FEEDS, Site, find_site
from tests.support import long, published, settings_of, write_csv, write_site

APRIL, MAY, JUNE, JULY = (date(2026, month, 1) for month in (4, 5, 6, 7))


def invoice(number: str, day: str) -> dict[str, object]:
    return {"invoice_id": number, "account_id": "A", "invoice_date": day, "net_amount": 100}


def order(number: str, day: str) -> dict[str, object]:
    return {
        "order_id": number,
        "account_id": "A",
        "product_id": "P",
        "order_date": day,
        "quantity": 1,
        "unit_price": 10,
        "requested_date": day,
    }


BOTH = {
    "invoices": [invoice("I4", "2026-04-10"), invoice("I5", "2026-05-10")],
    "orders": [order("O4", "2026-04-10"), order("O5", "2026-05-10")],
}


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, BOTH, feeds=["invoices", "orders"])


def close(site: Site, months: Sequence[date], **terms: Any) -> Run:
    run = Run("close", months, terms=Terms(**terms))
    with steps.writing_session(site, "close"):
        close_months(site, run)
    return run


def deliver(site: Site, feed: str, row: dict[str, object]) -> None:
    write_csv(site.directory / "landing" / f"{feed}_more.csv", FEEDS[feed].column_names, [row])


def outcomes(run: Run) -> list[tuple[date, Outcome]]:
    return [(month.month, month.outcome) for month in run.report.months]


@long
def test_months_with_data_are_ready(site: Site) -> None:
    run = close(site, [APRIL, MAY])
    assert outcomes(run) == [(APRIL, Outcome.CLOSED), (MAY, Outcome.CLOSED)]
    assert all(requirement.is_met for requirement in run.report.requirements)


@long
def test_a_month_after_a_gap_is_not_closed_and_the_gap_is_named(site: Site) -> None:
    close(site, [APRIL])
    deliver(site, "invoices", invoice("I6", "2026-06-10"))
    run = close(site, [JUNE])
    (june,) = run.report.months
    assert june.outcome is Outcome.FAILED
    assert "2026-05 is not closed, which would leave a gap after 2026-04" in june.message
    with pytest.raises(ValidationFailedError, match="not ready"):
        require_closed(run.report.months)


@long
def test_a_backfill_fills_the_gap_itself(site: Site) -> None:
    close(site, [APRIL])
    for feed, row in (("invoices", invoice("I6", "2026-06-10")), ("orders", order("O6", "2026-06-10"))):
        deliver(site, feed, row)
    assert outcomes(close(site, [APRIL, MAY, JUNE]))[1:] == [(MAY, Outcome.CLOSED), (JUNE, Outcome.CLOSED)]


@long
def test_a_month_before_the_first_closed_one_leaves_no_gap(site: Site) -> None:
    close(site, [MAY])
    assert outcomes(close(site, [APRIL])) == [(APRIL, Outcome.CLOSED)]


@long
def test_a_month_without_the_rows_of_a_core_feed_is_not_closed(site: Site) -> None:
    close(site, [APRIL, MAY])
    deliver(site, "invoices", invoice("I6", "2026-06-10"))
    (june,) = close(site, [JUNE]).report.months
    assert june.outcome is Outcome.FAILED
    assert "orders has no rows in this month, although it had some in 2026-04 and 2026-05" in june.message
    assert "its newest row is of 2026-05-10" in june.message
    assert "invoices has no rows" not in june.message
    assert june.next_steps[-1].endswith('close 2026-06 --even-though "…"')
    (failed,) = published(site, "FROM reporting.failed_closes")
    assert failed["period_month"] == JUNE


@long
def test_a_feed_that_was_empty_in_one_of_the_months_before_is_not_missed(site: Site) -> None:
    close(site, [APRIL, MAY])
    for feed, row in (("invoices", invoice("I7", "2026-07-10")), ("orders", order("O7", "2026-07-10"))):
        deliver(site, feed, row)
    close(site, [JUNE], even_though="the plant was shut")
    deliver(site, "orders", order("O7", "2026-07-10") | {"order_id": "O8"})
    assert outcomes(close(site, [JULY])) == [(JULY, Outcome.CLOSED)]


@long
def test_the_first_month_may_lack_a_feed(site_folder: Path) -> None:
    site = write_site(site_folder, {"invoices": BOTH["invoices"]}, feeds=["invoices", "orders"])
    assert outcomes(close(site, [APRIL])) == [(APRIL, Outcome.CLOSED)]


@long
def test_the_site_names_its_core_feeds(site_folder: Path) -> None:
    site = write_site(site_folder, BOTH, settings={"readiness": {"feeds": ["invoices"]}}, feeds=["invoices", "orders"])
    close(site, [APRIL, MAY])
    deliver(site, "invoices", invoice("I6", "2026-06-10"))
    assert outcomes(close(site, [JUNE])) == [(JUNE, Outcome.CLOSED)]


@pytest.mark.parametrize("feed", ["sales_plan", "forecasts", "fx_rates", "nonsense"])
def test_plans_forecasts_and_rates_are_no_data_of_a_month(feed: str) -> None:
    with pytest.raises(SettingsError, match=r"readiness\.feeds: expected feeds of events"):
        settings_of({"readiness": {"feeds": [feed]}})


@long
@pytest.mark.parametrize(
    ("timezone", "outcome"), [("UTC", Outcome.FAILED), ("Asia/Tokyo", Outcome.CLOSED)], ids=["still May", "June"]
)
def test_a_month_is_over_when_its_last_day_has_passed_where_the_site_is(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, timezone: str, outcome: Outcome
) -> None:
    site = write_site(site_folder, BOTH, settings={"site": {"timezone": timezone}}, feeds=["invoices", "orders"])
    close(site, [APRIL])
    monkeypatch.setattr("kam.close.readiness.utc_now", lambda: dt.datetime(2026, 5, 31, 20, 0))
    (may,) = close(site, [MAY]).report.months
    assert may.outcome is outcome
    if outcome is Outcome.FAILED:
        assert "it is not over: it ends on 2026-05-31, and today is 2026-05-31" in may.message


@long
def test_a_plan_of_a_future_month_does_not_make_it_ready(site_folder: Path) -> None:
    plan = {"plan_version": "AOP", "month": "2035-01-01", "account_id": "A", "amount": 120, "currency": "EUR"}
    site = write_site(site_folder, BOTH | {"sales_plan": [plan]}, feeds=["invoices", "orders", "sales_plan"])
    (january,) = close(site, [date(2035, 1, 1)]).report.months
    assert january.outcome is Outcome.FAILED
    assert "it is not over" in january.message
    assert outcomes(close(site, [APRIL])) == [(APRIL, Outcome.CLOSED)]


@long
def test_closing_all_the_same_is_recorded_with_what_was_lacking(site: Site) -> None:
    close(site, [APRIL, MAY])
    deliver(site, "invoices", invoice("I6", "2026-06-10"))
    assert outcomes(close(site, [JUNE], even_though="no orders in June, confirmed by sales")) == [
        (JUNE, Outcome.CLOSED)
    ]
    june = published(site, "FROM reporting.closes WHERE period_month = DATE '2026-06-01'")
    assert [(row["verdict"], row["even_though"]) for row in june] == [
        ("warning", "no orders in June, confirmed by sales")
    ]
    assert "orders has no rows in this month" in june[0]["not_ready"]
    may = published(site, "FROM reporting.closes WHERE period_month = DATE '2026-05-01'")
    assert [(row["verdict"], row["even_though"], row["not_ready"]) for row in may] == [("good", "", "")]


@long
def test_a_refused_file_stops_the_close_unless_it_is_accepted(site: Site) -> None:
    close(site, [APRIL])
    (site.directory / "landing" / "orders_bad.csv").write_bytes(b"")
    reread = find_site(site.directory)
    assert outcomes(close(reread, [MAY], even_though="the empty file is a mistake of the export")) == [
        (MAY, Outcome.CLOSED)
    ]
    (may,) = published(site, "FROM reporting.closes WHERE period_month = DATE '2026-05-01'")
    assert "orders was refused" in may["not_ready"]
