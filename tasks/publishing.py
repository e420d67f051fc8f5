"""Publishing committed versions."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam.close import PUBLISHING, steps
from kam.site import Site


@task(task_run_name="publish", cache_policy=NO_CACHE, retries=PUBLISHING.count, retry_delay_seconds=PUBLISHING.seconds)
def publish(site: Site, *, only_if_lagging: bool = False) -> bool:
    """Publish all committed versions; whether anything was written."""
    return steps.publish(site, only_if_lagging=only_if_lagging)
