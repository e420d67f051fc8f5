"""From a feed's contract and a site's mapping to SQL: typed columns, and what makes a row a reject.

The text of a source becomes a value only in the format that the site declares; nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from kam.errors import SettingsError
from kam.ingest.faults import Fault, column_faults, shortened_id, too_little
from kam.ingest.meaning import (
    ABSENT,
    BLANKS,
    cell_text,
    date_value,
    dressed_number,
    meaning_of,
    plain_meaning,
    plain_number,
    strptime_formats,
    typed_value,
)
from kam.ingest.readers import Relation, name_beside
from kam.ingest.sources import Extract, column_sql, missing_column
from kam.site import Column, ComputedColumn, ConstantColumn, CsvDialect, Feed, FeedSource, Kind
from kam.warehouse import Connection, literal

ROW_NUMBER = "source_row"
_RECORD_FAULT = (
    "CASE WHEN given_record_rule IS NOT NULL THEN {'column_name': '', 'rule': given_record_rule, "
    "'value': given_record_text, 'message': given_record_message} END"
)


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
    def row_number(self) -> str:
        """The name of the record number in `numbered`."""
        return _row_number(self.relation)

    @property
    def numbered(self) -> str:
        """A SELECT of the source's rows with their record numbers, which costs a single-threaded pass."""
        return f"SELECT *, row_number() OVER () AS {self.row_number} FROM {self.relation.sql}"

    def select(self, *, columns: str, numbered_rows: str = "") -> str:
        """A SELECT of `columns` from the typed rows.

        With `numbered_rows`, which has some rows of `numbered`, only of those; then there are also `source_row` and
        `record`, the source's own row.
        """
        needs_number = any(self.row_number in expression for expression in self.given.values())
        rows = numbered_rows or (f"({self.numbered})" if needs_number else self.relation.sql)
        given = ", ".join(f"{sql} AS given_{name}" for name, sql in self.given.items())
        values = ", ".join(f"{sql} AS {name}" for name, sql in self.values.items())
        record = ", ".join(f"{literal(name)}: {column_sql(name)}" for name in self.relation.columns)
        kept = f", {ROW_NUMBER}, record" if numbered_rows else ""
        row = f"source.{self.row_number} AS {ROW_NUMBER}"
        kept_inner = f", {row}, {{{record}}} AS record" if numbered_rows else ""
        return f"""
            SELECT {columns} FROM (
                SELECT {values}, {", ".join(f"given_{name}" for name in self.given)}{kept} FROM (
                    SELECT {given}{kept_inner} FROM (SELECT * FROM {rows}) AS source
                )
            )"""

    @property
    def is_faulty(self) -> str:
        """A condition that is true for a row with any fault."""
        always = [f"coalesce({fault.condition}, false)" for fault in self.faults if not fault.if_null]
        if self.relation.record_faults:
            always.append("given_record_rule IS NOT NULL")
        if_null = {fault.column: f"{fault.column} IS NULL" for fault in self.faults if fault.if_null}
        looked_at = [f"coalesce({fault.condition}, false)" for fault in self.faults if fault.if_null]
        # Most rows have all their values, and then most conditions need not be looked at.
        closer = f"CASE WHEN {' OR '.join(if_null.values())} THEN {' OR '.join(looked_at)} ELSE false END"
        return " OR ".join([*always, closer] if looked_at else always) or "false"

    @property
    def fault_structs(self) -> str:
        """The faults of a row as items of an SQL list, NULL for what is not wrong; a bad record has just one."""
        structs = ", ".join(fault.struct for fault in self.faults)
        if not self.relation.record_faults:
            return structs
        cells = ", ".join(f"CASE WHEN given_record_rule IS NULL THEN {fault.struct} END" for fault in self.faults)
        return f"{_RECORD_FAULT}, {cells}"


def plan_reading(con: Connection, feed: Feed, source: FeedSource, extract: Extract, relation: Relation) -> Reading:
    """How to read an extract. Declares the macros that the reading and the mapping's expressions, if any, call.

    Raises `SourceRefusedError` for a column that the source lacks, `SettingsError` for an expression or a date format
    that does not work.
    """
    _require_date_formats(con, source.csv, extract)
    con.execute(f"CREATE OR REPLACE TEMP MACRO dressed_number(cell, takes_percent) AS {dressed_number(source.csv)}")
    if any(isinstance(mapped, ComputedColumn) for mapped in source.columns.values()):
        _declare_macros(con, source.csv)
    given: dict[str, str] = {}
    values: dict[str, str] = {}
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for column in feed.columns:
        expression, sql_type, numbers = _given(con, column, source, extract, relation)
        given_name = f"given_{column.name}"
        text = given_name
        if sql_type == "VARCHAR" and _reads_past_blanks(column, expression, source.csv):
            text = cell_text(given_name, source.csv)
        elif sql_type == "VARCHAR":
            expression = cell_text(expression, source.csv)
        given[column.name] = expression
        texts[column.name] = text
        values[column.name] = _value(column, text, sql_type, source.csv)
        given |= {f"{column.name}_of_{number}": sql for number, sql in enumerate(numbers)}
        faults += _faults(column, text, sql_type, number_count=len(numbers))
    faults += [too_little(rule, texts) for rule in feed.row_rules]
    if relation.record_faults:
        named = relation.record_faults
        given |= {
            "record_rule": column_sql(named.rule),
            "record_text": column_sql(named.text),
            "record_message": column_sql(named.message),
        }
    return Reading(feed, relation, given, values, tuple(faults))


def _value(column: Column, text: str, sql_type: str, dialect: CsvDialect) -> str:
    """What a column means: an expression over `given_<column>`, or over `text`, its cell without blanks."""
    given_name = f"given_{column.name}"
    if text == given_name:
        value = typed_value(column, given_name, sql_type, dialect)
    else:
        at_first_sight = plain_meaning(column, given_name, dialect)
        looked_at = f"CASE WHEN {given_name} IS NOT NULL THEN {meaning_of(column, text, dialect)} END"
        value = f"coalesce({at_first_sight}, {looked_at})"
    if column.default is None:
        return value
    default = f"{literal(column.default)}::{column.sql_type}"
    value = f"CASE WHEN {given_name} IS NULL THEN {default} ELSE {value} END"
    if text == given_name:
        return value
    # Guarded by a CASE of its own, or DuckDB would work out the common part, the trimmed text, for every row.
    blank = f"CASE WHEN {given_name} IS NOT NULL THEN CASE WHEN {text} IS NULL THEN {default} END END"
    return f"coalesce({value}, {blank})"


def _faults(column: Column, text: str, sql_type: str, *, number_count: int) -> list[Fault]:
    """What can be wrong with a column, and with each of the `number_count` columns that its expression counts with."""
    not_numbers = [f"given_{column.name}_of_{number}" for number in range(number_count)]
    faults = column_faults(column, text, unless=not_numbers) if sql_type != ABSENT else []
    if column.kind is Kind.ID and sql_type == "VARCHAR":
        faults.append(shortened_id(column))
    message = f"a column in the expression for {column.name} is not a number"
    return [*faults, *(Fault(column.name, "type", condition, message) for condition in not_numbers)]


def _row_number(relation: Relation) -> str:
    """The name of the record number beside the source's columns, one of which may be called `source_row` too."""
    return name_beside(relation.columns, ROW_NUMBER)


def _reads_past_blanks(column: Column, expression: str, dialect: CsvDialect) -> bool:
    """Whether most cells can be read as they are, so that only what is not understood so is trimmed.

    Any text can be an identifier, one with blanks around it too.
    """
    is_known = column.kind not in (Kind.ID, Kind.TEXT)
    return is_known and expression.startswith("source.") and not dialect.null_values


def _not_a_number(column: str) -> str:
    cell = f"nullif(trim({column_sql(column)}, {BLANKS}), '')"
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
            return "NULL::VARCHAR", ABSENT, []
    if isinstance(mapped, ConstantColumn):
        # A constant is written in TOML, not in the source's dialect: it is cast, not parsed.
        return literal(_toml_text(mapped.value)), "CONSTANT", []
    if isinstance(mapped, ComputedColumn):
        return _expression(con, column, mapped.sql, extract, relation)
    if mapped == ROW_NUMBER and mapped not in relation.columns:
        return f"source.{_row_number(relation)}", "BIGINT", []
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
    probe = f"(SELECT {names}, NULL::BIGINT AS {_row_number(relation)}) AS source"
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


def _require_date_formats(con: Connection, dialect: CsvDialect, extract: Extract) -> None:
    for name in strptime_formats(dialect):
        try:
            con.execute(f"SELECT try_strptime('', {literal(name)})")
        except duckdb.Error as error:
            message = f"kam.toml: feeds.{extract.feed}.csv.date_format: {name!r}: {str(error).splitlines()[0]}"
            raise SettingsError(message) from None


def _declare_macros(con: Connection, dialect: CsvDialect) -> None:
    """`as_number` and `as_date`, by which a mapping's expression reads a cell in the site's format."""
    con.execute(f"CREATE OR REPLACE TEMP MACRO plain_number(cell) AS {plain_number('cell', dialect)}")
    con.execute(
        "CREATE OR REPLACE TEMP MACRO as_number(cell) AS "
        f"coalesce(TRY_CAST(plain_number(trim(cell, {BLANKS})) AS DECIMAL(18, 6)), "
        f"TRY_CAST(dressed_number(trim(cell, {BLANKS}), true) AS DECIMAL(18, 6)))"
    )
    con.execute(f"CREATE OR REPLACE TEMP MACRO as_date(cell) AS {date_value('cell', dialect)}")
