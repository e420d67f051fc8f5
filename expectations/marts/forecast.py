"""Forecasts: measures stay in their range, every level counts the same items, and steps are compared over the same ones."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

_BY_ACCOUNT = "forecast_grain IN ('account_product', 'account')"

SUITES = (
    suite(
        "forecast_accuracy",
        account_is_given("forecast_accuracy", f"level IN ('item', 'account') AND {_BY_ACCOUNT}"),
        holds(
            "forecast_accuracy",
            "measures_are_in_range",
            "coalesce(wape >= 0, true) AND coalesce(mape >= 0, true) AND coalesce(mae >= 0, true)"
            " AND coalesce(rmse::DOUBLE >= mae::DOUBLE * 0.999999, true) AND coalesce(smape BETWEEN 0 AND 2, true)"
            " AND mape_n <= n AND mase_n <= n AND naive_n <= n AND seasonal_naive_n <= n",
            sentence="No error measure leaves its range: none below 0, sMAPE up to 2, RMSE not below MAE.",
            finding="{of} <row> of forecast_accuracy (has|have) an error measure out of its range",
            if_it_fails="The measure is not what its name says; its formula is wrong.",
            shown=("n", "wape", "mape", "smape", "mae", "rmse"),
        ),
        undefined_has_a_reason("forecast_accuracy"),
        rule_from_file("forecast_accuracy.levels_add_up"),
    ),
    suite(
        "forecast_accuracy_trend",
        account_is_given("forecast_accuracy_trend", _BY_ACCOUNT),
        holds(
            "forecast_accuracy_trend",
            "windows_are_whole",
            "month_count BETWEEN 1 AND window_months AND n >= month_count"
            " AND coalesce(absolute_error_quantity >= abs(forecast_quantity - actual_quantity), true)",
            sentence="A window has no more months than it looks back on, and errors never cancel each other.",
            finding="{of} <row> of forecast_accuracy_trend (looks|look) back on too many months, or (lets|let) errors cancel each other",
            if_it_fails="The trend compares windows that are not what they say; months are counted twice.",
            shown=("month_count", "n", "absolute_error_quantity"),
        ),
        undefined_has_a_reason("forecast_accuracy_trend"),
    ),
    suite(
        "forecast_stair",
        account_is_given("forecast_stair", _BY_ACCOUNT),
        holds(
            "forecast_stair",
            "value_is_the_difference",
            "coalesce(value_added = step_before_wape - wape, wape IS NULL)"
            " AND (n > 0 OR coalesce(absolute_error_quantity, 0) = 0)",
            sentence="What a step adds is the error of the step before less its own, over the items that both have.",
            finding="{of} <step> of the forecast stair (adds|add) something else than the difference of two errors",
            if_it_fails="Somebody is praised or blamed for the error of others; the two steps count different items.",
            shown=("n", "wape", "step_before_wape", "value_added"),
        ),
        undefined_has_a_reason("forecast_stair"),
    ),
    suite(
        "schedule_churn",
        account_is_given("schedule_churn", _BY_ACCOUNT),
        holds(
            "schedule_churn",
            "counts_and_changes_are_not_negative",
            "coalesce(least(item_month_count, items_added, items_dropped) >= 0, true)"
            " AND coalesce(least(change_quantity, before_quantity) >= 0, true)",
            sentence="A change of a schedule is counted without its sign.",
            finding="{of} <row> of schedule_churn (counts|count) a change below 0",
            if_it_fails="Changes up and down cancel each other, and a schedule looks steadier than it is.",
            shown=("change_quantity", "before_quantity"),
        ),
        undefined_has_a_reason("schedule_churn"),
    ),
)
