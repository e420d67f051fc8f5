"""Close one month: from what is new in the landing folder to a published version."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.closing import close_months
from kam.periods import parse_month
from kam.report import CloseReport
from kam.settings import find_site


@flow(name="monthly_close", flow_run_name="close-{period}", persist_result=False)
def monthly_close(site: str, period: str, restate: bool = False, reason: str = "") -> CloseReport:  # noqa: FBT001, FBT002 - parameters of a deployment
    """Close one month of a site; `period` is a month such as 2026-10.

    Raises `ValidationFailedError` when a critical check fails, `MonthChangedError` when the month is closed and would
    come out differently without `restate`.
    """
    return close_months(find_site(Path(site)), [parse_month(period)], f"close {period}", restate=restate, reason=reason)
