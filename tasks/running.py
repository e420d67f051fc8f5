"""Running a close as Prefect tasks, with artifacts at its end."""

from __future__ import annotations

from kam.alerts import run_close
from kam.close import CloseReport, Run
from kam.site import Site
from tasks import TASKS, alert
from tasks.artifacts import leave_artifacts


def close(site: Site, run: Run) -> CloseReport:
    """Close the months of a run as `run_close` does, each step a task, and leave what it reports as artifacts."""
    try:
        return run_close(site, run, TASKS, alert)
    finally:
        # Also of a run that failed: they say how far it came and why.
        leave_artifacts(run.report, run.months)
