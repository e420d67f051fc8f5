"""Exchange rates: the feed itself, and whether the currencies in use have one.

The currencies are checked on every site: one without the feed can still receive a foreign document.
"""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import has_rows, key_is_unique, rows_by_date
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="fx_rates",
    table="core.fx_rates",
    batch=rows_by_date("fx_rates", "feed.rate_date"),
    needs=frozenset({"fx_rates"}),
    rules=(has_rows("fx_rates", Owner.TREASURY), key_is_unique("fx_rates")),
)

CURRENCIES = Suite(
    name="currencies",
    table="core.month_rates",
    batch="SELECT * FROM core.month_rates SEMI JOIN build.periods USING (period_month)",
    rules=(rule_from_file("currencies.have_a_rate"), rule_from_file("currencies.have_a_spot_rate")),
)
