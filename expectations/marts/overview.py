"""What a review of an account opens with."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite

SUITES = (
    suite(
        "account_review",
        account_is_given("account_review"),
        holds(
            "account_review",
            "undefined_has_a_reason",
            "(net_sales_amount IS NULL) = coalesce(contains(undefined_figures, 'net_sales_amount: '), false)"
            " AND (otif_ratio IS NULL) = coalesce(contains(undefined_figures, ' otif_ratio: ')"
            " OR starts_with(undefined_figures, 'otif_ratio: '), false)",
            sentence="Figures of the month that are undefined are named with the reason, and no others.",
            finding="{of} <account> (has|have) undefined figures without a reason, or a reason without one",
            if_it_fails="An empty figure of a review has no reason, or a defined one has one; the model reads the month wrongly.",
            shown=("net_sales_amount", "otif_ratio", "undefined_figures"),
        ),
        holds(
            "account_review",
            "flags_are_counted",
            "flag_count >= raised_flag_count AND flag_count >= critical_flag_count AND (flag_count > 0) = (flags IS NOT NULL)"
            " AND flag_count - raised_flag_count + cleared_flag_count = last_month_flag_count",
            sentence="The flags of a month are those of the month before, less those cleared, and those raised.",
            finding="The flags of {of} <account> do not follow from the month before",
            if_it_fails="A review shows flags that are over, or misses some; the model counts states wrongly.",
            shown=("flag_count", "last_month_flag_count", "raised_flag_count", "cleared_flag_count"),
        ),
    ),
)
