"""A mapping's expressions: what they read as numbers and dates, and rows for which they cannot be worked out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import duckdb

from kam.errors import SettingsError
from kam.ingest.meaning import BLANKS, cell_text, date_value, decimal_value, plain_number
from kam.ingest.readers import CHANGES, changing_function
from kam.ingest.sources import column_sql
from kam.site import CsvDialect
from kam.warehouse import OF_ITS_ARGUMENTS, Connection, objects, parsed

NUMBER_TYPE = "DECIMAL(28, 10)"
_KINDS: Mapping[str, str] = {"as_number": "a number", "as_date": "a date"}
_LENIENT = ("try_as_number", "try_as_date")
_MOST_TRIALS = 200
_Tree = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """A text that an expression reads as a number or a date: its SQL, and which of the two in words."""

    sql: str
    kind: str

    @property
    def is_bad(self) -> str:
        """A condition that is true where the text is there and means nothing of its kind."""
        reader = next(name for name, kind in _KINDS.items() if kind == self.kind)
        return f"nullif(trim(({self.sql})::VARCHAR, {BLANKS}), '') IS NOT NULL AND try_{reader}(({self.sql})) IS NULL"


@dataclass(frozen=True)
class Expression:
    """An expression over a source's columns, ready to be run.

    `sql_type` is that of its value. With `fails_by_row` a row for which it fails is told from others; without it, such a
    row stops the load. `signed` is the same without `abs`, where it takes a sign away.
    """

    sql: str
    sql_type: str
    reads: tuple[Read, ...] = ()
    fails_by_row: bool = True
    signed: str | None = None


def declare_macros(con: Connection, dialect: CsvDialect) -> None:
    """`as_number` and `as_date`, by which an expression reads a cell in the site's format; with `try_`, NULL where they fail."""
    trimmed = f"trim(cell, {BLANKS})"
    con.execute(f"CREATE OR REPLACE TEMP MACRO plain_number(cell) AS {plain_number('cell', dialect)}")
    con.execute(
        "CREATE OR REPLACE TEMP MACRO try_as_number(cell) AS "
        f"coalesce({decimal_value(f'plain_number({trimmed})', NUMBER_TYPE)}, "
        f"TRY_CAST(dressed_number({trimmed}, 0.01::DECIMAL(6, 2)) AS {NUMBER_TYPE}))"
    )
    con.execute(f"CREATE OR REPLACE TEMP MACRO try_as_date(cell) AS {date_value(trimmed, dialect)}")
    for name, sql_type in (("as_number", NUMBER_TYPE), ("as_date", "DATE")):
        # A failed cast, because TRY takes no error() of one's own.
        con.execute(
            f"CREATE OR REPLACE TEMP MACRO {name}(cell) AS CASE WHEN {cell_text('cell', dialect)} IS NOT NULL "
            f"THEN coalesce(try_{name}(cell), CAST('unreadable: ' || cell AS {sql_type})) END"
        )


def expression(con: Connection, key: str, sql: str, columns: Mapping[str, str], row_number: str) -> Expression:
    """An expression over columns of these types; where it only works on numbers, text columns are read as numbers.

    As few as that takes. Raises `SettingsError`, which names the `key` of kam.toml, when it does not work at all, reads
    anything but the row, or would give another value another time.
    """
    try:
        reason = _why_not_of_the_row(con, sql)
        if not reason:
            return _worked_out(con, sql, columns, row_number)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
    message = f"kam.toml: {key}: {reason}"
    raise SettingsError(message)


def _why_not_of_the_row(con: Connection, sql: str) -> str:
    """Why an expression would not give the same value for the same row each time; empty when it does."""
    statements = duckdb.extract_statements(f"SELECT {sql}")
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        return "expected one expression"
    if name := changing_function(sql):
        return f"{name} {CHANGES}"
    tree = _tree(con, sql)
    if tree.get("error", True):
        return f"what it reads cannot be told from its text ({tree.get('error_message', '')})"
    for node in objects(tree):
        table = node.get("table_name") if node.get("type") == "BASE_TABLE" else ""
        if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"] not in OF_ITS_ARGUMENTS:
            table = f"{node['function']['function_name']}()"
        if table:
            return f"it reads {table}. An expression sees the columns of its row only; for a join there is a SELECT over files (sql)"
    return ""


def _worked_out(con: Connection, sql: str, columns: Mapping[str, str], row_number: str) -> Expression:
    """The expression, ready to be run. Raises `duckdb.Error` when it does not work."""
    names = ", ".join(
        f"NULL::{sql_type} AS {column_sql(name).removeprefix('source.')}" for name, sql_type in columns.items()
    )
    probe = f"(SELECT {names}, NULL::BIGINT AS {row_number}) AS source"

    def type_of(text: str) -> str:
        return str(con.execute(f"DESCRIBE SELECT {text} AS value FROM {probe}").fetchall()[0][1])

    tree = _on_types(con, _tree(con, sql), columns)
    text, sql_type = _bound(con, tree, columns, type_of)
    reads = tuple(Read(_sql(con, argument), _KINDS[name]) for name, argument in _calls(_tree(con, text)))
    signed = _without_abs(_tree(con, text))
    try:
        type_of(f"TRY({{'value': {text}}})")
    except duckdb.Error:
        return Expression(f"({text})", sql_type, reads, fails_by_row=False)
    return Expression(f"({text})", sql_type, reads, signed=None if signed is None else f"({_sql(con, signed)})")


def _bound(con: Connection, tree: _Tree, columns: Mapping[str, str], type_of: Callable[[str], str]) -> tuple[str, str]:
    """The expression with `as_number(…)` around as few text columns as make it work, and its type."""
    text = _sql(con, tree)
    try:
        return text, type_of(f"({text})")
    except duckdb.BinderException as as_text:
        found = dict.fromkeys(_text_columns(tree, columns))
        chosen = (some for size in range(1, len(found) + 1) for some in combinations(found, size))
        for some in islice(chosen, _MOST_TRIALS):
            text = _sql(con, _on_numbers(con, tree, frozenset(some)))
            try:
                return text, type_of(f"({text})")
            except duckdb.Error:
                continue
        raise as_text from None


def _tree(con: Connection, expression: str) -> _Tree:
    """DuckDB's own parse of an expression."""
    return parsed(con, f"SELECT {expression}")


def _sql(con: Connection, tree: _Tree) -> str:
    """A parsed expression, or a part of one, as text again."""
    if "statements" not in tree:
        whole = _tree(con, "cell")
        whole["statements"][0]["node"]["select_list"] = [tree]
        tree = whole
    text = con.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchall()[0][0]
    return str(text).removeprefix("SELECT ").rstrip(";")


def _changed(node: Any, change: Callable[[_Tree], Any]) -> Any:  # noqa: ANN401 - a JSON tree
    """A copy of a tree in which `change` has its say about each object from the top; None from it means no change."""
    if isinstance(node, list):
        return [_changed(child, change) for child in node]
    if not isinstance(node, dict):
        return node
    changed = change(node)
    return {key: _changed(value, change) for key, value in node.items()} if changed is None else changed


def _is_column(node: _Tree) -> bool:
    return node.get("class") == "COLUMN_REF"


def _type(node: _Tree, columns: Mapping[str, str]) -> str | None:
    """The type of a source column; the source's own spelling of its name does not matter."""
    name = str(node["column_names"][-1]).lower()
    return next((sql_type for column, sql_type in columns.items() if column.lower() == name), None)


def _calls(node: Any) -> Iterator[tuple[str, _Tree]]:  # noqa: ANN401 - a JSON tree
    """The calls of `as_number` and `as_date` and their arguments; not those inside a lambda, which have no columns."""
    if isinstance(node, dict) and node.get("class") == "LAMBDA":
        return
    if isinstance(node, dict) and node.get("function_name") in _KINDS and len(node["children"]) == 1:
        yield node["function_name"], node["children"][0]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _calls(child)


def _text_columns(tree: Any, columns: Mapping[str, str]) -> Iterator[str]:  # noqa: ANN401 - a JSON tree
    """The text columns that are not read as something else already."""
    if isinstance(tree, dict) and tree.get("function_name") in (*_KINDS, *_LENIENT):
        return
    if isinstance(tree, dict) and _is_column(tree) and _type(tree, columns) == "VARCHAR":
        yield tree["column_names"][-1]
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _text_columns(child, columns)


def _on_numbers(con: Connection, tree: _Tree, names: frozenset[str]) -> _Tree:
    call = _tree(con, "as_number(cell)")["statements"][0]["node"]["select_list"][0]

    def change(node: _Tree) -> Any:  # noqa: ANN401 - a JSON tree
        if node.get("function_name") in (*_KINDS, *_LENIENT):
            return node
        if _is_column(node) and node["column_names"][-1] in names:
            return call | {"children": [node]}
        return None

    return dict(_changed(tree, change))


def _on_types(con: Connection, tree: _Tree, columns: Mapping[str, str]) -> _Tree:
    """Without the calls on columns that have a type already, such as the dates of a workbook: those need no reading."""
    cast = _tree(con, "CAST(cell AS DATE)")["statements"][0]["node"]["select_list"][0]

    def change(node: _Tree) -> Any:  # noqa: ANN401 - a JSON tree
        name = str(node.get("function_name", "")).removeprefix("try_")
        if name not in _KINDS or len(node["children"]) != 1 or not _is_column(node["children"][0]):
            return None
        sql_type = _type(node["children"][0], columns) or "VARCHAR"
        if name == "as_date" and sql_type.startswith(("DATE", "TIMESTAMP")):
            return cast | {"child": node["children"][0]}
        if name == "as_number" and sql_type.partition("(")[0] in _NUMERIC:
            return dict(node["children"][0])
        return None

    return dict(_changed(tree, change))


_NUMERIC = frozenset(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "DECIMAL",
     "FLOAT", "DOUBLE")
)  # fmt: skip


def _without_abs(tree: _Tree) -> _Tree | None:
    """The expression with what `abs` is of in its place; None where it does not use it."""
    if not any(node.get("function_name") == "abs" for node in objects(tree)):
        return None

    def change(node: _Tree) -> Any:  # noqa: ANN401 - a JSON tree
        is_abs = node.get("function_name") == "abs" and len(node["children"]) == 1
        return _changed(node["children"][0], change) if is_abs else None

    return dict(_changed(tree, change))
