"""Which months a scheduled close makes up for, the oldest first."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from flows import monthly_close
from kam.errors import UsageError
from kam.publish import PublishedMonth
from kam.site import Site
from tests.support import write_site

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def site(site_folder: Path) -> Site:
    return write_site(site_folder, {}, feeds=[])


def missed(site: Site, monkeypatch: pytest.MonkeyPatch, *published: int, at_most: int = 12) -> list[date]:
    """What a close of October 2026 makes up for when readers see these months of 2026."""
    closed_at = datetime(2026, 11, 3)
    seen = [PublishedMonth(date(2026, month, 1), 1, "good", closed_at, "anna", "abc") for month in published]
    monkeypatch.setattr(monthly_close, "published_months", lambda _: seen)
    return monthly_close._missed(site, OCTOBER, at_most)  # noqa: SLF001


def test_months_since_the_newest_that_readers_see_are_closed_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missed(site, monkeypatch, 6, 7) == [date(2026, 8, 1), date(2026, 9, 1)]


def test_nothing_is_made_up_for_where_nothing_is_missing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missed(site, monkeypatch, 8, 9) == []
    assert missed(site, monkeypatch, 7, 10) == [], "October itself is closed"
    assert missed(site, monkeypatch) == [], "no month was ever closed"
    assert missed(site, monkeypatch, 6, at_most=0) == [], "switched off"


def test_more_missed_months_than_allowed_are_refused_with_the_command_that_closes_them(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as refused:
        missed(site, monkeypatch, 6, at_most=2)

    assert str(refused.value) == (
        "3 months before 2026-10 are not closed, from 2026-07 on; at most 2 are caught up. "
        f"Close them: {site.command('backfill', '2026-07', '2026-10')}"
    )
