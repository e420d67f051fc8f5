"""What the text of a cell means: SQL that turns it into a number, date, truth value, currency or identifier."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from kam.site import Column, CsvDialect, Kind
from kam.warehouse import literal

# As literals: put together from chr(…), they double the time that DuckDB takes to plan a load, which small files are made of.
_NO_BREAK_SPACE = "'\u00a0'"
_BLANK_SIGNS = ("' '", r"E'\t'", r"E'\n'", r"E'\r'", _NO_BREAK_SPACE, "'\u202f'")
BLANKS = r"E' \t\n\r" + "\u00a0\u202f'"
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
# In place of a type: the source has no such column.
ABSENT = "ABSENT"


def cell_text(expression: str, dialect: CsvDialect) -> str:
    """The text of a cell without blanks around it; NULL when nothing is left or the site says it means nothing."""
    trimmed = f"nullif(trim({expression}, {BLANKS}), '')"
    if expression.startswith("source."):
        # trim() with a set of characters costs more than reading the file, and few cells need it.
        ends = " OR ".join(f"ends_with({expression}, {blank})" for blank in _BLANK_SIGNS)
        may_need_it = f"{expression} < '!' OR {expression} >= {_NO_BREAK_SPACE} OR {ends}"
        trimmed = f"CASE WHEN {may_need_it} THEN {trimmed} ELSE {expression} END"
    if not dialect.null_values:
        return trimmed
    empties = ", ".join(literal(text) for text in dialect.null_values)
    return f"CASE WHEN {trimmed} NOT IN ({empties}) THEN {trimmed} END"


def typed_value(column: Column, given: str, sql_type: str, dialect: CsvDialect) -> str:
    """What a cell means: NULL when it is not of the column's kind."""
    if sql_type == "VARCHAR":
        return meaning_of(column, given, dialect)
    if sql_type == ABSENT:
        return f"NULL::{column.sql_type}"
    if sql_type == "CONSTANT":
        return meaning_of(column, given, CsvDialect())
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
            return meaning_of(column, f"({text})", dialect.model_copy(update={"decimal": ".", "thousands": ""}))


def plain_meaning(column: Column, text: str, dialect: CsvDialect) -> str:
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
            return f"TRY_CAST({plain_number(text, dialect)} AS {column.sql_type})"
        case _:
            return meaning_of(column, text, dialect)


def meaning_of(column: Column, text: str, dialect: CsvDialect) -> str:  # noqa: PLR0911 - a case a kind
    """What a text means: NULL when it is not of the column's kind."""
    match column.kind:
        case Kind.CURRENCY:
            return (
                f"coalesce({plain_meaning(column, text, dialect)}, TRY_CAST(upper({text}) AS {_currencies()})::VARCHAR)"
            )
        case Kind.ENUM:
            values = _listed(column.values)
            return f"CASE WHEN {text} IN ({values}) THEN {text} WHEN lower({text}) IN ({values}) THEN lower({text}) END"
        case Kind.BOOLEAN:
            true, false = _listed(dialect.true_values or _TRUE), _listed(dialect.false_values or _FALSE)
            return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"
        case Kind.DATE:
            return date_value(text, dialect)
        case Kind.MONTH:
            return f"date_trunc('month', coalesce({date_value(text, dialect)}, try_strptime({text}, '%Y-%m')))::DATE"
        case Kind.TIMESTAMP:
            return f"coalesce(TRY_CAST({text} AS TIMESTAMP), {_timestamp(text, dialect)})"
        case Kind.INTEGER:
            # Eight decimals, so that 2.99999 is not taken for 3.
            number = _number(text, dialect, "DECIMAL(18, 8)", takes_percent=False)
            # A list of one, so that the number is worked out, and planned, once.
            whole = f"list_transform([{number}], lambda number: CASE WHEN number = trunc(number) THEN TRY_CAST(number AS INTEGER) END)[1]"
            return f"coalesce({plain_meaning(column, text, dialect)}, CASE WHEN {text} IS NOT NULL THEN {whole} END)"
        case Kind.MONEY | Kind.QUANTITY | Kind.RATE | Kind.NUMBER:
            return _number(text, dialect, column.sql_type, takes_percent=column.maximum == 1)
        case _:
            return f"{text}::VARCHAR"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(literal(word.lower()) for word in words)


def _number(text: str, dialect: CsvDialect, sql_type: str, *, takes_percent: bool) -> str:
    """A text as a number. A percent sign counts where 1 is the whole; elsewhere it would be a guess what it is of."""
    dressed = f"CASE WHEN {text} IS NOT NULL THEN dressed_number({text}, {str(takes_percent).lower()}) END"
    return f"coalesce(TRY_CAST({plain_number(text, dialect)} AS {sql_type}), TRY_CAST({dressed} AS {sql_type}))"


def plain_number(text: str, dialect: CsvDialect) -> str:
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


def dressed_number(dialect: CsvDialect) -> str:
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


def date_value(text: str, dialect: CsvDialect) -> str:
    """SQL for the date that a text means, NULL where it means none."""
    # By way of a timestamp: DuckDB takes 2026-01-05junk for a date.
    return f"{_timestamp(text, dialect)}::DATE" if dialect.date_formats else f"TRY_CAST({text} AS TIMESTAMP)::DATE"


def _timestamp(text: str, dialect: CsvDialect) -> str:
    """A text in one of the declared formats; NULL when none is declared."""
    parsed = [_strptime(text, name) for name in strptime_formats(dialect)]
    if "excel" in dialect.date_formats:
        serial = rf"\d{{1,6}}({_exactly(dialect.decimal)}\d*)?"
        days = f"TRY_CAST(replace({text}, {literal(dialect.decimal)}, '.') AS DECIMAL(18, 8))"
        seconds = f"round({days} * 86400)::BIGINT"
        parsed.append(
            f"CASE WHEN regexp_full_match({text}, {literal(serial)}) "
            f"THEN TIMESTAMP '{_EXCEL_DAY_ZERO}' + to_seconds({seconds}) END"
        )
    return f"coalesce({', '.join((*parsed, 'NULL::TIMESTAMP'))})"


def strptime_formats(dialect: CsvDialect) -> list[str]:
    """The declared formats that strptime knows."""
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
