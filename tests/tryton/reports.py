"""What Tryton's own reports say at each month end, read through its client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from proteus import Model
from proteus import config as proteus_config

Row = dict[str, Any]
_TERMS = {"term1": 30, "term2": 60, "term3": 90, "unit": "day", "type": "customer", "posted": True}


def reports(company: Any, months: int, start: dt.date) -> Row:
    """All reports, for so many months from the first one's first day on."""
    months_ends = list(_months(start, months))
    return {
        "aged_balance": [row for _, end in months_ends for row in aged_balance(company, end)],
        "open_lines": receivable_lines(company),
        "ledger": [row for _, end in months_ends for row in party_balances(company, end)],
        "revenue": [row for first, end in months_ends for row in revenue(company, first, end)],
        "sales": sales(company, start, months_ends[-1][1]),
        "shipments": shipments(),
        "invoices": invoices(company),
        "rates": _find("currency.currency.rate", {}, {"currency": "currency.code", "date": "date", "rate": "rate"}),
        "credit_limits": credit_limits(company),
        "sale_lines": sale_lines(company),
        "moves": moves(company),
        "opportunities": opportunities(company, start, months_ends[-1][1]),
    }


def _months(start: dt.date, months: int) -> Iterator[tuple[dt.date, dt.date]]:
    first = start
    for _ in range(months):
        following = (first + dt.timedelta(days=31)).replace(day=1)
        yield first, following - dt.timedelta(days=1)
        first = following


def _find(model: str, context: Mapping[str, Any], fields: Mapping[str, str], domain: Any = ()) -> list[Row]:
    """The records of a report that has its parameters from the context; `fields` are dotted paths."""
    with proteus_config.get_config().set_context(context=dict(context)):
        return [
            {name: _value(record, path) for name, path in fields.items()}
            for record in Model.get(model).find(list(domain))
        ]


def _value(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = getattr(record, name) if record is not None else None
    return record


def aged_balance(company: Any, end: dt.date) -> list[Row]:
    """Report *Aged Balance*: a row a customer; not yet due is the balance less its terms."""
    fields = {name: name for name in ("balance", "term0", "term1", "term2", "term3")} | {"party": "party.code"}
    context = {**_TERMS, "company": company.id, "date": end}
    return [{"month": end, **row} for row in _find("account.aged_balance", context, fields)]


def receivable_lines(company: Any) -> list[Row]:
    """All posted lines on receivable accounts: what the Aged Balance adds up, with the invoice that a payment was entered for."""
    domain = [
        ("account.type.receivable", "=", True),
        ("party", "!=", None),
        ("move.state", "=", "posted"),
        ("move.company", "=", company.id),
    ]
    fields = {
        "line": "id",
        "party": "party.code",
        "date": "move.date",
        "maturity": "maturity_date",
        "debit": "debit",
        "credit": "credit",
        "second_amount": "amount_second_currency",
        "second_currency": "second_currency.code",
        "reconciled": "reconciliation.date",
        "reconciliation": "reconciliation.id",
        "journal": "move.journal.type",
        "move": "move.id",
    }
    lines = _find("account.move.line", {"company": company.id}, fields, domain)
    paid = {
        line: invoice.id
        for invoice in Model.get("account.invoice").find([])
        for line in (each.id for each in invoice.payment_lines)
    }
    moves = {invoice.move.id: invoice.id for invoice in Model.get("account.invoice").find([("move", "!=", None)])}
    return [{**line, "pays": paid.get(line["line"]), "invoice": moves.get(line["move"])} for line in lines]


def invoices(company: Any) -> list[Row]:
    """The customer invoices, each with those that it corrects."""
    found = Model.get("account.invoice").find(
        [("type", "=", "out"), ("company", "=", company.id), ("move", "!=", None)]
    )
    return [
        {
            "invoice": invoice.id,
            "number": invoice.number,
            "party": invoice.party.code,
            "total": invoice.total_amount,
            "net": invoice.untaxed_amount,
            "date": invoice.invoice_date,
            "currency": invoice.currency.code,
            "corrects": [origin.id for origin in invoice.origin_invoices],
        }
        for invoice in found
    ]


def credit_limits(company: Any) -> list[Row]:
    """The credit limit of each party, as its form shows it."""
    fields = {"party": "code", "name": "name", "limit": "credit_limit_amount"}
    return _find("party.party", {"company": company.id}, fields)


def sale_lines(company: Any) -> list[Row]:
    """The lines of the sales that Tryton counts."""
    fields = {
        "line": "id",
        "sale": "sale.reference",
        "date": "sale.sale_date",
        "party": "sale.party.code",
        "currency": "sale.currency.code",
        "quantity": "quantity",
        "actual": "actual_quantity",
        "price": "unit_price",
    }
    domain = [("sale.state", "in", ["confirmed", "processing", "done"]), ("sale.company", "=", company.id)]
    return _find("sale.line", {}, fields, domain)


def moves(company: Any) -> list[Row]:
    """The stock moves to customers of all sales."""
    fields = {
        "line": "origin.id",
        "shipment": "shipment.number",
        "state": "state",
        "quantity": "quantity",
        "first_planned": "origin_planned_date",
        "planned": "planned_date",
        "done": "effective_date",
    }
    return _find("stock.move", {}, fields, [("origin", "like", "sale.line,%"), ("company", "=", company.id)])


def party_balances(company: Any, end: dt.date) -> list[Row]:
    """Report *General Ledger*, by party: the balances of the receivable account."""
    (year,) = Model.get("account.fiscalyear").find([("start_date", "<=", end), ("end_date", ">=", end)])
    context = {"company": company.id, "fiscalyear": year.id, "to_date": end, "posted": True}
    fields = {"party": "party.code", "balance": "end_balance"}
    domain = [("account.type.receivable", "=", True)]
    return [{"month": end, **row} for row in _find("account.general_ledger.account.party", context, fields, domain)]


def revenue(company: Any, first: dt.date, end: dt.date) -> list[Row]:
    """Report *General Ledger*: what was booked on revenue accounts in a month, exchange differences apart."""
    (year,) = Model.get("account.fiscalyear").find([("start_date", "<=", end), ("end_date", ">=", end)])
    context = {"company": company.id, "fiscalyear": year.id, "from_date": first, "to_date": end, "posted": True}
    fields = {"account": "account.name", "debit": "debit", "credit": "credit"}
    return [
        {"month": end, **row}
        for row in _find("account.general_ledger.account", context, fields, [("account.type.revenue", "=", True)])
    ]


def sales(company: Any, start: dt.date, end: dt.date) -> list[Row]:
    """Report *Sales by customer*, by month."""
    context = {"company": company.id, "from_date": start, "to_date": end, "period": "month"}
    fields = {"party": "customer.code", "month": "date", "number": "number", "revenue": "revenue"}
    return _find("sale.reporting.customer.time_series", context, fields)


def shipments() -> list[Row]:
    """The customer shipments, each with the days that Tryton calls its delay."""
    fields = {
        "number": "number",
        "party": "customer.code",
        "state": "state",
        "planned": "planned_date",
        "first_planned": "origin_planned_date",
        "sent": "effective_date",
        "delay": "delay",
    }
    return [
        {**row, "delay": None if row["delay"] is None else row["delay"].days}
        for row in _find("stock.shipment.out", {}, fields)
    ]


def opportunities(company: Any, start: dt.date, end: dt.date) -> Row:
    """Reports on opportunities: those that began in a month, and those that ended in one."""
    context = {"company": company.id, "from_date": start, "to_date": end, "period": "month"}
    begun = {name: name for name in ("number", "amount", "converted", "converted_amount")} | {"month": "date"}
    ended = {**begun, "won": "won", "won_amount": "won_amount", "lost": "lost"}
    return {
        "begun": _find("sale.opportunity.reporting.main.time_series", context, begun),
        "ended": _find("sale.opportunity.reporting.conversion.time_series", context, ended),
    }
