"""Close many months in one pass: built as a set, committed month by month."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.closing import close_months
from kam.periods import months_between, parse_month
from kam.report import CloseReport
from kam.settings import find_site


@flow(name="backfill", flow_run_name="backfill-{first}-to-{last}", persist_result=False)
def backfill(
    site: str,
    first: str,
    last: str,
    restate: bool = False,  # noqa: FBT001, FBT002 - parameters of a deployment
    reason: str = "",
    accept_shrink: bool = False,  # noqa: FBT001, FBT002
) -> CloseReport:
    """Close every month of a site from `first` to `last`, such as 2024-01 and 2026-10.

    A month that is up to date is left alone; one that fails does not keep the others from closing.
    """
    months = months_between(parse_month(first), parse_month(last))
    purpose = f"backfill {first} to {last}"
    return close_months(
        find_site(Path(site)), months, purpose, restate=restate, reason=reason, accept_shrink=accept_shrink
    )
