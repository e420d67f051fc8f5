"""Figures of the economy that our markets follow."""

from __future__ import annotations

from expectations.feeds.common import has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="indicators",
    table="core.indicators",
    batch=of_the_months("indicators"),
    needs=frozenset({"indicators"}),
    rules=(
        # Statistics of a month often appear after its close.
        has_rows("indicators", Owner.SALES_CONTROLLING, Severity.INFO),
        key_is_unique("indicators"),
        Rule(
            name="indicators.unit_stays_the_same",
            sentence="An indicator has the unit that it had a year before.",
            finding="{of} <indicator> (has|have) another unit than a year before",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Its change to the year before is empty; bring both values into one unit in the source.",
            failing="""
SELECT batch.*, earlier.unit AS prior_year_unit
FROM batch
JOIN core.indicators AS earlier
    ON earlier.indicator = batch.indicator AND earlier.month = batch.month - INTERVAL 12 MONTH
WHERE lower(earlier.unit) <> lower(batch.unit)""",
            keys=("indicator", "unit", "prior_year_unit"),
        ),
    ),
)
