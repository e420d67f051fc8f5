"""Close many months in one pass: built as a set, committed month by month."""

from __future__ import annotations

from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import Month
from kam.close import CloseReport, Run, Terms
from kam.close import dry_run as plan_only
from kam.periods import months_between, parse_month
from kam.report import Ending
from kam.site import Site
from tasks.artifacts import leave_plan_artifact
from tasks.running import close, state


def _what(_site: Site) -> str:
    return f"backfill {flow_run.parameters['first']} {flow_run.parameters['last']}"


@flow(name="backfill", flow_run_name=named(_what), persist_result=False)
@told
def backfill(  # noqa: PLR0913, PLR0917 - parameters of a deployment
    site: str,
    first: Month,
    last: Month,
    restate: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    reason: str = "",
    accept_shrink: bool = False,  # noqa: FBT001, FBT002
    as_of_load: int | None = None,
    as_known_on: date | None = None,
    even_though: str = "",
    stop_on_failure: bool = False,  # noqa: FBT001, FBT002
    dry_run: bool = False,  # noqa: FBT001, FBT002
    identity: str = "",  # noqa: ARG001 - read when the site is opened
) -> CloseReport:
    """Close every month of a site from `first` to `last`; months that are up to date are left alone.

    A month that fails does not keep the others from closing, unless `stop_on_failure`.

    Args:
        site: The site's folder, the one with kam.toml.
        first: The first month, such as 2024-01.
        last: The last month, such as 2026-10.
        restate: Make new versions of closed months whose inputs changed. It needs a reason.
        reason: Why; kept in reporting.closes.
        accept_shrink: Load a full extract even when it lacks most of the current rows.
        as_of_load: Use only what was known at this load; nothing is loaded.
        as_known_on: Use only what was known at the end of this day, such as 2026-10-17; nothing is loaded.
        even_though: Close months that are not ready (not over, after a gap, without rows that earlier months had), and why; kept in reporting.closes.
        stop_on_failure: Stop at the first month that fails.
        dry_run: Load and close nothing; report what would be done and why.
        identity: In whose name; the deployment sets it, and a run may not change it.
    """
    opened = site_of_run(site)
    months = months_between(parse_month(first), parse_month(last))
    if dry_run:
        planned = plan_only(opened, months, as_of_load=as_of_load, as_known_on=as_known_on, restate=restate)
        leave_plan_artifact(opened, planned, months)
        return _planned(CloseReport(planned=tuple(planned)))
    terms = Terms(
        restate,
        reason,
        accept_shrink,
        as_of_load,
        as_known_on,
        stop_on_failure=stop_on_failure,
        even_though=even_though,
    )
    report: CloseReport = close(opened, Run("backfill", months, terms=terms))
    return report


def _planned(report: CloseReport) -> CloseReport:
    found: CloseReport = state(Ending("Planned", "Nothing was loaded or closed."), report)
    return found
