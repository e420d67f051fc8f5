"""Take back the newest version of a month."""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from flows import named, site_of_run, told
from flows.parameters import Month
from kam.close import steps
from kam.periods import parse_month
from kam.report import Ending
from kam.site import Site
from tasks.events import tell_of_withdrawal
from tasks.running import state


def _what(_site: Site) -> str:
    return f"withdraw {flow_run.parameters['period']}"


@flow(name="withdraw", flow_run_name=named(_what), persist_result=False)
@told
def withdraw(site: str, period: Month, reason: str, identity: str = "") -> int:  # noqa: ARG001 - read when the site is opened
    """Take back the newest version of a month and publish without it; returns its number. The version is kept.

    Raises `UsageError` without a reason, for a month that is not closed or is locked, and for one that a later month stands on.

    Args:
        site: The site's folder, the one with kam.toml.
        period: The month, such as 2026-10.
        reason: Why; kept in reporting.closes.
        identity: In whose name; the deployment sets it, and a run may not change it.
    """
    opened, month = site_of_run(site), parse_month(period)
    version = steps.withdraw(opened, month, reason)
    tell_of_withdrawal(opened, month, version, reason)
    taken_back: int = state(Ending("Withdrawn", f"{period} version {version} is withdrawn"), version)
    return taken_back
