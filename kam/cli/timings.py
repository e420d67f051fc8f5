"""What `kam status --timings` shows: the last runs, and where the time of the newest one went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from kam.periods import month_name
from kam.site import Site
from kam.warehouse import Connection, open_read_only, rows

Row = dict[str, Any]
_SHOWN_RUNS = 10
_SHOWN_STEPS = 15
_SHOWN_MODELS = 10
_MEGABYTE = 1_000_000
_RUN_ID = "Run id"


@dataclass(frozen=True)
class Timings:
    """The last runs, newest first; the steps of the newest one and the models of the newest one that built any, slowest first.

    The time of a run that belongs to no step is a step without a name.
    """

    runs: list[Row]
    steps: list[Row]
    models: list[Row]


def timings(site: Site, month: date | None = None) -> Timings:
    """Where time went, in all runs or in those over one month."""
    # Not only of a complete warehouse: this is what people look at when something failed.
    with open_read_only(site) as con:
        chosen = "true" if month is None else f"list_contains(period_months, DATE '{month}')"
        runs = rows(con, f"FROM ops.steps WHERE step_no = 0 AND {chosen} ORDER BY run_no DESC LIMIT {_SHOWN_RUNS}")
        built = rows(con, f"SELECT max(run_no) AS run_no FROM ops.steps WHERE step = 'model' AND {chosen}")
        return Timings(
            [_run_row(run) for run in runs],
            _steps(con, runs[0]) if runs else [],
            _models(con, built[0]["run_no"]) if built[0]["run_no"] else [],
        )


def shown(found: list[Row]) -> list[Row]:
    """The rows as a table shows them: without the ids that other programs need."""
    return [
        {name: f"{value:,.2f}" if isinstance(value, float) else value for name, value in row.items() if name != _RUN_ID}
        for row in found
    ]


def _run_row(run: Row) -> Row:
    return {
        "Run": run["run_no"],
        _RUN_ID: run["run_id"],
        "Started (UTC)": f"{run['started_at']:%Y-%m-%d %H:%M:%S}",
        "Command": run["command"],
        "Months": _months(run["period_months"]),
        **{name: value for name, value in _measured(run).items() if name != "Rows"},
    }


def _steps(con: Connection, run: Row) -> list[Row]:
    found = rows(
        con,
        f"FROM ops.steps WHERE run_no = {run['run_no']} AND (parent_no = 0 OR step = 'target') "
        f"ORDER BY (outcome IN ('failed', 'stopped')) DESC, seconds DESC, step_no LIMIT {_SHOWN_STEPS}",
    )
    return [{"Step": step["step"], "Of": step["subject"], **_measured(step)} for step in found]


def _models(con: Connection, run_no: int) -> list[Row]:
    found = rows(
        con,
        "SELECT subject, run_no, count(*) AS built, sum(seconds) AS seconds, max(row_count) AS row_count, "
        "max(peak_memory_bytes) AS peak_memory_bytes, max(outcome) AS outcome, max(error) AS error "
        f"FROM ops.steps WHERE run_no = {run_no} AND step = 'model' GROUP BY ALL ORDER BY seconds DESC, subject LIMIT {_SHOWN_MODELS}",
    )
    return [{"Model": model["subject"], **_measured(model)} for model in found]


def _measured(step: Row) -> Row:
    memory = step["peak_memory_bytes"]
    return {
        "Seconds": float(step["seconds"]),
        "Rows": step["row_count"],
        "Peak MB": None if memory is None else round(memory / _MEGABYTE),
        "Outcome": step["outcome"],
        "Why": step["error"] or "",
    }


def _months(months: list[date]) -> str:
    """The first and the last month."""
    return " to ".join(dict.fromkeys(map(month_name, (months[0], months[-1])))) if months else ""
