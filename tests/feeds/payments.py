"""Receipts and other settlements of what is owed."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[{"payment_id": "P1", "account_id": "A", "invoice_id": "I1", "payment_date": "2026-06-20", "amount": "100"}],
    good={
        "line_no": "1",
        "account_id": "K0001",
        "payment_date": "2026-10-12",
        "amount": "10.00",
        "currency": "EUR",
        "payment_type": "receipt",
    },
    breaks=(
        Break(
            "a payment of an account that is not in the master",
            {"payments": [{"payment_id": "BAD-1", "account_id": "K9001"}]},
            {"payments.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "a payment of an unknown invoice",
            {"payments": [{"payment_id": "BAD-2", "invoice_id": "INV-NOWHERE", "amount": "12.50"}]},
            {"payments.invoice_is_known": [{"payment_id": "BAD-2", "invoice_id": "INV-NOWHERE", "amount": "12.5000"}]},
        ),
        Break(
            "a payment in dollars of an invoice in euro",
            {"payments": [{"payment_id": "BAD-3", "invoice_id": "BAD-5", "currency": "USD"}]},
            {
                "payments.currency_is_the_invoices": [
                    {"payment_id": "BAD-3", "invoice_id": "BAD-5", "currency": "USD", "invoice_currency": "EUR"}
                ]
            },
        ),
        Break(
            "a debit note of 100 paid with 100.01",
            {
                "invoices": [{"invoice_id": "BAD-13", "document_type": "debit_note"}],
                "payments": [{"payment_id": "BAD-4", "invoice_id": "BAD-13", "amount": "100.01"}],
            },
            {
                "payments.within_the_invoice": [
                    {"invoice_id": "BAD-13", "paid_amount_doc": "100.0100", "gross_amount_doc": "100.0000"}
                ]
            },
        ),
        Break(
            "an invoice of K0001 paid by K0003",
            {"payments": [{"payment_id": "BAD-5", "account_id": "K0003", "invoice_id": "BAD-5", "amount": "1.00"}]},
            {
                "payments.account_is_the_invoices": [
                    {"payment_id": "BAD-5", "account_id": "K0003", "invoice_account_id": "K0001"}
                ]
            },
        ),
    ),
)
