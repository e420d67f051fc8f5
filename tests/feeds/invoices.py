"""Lines of invoices, credit notes and debit notes."""

from __future__ import annotations

from tests.feeds.case import Break, FeedCase

CASE = FeedCase(
    clean=[
        {
            "invoice_id": "I1",
            "account_id": "A",
            "product_id": "X",
            "invoice_date": "2026-06-10",
            "due_date": "2026-07-10",
            "net_amount": "100",
            "tax_amount": "19",
            "invoice_total": "119",
        }
    ],
    good={
        "line_no": "1",
        "document_type": "invoice",
        "account_id": "K0001",
        "product_id": "HOS-0002",
        "invoice_date": "2026-10-12",
        "due_date": "2026-12-11",
        "net_amount": "100.00",
        "tax_amount": "0.00",
        "currency": "EUR",
    },
    breaks=(
        Break(
            "two debit notes whose numbers differ in case",
            {
                "invoices": [
                    {"invoice_id": "BAD-TWIN", "document_type": "debit_note"},
                    {"invoice_id": "bad-twin", "document_type": "debit_note"},
                ]
            },
            {
                "identifiers.are_written_one_way": [
                    {"column_name": "invoice_id", "identifiers": "BAD-TWIN and bad-twin"}
                ]
            },
        ),
        Break(
            "a debit note in a currency without any rate",
            {"invoices": [{"invoice_id": "BAD-CHF", "document_type": "debit_note", "currency": "CHF"}]},
            {"currencies.have_a_rate": [{"currency": "CHF", "used_in": "invoices"}]},
        ),
        Break(
            "a debit note in a currency that has an average rate only",
            {
                "invoices": [{"invoice_id": "BAD-JPY", "document_type": "debit_note", "currency": "JPY"}],
                "fx_rates": [{"currency": "JPY", "rate_date": "2026-10-31", "rate_type": "average", "rate": "0.0061"}],
            },
            {
                "currencies.have_a_spot_rate": [{"currency": "JPY", "closing_rate": "0.0061000000"}],
                "currencies.have_a_rate_at_the_document_date": [
                    {"feed": "invoices", "document_id": "BAD-JPY", "currency": "JPY"}
                ],
            },
        ),
        Break(
            "an invoice in Swedish kronor whose last rate is of August",
            {
                "invoices": [{"invoice_id": "BAD-SEK", "document_type": "debit_note", "currency": "SEK"}],
                "fx_rates": [{"currency": "SEK", "rate_date": "2026-08-31", "rate": "0.09"}],
            },
            {
                "currencies.rate_is_recent": [
                    {
                        "currency": "SEK",
                        "rate_date": "2026-08-31",
                        "closing_rate": "0.0900000000",
                        "used_in": "invoices",
                    }
                ]
            },
        ),
        Break(
            "two lines of one invoice that fall due on two dates",
            {
                "invoices": [
                    {"invoice_id": "BAD-1", "line_no": "1", "due_date": "2026-12-01"},
                    {"invoice_id": "BAD-1", "line_no": "2", "due_date": "2026-12-02"},
                ]
            },
            {"invoices.header_agrees": [{"invoice_id": "BAD-1", "differing_columns": "due_date"}]},
        ),
        Break(
            "a debit note of 100.00 that states a total of 100.01",
            {"invoices": [{"invoice_id": "BAD-2", "document_type": "debit_note", "invoice_total": "100.01"}]},
            {
                "invoices.total_matches_lines": [
                    {"invoice_id": "BAD-2", "lines_amount_doc": "100.0000", "invoice_total": "100.0100"}
                ]
            },
        ),
        Break(
            "an invoice to an account that is not in the master",
            {"invoices": [{"invoice_id": "BAD-3", "account_id": "K9001"}]},
            {"invoices.account_is_known": [{"account_id": "K9001", "row_count": 1}]},
        ),
        Break(
            "an invoice of a part that is not in the master",
            {"invoices": [{"invoice_id": "BAD-4", "product_id": "SEA-8888"}]},
            {"invoices.product_is_known": [{"product_id": "SEA-8888", "row_count": 1}]},
        ),
        Break(
            "an invoice of 12 October due on 11 October",
            {"invoices": [{"invoice_id": "BAD-5", "due_date": "2026-10-11"}]},
            {
                "invoices.due_on_or_after_invoice_date": [
                    {"invoice_id": "BAD-5", "invoice_date": "2026-10-12", "due_date": "2026-10-11"}
                ]
            },
        ),
        Break(
            "an invoice without a due date",
            {"invoices": [{"invoice_id": "BAD-6", "due_date": ""}]},
            {"invoices.due_date_is_given": [{"invoice_id": "BAD-6", "account_id": "K0001"}]},
        ),
        Break(
            "an invoice of an unknown line of a known order",
            {"invoices": [{"invoice_id": "BAD-7", "order_id": "BAD-3", "order_line_no": "77"}]},
            {"invoices.order_line_is_known": [{"invoice_id": "BAD-7", "order_id": "BAD-3", "order_line_no": 77}]},
        ),
        Break(
            "a credit note on an unknown invoice",
            {
                "invoices": [
                    {"invoice_id": "BAD-8", "document_type": "credit_note", "reference_invoice_id": "INV-NOWHERE"}
                ]
            },
            {"invoices.reference_is_known": [{"invoice_id": "BAD-8", "reference_invoice_id": "INV-NOWHERE"}]},
        ),
        Break(
            "a credit note in dollars on an invoice in euro",
            {
                "invoices": [
                    {
                        "invoice_id": "BAD-9",
                        "document_type": "credit_note",
                        "reference_invoice_id": "BAD-5",
                        "currency": "USD",
                    }
                ]
            },
            {
                "invoices.reference_agrees": [
                    {
                        "invoice_id": "BAD-9",
                        "currency": "USD",
                        "reference_currency": "EUR",
                        "reference_account_id": "K0001",
                    }
                ]
            },
        ),
        Break(
            "1,000 pieces of a few euro invoiced at 9,999.00 each",
            {"invoices": [{"invoice_id": "BAD-10", "quantity": "1000", "net_amount": "9999000.00"}]},
            {"invoices.price_is_usual": [{"invoice_id": "BAD-10", "account_id": "K0001", "price": "9999.0000"}]},
        ),
        Break(
            "ten million pieces invoiced, free of charge",
            {"invoices": [{"invoice_id": "BAD-11", "quantity": "10000000", "net_amount": "0.00"}]},
            {
                "invoices.quantity_is_usual": [
                    {"invoice_id": "BAD-11", "account_id": "K0001", "quantity": "10000000.0000"}
                ]
            },
        ),
    ),
)
