"""Tax forms: what is outstanding is what was invoiced less what was received, as the documents have it."""

from __future__ import annotations

from expectations.marts.common import account_is_given, holds, suite, undefined_has_a_reason

SUITES = (
    suite(
        "tax_forms_outstanding",
        account_is_given("tax_forms_outstanding"),
        holds(
            "tax_forms_outstanding",
            "amounts_add_up",
            "coalesce(outstanding_amount = invoiced_amount - received_amount, true)"
            " AND coalesce((tax_at_risk_amount > 0) <= (outstanding_amount > 0), true)",
            sentence="What is outstanding was invoiced and not received, and only that puts tax at risk.",
            finding="What is outstanding is not what was invoiced less what was received in {of} <row> of tax_forms_outstanding",
            if_it_fails="A customer is chased for a form that came, or not for one that did not; the model shares forms wrongly.",
            shown=("invoiced_amount", "received_amount", "outstanding_amount", "tax_at_risk_amount"),
        ),
        holds(
            "tax_forms_outstanding",
            "quarter_is_not_in_the_future",
            "coalesce(days_outstanding >= 0, true)",
            sentence="Days outstanding count from the end of a quarter that is over, else they are 0.",
            finding="{of} <row> of tax_forms_outstanding (counts|count) fewer than 0 days",
            if_it_fails="A form is chased before it is due; the model takes the end of a quarter wrongly.",
            shown=("days_outstanding",),
        ),
        undefined_has_a_reason("tax_forms_outstanding"),
    ),
    suite(
        "tax_form_documents",
        account_is_given("tax_form_documents"),
        holds(
            "tax_form_documents",
            "a_form_is_received_and_a_document_invoiced",
            "CASE WHEN document_kind = 'form' THEN invoiced_amount_doc ELSE received_amount_doc END = 0",
            sentence="A form counts as received, and any other document as invoiced.",
            finding="{of} <document> (counts|count) on the wrong side, as received or as invoiced",
            if_it_fails="The list does not add up to what is outstanding; the model counts a document on the wrong side.",
            shown=("invoiced_amount_doc", "received_amount_doc"),
        ),
    ),
)
