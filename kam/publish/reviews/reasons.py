"""Why an account needs attention, as a sentence made from its figures. A rule without a sentence here keeps that of its flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kam.periods import month_name

Row = Mapping[str, Any]


def sentence_of(flag: Row, row: Row, currency: str) -> str:
    """The reason in words. `row` is the account's row of `account_review`, with `overdue_amount`, `year_amount` and `gap_amount`."""
    if flag["figure"] is None:
        rule = str(flag["rule"]).replace("_", " ").capitalize()
        return f"{rule}: not known this month, so the warning stays."
    make = _SENTENCES.get(flag["rule"])
    if make is None:
        return str(flag["sentence"])
    return make(flag, row, currency) or str(flag["sentence"])


def _overdue(flag: Row, row: Row, currency: str) -> str:
    before = row["last_month_overdue_ratio"]
    if row["outstanding_amount"] is None or row["overdue_amount"] is None:
        return ""
    change = f", {_direction(flag['figure'], before, _percent)} last month" if before is not None else ""
    return (
        f"Owes {_money(row['outstanding_amount'], currency)}. {_money(row['overdue_amount'], currency)} is overdue: "
        f"{_percent(flag['figure'])} of what its invoices owe{change}."
    )


def _limit(flag: Row, _: Row, currency: str) -> str:
    over = flag["figure"] - flag["threshold"]
    return (
        f"Is {_money(over, currency)} above its credit limit: exposure {_money(flag['figure'], currency)}, "
        f"limit {_money(flag['threshold'], currency)}."
    )


def _promise(flag: Row, _: Row, __: str) -> str:
    count = int(flag["figure"])
    return f"Broke {'a promise' if count == 1 else f'{count} promises'} of payment that fell due this month."


def _falling(flag: Row, _: Row, __: str) -> str:
    if flag["compared_to"] is None:  # the month before has no rating: the warning stays as it is
        return ""
    fall = flag["compared_to"] - flag["figure"]
    slowly = ", the third fall in a row" if fall <= flag["threshold"] else ""
    return (
        f"Overall rating fell to {_points(flag['figure'])} points, "
        f"from {_points(flag['compared_to'])} in {month_name(flag['compared_month'])}{slowly}."
    )


def _band(flag: Row, _: Row, __: str) -> str:
    return f"Overall rating is {_points(flag['figure'])} points, and has to be above {_points(flag['threshold'])}."


def _plan(flag: Row, row: Row, currency: str) -> str:
    if row["gap_amount"] is None:
        return ""
    version = str(flag["look_at_key"] or "").removeprefix("plan_version ")
    return (
        f"Bought {_money(row['gap_amount'], currency)} less than planned since the fiscal year began: "
        f"{_percent(-flag['figure'])} below {version or 'plan'}."
    )


def _otif(flag: Row, _: Row, __: str) -> str:
    return f"Got {_percent(flag['figure'])} of its order lines on time and in full; the target is {_percent(flag['threshold'])}."


def _visit(flag: Row, _: Row, __: str) -> str:
    return f"Had no visit for {flag['figure']:,.0f} days; the limit is {flag['threshold']:,.0f}."


def _ppm(flag: Row, _: Row, __: str) -> str:
    return f"Rejected {flag['figure']:,.0f} of a million parts delivered; the target is {flag['threshold']:,.0f}."


def _actions(flag: Row, _: Row, __: str) -> str:
    count = int(flag["figure"])
    return (
        f"{'One action' if count == 1 else f'{count} actions'} agreed with it {'is' if count == 1 else 'are'} overdue."
    )


def _form(flag: Row, row: Row, currency: str) -> str:
    at_risk = row["tax_at_risk_amount"]
    tax = f"; {_money(at_risk, currency)} of tax is at risk" if at_risk else ""
    return f"Has not sent a tax form for {flag['figure']:,.0f} days after the quarter ended{tax}."


def _share(flag: Row, row: Row, _: str) -> str:
    share = row["share_ratio"]
    now = f" to {_percent(share)}" if share is not None else ""
    return f"Our share of what it buys fell by {-flag['figure']:,.1f} percentage points in a year{now}."


def _notice(flag: Row, row: Row, currency: str) -> str:
    days = int(flag["figure"])
    contract = str(flag["look_at_key"] or "").removeprefix("contract_id ")
    sold = f" It bought for {_money(row['year_amount'], currency)} in twelve months." if row["year_amount"] else ""
    when = f"is due in {days} days" if days > 0 else "is due today" if days == 0 else f"was due {-days} days ago"
    return f"Notice of contract {contract} {when}.{sold}"


def _margin(flag: Row, _: Row, __: str) -> str:
    return f"Leaves a gross margin of {_percent(flag['figure'])} of the sales; the target is {_percent(flag['threshold'])}."


def _hits(flag: Row, _: Row, __: str) -> str:
    if flag["compared_to"] is None:
        return ""
    return (
        f"Took {_percent(flag['figure'])} of the offers decided in twelve months, "
        f"after {_percent(flag['compared_to'])} in {month_name(flag['compared_month'])}."
    )


def _competitor(flag: Row, _: Row, __: str) -> str:
    above = flag["figure"] - 1
    return f"Our price is {_percent(above)} above that of a competitor ({flag['look_at_key']})." if above > 0 else ""


def _gate(flag: Row, _: Row, __: str) -> str:
    return f"A gate of a project is {flag['figure']:,.0f} days late ({flag['look_at_key']})."


def _money(value: Decimal, currency: str) -> str:
    return f"{value:,.0f}\u00a0{currency}"


def _percent(value: Decimal) -> str:
    text = f"{value * 100:,.1f}"
    return f"{text.removesuffix('.0')}\u00a0%"


def _points(value: Decimal) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _direction(now: Decimal, before: Decimal, shown: Callable[[Decimal], str]) -> str:
    if shown(now) == shown(before):
        return "as"
    return f"{'up' if now > before else 'down'} from {shown(before)}"


_SENTENCES: Mapping[str, Callable[[Row, Row, str], str]] = {
    "overdue_ratio_up": _overdue,
    "overdue_ratio_high": _overdue,
    "credit_limit_breached": _limit,
    "promise_broken": _promise,
    "rating_falling": _falling,
    "rating_below_band": _band,
    "plan_gap": _plan,
    "otif_below_target": _otif,
    "no_visit": _visit,
    "ppm_above_target": _ppm,
    "action_overdue": _actions,
    "form_outstanding": _form,
    "share_falling": _share,
    "contract_notice_due": _notice,
    "gate_slipping": _gate,
    "margin_below_target": _margin,
    "hit_rate_falling": _hits,
    "competitor_price_below_ours": _competitor,
}
