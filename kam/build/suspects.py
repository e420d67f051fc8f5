"""Which source row a model may have failed for: DuckDB names values at most, and no row."""

from __future__ import annotations

import re

import duckdb

from kam.build.models import Model, models
from kam.site import FEEDS, Feed, Kind
from kam.warehouse import Connection, literal

_NUMBERS = (Kind.MONEY, Kind.PRICE, Kind.QUANTITY, Kind.RATE, Kind.NUMBER)
# Shorter ones stand in many rows.
_TELLING_DIGITS = 5
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def suspect(con: Connection, model: Model, reason: str) -> str:
    """A sentence that names the row with a value of DuckDB's message, else the one with the largest number that the model reads.

    Empty when the feeds that it reads have no numbers, or cannot be read either.
    """
    digits = {_digits(number) for number in _NUMBER.findall(reason)}
    named = sorted(number for number in digits if len(number) >= _TELLING_DIGITS)
    cells = [
        _cells(feed, column.name)
        for feed in map(FEEDS.__getitem__, sorted(_feeds_of(model)))
        for column in feed.columns
        if column.kind in _NUMBERS
    ]
    if not cells:
        return ""
    is_named = f"list_contains([{', '.join(map(literal, named))}]::VARCHAR[], digits)"
    try:
        found = con.execute(
            f"""
            SELECT {is_named} AS is_named, feed, key, column_name, amount, source, source_row
            FROM ({" UNION ALL ".join(cells)}) JOIN ops.loads USING (load_id, feed)
            ORDER BY is_named DESC, abs(size) DESC, feed, key
            LIMIT 1
            """
        ).fetchone()
    except duckdb.Error:
        return ""
    if found is None:
        return ""
    has_value, feed, key, column, amount, source, record = found
    row = f"{feed} {key} ({source}, record {record}): {column} {amount}"
    if has_value:
        return f". That is a value of {row}"
    return f". The largest number that it reads is in {row}"


def _digits(number: str) -> str:
    """What two ways to write a number have in common: DuckDB's messages leave out the decimal point of some."""
    return number.replace(".", "").strip("0")


def _feeds_of(model: Model) -> set[str]:
    """The feeds that a model reads, through other models too."""
    known, found, queue = models(), set[str](), [*model.references]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += known[name].references if name in known else ()
    return {feed for feed in FEEDS if f"core.{feed}" in found}


def _cells(feed: Feed, column: str) -> str:
    """A SELECT of one column of a feed, with the keys of its rows in words."""
    key = " || ', ' || ".join(f"'{name} ' || {name}::VARCHAR" for name in feed.key)
    return (
        f"SELECT {literal(feed.name)} AS feed, {key} AS key, {literal(column)} AS column_name, {column}::DOUBLE AS size, "
        f"{column}::VARCHAR AS amount, trim(regexp_replace({column}::VARCHAR, '[^0-9]', '', 'g'), '0') AS digits, load_id, source_row "
        f"FROM core.{feed.name} WHERE {column} IS NOT NULL"
    )
