"""Parts in which an invoice falls due."""

from __future__ import annotations

from expectations.checks import rule_from_file
from expectations.feeds.common import key_is_unique
from expectations.rules import Owner, Rule, Severity, Suite

# An instalment belongs to the month of its invoice; without one, to the month it falls due.
_OF_THE_MONTHS = """
SELECT instalments.*, days.period_month
FROM core.instalments AS instalments
LEFT JOIN (
    SELECT invoice_id, min(invoice_date) AS invoice_date
    FROM core.invoices
    SEMI JOIN core.instalments USING (invoice_id)
    GROUP BY invoice_id
) AS invoices USING (invoice_id)
JOIN core.days AS days ON days.calendar_date = coalesce(invoices.invoice_date, instalments.due_date)
SEMI JOIN build.periods AS periods ON periods.period_month = days.period_month"""

SUITE = Suite(
    name="instalments",
    table="core.instalments",
    batch=_OF_THE_MONTHS,
    needs=frozenset({"instalments"}),
    rules=(
        key_is_unique("instalments"),
        rule_from_file("instalments.add_up_to_the_invoice"),
        Rule(
            name="instalments.invoice_is_known",
            sentence="Every instalment is of an invoice that exists.",
            owner=Owner.RECEIVABLES,
            severity=Severity.WARNING,
            if_it_fails="The instalment is in no figure; correct its invoice number or load the invoice.",
            failing="SELECT * FROM batch ANTI JOIN core.invoices USING (invoice_id)",
            keys=("invoice_id", "instalment_no"),
            needs=frozenset({"invoices"}),
        ),
    ),
)
