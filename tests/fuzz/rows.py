"""Valid rows of any feed as Python values, what they look like in a text file, and what `core` must make of them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from kam.site import FEEDS, Column, Feed, Kind

# Mostly narrow feeds, which load several times faster; together they have every kind of column, key and rule.
_NARROW = [feed for feed in FEEDS.values() if len(feed.columns) <= 13]
feeds = st.sampled_from([*_NARROW * 4, *(feed for feed in FEEDS.values() if feed not in _NARROW)])

BAD = "not a value"
_LETTERS = "aZÄß€漢😀'\",;|\\.0-%"
_TEXTS = ("A", "B", "a", "007", "7", "NULL", "-", "1e3", "O'Neil", 'say "x"', "a;b,c", "two\nlines", "#1", "=1+1")
_OF_KIND: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.ID: st.sampled_from([text for text in _TEXTS if "\n" not in text]) | st.text(_LETTERS, min_size=1, max_size=4),
    Kind.TEXT: st.sampled_from(_TEXTS) | st.text(_LETTERS, min_size=1, max_size=4),
    Kind.DATE: st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)) | st.just(dt.date(2026, 1, 31)),
    Kind.MONTH: st.dates(dt.date(2025, 11, 1), dt.date(2026, 2, 28)).map(lambda day: day.replace(day=1)),
    Kind.TIMESTAMP: st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2026, 12, 31)),
    Kind.BOOLEAN: st.booleans(),
    Kind.CURRENCY: st.sampled_from(("EUR", "USD", "CHF", "JPY")),
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows under some of a feed's columns; a row that is to be rejected has a cell with the text `BAD`."""

    feed: Feed
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@st.composite
def tables(draw: st.DrawFn, *, few_values: bool = False, min_rows: int = 0, max_rows: int = 8) -> Table:
    """A feed, some of its columns in any order, and valid rows. With `few_values` the same keys come often."""
    feed = draw(feeds)
    columns = draw(_column_choices(feed))
    rows = draw(st.lists(rows_of(feed, columns, few_values=few_values), min_size=min_rows, max_size=max_rows))
    return Table(feed, columns, tuple(rows))


@st.composite
def _column_choices(draw: st.DrawFn, feed: Feed) -> tuple[str, ...]:
    # A row that gives a column and its alternative is rejected.
    optional = [name for name in feed.column_names if name not in {*_always(feed), *feed.alternatives}]
    chosen = draw(st.sets(st.sampled_from(optional))) if optional else set()
    return tuple(draw(st.permutations([*_always(feed), *sorted(chosen)])))


def _always(feed: Feed) -> list[str]:
    """The columns without which a file is refused, or every row of it rejected, and the number of a line.

    Equal rows without a line number are no repeats, so they are tried elsewhere.
    """
    ruled = [name for rule in feed.row_rules for name in rule.any_of[0]]
    return [*feed.required, *ruled, *([feed.line] if feed.line else [])]


def rows_of(feed: Feed, columns: Sequence[str], *, few_values: bool = False) -> st.SearchStrategy[Row]:
    """Valid rows of a feed with these columns."""
    return st.fixed_dictionaries({name: _values(feed, name, few_values=few_values) for name in columns})


@cache
def _of_rows(feed_name: str, name: str, few_values: bool) -> st.SearchStrategy[Any]:
    column = FEEDS[feed_name].column(name)
    values = _few(column) if few_values else _any(column)
    return values if name in _always(FEEDS[feed_name]) else st.none() | values


def _values(feed: Feed, name: str, *, few_values: bool) -> st.SearchStrategy[Any]:
    return _of_rows(feed.name, name, few_values)


def _any(column: Column) -> st.SearchStrategy[Any]:
    if column.kind is Kind.ENUM:
        return st.sampled_from(column.values)
    if column.kind is Kind.INTEGER:
        least, most = _bounds(column)
        return st.integers(least, most) | st.integers(least, min(least + 3, most))
    if column.kind in (Kind.MONEY, Kind.PRICE, Kind.QUANTITY, Kind.RATE, Kind.NUMBER):
        top = column.maximum or Decimal(99999999 if column.kind is Kind.RATE else 9999999999)
        return st.decimals(column.minimum or 0, top, places=10 if column.kind in (Kind.PRICE, Kind.RATE) else 4)
    return _OF_KIND[column.kind]


def _bounds(column: Column) -> tuple[int, int]:
    """The least and the greatest whole number that the column takes."""
    return int(column.minimum or 0), int(column.maximum if column.maximum is not None else 2**31 - 1)


def _few(column: Column) -> st.SearchStrategy[Any]:
    first = {
        Kind.ID: ("A", "B"),
        Kind.TEXT: ("A", "B"),
        Kind.DATE: (dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
        Kind.MONTH: (dt.date(2026, 1, 1), dt.date(2026, 2, 1)),
        Kind.TIMESTAMP: (dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)),
        Kind.BOOLEAN: (True, False),
        Kind.CURRENCY: ("EUR", "USD"),
        Kind.ENUM: column.values[:2],
        Kind.INTEGER: (max(_bounds(column)[0], 1), max(_bounds(column)[0], 1) + 1),
    }
    return st.sampled_from(first.get(column.kind, (Decimal("0.5"), Decimal(1))))


def spoilt(table: Table, row: Row) -> Row | None:
    """The row with a cell outside its key that cannot be read; None where the table has no such column."""
    for name in table.columns:
        column = table.feed.column(name)
        if name not in table.feed.key and column.kind not in (Kind.ID, Kind.TEXT):
            return {**row, name: BAD}
    return None


def is_bad(row: Row) -> bool:
    """Whether the row is to be rejected for a cell of its own."""
    return BAD in row.values()


def meant(feed: Feed, row: Row) -> tuple[Any, ...]:
    """The row's content: all columns of the feed, defaults filled in."""
    values = []
    for column in feed.columns:
        value = row.get(column.name)
        if value is None and column.default is not None:
            value = _DEFAULTS.get(column.kind, str)(column.default)
        values.append(value)
    return tuple(values)


def shown(feed: Feed, contents: Iterable[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """Rows as `core` has to show them, in any order: without a currency they are in the reporting currency."""
    if feed.name == "payments" or "currency" not in feed.column_names:
        return Counter(contents)
    place = feed.column_names.index("currency")
    return Counter((*row[:place], row[place] or "EUR", *row[place + 1 :]) for row in contents)


def key_of(feed: Feed, row: Row) -> tuple[Any, ...]:
    """What identifies the row."""
    return tuple(value for name, value in zip(feed.column_names, meant(feed, row), strict=True) if name in feed.key)


_DEFAULTS: Mapping[Kind, Callable[[str], Any]] = {Kind.INTEGER: int, Kind.MONEY: Decimal, Kind.NUMBER: Decimal}


def without_conflicts(table: Table) -> Table:
    """The rows but those whose key an earlier row has with other content."""
    content: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    kept = [
        row
        for row in table.rows
        if is_bad(row) or content.setdefault(key_of(table.feed, row), meant(table.feed, row)) == meant(table.feed, row)
    ]
    return Table(table.feed, table.columns, tuple(kept))
