"""Candidates of months: the months to build, the settings as tables, the models run, and what the result hashes to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

from kam.contracts import FEEDS
from kam.errors import UsageError
from kam.models import MartColumn, marts, materialise, run_models
from kam.periods import month_name
from kam.settings import RATED_DIMENSIONS, RatingRules, Settings
from kam.warehouse import Connection, literal

# Columns that say when and from which load something was made, not what it is.
NOT_CONTENT = frozenset({"close_version", "load_id", "closed_at"})


def data_range(con: Connection) -> tuple[date, date] | None:
    """The earliest and the latest date in any date column of any feed; None when nothing is loaded."""
    spans = " UNION ALL ".join(
        f"SELECT min({column}) AS first_date, max({column}) AS last_date FROM core.{feed.name}"
        for feed in FEEDS.values()
        for column in feed.date_columns
    )
    first, last = con.execute(f"SELECT min(first_date), max(last_date) FROM ({spans})").fetchall()[0]
    return None if first is None else (first, last)


def prepare_build(
    con: Connection, settings: Settings, months: Sequence[date], *, as_of_load: int, restate: bool = False
) -> None:
    """Make `build.periods` and the settings tables for these months, and fix what is known.

    A month opens from the newest version of the month before that was made with no more than this knowledge, unless that
    month gets a version of its own here: because it was never closed, or because `restate` makes the closed ones anew.

    Raises `UsageError` for a month before the first or after the last one that any feed has a date in.
    """
    con.execute("SET VARIABLE as_of_load = ?", [as_of_load])
    span = data_range(con)
    if span is None:
        message = "nothing is loaded yet. Put extracts in the landing folder and run: kam ingest"
        raise UsageError(message)
    con.execute(
        "CREATE OR REPLACE TABLE build.data_range AS SELECT ?::DATE AS first_date, ?::DATE AS last_date", list(span)
    )
    _settings_tables(con, settings)
    materialise(con, "months")
    materialise(con, "days")
    _check_months(con, months)
    con.execute(
        """
        CREATE OR REPLACE TABLE build.periods AS
        WITH previous AS (
            SELECT period_month, max(close_version) AS close_version FROM ops.closes
            WHERE as_of_load <= $as_of_load GROUP BY period_month
        )
        SELECT
            months.*,
            CASE
                WHEN $restate AND list_contains($months, (months.period_month - INTERVAL 1 MONTH)::DATE) THEN NULL
                ELSE previous.close_version
            END AS previous_version
        FROM core.months AS months
        LEFT JOIN previous ON previous.period_month = months.period_month - INTERVAL 1 MONTH
        WHERE list_contains($months, months.period_month)
        ORDER BY months.period_month
        """,
        {"months": list(months), "restate": restate, "as_of_load": as_of_load},
    )


def _check_months(con: Connection, months: Sequence[date]) -> None:
    first, last = con.execute(
        """
        SELECT min(period_month), max(period_month)
        FROM core.days
        JOIN build.data_range ON calendar_date IN (first_date, last_date)
        """
    ).fetchall()[0]
    for month in months:
        if not first <= month <= last:
            message = (
                f"{month_name(month)}: no feed has a date in or around this month; "
                f"the data runs from {month_name(first)} to {month_name(last)}"
            )
            raise UsageError(message)


def build(con: Connection, settings: Settings, months: Sequence[date], *, as_of_load: int) -> dict[str, int]:
    """Build the candidates of these months in `build.*`; rows by mart."""
    prepare_build(con, settings, months, as_of_load=as_of_load)
    return run_models(con, settings.available)


def _settings_tables(con: Connection, settings: Settings) -> None:
    """The settings as the models read them: one row of plain values, and a table for each list of rules."""
    receivables, variance = settings.receivables, settings.variance
    loss_method = "none"
    if receivables.loss_rates is not None:
        loss_method = "roll_rates" if receivables.loss_rates == "roll_rates" else "matrix"
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
        "rag_green_ratio": ("DECIMAL(18, 6)", variance.rag.green),
        "rag_amber_ratio": ("DECIMAL(18, 6)", variance.rag.amber),
        "early_days": ("INTEGER", settings.delivery.early_days),
        "late_days": ("INTEGER", settings.delivery.late_days),
        "quantity_tolerance_ratio": ("DECIMAL(18, 6)", settings.delivery.quantity_tolerance_ratio),
        "forecast_season": ("INTEGER", settings.forecast.season),
        "forecast_actual": ("VARCHAR", settings.forecast.actual or variance.actual),
        "reject_share_ratio": ("DECIMAL(18, 6)", settings.ingest.reject_share),
    }
    columns = ", ".join(f"?::{sql_type} AS {name}" for name, (sql_type, _) in values.items())
    con.execute(f"CREATE OR REPLACE TABLE build.settings AS SELECT {columns}", [value for _, value in values.values()])
    _table(
        con,
        "ageing_buckets",
        "bucket_no INTEGER, bucket VARCHAR, lower_days INTEGER, upper_days INTEGER, loss_rate DECIMAL(18, 6)",
        _ageing_buckets(settings),
    )
    _table(con, "plan_due", "plan_version VARCHAR, due_date DATE", list(variance.plan_due.items()))
    con.execute("CREATE OR REPLACE TABLE build.corrections AS FROM core.corrections")
    _rating_tables(con, settings)


def _ageing_buckets(settings: Settings) -> list[tuple[object, ...]]:
    labels, bounds = settings.receivables.bucket_labels, settings.receivables.buckets
    rates = settings.receivables.loss_rates
    matrix = rates if isinstance(rates, Mapping) else {}
    lower = (None, 1, *(bound + 1 for bound in bounds))
    upper = (0, *bounds, None)
    return [(number, label, lower[number], upper[number], matrix.get(label)) for number, label in enumerate(labels)]


def _rating_tables(con: Connection, settings: Settings) -> None:
    rules: list[tuple[str | None, RatingRules]] = [
        (account_id, settings.rating.rules_of(account_id)) for account_id in (None, *settings.rating.accounts)
    ]
    _table(
        con,
        "rating_rules",
        "account_id VARCHAR, delivery_basis VARCHAR",
        [(account_id, rule.delivery_basis) for account_id, rule in rules],
    )
    _table(
        con,
        "rating_weights",
        "account_id VARCHAR, dimension VARCHAR, weight DECIMAL(18, 6)",
        [
            (account_id, dimension, rule.weights.get(dimension, Decimal(0)))
            for account_id, rule in rules
            for dimension in RATED_DIMENSIONS
        ],
    )
    _table(
        con,
        "rating_ppm_steps",
        "account_id VARCHAR, upper_ppm DECIMAL(18, 6), score DECIMAL(18, 6)",
        [(account_id, upper, score) for account_id, rule in rules for upper, score in (*rule.ppm_steps, (None, 0))],
    )
    _table(
        con,
        "rating_bands",
        "account_id VARCHAR, band VARCHAR, lower_score DECIMAL(18, 6), upper_score DECIMAL(18, 6)",
        [
            (account_id, band, lower, upper)
            for account_id, rule in rules
            for (band, upper), lower in zip(rule.bands.items(), (None, *rule.bands.values()), strict=False)
        ],
    )


def _table(con: Connection, name: str, columns: str, values: Sequence[tuple[object, ...]]) -> None:
    con.execute(f"CREATE OR REPLACE TABLE build.{name} ({columns})")
    for row in values:
        con.execute(f"INSERT INTO build.{name} VALUES ({', '.join('?' * len(row))})", row)


def record_content(con: Connection) -> None:
    """Write a hash and the row count of each candidate table and month to `build.content`.

    The same rows give the same hash in any order. Version numbers and load ids do not count as content.
    """
    queries = " UNION ALL ".join(content_query(mart.name, f"build.{mart.name}", mart.all_columns) for mart in marts())
    con.execute(f"CREATE OR REPLACE TABLE build.content AS {queries}")


def content_query(name: str, table: str, columns: Collection[MartColumn]) -> str:
    """A SELECT of period_month, table_name, content_hash and row_count of a table that has these columns."""
    # Each row hashes to 64 bits; their sum does not depend on order and, unlike XOR, sees a doubled row.
    content = ", ".join(column.name for column in columns if column.name not in NOT_CONTENT)
    return f"""
        SELECT
            period_month,
            {literal(name)} AS table_name,
            md5(
                count(*)::VARCHAR || ':' || sum(md5_number_lower(row({content})::VARCHAR)::HUGEINT)::VARCHAR
            ) AS content_hash,
            count(*) AS row_count
        FROM {table}
        GROUP BY period_month"""
