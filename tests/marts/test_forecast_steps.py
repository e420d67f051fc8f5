"""Steps of a forecast against each other, how schedules change, and accuracy over longer windows."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from kam.warehouse import Connection
from tests.expectations.cases import Tampering
from tests.marts.test_forecast import forecast, sale
from tests.support import SHARED, build_case, fetch, long, needs_shared

TAMPERINGS = (
    Tampering("forecast_accuracy_trend.windows_are_whole", "month_count = 4", "window_months = 3"),
    Tampering("forecast_accuracy_trend.undefined_has_a_reason", "wape = NULL", "wape IS NOT NULL"),
    Tampering("forecast_stair.value_is_the_difference", "value_added = value_added + 1", "value_added IS NOT NULL"),
    Tampering("forecast_stair.undefined_has_a_reason", "wape = NULL", "wape IS NOT NULL"),
    Tampering("schedule_churn.counts_and_changes_are_not_negative", "change_quantity = -1", "churn_ratio IS NOT NULL"),
    Tampering("schedule_churn.undefined_has_a_reason", "churn_ratio = NULL", "churn_ratio IS NOT NULL"),
)
M4 = SHARED / "data" / "m4_weekly"
Row = Mapping[str, Any]


def only(con: Connection, table: str, **keys: Any) -> Row:
    where = " AND ".join(f"{name} IS NOT DISTINCT FROM {value!r}" for name, value in keys.items())
    (found,) = fetch(con, f"FROM build.{table} WHERE {where.replace('None', 'NULL')}")
    return found


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    """June 2026: A was forecast by both steps, B by sales only; N is new; the customer sends schedules in March and June."""
    june = {"snapshot": "2026-05", "target": "2026-06"}
    statistical = {"forecast_step": "statistical"}
    schedule = {"forecast_step": "customer_schedule"}
    given = {
        "accounts": [{"account_id": "A", "account_manager": "Ito"}],
        "products": [{"product_id": "P", "unit": "pcs"}, {"product_id": "K", "unit": "kg"}],
        "invoices": [
            sale("2026-05", 60),
            sale("2026-06", 100),
            sale("2026-06", 10, product_id="N"),
            sale("2026-06", 5, account_id="B"),
            sale("2026-06", 7, account_id="C"),
            sale("2026-06", 3, account_id="C", product_id="K"),
        ],
        "forecasts": [
            forecast(**june, quantity=80, **statistical),
            forecast(**june, quantity=40, product_id="N", **statistical),
            forecast(**june, quantity=95),
            forecast(**june, quantity=5, account_id="B"),
            forecast("2026-03", "2026-04", 50),
            forecast("2026-03", "2026-06", 9, **schedule),
            forecast("2026-03", "2026-07", 100, **schedule),
            forecast("2026-03", "2026-08", 0, product_id="N", **schedule),
            forecast("2026-06", "2026-07", 120, **schedule),
            forecast("2026-06", "2026-08", 30, product_id="N", **schedule),
            forecast("2026-06", "2026-07", 1, account_id="B", **schedule),
            forecast("2026-06", "2026-07", 4, forecast_step="first time"),
        ],
    }
    settings = {"forecast": {"steps": ["statistical", "sales"]}}
    tables = ["forecast_stair", "schedule_churn", "forecast_accuracy_trend"]
    with build_case(given, settings=settings, periods=["2026-06"], tables=tables) as built:
        yield built


def test_the_first_step_is_compared_with_repeating_the_snapshot_month(con: Connection) -> None:
    found = only(con, "forecast_stair", forecast_step="statistical", account_id="A")
    # P: 80 and 60 against 100; the new part N sold nothing by May, so that there is nothing to repeat.
    assert (found["step_before"], found["n"], found["n_alone"]) == ("naive", 1, 1)
    assert (found["absolute_error_quantity"], found["step_before_absolute_error_quantity"]) == (20, 40)
    assert (found["wape"], found["step_before_wape"], found["value_added"]) == (
        Decimal("0.2"),
        Decimal("0.4"),
        Decimal("0.2"),
    )


def test_the_next_step_is_compared_over_what_both_forecast(con: Connection) -> None:
    found = only(con, "forecast_stair", forecast_step="sales", account_id="A")
    assert (found["step_before"], found["n"], found["actual_quantity"]) == ("statistical", 1, 100)
    assert (found["wape"], found["value_added"]) == (Decimal("0.05"), Decimal("0.15"))
    alone = only(con, "forecast_stair", forecast_step="sales", account_id="B")
    assert (alone["n"], alone["n_alone"], alone["actual_quantity"]) == (0, 1, 0)
    assert (alone["value_added"], alone["wape_reason"]) == (None, "no item was forecast by both")


def test_steps_that_the_settings_do_not_name_are_not_compared(con: Connection) -> None:
    steps = {row["forecast_step"] for row in fetch(con, "FROM build.forecast_stair")}
    assert steps == {"statistical", "sales"}


def test_a_schedule_is_compared_with_its_newest_one_before_over_the_months_to_come(con: Connection) -> None:
    found = only(con, "schedule_churn", forecast_step="customer_schedule", account_id="A")
    # July 100 → 120, and part N in August 0 → 30; June is over, so that it was not dropped.
    assert found["before_snapshot_month"] == dt.date(2026, 3, 1)
    assert (found["item_month_count"], found["items_added"], found["items_dropped"]) == (2, 0, 0)
    assert (found["change_quantity"], found["before_quantity"], found["churn_ratio"]) == (50, 100, Decimal("0.5"))


def test_a_schedule_without_one_before_has_no_churn_and_says_why(con: Connection) -> None:
    new = only(con, "schedule_churn", forecast_step="customer_schedule", account_id="B")
    assert (new["item_month_count"], new["items_added"], new["change_quantity"]) == (0, 1, 0)
    assert new["churn_ratio_reason"] == "the two snapshots have no item and month in common"
    first = only(con, "schedule_churn", forecast_step="first time")
    assert (first["items_added"], first["change_quantity"], first["churn_ratio"]) == (None, None, None)
    assert first["churn_ratio_reason"] == "no snapshot before this one"


def test_a_longer_window_adds_up_its_months_and_items_of_different_units_have_no_sum(con: Connection) -> None:
    of_a = {"forecast_step": "sales", "lag": 1, "account_id": "A"}
    short, long_ = (only(con, "forecast_accuracy_trend", **of_a, window_months=months) for months in (3, 12))
    # April: 50 forecast and nothing sold. June: 95 against 100, and 10 of part N that sales did not forecast.
    assert (short["month_count"], short["n"], short["absolute_error_quantity"]) == (2, 3, 65)
    assert (short["wape"], short["bias_ratio"]) == (Decimal("0.590909"), Decimal("0.318182"))
    assert long_["wape"] == short["wape"]
    mixed = only(con, "forecast_accuracy_trend", **of_a | {"account_id": "C"}, window_months=3)
    assert (mixed["n"], mixed["forecast_quantity"], mixed["wape"]) == (2, None, None)
    assert (mixed["quantity_reason"], mixed["bias_ratio_reason"]) == ("items of different units",) * 2


@long
@needs_shared
def test_the_stair_of_the_m4_weekly_series_is_that_of_their_errors() -> None:
    """Week h of each series is the h-th month after the snapshot; the published naive forecast repeats the last value."""
    snapshot = 2026 * 12
    month = {h: f"{(snapshot + h) // 12}-{(snapshot + h) % 12 + 1:02}" for h in range(14)}

    def read(name: str) -> list[dict[str, str]]:
        with (M4 / name).open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["h"] in ("1", "13")]

    actual = {(row["series"], int(row["h"])): _quantity(row["actual"]) for row in read("actuals.csv")}
    forecasts = {
        (row["method"], row["series"], int(row["h"])): _quantity(row["forecast"]) for row in read("forecasts.csv")
    }
    last = {(series, 0): forecasts["Naive", series, 1] for series, _ in actual}
    con = build_case(
        {
            "invoices": [
                sale(month[h], float(quantity), product_id=series) for (series, h), quantity in (actual | last).items()
            ],
            "forecasts": [
                forecast(month[0], month[h], float(quantity), product_id=series, forecast_step=method)
                for (method, series, h), quantity in forecasts.items()
                if method in ("SES", "Naive")
            ],
        },
        settings={"forecast": {"steps": ["SES", "Naive"]}},
        periods=[month[1], month[13]],
        tables=["forecast_stair"],
    )

    errors: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for (method, series, h), quantity in forecasts.items():
        errors[method, h] += abs(actual[series, h] - quantity)
    for h in (1, 13):
        sold = sum(value for (_, week), value in actual.items() if week == h)
        smoothed, naive = errors["SES", h], errors["Naive", h]
        found = {row["forecast_step"]: row for row in fetch(con, f"FROM build.forecast_stair WHERE lag = {h}")}
        assert [found[step]["n"] for step in ("SES", "Naive")] == [359, 359]
        assert (found["SES"]["absolute_error_quantity"], found["SES"]["actual_quantity"]) == (smoothed, sold)
        assert found["SES"]["step_before_absolute_error_quantity"] == naive
        assert float(found["SES"]["value_added"]) == pytest.approx(float((naive - smoothed) / sold), abs=2e-6)
        assert found["Naive"]["value_added"] == -found["SES"]["value_added"]


def _quantity(text: str) -> Decimal:
    """To four digits, as the feed takes it."""
    return Decimal(text).quantize(Decimal("0.0001"), ROUND_HALF_UP)
