"""Publish all committed versions again, for instance to a folder that was lost."""

from __future__ import annotations

from prefect import flow

from flows import site_of_run
from kam.alerts import run_publish
from kam.close import Run
from tasks import TASKS, alert


@flow(name="publish", flow_run_name="publish", persist_result=False)
def publish(site: str) -> bool:
    """Publish all committed versions again; returns whether anything was written.

    Args:
        site: The site's folder, the one with kam.toml.
    """
    return run_publish(site_of_run(site), Run("publish"), TASKS, alert)
