"""Order lines."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import (
    account_is_known,
    has_rows,
    key_is_unique,
    no_row_is_a_total,
    of_the_months,
    product_is_known,
)
from expectations.feeds.events import (
    accounts_have_rows,
    is_fresh,
    not_in_the_future,
    price_is_usual,
    quantity_is_usual,
    row_count_is_usual,
)
from expectations.rules import Owner, Rule, Severity, Suite

_LINE = ("order_id", "line_no")

SUITE = Suite(
    name="orders",
    table="core.orders",
    batch=of_the_months("orders"),
    needs=frozenset({"orders"}),
    rules=(
        has_rows("orders", Owner.SALES_CONTROLLING),
        accounts_have_rows("orders", Owner.SALES_CONTROLLING),
        row_count_is_usual("orders", Owner.SALES_CONTROLLING),
        is_fresh("orders", Owner.SALES_CONTROLLING, days=7),
        not_in_the_future("orders", Owner.SALES_CONTROLLING),
        key_is_unique("orders"),
        no_row_is_a_total("orders", Owner.SALES_CONTROLLING, "quantity"),
        account_is_known("orders"),
        product_is_known("orders"),
        Rule(
            name="orders.promised_on_or_after_order_date",
            sentence="No order line is requested or promised for a day before its order.",
            finding="{of} order <line> (is|are) requested or promised for a day before (its|their) order",
            owner=Owner.LOGISTICS,
            severity=Severity.WARNING,
            if_it_fails="The line cannot be on time, and OTIF is too low; correct the dates in the source.",
            failing="""
SELECT *
FROM batch
WHERE least(requested_date, promised_date, last_promised_date) < order_date""",
            keys=(*_LINE, "order_date", "requested_date", "promised_date", "last_promised_date"),
        ),
        rule_from_file("orders.late_on_a_working_day"),
        price_is_usual("orders", Owner.SALES_CONTROLLING, shown_in="Sales and the price lane of the bridge"),
        quantity_is_usual("orders", Owner.SALES_CONTROLLING, shown_in="Sales and forecast accuracy"),
        Rule(
            name="orders.quantity_is_above_zero",
            sentence="Every order line orders something.",
            finding="{of} order <line> (orders|order) nothing",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="The line is in no figure; cancel it, or correct its quantity in the source.",
            failing="SELECT * FROM batch WHERE quantity = 0 AND status IS DISTINCT FROM 'cancelled'",
            keys=_LINE,
        ),
        Rule(
            name="orders.rejected_within_delivered",
            sentence="No order line has more rejected than delivered.",
            finding="{of} order <line> (has|have) more rejected than delivered",
            owner=Owner.QUALITY,
            severity=Severity.WARNING,
            if_it_fails="PPM exceeds one million for the account; correct the quantities in the source.",
            failing="SELECT * FROM batch WHERE rejected_quantity > coalesce(delivered_quantity, quantity)",
            keys=("order_id", "line_no", "delivered_quantity", "rejected_quantity"),
        ),
    ),
)
