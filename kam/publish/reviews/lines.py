"""The lines behind figures as tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup, escape

from kam.build import MartColumn, published_tables
from kam.publish.quality_page import printable_text
from kam.publish.reviews.facts import Found
from kam.publish.reviews.sections import SECTIONS, Lines

DEFINITIONS = "../definitions.html"
"""Where columns are defined, seen from an account's page; `#<table>.<column>` is one of them."""


@dataclass(frozen=True)
class Table:
    """Lines: `head` and `body` are HTML, since a template that writes each cell by itself would take most of the time of a page."""

    anchor: str
    title: str
    source: str
    head: Markup
    body: Markup
    total: int
    left_out: int


def lines_table(lines: Lines, found: Found) -> Table:
    """Lines as a page shows them."""
    cells = _cells(lines)
    body = "".join(
        f"<tr>{''.join(f'{start}{write(row[name])}</td>' for name, start, write in cells)}</tr>\n" for row in found.rows
    )
    left_out = found.total - len(found.rows)
    html = Markup(body)  # noqa: S704 - the writers escape
    return Table(lines.name, lines.title, f"reporting.{lines.table}", _head(lines.name), html, found.total, left_out)


@cache
def columns_of(table: str) -> Mapping[str, MartColumn]:
    """The columns of a published table by name."""
    (found,) = (one for one in published_tables() if one.name == table)
    return {column.name: column for column in found.columns}


@cache
def _head(name: str) -> Markup:
    """The headings of lines: each leads to the definition of its column, but for columns that are made for the page."""
    (lines,) = (one for section in SECTIONS for one in section.lines if one.name == name)
    columns = columns_of(lines.table)
    html = ""
    for column, heading in lines.columns.items():
        start = '<th scope="col" class="n">' if _is_number(columns, column) else '<th scope="col">'
        link = f'<a href="{DEFINITIONS}#{lines.table}.{column}">{heading}</a>' if column in columns else heading
        html += f"{start}{link}</th>"
    return Markup(html)  # noqa: S704 - our own names


def _cells(lines: Lines) -> list[tuple[str, str, Callable[[Any], str]]]:
    """How the columns of lines are written: name, start of the cell, and what makes HTML of a value."""
    columns = columns_of(lines.table)
    return [
        (name, '<td class="n">' if _is_number(columns, name) else "<td>", _writer(columns.get(name)))
        for name in lines.columns
    ]


def _is_number(columns: Mapping[str, MartColumn], name: str) -> bool:
    return columns[name].is_numeric if name in columns else name == "days_late"


def _writer(column: MartColumn | None) -> Callable[[Any], str]:
    """What makes HTML of a value of a column: money with cents, shares in percent, other numbers as they are, and texts escaped."""
    unit = column.unit if column else ""

    def write(value: Any) -> str:  # noqa: ANN401 - a value of any kind
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            if unit == "fraction":
                return f"{value * 100:,.1f} %"
            return f"{value:,.2f}" if unit == "reporting currency" else f"{value:,.2f}".rstrip("0").rstrip(".")
        return _escaped(value)

    return write


@lru_cache(maxsize=10_000, typed=True)
def _escaped(value: object) -> Markup:
    """Few texts fill most cells: states, currencies, products, dates."""
    return escape(printable_text(value))
