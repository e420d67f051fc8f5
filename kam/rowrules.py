"""From a feed's contract and a site's mapping to SQL: typed columns, and what makes a row a reject.

The text of a source becomes a value only in the format that the site declares; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from kam.contracts import EARLIEST_DATE, LATEST_DATE, Column, Feed, Kind, RowRule
from kam.errors import SettingsError
from kam.settings import ComputedColumn, ConstantColumn, CsvDialect, FeedSource
from kam.sources import Extract, column_sql, missing_column
from kam.textfiles import Relation
from kam.warehouse import Connection, literal

_BLANKS = "chr(32) || chr(9) || chr(10) || chr(13) || chr(160)"
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
ROW_NUMBER = "source_row"


@dataclass(frozen=True)
class Fault:
    """One way in which a row can be wrong: `condition` is true for such a row."""

    column: str
    rule: str
    condition: str
    message: str


@dataclass(frozen=True)
class Reading:
    """How to read one extract: three layers of SELECT, each over the one before.

    `given` is what the source says, `values` what it means, `faults` what is wrong with it. The names of `given` are
    those of the feed's columns with a prefix, so that a source's own names cannot collide with them.
    """

    feed: Feed
    relation: Relation
    given: Mapping[str, str]
    values: Mapping[str, str]
    faults: tuple[Fault, ...]

    @property
    def numbers_rows(self) -> bool:
        """Whether the mapping itself uses the record number, which costs a single-threaded pass."""
        return any(ROW_NUMBER in expression for expression in self.given.values())

    def select(self, *, columns: str, number_rows: bool) -> str:
        """A SELECT of `columns` from the typed rows.

        With `number_rows` there are also `source_row` and `record`, the source's own row.
        """
        number = f", row_number() OVER () AS {ROW_NUMBER}" if number_rows else ""
        given = ", ".join(f"{sql} AS given_{name}" for name, sql in self.given.items())
        values = ", ".join(f"{sql} AS {name}" for name, sql in self.values.items())
        record = ", ".join(f"{literal(name)}: {column_sql(name)}" for name in self.relation.columns)
        kept = f", {ROW_NUMBER}, record" if number_rows else ""
        kept_inner = f", source.{ROW_NUMBER}, {{{record}}} AS record" if number_rows else ""
        return f"""
            SELECT {columns} FROM (
                SELECT {values}, {", ".join(f"given_{name}" for name in self.given)}{kept} FROM (
                    SELECT {given}{kept_inner} FROM (SELECT *{number} FROM {self.relation.sql}) AS source
                )
            )"""

    @property
    def is_faulty(self) -> str:
        """A condition that is true for a row with any fault."""
        return " OR ".join(f"coalesce({fault.condition}, false)" for fault in self.faults) or "false"


def reading(con: Connection, feed: Feed, source: FeedSource, extract: Extract, relation: Relation) -> Reading:
    """How to read an extract. Declares the macros `as_number` and `as_date` for the mapping's expressions.

    Raises `SourceRefusedError` for a column that the source lacks, `SettingsError` for an expression that does not work.
    """
    _declare_macros(con, source.csv)
    given: dict[str, str] = {}
    values: dict[str, str] = {}
    faults: list[Fault] = []
    for column in feed.columns:
        expression, sql_type, numbers = _given(con, column, source, extract, relation)
        if sql_type == "VARCHAR":
            expression = _cell(expression, source.csv)
        given[column.name] = expression
        text = f"given_{column.name}"
        if column.default is not None:
            text = f"coalesce({text}, {_constant(column.default, sql_type)})"
        values[column.name] = _value(column, text, sql_type, source.csv)
        not_numbers = [f"given_{column.name}_of_{number}" for number in range(len(numbers))]
        faults += _faults(column, unless=not_numbers)
        given |= {f"{column.name}_of_{number}": sql for number, sql in enumerate(numbers)}
        faults += [
            Fault(column.name, "type", condition, f"a column in the expression for {column.name} is not a number")
            for condition in not_numbers
        ]
    faults += [_too_little(rule) for rule in feed.row_rules]
    return Reading(feed, relation, given, values, tuple(faults))


def _not_a_number(column: str) -> str:
    cell = f"nullif(trim({column_sql(column)}, {_BLANKS}), '')"
    return f"({cell} IS NOT NULL AND as_number({column_sql(column)}) IS NULL)"


def _given(
    con: Connection, column: Column, source: FeedSource, extract: Extract, relation: Relation
) -> tuple[str, str, list[str]]:
    """The source's expression for a column, its type, and conditions under which its numbers are not numbers."""
    mapped = source.columns.get(column.name)
    if mapped is None:
        mapped = next((name for name in relation.columns if name.lower() == column.name), None)
        if mapped is None:
            if column.required:
                raise missing_column(extract, column.name, column.name, relation)
            return "NULL::VARCHAR", "VARCHAR", []
    if isinstance(mapped, ConstantColumn):
        # A constant is written in TOML, not in the source's dialect: it is cast, not parsed.
        return literal(_toml_text(mapped.value)), "CONSTANT", []
    if isinstance(mapped, ComputedColumn):
        return _expression(con, column, mapped.sql, extract, relation)
    if mapped == ROW_NUMBER:
        return f"source.{ROW_NUMBER}", "BIGINT", []
    if mapped not in relation.columns:
        raise missing_column(extract, column.name, mapped, relation)
    return column_sql(mapped), relation.columns[mapped], []


def _toml_text(value: str | float | bool) -> str:  # noqa: FBT001 - the value of a setting, not a switch
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expression(
    con: Connection, column: Column, sql: str, extract: Extract, relation: Relation
) -> tuple[str, str, list[str]]:
    """An expression over text columns; where it only works on numbers, the columns are read as numbers first."""
    names = ", ".join(f"NULL::{sql_type} AS {name}" for name, sql_type in _quoted_types(relation).items())
    probe = f"(SELECT {names}, NULL::BIGINT AS {ROW_NUMBER}) AS source"
    try:
        return f"({sql})", _type_of(con, sql, probe), []
    except duckdb.BinderException as as_text:
        try:
            numeric, columns = _on_numbers(con, sql, relation)
            return f"({numeric})", _type_of(con, numeric, probe), [_not_a_number(name) for name in columns]
        except duckdb.Error:
            raise _expression_error(extract, column, as_text) from None
    except duckdb.Error as error:
        raise _expression_error(extract, column, error) from None


def _quoted_types(relation: Relation) -> dict[str, str]:
    return {column_sql(name).removeprefix("source."): sql_type for name, sql_type in relation.columns.items()}


def _expression_error(extract: Extract, column: Column, error: duckdb.Error) -> SettingsError:
    message = f"kam.toml: feeds.{extract.feed}.columns.{column.name}.sql: {str(error).splitlines()[0]}"
    return SettingsError(message)


def _type_of(con: Connection, sql: str, probe: str) -> str:
    return str(con.execute(f"DESCRIBE SELECT ({sql}) AS value FROM {probe}").fetchall()[0][1])


def _on_numbers(con: Connection, sql: str, relation: Relation) -> tuple[str, list[str]]:
    """The expression with `as_number(…)` around each text column it reads, and the names of those columns."""
    tree = _tree(con, sql)
    names: list[str] = []
    call = _tree(con, "as_number(cell)")["statements"][0]["node"]["select_list"][0]

    def wrap(node: Any) -> Any:  # noqa: ANN401 - a JSON tree
        if isinstance(node, list):
            return [wrap(child) for child in node]
        if not isinstance(node, dict):
            return node
        if node.get("class") == "COLUMN_REF" and relation.columns.get(node["column_names"][-1]) == "VARCHAR":
            names.append(node["column_names"][-1])
            return call | {"children": [node]}
        return {key: wrap(value) for key, value in node.items()}

    text = con.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(wrap(tree))]).fetchall()[0][0]
    return str(text).removeprefix("SELECT ").rstrip(";"), sorted(set(names))


def _tree(con: Connection, expression: str) -> dict[str, Any]:
    """DuckDB's own parse of an expression."""
    found = con.execute("SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT {expression}"]).fetchall()
    return dict(json.loads(found[0][0]))


def _declare_macros(con: Connection, dialect: CsvDialect) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP MACRO as_number(cell) AS TRY_CAST({_number_text('cell', dialect)} AS DECIMAL(18, 6))"
    )
    con.execute(f"CREATE OR REPLACE TEMP MACRO as_date(cell) AS {_date('cell', dialect)}")


def _cell(expression: str, dialect: CsvDialect) -> str:
    """The text of a cell without blanks around it; NULL when nothing is left or the site says it means nothing."""
    trimmed = f"nullif(trim({expression}, {_BLANKS}), '')"
    if not dialect.null_values:
        return trimmed
    empties = ", ".join(literal(text) for text in dialect.null_values)
    return f"CASE WHEN {trimmed} NOT IN ({empties}) THEN {trimmed} END"


def _constant(text: str, sql_type: str) -> str:
    return literal(text) if sql_type in ("VARCHAR", "CONSTANT") else f"{literal(text)}::{sql_type}"


def _value(column: Column, text: str, sql_type: str, dialect: CsvDialect) -> str:  # noqa: C901, PLR0911 - a case a kind
    """What a cell means: NULL when it is not of the column's kind."""
    is_text = sql_type in ("VARCHAR", "CONSTANT")
    iso = CsvDialect() if sql_type == "CONSTANT" else dialect
    match column.kind:
        case Kind.ID | Kind.TEXT:
            return f"{text}::VARCHAR"
        case Kind.CURRENCY:
            return f"CASE WHEN upper({text}) IN ({_currencies()}) THEN upper({text}) END"
        case Kind.ENUM:
            values = ", ".join(literal(value) for value in column.values)
            return f"CASE WHEN lower({text}) IN ({values}) THEN lower({text}) END"
        case Kind.BOOLEAN if is_text:
            true, false = (", ".join(literal(word) for word in words) for words in (_TRUE, _FALSE))
            return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"
        case Kind.DATE if is_text:
            return _date(text, iso)
        case Kind.MONTH if is_text:
            return f"date_trunc('month', coalesce({_date(text, iso)}, try_strptime({text}, '%Y-%m')))::DATE"
        case Kind.MONTH:
            return f"date_trunc('month', TRY_CAST({text} AS DATE))::DATE"
        case Kind.INTEGER:
            number = f"TRY_CAST({_number_text(text, iso) if is_text else text} AS DECIMAL(18, 4))"
            return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS INTEGER) END"
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER if is_text:
            return f"TRY_CAST({_number_text(text, iso)} AS {column.sql_type})"
        case Kind.TIMESTAMP if is_text and iso.date_formats:
            return f"coalesce(TRY_CAST({text} AS TIMESTAMP), {_parsed_date(text, iso)})"
        case _:
            return f"TRY_CAST({text} AS {column.sql_type})"


def _number_text(text: str, dialect: CsvDialect) -> str:
    """A number as DuckDB writes it; NULL where a separator stands in a place that would change the value."""
    if dialect.thousands:
        mark, point = (f"[{mark}]" if mark != "^" else r"\^" for mark in (dialect.thousands, dialect.decimal))
        grouped = literal(rf"[+-]?(\d+|\d{{1,3}}({mark}\d{{3}})+)({point}\d*)?")
        plain = f"replace(replace({text}, {literal(dialect.thousands)}, ''), {literal(dialect.decimal)}, '.')"
        return f"CASE WHEN regexp_full_match({text}, {grouped}) THEN {plain} END"
    if dialect.decimal != ".":
        return f"CASE WHEN NOT contains({text}, '.') THEN replace({text}, {literal(dialect.decimal)}, '.') END"
    return text


def _date(text: str, dialect: CsvDialect) -> str:
    return f"{_parsed_date(text, dialect)}::DATE" if dialect.date_formats else f"TRY_CAST({text} AS DATE)"


def _parsed_date(text: str, dialect: CsvDialect) -> str:
    formats = ", ".join(literal(name) for name in dialect.date_formats)
    return f"try_strptime({text}, [{formats}])"


@cache
def _currencies() -> str:
    """Every code ISO 4217 has had: an old invoice may well be in a currency that is gone."""
    from babel import Locale

    return ", ".join(literal(code) for code in sorted(Locale("en").currencies))


def _faults(column: Column, *, unless: Sequence[str]) -> list[Fault]:
    """What can be wrong with a column; a required value is not missing where one of the conditions `unless` holds."""
    name, given = column.name, f"given_{column.name}"
    faults = []
    if column.required:
        missing = " AND ".join((f"{given} IS NULL", *(f"NOT {condition}" for condition in unless)))
        faults.append(Fault(name, "required", missing, f"{name} is missing"))
    unreadable = f"{given} IS NOT NULL AND {name} IS NULL"
    if column.kind is Kind.ENUM:
        message = f"{name} is none of {', '.join(column.values)}"
        faults.append(Fault(name, "enumeration", unreadable, message))
    elif column.kind is Kind.CURRENCY:
        faults.append(Fault(name, "currency", unreadable, f"{name} is not an ISO 4217 currency"))
    elif column.kind not in (Kind.ID, Kind.TEXT):
        faults.append(Fault(name, "type", unreadable, f"{name} is not {column.kind.in_words} in the declared format"))
    if column.kind in (Kind.DATE, Kind.MONTH, Kind.TIMESTAMP):
        outside = f"NOT {name} BETWEEN DATE '{EARLIEST_DATE}' AND DATE '{LATEST_DATE}'"
        faults.append(Fault(name, "date_range", outside, f"{name} lies outside {EARLIEST_DATE} to {LATEST_DATE}"))
    faults += _bounds(column)
    return faults


def _too_little(rule: RowRule) -> Fault:
    groups = (" AND ".join(f"given_{name} IS NOT NULL" for name in group) for group in rule.any_of)
    return Fault(rule.column, rule.name, f"NOT ({' OR '.join(f'({group})' for group in groups)})", rule.message)


def _bounds(column: Column) -> list[Fault]:
    name = column.name
    faults = []
    if column.minimum is not None:
        rule = "negative" if column.minimum == 0 else "range"
        message = f"{name} is negative; the document or payment type carries the sign"
        if column.minimum != 0 or column.maximum is not None:
            rule, message = "range", f"{name} is below {column.minimum:f}"
        faults.append(Fault(name, rule, f"{name} < {column.minimum:f}", message))
    if column.maximum is not None:
        faults.append(Fault(name, "range", f"{name} > {column.maximum:f}", f"{name} is above {column.maximum:f}"))
    return faults
