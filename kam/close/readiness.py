"""Whether a month can be closed: it is over, leaves no gap behind it, and has the data that earlier months had."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from kam.close.plan import Action, MonthPlan
from kam.ingest import LoadResult, LoadStatus
from kam.periods import add_months, month_name
from kam.site import FEEDS, Settings, Site
from kam.warehouse import Connection, utc_now

_CLOSED_MONTHS_COMPARED = 3


@dataclass(frozen=True)
class Requirement:
    """One thing that a month needs before it is closed, whether it has it, and that in words."""

    month: date
    name: str
    is_met: bool
    in_words: str


def today(site: Site) -> date:
    """The day that it is where the site is. It decides whether a month may be closed, never what a figure is."""
    zone = zoneinfo.ZoneInfo(site.settings.site.timezone)
    return utc_now().replace(tzinfo=UTC).astimezone(zone).date()


def readiness(
    con: Connection, settings: Settings, planned: Sequence[MonthPlan], loads: Sequence[LoadResult], now: date
) -> list[Requirement]:
    """What each month needs before it is closed; months that are up to date need nothing.

    Reads `core.months` and `core.days` as `prepare_build` made them, and the feeds as known at the variable
    `as_of_load`.
    """
    closed = {month for (month,) in con.execute("SELECT DISTINCT period_month FROM ops.standing_closes").fetchall()}
    ends: dict[date, date] = dict(con.execute("SELECT period_month, as_of_date FROM core.months").fetchall())
    feeds = {feed: _months_with_rows(con, feed) for feed in settings.core_feeds}
    newest = {feed: _newest_date(con, feed) for feed in feeds}
    found: list[Requirement] = []
    for plan in planned:
        if plan.action is not Action.SKIP:
            found.append(_is_over(plan.month, ends[plan.month], now))
            if plan.action is Action.CLOSE:
                found.append(_leaves_no_gap(plan.month, closed))
            found += [_has_rows(plan.month, feed, months, newest[feed], closed) for feed, months in feeds.items()]
            found += _no_source_was_refused(plan.month, loads)
        closed.add(plan.month)
    return found


def why_not_ready(requirements: Iterable[Requirement], month: date) -> str:
    """What a month lacks; empty when it is ready."""
    lacking = [found.in_words for found in requirements if found.month == month and not found.is_met]
    if not lacking:
        return ""
    return f"{month_name(month)} was not closed, because it is not ready:" + "".join(f"\n  {line}" for line in lacking)


def _is_over(month: date, end: date, now: date) -> Requirement:
    is_over = end < now
    words = f"it ended on {end}" if is_over else f"it is not over: it ends on {end}, and today is {now}"
    return Requirement(month, "the month is over", is_over, words)


def _leaves_no_gap(month: date, closed: set[date]) -> Requirement:
    before = [other for other in closed if other < month]
    gap = add_months(month, -1)
    no_gap = not before or gap in closed
    if no_gap:
        words = f"{month_name(gap)} is closed" if before else "no month before it is closed"
    else:
        words = f"{month_name(gap)} is not closed, which would leave a gap after {month_name(max(before))}"
    return Requirement(month, "no gap before it", no_gap, words)


def _has_rows(
    month: date, feed: str, months_with_rows: set[date], newest: date | None, closed: set[date]
) -> Requirement:
    """A feed that had rows in each of the last months closed before has some in this month, too."""
    compared = sorted(other for other in closed if other < month)[-_CLOSED_MONTHS_COMPARED:]
    had_rows = bool(compared) and all(other in months_with_rows for other in compared)
    is_there = month in months_with_rows
    if is_there:
        words = f"{feed} has rows in this month"
    elif had_rows:
        words = f"{feed} has no rows in this month, although it had some in {_listed(compared)}; its newest row is of {newest}"
    else:
        words = f"{feed} has no rows in this month, as in months before"
    return Requirement(month, f"data of {feed}", is_there or not had_rows, words)


def _no_source_was_refused(month: date, loads: Sequence[LoadResult]) -> list[Requirement]:
    refused = [load for load in loads if load.status is LoadStatus.FAILED]
    if not refused:
        return [Requirement(month, "no source was refused", is_met=True, in_words="every source could be loaded")]
    return [
        Requirement(month, "no source was refused", is_met=False, in_words=f"{load.feed} was refused: {load.message}")
        for load in refused
    ]


def _months_with_rows(con: Connection, feed: str) -> set[date]:
    found = con.execute(
        f"""
        SELECT DISTINCT days.period_month
        FROM (SELECT DISTINCT {FEEDS[feed].date} AS event_date FROM core.{feed}) AS events
        JOIN core.days AS days ON days.calendar_date = events.event_date
        """
    )
    return {month for (month,) in found.fetchall()}


def _newest_date(con: Connection, feed: str) -> date | None:
    newest: date | None = con.execute(f"SELECT max({FEEDS[feed].date}) FROM core.{feed}").fetchall()[0][0]
    return newest


def _listed(months: Sequence[date]) -> str:
    names = [month_name(month) for month in months]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
