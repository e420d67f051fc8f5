"""Months: how a person names them, and which ones are built."""

from __future__ import annotations

import re
from datetime import date

from kam.errors import UsageError

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH = re.compile(r"(\d{4})-(\d{2})")


def parse_month(text: str) -> date:
    """The first day of the month named as `2026-10`. Raises `UsageError` for anything else."""
    match = _MONTH.fullmatch(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12 or not 1990 <= int(match[1]) < 2100:  # noqa: PLR2004 - months, years
        message = f"{text!r} is not a month. Write it as year and month, such as 2026-10"
        raise UsageError(message)
    return date(int(match[1]), int(match[2]), 1)


def month_name(month: date) -> str:
    """The month as `2026-10`."""
    return f"{month:%Y-%m}"


def month_title(month: date) -> str:
    """The month as `October 2026`."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def add_months(month: date, count: int) -> date:
    """The month `count` months later; earlier when negative."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """Every month from `first` to `last`, both included. Raises `UsageError` when `last` lies before `first`."""
    if last < first:
        message = f"{month_name(first)} … {month_name(last)}: the last month is before the first"
        raise UsageError(message)
    months = [first]
    while months[-1] < last:
        months.append(add_months(months[-1], 1))
    return months
