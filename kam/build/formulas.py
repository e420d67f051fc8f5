"""Formulas of columns with the numbers filled in: `otif_ratio = otif_count ÷ line_count = 41 ÷ 50 = 0.82`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal

from kam.build.columns import MartColumn

_NAME = re.compile(r"[a-z_][a-z_0-9]*")
_MONEY = ("reporting currency", "document currency")
_MOST_DIGITS = 6


def names_in(column: MartColumn) -> list[str]:
    """The words of a column's formula, or of its numerator and denominator, that may be columns; each once, in their order."""
    text = f"{column.numerator} {column.denominator}" if column.ratio else column.formula
    return list(dict.fromkeys(_NAME.findall(text)))


def filled(column: MartColumn, values: Mapping[str, object], value: object) -> str:
    """The formula of a column, the same with these values of other columns, and its own value; empty without a formula of columns.

    `values` are by the names of columns. A value that is None is shown as a question mark.
    """
    formula = f"{_bracketed(column.numerator)} ÷ {_bracketed(column.denominator)}" if column.ratio else column.formula
    known = {name: values[name] for name in names_in(column) if name in values and name != column.name}
    if not known:
        return ""
    formula = formula.replace(" * ", " × ").replace(" - ", " − ")
    numbers = _NAME.sub(lambda found: _inside(known[found[0]]) if found[0] in known else found[0], formula)
    return f"{column.name} = {formula} = {numbers} = {shown(value, column.unit)}"


def shown(value: object, unit: str = "") -> str:
    """A value as people write it: digits in groups, no needless zeros, cents of money; `?` for None."""
    if value is None:
        return "?"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)
    text = f"{round(Decimal(str(value)), _MOST_DIGITS):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if unit in _MONEY:
        whole, _, cents = text.partition(".")
        text = f"{whole}.{cents:0<2}"
    return text


def _bracketed(expression: str) -> str:
    is_plain = re.fullmatch(r"[\w *]+|\(.*\)", expression)
    return expression if is_plain else f"({expression})"


def _inside(value: object) -> str:
    """A value inside a formula: a negative number in brackets."""
    text = shown(value)
    return f"({text})" if text.startswith("-") else text
