"""Ministers' disclosed meetings as a visit log: records without a key, and texts that run over several lines."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from kam.ingest import LoadResult
from kam.site import Site
from tests.real import sites
from tests.real.sites import iso_date, loaded_rows, records
from tests.support import needs_shared, published

pytestmark = needs_shared
JUNE = dt.date(2016, 6, 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, with nothing loaded yet."""
    return sites.ministerial_visits(tmp_path_factory.mktemp("visits") / "site")


@pytest.fixture(scope="module")
def visits_load(site: Site) -> LoadResult:
    """The first load."""
    (result,) = sites.load(site)
    return result


@pytest.mark.usefixtures("visits_load")
def test_each_record_is_a_visit_under_its_number_with_its_text_as_written(site: Site) -> None:
    expected = [
        (str(number), row["organisation"], iso_date(row["date"]), row["minister"], row["purpose"])
        for number, row in enumerate(records("ministerial_visits/meetings.csv"), start=1)
    ]

    found = loaded_rows(
        site,
        "SELECT visit_id, account_id, visit_date, account_manager, notes FROM core.visits ORDER BY visit_id::INTEGER",
    )

    assert [tuple(row.values()) for row in found] == expected


def test_line_breaks_in_texts_lose_no_row(site: Site, visits_load: LoadResult) -> None:
    counts = (visits_load.read_count, visits_load.loaded_count, visits_load.unchanged_count, visits_load.rejected_count)
    (broken,) = loaded_rows(site, "SELECT count(*) AS row_count FROM core.visits WHERE contains(notes, chr(10))")

    assert counts == (6000, 6000, 0, 0)
    assert broken["row_count"] == 421


@pytest.mark.usefixtures("visits_load")
def test_identical_records_are_different_visits(site: Site) -> None:
    (surplus,) = loaded_rows(
        site,
        "SELECT count(*) - count(DISTINCT (account_id, visit_date, account_manager, notes)) AS row_count "
        "FROM core.visits",
    )

    assert surplus["row_count"] == 15


@pytest.mark.usefixtures("visits_load")
def test_loading_the_same_file_again_loads_nothing(site: Site) -> None:
    assert [result.status for result in sites.load(site)] == ["already loaded"]


@pytest.fixture(scope="module")
def closed(site: Site, visits_load: LoadResult) -> Site:
    """The site with June 2016 closed."""
    assert visits_load.loaded_count
    sites.close_together(site, [JUNE])
    return site


def test_a_month_of_a_site_with_visits_only_closes(closed: Site) -> None:
    assert [row["period_month"] for row in published(closed, "FROM reporting.closes")] == [JUNE]


def test_visits_of_the_month_are_counted_by_organisation(closed: Site) -> None:
    meetings = [row for row in records("ministerial_visits/meetings.csv") if row["date"].startswith("2016-06")]
    found = published(closed, "FROM reporting.visit_performance")

    assert {row["account_id"]: row["held"] for row in found} == Counter(row["organisation"] for row in meetings)
    # Nothing says what was planned, or how long a meeting took.
    assert {(row["planned"], row["unplanned"] - row["held"], row["hours"], row["hours_reason"]) for row in found} == {
        (0, 0, None, "no visit so far names its length")
    }
    assert published(closed, "FROM reporting.visit_plans") == []


def test_days_since_the_last_meeting_are_those_between_the_records(closed: Site) -> None:
    days = defaultdict(list)
    for row in records("ministerial_visits/meetings.csv"):
        days[row["organisation"]].append(iso_date(row["date"]))
    expected = Counter(
        (organisation, day, (day - before).days if before else None)
        for organisation, held in days.items()
        for before, day in pairwise([None, *sorted(held)])
        if day is not None and day.replace(day=1) == JUNE
    )

    found = published(closed, "SELECT account_id, visit_date, days_since_last FROM reporting.visits")

    assert Counter(tuple(row.values()) for row in found) == expected
