"""Load what is new, without closing anything."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from kam.alerts import Run
from kam.close import CloseReport, require_loaded
from kam.ingest import LoadResult, ordered_feeds
from kam.site import find_site
from tasks.alerting import writing_and_alerting
from tasks.artifacts import leave_load_artifact
from tasks.loading import load_feeds


@flow(name="ingest", flow_run_name="ingest", persist_result=False)
def ingest(site: str, feed: str | None = None, accept_shrink: bool = False) -> tuple[LoadResult, ...]:  # noqa: FBT001, FBT002 - parameters of a deployment
    """Load what is new in one feed of a site, else in all that it declares.

    With `accept_shrink` a full extract may lack most of the rows that are current; else it is refused.
    Raises `SourceRefusedError` when a source was refused, after the others are loaded.
    """
    place = find_site(Path(site))
    loads: tuple[LoadResult, ...] = ()
    with writing_and_alerting(place, "ingest", lambda: Run("ingest", report=CloseReport(loads=loads))):
        feeds = [feed] if feed else ordered_feeds(place)
        loads = load_feeds(site, feeds, accept_shrink=accept_shrink)
    leave_load_artifact(loads)
    require_loaded(loads)
    return loads
