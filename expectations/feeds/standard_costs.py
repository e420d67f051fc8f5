"""What one unit of a part costs, since when."""

from __future__ import annotations

from expectations.feeds.common import all_rows, is_not_empty, key_is_unique, product_is_known
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="standard_costs",
    table="core.standard_costs",
    batch=all_rows("standard_costs"),
    needs=frozenset({"standard_costs"}),
    rules=(
        is_not_empty("standard_costs", Owner.MASTER_DATA),
        key_is_unique("standard_costs"),
        product_is_known("standard_costs"),
    ),
)
