"""Visits to customers. One without any date never gets here: it is rejected at load."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, rows_by_date
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="visits",
    table="core.visits",
    batch=rows_by_date("visits", "coalesce(feed.visit_date, feed.planned_date)"),
    needs=frozenset({"visits"}),
    rules=(has_rows("visits", Owner.KEY_ACCOUNTS), key_is_unique("visits"), account_is_known("visits")),
)
