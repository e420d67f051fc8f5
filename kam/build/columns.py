"""Columns of published tables. One line declares one: type, unit, how it adds up, meaning.

`outstanding_amount DECIMAL(18,2) [reporting currency; last in time] Open at the month end` is such a line. A third word says which way is
good (`; less is better`), and `source: …` at the end where the formula comes from. A header of
`sql/marts` or `sql/reporting` has one per column. What several tables share is in `sql/vocabulary.toml`, once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from kam.errors import KamError
from kam.warehouse import SQL

VOCABULARY = SQL / "vocabulary.toml"
_DECLARATION = re.compile(
    r"(?P<name>[a-z_0-9]+)\s+(?P<type>[A-Z]+(?:\(\d+,\s?\d+\))?)(?:\s+\[(?P<measure>[^\]]*)\])?(?:\s+(?P<text>\S.*))?"
)
_NOT_NUMERIC = frozenset({"VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN"})
_AGGREGATIONS = frozenset({"sum", "last in time", "first in time", "none"})
_SUMS = _AGGREGATIONS - {"none"}
_RATIO = re.compile(r"ratio of (?P<numerator>[^÷]+?) ÷ (?P<denominator>[^÷]+)")
_DIRECTIONS = {"more is better": "more", "less is better": "less", "": "neither"}
_SOURCE = " source: "
# Says in a header that the column means something else here than in the vocabulary.
_HERE = "here:"
_REASON = "_reason"


@dataclass(frozen=True)
class MartColumn:
    """A column of a published table: `meaning` says what it is, `formula` how it is computed where that needs saying.

    `unit` and `aggregation` are empty for texts, dates and truth values. `aggregation` is `sum` (over rows and months),
    `last in time` or `first in time` (over the rows of a month; of several months one counts), `ratio` (of the aggregated
    `numerator` and `denominator`, two SQL expressions over columns of the table), or `none`. `direction` is `more` or `less`, whichever is
    better, or `neither`; `source` says where the formula comes from.
    """

    name: str
    sql_type: str
    meaning: str = ""
    formula: str = ""
    unit: str = ""
    aggregation: str = ""
    numerator: str = ""
    denominator: str = ""
    direction: str = ""
    source: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers, which need a unit."""
        return self.sql_type not in _NOT_NUMERIC

    @property
    def is_additive(self) -> bool:
        """Whether the rows of one month may be added up."""
        return self.aggregation in _SUMS

    @property
    def decimals(self) -> int:
        """How many digits its numbers have after the point; 0 for whole numbers."""
        found = re.search(r",\s?(\d+)\)", self.sql_type)
        return int(found[1]) if found else 0

    @property
    def format(self) -> str:
        """How to show it, as a number format of spreadsheets and most BI tools; empty for what is not a number."""
        if not self.unit:
            return ""
        if self.unit == "fraction":
            return "0.0%"
        if self.unit == "number":
            return "0"
        return "#,##0.00" if self.sql_type.startswith("DECIMAL") else "#,##0"

    @property
    def ratio(self) -> str:
        """Numerator and denominator as one text; empty for what is not a ratio."""
        return f"{self.numerator} ÷ {self.denominator}" if self.aggregation == "ratio" else ""

    @property
    def adds_up(self) -> str:
        """How it adds up, for people."""
        return f"ratio of {self.ratio}" if self.ratio else self.aggregation

    @property
    def comment(self) -> str:
        """What a BI tool shows beside the column."""
        better = f"; {self.direction} is better" if self.direction in ("more", "less") else ""
        measure = f" [{self.unit}; {self.adds_up}{better}]" if self.unit else ""
        formula = f" = {self.formula}" if self.formula else ""
        return f"{self.meaning}{measure}{formula}"


@dataclass(frozen=True)
class Vocabulary:
    """The units with what they mean, and the columns that several tables have in one meaning."""

    units: Mapping[str, str]
    columns: Mapping[str, MartColumn]


@cache
def vocabulary() -> Vocabulary:
    """What `sql/vocabulary.toml` holds; raises `KamError` naming the entry that cannot be read."""
    document = tomllib.loads(VOCABULARY.read_text(encoding="utf-8"))
    units = document["units"]
    columns = {
        name: _declared(f"{name} {text}", f"sql/{VOCABULARY.name}", units) for name, text in document["columns"].items()
    }
    return Vocabulary(units, columns)


def read_columns(lines: Sequence[str], file: str) -> tuple[MartColumn, ...]:
    """The columns that these lines of a header declare, completed from the vocabulary.

    Raises `KamError` naming the file and the column when a line cannot be read, a number lacks its unit or how it adds up,
    a text differs from the vocabulary without saying so, or a ratio is of something that is not a column.
    """
    known = vocabulary()
    declared = [_completed(_declared(line, file, known.units), known.columns, file) for line in lines]
    names = {column.name for column in declared}
    columns = tuple(_with_reason(column, names) for column in declared)
    for column in columns:
        if column.is_numeric and not column.unit:
            message = (
                f"{file}: {column.name}: is a number and does not say its unit and how it adds up. "
                f"Write {column.name} {column.sql_type} [unit; sum] before the meaning; "
                f"instead of sum: {', '.join(sorted(_AGGREGATIONS - {'sum'}))}, or ratio of A ÷ B"
            )
            raise KamError(message)
        if not column.meaning:
            message = f"{file}: {column.name}: neither the header nor sql/{VOCABULARY.name} says what it means"
            raise KamError(message)
        unknown = set(re.findall(r"[a-z_][a-z_0-9]*", f"{column.numerator} {column.denominator}")) - names
        if unknown:
            message = f"{file}: {column.name}: is a ratio of {min(unknown)}, which is not a column of the table"
            raise KamError(message)
    return columns


def _declared(line: str, file: str, units: Mapping[str, str]) -> MartColumn:
    match = _DECLARATION.fullmatch(line.strip())
    if not match:
        message = (
            f"{file}: {line.strip()}: is not a column. Expected: name TYPE [unit; how it adds up] meaning := formula"
        )
        raise KamError(message)
    text, _, source = f" {match['text'] or ''}".partition(_SOURCE)
    meaning, _, formula = text.partition(" := ")
    column = MartColumn(match["name"], match["type"], meaning.strip(), formula.strip(), source=source.strip())
    return column if match["measure"] is None else _measured(column, match["measure"], file, units)


def _measured(column: MartColumn, measure: str, file: str, units: Mapping[str, str]) -> MartColumn:
    unit, aggregation, better = (part.strip(" ;") for part in f"{measure};;".split(";", 2))
    direction = _DIRECTIONS.get(better, "")
    ratio = _RATIO.fullmatch(aggregation)
    fault = ""
    if not column.is_numeric:
        fault = f"{column.sql_type} has no unit"
    elif unit not in units:
        fault = f"{unit} is not a unit in sql/{VOCABULARY.name}"
    elif not ratio and aggregation not in _AGGREGATIONS:
        fault = f"{aggregation or 'nothing'} does not say how it adds up"
    elif not direction:
        fault = f"{better} does not say which way is good"
    if fault:
        message = f"{file}: {column.name}: [{measure}]: {fault}"
        raise KamError(message)
    if not ratio:
        return replace(column, unit=unit, aggregation=aggregation, direction=direction)
    numerator, denominator = ratio["numerator"].strip(), ratio["denominator"].strip()
    return replace(
        column, unit=unit, aggregation="ratio", numerator=numerator, denominator=denominator, direction=direction
    )


def _completed(column: MartColumn, shared: Mapping[str, MartColumn], file: str) -> MartColumn:
    known = shared.get(column.name)
    differs = column.meaning.startswith(_HERE)
    if known is None and differs:
        message = f"{file}: {column.name}: says {_HERE}, but sql/{VOCABULARY.name} does not have it"
        raise KamError(message)
    if known is None:
        return column
    if column.sql_type != known.sql_type:
        message = f"{file}: {column.name}: is {column.sql_type}; in sql/{VOCABULARY.name} it is {known.sql_type}"
        raise KamError(message)
    if not differs and (column.meaning or column.unit):
        message = (
            f"{file}: {column.name}: sql/{VOCABULARY.name} says what it means. "
            f"Remove the text, or begin it with {_HERE} where it means something else"
        )
        raise KamError(message)
    meaning = column.meaning.removeprefix(_HERE).strip() or known.meaning
    formula = column.formula or ("" if differs else known.formula)
    measured = column if column.unit else known
    source = column.source or ("" if differs else known.source)
    return replace(measured, meaning=meaning, formula=formula, source=source)


def _with_reason(column: MartColumn, names: set[str]) -> MartColumn:
    """A reason that says no more is that of the column it is named after."""
    explained = column.name.removesuffix(_REASON)
    if column.meaning or explained == column.name or explained not in names:
        return column
    return replace(column, meaning=f"Why {explained} is undefined")
