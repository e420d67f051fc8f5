"""Sales plan variance: the bridge explains the variance, every sale counts, and the summary adds up the rows."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason
from expectations.rules import Rule

_LANES = ("volume_effect", "mix_effect", "price_effect", "fx_effect", "new_effect", "lost_effect", "adjustment_effect")


def _lanes_add_up(mart: str) -> Rule:
    return holds(
        mart,
        "lanes_add_up",
        f"{_ties('')} AND {_ties('ytd_')}",
        sentence="The lanes of a bridge add up to the variance, to the cent.",
        finding=f"The lanes of {{of}} <row> of {mart} do not add up to the variance",
        if_it_fails="The explanation does not explain the gap; a lane lost or doubled an amount.",
        shown=("variance_amount", "ytd_variance_amount"),
    )


def _ties(prefix: str) -> str:
    """A row without any lane has no bridge, and nothing to tie."""
    lanes = [prefix + lane for lane in _LANES]
    total = f"{' + '.join(lanes)} + {prefix}rounding_effect"
    return f"(coalesce({', '.join(lanes)}) IS NULL OR {total} IS NOT DISTINCT FROM {prefix}variance_amount)"


SUITES = (
    suite(
        "sales_plan_variance",
        # What was planned without an account in such a version is another rule's matter: sales_plan.version_has_one_grain.
        account_is_given(
            "sales_plan_variance", "contains(plan_grain, 'account_id') AND actual_amount IS DISTINCT FROM 0"
        ),
        _lanes_add_up("sales_plan_variance"),
        rule_from_file("sales_plan_variance.counts_all_sales"),
        undefined_has_a_reason("sales_plan_variance"),
    ),
    suite(
        "sales_plan_summary",
        account_is_given("sales_plan_summary", "level = 'account' AND actual_amount IS DISTINCT FROM 0"),
        _lanes_add_up("sales_plan_summary"),
        rule_from_file("sales_plan_summary.adds_up_the_rows"),
        undefined_has_a_reason("sales_plan_summary"),
    ),
)
