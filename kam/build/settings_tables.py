"""The settings as tables that the models read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from kam.build.measures import measures_table
from kam.build.rating_tables import rating_tables
from kam.site import OFF, Settings, flag_rules
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
        "week_split_days": ("INTEGER", 5 if variance.week_split == "working_days" else 7),
        "rag_green_ratio": ("DECIMAL(18, 6)", variance.rag.green),
        "rag_amber_ratio": ("DECIMAL(18, 6)", variance.rag.amber),
        "early_days": ("INTEGER", settings.delivery.early_days),
        "late_days": ("INTEGER", settings.delivery.late_days),
        "quantity_tolerance_ratio": ("DECIMAL(18, 6)", settings.delivery.quantity_tolerance_ratio),
        "forecast_steps": ("VARCHAR[]", list(settings.forecast.steps)),
        "forecast_season": ("INTEGER", settings.forecast.season),
        "forecast_actual": ("VARCHAR", settings.forecast.actual or variance.actual),
        "receivables_rate": ("DECIMAL(18, 6)", _receivables_rate(settings)),
        "visit_plan_due_day": ("INTEGER", settings.visits.plan_due_day),
        "significant_change_ratio": ("DECIMAL(18, 6)", settings.flags.significant_change_ratio),
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
    _named_values(con, settings)
    con.execute("CREATE OR REPLACE TABLE build.corrections AS FROM core.corrections")
    rating_tables(con, settings.rating)
    measures_table(con, settings)
    _flag_tables(con, settings)


def _named_values(con: Connection, settings: Settings) -> None:
    plans, rates = settings.variance, settings.tax_forms.rates
    _table(con, "plan_due", {"plan_version": "VARCHAR", "due_date": "DATE"}, list(plans.plan_due.items()))
    _table(con, "plan_scopes", {"plan_version": "VARCHAR", "scope": "VARCHAR"}, list(plans.plan_scope.items()))
    _table(con, "tax_form_rates", {"form_type": "VARCHAR", "rate": "DECIMAL(18, 6)"}, list(rates.items()))


def _receivables_rate(settings: Settings) -> Decimal | None:
    """What the money costs that is owed; None where it costs something and nobody computes what is owed."""
    rate = settings.profit.receivables_rate
    return rate if rate == 0 or settings.available["receivables"] else None


def _ageing_buckets(settings: Settings) -> list[tuple[object, ...]]:
    labels, bounds = settings.receivables.bucket_labels, settings.receivables.buckets
    matrix = settings.receivables.loss_rates or {}
    lower = (None, 1, *(bound + 1 for bound in bounds))
    upper = (0, *bounds, None)
    return [(number, label, lower[number], upper[number], matrix.get(label)) for number, label in enumerate(labels)]


def _flag_tables(con: Connection, settings: Settings) -> None:
    rules = list(flag_rules().values())
    _table(
        con,
        "flag_rules",
        dict.fromkeys(("rule", "severity", "measure", "direction", "shown", "meaning", "sentence"), "VARCHAR"),
        [(r.rule, r.severity, r.measure, r.fires, r.shown, r.meaning, r.sentence) for r in rules],
    )
    of_all = {rule.rule: rule.threshold for rule in rules} | dict(settings.flags.thresholds)
    thresholds: list[tuple[object, ...]] = [(rule, None, None, value) for rule, value in of_all.items()]
    for segment, own in settings.flags.segments.items():
        thresholds += [(rule, segment, None, value) for rule, value in own.items()]
    for account_id, own in settings.flags.accounts.items():
        thresholds += [(rule, None, account_id, value) for rule, value in own.items()]
    _table(
        con,
        "flag_thresholds",
        {"rule": "VARCHAR", "segment": "VARCHAR", "account_id": "VARCHAR", "threshold": "DECIMAL(36, 6)"},
        [(*keys, None if value == OFF else value) for *keys, value in thresholds],
    )


def _table(con: Connection, name: str, columns: Mapping[str, str], values: Sequence[tuple[object, ...]]) -> None:
    shape = ", ".join(f"{column} {sql_type}" for column, sql_type in columns.items())
    con.execute(f"CREATE OR REPLACE TABLE build.{name} ({shape})")
    insert(con, f"build.{name}", [dict(zip(columns, row, strict=True)) for row in values])
