"""What is expected to be paid, by account and month."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Severity, Suite

SUITE = Suite(
    name="payment_plan",
    table="core.payment_plan",
    batch=of_the_months("payment_plan"),
    needs=frozenset({"payment_plan"}),
    rules=(
        # Plans are agreed for some accounts and some months only.
        has_rows("payment_plan", Owner.RECEIVABLES, Severity.INFO),
        key_is_unique("payment_plan"),
        account_is_known("payment_plan"),
    ),
)
