"""Close one month: from what is new in the landing folder to a published version."""

from __future__ import annotations

import zoneinfo
from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows import site_of_run
from flows.parameters import PREVIOUS, MonthOrPrevious
from kam.close import CloseReport, Run, Terms
from kam.periods import add_months, month_name, parse_month
from kam.site import Site
from tasks.running import close


def run_name() -> str:
    """`close-2026-10`, also for a scheduled run that closes the previous month."""
    site, period = flow_run.parameters["site"], flow_run.parameters["period"]
    return f"close-{resolved(site_of_run(site), period)}"


def resolved(site: Site, period: str) -> str:
    """The month that `previous` means: the one before the month in which the run was due, in the site's time zone.

    The schedule decides, not the clock: a run that starts late closes the month it was meant for.
    """
    if period != PREVIOUS:
        return period
    due = flow_run.scheduled_start_time.astimezone(zoneinfo.ZoneInfo(site.settings.site.timezone))
    return month_name(add_months(due.date().replace(day=1), -1))


@flow(name="monthly_close", flow_run_name=run_name, persist_result=False)
def monthly_close(
    site: str,
    period: MonthOrPrevious = PREVIOUS,
    restate: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    reason: str = "",
    accept_shrink: bool = False,  # noqa: FBT001, FBT002
    as_of_load: int | None = None,
    as_known_on: date | None = None,
    even_though: str = "",
) -> CloseReport:
    """Close one month of a site.

    Raises `ValidationFailedError` when the month is not ready or a critical check fails, `MonthChangedError` when it is closed and closing it
    again would give different figures without `restate`.

    Args:
        site: The site's folder, the one with kam.toml.
        period: A month such as 2026-10, or `previous`: the month before the one in which the run is due.
        restate: Make a new version of a closed month whose inputs changed. It needs a reason.
        reason: Why; kept in reporting.closes.
        accept_shrink: Load a full extract even when it lacks most of the current rows.
        as_of_load: Use only what was known at this load; nothing is loaded.
        as_known_on: Use only what was known at the end of this day, such as 2026-10-17; nothing is loaded.
        even_though: Close a month that is not ready (not over, after a gap, without rows that earlier months had), and why; kept in reporting.closes.
    """
    opened = site_of_run(site)
    month = parse_month(resolved(opened, period))
    terms = Terms(restate, reason, accept_shrink, as_of_load, as_known_on, even_though=even_though)
    return close(opened, Run("close", [month], terms=terms))
