"""What each type of Great Expectations' expectations means, as a SELECT of the rows that break it in a month.

As there, rows whose value is missing count neither way unless the expectation is about that, and `mostly` is the share of the other rows
that has to hold. Each month is judged by itself, so a backfill of many months finds what a close of one finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kam.warehouse import literal, quoted


@dataclass(frozen=True)
class Wanted:
    """What a file expects of a table. `has_months`: its rows belong to months; those of a master do not."""

    table: str
    kwargs: Mapping[str, Any]
    has_months: bool

    @property
    def column(self) -> str:
        """The name of the column."""
        return str(self.kwargs["column"])

    @property
    def months(self) -> str:
        """A SELECT of the months to judge."""
        return "SELECT period_month FROM build.periods" if self.has_months else "SELECT NULL::DATE AS period_month"


@dataclass(frozen=True)
class Made:
    """A rule: `finding` is a template of `expectations.findings`; `keys` are None for the key of the table and the columns concerned."""

    failing: str
    sentence: str
    finding: str
    keys: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Expected:
    """A type: the parameters that name columns, those it needs, those it takes at all, and how it becomes a rule."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    allowed: frozenset[str]
    make: Callable[[Wanted], Made]


def _rows(wanted: Wanted, bad: str, counted: str, holds: str, has: str, subject: str = "") -> Made:
    """A rule about single rows: `bad` and `counted` are conditions of a row, `holds` and `has` say in words what they mean."""
    mostly = wanted.kwargs.get("mostly")
    share = Decimal(1) if mostly is None else Decimal(_value(mostly))
    if not 0 <= share <= 1:
        message = f"mostly: expected a share between 0 and 1, not {mostly}"
        raise ValueError(message)
    few = "OVER (PARTITION BY period_month)"
    failing = f"""
WITH judged AS (SELECT *, {counted} AND coalesce({bad}, false) AS "is bad", {counted} AS "is counted" FROM batch),
weighed AS (
    SELECT *, count(*) FILTER ("is counted") {few} AS "all", count(*) FILTER ("is bad") {few} AS "bad ones" FROM judged
)
SELECT * EXCLUDE ("is bad", "is counted", "all", "bad ones")
FROM weighed
WHERE "is bad" AND "all" - "bad ones" < {share} * "all\""""
    lead = "Every" if share == 1 else f"At least {(share * 100).normalize():f} % of"
    return Made(
        failing,
        f"{lead} {subject or wanted.column} in {wanted.table} {holds}.",
        f"{{of}} <row> of {wanted.table} (has|have) {has}",
    )


def _not_null(wanted: Wanted) -> Made:
    return _rows(wanted, f"{quoted(wanted.column)} IS NULL", "true", "is given", f"no {wanted.column}")


def _null(wanted: Wanted) -> Made:
    return _rows(wanted, f"{quoted(wanted.column)} IS NOT NULL", "true", "is empty", f"a {wanted.column}")


def _of_values(bad: Callable[[str, Mapping[str, Any]], str], holds: str, has: str) -> Callable[[Wanted], Made]:
    """A rule about the values of a column that are given; `{}` in `has` is the column."""

    def make(wanted: Wanted) -> Made:
        column = quoted(wanted.column)
        return _rows(
            wanted, bad(column, wanted.kwargs), f"{column} IS NOT NULL", holds, has.replace("{}", wanted.column)
        )

    return make


def _unique(column: str, _: Mapping[str, Any]) -> str:
    return f"count(*) OVER (PARTITION BY period_month, {column}) > 1"


def _in_set(column: str, kwargs: Mapping[str, Any]) -> str:
    return f"{column} IN ({_set(kwargs)})"


def _set(kwargs: Mapping[str, Any]) -> str:
    values = kwargs["value_set"]
    if not isinstance(values, list) or not values:
        message = "value_set: expected a list of values"
        raise ValueError(message)
    return ", ".join(_value(value) for value in values)


def _outside(expression: str, kwargs: Mapping[str, Any]) -> str:
    """Whether it lies outside `min_value` to `max_value`, either of which may be left out."""
    parts = []
    for name, strict, beyond in (("min_value", "strict_min", "<"), ("max_value", "strict_max", ">")):
        if kwargs.get(name) is not None:
            parts.append(f"{expression} {beyond}{'=' if kwargs.get(strict) else ''} {_value(kwargs[name])}")
    if not parts:
        message = "min_value and max_value are missing; give one of them or both"
        raise ValueError(message)
    return f"({' OR '.join(parts)})"


def _value(value: object) -> str:
    """A value of a file as an SQL literal. Raises `ValueError` for lists and the like, and for numbers without end."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, str | date | datetime):
        return literal(str(value))
    message = f"expected a number, a text or a date, not {value!r}"
    raise ValueError(message)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        message = f"{name}: expected a text"
        raise TypeError(message)
    return literal(value)


def _pair(holds_if: str, words: str) -> Callable[[Wanted], Made]:
    def make(wanted: Wanted) -> Made:
        one, other = str(wanted.kwargs["column_A"]), str(wanted.kwargs["column_B"])
        a, b = quoted(one), quoted(other)
        sign = ">=" if holds_if == ">" and wanted.kwargs.get("or_equal") else holds_if
        counted = _counted(wanted, [a, b], {
            "both_values_are_missing": "OR", "either_value_is_missing": "AND", "neither": "",
        }, "both_values_are_missing")  # fmt: skip
        return _rows(
            wanted, f"NOT coalesce({a} {sign} {b}, false)", counted, f"is {words} {other}",
            f"a {one} that is not {words} {other}", one,
        )  # fmt: skip

    return make


def _counted(wanted: Wanted, columns: list[str], ways: Mapping[str, str], usual: str) -> str:
    """Which rows count, by `ignore_row_if`: those of which some (OR), all (AND) or none of the values has to be given."""
    way = wanted.kwargs.get("ignore_row_if", usual)
    if way not in ways:
        message = f"ignore_row_if: expected one of {', '.join(ways)}, not {way!r}"
        raise ValueError(message)
    return f"({f' {ways[way]} '.join(f'{column} IS NOT NULL' for column in columns)})" if ways[way] else "true"


_LISTED = {"all_values_are_missing": "OR", "any_value_is_missing": "AND", "never": ""}


def _listed(wanted: Wanted) -> list[str]:
    columns = wanted.kwargs["column_list"]
    if not isinstance(columns, list) or len(columns) < 2:  # noqa: PLR2004
        message = "column_list: expected two columns or more"
        raise ValueError(message)
    return [quoted(str(name)) for name in columns]


def _compound_unique(wanted: Wanted) -> Made:
    columns = _listed(wanted)
    counted = _counted(wanted, columns, _LISTED, "all_values_are_missing")
    names = " and ".join(wanted.kwargs["column_list"])
    bad = f"count(*) OVER (PARTITION BY period_month, {', '.join(columns)}) > 1"
    return _rows(wanted, bad, counted, "is there once", f"the same {names} as another row", f"combination of {names}")


def _sum_of_columns(wanted: Wanted) -> Made:
    columns = _listed(wanted)
    counted = _counted(wanted, columns, _LISTED, "all_values_are_missing")
    total = _value(wanted.kwargs["sum_total"])
    names = " and ".join(wanted.kwargs["column_list"])
    bad = f"NOT coalesce({' + '.join(columns)} = {total}, false)"
    return _rows(wanted, bad, counted, f"is {wanted.kwargs['sum_total']}", f"another sum of {names}", f"sum of {names}")


def _aggregate(formula: str, words: str) -> Callable[[Wanted], Made]:
    """A rule about one figure of a column per month; `{}` in `formula` is the column."""

    def make(wanted: Wanted) -> Made:
        figure = formula.replace("{}", quoted(wanted.column))
        failing = f"""
SELECT period_month, {figure} AS "figure"
FROM batch
GROUP BY period_month
HAVING {figure} IS NULL OR {_outside(figure, wanted.kwargs)}"""
        about = f"{words} of {wanted.column} in {wanted.table}"
        return Made(failing, f"The {about} is within its bounds.", f"The {about} is {{figure}}", ("figure",))

    return make


def _row_count(outside: Callable[[Mapping[str, Any]], str]) -> Callable[[Wanted], Made]:
    def make(wanted: Wanted) -> Made:
        failing = f"""
SELECT months.period_month, count(batch.is_there) AS row_count
FROM ({wanted.months}) AS months
LEFT JOIN (SELECT period_month, true AS is_there FROM batch) AS batch
    ON batch.period_month IS NOT DISTINCT FROM months.period_month
GROUP BY months.period_month
HAVING {outside(wanted.kwargs)}"""
        of = f"{wanted.table.replace('_', ' ').capitalize()}"
        when = " in {month}" if wanted.has_months else ""
        return Made(
            failing,
            f"The number of rows of {wanted.table} is within its bounds.",
            f"{of}: {{row_count}} rows{when}",
            ("row_count",),
        )

    return make


def _distinct_contain(wanted: Wanted) -> Made:
    _set(wanted.kwargs)
    values = ", ".join(f"({_value(value)})" for value in wanted.kwargs["value_set"])
    failing = f"""
WITH wanted AS (SELECT * FROM ({wanted.months}) AS months CROSS JOIN (VALUES {values}) AS listed("value")),
there AS (SELECT DISTINCT period_month, {quoted(wanted.column)} AS "value" FROM batch)
SELECT wanted.*
FROM wanted
ANTI JOIN there ON wanted.period_month IS NOT DISTINCT FROM there.period_month AND wanted."value" = there."value\""""
    about = f"{wanted.column} in {wanted.table}"
    return Made(
        failing, f"All expected values of {about} occur.", f"{{n}} expected (value|values) of {about} (is|are) missing", ("value",)
    )  # fmt: skip


def _query(wanted: Wanted) -> Made:
    text = wanted.kwargs["unexpected_rows_query"]
    if not isinstance(text, str) or "{batch}" not in text:
        message = "unexpected_rows_query: expected a SELECT of the rows that break the rule FROM {batch}"
        raise ValueError(message)
    failing = text.strip().removesuffix(";").replace("{batch}", "batch")
    return Made(
        failing, f"No row of {wanted.table} is unexpected.", f"{{of}} <row> of {wanted.table} (is|are) unexpected"
    )


def _exists(_: Wanted) -> Made:
    return Made("SELECT * FROM batch WHERE false", "The column is there.", "{n} (column is|columns are) missing")


_BOUNDS = ("min_value", "max_value", "strict_min", "strict_max")


def _about_column(make: Callable[[Wanted], Made], *needed: str, takes: tuple[str, ...] = ("mostly",)) -> Expected:
    return Expected(("column",), ("column", *needed), frozenset({"column", *needed, *takes}), make)


def _figure(formula: str, words: str) -> Expected:
    return _about_column(_aggregate(formula, words), takes=_BOUNDS)


def _about_pair(make: Callable[[Wanted], Made], *takes: str) -> Expected:
    columns = ("column_A", "column_B")
    return Expected(columns, columns, frozenset({*columns, "mostly", "ignore_row_if", *takes}), make)


def _about_several(make: Callable[[Wanted], Made], *needed: str) -> Expected:
    needs = ("column_list", *needed)
    return Expected(("column_list",), needs, frozenset({*needs, "mostly", "ignore_row_if"}), make)


EXPECTED: Mapping[str, Expected] = {
    "expect_column_to_exist": _about_column(_exists, takes=("column_index",)),
    "expect_column_values_to_not_be_null": _about_column(_not_null),
    "expect_column_values_to_be_null": _about_column(_null),
    "expect_column_values_to_be_unique": _about_column(
        _of_values(_unique, "is there once", "a {} that another row has too")
    ),
    "expect_column_values_to_be_in_set": _about_column(
        _of_values(lambda column, kwargs: f"NOT {_in_set(column, kwargs)}", "is one of its set", "a {} out of its set"),
        "value_set",
    ),
    "expect_column_values_to_not_be_in_set": _about_column(
        _of_values(_in_set, "is none of those excluded", "a {} that is excluded"), "value_set"
    ),
    "expect_column_values_to_be_between": _about_column(
        _of_values(_outside, "is within its bounds", "a {} out of its bounds"), takes=("mostly", *_BOUNDS)
    ),
    "expect_column_value_lengths_to_be_between": _about_column(
        _of_values(
            lambda column, kwargs: _outside(f"length({column}::VARCHAR)", kwargs),
            "has a length within its bounds",
            "a {} that is too short or too long",
        ),
        takes=("mostly", *_BOUNDS),
    ),
    "expect_column_value_lengths_to_equal": _about_column(
        _of_values(
            lambda column, kwargs: f"length({column}::VARCHAR) <> {_value(kwargs['value'])}",
            "has the expected length",
            "a {} of another length",
        ),
        "value",
    ),
    "expect_column_values_to_match_regex": _about_column(
        _of_values(
            lambda column, kwargs: f"NOT regexp_matches({column}::VARCHAR, {_text(kwargs['regex'], 'regex')})",
            "is written as expected",
            "a {} that is written differently",
        ),
        "regex",
    ),
    "expect_column_values_to_not_match_regex": _about_column(
        _of_values(
            lambda column, kwargs: f"regexp_matches({column}::VARCHAR, {_text(kwargs['regex'], 'regex')})",
            "is not written in a way that is excluded",
            "a {} that is written in a way that is excluded",
        ),
        "regex",
    ),
    "expect_column_values_to_match_like_pattern": _about_column(
        _of_values(
            lambda column, kwargs: f"{column}::VARCHAR NOT LIKE {_text(kwargs['like_pattern'], 'like_pattern')}",
            "is written as expected",
            "a {} that is written differently",
        ),
        "like_pattern",
    ),
    "expect_column_values_to_not_match_like_pattern": _about_column(
        _of_values(
            lambda column, kwargs: f"{column}::VARCHAR LIKE {_text(kwargs['like_pattern'], 'like_pattern')}",
            "is not written in a way that is excluded",
            "a {} that is written in a way that is excluded",
        ),
        "like_pattern",
    ),
    "expect_column_distinct_values_to_be_in_set": _about_column(
        _of_values(lambda column, kwargs: f"NOT {_in_set(column, kwargs)}", "is one of its set", "a {} out of its set"),
        "value_set",
        takes=(),
    ),
    "expect_column_distinct_values_to_contain_set": _about_column(_distinct_contain, "value_set", takes=()),
    "expect_column_min_to_be_between": _figure("min({})", "smallest value"),
    "expect_column_max_to_be_between": _figure("max({})", "largest value"),
    "expect_column_mean_to_be_between": _figure("avg({})", "mean"),
    "expect_column_median_to_be_between": _figure("median({})", "median"),
    "expect_column_sum_to_be_between": _figure("sum({})", "sum"),
    "expect_column_stdev_to_be_between": _figure("stddev_samp({})", "standard deviation"),
    "expect_column_unique_value_count_to_be_between": _figure("count(DISTINCT {})", "number of different values"),
    "expect_column_proportion_of_unique_values_to_be_between": _figure(
        "count(DISTINCT {}) / nullif(count({}), 0)", "share of different values"
    ),
    "expect_column_proportion_of_non_null_values_to_be_between": _figure(
        "count({}) / count(*)", "share of given values"
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": _about_pair(_pair(">", "greater than"), "or_equal"),
    "expect_column_pair_values_to_be_equal": _about_pair(_pair("=", "equal to")),
    "expect_compound_columns_to_be_unique": _about_several(_compound_unique),
    "expect_multicolumn_sum_to_equal": _about_several(_sum_of_columns, "sum_total"),
    "expect_table_row_count_to_be_between": Expected(
        (), (), frozenset(_BOUNDS), _row_count(lambda kwargs: _outside("count(batch.is_there)", kwargs))
    ),
    "expect_table_row_count_to_equal": Expected(
        (),
        ("value",),
        frozenset({"value"}),
        _row_count(lambda kwargs: f"count(batch.is_there) <> {_value(kwargs['value'])}"),
    ),
    "unexpected_rows_expectation": Expected(
        (), ("unexpected_rows_query",), frozenset({"unexpected_rows_query"}), _query
    ),
}
"""The types that run here, as Great Expectations names them."""
