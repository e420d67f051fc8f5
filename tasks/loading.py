"""Loading what is new."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from kam import steps
from kam.ingest import LoadResult
from kam.settings import find_site


@task(task_run_name="load-{feed}", cache_policy=NO_CACHE)
def load_feed(site: str, feed: str) -> tuple[LoadResult, ...]:
    """Load what is new in one feed."""
    return steps.load_feed(find_site(Path(site)), feed)
