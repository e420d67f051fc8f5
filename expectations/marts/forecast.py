"""Forecast accuracy: measures stay in their range, and every level counts the same items."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "forecast_accuracy",
        account_is_given(
            "forecast_accuracy", "level IN ('item', 'account') AND forecast_grain IN ('account_product', 'account')"
        ),
        holds(
            "forecast_accuracy",
            "measures_are_in_range",
            "coalesce(wape >= 0, true) AND coalesce(mape >= 0, true) AND coalesce(mae >= 0, true)"
            " AND coalesce(rmse::DOUBLE >= mae::DOUBLE * 0.999999, true) AND coalesce(smape BETWEEN 0 AND 2, true)"
            " AND mape_n <= n AND mase_n <= n AND naive_n <= n AND seasonal_naive_n <= n",
            sentence="No error measure leaves its range: none below 0, sMAPE up to 2, RMSE not below MAE.",
            if_it_fails="The measure is not what its name says; its formula is wrong.",
            shown=("n", "wape", "mape", "smape", "mae", "rmse"),
        ),
        undefined_has_a_reason("forecast_accuracy"),
        rule_from_file("forecast_accuracy.levels_add_up"),
    ),
)
