"""The product master."""

from __future__ import annotations

from expectations.feeds.common import all_rows, is_not_empty, key_is_unique
from expectations.rules import Owner, Suite

SUITE = Suite(
    name="products",
    table="core.products",
    batch=all_rows("products"),
    needs=frozenset({"products"}),
    rules=(is_not_empty("products", Owner.MASTER_DATA), key_is_unique("products")),
)
