"""Closing months: plan, steps, controls, verdict, versions and their differences."""

from kam.close import chunks, pools, signoff, steps, versions, workers
from kam.close.ageing import Ageing, AgeingLine, write_ageing
from kam.close.chunks import BuiltChunk, Chunk, build_chunk
from kam.close.controls import ControlTotal
from kam.close.diff import CellChange, Difference, FigureChange, SourceChange, TableChange
from kam.close.forecast import Forecast, Wanted, make_forecast
from kam.close.forecast_models import ForecastModel, forecast_model
from kam.close.outcome import (
    BuildSummary,
    CloseReport,
    Headline,
    MonthOutcome,
    Outcome,
    Run,
    Terms,
    figure_name,
    require_closed,
    require_loaded,
    require_reason,
    shown,
)
from kam.close.plan import Action, MonthPlan, planned_months
from kam.close.readiness import Requirement
from kam.close.run import LOADING, PLAIN, PUBLISHING, Retries, Steps, close_months, dry_run, load_feeds, publish
from kam.close.signoff import Approval, Lock, Waiting, waiting_versions
from kam.close.steps import difference
from kam.close.verdict import why_not_valid
from kam.close.versions import EvenThough, newest_load

__all__ = [
    "LOADING",
    "PLAIN",
    "PUBLISHING",
    "Action",
    "Ageing",
    "AgeingLine",
    "Approval",
    "BuildSummary",
    "BuiltChunk",
    "CellChange",
    "Chunk",
    "CloseReport",
    "ControlTotal",
    "Difference",
    "EvenThough",
    "FigureChange",
    "Forecast",
    "ForecastModel",
    "Headline",
    "Lock",
    "MonthOutcome",
    "MonthPlan",
    "Outcome",
    "Requirement",
    "Retries",
    "Run",
    "SourceChange",
    "Steps",
    "TableChange",
    "Terms",
    "Waiting",
    "Wanted",
    "build_chunk",
    "chunks",
    "close_months",
    "difference",
    "dry_run",
    "figure_name",
    "forecast_model",
    "load_feeds",
    "make_forecast",
    "newest_load",
    "planned_months",
    "pools",
    "publish",
    "require_closed",
    "require_loaded",
    "require_reason",
    "shown",
    "signoff",
    "steps",
    "versions",
    "waiting_versions",
    "why_not_valid",
    "workers",
    "write_ageing",
]
