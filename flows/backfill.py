"""Close many months in one pass: built as a set, committed month by month."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow

from flows.closing import close_months
from kam.close import CloseReport, Terms
from kam.periods import months_between, parse_month
from kam.site import find_site


@flow(name="backfill", flow_run_name="backfill-{first}-to-{last}", persist_result=False)
def backfill(  # noqa: PLR0913, PLR0917 - parameters of a deployment
    site: str,
    first: str,
    last: str,
    restate: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    reason: str = "",
    accept_shrink: bool = False,  # noqa: FBT001, FBT002
    as_of_load: int | None = None,
    as_known_on: date | None = None,
    stop_on_failure: bool = False,  # noqa: FBT001, FBT002
    dry_run: bool = False,  # noqa: FBT001, FBT002
) -> CloseReport:
    """Close every month of a site from `first` to `last`, such as 2024-01 and 2026-10.

    A month that is up to date is left alone; one that fails does not keep the others from closing, unless
    `stop_on_failure`. A `dry_run` loads and closes nothing, and reports what would be done and why. With `as_of_load` or
    `as_known_on` nothing is loaded, and the months are computed from what was known then.
    """
    months = months_between(parse_month(first), parse_month(last))
    terms = Terms(
        restate,
        reason,
        accept_shrink,
        as_of_load,
        as_known_on,
        skip=True,
        stop_on_failure=stop_on_failure,
        dry_run=dry_run,
    )
    return close_months(find_site(Path(site)), months, f"backfill {first} to {last}", terms)
