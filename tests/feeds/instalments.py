"""Parts in which an invoice falls due."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"invoice_id": "I1", "instalment_no": "1", "due_date": "2026-07-10", "amount": "119"}],
    breaks=(
        Break(
            "a debit note of 100 split into instalments of 60 and 30",
            {
                "invoices": [{"invoice_id": "BAD-12", "document_type": "debit_note"}],
                "instalments": [
                    {"invoice_id": "BAD-12", "instalment_no": "1", "due_date": "2026-11-12", "amount": "60"},
                    {"invoice_id": "BAD-12", "instalment_no": "2", "due_date": "2026-12-12", "amount": "30"},
                ],
            },
            {
                "instalments.add_up_to_the_invoice": [
                    {"invoice_id": "BAD-12", "instalments_amount_doc": "90.0000", "gross_amount_doc": "100.0000"}
                ]
            },
        ),
        Break(
            "an instalment of an unknown invoice",
            {
                "instalments": [
                    {"invoice_id": "INV-NOWHERE", "instalment_no": "1", "due_date": "2026-10-20", "amount": "60"}
                ]
            },
            {"instalments.invoice_is_known": [{"invoice_id": "INV-NOWHERE", "instalment_no": 1}]},
        ),
    ),
)
