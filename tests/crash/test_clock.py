"""A clock that was set back by a year: nothing but the times in the ledgers depends on it."""

from __future__ import annotations

import os
import time

from kam import archive
from kam.settings import find_site
from tests.crash import books
from tests.crash.harness import Sites

A_YEAR = 365 * 24 * 3600


def test_versions_and_loads_made_under_an_earlier_clock_come_after_those_before(sites: Sites) -> None:
    """The undisturbed run had the right clock: all but the times is equal, what is published and how it is ordered."""
    trial = sites.trial("close")
    folder = trial.site()
    trial.rerun(folder, clock_back_seconds=A_YEAR)
    entries = archive.ledger_entries(find_site(folder))
    closed = [(entry["period_month"], entry["closed_at"]) for entry in entries if entry["kind"] == "close"]
    assert [month for month, _ in closed] == ["2026-04-01", "2026-05-01"]
    assert closed[0][1] > closed[1][1], "the clock was not set back"


def test_a_ledger_written_late_lists_closes_in_the_order_of_their_commits(sites: Sites) -> None:
    """As after a disk was full: lines that it lacks are added by the next run, in an order that no clock decides."""
    folder = sites.trial("close").site()
    sites.runner.run(folder, "close", clock_back_seconds=A_YEAR)
    site = find_site(folder)
    whole = archive.ledger_entries(site)
    archive.ledger(site).write_bytes(b"")
    sites.runner.must_run(folder, "ingest")
    closed = [entry["period_month"] for entry in archive.ledger_entries(site) if entry["kind"] == "close"]
    assert closed == ["2026-04-01", "2026-05-01"]
    assert len(archive.ledger_entries(site)) == len(whole)


def test_a_file_from_the_future_is_loaded_and_one_of_this_moment_is_left(sites: Sites) -> None:
    folder = sites.copy(books.landed)
    (folder / "kam.toml").write_text(books.SETTINGS + "[ingest]\nsettle_seconds = 3600\n")
    for file in (folder / "landing").iterdir():
        os.utime(file, (time.time() + A_YEAR,) * 2)
    (folder / "landing" / "invoices_04.csv").touch()
    sites.runner.must_run(folder, "ingest")
    loads = books.content(folder)["ops.loads"]
    assert {load["feed"] for load in loads} == {"accounts", "instalments", "payments"}
