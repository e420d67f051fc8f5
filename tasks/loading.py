"""Loading what is new."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from kam.close import LOADING, steps
from kam.ingest import LoadResult
from kam.site import Site


def _is_unreachable(_task: object, _run: object, state: State[object]) -> bool:
    """Whether trying again may help."""
    return isinstance(state.result(raise_on_failure=False), LOADING.errors)


@task(
    task_run_name="load-{feed}",
    cache_policy=NO_CACHE,
    retries=LOADING.count,
    retry_delay_seconds=LOADING.seconds,
    retry_condition_fn=_is_unreachable,
)
def load_feed(site: Site, feed: str, *, accept_shrink: bool, accept_changes: bool = False) -> tuple[LoadResult, ...]:
    """Load what is new in one feed."""
    return steps.load_feed(site, feed, accept_shrink=accept_shrink, accept_changes=accept_changes)
