"""Load what is new, without closing anything."""

from __future__ import annotations

from prefect import flow

from flows import site_of_run
from kam.alerts import run_ingest
from kam.close import Run, Terms
from kam.errors import SourceRefusedError
from kam.ingest import LoadResult, ordered_feeds
from tasks import TASKS, alert
from tasks.artifacts import leave_load_artifact


@flow(name="ingest", flow_run_name="ingest", persist_result=False)
def ingest(
    site: str,
    feed: str | None = None,
    accept_shrink: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    accept_changes: bool = False,  # noqa: FBT001, FBT002
) -> tuple[LoadResult, ...]:
    """Load what is new in one feed of a site, else in all that it declares.

    With `accept_shrink` a full extract may lack most of the rows that are current, and with `accept_changes` documents may
    become other ones and columns may go; else such a source is refused.
    Raises `SourceRefusedError` when a source was refused, after the others are loaded.
    """
    opened = site_of_run(site)
    run = Run("ingest", terms=Terms(accept_shrink=accept_shrink, accept_changes=accept_changes))
    try:
        run_ingest(opened, run, [feed] if feed else ordered_feeds(opened), TASKS, alert)
    except SourceRefusedError:
        # The others are loaded. A run that did not get its turn loaded nothing and says nothing of loads.
        leave_load_artifact(run.report.loads)
        raise
    leave_load_artifact(run.report.loads)
    return run.report.loads
