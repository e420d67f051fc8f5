"""Profit: the margin is what sales leave over the cost of their goods."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason
from expectations.rules import Owner, Rule, Severity

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
            finding="The gross margin of {of} <row> of product_line_profit is not sales less costs",
            if_it_fails="A product line looks better or worse than it is; sales and costs are of different goods.",
            shown=("net_sales_amount", "uncosted_amount", "cost_of_goods_amount", "gross_margin_amount"),
        ),
        undefined_has_a_reason("product_line_profit"),
        Rule(
            name="product_line_profit.costs_have_a_rate",
            sentence="Each standard cost of what was sold has an exchange rate.",
            finding="{of} <row> of product_line_profit (has|have) standard costs without an exchange rate",
            owner=Owner.TREASURY,
            severity=Severity.WARNING,
            if_it_fails="Margins are empty, and so is the profit of the account; load a rate of the currency and close again.",
            failing="SELECT * FROM batch WHERE gross_margin_amount_reason LIKE 'no rate%' AND net_sales_amount_reason IS NULL",
            keys=("account_id", "product_line", "gross_margin_amount_reason"),
        ),
    ),
    suite(
        "account_profit",
        account_is_given("account_profit"),
        holds(
            "account_profit",
            "steps_add_up",
            "coalesce(gross_margin_amount = net_sales_amount - uncosted_amount - cost_of_goods_amount, true)"
            " AND coalesce(contribution_amount = gross_margin_amount - freight_amount - rebate_amount - warranty_amount, true)"
            " AND coalesce(fixed_cost_amount = service_amount + other_amount + coalesce(visit_cost_amount, 0)"
            " + receivables_cost_amount, true)"
            " AND coalesce(profit_amount = contribution_amount - fixed_cost_amount, true)",
            sentence="Margin, contribution, fixed costs and profit are what their parts add up to.",
            finding="Margin, contribution and profit of {of} <account> are not what their parts add up to",
            if_it_fails="An account seems to earn more or less than it does; a cost is missing or counts twice.",
            shown=("gross_margin_amount", "contribution_amount", "fixed_cost_amount", "profit_amount"),
        ),
        undefined_has_a_reason("account_profit"),
    ),
    suite(
        "account_costs",
        account_is_given("account_costs"),
        undefined_has_a_reason("account_costs"),
    ),
    suite(
        "business_cases",
        account_is_given("business_cases", "account_name IS NOT NULL"),
        holds(
            "business_cases",
            "cash_adds_up",
            "coalesce(total_cash_amount = cash_to_date_amount + remaining_cash_amount, true)",
            sentence="All money of a case is that to date and that of later months.",
            finding="The cash of {of} <case> is not that to date and that of later months",
            if_it_fails="A month of the case counts twice or never; its value is wrong.",
            shown=("cash_to_date_amount", "remaining_cash_amount", "total_cash_amount"),
        ),
        undefined_has_a_reason("business_cases"),
    ),
    suite(
        "business_case_flows",
        account_is_given("business_case_flows", "account_name IS NOT NULL"),
        undefined_has_a_reason("business_case_flows"),
    ),
)
