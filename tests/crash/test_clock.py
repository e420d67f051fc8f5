"""A clock that was set back by a year: nothing but the times in the ledgers depends on it."""

from __future__ import annotations

import os
import time

from kam.archive import store
from kam.site import Site, find_site
from tests.crash import books
from tests.crash.harness import Sites

A_SEASON = 100 * 24 * 3600  # the month to close stays over


def test_versions_and_loads_made_under_an_earlier_clock_come_after_those_before(sites: Sites) -> None:
    """The undisturbed run had the right clock: all but the times is equal, what is published and how it is ordered.

    Also in a ledger that is written later, as after its disk was full: no clock decides on the order of its lines.
    """
    trial = sites.trial("close")
    folder = trial.site()
    trial.rerun(folder, clock_back_seconds=A_SEASON)
    site = find_site(folder)
    closed = closes(site)
    assert [month for month, _ in closed] == ["2026-04-01", "2026-05-01"]
    assert closed[0][1] > closed[1][1], "the clock was not set back"
    site.ledger.write_bytes(b"")
    sites.runner.must_run(folder, "ingest")
    assert closes(site) == closed


def closes(site: Site) -> list[tuple[str, str]]:
    """Month and time of the closes in the order of the ledger."""
    entries = store.ledger_entries(site)
    return [(entry["period_month"], entry["closed_at"]) for entry in entries if entry["kind"] == "close"]


def test_a_file_from_the_future_is_loaded_and_one_of_this_moment_is_left(sites: Sites) -> None:
    folder = sites.copy(books.landed)
    (folder / "kam.toml").write_text(books.SETTINGS + "[ingest]\nsettle_seconds = 3600\n")
    for file in (folder / "landing").iterdir():
        os.utime(file, (time.time() + A_SEASON,) * 2)
    (folder / "landing" / "invoices_04.csv").touch()
    sites.runner.must_run(folder, "ingest")
    loads = books.content(folder)["ops.loads"]
    assert {load["feed"] for load in loads} == {"accounts", "instalments", "payments"}
