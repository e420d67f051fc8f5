"""Close one month: from what is new in the landing folder to a published version."""

from __future__ import annotations

import logging
import zoneinfo
from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import PREVIOUS, MissedMonths, MonthOrPrevious
from kam.close import CloseReport, Run, Terms
from kam.errors import UsageError
from kam.periods import add_months, month_name, months_between, parse_month
from kam.publish import published_months, waiting_months
from kam.site import Site
from kam.words import counted
from tasks.running import close


def resolved(site: Site, period: str) -> str:
    """The month that `previous` means: the one before the month in which the run was due, in the site's time zone.

    The schedule decides, not the clock: a run that starts late closes the month it was meant for.
    """
    if period != PREVIOUS:
        return period
    due = flow_run.scheduled_start_time.astimezone(zoneinfo.ZoneInfo(site.settings.site.timezone))
    return month_name(add_months(due.date().replace(day=1), -1))


log = logging.getLogger("kam")


def _what(site: Site) -> str:
    """`close 2026-10`, also for a scheduled run that closes the previous month."""
    return f"close {resolved(site, flow_run.parameters['period'])}"


@flow(name="monthly_close", flow_run_name=named(_what), persist_result=False)
@told
def monthly_close(  # noqa: PLR0913, PLR0917 - parameters of a deployment
    site: str,
    period: MonthOrPrevious = PREVIOUS,
    restate: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    reason: str = "",
    accept_shrink: bool = False,  # noqa: FBT001, FBT002
    as_of_load: int | None = None,
    as_known_on: date | None = None,
    even_though: str = "",
    catch_up: MissedMonths = 12,
    identity: str = "",  # noqa: ARG001 - read when the site is opened
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
        catch_up: How many missed months `previous` closes before its own, the oldest first; more than that are refused. 0 closes its own only.
        identity: In whose name; the deployment sets it, and a run may not change it.
    """
    opened = site_of_run(site)
    month = parse_month(resolved(opened, period))
    missed = _missed(opened, month, catch_up) if period == PREVIOUS else []
    terms = Terms(restate, reason, accept_shrink, as_of_load, as_known_on, even_though=even_though)
    run = Run("backfill", [*missed, month], terms=terms) if missed else Run("close", [month], terms=terms)
    report: CloseReport = close(opened, run)
    return report


def _missed(site: Site, month: date, at_most: int) -> list[date]:
    """The months between the newest that is published or waits for approval and this one: their closes were never started, or failed.

    Raises `UsageError` for more than `at_most`.
    """
    seen = [published.month for published in published_months(site)]
    # Closed, too: they wait for somebody to approve them.
    seen += [waiting for waiting, _ in waiting_months(site)]
    before = [other for other in seen if other < month]
    if not at_most or not before or month in seen:
        return []
    first = add_months(max(before), 1)
    missed = months_between(first, month)[:-1]
    if len(missed) > at_most:
        backfill = site.command("backfill", month_name(first), month_name(month))
        message = f"{counted(len(missed), 'month')} before {month_name(month)} are not closed, from {month_name(first)} on; at most {at_most} are caught up. Close them: {backfill}"
        raise UsageError(message)
    if missed:
        names = ", ".join(map(month_name, missed))
        log.info("Not closed before %s, and closed first: %s", month_name(month), names)
    return missed
