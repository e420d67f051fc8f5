"""The outlook of the fiscal year: what is sold so far and what is expected make the year."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "full_year_outlook",
        account_is_given("full_year_outlook"),
        holds(
            "full_year_outlook",
            "parts_add_up",
            "coalesce(outlook_amount = actual_amount + rest_amount, outlook_amount IS NULL)"
            " AND coalesce(rest_amount = rest_forecast_amount + rest_plan_amount, rest_amount IS NULL)"
            " AND coalesce(outlook_variance_amount = outlook_amount - year_plan_amount, outlook_variance_amount IS NULL)",
            sentence="The outlook is what was sold so far and what the forecast, else the plan, says of the rest of the year.",
            finding="{of} <row> of the outlook (is|are) not sales so far and forecast or plan",
            if_it_fails="The year is expected to end elsewhere than its parts say; a month is counted twice or never.",
            shown=("actual_amount", "rest_amount", "outlook_amount", "year_plan_amount"),
        ),
        undefined_has_a_reason("full_year_outlook"),
    ),
)
