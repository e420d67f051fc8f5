"""What a close or a backfill did, as tables for the console and for Prefect artifacts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from expectations import CheckResult
from kam.audit import Proof
from kam.close import (
    AgeingLine,
    CellChange,
    ControlTotal,
    FigureChange,
    Headline,
    MonthPlan,
    Requirement,
    SourceChange,
    TableChange,
    figure_name,
    shown,
)
from kam.ingest import LoadResult, LoadStatus
from kam.periods import month_name
from kam.warehouse import KnownCorrection

Row = dict[str, str]


def load_rows(loads: Sequence[LoadResult]) -> list[Row]:
    """What was loaded, one row per source; sources that were loaded before are left out."""
    return [
        {
            "Feed": load.feed,
            "Source": load.source,
            "Read": f"{load.read_count:,}",
            "Loaded": f"{load.loaded_count:,}",
            "Unchanged": f"{load.unchanged_count:,}",
            "Rejected": f"{load.rejected_count:,}",
            "Status": load.message or load.status,
        }
        for load in loads
        if load.status is not LoadStatus.ALREADY_LOADED
    ]


def load_summary(loads: Sequence[LoadResult]) -> list[Row]:
    """What was loaded, one row per feed; sources that were loaded before are left out."""
    feeds = dict.fromkeys(load.feed for load in loads if load.status is LoadStatus.LOADED)
    return [
        _feed_row(feed, [load for load in loads if load.feed == feed and load.status is LoadStatus.LOADED])
        for feed in feeds
    ]


def _feed_row(feed: str, loads: Sequence[LoadResult]) -> Row:
    return {
        "Feed": feed,
        "Sources": f"{len(loads):,}",
        "Read": f"{sum(load.read_count for load in loads):,}",
        "Loaded": f"{sum(load.loaded_count for load in loads):,}",
        "Unchanged": f"{sum(load.unchanged_count for load in loads):,}",
        "Rejected": f"{sum(load.rejected_count for load in loads):,}",
        "Corrections": f"{sum(load.superseded_count for load in loads):,}",
    }


def readiness_rows(requirements: Sequence[Requirement]) -> list[Row]:
    """What each month needs before it is closed, and whether it has it."""
    return [
        {
            "Month": month_name(found.month),
            "Needs": found.name,
            "Ready": "yes" if found.is_met else "no",
            "What was found": found.in_words,
        }
        for found in requirements
    ]


def unmet_rows(requirements: Sequence[Requirement]) -> list[Row]:
    """What months lack that are not ready."""
    return readiness_rows([found for found in requirements if not found.is_met])


def check_rows(checks: Sequence[CheckResult], months: Sequence[date]) -> list[Row]:
    """The checks that failed in these months, the most severe first."""
    order = {"critical": 0, "warning": 1, "info": 2}
    wanted = set(months)
    failed = [
        # What belongs to no month counts once, however many months are shown.
        (check, check.failed_count - sum(n for month, n in check.failed_by_month.items() if month not in wanted))
        for check in checks
        if any(map(check.fails_in, months))
    ]
    return [
        {
            "Severity": str(check.severity),
            "Rule": check.sentence,
            "Failed": f"{count:,}",
            "Check": check.name,
        }
        for check, count in sorted(failed, key=lambda pair: (order[pair[0].severity], -pair[1], pair[0].name))
    ]


def plan_rows(planned: Sequence[MonthPlan]) -> list[Row]:
    """What a run would do, one row per month."""
    does = {"close": "close", "compare": "build and compare", "skip": "nothing"}
    return [
        {
            "Month": month_name(month.month),
            "Version": str(month.version) if month.version else "–",
            "Would do": does[month.action],
            "Why": month.why,
        }
        for month in planned
    ]


def control_rows(controls: Sequence[ControlTotal]) -> list[Row]:
    """The control totals, one row each."""
    return [
        {
            "Month": month_name(total.month),
            "Control": total.control,
            "Currency": total.currency,
            "Left": f"{total.left_amount:,.2f}",
            "Right": f"{total.right_amount:,.2f}",
            "Ties": "yes" if total.ties else "no",
        }
        for total in controls
    ]


def correction_rows(corrections: Sequence[KnownCorrection], limit: int | None = None) -> list[Row]:
    """The corrections in force, stale ones first; at most `limit`, and then a row that says how many are left out."""
    shown = sorted(corrections, key=lambda correction: correction.state != "stale")[:limit]
    found = [
        {
            "Feed": correction.feed,
            "Key": correction.key,
            "Column": correction.column,
            "Source says": "(empty)" if correction.wrong is None else _value(correction.wrong),
            "Right": "(empty)" if correction.right is None else _value(correction.right),
            "Reason": correction.reason,
            "Owner": correction.owner,
            "State": correction.fault or correction.state,
        }
        for correction in shown
    ]
    left = len(corrections) - len(shown)
    return [*found, {"Feed": f"… {left:,} more"}] if left else found


def headline_rows(headlines: Sequence[Headline]) -> list[Row]:
    """The headline figures, one row per figure and one column per month."""
    months = sorted({line.month for line in headlines})
    found: dict[str, Row] = {}
    for line in headlines:
        name = figure_name(line)
        row = found.setdefault(name, {"Figure": name} | {month_name(month): "–" for month in months})
        row[month_name(line.month)] = shown(line.value, line.unit)
    return list(found.values())


def table_rows(tables: Sequence[TableChange]) -> list[Row]:
    """How many rows of each table differ."""
    return [
        {
            "Table": table.table,
            "Changed": f"{table.changed_count:,}",
            "Added": f"{table.added_count:,}",
            "Removed": f"{table.removed_count:,}",
        }
        for table in tables
    ]


def figure_rows(figures: Sequence[FigureChange]) -> list[Row]:
    """The headline figures that differ."""
    return [
        {
            "Figure": figure_name(figure),
            "Before": shown(figure.before, figure.unit),
            "After": shown(figure.after, figure.unit),
        }
        for figure in figures
    ]


def cell_rows(cells: Sequence[CellChange]) -> list[Row]:
    """The values that differ."""
    return [
        {
            "Table": cell.table,
            "Account": cell.account_id or "",
            "Row": cell.key,
            "Measure": cell.measure,
            "Before": _value(cell.before),
            "After": _value(cell.after),
            "Change": f"{cell.change.normalize():+,f}" if cell.change is not None else "",
        }
        for cell in cells
    ]


def source_rows(sources: Sequence[SourceChange]) -> list[Row]:
    """The source rows that differ."""
    return [
        {
            "Feed": source.feed,
            "Account": source.account_id or "",
            "Key": source.key,
            "What": source.what,
            "Values": source.values,
            "From": f"load {source.load_id}, {source.source}, record {source.source_row}",
        }
        for source in sources
    ]


def _value(text: str | None) -> str:
    """A value as the table has it, without the zeros behind a decimal point; a dash where it is undefined."""
    if text is None:
        return "–"
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text


def proofs_rows(proofs: Sequence[Proof]) -> list[Row]:
    """Versions that were rebuilt, one row each."""
    is_any_approved = any(proof.approved_by for proof in proofs)
    return [
        {
            "Month": month_name(proof.month),
            "Version": str(proof.version),
            "Known up to load": str(proof.as_of_load),
            "Loads": f"{proof.loads_made:,}",
            "Versions rebuilt": f"{proof.closes_made:,}",
            "Published": "yes" if proof.is_published else "no",
        }
        | ({"Approved by": proof.approved_by or "–"} if is_any_approved else {})
        | {"Equal": "yes" if proof.holds else "NO"}
        for proof in proofs
    ]


def proof_rows(proof: Proof) -> list[Row]:
    """The tables of a version that was rebuilt, one row each."""
    return [
        {
            "Table": table.table,
            "Rows": f"{table.rows:,}",
            "Recorded": _short(table.recorded),
            "Rebuilt": _short(table.rebuilt),
            "Published": _short(table.published) if proof.is_published else "",
            "Equal": "yes" if table.is_equal else "NO",
        }
        for table in proof.tables
    ]


def _short(content_hash: str | None) -> str:
    return content_hash[:12] if content_hash else "no rows"


def ageing_rows(lines: Sequence[AgeingLine], name: str, currency: str) -> list[Row]:
    """What is open, one row per line; `name` says what the lines are, such as `Bucket`."""
    return [
        {
            name: line.name,
            "Items": f"{line.item_count:,}",
            "Open": shown(line.open_amount, currency),
            "Overdue": shown(line.overdue_amount, currency),
        }
        for line in lines
    ]
