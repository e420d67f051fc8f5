"""What a run leaves to be seen in Prefect: loads, checks, control totals, corrections and headline figures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import date

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from kam.close import Ageing, CloseReport, MonthPlan
from kam.ingest import LoadResult
from kam.periods import month_name
from kam.report import (
    Row,
    ageing_rows,
    check_rows,
    control_rows,
    correction_rows,
    headline_rows,
    load_rows,
    plan_rows,
    readiness_rows,
)

_SHOWN_CORRECTIONS = 200
log = logging.getLogger("kam")


def leave_artifacts(report: CloseReport, months: Sequence[date]) -> None:
    """Create the artifacts of a run over these months. A server that refuses them does not harm the close."""
    suffix = _suffix(months)

    def create() -> None:
        passed = f"All {len(report.checks)} checks passed." if report.checks else "Nothing was checked."
        _table(f"loads-{suffix}", load_rows(report.loads), "What was loaded", "Nothing new was loaded.")
        if report.requirements:
            _table(f"readiness-{suffix}", readiness_rows(report.requirements), "What each month needs", "")
        _table(f"checks-{suffix}", check_rows(report.checks, months), "Checks that failed", passed)
        _table(f"control-totals-{suffix}", control_rows(report.controls), "Control totals", "No control totals.")
        if report.corrections:
            corrected = correction_rows(report.corrections, _SHOWN_CORRECTIONS)
            _table(f"corrections-{suffix}", corrected, "Corrections in force", "")
        _table(f"headlines-{suffix}", headline_rows(report.headlines), "Headline figures", "No figures.")

    _guarded(create)


def leave_plan_artifact(planned: Sequence[MonthPlan], months: Sequence[date]) -> None:
    """Create the artifact of a dry run: what would be done with each month, and why."""
    _guarded(
        lambda: _table(f"plan-{_suffix(months)}", plan_rows(planned), "What would be done", "Nothing was planned.")
    )


def leave_load_artifact(loads: Sequence[LoadResult]) -> None:
    """Create the artifact of an ingest on its own."""
    _guarded(lambda: _table("loads", load_rows(loads), "What was loaded", "Nothing new was loaded."))


def leave_ageing_artifact(found: Ageing) -> None:
    """Create the artifact of the receivables of a day: what is open, by bucket."""
    rows = ageing_rows([*found.buckets, found.total], "Bucket", found.currency)
    description = "\n\n".join([f"Receivables at the end of {found.day}: {found.file}", *found.notes])
    _guarded(lambda: _table(f"ageing-{found.day}", rows, description, ""))


def _suffix(months: Sequence[date]) -> str:
    first, last = month_name(months[0]), month_name(months[-1])
    return first if len(months) == 1 else f"{first}-to-{last}"


def _guarded(create: Callable[[], None]) -> None:
    try:
        create()
    except Exception as error:  # noqa: BLE001 - the client raises whatever its transport raises
        log.warning("Prefect did not take the artifacts (%s); the figures are not affected", error)


def _table(key: str, rows: list[Row], description: str, if_empty: str) -> None:
    if rows:
        create_table_artifact(key=key, table=rows, description=description)
    else:
        create_markdown_artifact(key=key, markdown=if_empty, description=description)
