"""Planned sales."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import (
    account_is_known,
    has_rows,
    key_is_unique,
    no_row_is_a_total,
    of_the_months,
    product_is_known,
)
from expectations.rules import Owner, Severity, Suite

SUITE = Suite(
    name="sales_plan",
    table="core.sales_plan",
    batch=of_the_months("sales_plan"),
    needs=frozenset({"sales_plan"}),
    rules=(
        has_rows("sales_plan", Owner.SALES_CONTROLLING),
        key_is_unique("sales_plan"),
        no_row_is_a_total("sales_plan", Owner.SALES_CONTROLLING, "amount", Severity.CRITICAL),
        rule_from_file("sales_plan.version_has_one_grain"),
        rule_from_file("sales_plan.complete_for_the_year"),
        rule_from_file("sales_plan.covers_the_sales"),
        rule_from_file("sales_plan.submitted_on_time"),
        account_is_known("sales_plan"),
        product_is_known("sales_plan"),
    ),
)
