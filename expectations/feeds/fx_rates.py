"""Exchange rates."""

from __future__ import annotations

from expectations.feeds.common import has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="fx_rates",
    table="core.fx_rates",
    batch=of_the_months("fx_rates"),
    needs=frozenset({"fx_rates"}),
    rules=(has_rows("fx_rates", Owner.TREASURY), key_is_unique("fx_rates")),
)
