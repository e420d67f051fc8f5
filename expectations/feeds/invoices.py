"""Lines of invoices, credit notes and debit notes."""

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

SUITE = Suite(
    name="invoices",
    table="core.invoices",
    batch=of_the_months("invoices"),
    needs=frozenset({"invoices"}),
    rules=(
        has_rows("invoices", Owner.RECEIVABLES),
        accounts_have_rows("invoices", Owner.RECEIVABLES),
        row_count_is_usual("invoices", Owner.RECEIVABLES),
        is_fresh("invoices", Owner.RECEIVABLES, days=7),
        not_in_the_future("invoices", Owner.RECEIVABLES),
        key_is_unique("invoices"),
        no_row_is_a_total("invoices", Owner.RECEIVABLES, "net_amount"),
        rule_from_file("invoices.header_agrees"),
        rule_from_file("invoices.total_matches_lines"),
        account_is_known("invoices"),
        product_is_known("invoices"),
        rule_from_file("invoices.order_line_is_known"),
        rule_from_file("invoices.reference_is_known"),
        rule_from_file("invoices.reference_agrees"),
        price_is_usual("invoices", Owner.SALES_CONTROLLING, shown_in="Sales and the price lane of the bridge"),
        quantity_is_usual("invoices", Owner.SALES_CONTROLLING, shown_in="Sales and forecast accuracy"),
        Rule(
            name="invoices.due_on_or_after_invoice_date",
            sentence="No invoice is due before its own date.",
            finding="{n} (invoice is|invoices are) due before (its|their) own date",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The item counts as overdue from the day it is issued; correct the due date in the source.",
            failing="""
SELECT DISTINCT period_month, invoice_id, invoice_date, due_date
FROM batch
WHERE due_date < invoice_date""",
            keys=("invoice_id", "invoice_date", "due_date"),
        ),
        Rule(
            name="invoices.due_date_is_given",
            sentence="Every invoice says when it is due.",
            finding="{n} (invoice does|invoices do) not say when (it is|they are) due",
            owner=Owner.RECEIVABLES,
            severity=Severity.INFO,
            if_it_fails="Days overdue count from the terms or the invoice date; add due dates in the source.",
            failing="""
SELECT DISTINCT period_month, invoice_id, account_id
FROM batch
WHERE due_date IS NULL AND document_type <> 'credit_note'""",
            keys=("invoice_id", "account_id"),
        ),
    ),
)
