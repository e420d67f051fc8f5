"""Write the receivables as they stood at the end of a day, without closing anything."""

from __future__ import annotations

import zoneinfo
from datetime import date, timedelta

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import PREVIOUS, DayOrPrevious
from kam.close import Ageing
from kam.errors import UsageError
from kam.site import Site
from tasks.ageing import write_ageing
from tasks.artifacts import leave_ageing_artifact


def resolved(site: Site, as_of: str) -> date:
    """The day; `previous` is the one before the day on which the run was due, in the site's time zone."""
    if as_of == PREVIOUS:
        due = flow_run.scheduled_start_time.astimezone(zoneinfo.ZoneInfo(site.settings.site.timezone))
        due_on: date = due.date()
        return due_on - timedelta(days=1)
    try:
        return date.fromisoformat(as_of)
    except ValueError:
        message = f"{as_of!r} is not a day. Write it as year, month and day, such as 2026-10-17"
        raise UsageError(message) from None


def _what(site: Site) -> str:
    """`ageing 2026-10-17`, also for a scheduled run that takes the previous day."""
    return f"ageing {resolved(site, flow_run.parameters['as_of'])}"


@flow(name="ageing", flow_run_name=named(_what), persist_result=False)
@told
def ageing(
    site: str,
    as_of: DayOrPrevious = PREVIOUS,
    out: str | None = None,
    as_of_load: int | None = None,
    as_known_on: date | None = None,
) -> Ageing:
    """Write the open items of a site at the end of a day, from what is loaded.

    Raises `UsageError` for a day in the future or before the first data, and for a site without receivables.

    Args:
        site: The site's folder, the one with kam.toml.
        as_of: A day such as 2026-10-17, or `previous`: the day before the one on which the run is due.
        out: A .csv, .parquet or .xlsx file, from the site's folder. Without it: published/ageing/ageing-DAY.csv of the site.
        as_of_load: Use only what was known at this load.
        as_known_on: Use only what was known at the end of this day, such as 2026-10-17.
    """
    opened = site_of_run(site)
    found = write_ageing(
        opened,
        resolved(opened, as_of),
        file=opened.directory / out if out else None,
        as_of_load=as_of_load,
        as_known_on=as_known_on,
    )
    leave_ageing_artifact(opened, found)
    return found
