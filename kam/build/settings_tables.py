"""The settings as tables that the models read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kam.build.measures import measures_table
from kam.build.rating_tables import rating_tables
from kam.site import Settings
from kam.warehouse import Connection, insert


def settings_tables(con: Connection, settings: Settings) -> None:
    """The settings as the models read them: one row of plain values, and a table for each list of rules."""
    receivables, variance = settings.receivables, settings.variance
    loss_method = "none" if receivables.loss_rates is None else "matrix"
    values: Mapping[str, tuple[str, object]] = {
        "reporting_currency": ("VARCHAR", settings.site.reporting_currency),
        "fiscal_year_start_month": ("INTEGER", settings.site.fiscal_year_start_month),
        "ageing_basis": ("VARCHAR", receivables.basis),
        "apply_unapplied": ("VARCHAR", receivables.apply_unapplied),
        "credit_exposure": ("VARCHAR", receivables.credit_exposure),
        "dso_window_months": ("INTEGER", receivables.dso_window_months),
        "loss_method": ("VARCHAR", loss_method),
        "actual": ("VARCHAR", variance.actual),
        "mix_group": ("VARCHAR[]", list(variance.mix_group)),
        "plan_scope": ("VARCHAR", variance.scope),
        "rag_green_ratio": ("DECIMAL(18, 6)", variance.rag.green),
        "rag_amber_ratio": ("DECIMAL(18, 6)", variance.rag.amber),
        "early_days": ("INTEGER", settings.delivery.early_days),
        "late_days": ("INTEGER", settings.delivery.late_days),
        "quantity_tolerance_ratio": ("DECIMAL(18, 6)", settings.delivery.quantity_tolerance_ratio),
        "forecast_steps": ("VARCHAR[]", list(settings.forecast.steps)),
        "forecast_season": ("INTEGER", settings.forecast.season),
        "forecast_actual": ("VARCHAR", settings.forecast.actual or variance.actual),
        "visit_plan_due_day": ("INTEGER", settings.visits.plan_due_day),
        "declared_feeds": ("VARCHAR[]", sorted(settings.feeds)),
        "reject_share_ratio": ("DECIMAL(18, 6)", settings.ingest.reject_share),
    }
    columns = ", ".join(f"?::{sql_type} AS {name}" for name, (sql_type, _) in values.items())
    con.execute(f"CREATE OR REPLACE TABLE build.settings AS SELECT {columns}", [value for _, value in values.values()])
    _table(
        con,
        "bucket_bounds",
        {
            "bucket_no": "INTEGER",
            "bucket": "VARCHAR",
            "lower_days": "INTEGER",
            "upper_days": "INTEGER",
            "loss_rate": "DECIMAL(18, 6)",
        },
        _ageing_buckets(settings),
    )
    _table(con, "plan_due", {"plan_version": "VARCHAR", "due_date": "DATE"}, list(variance.plan_due.items()))
    _table(con, "plan_scopes", {"plan_version": "VARCHAR", "scope": "VARCHAR"}, list(variance.plan_scope.items()))
    con.execute("CREATE OR REPLACE TABLE build.corrections AS FROM core.corrections")
    rating_tables(con, settings.rating)
    measures_table(con, settings)


def _ageing_buckets(settings: Settings) -> list[tuple[object, ...]]:
    labels, bounds = settings.receivables.bucket_labels, settings.receivables.buckets
    matrix = settings.receivables.loss_rates or {}
    lower = (None, 1, *(bound + 1 for bound in bounds))
    upper = (0, *bounds, None)
    return [(number, label, lower[number], upper[number], matrix.get(label)) for number, label in enumerate(labels)]


def _table(con: Connection, name: str, columns: Mapping[str, str], values: Sequence[tuple[object, ...]]) -> None:
    shape = ", ".join(f"{column} {sql_type}" for column, sql_type in columns.items())
    con.execute(f"CREATE OR REPLACE TABLE build.{name} ({shape})")
    for row in values:
        insert(con, f"build.{name}", [dict(zip(columns, row, strict=True))])
