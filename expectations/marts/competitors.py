"""Competitors: the newest observation of each, beside our own figure."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "competitor_position",
        account_is_given("competitor_position", "account_name IS NOT NULL"),
        holds(
            "competitor_position",
            "nothing_is_from_later",
            "age_days >= 0 AND coalesce(our_month <= period_month, true)",
            sentence="No observation and no price of ours is from after the month.",
            finding="{of} <row> of competitor_position (is|are) from after the month",
            if_it_fails="The month shows what was not known then; the model looks at later rows.",
            shown=("observed_on", "our_month"),
        ),
        undefined_has_a_reason("competitor_position"),
    ),
)
