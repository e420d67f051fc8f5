"""A version that was taken back is kept and marked, and no reader sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from kam.archive.store import ledger_entries
from kam.audit import rebuild, verify
from kam.close import Action, Outcome, Run, Terms, close_months, newest_load, planned_months, steps
from kam.errors import UsageError
from kam.site import FEEDS, Site
from kam.warehouse import warehouse
from tests.stores import lose_warehouse
from tests.support import long, published, write_csv, write_site

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


def invoice(number: str, day: str) -> dict[str, object]:
    return {"invoice_id": number, "account_id": "A", "invoice_date": day, "net_amount": 100}


@pytest.fixture
def site(site_folder: Path) -> Site:
    made = write_site(
        site_folder, {"invoices": [invoice("I4", "2026-04-10"), invoice("I5", "2026-05-10")]}, feeds=["invoices"]
    )
    close(made, [APRIL])
    close(made, [MAY])
    return made


def close(site: Site, months: Sequence[date], *, restate: bool = False) -> list[tuple[Outcome, int]]:
    run = Run("close", months, terms=Terms(restate=restate, reason="late" if restate else ""))
    with steps.writing_session(site, "close"):
        close_months(site, run)
    return [(month.outcome, month.version) for month in run.report.months]


def late_invoice(site: Site) -> None:
    row = invoice("LATE", "2026-05-20")
    write_csv(site.directory / "landing" / "invoices_late.csv", FEEDS["invoices"].column_names, [row])


def months_read(site: Site) -> list[tuple[date, int]]:
    found = published(
        site, "SELECT DISTINCT period_month, close_version FROM reporting.receivables_summary ORDER BY ALL"
    )
    return [(row["period_month"], row["close_version"]) for row in found]


@long
def test_readers_no_longer_see_a_withdrawn_version(site: Site) -> None:
    assert steps.withdraw(site, MAY, "closed too early") == 1
    assert months_read(site) == [(APRIL, 1)]
    (may,) = published(site, "FROM reporting.closes WHERE period_month = DATE '2026-05-01'")
    assert (may["is_newest"], may["withdrawn_because"]) == (False, "closed too early")
    assert may["withdrawn_at"] is not None
    kept = published(site, "SELECT DISTINCT period_month FROM history.receivables_summary ORDER BY ALL")
    assert [row["period_month"] for row in kept] == [APRIL, MAY]


@long
def test_readers_see_the_version_before_it_where_there_is_one(site: Site) -> None:
    late_invoice(site)
    assert close(site, [MAY], restate=True) == [(Outcome.CLOSED, 2)]
    assert steps.withdraw(site, MAY, "the late invoice was a test") == 2
    assert months_read(site) == [(APRIL, 1), (MAY, 1)]


@long
def test_a_withdrawn_month_is_closed_again_as_its_next_version(site: Site) -> None:
    steps.withdraw(site, MAY, "closed too early")
    with warehouse(site) as con:
        (may,) = planned_months(con, site.settings, [MAY], as_of_load=newest_load(con))
    assert (may.action, may.why) == (Action.CLOSE, "its versions were withdrawn")
    assert close(site, [MAY]) == [(Outcome.CLOSED, 2)]
    assert months_read(site) == [(APRIL, 1), (MAY, 2)]


@long
def test_a_month_that_a_later_one_stands_on_is_not_withdrawn(site: Site) -> None:
    with pytest.raises(UsageError, match=r"2026-04 cannot be withdrawn while 2026-05 is closed"):
        steps.withdraw(site, APRIL, "wrong")
    assert months_read(site) == [(APRIL, 1), (MAY, 1)]


@long
@pytest.mark.parametrize(
    ("month", "reason", "message"),
    [(date(2026, 6, 1), "wrong", "2026-06 is not closed"), (MAY, " ", "a withdrawal needs a reason")],
)
def test_nothing_is_withdrawn_without_a_closed_month_and_a_reason(
    site: Site, month: date, reason: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        steps.withdraw(site, month, reason)


@long
def test_a_version_is_withdrawn_once(site: Site) -> None:
    steps.withdraw(site, MAY, "closed too early")
    with pytest.raises(UsageError, match="2026-05 is not closed"):
        steps.withdraw(site, MAY, "again")


@long
def test_a_warehouse_made_again_knows_what_was_withdrawn(site: Site) -> None:
    steps.withdraw(site, MAY, "closed too early")
    assert [entry["kind"] for entry in ledger_entries(site)] == ["load", "close", "close", "withdrawal"]
    lose_warehouse(site)
    report = rebuild(site)
    assert report.differences == []
    steps.publish(site)
    assert months_read(site) == [(APRIL, 1)]
    assert all(proof.holds for proof in verify(site))
