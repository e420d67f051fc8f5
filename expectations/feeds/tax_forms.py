"""Tax forms received from customers."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Severity, Suite

SUITE = Suite(
    name="tax_forms",
    table="core.tax_forms",
    batch=of_the_months("tax_forms"),
    needs=frozenset({"tax_forms"}),
    rules=(
        # Customers send them once a quarter.
        has_rows("tax_forms", Owner.RECEIVABLES, Severity.INFO),
        key_is_unique("tax_forms"),
        account_is_known("tax_forms"),
        rule_from_file("tax_forms.within_the_invoices"),
    ),
)
