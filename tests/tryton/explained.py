"""What our figures have to be by what Tryton's reports say and the few definitions in which ours differ; no code of ours is used here.

The definitions are those that docs/erp/tryton.md explains.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

Oracle = Mapping[str, Any]
Row = Mapping[str, Any]
TERMS = (0, 29, 59, 89)
_CENT = Decimal("0.01")


class Position(NamedTuple):
    """An open item: of which party, the number of its invoice or payment line in Tryton, the day that it is aged from."""

    party: str
    number: int
    day: dt.date


class Amount(NamedTuple):
    """What is open, in the currency of the document and in that of the company at the rate of the document."""

    doc: Decimal
    book: Decimal


def month_ends(oracle: Oracle) -> list[dt.date]:
    """The month ends of the reports."""
    return sorted({day(row["month"]) for row in oracle["aged_balance"]})


def day(text: str) -> dt.date:
    """A date of the answer."""
    return dt.date.fromisoformat(text)


def month_of(text: str) -> dt.date:
    """The first day of its month."""
    return day(text).replace(day=1)


def bucket_no(days_overdue: int) -> int:
    """The bucket of so many days, 0 is not overdue."""
    return sum(days_overdue > term for term in TERMS)


def shown_in_aged_balance(oracle: Oracle, end: dt.date) -> Iterator[Row]:
    """The lines that Tryton's Aged Balance adds up at a month end."""
    for line in oracle["open_lines"]:
        reconciled = line["reconciled"]
        if day(line["date"]) <= end and (reconciled is None or day(reconciled) > end):
            yield line


def terms_of(lines: Sequence[Row], end: dt.date) -> list[Decimal]:
    """The balance and the four terms of 30, 60 and 90 days, as Tryton cuts them."""
    terms = [Decimal(0)] * 4
    for line in lines:
        age = (end - day(line["maturity"] or line["date"])).days
        if age >= 0:
            terms[min(age // 30, 3)] += own(line)
    return [sum(map(own, lines), Decimal(0)), *terms]


def own(line: Row) -> Decimal:
    """What a line says in the company's currency."""
    return Decimal(line["debit"]) - Decimal(line["credit"])


def doc(line: Row) -> Decimal:
    """What a line says in the currency of its document."""
    return own(line) if line["second_currency"] is None else Decimal(line["second_amount"])


def positions(oracle: Oracle, end: dt.date) -> dict[Position, Amount]:
    """The open items at a month end: what Tryton's lines leave open once each payment and credit note reduces its invoice."""
    lines = [
        line for line in oracle["open_lines"] if day(line["date"]) <= end and not _is_exchange_difference(oracle, line)
    ]
    corrects = {invoice["invoice"]: set(invoice["corrects"]) for invoice in oracle["invoices"]}
    owed = sorted(
        (line for line in lines if line["invoice"] and own(line) > 0), key=lambda line: (line["maturity"], line["line"])
    )
    left = {line["line"]: doc(line) for line in owed}
    found: dict[Position, Amount] = {}
    for line in sorted((line for line in lines if own(line) < 0), key=lambda line: (line["date"], line["line"])):
        rest = -doc(line)
        for target in owed:
            if _settles(line, target, corrects):
                taken = min(rest, left[target["line"]])
                left[target["line"]] -= taken
                rest -= taken
        if rest:
            found[Position(line["party"], line["invoice"] or line["line"], day(line["date"]))] = _amount(line, -rest)
    for line in owed:
        if left[line["line"]]:
            found[Position(line["party"], line["invoice"], day(line["maturity"]))] = _amount(line, left[line["line"]])
    return found


def _settles(line: Row, target: Row, corrects: Mapping[int, set[int]]) -> bool:
    if line["reconciliation"] is not None:
        return bool(line["reconciliation"] == target["reconciliation"])
    return target["invoice"] == line["pays"] or target["invoice"] in corrects.get(line["invoice"], ())


def _is_exchange_difference(oracle: Oracle, line: Row) -> bool:
    return (
        line["second_currency"] is None
        and line["journal"] == "write-off"
        and any(
            other["second_currency"] and other["reconciliation"] == line["reconciliation"] is not None
            for other in oracle["open_lines"]
        )
    )


def _amount(line: Row, left: Decimal) -> Amount:
    return Amount(left, (left * own(line) / doc(line)).quantize(_CENT, ROUND_HALF_UP))


def rate_differences(oracle: Oracle, end: dt.date) -> dict[str, Decimal]:
    """By party, what Tryton books only when an invoice is settled: its part payments at the rate of the invoice less at their own."""
    differences: dict[str, Decimal] = defaultdict(Decimal)
    for line in shown_in_aged_balance(oracle, end):
        if own(line) >= 0 or line["second_currency"] is None:
            continue
        targets = [
            target
            for target in oracle["open_lines"]
            if target["invoice"] and own(target) > 0 and (target["invoice"] == line["pays"])
        ]
        if targets:
            at_invoice = doc(line) * own(targets[0]) / doc(targets[0])
            differences[line["party"]] += (at_invoice - own(line)).quantize(_CENT, ROUND_HALF_UP)
    return differences


def given_up_or_returned(oracle: Oracle) -> dict[tuple[dt.date, str], Decimal]:
    """By month and party, how much more is ordered than Tryton's report of sales says: what was given up later, and what was returned."""
    more: dict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    for line in oracle["sale_lines"]:
        quantity = Decimal(str(line["quantity"]))
        counted = quantity if line["actual"] is None else Decimal(str(line["actual"]))
        kept = max(quantity, Decimal(0))
        if kept != counted:
            more[month_of(line["date"]), line["party"]] += (kept - counted) * Decimal(line["price"])
    return more


def at_monthly_rate(oracle: Oracle, documents: str) -> dict[tuple[dt.date, str], Decimal]:
    """By month and party, what documents in foreign currency (`sale_lines` or `invoices`) are worth more at the month's average rate.

    Tryton takes the rate of the day, and we take the mean of the rates of the month, else the latest one before it.
    """
    found: dict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    for row in oracle[documents]:
        if row["currency"] == "EUR":
            continue
        date = day(row["date"])
        rates = [
            (day(rate["date"]), 1 / Decimal(rate["rate"]))
            for rate in oracle["rates"]
            if rate["currency"] == row["currency"]
        ]
        of_month = [rate for since, rate in rates if since.replace(day=1) == date.replace(day=1)]
        _, of_day = max((since, rate) for since, rate in rates if since <= date)
        mean = sum(of_month) / len(of_month) if of_month else of_day
        amount = (
            Decimal(row["net"]) if documents == "invoices" else Decimal(str(row["quantity"])) * Decimal(row["price"])
        )
        found[month_of(row["date"]), row["party"]] += _cents(amount * mean) - _cents(amount * of_day)
    return {key: amount for key, amount in found.items() if amount}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


class Lateness(NamedTuple):
    """Of the lines due in a month: how many, how many late, and the days late."""

    lines: int
    late: int
    days: int


def lateness(oracle: Oracle) -> dict[tuple[dt.date, str], Lateness]:
    """By month and party, from the first planned date of a line's moves to the day on which all of it was sent, or to the month end."""
    found: dict[tuple[dt.date, str], Lateness] = {}
    for line in oracle["sale_lines"]:
        moves = [move for move in oracle["moves"] if move["line"] == line["line"]]
        if line["quantity"] <= 0 or not moves:
            continue
        promised = min(day(move["first_planned"]) for move in moves)
        month = promised.replace(day=1)
        end = _end_of(month)
        days = max((_completed(line, moves, end) - promised).days, 0)
        before = found.get((month, line["party"]), Lateness(0, 0, 0))
        found[month, line["party"]] = Lateness(before.lines + 1, before.late + bool(days), before.days + days)
    return found


def sent_whole(oracle: Oracle) -> Iterator[tuple[tuple[dt.date, str], list[str]]]:
    """The months and parties of which each line was sent whole, in one shipment and by the month end, with the numbers of the shipments."""
    numbers: dict[tuple[dt.date, str], list[str | None]] = defaultdict(list)
    for line in oracle["sale_lines"]:
        moves = [move for move in oracle["moves"] if move["line"] == line["line"]]
        if line["quantity"] <= 0 or not moves:
            continue
        month = min(day(move["first_planned"]) for move in moves).replace(day=1)
        sent = moves[0]["done"]
        is_plain = len(moves) == 1 and sent is not None and day(sent) <= _end_of(month)
        numbers[month, line["party"]].append(moves[0]["shipment"] if is_plain else None)
    for key, found in numbers.items():
        if None not in found:
            yield key, [number for number in found if number is not None]


def _completed(line: Row, moves: Sequence[Row], end: dt.date) -> dt.date:
    """The day of the delivery that made a line complete, of the last one of a line that ended short, else the month end."""
    sent = sorted(
        (day(move["done"]), move["quantity"]) for move in moves if move["state"] == "done" and day(move["done"]) <= end
    )
    is_over = all(move["state"] in {"done", "cancelled"} for move in moves)
    total = 0.0
    for date, quantity in sent:
        total += quantity
        if total >= line["quantity"]:
            return date
    ended_short = is_over and sum(move["quantity"] for move in moves if move["state"] == "done") < line["quantity"]
    return sent[-1][0] if ended_short and sent else end


def _end_of(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
