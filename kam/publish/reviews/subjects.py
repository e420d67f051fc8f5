"""One page per subject: headline figures with their trend, a table by account, what is unknown and why, and where the lines are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from kam.periods import add_months, month_name
from kam.publish.reviews.charts import Chart, Picture, Series, draw, trend
from kam.publish.reviews.figures import Account
from kam.publish.reviews.measures import Part, Shown, Unknown, by_account, in_total, is_there, tables, unknown
from kam.publish.reviews.numbers import UNKNOWN, Change, change, shown, unit_text
from kam.warehouse import Connection, literal, rows

_FILE = Path(__file__).resolve().parent / "subjects.toml"
_MONTHS = 13


@dataclass(frozen=True)
class Head:
    """A heading of a column: its unit, and `table.column`, by which its definition is found."""

    text: str
    unit: str
    measure: str


@dataclass(frozen=True)
class Line:
    """A row of the table by account; `page` is that of the account, empty where it has none."""

    name: str
    account_id: str
    page: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A headline figure in total, against last month and a year ago."""

    head: Head
    value: str
    against: tuple[tuple[str, Change], ...]


@dataclass(frozen=True)
class Section:
    """What a page shows of one table, or of one slice of it."""

    title: str
    anchor: str
    table: str
    note: str
    figures: tuple[Figure, ...]
    pictures: tuple[Picture, ...]
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    total: tuple[str, ...]
    left_out: int
    unknown: tuple[Unknown, ...]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A subject: its name in addresses, its title, and the question that its page answers."""

    name: str
    title: str
    question: str
    sections: tuple[Mapping[str, Any], ...]


@cache
def subjects() -> tuple[Subject, ...]:
    """All subjects, in their order."""
    given = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(Subject(name, one["title"], one["question"], tuple(one["sections"])) for name, one in given.items())


def sections_of(
    con: Connection, subject: Subject, month: date, accounts: Sequence[Account], currency: str
) -> list[Section]:
    """The sections of a subject's page. A table that the published file lacks has none."""
    pages = {account.row["account_id"]: account for account in accounts}
    drafts = [
        draft
        for given in subject.sections
        if is_there(con, given["table"])
        for draft in _drafts(con, given, month, pages, currency)
    ]
    pictures = iter(draw([chart for _, charts in drafts for chart in charts]))
    return [Section(**fields, pictures=tuple(next(pictures) for _ in charts)) for fields, charts in drafts]


def _drafts(
    con: Connection, given: Mapping[str, Any], month: date, pages: Mapping[str, Account], currency: str
) -> list[tuple[dict[str, Any], list[Chart]]]:
    """The sections of a table, each with its charts that are not drawn yet; one per slice."""
    slice_by = given.get("slice")
    if not slice_by:
        return [_draft(con, given, month, pages, currency, "")]
    values = rows(
        con,
        f"SELECT DISTINCT {slice_by} AS value FROM reporting.{given['table']} WHERE period_month = ? ORDER BY 1",
        [month],
    )
    return [_draft(con, given, month, pages, currency, row["value"]) for row in values] or [
        _draft(con, given, month, pages, currency, "")
    ]


def _draft(
    con: Connection, given: Mapping[str, Any], month: date, pages: Mapping[str, Account], currency: str, value: str
) -> tuple[dict[str, Any], list[Chart]]:
    table = tables()[given["table"]]
    where = " AND ".join(
        f"({one})" for one in (given.get("where"), value and f"{given['slice']} = {literal(value)}") if one
    )
    part = Part(table, where)
    columns = _columns(given)
    months = [add_months(month, -back) for back in reversed(range(_MONTHS))]
    source = Part(tables()[given["total"]], where) if given.get("total") and is_there(con, given["total"]) else part
    totals = in_total(con, source, months, columns)
    found = by_account(con, part, month, columns, given["sort"])
    kept = [row for row in found if any(row[one.name] for one in columns)]
    heads = {
        one.name: Head(one.heading, unit_text(one.column.unit, currency), f"{table.name}.{one.name}") for one in columns
    }
    title = f"{given['title']}: {value}" if value else given["title"]
    fields = {
        "title": title,
        "anchor": _anchor(title),
        "table": table.name,
        "note": given.get("note", ""),
        "figures": tuple(
            _figure(replace(heads[one.name], measure=f"{source.table.name}.{one.name}"), one, totals, month)
            for one in columns
            if one.name in given["headlines"]
        )
        if totals.get(month)
        else (),
        "heads": tuple(heads.values()),
        "lines": tuple(_line(row, columns, pages) for row in kept),
        "total": tuple(
            UNKNOWN if one.take else shown(totals.get(month, {}).get(one.name), one.column.unit) for one in columns
        ),
        "left_out": len(found) - len(kept),
        "unknown": tuple(unknown(con, part, month, columns)),
        "details": tuple(given["details"]),
    }
    charts = [_chart(one, totals, months, currency) for one in columns if one.name in given["trend"]]
    return fields, [chart for chart in charts if chart]


def _columns(given: Mapping[str, Any]) -> list[Shown]:
    columns = {column.name: column for column in tables()[given["table"]].columns}
    return [
        Shown(columns[name.split()[-1]], heading, name.split()[0] if " " in name else "")
        for name, heading in given["columns"].items()
    ]


def _figure(head: Head, one: Shown, totals: Mapping[date, Mapping[str, Any]], month: date) -> Figure:
    now = totals[month][one.name]
    # What grows through the fiscal year is not compared with a month before.
    grows = one.name.startswith("ytd_") and one.column.aggregation != "ratio"
    months = (("last month", 1), ("a year ago", 12)) if not grows else (("a year ago", 12),)
    before = ((name, totals.get(add_months(month, -back), {}).get(one.name)) for name, back in months)
    against = tuple(
        (name, found) for name, value in before if (found := change(now, value, one.column.unit, one.column.direction))
    )
    return Figure(head, shown(now, one.column.unit), against)


def _chart(one: Shown, totals: Mapping[date, Mapping[str, Any]], months: Sequence[date], currency: str) -> Chart | None:
    values = [totals.get(month, {}).get(one.name) for month in months]
    unit = "%" if one.column.unit == "fraction" else unit_text(one.column.unit, currency) or "number"
    known = [(month, value) for month, value in zip(months, values, strict=True) if value is not None]
    message = f"{one.heading}: no month known"
    if known:
        (first, start), (last, end) = known[0], known[-1]
        message = f"{one.heading}: {shown(start, one.column.unit)} in {month_name(first)}, {shown(end, one.column.unit)} in {month_name(last)}"
    scaled = [value * 100 if value is not None and unit == "%" else value for value in values]
    return trend(months, [Series("all accounts", scaled)], unit, message)


def _line(row: Mapping[str, Any], columns: Sequence[Shown], pages: Mapping[str, Account]) -> Line:
    account = pages.get(row["account_id"])
    name = str(account.row["account_name"]) if account else "unknown"
    return Line(
        name if name != "unknown" else row["account_id"] or "no account",
        row["account_id"] or "",
        account.page if account else "",
        tuple(shown(row[one.name], one.column.unit) for one in columns),
    )


def _anchor(title: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in title.lower())
