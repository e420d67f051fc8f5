"""From a feed's contract and a site's mapping to SQL: typed columns, and what makes a row a reject.

The text of a source becomes a value only in the format that the site declares; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from kam.contracts import EARLIEST_DATE, LATEST_DATE, Column, Feed, Kind, RowRule
from kam.errors import SettingsError
from kam.settings import ComputedColumn, ConstantColumn, CsvDialect, FeedSource
from kam.sources import Extract, column_sql, missing_column
from kam.textfiles import Relation, name_beside
from kam.warehouse import Connection, literal

# As literals: put together from chr(…), they double the time that DuckDB takes to plan a load, which small files are made of.
_NO_BREAK_SPACE = "'\u00a0'"
_BLANK_SIGNS = ("' '", r"E'\t'", r"E'\n'", r"E'\r'", _NO_BREAK_SPACE, "'\u202f'")
_BLANKS = r"E' \t\n\r" + "\u00a0\u202f'"
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
# What stands for a blank or an apostrophe between groups of three digits, as programs and people write it.
_SPELLINGS: Mapping[str, str] = {" ": r"[ \x{a0}\x{202f}\x{2009}\x{2007}]", "'": r"['\x{2019}]"}
_EXCEL_DAY_ZERO = "1899-12-30"
_WHOLE_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_WITH_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_SHORTENED_ID = r"\d([.,]\d+)?E\+\d+"
# In place of a type: the source has no such column.
_ABSENT = "ABSENT"
ROW_NUMBER = "source_row"


@dataclass(frozen=True)
class Fault:
    """One way in which a row can be wrong: `condition` is true for such a row.

    With `if_null` that can only be where the column's typed value is NULL.
    """

    column: str
    rule: str
    condition: str
    message: str
    if_null: bool = False

    @property
    def struct(self) -> str:
        """The fault of a row as a reject shows it; NULL where the row has none."""
        return (
            f"CASE WHEN coalesce({self.condition}, false) THEN {{'column_name': {literal(self.column)}, 'rule': "
            f"{literal(self.rule)}, 'value': given_{self.column}::VARCHAR, 'message': {literal(self.message)}}} END"
        )


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


def reading(con: Connection, feed: Feed, source: FeedSource, extract: Extract, relation: Relation) -> Reading:
    """How to read an extract. Declares the macros that the reading and the mapping's expressions, if any, call.

    Raises `SourceRefusedError` for a column that the source lacks, `SettingsError` for an expression or a date format
    that does not work.
    """
    _require_date_formats(con, source.csv, extract)
    con.execute(f"CREATE OR REPLACE TEMP MACRO dressed_number(cell, takes_percent) AS {_dressed_number(source.csv)}")
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
            text = _cell(given_name, source.csv)
        elif sql_type == "VARCHAR":
            expression = _cell(expression, source.csv)
        given[column.name] = expression
        texts[column.name] = text
        if text == given_name:
            value = _value(column, given_name, sql_type, source.csv)
        else:
            at_first_sight = _plain_meaning(column, given_name, source.csv)
            looked_at = f"CASE WHEN {given_name} IS NOT NULL THEN {_meaning(column, text, source.csv)} END"
            value = f"coalesce({at_first_sight}, {looked_at})"
        if column.default is not None:
            default = f"{literal(column.default)}::{column.sql_type}"
            value = f"CASE WHEN {given_name} IS NULL THEN {default} ELSE {value} END"
            if text != given_name:
                # Guarded by a CASE of its own, or DuckDB would work out the common part, the trimmed text, for every row.
                blank = f"CASE WHEN {given_name} IS NOT NULL THEN CASE WHEN {text} IS NULL THEN {default} END END"
                value = f"coalesce({value}, {blank})"
        values[column.name] = value
        not_numbers = [f"given_{column.name}_of_{number}" for number in range(len(numbers))]
        faults += _faults(column, text, unless=not_numbers) if sql_type != _ABSENT else []
        if column.kind is Kind.ID and sql_type == "VARCHAR":
            faults.append(_shortened(column))
        given |= {f"{column.name}_of_{number}": sql for number, sql in enumerate(numbers)}
        faults += [
            Fault(column.name, "type", condition, f"a column in the expression for {column.name} is not a number")
            for condition in not_numbers
        ]
    faults += [_too_little(rule, texts) for rule in feed.row_rules]
    if relation.record_faults:
        named = relation.record_faults
        given |= {
            "record_rule": column_sql(named.rule),
            "record_text": column_sql(named.text),
            "record_message": column_sql(named.message),
        }
    return Reading(feed, relation, given, values, tuple(faults))


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
            return "NULL::VARCHAR", _ABSENT, []
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
    for name in _strptime_formats(dialect):
        try:
            con.execute(f"SELECT try_strptime('', {literal(name)})")
        except duckdb.Error as error:
            message = f"kam.toml: feeds.{extract.feed}.csv.date_format: {name!r}: {str(error).splitlines()[0]}"
            raise SettingsError(message) from None


def _declare_macros(con: Connection, dialect: CsvDialect) -> None:
    """`as_number` and `as_date`, by which a mapping's expression reads a cell in the site's format."""
    con.execute(f"CREATE OR REPLACE TEMP MACRO plain_number(cell) AS {_plain_number('cell', dialect)}")
    con.execute(
        "CREATE OR REPLACE TEMP MACRO as_number(cell) AS "
        f"coalesce(TRY_CAST(plain_number(trim(cell, {_BLANKS})) AS DECIMAL(18, 6)), "
        f"TRY_CAST(dressed_number(trim(cell, {_BLANKS}), true) AS DECIMAL(18, 6)))"
    )
    con.execute(f"CREATE OR REPLACE TEMP MACRO as_date(cell) AS {_date('cell', dialect)}")


def _cell(expression: str, dialect: CsvDialect) -> str:
    """The text of a cell without blanks around it; NULL when nothing is left or the site says it means nothing."""
    trimmed = f"nullif(trim({expression}, {_BLANKS}), '')"
    if expression.startswith("source."):
        # trim() with a set of characters costs more than reading the file, and few cells need it.
        ends = " OR ".join(f"ends_with({expression}, {blank})" for blank in _BLANK_SIGNS)
        may_need_it = f"{expression} < '!' OR {expression} >= {_NO_BREAK_SPACE} OR {ends}"
        trimmed = f"CASE WHEN {may_need_it} THEN {trimmed} ELSE {expression} END"
    if not dialect.null_values:
        return trimmed
    empties = ", ".join(literal(text) for text in dialect.null_values)
    return f"CASE WHEN {trimmed} NOT IN ({empties}) THEN {trimmed} END"


def _value(column: Column, given: str, sql_type: str, dialect: CsvDialect) -> str:
    """What a cell means: NULL when it is not of the column's kind."""
    if sql_type == "VARCHAR":
        return _meaning(column, given, dialect)
    if sql_type == _ABSENT:
        return f"NULL::{column.sql_type}"
    if sql_type == "CONSTANT":
        return _meaning(column, given, CsvDialect())
    return _typed_meaning(column, given, sql_type, dialect)


def _typed_meaning(  # noqa: PLR0911 - a case a kind
    column: Column, given: str, sql_type: str, dialect: CsvDialect
) -> str:
    """The value of a cell that has a type already: that of its text, which is written with a decimal point."""
    type_name = sql_type.partition("(")[0]
    match column.kind:
        case Kind.DATE | Kind.TIMESTAMP if type_name.startswith(("DATE", "TIMESTAMP")):
            return f"TRY_CAST({given} AS {column.sql_type})"
        case Kind.MONTH if type_name.startswith(("DATE", "TIMESTAMP")):
            return f"date_trunc('month', TRY_CAST({given} AS DATE))::DATE"
        case Kind.BOOLEAN if type_name == "BOOLEAN":
            return given
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER if type_name in (*_WHOLE_NUMBERS, "DECIMAL"):
            return f"TRY_CAST({given} AS {column.sql_type})"
        # By way of its text: 2.00025 as a double is 2.00024999…, and would round the wrong way.
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER if type_name in _WITH_FRACTIONS:
            return f"TRY_CAST({given}::VARCHAR AS {column.sql_type})"
        case Kind.INTEGER if type_name in (*_WHOLE_NUMBERS, *_WITH_FRACTIONS):
            return f"CASE WHEN {given} = trunc({given}) THEN TRY_CAST({given} AS INTEGER) END"
        case _:
            text = f"{given}::VARCHAR"
            if type_name in _WITH_FRACTIONS:
                whole = f"{given} = trunc({given}) AND abs({given}) < 1e18"
                text = f"CASE WHEN {whole} THEN {given}::DECIMAL(38, 0)::VARCHAR ELSE {text} END"
            return _meaning(column, f"({text})", dialect.model_copy(update={"decimal": ".", "thousands": ""}))


def _plain_meaning(column: Column, text: str, dialect: CsvDialect) -> str:
    """What a text means as most cells are written, in few operations; NULL for others, meaningful or not."""
    match column.kind:
        case Kind.CURRENCY:
            # An enumeration is looked up by hash: 300 comparisons a row would cost as much as reading the file.
            return f"TRY_CAST({text} AS {_currencies()})::VARCHAR"
        case Kind.ENUM:
            return f"CASE WHEN {text} IN ({_listed(column.values)}) THEN {text} END"
        case Kind.INTEGER:
            marks = " OR ".join(f"contains({text}, {literal(mark)})" for mark in (".", "e", "E", "_"))
            return f"CASE WHEN NOT ({marks}) THEN TRY_CAST({text} AS INTEGER) END"
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER:
            return f"TRY_CAST({_plain_number(text, dialect)} AS {column.sql_type})"
        case _:
            return _meaning(column, text, dialect)


def _meaning(column: Column, text: str, dialect: CsvDialect) -> str:  # noqa: PLR0911 - a case a kind
    """What a text means: NULL when it is not of the column's kind."""
    match column.kind:
        case Kind.CURRENCY:
            return f"coalesce({_plain_meaning(column, text, dialect)}, TRY_CAST(upper({text}) AS {_currencies()})::VARCHAR)"
        case Kind.ENUM:
            values = _listed(column.values)
            return f"CASE WHEN {text} IN ({values}) THEN {text} WHEN lower({text}) IN ({values}) THEN lower({text}) END"
        case Kind.BOOLEAN:
            true, false = _listed(dialect.true_values or _TRUE), _listed(dialect.false_values or _FALSE)
            return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"
        case Kind.DATE:
            return _date(text, dialect)
        case Kind.MONTH:
            return f"date_trunc('month', coalesce({_date(text, dialect)}, try_strptime({text}, '%Y-%m')))::DATE"
        case Kind.TIMESTAMP:
            return f"coalesce(TRY_CAST({text} AS TIMESTAMP), {_timestamp(text, dialect)})"
        case Kind.INTEGER:
            # Eight decimals, so that 2.99999 is not taken for 3.
            number = _number(text, dialect, "DECIMAL(18, 8)", takes_percent=False)
            # A list of one, so that the number is worked out, and planned, once.
            whole = f"list_transform([{number}], lambda number: CASE WHEN number = trunc(number) THEN TRY_CAST(number AS INTEGER) END)[1]"
            return f"coalesce({_plain_meaning(column, text, dialect)}, CASE WHEN {text} IS NOT NULL THEN {whole} END)"
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER:
            return _number(text, dialect, column.sql_type, takes_percent=column.maximum == 1)
        case _:
            return f"{text}::VARCHAR"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(literal(word.lower()) for word in words)


def _number(text: str, dialect: CsvDialect, sql_type: str, *, takes_percent: bool) -> str:
    """A text as a number. A percent sign counts where 1 is the whole; elsewhere it would be a guess what it is of."""
    dressed = f"CASE WHEN {text} IS NOT NULL THEN dressed_number({text}, {str(takes_percent).lower()}) END"
    return f"coalesce(TRY_CAST({_plain_number(text, dialect)} AS {sql_type}), TRY_CAST({dressed} AS {sql_type}))"


def _plain_number(text: str, dialect: CsvDialect) -> str:
    """A text of digits, sign and separators as DuckDB writes numbers; NULL where a separator stands where none can.

    Without this, DuckDB would also take 1e5 and 1_000.
    """
    if dialect.thousands:
        pattern = literal("[+-]?" + _digits(dialect))
        return f"CASE WHEN regexp_full_match({text}, {pattern}) THEN {_bare(text, dialect)} END"
    unusual = [f"contains({text}, {literal(mark)})" for mark in ("e", "E", "_")]
    if dialect.decimal != ".":
        unusual.append(f"contains({text}, '.')")
    return f"CASE WHEN NOT ({' OR '.join(unusual)}) THEN {_bare(text, dialect)} END"


def _bare(text: str, dialect: CsvDialect) -> str:
    """The text without thousands separators and with a decimal point."""
    if dialect.thousands:
        text = f"regexp_replace({text}, {literal(_thousands(dialect))}, '', 'g')"
    return text if dialect.decimal == "." else f"replace({text}, {literal(dialect.decimal)}, '.')"


def _thousands(dialect: CsvDialect) -> str:
    return _SPELLINGS.get(dialect.thousands, _exactly(dialect.thousands))


def _exactly(text: str) -> str:
    """A text inside a regular expression of DuckDB."""
    return "".join(sign if sign.isalnum() else f"\\x{{{ord(sign):x}}}" for sign in text)


def _digits(dialect: CsvDialect) -> str:
    """A number without a sign, in which a thousands separator has three digits behind it."""
    point = _exactly(dialect.decimal)
    grouped = rf"\d{{1,3}}(?:{_thousands(dialect)}\d{{3}})+|" if dialect.thousands else ""
    return rf"(?:(?:{grouped}\d+)(?:{point}\d*)?|{point}\d+)"


def _dressed_number(dialect: CsvDialect) -> str:
    """The macro for `(1.50)`, `1.50-`, `- 1.50`, `12 %`, and amounts beside a declared currency sign; else NULL."""
    money = "|".join(_exactly(sign) for sign in dialect.currency_signs)
    money = f" ?(?:{money})? ?" if money else " ?"
    pattern = (
        rf"^(?P<a>[+-]|\()?{money}(?P<b>[+-]|\()? ?(?P<digits>{_digits(dialect)})"
        rf" ?(?P<percent>%)? ?(?P<c>[+-]|\))?{money}(?P<d>[+-]|\))?$"
    )
    found = f"regexp_extract(replace(cell, {_NO_BREAK_SPACE}, ' '), {literal(pattern)}, ['a', 'b', 'digits', 'percent', 'c', 'd'])"
    digits = _bare("part.digits", dialect)
    size = (
        f"CASE WHEN part.percent = '' THEN TRY_CAST({digits} AS DECIMAL(38, 18)) "
        f"WHEN takes_percent THEN TRY_CAST(TRY_CAST({digits} AS DECIMAL(18, 6)) * 0.01 AS DECIMAL(38, 18)) END"
    )
    return (
        f"list_transform([{found}], lambda part: CASE WHEN part.digits <> '' THEN "
        f"CASE WHEN part.a || part.b || part.c || part.d IN ('', '+') THEN {size} "
        f"WHEN part.a || part.b || part.c || part.d IN ('-', '()') THEN -({size}) END END)[1]"
    )


def _date(text: str, dialect: CsvDialect) -> str:
    # By way of a timestamp: DuckDB takes 2026-01-05junk for a date.
    return f"{_timestamp(text, dialect)}::DATE" if dialect.date_formats else f"TRY_CAST({text} AS TIMESTAMP)::DATE"


def _timestamp(text: str, dialect: CsvDialect) -> str:
    """A text in one of the declared formats; NULL when none is declared."""
    parsed = [_strptime(text, name) for name in _strptime_formats(dialect)]
    if "excel" in dialect.date_formats:
        serial = rf"\d{{1,6}}({_exactly(dialect.decimal)}\d*)?"
        days = f"TRY_CAST(replace({text}, {literal(dialect.decimal)}, '.') AS DECIMAL(18, 8))"
        seconds = f"round({days} * 86400)::BIGINT"
        parsed.append(
            f"CASE WHEN regexp_full_match({text}, {literal(serial)}) "
            f"THEN TIMESTAMP '{_EXCEL_DAY_ZERO}' + to_seconds({seconds}) END"
        )
    return f"coalesce({', '.join((*parsed, 'NULL::TIMESTAMP'))})"


def _strptime_formats(dialect: CsvDialect) -> list[str]:
    return [name for name in dialect.date_formats if name != "excel"]


def _strptime(text: str, name: str) -> str:
    """`try_strptime`, which reads 1122026 in %d%m%Y somehow: without separators, all digits must be there."""
    parsed = f"try_strptime({text}, {literal(name)})"
    if re.fullmatch(r"(%[a-zA-Z])+", name):
        return f"CASE WHEN length({text}) = {sum(4 if part == 'Y' else 2 for part in name[1::2])} THEN {parsed} END"
    return parsed


@cache
def _currencies() -> str:
    """A type of every code ISO 4217 has had: an old invoice may well be in a currency that is gone."""
    from babel import Locale

    return f"ENUM ({', '.join(literal(code) for code in sorted(Locale('en').currencies))})"


def _faults(column: Column, text: str, *, unless: Sequence[str]) -> list[Fault]:
    """What can be wrong with a column; a required value is not missing where one of the conditions `unless` holds."""
    name = column.name
    faults = []
    # A CASE, because most cells have a value, and then their text need not be looked at.
    if column.required:
        missing = " AND ".join((f"{text} IS NULL", *(f"NOT {condition}" for condition in unless)))
        faults.append(
            Fault(name, "required", f"CASE WHEN {name} IS NULL THEN {missing} END", f"{name} is missing", if_null=True)
        )
    unreadable = f"CASE WHEN {name} IS NULL THEN {text} IS NOT NULL END"
    if column.kind is Kind.ENUM:
        message = f"{name} is none of {', '.join(column.values)}"
        faults.append(Fault(name, "enumeration", unreadable, message, if_null=True))
    elif column.kind is Kind.CURRENCY:
        faults.append(Fault(name, "currency", unreadable, f"{name} is not an ISO 4217 currency", if_null=True))
    elif column.kind not in (Kind.ID, Kind.TEXT):
        message = f"{name} is not {column.kind.in_words} in the declared format"
        faults.append(Fault(name, "type", unreadable, message, if_null=True))
    if column.kind in (Kind.DATE, Kind.MONTH, Kind.TIMESTAMP):
        outside = f"NOT {name} BETWEEN DATE '{EARLIEST_DATE}' AND DATE '{LATEST_DATE}'"
        faults.append(Fault(name, "date_range", outside, f"{name} lies outside {EARLIEST_DATE} to {LATEST_DATE}"))
    faults += _bounds(column)
    return faults


def _shortened(column: Column) -> Fault:
    """A long number that a spreadsheet has shortened: several identifiers have become the same text."""
    given = f"given_{column.name}"
    condition = f"CASE WHEN contains({given}, 'E+') THEN regexp_full_match({given}, {literal(_SHORTENED_ID)}) END"
    message = f"a spreadsheet has shortened {column.name}, its digits are lost; export the column as text"
    return Fault(column.name, "shortened", condition, message)


def _too_little(rule: RowRule, texts: Mapping[str, str]) -> Fault:
    groups = (" AND ".join(f"{texts[name]} IS NOT NULL" for name in group) for group in rule.any_of)
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
