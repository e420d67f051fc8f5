"""Sales opportunities, as they were recorded from day to day."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="opportunities",
    table="core.opportunities",
    batch=of_the_months("opportunities"),
    needs=frozenset({"opportunities"}),
    rules=(
        has_rows("opportunities", Owner.KEY_ACCOUNTS),
        key_is_unique("opportunities"),
        account_is_known("opportunities"),
        Rule(
            name="opportunities.closed_ones_have_an_outcome",
            sentence="Every opportunity with a closing date is won or lost.",
            finding="{of} <opportunity|opportunities> (has|have) a closing date, and (is|are) neither won nor lost",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="It leaves the pipeline and counts neither as won nor as lost; name its outcome in the source.",
            failing="SELECT * FROM batch WHERE closed_on IS NOT NULL AND outcome IS NULL",
            keys=("opportunity_id", "recorded_on", "closed_on"),
        ),
        Rule(
            name="opportunities.closed_by_the_day_of_the_record",
            sentence="No opportunity is recorded as closed on a later day.",
            finding="{of} <opportunity|opportunities> (is|are) recorded as closed on a later day",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="It counts as open until that day; correct closed_on, or use expected_close for a day to come.",
            failing="SELECT * FROM batch WHERE closed_on > recorded_on",
            keys=("opportunity_id", "recorded_on", "closed_on"),
        ),
        Rule(
            name="opportunities.closings_are_recorded_in_time",
            sentence="A closing is recorded within a month.",
            finding="{of} <closing> (was|were) recorded more than a month later",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="It was open in all months until it was recorded, and counts as won or lost only then. If recorded_on is the day"
            " of the extract, map it to the day of the change.",
            failing="""
SELECT batch.*
FROM batch
ANTI JOIN core.opportunities AS earlier
    ON earlier.opportunity_id = batch.opportunity_id
    AND earlier.closed_on IS NOT NULL
    AND earlier.recorded_on < batch.recorded_on
WHERE batch.closed_on < batch.recorded_on - INTERVAL 1 MONTH""",
            keys=("opportunity_id", "recorded_on", "closed_on"),
        ),
    ),
)
