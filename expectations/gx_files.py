"""Expectations of a site as Great Expectations saves them: `checks/<table>.gx.yaml`, `.gx.yml` or `.gx.json`.

Each becomes a rule of this project: a SELECT of the rows that break it, month by month. So a rule of these files is judged, kept, shown and
told as all others are, and Great Expectations does not have to be imported to find out that a file is wrong.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast

import duckdb
import yaml

from expectations.expected import EXPECTED, Expected, Wanted
from expectations.feeds.common import all_rows, of_the_months
from expectations.rules import Owner, Rule, Severity, Suite
from kam.build import models
from kam.errors import SettingsError
from kam.site import FEEDS, Site
from kam.warehouse import memory

ENDINGS = (".gx.yaml", ".gx.yml", ".gx.json")
_MOST_BYTES = 1_000_000
_OF_A_SUITE = {
    "name",
    "expectation_suite_name",
    "expectations",
    "meta",
    "id",
    "notes",
    "data_asset_type",
    "ge_cloud_id",
    "suite_parameters",
    "evaluation_parameters",
}
_OF_AN_EXPECTATION = {
    "type",
    "expectation_type",
    "kwargs",
    "meta",
    "severity",
    "description",
    "notes",
    "id",
    "rendered_content",
    "ge_cloud_id",
    "expectation_context",
    "windows",
    "success_on_last_run",
    "catch_exceptions",
}
# What says how Great Expectations runs and reports, and changes nothing that is expected.
_OF_THE_RUN = {"result_format", "include_config", "catch_exceptions", "batch_id"}


@dataclass(frozen=True)
class _Table:
    """A table that expectations are about: `columns` with their types, and the columns that identify a row."""

    name: str
    batch: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    has_months: bool


def suites_from_files(site: Site) -> tuple[Suite, ...]:
    """The suites of the site's files whose table the site can fill, in the order of their names.

    Raises `SettingsError`, naming the file and the expectation, for what cannot be read or is not known.
    """
    files = sorted(file for ending in ENDINGS for file in site.checks.glob(f"*{ending}"))
    stems: dict[str, Path] = {}
    found = []
    for file in files:
        stem = _stem(file)
        if stem in stems:
            message = f"{file}: {stems[stem].name} is of the same name. Keep one of the two"
            raise SettingsError(message)
        stems[stem] = file
        suite = _suite(file, _text(file))
        feed_or_mart = suite.table.partition(".")[2]
        if suite.table.startswith("core.") and feed_or_mart not in site.settings.feeds:
            continue
        if suite.table.startswith("build.") and models()[f"build.{feed_or_mart}"].missing(site.settings.available):
            continue
        found.append(suite)
    return tuple(suite for suite in found if suite.rules)


def _stem(file: Path) -> str:
    return next(file.name.removesuffix(ending) for ending in ENDINGS if file.name.endswith(ending))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _MOST_BYTES:
            message = f"{file}: is larger than a suite of expectations can be (1 MB)"
            raise SettingsError(message)
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file}: cannot be read as UTF-8 text: {error}"
        raise SettingsError(message) from None


@cache
def _suite(file: Path, text: str) -> Suite:
    """Kept, because a run asks for it several times."""
    read = _mapping(file, _parsed(file, text), _OF_A_SUITE, "a suite")
    stem = _stem(file)
    table = _table(file, stem, read)
    listed = read.get("expectations")
    if not isinstance(listed, list):
        message = f"{file}: expectations: expected a list, as Great Expectations saves it"
        raise SettingsError(message)
    rules: dict[str, Rule] = {}
    with memory() as con:
        con.execute("SET enable_external_access = false")
        columns = ", ".join(
            f'"{name}" {sql_type}' for name, sql_type in {"period_month": "DATE", **table.columns}.items()
        )
        con.execute(
            f"CREATE SCHEMA build; CREATE TABLE build.periods (period_month DATE); CREATE TABLE batch ({columns}); INSERT INTO batch DEFAULT VALUES"
        )
        for number, one in enumerate(listed, 1):
            rule = _rule(_Place(file, number), stem, table, one)
            if rule.name in rules:
                message = f"{_Place(file, number)}: expects the same as another one ({rule.name}). Leave it out, or give it a `name` in `meta`"
                raise SettingsError(message)
            _require_runs(con, _Place(file, number), rule)
            rules[rule.name] = rule
    return Suite(name=f"site.{stem}", table=table.name, batch=table.batch, rules=tuple(rules.values()))


@dataclass(frozen=True)
class _Place:
    """Where in a file something is wrong."""

    file: Path
    number: int
    type: str = ""

    def __str__(self) -> str:
        return f"{self.file}: expectation {self.number}{f' ({self.type})' if self.type else ''}"

    def refuse(self, text: str) -> NoReturn:
        """Raise `SettingsError` that says where and what."""
        message = f"{self}: {text}"
        raise SettingsError(message) from None


def _parsed(file: Path, text: str) -> object:
    try:
        if file.suffix == ".json":
            return json.loads(text)
        # Aliases make a small file an endless one.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            message = f"{file}: aliases (*name) are not read. Write the value where it belongs"
            raise SettingsError(message)
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        message = f"{file}: is no {'JSON' if file.suffix == '.json' else 'YAML'}: {' '.join(str(error).split())[:200]}"
        raise SettingsError(message) from None


def _mapping(place: object, value: object, known: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        message = f"{place}: expected {what}, as Great Expectations saves it"
        raise SettingsError(message)
    for name in value:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
            message = f"{place}: {name}: no such key of {what}.{f' Did you mean {close[0]!r}?' if close else ''}"
            raise SettingsError(message)
    return value


def _table(file: Path, stem: str, read: Mapping[str, Any]) -> _Table:
    """The table that `meta` names as `table`, else the feed or the result table that the file is named after."""
    meta = read.get("meta") or {}
    named = str(meta.get("table", "")) if isinstance(meta, dict) else ""
    if not named:
        named = f"core.{stem}" if stem in FEEDS else f"build.{stem}"
    schema, _, name = named.partition(".")
    if schema == "core" and name in FEEDS:
        feed = FEEDS[name]
        columns = {column.name: column.kind.sql_type for column in feed.columns}
        batch = of_the_months(name) if feed.date else all_rows(name)
        return _Table(named, batch, columns, feed.key, feed.date is not None)
    if schema == "build" and (model := models().get(named)) and model.schema == "marts":
        columns = {column.name: column.sql_type for column in model.columns if column.name != "period_month"}
        return _Table(
            named,
            f"SELECT * FROM {named}",
            columns,
            tuple(k for k in model.grain if k != "period_month"),
            has_months=True,
        )
    known = [*FEEDS, *(model.name for model in models().values() if model.schema == "marts")]
    close = difflib.get_close_matches(name or stem, known, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    message = f"{file}: no feed or result table is called {name or stem!r}.{hint} Name the file after one, or say `table: core.<feed>` or `table: build.<table>` in the suite's `meta`"
    raise SettingsError(message)


def _rule(place: _Place, stem: str, table: _Table, one: object) -> Rule:
    read = _mapping(place, one, _OF_AN_EXPECTATION, "an expectation")
    type_ = str(read.get("type", read.get("expectation_type", "")))
    place = _Place(place.file, place.number, type_)
    expected = EXPECTED.get(type_)
    if expected is None:
        close = difflib.get_close_matches(type_, EXPECTED, n=1, cutoff=0.6)
        hint = f" Did you mean {close[0]!r}?" if close else f" Known are: {', '.join(EXPECTED)}."
        place.refuse(
            f"no such type, or none that runs here.{hint} A rule of any other kind can be a SELECT: checks/<name>.sql"
        )
    kwargs = _kwargs(place, expected, read.get("kwargs") or {})
    for column in (name for key in expected.columns for name in _names(place, key, kwargs.get(key))):
        _require_column(place, table, column)
    meta = read.get("meta") or {}
    if not isinstance(meta, dict):
        place.refuse("meta: expected keys with values")
    wanted = Wanted(table.name.partition(".")[2], kwargs, table.has_months)
    try:
        made = expected.make(wanted)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        place.refuse(f"kwargs: {error}")
    return Rule(
        name=f"site.{stem}.{_slug(place, type_, expected, kwargs, meta)}",
        sentence=_sentence(read.get("description")) or made.sentence,
        finding=made.finding,
        owner=str(meta.get("owner", Owner.DATA)),
        severity=_severity(place, read.get("severity", Severity.CRITICAL)),
        if_it_fails=_sentence(meta.get("if_it_fails"))
        or _sentence(read.get("notes"))
        or f"Correct the rows at their source, or what {place.file.name} expects, and close again.",
        failing=made.failing,
        keys=_keys(table, expected, kwargs, made.keys),
    )


def _kwargs(place: _Place, expected: Expected, kwargs: object) -> Mapping[str, Any]:
    if not isinstance(kwargs, dict):
        place.refuse("kwargs: expected keys with values")
    if kwargs.get("row_condition"):
        place.refuse(
            "row_condition is not read. Write a SELECT with the condition instead: checks/<name>.sql, or unexpected_rows_expectation"
        )
    given = {
        name: value
        for name, value in kwargs.items()
        if value is not None and name not in {*_OF_THE_RUN, "row_condition", "condition_parser"}
    }
    for name in given:
        if name not in expected.allowed:
            close = difflib.get_close_matches(str(name), expected.allowed, n=1, cutoff=0.6)
            place.refuse(
                f"kwargs: no such key {name!r}.{f' Did you mean {close[0]!r}?' if close else ''} Known are: {', '.join(sorted(expected.allowed))}"
            )
    for name in expected.required:
        if name not in given:
            place.refuse(f"kwargs: {name} is missing")
    if any(isinstance(value, dict) for value in given.values()):
        place.refuse("kwargs: parameters ($PARAMETER) are not read. Write the value")
    return given


def _names(place: _Place, key: str, value: object) -> Sequence[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(name, str) for name in listed):
        place.refuse(f"kwargs: {key}: expected names of columns")
    return cast("Sequence[str]", listed)


def _require_column(place: _Place, table: _Table, column: str) -> None:
    known = {*table.columns, "period_month"}
    if column not in known:
        close = difflib.get_close_matches(column, known, n=1, cutoff=0.6)
        place.refuse(
            f"{table.name} has no column {column!r}.{f' Did you mean {close[0]!r}?' if close else ''} It has: {', '.join(table.columns)}"
        )


def _severity(place: _Place, text: object) -> Severity:
    try:
        return Severity(str(text))
    except ValueError:
        place.refuse(f"severity: expected one of {', '.join(Severity)}, not {text!r}")


def _sentence(text: object) -> str:
    """A text of a file on one line; notes may be a list."""
    joined = " ".join(map(str, text)) if isinstance(text, list) else str(text or "")
    return " ".join(joined.split())


def _slug(place: _Place, type_: str, expected: Expected, kwargs: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    named = meta.get("name")
    if named is not None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(named)):
            place.refuse(f"meta: name: expected small letters, digits and underscores, not {named!r}")
        return str(named)
    columns = [name for key in expected.columns for name in _names(place, key, kwargs.get(key))]
    return "_".join(
        [*columns, type_.removeprefix("expect_").removeprefix("column_").removeprefix("values_").removeprefix("to_")]
    )


def _keys(table: _Table, expected: Expected, kwargs: Mapping[str, Any], own: tuple[str, ...] | None) -> tuple[str, ...]:
    if own is not None:
        return own
    columns = [name for key in expected.columns for name in _names(_Place(Path(), 0), key, kwargs.get(key))]
    return tuple(dict.fromkeys(name for name in (*table.key, *columns) if name != "period_month"))


def _require_runs(con: duckdb.DuckDBPyConnection, place: _Place, rule: Rule) -> None:
    """Run it over one empty row: a value that does not fit its column, and a SELECT that reads anything else than the batch, show here."""
    try:
        statements = duckdb.extract_statements(rule.failing)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            place.refuse("expected one SELECT of the rows that break the rule")
        names = [name for name, *_ in con.execute(f"DESCRIBE {rule.failing}").fetchall()]
        con.execute(f"SELECT * FROM (\n{rule.failing}\n)").fetchall()
    except duckdb.Error as error:
        place.refuse(
            f"{str(error).splitlines()[0]}. It can read the rows of its own table ({{batch}}) and nothing else"
        )
    missing = [name for name in ("period_month", *rule.keys) if name not in names]
    if missing:
        place.refuse(f"the SELECT has no column {missing[0]!r}: begin it with SELECT *")
