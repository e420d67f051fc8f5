"""Receipts and other settlements of open items."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import (
    account_is_known,
    has_rows,
    key_is_unique,
    no_row_is_a_total,
    of_the_months,
)
from expectations.feeds.events import is_fresh, not_in_the_future, row_count_is_usual
from expectations.rules import Owner, Rule, Severity, Suite
from kam.warehouse import sql_text


def _with_invoices(is_broken: str) -> str:
    return sql_text("checks/templates/payments_and_invoices.sql", is_broken=is_broken)


SUITE = Suite(
    name="payments",
    table="core.payments",
    batch=of_the_months("payments"),
    needs=frozenset({"payments"}),
    rules=(
        has_rows("payments", Owner.RECEIVABLES),
        row_count_is_usual("payments", Owner.RECEIVABLES),
        is_fresh("payments", Owner.RECEIVABLES, days=10),
        not_in_the_future("payments", Owner.RECEIVABLES),
        key_is_unique("payments"),
        no_row_is_a_total("payments", Owner.RECEIVABLES, "amount"),
        account_is_known("payments"),
        Rule(
            name="payments.invoice_is_known",
            sentence="Every payment that names an invoice names one that exists.",
            finding="{of} <payment> (names|name) an invoice that does not exist",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The payment stays unapplied and the invoice open; correct its number or load the invoice.",
            failing="SELECT * FROM batch ANTI JOIN core.invoices USING (invoice_id) WHERE invoice_id IS NOT NULL",
            keys=("payment_id", "line_no", "invoice_id", "amount"),
            needs=frozenset({"invoices"}),
        ),
        Rule(
            name="payments.currency_is_the_invoices",
            sentence="Every payment is in the currency of its invoice.",
            finding="{of} <payment> (is|are) in another currency than the invoice",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The payment stays unapplied and the invoice open; post it in the invoice's currency.",
            failing=_with_invoices("batch.currency <> invoices.invoice_currency"),
            keys=("payment_id", "line_no", "invoice_id", "currency", "invoice_currency"),
            needs=frozenset({"invoices"}),
        ),
        rule_from_file("payments.within_the_invoice"),
        Rule(
            name="payments.account_is_the_invoices",
            sentence="Every payment comes from the account that was invoiced.",
            finding="{of} <payment> (comes|come) from another account than the one that was invoiced",
            owner=Owner.RECEIVABLES,
            severity=Severity.INFO,
            if_it_fails="Nothing breaks: the invoice named is settled. Confirm that one account pays for the other.",
            failing=_with_invoices("batch.account_id <> invoices.invoice_account_id"),
            keys=("payment_id", "line_no", "account_id", "invoice_id", "invoice_account_id"),
            needs=frozenset({"invoices"}),
        ),
    ),
)
