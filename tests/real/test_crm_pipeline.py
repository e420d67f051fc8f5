"""A CRM's opportunities: what was won, lost and open, month by month, added up from the file itself."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest

from kam.periods import months_between
from kam.site import Site
from tests.real import sites
from tests.real.sites import Record, loaded_rows, month_end, month_of, records
from tests.support import long, needs_shared, published

pytestmark = [needs_shared, long]

MONTHS = months_between(dt.date(2016, 10, 1), dt.date(2017, 12, 1))
NOBODY = "no account"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """All months closed."""
    made = sites.crm_pipeline(tmp_path_factory.mktemp("crm") / "site")
    sites.close_together(made, MONTHS)
    return made


def opportunities() -> list[Record]:
    return records("crm_pipeline/sales_pipeline.csv")


def day(text: str) -> dt.date:
    """A date written as 20-10-16."""
    year, month, of_month = (int(part) for part in reversed(text.split("-")))
    return dt.date(2000 + year, month, of_month)


def by_account_and_month(site: Site, columns: str) -> dict[tuple[dt.date, str], tuple[Any, ...]]:
    found = published(site, f"SELECT period_month, account_id, {columns} FROM reporting.pipeline")
    return {(row["period_month"], row["account_id"]): tuple(row.values())[2:] for row in found}


def test_what_was_won_and_lost_is_that_of_the_file(site: Site) -> None:
    decided: dict[tuple[dt.date, str], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    for row in opportunities():
        if row["deal_stage"] in ("Won", "Lost"):
            sums = decided[month_of(day(row["close_date"])), row["account"]]
            sums[0] += row["deal_stage"] == "Won"
            sums[1] += row["deal_stage"] == "Lost"
            sums[2] += Decimal(row["close_value"])
    assert sum(won for won, _, _ in decided.values()) == 4238
    assert sum(lost for _, lost, _ in decided.values()) == 2473
    assert sum(amount for _, _, amount in decided.values()) == 10_005_534

    found = by_account_and_month(site, "won, lost, won_amount")
    assert {key: sums for key, sums in found.items() if sums[:2] != (0, 0)} == {
        key: tuple(sums) for key, sums in decided.items()
    }


def test_open_at_each_month_end_are_those_engaged_and_not_closed_by_then(site: Site) -> None:
    is_open: Counter[tuple[dt.date, str]] = Counter()
    for row in opportunities():
        closed = day(row["close_date"]) if row["close_date"] else dt.date.max
        for month in MONTHS if row["engage_date"] else ():
            is_open[month, row["account"] or NOBODY] += day(row["engage_date"]) <= month_end(month) < closed

    found = by_account_and_month(site, "open_count, unrated_count, expected_amount")
    # No probability is given, so that nothing is expected.
    assert {key: figures for key, figures in found.items() if figures[0]} == {
        key: (count, count, 0) for key, count in is_open.items() if count
    }
    assert published(site, "FROM reporting.pipeline_calibration") == []


def test_what_has_no_account_is_kept_and_told_and_what_has_no_day_is_rejected(site: Site) -> None:
    without = [row for row in opportunities() if not row["account"]]
    assert len(without) == 1425
    engaged = sum(bool(row["engage_date"]) for row in without)
    (kept,) = loaded_rows(site, f"SELECT count(*) AS n FROM core.opportunities WHERE account_id = '{NOBODY}'")
    assert kept["n"] == engaged
    told = published(
        site,
        "SELECT DISTINCT period_month FROM reporting.data_quality_failures"
        " WHERE check_name = 'opportunities.account_is_known'",
    )
    # Each month in which something of them was recorded.
    recorded = {month_of(day(row["engage_date"])) for row in without if row["engage_date"]}
    assert {row["period_month"] for row in told} == recorded
    rejects = loaded_rows(site, "SELECT column_name, rule FROM staging.rejects WHERE feed = 'opportunities'")
    (refused,) = loaded_rows(
        site,
        "SELECT count(*) AS n FROM staging.rejects"
        f" WHERE feed = 'opportunities' AND (source ->> 'account_id') = '{NOBODY}'",
    )
    # None of them is lost.
    assert kept["n"] + refused["n"] == 1425
    prospects = sum(not row["engage_date"] for row in opportunities())
    assert Counter(row["column_name"] for row in rejects) == {"recorded_on": prospects}
