"""Versions and what a month opens from, with all checks run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kam import steps
from kam.errors import UsageError
from kam.settings import Site
from tests.support import published, write_csv, write_site

APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
INVOICES: list[dict[str, Any]] = [
    {"invoice_id": f"I{month}", "account_id": "A", "invoice_date": f"2026-0{month}-10", "net_amount": 100}
    for month in (4, 5, 6)
]
PAYMENT = {"payment_id": "P1", "account_id": "A", "invoice_id": "I4", "payment_date": "2026-05-20", "amount": 40}


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, {"invoices": INVOICES, "payments": [PAYMENT]}, feeds=["invoices", "payments"])


def close(site: Site, months: Sequence[date], *, restate: bool = False) -> list[tuple[str, int]]:
    """What the flows do, without Prefect: outcome and version of each month."""
    with steps.writing_session(site, "close"):
        for feed in site.settings.feeds:
            steps.require_loaded(steps.load_feed(site, feed))
        as_of_load = steps.prepare_months(site, months, restate=restate)
        checks = steps.validate_feeds(site, as_of_load)
        steps.build_marts(site, as_of_load)
        mart_checks, controls = steps.validate_marts(site, as_of_load)
        outcomes = [
            steps.commit_month(
                site,
                month,
                as_of_load=as_of_load,
                checks=[*checks, *mart_checks],
                controls=controls,
                restate=restate,
                reason="late documents",
            )
            for month in months
        ]
        steps.publish(site)
    assert [outcome.message for outcome in outcomes if outcome.outcome == "failed"] == []
    return [(outcome.outcome, outcome.version) for outcome in outcomes]


def late_invoice(site: Site) -> None:
    """An invoice of April for 7 that arrives when April is closed."""
    late = {"invoice_id": "LATE", "account_id": "A", "invoice_date": "2026-04-28", "net_amount": 7}
    write_csv(site.directory / "landing" / "invoices_late.csv", list(late), [late])


def roll_forward(site: Site, month: date) -> tuple[Decimal, ...]:
    """Opening, invoiced, received, late documents, closing."""
    (row,) = published(site, f"FROM reporting.receivables_rollforward WHERE period_month = '{month}'")
    lanes = ("opening_amount", "invoiced_amount", "received_amount", "prior_period_adjustment", "closing_amount")
    return tuple(row[f"{lane}_doc"] for lane in lanes)


def test_months_closed_together_or_again_are_left_alone(site: Site) -> None:
    assert close(site, [APRIL, MAY, JUNE]) == [("closed", 1)] * 3
    assert close(site, [APRIL, MAY, JUNE]) == [("unchanged", 1)] * 3
    assert close(site, [MAY]) == [("unchanged", 1)]


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


def test_a_document_late_for_a_closed_month_stands_in_its_own_lane(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    assert close(site, [MAY]) == [("closed", 1)]
    # May opens with what April was published with, 100, and closes with 100 + 100 − 40 + 7.
    assert roll_forward(site, MAY) == (100, 100, 40, 7, 167)


def test_a_restated_month_passes_the_late_document_on_as_opening(site: Site) -> None:
    close(site, [APRIL, MAY])
    late_invoice(site)
    assert close(site, [APRIL, MAY]) == [("changed", 1), ("changed", 1)]
    assert close(site, [APRIL, MAY], restate=True) == [("closed", 2), ("closed", 2)]
    assert roll_forward(site, APRIL) == (0, 107, 0, 0, 107)
    assert roll_forward(site, MAY) == (107, 100, 40, 0, 167)


def test_a_new_month_opens_from_the_published_one_even_when_that_is_out_of_date(site: Site) -> None:
    close(site, [APRIL])
    late_invoice(site)
    assert close(site, [APRIL, MAY]) == [("changed", 1), ("closed", 1)]
    assert roll_forward(site, MAY) == (100, 100, 40, 7, 167)


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


@pytest.mark.parametrize("month", [date(2025, 12, 1), date(2026, 8, 1)])
def test_a_month_outside_the_data_is_a_usage_error(site: Site, month: date) -> None:
    with pytest.raises(UsageError, match="the data runs from 2026-04 to 2026-06"):
        close(site, [month])
    assert not site.published.exists()


def test_a_site_without_any_load_says_what_to_do(site_folder: Path) -> None:
    empty = write_site(site_folder, {}, feeds=["invoices"])
    with pytest.raises(UsageError, match="kam ingest"):
        close(empty, [APRIL])
