"""Which account comes first: its reasons, how rare each is, whether it is new, and the money at stake. `docs/operations/review.md` tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

from kam.publish.reviews.figures import Account
from kam.publish.reviews.reasons import sentence_of
from kam.warehouse import Connection, rows, sql_text

_CRITICAL, _WARNING, _NEW, _UNKNOWN = 10.0, 1.0, 0.25, 0.5
_MOST_FOR_MONEY = 5.0
_TO_CALL = 3.0
_PARTS_OF_A_MONTH = 2
# These tell of what the account owes: together they count the largest amount.
_OWED = frozenset({"overdue_ratio_up", "overdue_ratio_high", "promise_broken", "credit_limit_breached"})


@dataclass(frozen=True)
class Reason:
    """A flag that asks for attention, as a sentence made from the figures, the money it puts at stake, and the points it adds without that."""

    flag: Mapping[str, Any]
    sentence: str
    stake: Decimal
    points: float

    @property
    def measure(self) -> str:
        """The figure behind it, as `table.column`."""
        return f"{self.flag['look_at_table']}.{self.flag['look_at_column']}"


@dataclass(frozen=True)
class Ranked:
    """An account with its reasons, the weightiest first, the money at stake in the reporting currency, and its points."""

    account: Account
    reasons: Sequence[Reason]
    stake: Decimal
    points: float

    @property
    def is_critical(self) -> bool:
        """Whether a reason is critical."""
        return any(reason.flag["severity"] == "critical" for reason in self.reasons)

    @property
    def is_to_call(self) -> bool:
        """Whether it needs a call: a critical reason, or as many points as three warnings that it alone has."""
        return self.is_critical or self.points >= _TO_CALL


def ranked(con: Connection, month: date, accounts: Sequence[Account], currency: str) -> list[Ranked]:
    """The accounts, those that need attention most first. Without reasons the larger sales come first."""
    amounts = {row["account_id"]: row for row in rows(con, sql_text("publish/review_amounts.sql"), [month])}
    shared = Counter(flag["rule"] for account in accounts for flag in account.reasons)
    typical = _typical_sales(accounts)
    margin = _usual_margin(accounts)
    found = []
    for account in accounts:
        row = {**account.row, **amounts.get(account.row["account_id"], {})}
        reasons = [
            Reason(
                flag,
                sentence_of(flag, row, currency),
                _stake(flag, row, margin),
                _weight(flag, shared[flag["rule"]], len(accounts)),
            )
            for flag in account.reasons
        ]
        reasons.sort(key=lambda reason: (-reason.points - _for_money(reason.stake, typical), reason.flag["rule"]))
        stake = _together(reasons)
        points = round(sum(reason.points for reason in reasons) + _for_money(stake, typical), 1)
        found.append(Ranked(account, reasons, stake, points))
    return sorted(found, key=_place)


def _place(one: Ranked) -> tuple[Any, ...]:
    sales = one.account.row["net_sales_amount"] or Decimal(0)
    return (not one.is_critical, not one.reasons, -one.points, -one.stake, -sales, one.account.row["account_id"])


def _weight(flag: Mapping[str, Any], count: int, accounts: int) -> float:
    """A warning counts less the more other accounts have it: what all have says nothing about one. A critical flag always counts in full."""
    if flag["severity"] == "critical":
        return _CRITICAL
    weight = _WARNING * (1 - (count - 1) / accounts) + (_NEW if flag["state"] == "raised" else 0)
    return weight if flag["figure"] is not None else weight * _UNKNOWN


def _for_money(stake: Decimal, typical: Decimal) -> float:
    """A point for each half of a month's sales of the middle account, up to a limit; none where nothing is sold."""
    return min(float(stake / typical) * _PARTS_OF_A_MONTH, _MOST_FOR_MONEY) if typical else 0.0


def _together(reasons: Sequence[Reason]) -> Decimal:
    owed = [reason.stake for reason in reasons if reason.flag["rule"] in _OWED]
    others = [reason.stake for reason in reasons if reason.flag["rule"] not in _OWED]
    return max(owed, default=Decimal(0)) + sum(others, Decimal(0))


def _stake(flag: Mapping[str, Any], row: Mapping[str, Any], usual_margin: Decimal) -> Decimal:
    """Money that a reason puts at stake. Sales that are missed or may end cost their margin, and not all of their amount."""
    margin = usual_margin if row["gross_margin_ratio"] is None else max(Decimal(row["gross_margin_ratio"]), Decimal(0))
    match flag["rule"] if flag["figure"] is not None else "":
        case "overdue_ratio_up" | "overdue_ratio_high" | "promise_broken":
            stake = _known(row["overdue_amount"])
        case "credit_limit_breached":
            stake = _known(flag["figure"] - flag["threshold"])
        case "form_outstanding":
            stake = _known(row["tax_at_risk_amount"])
        case "plan_gap":
            stake = _known(row["gap_amount"]) * margin
        case "contract_notice_due":
            stake = _known(row["year_amount"]) * margin
        case "margin_below_target":
            stake = _margin_gap(row)
        case _:
            stake = Decimal(0)
    return stake


def _margin_gap(row: Mapping[str, Any]) -> Decimal:
    missing = _known(row["target_margin_ratio"]) - _known(row["gross_margin_ratio"])
    return max(missing * _known(row["net_sales_amount"]), Decimal(0))


def _known(value: Any) -> Decimal:  # noqa: ANN401 - a number of any kind
    return Decimal(0) if value is None else max(Decimal(value), Decimal(0))


def _typical_sales(accounts: Sequence[Account]) -> Decimal:
    """The sales of the middle account this month, else last month; 0 where nothing is sold."""
    for name in ("net_sales_amount", "last_month_net_sales_amount"):
        sold = [account.row[name] for account in accounts if (account.row[name] or 0) > 0]
        if sold:
            return Decimal(median(sold))
    return Decimal(0)


def _usual_margin(accounts: Sequence[Account]) -> Decimal:
    """The margin of the middle account, for those whose own is unknown; all of the sales where none is known."""
    known = [account.row["gross_margin_ratio"] for account in accounts if account.row["gross_margin_ratio"] is not None]
    return max(Decimal(median(known)), Decimal(0)) if known else Decimal(1)
