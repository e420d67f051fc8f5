"""Visits to customers. One without any date never gets here: it is rejected at load."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.feeds.events import accounts_have_rows, is_fresh, not_in_the_future, row_count_is_usual
from expectations.rules import Owner, Severity, Suite

SUITE = Suite(
    name="visits",
    table="core.visits",
    batch=of_the_months("visits"),
    needs=frozenset({"visits"}),
    rules=(
        has_rows("visits", Owner.KEY_ACCOUNTS),
        # Whom to visit is for the account manager to say.
        accounts_have_rows("visits", Owner.KEY_ACCOUNTS, Severity.INFO),
        row_count_is_usual("visits", Owner.KEY_ACCOUNTS),
        is_fresh("visits", Owner.KEY_ACCOUNTS, days=14),
        not_in_the_future("visits", Owner.KEY_ACCOUNTS),
        key_is_unique("visits"),
        account_is_known("visits"),
    ),
)
