"""Profit: the margin is what sales leave over the cost of their goods."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "product_line_profit",
        account_is_given("product_line_profit"),
        holds(
            "product_line_profit",
            "margin_adds_up",
            "coalesce(gross_margin_amount = net_sales_amount - uncosted_amount - cost_of_goods_amount,"
            " gross_margin_amount IS NULL)",
            sentence="The gross margin is the sales less those without a cost and less the cost of the goods.",
            if_it_fails="A product line looks better or worse than it is; sales and costs are of different goods.",
            shown=("net_sales_amount", "uncosted_amount", "cost_of_goods_amount", "gross_margin_amount"),
        ),
        undefined_has_a_reason("product_line_profit"),
    ),
)
