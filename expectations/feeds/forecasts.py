"""Quantities forecast for a target month at the end of a snapshot month."""

from __future__ import annotations

from dataclasses import replace

from expectations.checks import rule_from_file
from expectations.feeds.common import (
    account_is_known,
    has_rows,
    key_is_unique,
    no_row_is_a_total,
    of_the_months,
    product_is_known,
)
from expectations.rules import Owner, Rule, Severity, Suite

# What `kam forecast` made does not stand for a forecast that was not sent. A site may have no others.
_SENT = "load_id NOT IN (SELECT load_id FROM ops.loads WHERE is_made_here(source))"
_HAS_ROWS = replace(
    has_rows("forecasts", Owner.SALES_CONTROLLING),
    failing=f"""
SELECT period_month, 'forecasts' AS feed
FROM build.periods
ANTI JOIN (
    FROM batch WHERE {_SENT} OR NOT EXISTS (FROM core.forecasts WHERE {_SENT})
) AS given USING (period_month)""",
)
SUITE = Suite(
    name="forecasts",
    table="core.forecasts",
    batch=of_the_months("forecasts"),
    needs=frozenset({"forecasts"}),
    rules=(
        _HAS_ROWS,
        key_is_unique("forecasts"),
        no_row_is_a_total("forecasts", Owner.SALES_CONTROLLING, "quantity", Severity.CRITICAL),
        account_is_known("forecasts"),
        product_is_known("forecasts"),
        rule_from_file("forecasts.round_has_one_grain"),
        rule_from_file("forecasts.active_items_have_one"),
        Rule(
            name="forecasts.target_after_snapshot",
            sentence="Every forecast was made before the month it is for.",
            finding="{of} <forecast> (was|were) made in or after the month (it is|they are) for",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="A forecast made afterwards makes the accuracy look too good; correct the snapshot month.",
            failing="SELECT * FROM batch WHERE target_month <= snapshot_month",
            keys=("forecast_step", "snapshot_month", "target_month", "account_id", "product_id"),
        ),
    ),
)
