"""Known source errors as data: `corrections.toml` of a site, and how its entries compare with what was loaded.

An entry names a row by its key, a column, the value that the source has and the right one. The views `core.<feed>` show
the right value in place of the wrong one (`kam.warehouse`); staging keeps what the source said. An entry whose row no
longer has the wrong value is stale, and fails the close.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from kam.errors import SettingsError
from kam.site.faults import explain, nearest
from kam.site.feeds import EARLIEST_DATE, FEEDS, LATEST_DATE, Column, Feed, Kind
from kam.site.section import Section
from kam.site.settings import Correction, Settings, read_toml

CORRECTIONS_FILE = "corrections.toml"
_LARGEST_INTEGER = 2**31 - 1
_TRUTHS = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_DIGITS = re.compile(r"DECIMAL\((?P<all>\d+),(?P<fraction>\d+)\)")
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Entry(Section):
    """One `[[corrections]]` as written; what a value may be depends on its column."""

    feed: str = Field(description="the feed that is wrong")
    key: Mapping[str, Any] = Field(description='the key of the row, such as { invoice_id = "R-1001", line_no = 1 }')
    column: str = Field(description="the column that is wrong")
    wrong: Any = Field(description='the value that the source has, "" for an empty cell')
    right: Any = Field(description='the right value, "" for an empty cell')
    reason: _Text = Field(description="why the source is wrong")
    owner: _Text = Field(description="who answers for it and has the source fixed")


def read_corrections(file: Path, settings: Settings) -> tuple[Correction, ...]:
    """The corrections of a site, sorted by feed, key and column; none when there is no file.

    Raises `SettingsError` naming the file, the entry, the key and what was expected.
    """
    # A link to nowhere is a file that cannot be read: nothing is left out without saying so.
    if not os.path.lexists(file):
        return ()
    document = read_toml(file, parse_float=Decimal)
    for name in document:
        if name != "corrections":
            message = f"{file}: {name}: unknown key.{nearest(name, ['corrections'])} Valid here: [[corrections]]"
            raise SettingsError(message)
    entries = document.get("corrections", [])
    if not isinstance(entries, list):
        message = f"{file}: corrections: expected entries that each begin with [[corrections]]"
        raise SettingsError(message)
    found: dict[tuple[object, ...], tuple[int, Correction]] = {}
    for number, entry in enumerate(entries, start=1):
        place = f"{file}: entry {number}"
        correction = _correction(entry, settings, place)
        target = (correction.feed, *correction.key.values(), correction.column)
        if target in found:
            message = (
                f"{place}: key: the same feed, key and column as entry {found[target][0]} "
                f"({correction.feed} {correction.key_in_words}: {correction.column}). Keep one of them"
            )
            raise SettingsError(message)
        found[target] = (number, correction)
    return tuple(sorted((correction for _, correction in found.values()), key=_order))


def _order(correction: Correction) -> tuple[object, ...]:
    key = tuple((value is not None, value or "") for value in correction.key.values())
    return (correction.feed, key, correction.column)


def _correction(entry: object, settings: Settings, place: str) -> Correction:
    try:
        written = _Entry.model_validate(entry)
    except ValidationError as error:
        raise SettingsError(explain(error, place, _Entry)) from None
    feed = _declared(written.feed, settings, place)
    key = _key(written.key, feed, place)
    column = _named(written.column, feed, f"{place}: column")
    if column.name in feed.key:
        message = (
            f"{place}: column: {column.name} is part of the key of {feed.name}: it says which row this is and cannot be "
            "corrected. Fix it in the source"
        )
        raise SettingsError(message)
    wrong = _cell(written.wrong, column, f"{place}: wrong")
    right = _cell(written.right, column, f"{place}: right")
    if wrong == right:
        message = f"{place}: right: expected a value that differs from wrong, which is {_shown(written.wrong)} too"
        raise SettingsError(message)
    return Correction(
        feed=feed.name,
        key=key,
        column=column.name,
        wrong=wrong,
        right=right,
        reason=written.reason,
        owner=written.owner,
    )


def _declared(name: str, settings: Settings, place: str) -> Feed:
    if name not in FEEDS:
        message = f"{place}: feed: no feed is called {name!r}.{nearest(name, list(FEEDS))} Declared: {_listed(settings.feeds)}"
        raise SettingsError(message)
    if name not in settings.feeds:
        message = f"{place}: feed: kam.toml does not declare the feed {name}. Declared: {_listed(settings.feeds)}"
        raise SettingsError(message)
    return FEEDS[name]


def _named(name: str, feed: Feed, place: str) -> Column:
    if name not in feed.column_names:
        message = f"{place}: the feed {feed.name} has no column {name!r}.{nearest(name, feed.column_names)}"
        raise SettingsError(message)
    return feed.column(name)


def _key(given: Mapping[str, Any], feed: Feed, place: str) -> dict[str, str | None]:
    """The whole key of a row; a column that is left out has its default."""
    for name in given:
        if name not in feed.key:
            message = (
                f"{place}: key.{name}: not in the key of {feed.name}.{nearest(name, feed.key)} "
                f"The key: {', '.join(feed.key)}"
            )
            raise SettingsError(message)
    values: dict[str, str | None] = {}
    for name in feed.key:
        column = feed.column(name)
        if name not in given and name in feed.alternatives:
            values[name] = None
            continue
        if name not in given and column.default is None:
            optional = "" if column.required else '; "" for an empty cell'
            message = f"{place}: key.{name}: missing. Expected: {column.meaning}{optional}"
            raise SettingsError(message)
        values[name] = _cell(given.get(name, column.default), column, f"{place}: key.{name}")
    return values


def _cell(value: object, column: Column, place: str) -> str | None:
    """A value as DuckDB writes that of the column, None for an empty cell."""
    if isinstance(value, str) and not value.strip():
        if column.required:
            message = f"{place}: {column.name} is required and never empty. Expected {column.kind.in_words}"
            raise SettingsError(message)
        if column.default is not None:
            message = f"{place}: {column.name} is never empty: an empty cell is read as {column.default}. Write that"
            raise SettingsError(message)
        return None
    try:
        return _text(value.strip() if isinstance(value, str) else value, column)
    except ValueError as error:
        message = f"{place}: expected {error} for {column.name} (it is {_shown(value)})"
        raise SettingsError(message) from None


def _text(value: object, column: Column) -> str:  # noqa: PLR0911 - a case a kind
    """A value as text in one spelling. Raises `ValueError` saying what is expected."""
    match column.kind:
        case Kind.ID | Kind.TEXT:
            return _plain_text(value, column)
        case Kind.ENUM:
            return _one_of(value, column.values)
        case Kind.CURRENCY:
            return _currency(value)
        case Kind.BOOLEAN:
            return _truth(value)
        case Kind.DATE:
            return _in_range(_date(value, "a date such as 2026-03-31")).isoformat()
        case Kind.MONTH:
            day = f"{value}-01" if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value) else value
            return _in_range(_date(day, "a month such as 2026-03-01")).replace(day=1).isoformat()
        case Kind.TIMESTAMP:
            return _timestamp(value)
        case Kind.INTEGER:
            return _whole(value, column)
        case _:
            return _number(value, column)


def _plain_text(value: object, column: Column) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    message = f"{column.kind.in_words} in quotes"
    raise ValueError(message)


def _one_of(value: object, values: Sequence[str]) -> str:
    for text in (str(value), str(value).lower()):
        if text in values:
            return text
    message = f"one of {_listed(values)}"
    raise ValueError(message)


def _currency(value: object) -> str:
    from babel import Locale

    code = str(value).upper()
    if code not in Locale("en").currencies:
        message = "an ISO 4217 currency such as EUR"
        raise ValueError(message)
    return code


def _truth(value: object) -> str:
    known = _TRUTHS.get(str(value).lower())
    if known is None:
        message = "true or false"
        raise ValueError(message)
    return known


def _date(value: object, expected: str) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(expected)


def _in_range(day: dt.date) -> dt.date:
    if not dt.date.fromisoformat(EARLIEST_DATE) <= day <= dt.date.fromisoformat(LATEST_DATE):
        message = f"a day from {EARLIEST_DATE} to {LATEST_DATE}"
        raise ValueError(message)
    return day


def _timestamp(value: object) -> str:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if not isinstance(value, dt.datetime):
        message = "a date and time such as 2026-03-31 17:30:00"
        raise ValueError(message)  # noqa: TRY004 - the reader of a file's values, not of arguments
    _in_range(value.date())
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
    text = value.isoformat(sep=" ")
    return text.rstrip("0") if value.microsecond else text


def _whole(value: object, column: Column) -> str:
    if (
        isinstance(value, bool)
        or not re.fullmatch(r"[+-]?\d{1,10}", str(value))
        or abs(int(str(value))) > _LARGEST_INTEGER
    ):
        message = "a whole number"
        raise ValueError(message)
    return str(int(_within(Decimal(str(value)), column)))


def _number(value: object, column: Column) -> str:
    if isinstance(value, bool | dt.date) or not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", str(value)):
        raise ValueError(column.kind.in_words)
    digits = _DIGITS.fullmatch(column.sql_type)
    places, fraction = (int(digits["all"]), int(digits["fraction"])) if digits else (0, 0)
    number = _within(Decimal(str(value)), column)
    if abs(number) >= Decimal(10) ** (places - fraction):
        message = f"{column.kind.in_words} of at most {places - fraction} digits before the point"
        raise ValueError(message)
    exact = round(number, fraction)
    if exact != number:
        message = f"{column.kind.in_words} with at most {fraction} decimals"
        raise ValueError(message)
    return f"{exact + 0:f}"


def _within(number: Decimal, column: Column) -> Decimal:
    bounds = [
        f"{word} {bound:f}" for word, bound in (("from", column.minimum), ("to", column.maximum)) if bound is not None
    ]
    if (column.minimum is not None and number < column.minimum) or (
        column.maximum is not None and number > column.maximum
    ):
        message = f"{column.kind.in_words} {' '.join(bounds)}"
        raise ValueError(message)
    return number


def _listed(words: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(words) or "none"


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)
