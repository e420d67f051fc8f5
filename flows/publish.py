"""Publish all committed versions again, for instance to a folder that was lost."""

from __future__ import annotations

from prefect import flow

from flows import site_of_run
from kam.alerts import run_publish
from kam.close import Run
from tasks import TASKS, alert


@flow(name="publish", flow_run_name="publish", persist_result=False)
def publish(site: str) -> bool:
    """Build the published file again; returns whether it was written."""
    return run_publish(site_of_run(site), Run("publish"), TASKS, alert)
