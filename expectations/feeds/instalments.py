"""Instalments: the parts in which an invoice is due."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import key_is_unique
from expectations.rules import Owner, Rule, Severity, Suite
from kam.warehouse import sql_text

SUITE = Suite(
    name="instalments",
    table="core.instalments",
    batch=f"SELECT * FROM ({sql_text('checks/batches/instalments.sql')})",
    needs=frozenset({"instalments"}),
    rules=(
        key_is_unique("instalments"),
        rule_from_file("instalments.add_up_to_the_invoice"),
        Rule(
            name="instalments.invoice_is_known",
            sentence="Every instalment belongs to an invoice that exists.",
            finding="{n} (instalment belongs|instalments belong) to an invoice that does not exist",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The instalment is in no figure; correct its invoice number or load the invoice.",
            failing="SELECT * FROM batch ANTI JOIN core.invoices USING (invoice_id)",
            keys=("invoice_id", "instalment_no"),
            needs=frozenset({"invoices"}),
        ),
    ),
)
