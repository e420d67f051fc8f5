"""What was seen or heard of competitors."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months, product_is_known
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="competitor_observations",
    table="core.competitor_observations",
    batch=of_the_months("competitor_observations"),
    needs=frozenset({"competitor_observations"}),
    rules=(
        # Not every month somebody hears of a competitor.
        has_rows("competitor_observations", Owner.KEY_ACCOUNTS, Severity.INFO),
        key_is_unique("competitor_observations"),
        account_is_known("competitor_observations"),
        product_is_known("competitor_observations"),
        Rule(
            name="competitor_observations.figures_are_given",
            sentence="Every observed price, share, quality or delivery has a figure.",
            finding="{of} <observation> (has|have) no figure",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="It hides an older observation and cannot be compared with us; enter its figure.",
            failing="SELECT * FROM batch WHERE value IS NULL AND kind IN ('price', 'share', 'ppm', 'otif')",
            keys=("observation_id", "kind"),
        ),
        Rule(
            name="competitor_observations.shares_are_within_0_and_1",
            sentence="Every observed share, and share of lines on time in full, lies between 0 and 1.",
            finding="{of} observed <share> (is|are) above 1",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="The competitor seems far better than he can be; enter 0.25 or 25 % for a quarter.",
            failing="SELECT * FROM batch WHERE value > 1 AND kind IN ('share', 'otif')",
            keys=("observation_id", "kind", "value"),
        ),
    ),
)
