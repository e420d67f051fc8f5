"""Sending the alerts of a run."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam.alerts import news
from kam.close import Run
from kam.site import Site


@task(task_run_name="alert", cache_policy=NO_CACHE)
def alert(site: Site, run: Run) -> None:
    """Send the alerts of a run, and those that still wait."""
    news.tell(site, run)
