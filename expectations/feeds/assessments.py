"""What customers and certifiers found: audits, certificates, awards, surveys, programmes."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="assessments",
    table="core.assessments",
    batch=of_the_months("assessments"),
    needs=frozenset({"assessments"}),
    rules=(
        # Customers audit us a few times a year.
        has_rows("assessments", Owner.QUALITY, Severity.INFO),
        key_is_unique("assessments"),
        account_is_known("assessments"),
        Rule(
            name="assessments.points_within_maximum",
            sentence="No assessment gives more points than were possible.",
            finding="{of} <assessment> (gives|give) more points than were possible",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="Its score is above 100 %; correct the points or their maximum in the source.",
            failing="SELECT * FROM batch WHERE points > max_points",
            keys=("assessment_id", "criterion", "points", "max_points"),
        ),
        Rule(
            name="assessments.points_have_a_maximum",
            sentence="Of each assessment with points, the points possible are known.",
            finding="{of} <assessment> (has|have) points, and the points possible are not known",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="Its score is empty; name the points possible, for all rows with columns.max_points = { value = … }.",
            failing="SELECT * FROM batch WHERE points IS NOT NULL AND max_points IS NULL",
            keys=("assessment_id", "criterion", "points"),
        ),
        Rule(
            name="assessments.valid_after_assessed",
            sentence="No assessment ends before the day on which it was given.",
            finding="{of} <assessment> (ends|end) before the day on which (it was|they were) given",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="It shows as lapsed from the first day; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE valid_until < assessed_on",
            keys=("assessment_id", "criterion", "assessed_on", "valid_until"),
        ),
    ),
)
