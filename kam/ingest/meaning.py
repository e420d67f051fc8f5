"""What the text of a cell means: SQL that turns it into a number, date, truth value, currency or identifier."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache

from kam.site import EARLIEST_DATE, LATEST_DATE, Column, CsvDialect, Kind, month_names
from kam.warehouse import literal

# As literals: put together from chr(…), they double the time that DuckDB takes to plan a load, which small files are made of.
_NO_BREAK_SPACE = "'\u00a0'"
_BLANK_SIGNS = ("' '", r"E'\t'", r"E'\n'", r"E'\r'", _NO_BREAK_SPACE, "'\u202f'")
BLANKS = r"E' \t\n\r" + "\u00a0\u202f'"
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
# The characters that programs and people write as a blank or an apostrophe between groups of three digits.
_SPELLINGS: Mapping[str, str] = {" ": r"[ \x{a0}\x{202f}\x{2009}\x{2007}]", "'": r"['\x{2019}]"}
_EXCEL_DAY_ZERO = "1899-12-30"
# The signs that programs and people write for a minus: the minus itself, dashes, and the hyphens of other widths.
_MINUS_SIGNS = "\u2212\u2013\u2012\u2010\u2011\ufe63\uff0d"
# What a time of day with an offset from UTC ends with: `22:00Z`, `22:00:00.000Z`, `22:00:00+02:00`, `22:00:00 UTC`.
_OFFSET = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)? ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?)$"
# DuckDB takes no offset behind a time without seconds.
_NO_SECONDS = r"^(.{10}[ T]\d\d:\d\d) ?(Z|UTC|[+-]\d\d(?::?\d\d)?)$"
_LONGEST_ISO_DATE = 10
_WIDEST_FAST_DECIMAL = 18
# A time of day behind a literal offset in a format: `%H:%M:%SZ`.
_LITERAL_OFFSET = re.compile(r"(?<!%)(?:Z|UTC|GMT|([+-])(\d\d):?(\d\d))$")
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
NUMBERS = (*_WHOLE_NUMBERS, *_WITH_FRACTIONS)
EXACT_WHOLE_NUMBERS: Mapping[str, int] = {"FLOAT": 2**24, "DOUBLE": 2**53}
_ENGLISH_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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
        case Kind.DATE | Kind.MONTH | Kind.TIMESTAMP if type_name == "TIMESTAMP WITH TIME ZONE":
            return f"TRY_CAST(site_time({given}) AS {column.sql_type})"
        case Kind.DATE | Kind.MONTH | Kind.TIMESTAMP if type_name.startswith(("DATE", "TIMESTAMP")):
            return f"TRY_CAST({given} AS {column.sql_type})"
        case Kind.BOOLEAN if type_name == "BOOLEAN":
            return given
        case Kind.MONEY | Kind.PRICE | Kind.QUANTITY | Kind.RATE | Kind.NUMBER if type_name in (
            *_WHOLE_NUMBERS,
            "DECIMAL",
        ):
            return f"TRY_CAST({given} AS {column.sql_type})"
        # By way of its text: 2.00025 as a double is 2.00024999…, and would round the wrong way.
        case Kind.MONEY | Kind.PRICE | Kind.QUANTITY | Kind.RATE | Kind.NUMBER if type_name in _WITH_FRACTIONS:
            return f"TRY_CAST({given}::VARCHAR AS {column.sql_type})"
        case Kind.INTEGER if type_name in NUMBERS:
            return f"CASE WHEN {given} = trunc({given}) THEN TRY_CAST({given} AS INTEGER) END"
        case _:
            text = f"{given}::VARCHAR"
            if type_name in _WITH_FRACTIONS:
                # Above that not every whole number has a value of its own: an identifier may have lost its last digits.
                exact = EXACT_WHOLE_NUMBERS.get(type_name, 10**18)
                is_whole = f"{given} = trunc({given})"
                text = (
                    f"CASE WHEN {is_whole} AND abs({given}) < {exact} THEN {given}::DECIMAL(38, 0)::VARCHAR "
                    f"WHEN {is_whole} THEN format('{{:e}}', {given}::DOUBLE) ELSE {text} END"
                )
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
        case Kind.MONEY | Kind.PRICE | Kind.QUANTITY | Kind.RATE | Kind.NUMBER:
            return decimal_value(plain_number(text, dialect), column.sql_type)
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
            return f"coalesce({date_value(text, dialect)}, try_strptime({text}, '%Y-%m')::DATE)"
        case Kind.TIMESTAMP:
            return f"coalesce(site_timestamp({text}), {_timestamp(text, dialect)})"
        case Kind.INTEGER:
            # Eight decimals, so that 2.99999 is not taken for 3.
            number = _number(text, dialect, "DECIMAL(18, 8)")
            # A list of one, so that the number is worked out, and planned, once.
            whole = f"list_transform([{number}], lambda number: CASE WHEN number = trunc(number) THEN TRY_CAST(number AS INTEGER) END)[1]"
            return f"coalesce({plain_meaning(column, text, dialect)}, CASE WHEN {text} IS NOT NULL THEN {whole} END)"
        case Kind.MONEY | Kind.PRICE | Kind.QUANTITY | Kind.RATE | Kind.NUMBER:
            return _number(text, dialect, column.sql_type, column.whole)
        case _:
            return f"{text}::VARCHAR"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(literal(word.lower()) for word in words)


def _number(text: str, dialect: CsvDialect, sql_type: str, whole: Decimal | None = None) -> str:
    """A text as a number. A percent sign counts where the contract says what the whole is; elsewhere it would be a guess."""
    dressed = f"CASE WHEN {text} IS NOT NULL THEN dressed_number({text}, {one_percent(whole)}) END"
    return f"coalesce({decimal_value(plain_number(text, dialect), sql_type)}, TRY_CAST({dressed} AS {sql_type}))"


def one_percent(whole: Decimal | None) -> str:
    """What 1 % is as SQL; NULL where no whole is known."""
    return "NULL::DECIMAL(6, 2)" if whole is None else f"{whole / 100:f}::DECIMAL(6, 2)"


def decimal_value(text: str, sql_type: str) -> str:
    """A text of digits as a decimal; NULL when it is none or too large."""
    found = re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", sql_type)
    if found is None or int(found[1]) <= _WIDEST_FAST_DECIMAL:
        return f"TRY_CAST({text} AS {sql_type})"
    # DuckDB reads a text into a wide decimal a hundred times slower than into a narrow one.
    narrow = f"TRY_CAST({text} AS DECIMAL({_WIDEST_FAST_DECIMAL}, {found[2]}))::{sql_type}"
    return f"coalesce({narrow}, TRY_CAST({text} AS {sql_type}))"


def plain_number(text: str, dialect: CsvDialect) -> str:
    """A text of digits, sign and separators as DuckDB writes numbers; NULL where a separator is in a wrong place.

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
    return _SPELLINGS.get(dialect.thousands, exactly(dialect.thousands))


def exactly(text: str) -> str:
    """A text inside a regular expression of DuckDB."""
    return "".join(sign if sign.isalnum() else f"\\x{{{ord(sign):x}}}" for sign in text)


def _digits(dialect: CsvDialect) -> str:
    """A number without a sign, in which a thousands separator has three digits behind it."""
    point = exactly(dialect.decimal)
    grouped = rf"\d{{1,3}}(?:{_thousands(dialect)}\d{{3}})+|" if dialect.thousands else ""
    return rf"(?:(?:{grouped}\d+)(?:{point}\d*)?|{point}\d+)"


def dressed_number(dialect: CsvDialect) -> str:
    """The macro for `(1.50)`, `1.50-`, `- 1.50`, `1.-`, `12 %`, and amounts beside a declared sign or mark; else NULL."""
    money = "|".join(exactly(sign) for sign in dialect.currency_signs)
    money = f" ?(?:{money})? ?" if money else " ?"
    marks = "|".join(exactly(mark) for mark in (*dialect.negative_marks, *dialect.positive_marks))
    front, back = (rf"(?P<{name}>(?i:{marks}))? ?" if marks else "" for name in ("front", "back"))
    point = exactly(dialect.decimal)
    groups = rf"\d{{1,3}}(?:{_thousands(dialect)}\d{{3}})+|" if dialect.thousands else ""
    pattern = (
        rf"^'?{front}(?P<a>[+-]|\()?{money}(?P<b>[+-]|\()? ?"
        # A dash in the place of the cents: 1.250,- is 1,250. Tried first, or the dash would be a minus.
        rf"(?:(?P<whole>{groups}\d+){point}--?|(?P<digits>{_digits(dialect)}))"
        rf" ?(?P<percent>%)? ?(?P<c>[+-]|\))?{money}(?P<d>[+-]|\))?{' ?' if marks else ''}{back}$"
    )
    names = ["a", "b", "whole", "digits", "percent", "c", "d"]
    if marks:
        # They name the groups by their places.
        names = ["front", *names, "back"]
    cell = (
        f"translate(replace(cell, {_NO_BREAK_SPACE}, ' '), {literal(_MINUS_SIGNS)}, {literal('-' * len(_MINUS_SIGNS))})"
    )
    found = f"regexp_extract({cell}, {literal(pattern)}, {names})"
    digits = _bare("(part.whole || part.digits)", dialect)
    size = (
        f"CASE WHEN part.percent = '' THEN TRY_CAST({digits} AS DECIMAL(38, 18)) "
        f"ELSE TRY_CAST(TRY_CAST({digits} AS DECIMAL(18, 6)) * percent AS DECIMAL(38, 18)) END"
    )
    signs = "part.a || part.b || part.c || part.d"
    if marks:
        negative = _listed(dialect.negative_marks)
        mark = f"CASE WHEN lower(part.front || part.back) IN ({negative}) THEN '-' ELSE '' END" if negative else "''"
        signs = f"{signs} || {mark}"
    return (
        f"list_transform([{found}], lambda part: CASE WHEN part.whole || part.digits <> '' THEN "
        f"CASE WHEN {signs} IN ('', '+') THEN {size} "
        f"WHEN {signs} IN ('-', '()') THEN -({size}) END END)[1]"
    )


def date_value(text: str, dialect: CsvDialect) -> str:
    """SQL for the date that a text means, NULL where it means none."""
    if dialect.date_formats:
        return f"{_timestamp(text, dialect)}::DATE"
    # By way of a timestamp: DuckDB takes 2026-01-05junk for a date. Most cells have no time, and need no closer look.
    plain = f"strlen({text}) <= {_LONGEST_ISO_DATE}"
    return f"CASE WHEN {plain} THEN TRY_CAST({text} AS TIMESTAMP) ELSE site_timestamp({text}) END::DATE"


def time_macros(dialect: CsvDialect, timezone: str) -> Mapping[str, str]:
    """Macros by which a reading takes times: of an instant, of a text in ISO 8601, with 24:00, with names of months."""
    in_utc = f"regexp_replace(day_end(cell), {literal(_NO_SECONDS)}, '\\1:00\\2')"
    macros = {
        "site_time(instant)": f"timezone({literal(timezone)}, instant)",
        # 24:00 is the end of the day that is written, not the start of the next one.
        "day_end(cell)": (
            "CASE WHEN contains(cell, '24:00') "
            r"THEN regexp_replace(cell, '(^|[^:\d])24:00(:00(\.0+)?)?', '\1' || CASE WHEN contains(cell, '24:00:00') "
            "THEN '23:59:59' ELSE '23:59' END) ELSE cell END"
        ),
        "site_timestamp(cell)": (
            f"CASE WHEN regexp_matches(cell, {literal(_OFFSET)}) "
            f"THEN site_time(TRY_CAST({in_utc} AS TIMESTAMPTZ)) ELSE TRY_CAST(day_end(cell) AS TIMESTAMP) END"
        ),
    }
    if dialect.month_names:
        macros["english_month(cell)"] = _english_month(dialect.month_names)
    return macros


def _english_month(language: str) -> str:
    """The macro that puts the English short name in the place of a month's name in a language."""
    names = month_names(language)
    numbers = ", ".join(f"{literal(name)}: {literal(_ENGLISH_MONTHS[number])}" for name, number in names.items())
    # A point behind the name belongs to it only where the language writes it so: févr., but 3.März.2026.
    word = r"regexp_extract(cell, '\p{L}[\p{L}\p{M}]*\.?')"
    return (
        f"list_transform([{word}], lambda word: CASE WHEN word = '' THEN cell "
        f"ELSE replace(cell, CASE WHEN MAP {{{numbers}}}[lower(word)] IS NULL THEN rtrim(word, '.') ELSE word END, "
        f"coalesce(MAP {{{numbers}}}[lower(word)], MAP {{{numbers}}}[lower(rtrim(word, '.'))], word)) END)[1]"
    )


def _timestamp(text: str, dialect: CsvDialect) -> str:
    """A text in one of the declared formats, the first by which it is a possible date; NULL when none is declared."""
    parsed = [_strptime(text, name, dialect) for name in strptime_formats(dialect)]
    if "excel" in dialect.date_formats:
        serial = rf"\d{{1,6}}({exactly(dialect.decimal)}\d*)?"
        days = f"TRY_CAST(replace({text}, {literal(dialect.decimal)}, '.') AS DECIMAL(18, 8))"
        seconds = f"round({days} * 86400)::BIGINT"
        parsed.append(
            f"CASE WHEN regexp_full_match({text}, {literal(serial)}) "
            f"THEN TIMESTAMP '{_EXCEL_DAY_ZERO}' + to_seconds({seconds}) END"
        )
    if len(parsed) > 1:
        # %Y reads 20-May-13 as the year 13: another format may read it right.
        possible = "lambda day: CASE WHEN day BETWEEN DATE '{}' AND DATE '{}' THEN day END"
        in_range = possible.format(EARLIEST_DATE, LATEST_DATE)
        parsed = [*(f"list_transform([{one}], {in_range})[1]" for one in parsed), *parsed]
    return f"coalesce({', '.join((*parsed, 'NULL::TIMESTAMP'))})"


def strptime_formats(dialect: CsvDialect) -> list[str]:
    """The declared formats that strptime knows."""
    return [name for name in dialect.date_formats if name != "excel"]


def _strptime(text: str, name: str, dialect: CsvDialect) -> str:
    """`try_strptime` as local time of the site, which takes 24:00 and names of months in the declared language."""
    read = text
    if "%H" in name:
        read = f"day_end({read})"
    if dialect.month_names and ("%b" in name or "%B" in name):
        read, name = f"english_month({read})", name.replace("%B", "%b")
    offset = _LITERAL_OFFSET.search(name)
    if "%z" in name or "%Z" in name:
        # It takes +00:00 for %z, and not the Z that stands for it.
        read = f"regexp_replace({read}, 'Z$', '+00:00')" if "%z" in name else read
        parsed = f"site_time(try_strptime({read}, {literal(name)}))"
    elif offset and "%H" in name:
        minutes = int(f"{offset[1]}1") * (int(offset[2]) * 60 + int(offset[3])) if offset[1] else 0
        parsed = f"site_time(timezone('UTC', try_strptime({read}, {literal(name)}) - to_minutes({minutes})))"
    else:
        parsed = f"try_strptime({read}, {literal(name)})"
    # try_strptime reads 1122026 in %d%m%Y somehow: without separators, all digits must be there.
    if re.fullmatch(r"(%[a-zA-Z])+", name) and not {"%b", "%B"} & set(re.findall("%.", name)):
        return f"CASE WHEN length({text}) = {sum(4 if part == 'Y' else 2 for part in name[1::2])} THEN {parsed} END"
    return parsed


@cache
def _currencies() -> str:
    """A type of every code ISO 4217 has had: an old invoice may well be in a currency that is gone."""
    from babel import Locale

    return f"ENUM ({', '.join(literal(code) for code in sorted(Locale('en').currencies))})"
