"""The business calendar, where months are not calendar months."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="calendar",
    table="core.calendar",
    batch=of_the_months("calendar"),
    needs=frozenset({"calendar"}),
    rules=(
        has_rows("calendar", Owner.DATA),
        key_is_unique("calendar"),
        rule_from_file("calendar.months_follow_each_other"),
        rule_from_file("calendar.year_has_at_most_53_weeks"),
    ),
)
