"""Figures as people read them, with what changed in words and signs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Value = Any
"""A number of any kind, or None where it is unknown."""

UNKNOWN = "–"
_MANY_DAYS = 1000
_SIGNS = {1: "▲", -1: "▼", 0: "="}


@dataclass(frozen=True)
class Change:
    """A figure against another one: how much more or less, and whether that is `better`, `worse` or neither (an empty text)."""

    sign: str
    amount: str
    word: str


def shown(value: Value, unit: str) -> str:
    """A figure as text: shares in percent, money and counts without decimals, a dash for what is not known."""
    if value is None:
        return UNKNOWN
    match unit:
        case "fraction":
            text = f"{value * 100:,.1f}"
        case "multiple":
            text = f"{value:,.2f}"
        case "points" | "percentage points":
            text = f"{value:,.1f}"
        case "days" if not isinstance(value, int) and abs(value) < _MANY_DAYS:
            text = f"{value:,.1f}"
        case _:
            text = f"{value:,.0f}"
    text = text.removeprefix("-") if not text.strip("-0.") else text
    return f"{text}\u00a0%" if unit == "fraction" else text


def unit_text(unit: str, currency: str) -> str:
    """A unit as it stands at a heading; an empty text where the figures show it themselves."""
    if unit == "reporting currency":
        return currency
    if unit in ("fraction", "multiple", "count", "as the row says", ""):
        return ""
    return {"units of the item": "units", "parts per million": "ppm"}.get(unit, unit)


def change(now: Value, before: Value, unit: str, direction: str) -> Change | None:
    """How `now` differs from `before`: in points of a share, in percent, or as a number where one is below 0; None where one is unknown."""
    if now is None or before is None:
        return None
    difference = Decimal(str(now)) - Decimal(str(before))
    side = (difference > 0) - (difference < 0)
    if unit == "fraction":
        amount = f"{difference * 100:+,.1f} points"
    elif before > 0 and now >= 0 and unit not in ("days", "points", "percentage points", "multiple"):
        amount = f"{difference / abs(Decimal(str(before))) * 100:+,.1f}\u00a0%"
    else:
        amount = f"{'+' if difference > 0 else ''}{shown(difference, unit)}"
    if not side:
        return Change(_SIGNS[0], "unchanged", "")
    good = {"more": side, "less": -side}.get(direction, 0)
    return Change(_SIGNS[side], amount, {1: "better", -1: "worse"}.get(good, ""))
