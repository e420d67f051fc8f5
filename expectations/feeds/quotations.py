"""What customers asked us to offer, what we offered, and how they decided."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import account_is_known, has_rows, key_is_unique, of_the_months, product_is_known
from expectations.rules import Owner, Rule, Severity, Suite

SUITE = Suite(
    name="quotations",
    table="core.quotations",
    batch=of_the_months("quotations"),
    needs=frozenset({"quotations"}),
    rules=(
        # Not every month a customer asks for an offer.
        has_rows("quotations", Owner.KEY_ACCOUNTS, Severity.INFO),
        key_is_unique("quotations"),
        account_is_known("quotations"),
        product_is_known("quotations"),
        Rule(
            name="quotations.nothing_before_the_request",
            sentence="No offer was made or decided before the customer asked for it.",
            finding="{of} <offer> (was|were) made or decided before the customer asked for (it|them)",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="Days to the offer are negative, or the decision counts in no month; correct the dates in the source.",
            failing="SELECT * FROM batch WHERE quoted_date < rfq_date OR decided_date < rfq_date",
            keys=("quotation_id", "revision", "rfq_date", "quoted_date", "decided_date"),
        ),
        Rule(
            name="quotations.offers_have_a_price_and_a_quantity",
            sentence="Every quotation that was quoted, won or lost has a price and a quantity.",
            finding="{of} <quotation> (has|have) no price or no quantity",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="What was won or lost in its month has no amount; enter price and quantity in the source.",
            failing="""
SELECT * FROM batch
WHERE (quoted_date IS NOT NULL OR decision IN ('won', 'lost')) AND (unit_price IS NULL OR quantity IS NULL)""",
            keys=("quotation_id", "revision", "unit_price", "quantity"),
        ),
        Rule(
            name="quotations.decisions_say_how",
            sentence="Every quotation with a day of decision is won, lost, declined or withdrawn.",
            finding="{of} <quotation> (has|have) a day of decision and no decision",
            owner=Owner.KEY_ACCOUNTS,
            severity=Severity.WARNING,
            if_it_fails="It is open no more and counts neither as won nor as lost; enter the decision in the source.",
            failing="SELECT * FROM batch WHERE decided_date IS NOT NULL AND decision IS NULL",
            keys=("quotation_id", "revision", "decided_date"),
        ),
        rule_from_file("quotations.revisions_agree"),
        rule_from_file("quotations.no_revision_after_the_decision"),
        rule_from_file("quotations.newest_revision_has_the_decision"),
    ),
)
