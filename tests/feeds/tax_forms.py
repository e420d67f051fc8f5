"""Tax forms received from customers."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    # The clean invoices ask for no form: this one covers nothing.
    clean=[
        {"form_id": "F", "form_type": "C", "account_id": "A", "fiscal_year": "2026", "quarter": "2"}
        | {"received_date": "2026-06-03", "amount": "0"}
    ],
    breaks=(
        Break(
            "a form of an account that is not in the master",
            {
                "tax_forms": [
                    {"form_id": "BAD-1", "form_type": "C-form", "account_id": "K9001", "received_date": "2026-10-05"}
                    | {"fiscal_year": "2027", "quarter": "2", "amount": "0", "currency": "INR"}
                ]
            },
            {"tax_forms.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a form for an invoice that nobody knows",
            {
                "tax_forms": [
                    {"form_id": "BAD-2", "form_type": "C-form", "account_id": "K0006", "received_date": "2026-10-05"}
                    | {"amount": "7", "currency": "INR", "invoice_id": "NONE"}
                ]
            },
            {
                "tax_forms.within_the_invoices": [
                    {"account_id": "K0006", "form_type": "C-form", "fiscal_year": None, "fiscal_quarter": None}
                    | {"currency": "INR", "received_amount_doc": "7.0000", "invoiced_amount_doc": "0.0000"}
                ]
            },
        ),
    ),
)
