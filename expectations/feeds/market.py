"""What customers, or the customers of a region, buy per month from all suppliers."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="market",
    table="core.market",
    batch=of_the_months("market"),
    needs=frozenset({"market"}),
    rules=(
        has_rows("market", Owner.SALES_CONTROLLING),
        key_is_unique("market"),
        account_is_known("market"),
        Rule(
            name="market.region_is_known",
            sentence="Every region of a market is the region of an account.",
            finding="{n} (region of the market is|regions of the market are) no region of an account",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Our sales there are 0, and so is our share; write the region as the account master does.",
            failing="""
SELECT batch.period_month, batch.region, count(*) AS row_count
FROM batch
ANTI JOIN core.accounts AS accounts ON accounts.region = batch.region
WHERE batch.account_id IS NULL
GROUP BY ALL""",
            keys=("region", "row_count"),
            needs=frozenset({"accounts"}),
        ),
        Rule(
            name="market.product_line_is_known",
            sentence="Every product line of a market is the product line of a part.",
            finding="{n} product (line of the market is|lines of the market are) no product line of a part",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.WARNING,
            if_it_fails="Our sales of it are 0, and so is our share; write the product line as the product master does.",
            failing="""
SELECT batch.period_month, batch.product_line, count(*) AS row_count
FROM batch
ANTI JOIN core.products AS products ON products.product_line = batch.product_line
WHERE batch.product_line IS NOT NULL
GROUP BY ALL""",
            keys=("product_line", "row_count"),
            needs=frozenset({"products"}),
        ),
        Rule(
            name="market.account_has_one_size",
            sentence="A source names the market of an account and product line once per month.",
            finding="{n} (market is|markets are) named several times by one source",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.CRITICAL,
            if_it_fails="One row of several regions would stand for all of the account; add them up in the source.",
            failing="""
SELECT period_month, account_id, product_line, source, count(*) AS row_count
FROM batch
WHERE account_id IS NOT NULL
GROUP BY period_month, account_id, product_line, source
HAVING count(*) > 1""",
            keys=("account_id", "product_line", "source", "row_count"),
        ),
        Rule(
            name="market.lines_or_all_together",
            sentence="The market of an account or region is given by product line, or for all together.",
            finding="{n} (account or region has its|accounts or regions have their) market by product line and for all together",
            owner=Owner.SALES_CONTROLLING,
            severity=Severity.CRITICAL,
            if_it_fails="Totals would count it twice; leave out the rows without a product line, or those with one.",
            failing="""
SELECT period_month, account_id, CASE WHEN account_id IS NULL THEN region END AS market_region
FROM batch
GROUP BY period_month, account_id, market_region
HAVING count(*) > count(product_line) AND count(product_line) > 0""",
            keys=("account_id", "market_region"),
        ),
        rule_from_file("market.covers_our_sales"),
        rule_from_file("market.has_one_source_over_a_year"),
    ),
)
