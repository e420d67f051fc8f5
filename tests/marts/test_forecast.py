"""Forecast accuracy: what was forecast, from how far off, and how wrong it turned out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import yaml

from kam.warehouse import memory
from tests.expectations.cases import Tampering
from tests.support import GOLDEN, build_case, fetch

# One change of a table for each rule of its own; see tests/expectations/test_broken_inputs.py.
TAMPERINGS = (
    Tampering("forecast_accuracy.account_is_given", "account_id = NULL", "level = 'item'"),
    Tampering("forecast_accuracy.measures_are_in_range", "smape = 2.01"),
    Tampering("forecast_accuracy.undefined_has_a_reason", "wape = NULL", "wape IS NOT NULL"),
    Tampering("forecast_accuracy.levels_add_up", "n = n + 1", "level = 'product'"),
)


Row = dict[str, Any]
FEEDS = ("accounts", "products", "calendar", "orders", "invoices", "forecasts")
PUBLISHED_DIGITS = {"rmse": 2, "mae": 2, "mape": 4, "mase": 2, "rmsse": 3, "wape": 4}
_numbers = count(1)


def sale(month: str, quantity: float, **given: Any) -> Row:
    """An invoice line of part P to account A on the tenth of the month, with what is given changed."""
    row = {
        "invoice_id": f"I{next(_numbers)}",
        "account_id": "A",
        "product_id": "P",
        "invoice_date": f"{month}-10",
        "quantity": quantity,
        "net_amount": 1,
    }
    return row | given


def forecast(snapshot: str, target: str, quantity: float, **given: Any) -> Row:
    """A forecast of part P to account A by the step `sales`, with what is given changed."""
    row = {
        "snapshot_month": f"{snapshot}-01",
        "target_month": f"{target}-01",
        "account_id": "A",
        "product_id": "P",
        "quantity": quantity,
    }
    return row | given


def accuracy(
    sales: Sequence[Row],
    forecasts: Sequence[Row],
    *,
    months: Sequence[str] = ("2026-06",),
    season: int = 12,
    **feeds: Any,
) -> list[Row]:
    """All rows of the mart for these months."""
    con = build_case(
        {"invoices": sales, "forecasts": forecasts} | feeds,
        settings={"forecast": {"season": season}},
        periods=months,
        feeds=FEEDS,
        tables=["forecast_accuracy"],
    )
    return fetch(con, "SELECT * FROM build.forecast_accuracy")


def only(rows: Sequence[Row], level: str, **keys: Any) -> Row:
    """The one row of that level with these keys."""
    found = [row for row in rows if row["level"] == level and all(row[name] == value for name, value in keys.items())]
    assert len(found) == 1, f"{len(found)} rows of level {level} with {keys}"
    return found[0]


def test_an_over_forecast_is_a_positive_bias() -> None:
    row = only(accuracy([sale("2026-06", 80)], [forecast("2026-05", "2026-06", 100)]), "item")
    assert row["bias_ratio"] == Decimal("0.25")  # (100 - 80) / 80
    assert row["wape"] == Decimal("0.25")  # |80 - 100| / 80
    assert (row["mae"], row["rmse"], row["n"]) == (20, 20, 1)
    assert row["smape"] == Decimal("0.222222")  # 2 * 20 / (80 + 100)


def test_an_item_without_sales_is_left_out_of_mape() -> None:
    rows = accuracy(
        [sale("2026-06", 40)],
        [forecast("2026-05", "2026-06", 50), forecast("2026-05", "2026-06", 5, product_id="Q")],
    )
    total = only(rows, "total")
    assert (total["mape"], total["mape_n"], total["n"]) == (Decimal("0.25"), 1, 2)  # 10 / 40, part Q does not count
    assert total["wape"] == Decimal("0.375")  # (10 + 5) / 40, part Q counts
    assert total["smape"] == Decimal("1.111111")  # (2 * 10 / 90 + 2 * 5 / 5) / 2
    assert total["rmse"] == Decimal("7.905694")  # root of (100 + 25) / 2


def test_a_forecast_of_nothing_that_sells_nothing_agrees() -> None:
    item = only(accuracy([sale("2026-04", 1)], [forecast("2026-05", "2026-06", 0)]), "item")
    assert (item["smape"], item["mae"], item["mape_n"]) == (0, 0, 0)
    assert (item["wape"], item["wape_reason"]) == (None, "nothing was sold")
    assert (item["tracking_signal"], item["tracking_signal_reason"]) == (None, "no error in the trailing months")


def test_sales_that_nobody_forecast_meet_a_forecast_of_zero() -> None:
    rows = accuracy([sale("2026-06", 30), sale("2026-06", 10, product_id="Q")], [forecast("2026-05", "2026-06", 30)])
    total = only(rows, "total")
    assert (total["n"], total["actual_quantity"], total["forecast_quantity"]) == (2, 40, 30)
    assert total["unforecast_quantity"] == 10
    assert total["wape"] == Decimal("0.25")  # (0 + 10) / 40
    assert only(rows, "item", product_id="Q")["bias_ratio"] == -1


def test_a_forecast_without_sales_is_wrong_by_its_whole_quantity() -> None:
    item = only(accuracy([sale("2026-04", 1)], [forecast("2026-05", "2026-06", 12)]), "item")
    assert (item["actual_quantity"], item["absolute_error_quantity"], item["mae"]) == (0, 12, 12)
    assert (item["unforecast_quantity"], item["smape"]) == (0, 2)
    assert (item["bias_ratio"], item["bias_ratio_reason"]) == (None, "net quantity sold is not above zero")


def test_each_distance_from_snapshot_to_target_is_measured_apart() -> None:
    rows = accuracy(
        [sale("2026-06", 100)],
        [forecast("2026-05", "2026-06", 90), forecast("2026-03", "2026-06", 60), forecast("2026-05", "2026-07", 1)],
    )
    assert {row["lag"]: row["wape"] for row in rows if row["level"] == "item"} == {1: Decimal("0.1"), 3: Decimal("0.4")}


def test_what_is_written_after_the_month_is_no_forecast_of_it() -> None:
    rows = accuracy([sale("2026-06", 100)], [forecast("2026-06", "2026-06", 100), forecast("2026-07", "2026-06", 100)])
    assert {row["lag"] for row in rows} == {0}


def test_a_month_without_forecasts_has_no_rows() -> None:
    assert accuracy([sale("2026-06", 100)], [forecast("2026-05", "2026-07", 1)]) == []


def test_returns_stay_negative() -> None:
    rows = accuracy(
        [sale("2026-06", 3, document_type="credit_note"), sale("2026-06", 5, product_id="Q")],
        [forecast("2026-05", "2026-06", 1), forecast("2026-05", "2026-06", 5, product_id="Q")],
    )
    item = only(rows, "item", product_id="P")
    assert (item["actual_quantity"], item["mae"]) == (-3, 4)
    assert item["wape"] == Decimal("1.333333")  # 4 / 3
    assert (item["bias_ratio"], item["bias_ratio_reason"]) == (None, "net quantity sold is not above zero")
    assert only(rows, "total")["wape"] == Decimal("0.5")  # 4 / (3 + 5)


def test_a_step_is_measured_against_the_statistical_forecast() -> None:
    rows = accuracy(
        [sale("2026-06", 100)],
        [
            forecast("2026-05", "2026-06", 90),
            forecast("2026-05", "2026-06", 130, forecast_step="statistical"),
            forecast("2026-05", "2026-06", 150, forecast_step="customer_schedule"),
        ],
    )
    by_step = {row["forecast_step"]: row for row in rows if row["level"] == "total"}
    assert {row["reference_step"] for row in rows} == {"statistical"}
    assert by_step["sales"]["step_value_added"] == Decimal("0.2")  # 0.3 - 0.1: selling helps
    assert by_step["customer_schedule"]["step_value_added"] == Decimal("-0.2")  # 0.3 - 0.5: the schedule does not
    assert by_step["statistical"]["step_value_added"] is None
    assert by_step["statistical"]["step_value_added_reason"] == "is the reference step"


def test_what_only_the_reference_step_forecast_wrongly_is_credited_to_the_other() -> None:
    rows = accuracy(
        [sale("2026-06", 100)],
        [
            forecast("2026-05", "2026-06", 100),
            forecast("2026-05", "2026-06", 100, forecast_step="statistical"),
            forecast("2026-05", "2026-06", 50, forecast_step="statistical", product_id="Q"),
        ],
    )
    assert only(rows, "total", forecast_step="sales")["step_value_added"] == Decimal("0.5")  # 50 / 100 - 0 / 100
    assert only(rows, "item", forecast_step="sales")["step_value_added"] == 0


def test_steps_that_compare_other_columns_are_not_measured_against_each_other() -> None:
    rows = accuracy(
        [sale("2026-06", 100)],
        [
            forecast("2026-05", "2026-06", 90),
            forecast("2026-05", "2026-06", 100, forecast_step="statistical", account_id=None),
        ],
    )
    total = only(rows, "total", forecast_step="sales")
    assert total["step_value_added"] is None
    assert total["step_value_added_reason"] == "the reference step has another forecast_grain"


def test_the_tracking_signal_takes_the_months_there_are() -> None:
    # Errors actual - forecast: April -10, May -10, June +5. Sum -15, mean size 25 / 3, signal -15 / (25 / 3) = -1.8.
    rows = accuracy(
        [sale("2026-04", 90), sale("2026-05", 90), sale("2026-06", 105)],
        [forecast("2026-03", "2026-04", 100), forecast("2026-04", "2026-05", 100), forecast("2026-05", "2026-06", 100)],
    )
    item = only(rows, "item")
    assert (item["tracking_signal"], item["tracking_signal_n"]) == (Decimal("-1.8"), 3)
    assert only(rows, "total")["tracking_signal_reason"] == "given for items only"


def test_the_tracking_signal_forgets_after_twelve_months_and_keeps_lags_apart() -> None:
    # June 2025 lies twelve months before June 2026; the forecast of May 2026 has another lag.
    rows = accuracy(
        [sale("2025-06", 1), sale("2025-07", 10), sale("2026-05", 10), sale("2026-06", 10)],
        [
            forecast("2025-05", "2025-06", 100),
            forecast("2025-06", "2025-07", 4),
            forecast("2026-03", "2026-05", 100),
            forecast("2026-05", "2026-06", 8),
        ],
    )
    item = only(rows, "item", lag=1)
    # July 2025 +6 and June 2026 +2: 8 / 4 = 2.
    assert (item["tracking_signal"], item["tracking_signal_n"]) == (2, 2)


def test_the_naive_forecast_repeats_the_snapshot_month() -> None:
    item = only(accuracy([sale("2026-05", 60), sale("2026-06", 80)], [forecast("2026-05", "2026-06", 84)]), "item")
    assert item["naive_wape"] == Decimal("0.25")  # |80 - 60| / 80
    assert item["forecast_value_added"] == Decimal("0.2")  # 0.25 - 4 / 80


def test_the_naive_forecast_of_an_intermittent_item_may_be_zero() -> None:
    rows = accuracy([sale("2026-03", 60), sale("2026-06", 80)], [forecast("2026-05", "2026-06", 84)])
    assert only(rows, "item")["naive_wape"] == 1  # nothing was sold in May: |80 - 0| / 80


def test_a_new_item_has_no_naive_forecast_and_adds_no_value_to_one() -> None:
    rows = accuracy(
        [sale("2026-05", 60), sale("2026-06", 80), sale("2026-06", 20, product_id="new")],
        [forecast("2026-05", "2026-06", 84), forecast("2026-05", "2026-06", 2, product_id="new")],
    )
    new = only(rows, "item", product_id="new")
    assert (new["naive_wape"], new["forecast_value_added"]) == (None, None)
    assert new["forecast_value_added_reason"] == "no sale by the snapshot"
    assert (new["mase"], new["mase_scale"], new["mase_reason"]) == (None, None, "no sale by the snapshot")
    total = only(rows, "total")
    assert (total["n"], total["naive_n"]) == (2, 1)
    assert total["wape"] == Decimal("0.22")  # (4 + 18) / 100
    assert total["forecast_value_added"] == Decimal("0.2")  # part P alone: 20 / 80 - 4 / 80
    parts = ("naive_error_quantity", "error_quantity_beside_naive", "naive_actual_quantity")
    assert [total[part] for part in parts] == [20, 4, 80]
    assert [new[part] for part in parts] == [0, 0, 0]
    assert (total["mape_sum"], total["smape_sum"]) == (
        Decimal("0.95"),
        Decimal("1.685144"),
    )  # 4/80 + 18/20; 8/164 + 36/22


def test_the_seasonal_naive_forecast_goes_back_to_a_month_that_was_known() -> None:
    sales = [sale("2025-12", 10), sale("2026-03", 40), sale("2026-06", 50)]
    forecasts = [
        forecast("2026-05", "2026-06", 50),
        forecast("2026-02", "2026-06", 50),
        forecast("2025-10", "2026-06", 50),
    ]
    by_lag = {row["lag"]: row for row in accuracy(sales, forecasts, season=3) if row["level"] == "item"}
    assert by_lag[1]["seasonal_naive_wape"] == Decimal("0.2")  # March: |50 - 40| / 50
    assert by_lag[4]["seasonal_naive_wape"] == Decimal("0.8")  # February did not know March; December: |50 - 10| / 50
    assert by_lag[8]["seasonal_naive_wape"] is None
    assert by_lag[8]["seasonal_naive_wape_reason"] == "no sale by the same month of the latest season known"


def test_mase_scales_by_the_month_before_with_less_than_two_seasons() -> None:
    # February 10, March 0, April 30, May 20: changes 10, 30, 10, mean 50 / 3, mean square 1100 / 3.
    rows = accuracy(
        [sale("2026-02", 10), sale("2026-04", 30), sale("2026-05", 20), sale("2026-06", 35)],
        [forecast("2026-05", "2026-06", 25)],
        season=3,
    )
    item = only(rows, "item")
    assert (item["mase"], item["mase_scale"]) == (Decimal("0.6"), "lag-1")  # 10 / (50 / 3)
    assert item["rmsse"] == Decimal("0.522233")  # 10 / root of 366.6667 = 10 / 19.148542


def test_mase_scales_by_the_season_once_two_of_it_are_known() -> None:
    # Season 2. February 10, March 50, April 14, May 56: April - February 4, May - March 6, mean 5, mean square 26.
    rows = accuracy(
        [sale("2026-02", 10), sale("2026-03", 50), sale("2026-04", 14), sale("2026-05", 56), sale("2026-06", 20)],
        [forecast("2026-05", "2026-06", 16)],
        season=2,
    )
    item = only(rows, "item")
    assert (item["mase"], item["mase_scale"]) == (Decimal("0.8"), "seasonal-2")  # 4 / 5
    assert item["rmsse"] == Decimal("0.784465")  # 4 / root of 26 = 4 / 5.099020


@pytest.mark.parametrize(
    ("months_sold", "reason"),
    [(["2026-05"], "one month of history"), (["2026-03", "2026-04", "2026-05"], "in-sample error is zero")],
)
def test_without_an_in_sample_error_there_is_no_scale(months_sold: list[str], reason: str) -> None:
    rows = accuracy(
        [sale(month, 10) for month in months_sold] + [sale("2026-06", 20)], [forecast("2026-05", "2026-06", 16)]
    )
    item = only(rows, "item")
    assert (item["mase"], item["rmsse"], item["mase_n"], item["mase_reason"]) == (None, None, 0, reason)


def test_levels_add_up_the_errors_of_items_and_average_their_scaled_errors() -> None:
    # Part P at A: history 10, 30 (scale 20), error 70 - 50 = 20, mase 1. Part P at B: history 10, 20 (scale 10), error
    # 10 - 40 = -30, mase 3. Errors of one account do not cancel those of the other.
    rows = accuracy(
        [
            sale("2026-04", 10),
            sale("2026-05", 30),
            sale("2026-06", 70),
            sale("2026-04", 10, account_id="B"),
            sale("2026-05", 20, account_id="B"),
            sale("2026-06", 10, account_id="B"),
        ],
        [forecast("2026-05", "2026-06", 50), forecast("2026-05", "2026-06", 40, account_id="B")],
    )
    for row in (only(rows, "total"), only(rows, "product", product_id="P")):
        assert (row["n"], row["actual_quantity"], row["forecast_quantity"]) == (2, 80, 90)
        assert row["absolute_error_quantity"] == 50
        assert row["wape"] == Decimal("0.625")  # 50 / 80
        assert row["bias_ratio"] == Decimal("0.125")  # 10 / 80
        assert (row["mae"], row["mase"], row["rmsse"], row["mase_n"]) == (25, 2, 2, 2)
        assert row["rmse"] == Decimal("25.495098")  # root of (400 + 900) / 2
    assert only(rows, "account", account_id="B")["mase"] == 3


def test_items_with_scales_of_two_kinds_are_called_mixed() -> None:
    rows = accuracy(
        [sale(month, quantity) for month, quantity in [("2026-02", 1), ("2026-03", 2), ("2026-04", 4), ("2026-05", 4)]]
        + [sale("2026-04", 1, product_id="Q"), sale("2026-05", 2, product_id="Q")],
        [forecast("2026-05", "2026-06", 1), forecast("2026-05", "2026-06", 1, product_id="Q")],
        season=2,
    )
    assert only(rows, "item", product_id="P")["mase_scale"] == "seasonal-2"
    assert only(rows, "item", product_id="Q")["mase_scale"] == "lag-1"
    assert only(rows, "total")["mase_scale"] == "mixed"


def test_an_item_belongs_to_the_manager_of_its_account() -> None:
    rows = accuracy(
        [sale("2026-06", 10), sale("2026-06", 20, account_id="B"), sale("2026-06", 70, account_id="nobody knows")],
        [forecast("2026-05", "2026-06", 10)],
        accounts=[
            {"account_id": "A", "account_name": "Alpha", "account_manager": "Kim"},
            {"account_id": "B", "account_manager": "Kim"},
        ],
    )
    assert only(rows, "account_manager", account_manager="Kim")["actual_quantity"] == 30
    assert only(rows, "account_manager", account_manager="unknown")["actual_quantity"] == 70
    assert only(rows, "account", account_id="A")["account_name"] == "Alpha"
    assert only(rows, "account", account_id="nobody knows")["account_name"] == "unknown"


def test_a_forecast_without_accounts_is_compared_by_product() -> None:
    rows = accuracy(
        [
            sale("2026-06", 10),
            sale("2026-06", 20, account_id="B"),
            sale("2026-05", 5),
            sale("2026-05", 4, account_id="B"),
        ],
        [forecast("2026-05", "2026-06", 36, account_id=None)],
    )
    assert {row["level"] for row in rows} == {"item", "product", "total"}
    item = only(rows, "item", account_id=None, account_manager=None, product_id="P")
    assert (item["forecast_grain"], item["actual_quantity"], item["wape"]) == ("product", 30, Decimal("0.2"))
    assert item["naive_wape"] == Decimal("0.7")  # |30 - 9| / 30


def test_a_forecast_of_mixed_depth_is_compared_by_what_all_its_rows_have() -> None:
    rows = accuracy(
        [sale("2026-06", 10), sale("2026-06", 20, product_id="Q")],
        [forecast("2026-05", "2026-06", 10), forecast("2026-05", "2026-06", 26, product_id=None)],
    )
    item = only(rows, "item", account_id="A", product_id=None)
    assert (item["forecast_grain"], item["actual_quantity"], item["forecast_quantity"]) == ("account", 30, 36)
    assert only(rows, "total")["wape"] == Decimal("0.2")  # each sale and each forecast once


def test_sales_without_a_product_stay_in_the_total() -> None:
    rows = accuracy([sale("2026-06", 30), sale("2026-06", 10, product_id=None)], [forecast("2026-05", "2026-06", 30)])
    assert only(rows, "total")["unforecast_quantity"] == 10
    assert only(rows, "product", product_id=None)["actual_quantity"] == 10


def test_a_rebate_without_a_quantity_is_no_sale() -> None:
    rows = accuracy(
        [sale("2026-06", 30), sale("2026-06", 0, product_id="Q", document_type="credit_note") | {"quantity": None}],
        [forecast("2026-05", "2026-06", 30)],
    )
    assert only(rows, "total")["n"] == 1


def test_cancelled_orders_do_not_count_where_orders_are_the_actual() -> None:
    order = {"account_id": "A", "product_id": "P", "order_date": "2026-06-03"}
    con = build_case(
        {
            "orders": [
                order | {"order_id": "O1", "quantity": 40, "status": "open"},
                order | {"order_id": "O2", "quantity": 10, "status": None},
                order | {"order_id": "O3", "quantity": 99, "status": "cancelled"},
            ],
            "invoices": [sale("2026-06", 7)],
            "forecasts": [forecast("2026-05", "2026-06", 60)],
        },
        settings={"forecast": {"actual": "ordered"}},
        periods=["2026-06"],
        feeds=FEEDS,
        tables=["forecast_accuracy"],
    )
    total = only(fetch(con, "SELECT * FROM build.forecast_accuracy"), "total")
    assert (total["actual_quantity"], total["wape"]) == (50, Decimal("0.2"))


def test_months_built_together_equal_months_built_alone() -> None:
    months = [f"2026-{number:02}" for number in range(1, 7)]
    products = ("P", "Q", "R")
    sales = [
        sale(month, 7 * place + 3 * (step % 4), product_id=product)
        for place, product in enumerate(products, start=1)
        for step, month in enumerate(months)
        if (step + place) % 3
    ]
    forecasts = [
        forecast(snapshot, target, 10 + place, product_id=product, account_id=None if target == "2026-03" else "A")
        for place, product in enumerate(products[:2])
        for number, snapshot in enumerate(months)
        for target in months[number + 1 : number + 3]
    ]
    together = accuracy(sales, forecasts, months=months, season=2)
    alone = [row for month in months for row in accuracy(sales, forecasts, months=[month], season=2)]
    assert len(together) > 20
    assert together == alone


def test_a_four_four_five_calendar_decides_the_month_of_a_sale() -> None:
    rows = accuracy(
        # 30 May is in June of this calendar, 28 June is in July.
        [
            sale("2026-05", 60),
            sale("2026-06", 80, invoice_date="2026-05-30"),
            sale("2026-06", 9, invoice_date="2026-06-28"),
        ],
        [forecast("2026-05", "2026-06", 84)],
        calendar=[
            {"period_month": "2026-05-01", "start_date": "2026-04-26", "end_date": "2026-05-23"},
            {"period_month": "2026-06-01", "start_date": "2026-05-24", "end_date": "2026-06-27"},
            {"period_month": "2026-07-01", "start_date": "2026-06-28", "end_date": "2026-07-25"},
        ],
    )
    item = only(rows, "item")
    assert (item["period_month"], item["actual_quantity"], item["lag"]) == (dt.date(2026, 6, 1), 80, 1)
    assert item["naive_wape"] == Decimal("0.25")  # |80 - 60| / 80


@pytest.mark.parametrize("method", ["naive", "seasonal_naive"])
def test_the_macros_give_the_published_errors_of_quarterly_beer_production(method: str) -> None:
    golden = yaml.safe_load((GOLDEN / "forecast_errors.yaml").read_text(encoding="utf-8"))
    expected = {name: value for name, value in golden["expect"][method].items() if name != "forecast"}
    found = _beer_errors(golden, method)
    assert {name: round(found[name], PUBLISHED_DIGITS[name]) for name in expected} == expected


def test_the_seasonal_naive_beats_the_naive_forecast_of_beer_as_published() -> None:
    golden = yaml.safe_load((GOLDEN / "forecast_errors.yaml").read_text(encoding="utf-8"))
    gain = _beer_errors(golden, "naive")["wape"] - _beer_errors(golden, "seasonal_naive")["wape"]
    assert round(gain, 4) == golden["expect"]["forecast_value_added_seasonal_over_naive"]


def _beer_errors(golden: dict[str, Any], method: str) -> dict[str, float]:
    """The measures of the ten quarters after the training values, by the macros."""
    train, actual, season = golden["train"], golden["actual"], golden["season"]
    repeated = train[-1:] if method == "naive" else train[-season:]
    with memory() as con:
        con.execute(
            """
            CREATE TABLE test AS
            SELECT unnest($actual)::DECIMAL(18, 4) AS actual, unnest($forecast)::DECIMAL(18, 4) AS forecast
            """,
            {"actual": actual, "forecast": [repeated[place % len(repeated)] for place in range(len(actual))]},
        )
        con.execute(
            """
            CREATE TABLE train AS
            SELECT 1 AS item, unnest($train)::DECIMAL(18, 4) AS quantity, generate_subscripts($train, 1) AS t, $season::INT AS season
            """,
            {"train": train, "season": season},
        )
        return fetch(
            con,
            """
            WITH errors AS (SELECT *, naive_error(quantity, season, item, t) AS error FROM train),
            scales AS (SELECT t, mean_to_date(error, item, t) AS mae, sqrt(mean_to_date(error * error, item, t)) AS rmse FROM errors),
            scale AS (SELECT mae AS scale, rmse AS root_scale FROM scales ORDER BY t DESC LIMIT 1)
            SELECT
                rmse(actual, forecast) AS rmse,
                mae(actual, forecast) AS mae,
                mape(actual, forecast) AS mape,
                wape(actual, forecast) AS wape,
                mase(actual, forecast, scale) AS mase,
                rmsse(actual, forecast, root_scale) AS rmsse
            FROM test CROSS JOIN scale
            GROUP BY scale, root_scale
            """,
        )[0]


def test_errors_of_a_million_units_can_be_squared() -> None:
    rows = accuracy(
        [sale("2026-04", 2_000_000), sale("2026-05", 1_000_000), sale("2026-06", 3_000_000)],
        [forecast("2026-05", "2026-06", 2_500_000)],
    )
    item = only(rows, "item")
    assert item["rmse"] == 500_000
    assert item["rmsse"] == Decimal("0.5")  # the one change in sample was 1,000,000
    assert only(rows, "total")["rmse"] == 500_000


def test_pieces_and_kilograms_have_no_total_of_forecasts() -> None:
    products = [{"product_id": "P", "unit": "pcs"}, {"product_id": "Q", "unit": "kg"}]
    rows = accuracy(
        [sale("2026-06", 80), sale("2026-06", 10, product_id="Q")],
        [forecast("2026-05", "2026-06", 100), forecast("2026-05", "2026-06", 10, product_id="Q")],
        products=products,
    )
    in_units = ("actual_quantity", "forecast_quantity", "absolute_error_quantity", "mae", "rmse")
    total = only(rows, "total")
    assert [total[name] for name in in_units] == [None] * 5
    assert total["quantity_reason"] == "items of different units"
    # Measures of each item by itself have no unit: 20 / 80 and 0 / 10.
    assert total["mape"] == Decimal("0.125")
    in_sums = ("wape", "bias_ratio", "naive_wape", "seasonal_naive_wape", "forecast_value_added")
    assert [total[name] for name in in_sums] == [None] * 5
    reasons = ("wape_reason", "bias_ratio_reason")
    assert {total[name] for name in reasons} == {"items of different units"}
    part = only(rows, "product", product_id="P")
    assert [part[name] for name in in_units] == [80, 100, 20, 20, 20]
    assert part["quantity_reason"] is None


def test_a_forecast_by_account_is_not_compared_with_sales_of_different_units() -> None:
    products = [{"product_id": "P", "unit": "pcs"}, {"product_id": "Q", "unit": "kg"}]
    rows = accuracy(
        [sale("2026-06", 80), sale("2026-06", 10, product_id="Q"), sale("2026-06", 7, account_id="B")],
        [
            forecast("2026-05", "2026-06", 100, product_id=None),
            forecast("2026-05", "2026-06", 7, product_id=None, account_id="B"),
        ],
        products=products,
    )
    mixed, single = only(rows, "item", account_id="A"), only(rows, "item", account_id="B")
    assert (mixed["actual_quantity"], mixed["quantity_reason"]) == (None, "items of different units")
    assert (single["actual_quantity"], single["quantity_reason"]) == (7, None)
    of_one = ("wape", "bias_ratio", "mape", "smape", "mase", "rmsse", "tracking_signal")
    assert [mixed[name] for name in of_one] == [None] * 7
    assert (single["wape"], single["mape"], single["smape"]) == (0, 0, 0)
    # The mean over both accounts would be that of B alone.
    total = only(rows, "total")
    assert (total["mape"], total["smape"], total["mase_reason"]) == (None, None, "items of different units")
    assert (total["n"], total["mape_n"]) == (2, 1)
