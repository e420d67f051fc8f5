"""Published measures of a month: one row per account, in total by month, and why some are unknown. Ratios are made from their sums."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import duckdb

from kam.build import MartColumn, Model, published_tables
from kam.publish.semantic_model import aggregate
from kam.warehouse import Connection, literal, rows

_NAMED = 4
_NAME = re.compile(r"[a-z_][a-z_0-9]*")
_HEADLINES = {("quality_performance", "ppm"): "Rejected parts"}
_ADDED_UP = ("sum", "last in time", "first in time")


@dataclass(frozen=True)
class Shown:
    """A column of a table as a page shows it: `take` is `max` or `min` where the rows of an account do not add up."""

    column: MartColumn
    heading: str
    take: str = ""

    @property
    def name(self) -> str:
        """Its name in the table."""
        return self.column.name

    @property
    def expression(self) -> str:
        """SQL for the figure over rows of a month. A sum of which a part is unknown is unknown."""
        if self.take:
            return f"{self.take}({self.name})"
        if self.column.aggregation in _ADDED_UP:
            return f"CASE WHEN count({self.name}) = count(*) THEN sum({self.name}) END"
        return aggregate(self.column)


@dataclass(frozen=True)
class Unknown:
    """Why a figure is unknown: the reason in the table, how many accounts have it, and some of their names."""

    heading: str
    reason: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """The rows of a table that a page shows."""

    table: Model
    where: str

    def of(self, months: Sequence[date]) -> str:
        """The rows of some months, as the end of a query."""
        listed = ", ".join(literal(str(month)) for month in months)
        return f"FROM reporting.{self.table.name} WHERE period_month IN ({listed}) AND ({self.where or 'true'})"


@cache
def tables() -> dict[str, Model]:
    """The published tables by name."""
    return {table.name: table for table in published_tables()}


def is_there(con: Connection, table: str) -> bool:
    """Whether the published file has the table: one of an earlier release lacks those that are new."""
    # A list of all tables takes thirty times as long, and a page asks for many.
    try:
        con.execute(f"SELECT 1 FROM reporting.{table} LIMIT 0")
    except duckdb.CatalogException:
        return False
    return True


def by_account(con: Connection, part: Part, month: date, shown: Sequence[Shown], sort: str) -> list[dict[str, Any]]:
    """A row per account: `account_id` and the columns by name. What is unknown comes last."""
    listed = ", ".join(f"{one.expression} AS {one.name}" for one in shown)
    query = f"SELECT account_id, {listed} {part.of([month])} GROUP BY account_id"
    return rows(con, f"FROM ({query}) ORDER BY {sort} NULLS LAST, account_id")


def in_total(con: Connection, part: Part, months: Sequence[date], shown: Sequence[Shown]) -> dict[date, dict[str, Any]]:
    """The columns by name, over all rows of each month that has some. In a table of totals they stand as they are.

    Quantities of accounts have no total: pieces and metres do not add up. Of a ratio of them the published headline counts, else none.
    """
    is_total = all(column.name != "account_id" for column in part.table.columns)
    counted = [one for one in shown if not one.take and (is_total or not _is_of_quantities(part.table, one.column))]
    listed = "".join(f", {f'any_value({one.name})' if is_total else one.expression} AS {one.name}" for one in counted)
    found = rows(con, f"SELECT period_month{listed} {part.of(months)} GROUP BY period_month")
    totals = {row["period_month"]: {**{one.name: None for one in shown}, **row} for row in found}
    for one in shown:
        if figure := _HEADLINES.get((part.table.name, one.name)):
            for row in rows(
                con, "SELECT period_month, value FROM reporting.headline_figures WHERE figure = ?", [figure]
            ):
                totals.get(row["period_month"], {})[one.name] = row["value"]
    return totals


def _is_of_quantities(table: Model, column: MartColumn) -> bool:
    units = {other.name: other.unit for other in table.columns}
    parts = (
        _NAME.findall(f"{column.numerator} {column.denominator}") if column.aggregation == "ratio" else [column.name]
    )
    return any(units.get(part) == "units of the item" for part in parts)


def unknown(con: Connection, part: Part, month: date, shown: Sequence[Shown]) -> list[Unknown]:
    """Why figures of accounts are unknown, by column and reason, the most frequent first."""
    names = {column.name for column in part.table.columns}
    with_reason = [(one, reason) for one in shown if (reason := _reason_column(one.name, names))]
    if not with_reason or "account_name" not in names:
        return []
    name = "coalesce(nullif(account_name, 'unknown'), account_id, 'no account')"
    query = " UNION ALL ".join(
        f"SELECT {number} AS number, {reason} AS reason, count(DISTINCT {name}) AS n, "
        f"list_sort(list(DISTINCT {name}))[:{_NAMED}] AS names "
        f"{part.of([month])} AND {one.name} IS NULL AND {reason} IS NOT NULL GROUP BY {reason}"
        for number, (one, reason) in enumerate(with_reason)
    )
    return [
        Unknown(with_reason[row["number"]][0].heading, row["reason"], row["n"], tuple(row["names"]))
        for row in rows(con, f"FROM ({query}) ORDER BY number, n DESC, reason")
    ]


def _reason_column(name: str, names: set[str]) -> str:
    """The column with the reason of a figure; that of all amounts, or quantities, where it has none of its own."""
    kind = name.rsplit("_", 1)[-1]
    return next((reason for reason in (f"{name}_reason", f"{kind}_reason") if reason in names), "")
