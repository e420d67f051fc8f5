"""Deliveries against order lines."""

from __future__ import annotations

from expectations.feeds.common import has_rows, key_is_unique, of_the_months
from expectations.feeds.events import is_fresh, not_in_the_future, row_count_is_usual
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="deliveries",
    table="core.deliveries",
    batch=of_the_months("deliveries"),
    needs=frozenset({"deliveries"}),
    rules=(
        has_rows("deliveries", Owner.LOGISTICS),
        row_count_is_usual("deliveries", Owner.LOGISTICS),
        is_fresh("deliveries", Owner.LOGISTICS, days=7),
        not_in_the_future("deliveries", Owner.LOGISTICS),
        key_is_unique("deliveries"),
        Rule(
            name="deliveries.order_line_is_known",
            sentence="Every delivery is against an order line that exists.",
            finding="{of} <delivery|deliveries> (is|are) against an order line that does not exist",
            owner=Owner.LOGISTICS,
            severity=Severity.WARNING,
            if_it_fails="The delivery counts for no order, so OTIF is too low; correct its order or load the order.",
            failing="""
SELECT batch.*
FROM batch
ANTI JOIN core.orders AS orders ON orders.order_id = batch.order_id AND orders.line_no = batch.order_line_no""",
            keys=("delivery_id", "line_no", "order_id", "order_line_no"),
            needs=frozenset({"orders"}),
        ),
        Rule(
            name="deliveries.not_before_order",
            sentence="No delivery is dated before its order.",
            finding="{of} <delivery|deliveries> (is|are) earlier than (its|their) order",
            owner=Owner.LOGISTICS,
            severity=Severity.WARNING,
            if_it_fails="The delivery counts as early; one of the two dates is wrong, correct it in the source.",
            failing="""
SELECT batch.*, orders.order_date
FROM batch
JOIN core.orders AS orders ON orders.order_id = batch.order_id AND orders.line_no = batch.order_line_no
WHERE batch.delivered_date < orders.order_date""",
            keys=("delivery_id", "line_no", "order_id", "delivered_date", "order_date"),
            needs=frozenset({"orders"}),
        ),
        Rule(
            name="deliveries.rejected_within_delivered",
            sentence="No delivery has more rejected than delivered.",
            finding="{of} <delivery|deliveries> (has|have) more rejected than delivered",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="PPM exceeds one million for the account; correct the quantities in the source.",
            failing="SELECT * FROM batch WHERE rejected_quantity > quantity",
            keys=("delivery_id", "line_no", "quantity", "rejected_quantity"),
        ),
    ),
)
