"""Load what is new, without closing anything."""

from __future__ import annotations

from prefect import flow

from flows import named, site_of_run, told
from flows.parameters import FeedName
from kam.alerts import run_ingest
from kam.close import Run, Terms
from kam.errors import SourceRefusedError
from kam.ingest import LoadResult, ordered_feeds
from kam.report import Ending, load_line
from kam.site import require_feed
from tasks import TASKS, alert
from tasks.artifacts import leave_load_artifact
from tasks.events import tell_what_is_awaited
from tasks.running import state


@flow(name="ingest", flow_run_name=named(lambda _site: "ingest"), persist_result=False)
@told
def ingest(
    site: str,
    feed: FeedName | None = None,
    accept_shrink: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    accept_changes: bool = False,  # noqa: FBT001, FBT002
) -> tuple[LoadResult, ...]:
    """Load what is new, without closing anything.

    Raises `SourceRefusedError` when a source was refused, after the others are loaded; `UsageError` for a feed that the site does not declare.

    Args:
        site: The site's folder, the one with kam.toml.
        feed: Load only this feed. Without it: all feeds that the site declares.
        accept_shrink: Load a full extract even when it lacks most of the current rows.
        accept_changes: Load a file even when it turns documents into other ones, or lacks columns that the feed had until now.
    """
    opened = site_of_run(site)
    if feed:
        require_feed(opened.settings, feed)
    tell_what_is_awaited(opened)
    run = Run("ingest", terms=Terms(accept_shrink=accept_shrink, accept_changes=accept_changes))
    try:
        run_ingest(opened, run, [feed] if feed else ordered_feeds(opened), TASKS, alert)
    except SourceRefusedError:
        # The others are loaded. A run that did not get its turn loaded nothing and says nothing of loads.
        leave_load_artifact(opened, run.report.loads)
        raise
    leave_load_artifact(opened, run.report.loads)
    words = load_line(run.report.loads)
    loads: tuple[LoadResult, ...] = state(Ending("Loaded", words), run.report.loads)
    return loads
