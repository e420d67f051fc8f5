"""Approve a version of a month that waits for it, and publish it."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import Month, Version
from kam.alerts import run_approve
from kam.close import Run
from kam.periods import parse_month
from kam.report import Ending
from kam.site import Site
from tasks import TASKS, alert
from tasks.artifacts import leave_approval_artifact
from tasks.events import tell_of_approvals
from tasks.running import standing_of, state


def _what(_site: Site) -> str:
    return f"approve {flow_run.parameters['period']}"


@flow(name="approve", flow_run_name=named(_what), persist_result=False)
@told
def approve(site: str, period: Month, version: Version, comment: str, identity: str = "") -> int:  # noqa: ARG001 - read when the site is opened
    """Approve a version of a month, so that readers see it; returns its number.

    Raises `UsageError` for a version that cannot be approved, or not by this person.

    Args:
        site: The site's folder, the one with kam.toml.
        period: The month, such as 2026-10.
        version: The version that you looked at. Only the newest one can be approved.
        comment: What you looked at, or why it is right; kept in reporting.closes.
        identity: In whose name; the deployment sets it, and a run may not change it.
    """
    opened, month = site_of_run(site), parse_month(period)
    run = Run("approve", [month])
    (approval,) = run_approve(opened, run, {month: version}, comment, TASKS, alert)
    message = f"{period} version {version} approved by {approval.approved_by}"
    ended = Ending(
        "Approved", message if approval.is_new else f"{message} before, at {approval.approved_at:%Y-%m-%d %H:%M} UTC"
    )
    leave_approval_artifact(opened, run, ended)
    tell_of_approvals(opened, [approval], comment, standing_of(opened))
    approved: int = state(ended, version)
    return approved
