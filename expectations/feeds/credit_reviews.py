"""What credit agencies, or our own credit department, found about customers."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="credit_reviews",
    table="core.credit_reviews",
    batch=of_the_months("credit_reviews"),
    needs=frozenset({"credit_reviews"}),
    rules=(
        # Most accounts are reviewed once or twice a year.
        has_rows("credit_reviews", Owner.RECEIVABLES, Severity.INFO),
        key_is_unique("credit_reviews"),
        account_is_known("credit_reviews"),
        Rule(
            name="credit_reviews.next_one_is_later",
            sentence="The next review is due after the day of the review.",
            finding="{of} next <review> (is|are) due on or before the day of the review",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The account shows as overdue for review from the first day; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE next_review_on <= reviewed_on",
            keys=("account_id", "reviewed_on", "next_review_on"),
        ),
    ),
)
