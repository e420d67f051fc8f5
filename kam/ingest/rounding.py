"""Numbers with more decimals than the contract keeps, of which rounding changes more than a small share.

It is found in the statement that reads the rows: one comparison per number, and a closer look at those that are too long.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from kam.ingest.meaning import exactly
from kam.site import Column, CsvDialect
from kam.warehouse import Connection, literal

# The column of `incoming` that names the number of a row which rounding changes most, where that is more than a little.
ROUNDED = "rounded"
_LITTLE = 0.001
# Less than this part of the last decimal is what is left of a subtraction of floating-point numbers.
_NOISE = 1e-5
_WHOLE_PERCENT = 100
_SHOWN_RECORDS = 5


@dataclass(frozen=True)
class TooLong:
    """How a number that rounding changes is told: `condition` may be true for it, `exact` is its size in the source."""

    condition: str
    exact: str
    decimals: int


@dataclass(frozen=True)
class Rounding:
    """Rows of a load in which this column is the number that rounding changes most; `largest_change` 1 is all of it."""

    column_name: str
    decimals: int
    row_count: int
    largest_change: float
    first_records: Sequence[int]


def too_long(column: Column, sql_type: str, dialect: CsvDialect) -> TooLong | None:
    """How to tell that rounding changes a column's number; None where the source's type rules that out."""
    kept = re.fullmatch(r"DECIMAL\(\d+, ?(\d+)\)", column.sql_type)
    if kept is None:
        return None
    decimals, given = int(kept[1]), f"given_{column.name}"
    if sql_type == "VARCHAR":
        return _too_long_text(column, given, dialect, decimals)
    if sql_type == "CONSTANT":
        return _too_long_text(column, given, CsvDialect(), decimals)
    if sql_type.startswith(("FLOAT", "DOUBLE", "DECIMAL")):
        exact = f"abs({given}::VARCHAR::DOUBLE)"
        return TooLong(f"abs({given}::DOUBLE) <> abs({column.name}::DOUBLE)", exact, decimals)
    return None


def _too_long_text(column: Column, given: str, dialect: CsvDialect, decimals: int) -> TooLong:
    point = exactly(dialect.decimal)
    bare = f"regexp_replace({given}, {literal(f'[^0-9{point}]')}, '', 'g')"
    digits = f"replace(regexp_extract({bare}, {literal(f'[0-9]*{point}[0-9]+$')}), {literal(dialect.decimal)}, '.')"
    exact = f"TRY_CAST({digits} AS DOUBLE)"
    longest = decimals
    if column.whole is not None and column.whole != _WHOLE_PERCENT:
        # The percent sign moves the point.
        exact = f"{exact} * CASE WHEN contains({given}, '%') THEN {column.whole / _WHOLE_PERCENT:f} ELSE 1 END"
        longest -= 2
    place = f"strpos({given}, {literal(dialect.decimal)})"
    return TooLong(f"{place} BETWEEN 1 AND strlen({given}) - {longest + 1}", exact, decimals)


def rounded_column(columns: Mapping[str, TooLong]) -> str:
    """SQL, over typed rows and what was given, for the column of a row that rounding changes most, and by which share."""
    found = ", ".join(
        f"CASE WHEN {one.condition} THEN {{'exact': {one.exact}, 'kept': abs({name}::DOUBLE), 'least': "
        f"{_NOISE * 10**-one.decimals}::DOUBLE, 'column_no': {number}::UTINYINT}} END"
        for number, (name, one) in enumerate(columns.items())
    )
    changed = f"list_filter([{found}], lambda one: one.exact >= one.least AND abs(one.kept - one.exact) > {_LITTLE} * one.exact)"
    shares = (
        f"list_transform({changed}, lambda one: {{'change': (abs(one.kept - one.exact) / one.exact)::FLOAT, "
        "'column_no': one.column_no})"
    )
    return f"CASE WHEN {' OR '.join(f'({one.condition})' for one in columns.values())} THEN list_max({shares}) END"


def roundings(con: Connection, columns: Mapping[str, TooLong], *, record: str) -> list[Rounding]:
    """What rounding changes in the rows of `incoming` that are loaded or there already, by column; `record` is SQL for their numbers."""
    if not columns:
        return []
    found = con.execute(
        f"""
        SELECT {ROUNDED}.column_no, count(*), max({ROUNDED}.change), min({record}, {_SHOWN_RECORDS})
        FROM incoming WHERE {ROUNDED} IS NOT NULL AND verdict = 'good' GROUP BY ALL ORDER BY 1
        """
    )
    names = list(columns)
    return [
        Rounding(names[number], columns[names[number]].decimals, count, round(change, 4), records)
        for number, count, change, records in found.fetchall()
    ]


def as_json(found: Sequence[Rounding]) -> str | None:
    """What rounding changes as `ops.loads` lists it; None for nothing."""
    return json.dumps([asdict(one) for one in found]) if found else None


def in_words(found: Sequence[Rounding]) -> str:
    """`quantity is rounded to 4 decimals, which changes it by up to 100 % in 2 rows (record 1, 3)`; empty for nothing."""
    return "; ".join(
        f"{one.column_name} is rounded to {one.decimals} decimals, which changes it by up to {one.largest_change:.1%} in "
        f"{one.row_count:,} {'row' if one.row_count == 1 else 'rows'} (record {', '.join(map(str, one.first_records))}"
        f"{', …' if one.row_count > len(one.first_records) else ''})"
        for one in found
    )
