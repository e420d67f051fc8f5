"""Open items worked out invoice by invoice and day by day, in plain Python, to hold the SQL models against.

Written from the definitions of the figures alone; slow and simple on purpose.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Given = Mapping[str, Sequence[Row]]
ItemKey = tuple[str, str, int, int]

ZERO = Decimal(0)
REPORTING_CURRENCY = "EUR"


def open_items(given: Given, day: date) -> dict[ItemKey, Decimal]:
    """Outstanding amount by item type, document, line and instalment at the end of a day."""
    found: dict[ItemKey, Decimal] = {}
    documents = {row["invoice_id"]: row for row in given["invoices"] if row["document_type"] != "credit_note"}
    settlements = _settlements(given)
    applied: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for settlement in settlements:
        if settlement["date"] > day:
            continue
        document = documents.get(settlement["invoice_id"] or "")
        known = document is not None and document["invoice_date"] <= day
        if known and document is not None and settlement["currency"] in (None, _currency(document)):
            applied[settlement["invoice_id"]].append(settlement)
        else:
            _add(found, settlement, settlement["amount"])
    for invoice_id, document in documents.items():
        if document["invoice_date"] <= day:
            _settle(found, given, document, applied[invoice_id])
    return {key: amount for key, amount in found.items() if amount}


def place_of(given: Given, key: ItemKey, day: date) -> tuple[str, str]:
    """Account and currency that an item counts for at a day."""
    item_type, document_id, line_no, _ = key
    if item_type == "unapplied_cash":
        row = next(
            row for row in given["payments"] if (row["payment_id"], row.get("line_no", 1)) == (document_id, line_no)
        )
        named = [invoice for invoice in given["invoices"] if invoice["invoice_id"] == row.get("invoice_id")]
        known = [
            invoice for invoice in named if invoice["invoice_date"] <= day and invoice["document_type"] != "credit_note"
        ]
        return row["account_id"], row.get("currency") or (_currency(known[0]) if known else REPORTING_CURRENCY)
    row = next(row for row in given["invoices"] if row["invoice_id"] == document_id)
    return row["account_id"], _currency(row)


def settled_days(given: Given, days: Sequence[date]) -> dict[ItemKey, date]:
    """For each invoice item that came to zero within these days and is settled at the last of them: the day it did."""
    last_open: dict[ItemKey, date] = {}
    seen: set[ItemKey] = set()
    for day in days:
        state = open_items(given, day)
        for key in _invoice_items(given, day):
            seen.add(key)
            if key in state:
                last_open[key] = day
    settled = {}
    at_the_end = open_items(given, days[-1])
    before = set(_invoice_items(given, days[0]))
    for key in seen - at_the_end.keys():
        if key in last_open:
            settled[key] = days[days.index(last_open[key]) + 1]
        elif key not in before:
            settled[key] = next(day for day in days if key in _invoice_items(given, day))
    return settled


def _invoice_items(given: Given, day: date) -> list[ItemKey]:
    return [
        ("invoice", row["invoice_id"], 1, number)
        for row in given["invoices"]
        if row["document_type"] != "credit_note" and row["invoice_date"] <= day
        for number, _, amount in _parts(given, row)
        if amount
    ]


def _currency(document: Row) -> str:
    return document.get("currency") or REPORTING_CURRENCY


def _settlements(given: Given) -> list[dict[str, Any]]:
    settlements = [
        {
            "kind": row.get("payment_type", "receipt"),
            "item_type": "unapplied_cash",
            "document_id": row["payment_id"],
            "line_no": row.get("line_no", 1),
            "invoice_id": row.get("invoice_id"),
            "instalment_no": row.get("instalment_no"),
            "date": row["payment_date"],
            "currency": row.get("currency"),
            "amount": Decimal(row["amount"]),
        }
        for row in given["payments"]
    ]
    settlements += [
        {
            "kind": "credit_note",
            "item_type": "credit",
            "document_id": row["invoice_id"],
            "line_no": row.get("line_no", 1),
            "invoice_id": row.get("reference_invoice_id"),
            "instalment_no": None,
            "date": row["invoice_date"],
            "currency": _currency(row),
            "amount": Decimal(row["net_amount"]),
        }
        for row in given["invoices"]
        if row["document_type"] == "credit_note"
    ]
    return settlements


def _add(found: dict[ItemKey, Decimal], settlement: Row, amount: Decimal) -> None:
    key = (settlement["item_type"], settlement["document_id"], settlement["line_no"], 1)
    found[key] = found.get(key, ZERO) + (amount if settlement["kind"] == "refund" else -amount)


def _parts(given: Given, document: Row) -> list[tuple[int, date, Decimal]]:
    """Number, due date and amount of a document's instalments, the earliest due first."""
    gross = Decimal(document["net_amount"])
    listed = sorted(
        (row for row in given["instalments"] if row["invoice_id"] == document["invoice_id"]),
        key=lambda row: row["instalment_no"],
    )
    if not listed:
        return [(1, document["due_date"], gross)]
    parts = []
    left = gross
    for row in listed:
        amount = left if row is listed[-1] else min(Decimal(row["amount"]), left)
        left -= amount
        parts.append((row["instalment_no"], row["due_date"], amount))
    return sorted(parts, key=lambda part: (part[1], part[0]))


def _settle(found: dict[ItemKey, Decimal], given: Given, document: Row, applied: Sequence[dict[str, Any]]) -> None:
    parts = _parts(given, document)
    numbers = [number for number, _, _ in parts]
    left = {number: amount for number, _, amount in parts}

    cash = [row for row in applied if row["kind"] in ("receipt", "discount", "refund")]
    spare = _cash(left, numbers, cash)
    _excess(found, [row for row in cash if row["kind"] != "refund"], spare)
    for kind in ("write_off", "credit_note"):
        rows = [row for row in applied if row["kind"] == kind]
        _excess(found, rows, _fill(left, numbers, rows))
    for number in numbers:
        found["invoice", document["invoice_id"], 1, number] = left[number]


def _cash(left: dict[int, Decimal], numbers: Sequence[int], rows: Sequence[dict[str, Any]]) -> Decimal:
    """Take net cash off the instalments; returns what is more than all of them."""
    free = ZERO
    taken = dict.fromkeys(numbers, ZERO)
    for row in rows:
        amount = -row["amount"] if row["kind"] == "refund" else row["amount"]
        if row["instalment_no"] in taken:
            taken[row["instalment_no"]] += amount
        else:
            free += amount
    for number in numbers:
        over = max(taken[number] - left[number], ZERO)
        taken[number] -= over
        free += over
    for number in numbers:
        step = min(free, left[number] - taken[number]) if free > 0 else -min(-free, max(taken[number], ZERO))
        taken[number] += step
        free -= step
    if free < 0:
        taken[numbers[0]] += free
        free = ZERO
    for number in numbers:
        left[number] -= taken[number]
    return free


def _fill(left: dict[int, Decimal], numbers: Sequence[int], rows: Sequence[dict[str, Any]]) -> Decimal:
    free = ZERO
    for row in rows:
        amount = row["amount"]
        if row["instalment_no"] in left:
            step = min(amount, left[row["instalment_no"]])
            left[row["instalment_no"]] -= step
            amount -= step
        free += amount
    for number in numbers:
        step = min(free, left[number])
        left[number] -= step
        free -= step
    return free


def _excess(found: dict[ItemKey, Decimal], rows: Sequence[dict[str, Any]], spare: Decimal) -> None:
    newest_first = sorted(
        rows, key=lambda row: (row["date"], row["kind"] == "receipt", row["document_id"], row["line_no"]), reverse=True
    )
    for row in newest_first:
        step = min(spare, row["amount"])
        if step:
            _add(found, row, step)
        spare -= step
