"""Versions and what a month opens from, with all checks run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from expectations import CheckResult, Severity
from expectations.rules import ALLOWED_FAILURES
from kam.close import steps, versions
from kam.errors import UsageError
from kam.site import FEEDS, Site
from kam.warehouse import memory, prepare, warehouse
from tests.support import close_plainly, long, published, write_csv, write_site

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6)
]
PAYMENT = {"payment_id": "P1", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-05-20", "amount": 40}


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, {"invoices": INVOICES, "payments": [PAYMENT]}, feeds=["invoices", "payments"])


def close(
    site: Site, months: Sequence[date], *, restate: bool = False, as_of_load: int | None = None
) -> list[tuple[str, int]]:
    """Outcome and version of each month, all checks run."""
    outcomes = close_plainly(site, months, restate=restate, as_of_load=as_of_load, with_checks=True)
    assert [outcome.message for outcome in outcomes if outcome.outcome == "failed"] == []
    return [(outcome.outcome, outcome.version) for outcome in outcomes]


def late_invoice(site: Site) -> None:
    """An invoice of April for 7 that arrives when April is closed."""
    late = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [late])


def roll_forward(site: Site, month: date) -> tuple[Decimal, ...]:
    """Opening, invoiced, received, late documents, closing."""
    (row,) = published(site, f"FROM reporting.receivables_rollforward WHERE period_month = '{month}'")
    lanes = ("opening_amount", "invoiced_amount", "received_amount", "prior_period_adjustment", "closing_amount")
    return tuple(row[f"{lane}_doc"] for lane in lanes)


@long
def test_months_closed_together_or_again_are_left_alone(site: Site) -> None:
    assert close(site, [APRIL, MAY, JUNE]) == [("closed", 1)] * 3
    assert close(site, [APRIL, MAY, JUNE]) == [("unchanged", 1)] * 3
    assert close(site, [MAY]) == [("unchanged", 1)]


@long
def test_months_closed_one_by_one_equal_months_closed_together(site: Site, tmp_path: Path) -> None:
    for month in (APRIL, MAY, JUNE):
        close(site, [month])
    (tmp_path / "other").mkdir()
    other = write_site(
        tmp_path / "other", {"invoices": INVOICES, "payments": [PAYMENT]}, feeds=["invoices", "payments"]
    )
    close(other, [APRIL, MAY, JUNE])
    query = "SELECT period_month, content_hash FROM reporting.closes ORDER BY ALL"
    assert published(site, query) == published(other, query)


@long
def test_a_document_late_for_a_closed_month_stands_in_its_own_lane(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    assert close(site, [MAY]) == [("closed", 1)]
    # May opens with what April was published with, 100, and closes with 100 + 100 − 40 + 7.
    assert roll_forward(site, MAY) == (100, 100, 40, 7, 167)


@long
def test_a_restated_month_passes_the_late_document_on_as_opening(site: Site) -> None:
    close(site, [APRIL, MAY])
    late_invoice(site)
    assert close(site, [APRIL, MAY]) == [("changed", 1), ("changed", 1)]
    assert close(site, [APRIL, MAY], restate=True) == [("closed", 2), ("closed", 2)]
    assert roll_forward(site, APRIL) == (0, 107, 0, 0, 107)
    assert roll_forward(site, MAY) == (107, 100, 40, 0, 167)


@long
def test_a_new_month_opens_from_the_published_one_even_when_that_is_out_of_date(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    assert close(site, [APRIL, MAY]) == [("changed", 1), ("closed", 1)]
    assert roll_forward(site, MAY) == (100, 100, 40, 7, 167)


@long
def test_a_month_is_not_restated_on_an_opening_that_was_not_published(site: Site) -> None:
    close(site, [APRIL, MAY])
    late_invoice(site)
    with steps.writing_session(site, "restate"):
        for feed in site.settings.feeds:
            steps.load_feed(site, feed)
        as_of_load = steps.prepare_months(site, [APRIL, MAY], restate=True)
        steps.build_marts(site, as_of_load)
        # April fails a critical check and is left at version 1, while May was built to follow on its new balance.
        may = steps.commit_month(
            site, MAY, as_of_load=as_of_load, checks=(), controls=(), restate=True, reason="late documents"
        )
    assert (may.outcome, may.version) == ("failed", 1)
    assert "2026-04, which was not published" in may.message


@long
@pytest.mark.parametrize("month", [date(2025, 12, 1), date(2026, 8, 1)])
def test_a_month_outside_the_data_is_a_usage_error(site: Site, month: date) -> None:
    with pytest.raises(UsageError, match="the data runs from 2026-04 to 2026-06"):
        close(site, [month])
    assert not site.published.exists()


def test_a_site_without_any_load_says_what_to_do(site_folder: Path) -> None:
    empty = write_site(site_folder, {}, feeds=["invoices"])
    with pytest.raises(UsageError, match="Put extracts in the landing folder first"):
        close(empty, [APRIL])


@long
def test_a_month_closes_with_the_knowledge_of_an_earlier_load(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    with warehouse(site) as con:
        steps.load_feed(site, "invoices")
        assert versions.newest_load(con) == 3
    # At load 2 nobody knew of the invoice for 7.
    assert close(site, [APRIL], as_of_load=2) == [("unchanged", 1)]
    assert close(site, [MAY], as_of_load=2) == [("closed", 1)]
    assert roll_forward(site, MAY) == (100, 100, 40, 0, 160)
    assert close(site, [APRIL, MAY]) == [("changed", 1), ("changed", 1)]


@long
def test_a_month_closed_as_known_then_opens_from_the_version_known_then(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    close(site, [APRIL], restate=True)
    # April's version 2 knows load 3; with the knowledge of load 2 May opens from version 1.
    close(site, [MAY], as_of_load=2)
    assert roll_forward(site, MAY) == (100, 100, 40, 0, 160)
    # Known now, May opens from version 2, and nothing is late any more.
    close(site, [MAY], restate=True)
    assert roll_forward(site, MAY) == (107, 100, 40, 0, 167)


def known(site: Site, **what: Any) -> int:
    with warehouse(site) as con:
        return versions.known_load(con, "Europe/Berlin", **what)


@long
def test_the_last_load_of_a_day_is_found_in_the_time_zone_of_the_site(site: Site) -> None:
    close(site, [APRIL])
    with warehouse(site) as con:
        # 22:30 UTC on 31 May is half past midnight on 1 June in Berlin.
        con.execute("UPDATE ops.loads SET finished_at = TIMESTAMP '2026-05-31 21:30:00' WHERE load_id = 1")
        con.execute("UPDATE ops.loads SET finished_at = TIMESTAMP '2026-05-31 22:30:00' WHERE load_id = 2")
    assert known(site, as_known_on=date(2026, 5, 31)) == 1
    assert known(site, as_known_on=date(2026, 6, 1)) == 2
    assert known(site, as_known_on=date(2027, 1, 1)) == 2
    with pytest.raises(UsageError, match="nothing was known on 2026-05-30; the first load is of 2026-05-31"):
        known(site, as_known_on=date(2026, 5, 30))


@long
def test_a_load_that_is_not_there_is_a_usage_error(site: Site) -> None:
    close(site, [APRIL])
    assert known(site, as_of_load=1) == 1
    for number in (0, -1, 3):
        with pytest.raises(UsageError, match=f"no load {number}; the loads run from 1 to 2"):
            known(site, as_of_load=number)
    with pytest.raises(UsageError, match="give one of them"):
        known(site, as_of_load=1, as_known_on=MAY)


@long
def test_a_changed_month_says_what_changed_and_what_that_does_to_the_figures(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    (april,) = close_plainly(site, [APRIL])
    assert april.outcome == "changed"
    lines = april.message.splitlines()
    assert lines[0] == (
        "2026-04 is closed (version 1) and closing it now would give different figures: 1 row of invoices in 1 load since version 1."
    )
    assert lines[1] == "  load 3 (invoices: landing/invoices_late.csv): 1 row loaded"
    assert "  Open receivables: 100.00 EUR → 107.00 EUR" in lines
    assert april.next_steps == (
        f"See what changes: kam --site {site.directory} diff 2026-04",
        f'To make a new version: kam --site {site.directory} close 2026-04 --restate --reason "…"',
    )


def test_a_warning_about_a_load_is_said_by_one_month_of_the_same_knowledge() -> None:
    con = memory()
    prepare(con, "EUR")
    con.execute(
        """
        INSERT INTO ops.closes (period_month, close_version, as_of_load) VALUES ('2026-04-01', 1, 7), ('2026-03-01', 1, 6);
        INSERT INTO ops.checks (period_month, close_version, check_name, suite, success, sample_keys) VALUES
            ('2026-04-01', 1, 'loads.few', 'loads', false, '[{"feed": "orders", "load_id": 7}]'),
            ('2026-03-01', 1, 'loads.few', 'loads', false, '[{"feed": "orders", "load_id": 6}]')
        """
    )

    def said(month: date, severity: Severity = Severity.WARNING) -> tuple[int, tuple[Any, ...]]:
        found: dict[date | None, Any] = {None: [{"feed": "orders", "load_id": load} for load in (6, 7)]}
        check = CheckResult(
            name="loads.few", suite="loads", table="ops.loads", severity=severity, sentence="", owner="", if_it_fails="",
            threshold=ALLOWED_FAILURES, allowed_count=0, checked_count=2, checked_by_month={}, failed_count=2,
            failed_by_month={}, keys_by_month=found,
        )  # fmt: skip
        (left,) = versions.said_once(con, month, 7, [check])
        return left.failed_in(month), tuple(keys["load_id"] for keys in left.keys_in(month))

    assert said(MAY) == (1, (6,))
    # The month that said it says it again in a new version; a critical one stops every month.
    assert said(APRIL) == (2, (6, 7))
    assert said(MAY, Severity.CRITICAL) == (2, (6, 7))
