"""Candidates of months: the months to build, the settings as tables, the models that run, and hashes of the result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kam.build.runner import materialise
from kam.build.settings_tables import settings_tables
from kam.errors import UsageError
from kam.periods import month_name
from kam.site import FEEDS, Settings
from kam.warehouse import Connection, sql_text


def data_range(con: Connection) -> tuple[date, date] | None:
    """The earliest and the latest date in any date column of any feed; None when nothing is loaded."""
    spans = " UNION ALL ".join(
        f"SELECT least({', '.join(f'min({column})' for column in feed.date_columns)}) AS first_date, "
        f"greatest({', '.join(f'max({column})' for column in feed.date_columns)}) AS last_date FROM core.{feed.name}"
        for feed in FEEDS.values()
        if feed.date_columns
    )
    first, last = con.execute(f"SELECT min(first_date), max(last_date) FROM ({spans})").fetchall()[0]
    return None if first is None else (first, last)


def prepare_build(
    con: Connection, settings: Settings, months: Sequence[date], *, as_of_load: int, restate: bool = False
) -> None:
    """Make `build.periods` and the settings tables for these months, and set which loads are known.

    A month opens from the newest version of the month before that was made with no more than this knowledge, unless that
    month gets a version of its own here: because it was never closed, or because `restate` closes it again.

    Raises `UsageError` for a month before the first or after the last one that any feed has a date in.
    """
    _prepare_calendar(con, settings, as_of_load)
    _prepare_periods(con, months, as_of_load=as_of_load, restate=restate)


def prepare_day(con: Connection, settings: Settings, day: date, *, as_of_load: int) -> None:
    """Make the tables of `prepare_build` for the month of a day, as if that month ended on the day.

    The month's `as_of_date` is the day, so models see nothing of later days. Keep no table that is built on this.
    Raises `UsageError` as `prepare_build` does.
    """
    _prepare_calendar(con, settings, as_of_load)
    found = con.execute("SELECT period_month FROM core.days WHERE calendar_date = ?", [day]).fetchall()
    month = found[0][0] if found else day.replace(day=1)
    con.execute("UPDATE core.months SET as_of_date = ? WHERE period_month = ?", [day, month])
    _prepare_periods(con, [month], as_of_load=as_of_load)


def _prepare_calendar(con: Connection, settings: Settings, as_of_load: int) -> None:
    con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
    span = data_range(con)
    if span is None:
        message = "nothing is loaded yet. Put extracts in the landing folder first"
        raise UsageError(message)
    con.execute(
        "CREATE OR REPLACE TABLE build.data_range AS SELECT ?::DATE AS first_date, ?::DATE AS last_date", list(span)
    )
    settings_tables(con, settings)
    con.execute("CREATE OR REPLACE TABLE build.made_ahead (relation VARCHAR)")
    materialise(con, "core.months")
    materialise(con, "core.days")


def _prepare_periods(con: Connection, months: Sequence[date], *, as_of_load: int, restate: bool = False) -> None:
    _check_months(con, months)
    con.execute(
        f"CREATE OR REPLACE TABLE build.periods AS {sql_text('build/periods.sql')}",
        {"months": list(months), "restate": restate, "as_of_load": as_of_load},
    )


def _check_months(con: Connection, months: Sequence[date]) -> None:
    first, last = con.execute(
        """
        SELECT min(period_month), max(period_month)
        FROM core.days
        JOIN build.data_range ON calendar_date IN (first_date, last_date)
        """
    ).fetchall()[0]
    for month in months:
        if not first <= month <= last:
            message = (
                f"{month_name(month)}: no feed has a date in or around this month; "
                f"the data runs from {month_name(first)} to {month_name(last)}"
            )
            raise UsageError(message)
