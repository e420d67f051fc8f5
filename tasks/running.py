"""Running a close as Prefect tasks: its end has a name, a message, artifacts and events."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from prefect import get_run_logger
from prefect.states import Completed, Failed

from kam.alerts import reason, run_close
from kam.close import Run
from kam.errors import KamError
from kam.publish import published_months
from kam.report import Ending, Standing, closing_lines, ending
from kam.site import Site
from kam.stops import check
from tasks import TASKS, alert
from tasks.artifacts import Progress, leave_artifacts
from tasks.events import tell_of_months, tell_what_is_awaited

log = logging.getLogger("kam")


def close(site: Site, run: Run) -> Any:  # noqa: ANN401 - Prefect makes the report of it, or raises the error
    """Close the months of a run as `run_close` does, each step a task; the state that the flow ends with.

    Its result is the report, or the error that `run_close` raises.
    """
    by = TASKS
    if run.kind == "backfill":
        by = replace(TASKS, commit_month=Progress(site, run).committing(TASKS.commit_month))
    ended, error = Ending("Failed", "The run was stopped.", failed=True), None
    standing: Standing = {}
    try:
        try:
            run_close(site, run, by, alert)
        except KamError as raised:
            error = raised
        standing = standing_of(site)
        ended = ending(run, error, standing)
    except Exception as unexpected:
        check()
        ended = replace(ended, message=reason(unexpected))
        raise
    finally:
        # Also of a run that failed: they say how far it came and why.
        leave_artifacts(site, run, ended)
        tell_of_months(site, run, ended, standing)
        tell_what_is_awaited(site)
    if error is None:
        for line in closing_lines(site, run.report):
            # Not by our own logger: the command line prints them, too.
            get_run_logger().info(line)
    return state(ended, error or run.report)


def state(ended: Ending, result: object) -> Any:  # noqa: ANN401 - of a result of any kind
    """The state with which Prefect ends a run: its name, message and result, which may be an error to raise."""
    make = Failed if ended.failed else Completed
    return make(name=ended.name, message=ended.message, data=result)


def standing_of(site: Site) -> Standing:
    """The versions that readers see; none where the published file cannot be read."""
    try:
        return {month.month: month for month in published_months(site)}
    except Exception as error:  # noqa: BLE001 - the close itself is done
        log.warning("The published file cannot be read (%s)", error)
        return {}
