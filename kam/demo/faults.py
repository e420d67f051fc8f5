"""Faults planted in the demo, each with the rule that finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kam.periods import add_months

MONTHS_WITH_FAULTS = 3


@dataclass(frozen=True)
class Fault:
    """A row, by the source's own column names, that a source system could have sent by mistake."""

    feed: str
    month: date
    row: Mapping[str, str]
    what_happens: str


def planted_faults(first_month: date, last_month: date, unknown_account: str) -> tuple[Fault, ...]:
    """The faulty rows, all in the last three months (or the first, in a shorter site)."""
    this, previous, before = (max(add_months(last_month, -back), first_month) for back in range(MONTHS_WITH_FAULTS))
    order = {"Position": "10", "Kunde": "K0001", "Material": "SEA-0001", "Währung": "EUR", "Status": "offen"}
    invoice = {"line_no": "1", "document_type": "invoice", "tax_amount": "0.00", "disputed": "false"}
    visit = {"Visit No": f"V{previous:%y%m}-DUPLICATE", "Account": "K0001", "Type": "sales", "Owner": "Anna Köhler"}
    return (
        Fault(
            "orders",
            previous,
            order | {"Auftrag": "SO-BY-PHONE", "Menge": "40,000", "Nettopreis": "11,50"},
            "rejected: the order has no date",
        ),
        Fault(
            "deliveries",
            before,
            {
                "delivery_id": "DN-HANDWRITTEN",
                "line_no": "1",
                "order_id": "SO-BY-PHONE",
                "order_line_no": "10",
                "delivered_date": f"{before:%Y-%m}-17",
                "quantity": "twelve",
            },
            "rejected: the quantity is a word",
        ),
        Fault(
            "invoices",
            previous,
            invoice
            | {
                "invoice_id": "INV-EURO",
                "account_id": "K0001",
                "invoice_date": f"{previous:%Y-%m}-11",
                "net_amount": "310.00",
                "currency": "EURO",
            },
            "rejected: EURO is no ISO 4217 currency",
        ),
        Fault(
            "payments",
            this,
            {
                "payment_id": "PY-REVERSED",
                "line_no": "1",
                "account_id": "K0001",
                "payment_date": f"{this:%Y-%m}-09",
                "amount": "-125.50",
                "payment_type": "receipt",
            },
            "rejected: the amount is negative; a reversal is a refund",
        ),
        Fault(
            "visits",
            previous,
            visit | {"Planned": f"{previous:%m}/14/{previous:%Y}", "Hours": "2.0"},
            "rejected with the next one: the same number for two different visits",
        ),
        Fault(
            "visits",
            previous,
            visit | {"Planned": f"{previous:%m}/21/{previous:%Y}", "Hours": "3.5"},
            "rejected with the one before",
        ),
        Fault(
            "orders",
            this,
            order
            | {
                "Auftrag": "SO-NEW-PART",
                "Material": "SEA-9999",
                "Auftragsdatum": f"05.{this:%m.%Y}",
                "Zusagetermin": f"26.{this:%m.%Y}",
                "Menge": "60,000",
                "Nettopreis": "9,80",
            },
            "loaded, with a warning: the part is not in the master data",
        ),
        Fault(
            "invoices",
            this,
            invoice
            | {
                "invoice_id": "INV-NEW-CUSTOMER",
                "account_id": unknown_account,
                "product_id": "SEA-0001",
                "invoice_date": f"{this:%Y-%m}-06",
                "due_date": f"{this:%Y-%m}-20",
                "quantity": "25",
                "net_amount": "287.50",
                "currency": "EUR",
                "invoice_total": "287.50",
            },
            "loaded, with a warning: the account is not in the master data",
        ),
        Fault(
            "payments",
            this,
            {
                "payment_id": "PY-NO-INVOICE",
                "line_no": "1",
                "account_id": "K0001",
                "invoice_id": "INV-UNKNOWN",
                "payment_date": f"{this:%Y-%m}-12",
                "amount": "1840.00",
                "currency": "EUR",
                "payment_type": "receipt",
            },
            "loaded, with a warning: the invoice is unknown, the money stays unapplied",
        ),
    )
