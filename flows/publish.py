"""Publish all committed versions again, for instance to a folder that was lost."""

from __future__ import annotations

from prefect import flow

from flows import named, site_of_run, told
from kam.alerts import run_publish
from kam.close import Run
from kam.report import Ending
from tasks import TASKS, alert
from tasks.running import state


@flow(name="publish", flow_run_name=named(lambda _site: "publish"), persist_result=False)
@told
def publish(site: str) -> bool:
    """Publish all committed versions again; returns whether anything was written.

    Args:
        site: The site's folder, the one with kam.toml.
    """
    opened = site_of_run(site)
    written = run_publish(opened, Run("publish"), TASKS, alert)
    result: bool = state(Ending("Published", f"All committed versions published: {opened.published}"), written)
    return result
