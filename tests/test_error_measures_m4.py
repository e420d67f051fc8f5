"""The error measures against the M4 competition: published sMAPE and MASE of four methods on 359 weekly series."""

from __future__ import annotations

import csv
from decimal import ROUND_HALF_UP, Decimal

from kam.warehouse import memory
from tests.support import SHARED, fetch, long, needs_shared

M4 = SHARED / "data" / "m4_weekly"
QUANTITY = "'DECIMAL(18, 4)'"


@long
@needs_shared
def test_the_macros_give_the_published_errors_of_the_m4_weekly_series() -> None:
    with memory() as con:
        con.execute(f"CREATE TABLE train AS FROM read_csv('{M4}/train_long.csv.gz', types = {{'value': {QUANTITY}}})")
        con.execute(f"CREATE TABLE actuals AS FROM read_csv('{M4}/actuals.csv', types = {{'actual': {QUANTITY}}})")
        con.execute(
            f"CREATE TABLE forecasts AS FROM read_csv('{M4}/forecasts.csv', types = {{'forecast': {QUANTITY}}})"
        )
        rows = fetch(
            con,
            """
            WITH errors AS (SELECT series, t, naive_error(value, 1, series, t) AS error FROM train),
            scales AS (SELECT series, t, mean_to_date(error, series, t) AS scale FROM errors),
            last_scales AS (SELECT series, arg_max(scale, t) AS scale FROM scales GROUP BY series),
            by_series AS (
                SELECT
                    forecasts.method,
                    forecasts.series,
                    smape(actual, forecast)::DECIMAL(18, 6) AS smape,
                    mase(actual, forecast, scale)::DECIMAL(18, 6) AS mase
                FROM forecasts
                JOIN actuals USING (series, h)
                JOIN last_scales USING (series)
                GROUP BY forecasts.method, forecasts.series
            )
            SELECT
                method,
                count(*) AS series,
                (100 * exact_mean(smape))::DECIMAL(18, 6) AS smape,
                exact_mean(mase)::DECIMAL(18, 6) AS mase
            FROM by_series
            GROUP BY method
            """,
        )
    assert {row["series"] for row in rows} == {359}
    found = {row["method"]: (_printed(row["smape"]), _printed(row["mase"])) for row in rows}
    with (M4 / "published.csv").open(encoding="utf-8", newline="") as file:
        published = {row["method"]: (row["smape_weekly_percent"], row["mase_weekly"]) for row in csv.DictReader(file)}
    assert found == published


def _printed(value: Decimal) -> str:
    """The figure with the three digits that were published."""
    return str(value.quantize(Decimal("0.001"), ROUND_HALF_UP))
