"""Control totals: figures that are reached in two ways and must agree, account by account.

Each file of `sql/controls` is a SELECT of `period_month`, `control`, `currency`, `item`, `left_amount` and `right_amount`
for the months in `build.periods`. Rows of one item are added up, so that a file may give its two sides one after the
other. What a table leaves out on purpose is a lane of its own on either side. The counts of the loads are compared here,
because they are the same for every feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from expectations import Severity
from kam.build import controls
from kam.site import FEEDS
from kam.warehouse import Connection, rows, sql_text

_COUNTS_DIFFER = (
    "staging has rows that no load counted, or lacks rows that a load counted; kam rebuild makes the warehouse again from the "
    "archive"
)


@dataclass(frozen=True)
class ControlTotal:
    """Two figures of a month that must agree; `difference` = left − right.

    They tie when each of their items (mostly accounts) does. `first_untied` is the item that differs most, of equal ones
    the first by name. `currency` is empty for the reporting currency, and names the unit of what is not money.
    """

    month: date
    control: str
    currency: str
    left_amount: Decimal
    right_amount: Decimal
    difference: Decimal
    severity: str
    untied_count: int
    first_untied: str | None
    first_untied_left_amount: Decimal | None
    first_untied_right_amount: Decimal | None
    if_it_breaks: str

    @property
    def ties(self) -> bool:
        """Whether every item agrees."""
        return self.untied_count == 0

    def in_words(self) -> str:
        """What does not tie, which item first, and what it would break."""
        of_currency = f" in {self.currency}" if self.currency else ""
        others = f"; {self.untied_count - 1:,} more" if self.untied_count > 1 else ""
        return (
            f"{self.control}{of_currency}: {_plain(self.left_amount)} is not {_plain(self.right_amount)}. "
            f"The first that does not tie is {self.first_untied}: {_plain(self.first_untied_left_amount)} is not "
            f"{_plain(self.first_untied_right_amount)}{others}.\n"
            f"    {self.if_it_breaks[:1].upper()}{self.if_it_breaks[1:]}"
        )


def _plain(amount: Decimal | None) -> str:
    """An amount with all digits that it has, and no more."""
    return "nothing" if amount is None else f"{amount.normalize():,f}"


def control_totals(con: Connection, available: Mapping[str, bool]) -> list[ControlTotal]:
    """The control totals of the months in `build.periods`, by month.

    `available` says which feeds the site has (`Settings.available`); a total that lacks what it needs is left out.
    """
    totals = _totals(con, sql_text("close/load_counts.sql", feeds=list(FEEDS)), _COUNTS_DIFFER)
    for control in controls().values():
        if not control.missing(available):
            totals += _totals(con, control.sql, control.why)
    return sorted(totals, key=lambda total: (total.month, total.control, total.currency))


def _totals(con: Connection, sides: str, if_it_breaks: str) -> list[ControlTotal]:
    found = rows(con, sql_text("close/control_totals.sql", sides=sides))
    return [_control_total(row, if_it_breaks) for row in found]


def _control_total(row: Mapping[str, Any], if_it_breaks: str) -> ControlTotal:
    first = row["first_untied"] or {}
    return ControlTotal(
        month=row["period_month"],
        control=row["control"],
        currency=row["currency"],
        left_amount=row["left_amount"],
        right_amount=row["right_amount"],
        difference=row["left_amount"] - row["right_amount"],
        severity=Severity.CRITICAL.value,
        untied_count=row["untied_count"],
        first_untied=first.get("item"),
        first_untied_left_amount=first.get("left_amount"),
        first_untied_right_amount=first.get("right_amount"),
        if_it_breaks=if_it_breaks,
    )
