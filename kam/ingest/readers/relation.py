"""What every reader returns: a `Relation`, source rows with their record numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kam.warehouse import literal

CHUNK = 1 << 20
MEGABYTE = 1 << 20
# What DuckDB raises while it reads a file whose content is at fault.
READ_ERRORS = (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.IOException)


@dataclass(frozen=True)
class RecordFaults:
    """Columns of a relation that say what is wrong with a record: rule, raw text and message; NULL for a good one."""

    rule: str
    text: str
    message: str


@dataclass(frozen=True)
class WideRecords:
    """Of rows that are the cells of wide records: columns of the relation that say which, and what the file has.

    `number` names the column with the record's number, `column` the one with the name of the cell's column, `value` the one with the
    cell; all cells of a bad record are one row without a column, and `whole` names what has the record as JSON then. `header` are
    the file's own columns, `sql` its records.
    """

    number: str
    column: str
    value: str
    whole: str
    header: Sequence[str]
    sql: str


@dataclass(frozen=True)
class Relation:
    """Rows that DuckDB can read: `sql` goes after FROM, `columns` maps names to DuckDB types.

    `second_look` gives the rows of a file that DuckDB refuses, with its bad records marked by `record_faults`. Without
    `has_controls` no text holds a control character. Each row is a record, unless `wide` says which one it is of.
    """

    sql: str
    columns: Mapping[str, str]
    record_faults: RecordFaults | None = None
    second_look: Callable[[], Relation] | None = None
    has_controls: bool = True
    wide: WideRecords | None = None


def path_literal(file: Path) -> str:
    """A path as an SQL literal in which DuckDB finds no pattern: `*`, `?` and `[` in a name are themselves."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(file)))


def name_beside(columns: Iterable[str], name: str) -> str:
    """The name, with underscores behind it until no column is called so."""
    taken = {column.lower() for column in columns}
    while name in taken:
        name += "_"
    return name
