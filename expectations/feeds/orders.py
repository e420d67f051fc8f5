"""Order lines."""

from __future__ import annotations

from expectations.feeds.common import account_is_known, has_rows, key_is_unique, product_is_known, rows_by_date
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="orders",
    table="core.orders",
    batch=rows_by_date("orders", "feed.order_date"),
    needs=frozenset({"orders"}),
    rules=(
        has_rows("orders", Owner.SALES_CONTROLLING),
        key_is_unique("orders"),
        account_is_known("orders"),
        product_is_known("orders"),
        Rule(
            name="orders.rejected_within_delivered",
            sentence="No order line has more rejected than delivered.",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="PPM exceeds one million for the account; correct the quantities in the source.",
            failing="SELECT * FROM batch WHERE rejected_quantity > coalesce(delivered_quantity, quantity)",
            keys=("order_id", "line_no", "delivered_quantity", "rejected_quantity"),
        ),
    ),
)
