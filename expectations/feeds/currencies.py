"""Whether the currencies in use have an exchange rate; on every site: one without rates can receive a foreign document too."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.rules import Suite

SUITE = Suite(
    name="currencies",
    table="core.month_rates",
    batch="SELECT * FROM core.month_rates SEMI JOIN build.periods USING (period_month)",
    rules=(
        rule_from_file("currencies.have_a_rate"),
        rule_from_file("currencies.have_a_rate_at_the_document_date"),
        rule_from_file("currencies.have_a_spot_rate"),
        rule_from_file("currencies.rate_is_recent"),
    ),
)
