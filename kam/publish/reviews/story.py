"""The story of an account in five sentences made from its figures. What is not known is said or left out, never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kam.periods import month_name
from kam.publish.reviews.facts import Facts, Row, largest_effect
from kam.words import counted

_SHOWN_REASONS, _SHOWN_DATES = 2, 3
_CAUSES: Mapping[str, tuple[str, str]] = {
    "late_line": ("order line that was not on time in full", "order lines that were not on time in full"),
    "rejected_lot": ("delivery with rejects", "deliveries with rejects"),
    "overdue_issue": ("issue not closed in time", "issues not closed in time"),
    "deduction": ("event for which the rules take points off", "events for which the rules take points off"),
}


@dataclass(frozen=True)
class Sentence:
    """A sentence of the story, what it is about, and the section with its figures."""

    about: str
    section: str
    text: str


def story(facts: Facts, reasons: Sequence[str], currency: str) -> list[Sentence]:
    """At most five sentences. `reasons` say why the account needs attention, the weightiest first."""
    told = (
        ("Sales", "sales", _sales(facts, currency)),
        ("Money", "receivables", _owed(facts, currency)),
        ("Rating", "rating", _rating(facts)),
        ("Delivery", "delivery", _delivery(facts)),
        ("Look at", "attention", _to_do(facts, reasons)),
    )
    return [Sentence(about, section, text) for about, section, text in told if text]


def _sales(facts: Facts, currency: str) -> str:
    sales = facts.now("net_sales_amount")
    if sales is None:
        return f"Net sales of {month_name(facts.month)} are not known."
    start = f"Net sales were {_money(sales, currency)}" if sales else "There were no net sales"
    parts = [start, _against_plan(facts, sales, currency), _against_year_ago(facts, sales, currency)]
    told = [part for part in parts if part]
    # Of three parts, the last one is joined by "and".
    return f"{told[0]}{f', {told[1]}' if len(told) > 1 else ''}{f', and {told[2]}' if len(told) > 2 else ''}."  # noqa: PLR2004


def _against_plan(facts: Facts, sales: Decimal, currency: str) -> str:
    plan, variance = facts.plan.get("plan_amount"), facts.plan.get("variance_amount")
    if plan is None or variance is None:
        return ""
    # The site decides what counts against the plan: it may be deliveries, and not what was invoiced.
    actual = facts.plan.get("actual_amount")
    differs = actual is not None and round(actual) != round(sales)
    counted_as = f" (which counts {_money(actual, currency)})" if differs else ""
    return f"{_apart(variance, plan, 'plan', currency)}{counted_as}{_why(facts.plan, variance, currency)}"


def _against_year_ago(facts: Facts, sales: Decimal, currency: str) -> str:
    before = facts.year_ago("net_sales_amount")
    if before is None:
        return ""
    return (
        f"{_apart(sales - before, before, 'a year ago', currency)}{_why(facts.year_bridge, sales - before, currency)}"
    )


def _apart(difference: Decimal, base: Decimal, what: str, currency: str) -> str:
    if not round(difference):
        return "on plan" if what == "plan" else f"as much as {what}"
    share = f" ({_percent(abs(difference) / base)})" if base > 0 else ""
    return f"{_money(abs(difference), currency)}{share} {'above' if difference > 0 else 'below'} {what}"


def _why(bridge: Row, difference: Decimal, currency: str) -> str:
    effect = largest_effect(bridge, difference) if round(difference) else None
    return f", mostly for {effect[0]} ({_money(effect[1], currency, sign=True)})" if effect else ""


def _owed(facts: Facts, currency: str) -> str:
    owed, overdue = facts.now("outstanding_amount"), facts.now("overdue_amount", "receivables_kpis_by_account")
    if owed is None:
        return "What the account owes at the month end is not known."
    parts = [
        f"The account owes {_money(owed, currency)} at the month end"
        if owed > 0
        else f"The account has {_money(-owed, currency)} to its credit at the month end"
        if owed < 0
        else "The account owes nothing at the month end"
    ]
    if overdue:
        parts.append(f"{_money(overdue, currency)} is overdue{_oldest(facts)}")
    elif overdue is not None and owed > 0:
        parts.append("nothing is overdue")
    broken = facts.now("broken_promise_count")
    if broken:
        parts.append(f"{counted(broken, 'promise')} of payment {'was' if broken == 1 else 'were'} broken")
    exposure, limit = facts.now("exposure"), facts.now("credit_limit")
    if exposure is not None and limit is not None and exposure > limit:
        parts.append(f"the exposure is {_money(exposure - limit, currency)} above the credit limit")
    return f"{_listed(parts)}."


def _oldest(facts: Facts) -> str:
    """How overdue the item is that is overdue for longest: open items are in this order."""
    items = facts.lines.get("open-items")
    days = items.rows[0].get("days_overdue") if items and items.rows else None
    return f", the oldest item for {counted(days, 'day')}" if days and days > 0 else ""


def _rating(facts: Facts) -> str:
    score, own = facts.now("rating_score"), facts.now("own_score", "vendor_rating")
    if score is None:
        return "No rating is known for the month."
    by_customer = facts.history.get(facts.month, {}).get("customer_score") is not None
    last = facts.last_month("rating_score")
    change = "" if last is None else f", {_change(score - last)}"
    text = (
        f"The customer rates us {_points(score)} of 100 points{change}"
        if by_customer
        else f"By our own records the rating is {_points(score)} of 100 points{change}; the customer gave none"
    )
    if by_customer and own is not None:
        text += f"; our own records give {_points(own)}"
    return f"{text}{_costs(facts)}."


def _costs(facts: Facts) -> str:
    cause = next((row for row in facts.causes if row["cause"] in _CAUSES), None)
    if cause is None:
        return ""
    one, many = _CAUSES[cause["cause"]]
    count = cause["documents"]
    return f", and most is lost by {count:,} {one if count == 1 else many} ({_points(cause['points'])} points of {cause['dimension']})"


def _change(difference: Decimal) -> str:
    if round(abs(difference), 1) == 0:
        return "as last month"
    return f"{_points(abs(difference))} {'more' if difference > 0 else 'fewer'} than last month"


def _delivery(facts: Facts) -> str:
    parts = []
    otif, last = facts.now("otif_ratio"), facts.last_month("otif_ratio")
    if otif is not None:
        due = facts.now("line_count", "delivery_performance")
        lines = f" of {counted(due, 'order line')} due" if due else " of the order lines due"
        before = f" ({_percent(last)} last month)" if last is not None else ""
        parts.append(f"{_percent(otif)}{lines} {'was' if due == 1 else 'were'} on time in full{before}")
    ppm = facts.now("ppm")
    if ppm is not None:
        parts.append(f"{ppm:,.0f} of a million parts delivered were rejected" if ppm else "no part was rejected")
    issues, overdue = facts.now("open_issue_count"), facts.now("overdue_issue_count")
    if issues is not None:
        late = f"{' and' if issues == overdue else f', {overdue:,} of them'} overdue" if overdue else ""
        parts.append(
            f"{counted(issues, 'issue')} {'is' if issues == 1 else 'are'} open{late}" if issues else "no issue is open"
        )
    text = _listed(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _to_do(facts: Facts, reasons: Sequence[str]) -> str:
    told = [f"{reason.rstrip('.')}." for reason in reasons[:_SHOWN_REASONS]]
    more = len(reasons) - len(told)
    parts = [*told, *([f"{more} more below."] if more else [])] or ["Nothing asks for attention."]
    dates = [f"{row['day']:%Y-%m-%d} {row['what']} ({row['which']})" for row in facts.dates[:_SHOWN_DATES]]
    return " ".join([*parts, *([f"Next: {'; '.join(dates)}."] if dates else [])])


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}" if parts else ""


def _money(amount: Any, currency: str, *, sign: bool = False) -> str:  # noqa: ANN401
    return f"{amount:+,.0f} {currency}" if sign else f"{amount:,.0f} {currency}"


def _percent(ratio: Any) -> str:  # noqa: ANN401
    return f"{ratio * 100:,.1f} %"


def _points(points: Any) -> str:  # noqa: ANN401
    return f"{points:,.1f}"
