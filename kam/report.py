"""What a close or a backfill did, as it is told to a person: on the console and as Prefect artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from expectations import CheckResult
from kam.controls import ControlTotal
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.steps import Headline, MonthOutcome


@dataclass(frozen=True)
class CloseReport:
    """The outcome of one run over one or many months."""

    months: tuple[MonthOutcome, ...] = ()
    loads: tuple[LoadResult, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    controls: tuple[ControlTotal, ...] = ()
    headlines: tuple[Headline, ...] = ()
    empty_because: dict[str, str] = field(default_factory=dict)
    published: bool = False


Row = dict[str, str]


def load_rows(loads: Sequence[LoadResult]) -> list[Row]:
    """What was loaded, one row a source; sources that were loaded before are left out."""
    return [
        {
            "Feed": load.feed,
            "Source": load.source,
            "Read": f"{load.read_count:,}",
            "Loaded": f"{load.loaded_count:,}",
            "Unchanged": f"{load.unchanged_count:,}",
            "Rejected": f"{load.rejected_count:,}",
            "Status": load.message or load.status,
        }
        for load in loads
        if load.status != "already loaded"
    ]


def load_summary(loads: Sequence[LoadResult]) -> list[Row]:
    """What was loaded, one row a feed; sources that were loaded before are left out."""
    feeds = dict.fromkeys(load.feed for load in loads if load.status == "loaded")
    return [
        _feed_row(feed, [load for load in loads if load.feed == feed and load.status == "loaded"]) for feed in feeds
    ]


def _feed_row(feed: str, loads: Sequence[LoadResult]) -> Row:
    return {
        "Feed": feed,
        "Sources": f"{len(loads):,}",
        "Read": f"{sum(load.read_count for load in loads):,}",
        "Loaded": f"{sum(load.loaded_count for load in loads):,}",
        "Unchanged": f"{sum(load.unchanged_count for load in loads):,}",
        "Rejected": f"{sum(load.rejected_count for load in loads):,}",
        "Corrections": f"{sum(load.superseded_count for load in loads):,}",
    }


def check_rows(checks: Sequence[CheckResult], months: Sequence[date]) -> list[Row]:
    """The checks that failed in these months, the gravest first."""
    order = {"critical": 0, "warning": 1, "info": 2}
    wanted = set(months)
    failed = [
        # What belongs to no month counts once, however many months are shown.
        (check, check.failed_count - sum(n for month, n in check.failed_by_month.items() if month not in wanted))
        for check in checks
    ]
    return [
        {
            "Severity": str(check.severity),
            "Rule": check.sentence,
            "Failed": f"{count:,}",
            "Check": check.name,
        }
        for check, count in sorted(failed, key=lambda pair: (order[pair[0].severity], -pair[1], pair[0].name))
        if count
    ]


def control_rows(controls: Sequence[ControlTotal]) -> list[Row]:
    """The control totals, one row each."""
    return [
        {
            "Month": month_name(total.month),
            "Control": total.control,
            "Currency": total.currency,
            "Left": f"{total.left_amount:,.2f}",
            "Right": f"{total.right_amount:,.2f}",
            "Ties": "yes" if total.ties else "no",
        }
        for total in controls
    ]


def headline_rows(headlines: Sequence[Headline]) -> list[Row]:
    """The headline figures, one row a figure and a column a month."""
    months = sorted({line.month for line in headlines})
    found: dict[str, Row] = {}
    for line in headlines:
        name = f"{line.figure} ({line.plan_version})" if line.plan_version else line.figure
        row = found.setdefault(name, {"Figure": name} | {month_name(month): "–" for month in months})
        row[month_name(line.month)] = shown(line.value, line.unit)
    return list(found.values())


def shown(value: object, unit: str) -> str:
    """A figure with its unit; a dash where it is undefined."""
    if not isinstance(value, Decimal):
        return "–"
    if unit == "ratio":
        return f"{value * 100:,.1f} %"
    if unit in ("days", "points"):
        return f"{value:,.1f} {unit}"
    if unit == "ppm":
        return f"{value:,.0f} ppm"
    return f"{value:,.2f} {unit}"
