"""Closing months: plan, steps, controls, verdict, versions and their differences."""

from kam.close import steps, versions
from kam.close.controls import ControlTotal
from kam.close.diff import CellChange, Difference, FigureChange, SourceChange, TableChange
from kam.close.outcome import (
    BuildSummary,
    CloseReport,
    Headline,
    MonthOutcome,
    Terms,
    figure_name,
    require_closed,
    require_loaded,
    require_reason,
    shown,
)
from kam.close.plan import Action, MonthPlan, planned_months
from kam.close.steps import difference, dry_run
from kam.close.verdict import why_not_valid
from kam.close.versions import newest_load

__all__ = [
    "Action",
    "BuildSummary",
    "CellChange",
    "CloseReport",
    "ControlTotal",
    "Difference",
    "FigureChange",
    "Headline",
    "MonthOutcome",
    "MonthPlan",
    "SourceChange",
    "TableChange",
    "Terms",
    "difference",
    "dry_run",
    "figure_name",
    "newest_load",
    "planned_months",
    "require_closed",
    "require_loaded",
    "require_reason",
    "shown",
    "steps",
    "versions",
    "why_not_valid",
]
