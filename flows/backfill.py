"""Close many months in one pass: built as a set, committed month by month."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows import site_of_run
from kam.close import CloseReport, Run, Terms
from kam.close import dry_run as plan_only
from kam.periods import months_between, parse_month
from tasks.artifacts import leave_plan_artifact
from tasks.running import close


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
    even_though: str = "",
    stop_on_failure: bool = False,  # noqa: FBT001, FBT002
    dry_run: bool = False,  # noqa: FBT001, FBT002
) -> CloseReport:
    """Close every month of a site from `first` to `last`, such as 2024-01 and 2026-10.

    A month that is not ready is closed only when `even_though` says why. A month that is up to date is left alone; one that fails does not keep the others from closing, unless
    `stop_on_failure`. A `dry_run` loads and closes nothing, and reports what would be done and why. With `as_of_load` or
    `as_known_on` nothing is loaded, and the months are computed from what was known then.
    """
    opened = site_of_run(site)
    months = months_between(parse_month(first), parse_month(last))
    if dry_run:
        planned = plan_only(opened, months, as_of_load=as_of_load, as_known_on=as_known_on, restate=restate)
        leave_plan_artifact(planned, months)
        return CloseReport(planned=tuple(planned))
    terms = Terms(
        restate,
        reason,
        accept_shrink,
        as_of_load,
        as_known_on,
        stop_on_failure=stop_on_failure,
        even_though=even_though,
    )
    return close(opened, Run("backfill", months, terms=terms))
