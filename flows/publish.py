"""Publish all committed versions again, for instance to a folder that was lost."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from kam.alerts import Run
from kam.site import find_site
from tasks.alerting import writing_and_alerting
from tasks.publishing import publish as publish_versions


@flow(name="publish", flow_run_name="publish", persist_result=False)
def publish(site: str) -> bool:
    """Build the published file anew; whether it was written."""
    with writing_and_alerting(find_site(Path(site)), "publish", lambda: Run("publish")):
        return publish_versions(site)
