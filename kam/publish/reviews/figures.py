"""What the pages of reviews show, read from the published file: accounts with their headlines and flags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kam.build import MartColumn, published_tables
from kam.publish.quality_page import account_page
from kam.warehouse import Connection, rows

_REVIEW, _LAST, _YEAR = "account_review", "last_month_", "prior_year_"
_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "Sales": ("net_sales_amount", "ordered_amount", "ytd_variance_ratio"),
    "Quotations and opportunities": (
        *("hit_ratio", "rolling_12_hit_ratio", "lost_quotation_amount"),
        *("open_opportunity_amount", "expected_opportunity_amount", "won_opportunity_amount"),
    ),
    "Market": ("share_ratio", "competitor_price_index_ratio"),
    "Profit": (
        *("gross_margin_ratio", "target_margin_ratio", "contribution_ratio", "profit_amount"),
        "remaining_net_present_value",
    ),
    "Receivables": (
        *("outstanding_amount", "overdue_ratio", "exposure", "credit_limit", "broken_promise_count"),
        *("tax_form_outstanding_amount", "tax_at_risk_amount"),
    ),
    "Rating, delivery and quality": ("rating_score", "otif_ratio", "ppm", "audit_score_ratio", "validity_days_left"),
    "Issues, visits and actions": (
        *("open_issue_count", "overdue_issue_count", "visit_count", "days_since_last_visit", "visit_cost_ratio"),
        *("open_action_count", "overdue_action_count"),
    ),
    "Contracts and projects": ("days_to_notice", "fulfilment_ratio", "gate_slip_days"),
    "Forecast": ("wape",),
}
_GRAVITY = ("critical", "warning", "info")


@dataclass(frozen=True)
class Line:
    """A headline of an account: its meaning, this month, last month, a year ago, and how many of them there are at all."""

    column: str
    meaning: str
    values: tuple[str, str, str]


@dataclass(frozen=True)
class Account:
    """One account of the month: its row of `account_review`, and its flags."""

    row: Mapping[str, Any]
    flags: Sequence[Mapping[str, Any]]
    subjects: Mapping[str, Sequence[Line]]

    @property
    def page(self) -> str:
        """The name of its page."""
        return account_page(str(self.row["account_id"]))

    @property
    def reasons(self) -> list[Mapping[str, Any]]:
        """The flags that ask for attention: critical ones and warnings that are not over, the gravest and newest first."""
        return [flag for flag in self.flags if flag["state"] != "cleared" and flag["severity"] != "info"]

    @property
    def changes(self) -> list[Mapping[str, Any]]:
        """What is unusual but asks for nothing by itself."""
        return [flag for flag in self.flags if flag["state"] != "cleared" and flag["severity"] == "info"]

    @property
    def ended(self) -> list[Mapping[str, Any]]:
        """The flags that ended with this month."""
        return [flag for flag in self.flags if flag["state"] == "cleared"]

    @property
    def rank(self) -> tuple[Any, ...]:
        """What needs attention first: critical flags, warnings, new ones, then the larger sales."""
        grave = [sum(flag["severity"] == severity for flag in self.reasons) for severity in _GRAVITY[:2]]
        new = sum(flag["state"] == "raised" for flag in self.reasons)
        return (
            *(-count for count in grave),
            -new,
            -(self.row["net_sales_amount"] or Decimal(0)),
            self.row["account_id"],
        )

    def shown(self, column: str) -> str:
        """A figure of this month as text."""
        return next(
            (line.values[0] for lines in self.subjects.values() for line in lines if line.column == column), "–"
        )


def accounts_of(con: Connection, month: date) -> list[Account]:
    """The accounts of a month, those that need attention most first."""
    columns = {column.name: column for table in published_tables() if table.name == _REVIEW for column in table.columns}
    flags = defaultdict(list)
    for flag in rows(con, "FROM reporting.account_flags WHERE period_month = ?", [month]):
        flags[flag["account_id"]].append(flag)
    found = [
        Account(row, _ordered(flags[row["account_id"]]), _subjects(row, columns))
        for row in rows(con, f"FROM reporting.{_REVIEW} WHERE period_month = ?", [month])
    ]
    return sorted(found, key=lambda account: account.rank)


def _ordered(flags: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(flags, key=lambda flag: (_GRAVITY.index(flag["severity"]), flag["state"] != "raised", flag["rule"]))


def _subjects(row: Mapping[str, Any], columns: Mapping[str, MartColumn]) -> dict[str, list[Line]]:
    """The headlines by subject; those that are unknown in all three months are left out."""
    found: dict[str, list[Line]] = {}
    for subject, names in _SUBJECTS.items():
        for name in names:
            values = [row.get(f"{when}{name}") for when in ("", _LAST, _YEAR)]
            if any(value is not None for value in values):
                column = columns[name]
                texts = tuple(figure_text(value, column.unit) for value in values)
                found.setdefault(subject, []).append(Line(name, column.meaning, (texts[0], texts[1], texts[2])))
    return found


def figure_text(value: Any, unit: str) -> str:  # noqa: ANN401 - a number of any kind
    """A figure for people: shares in percent, money and counts without decimals, and a dash for what is not known."""
    if value is None:
        return "–"
    if unit == "fraction":
        return f"{value * 100:,.1f} %"
    if unit in ("multiple", "points"):
        return f"{value:,.2f}" if unit == "multiple" else f"{value:,.1f}"
    return f"{value:,.0f}"
