"""Running a close as Prefect tasks, with artifacts at its end."""

from __future__ import annotations

from kam.alerts import writing_and_telling
from kam.close import CloseReport, Run, close_months, require_closed, require_reason
from kam.site import Site
from tasks import TASKS, alert
from tasks.artifacts import leave_artifacts


def close(site: Site, run: Run) -> CloseReport:
    """Close the months of a run and send its alerts.

    Raises the error of the first month that failed or needs a restatement, after the others are committed and
    published.
    """
    require_reason(restate=run.terms.restate, reason=run.terms.reason)
    try:
        with writing_and_telling(site, run, tell=alert):
            close_months(site, run, TASKS)
    finally:
        # Also of a run that failed: they say how far it came and why.
        leave_artifacts(run.report, run.months)
    require_closed(run.report.months)
    return run.report
