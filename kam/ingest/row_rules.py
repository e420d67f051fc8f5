"""From a feed's contract and a site's mapping to SQL: typed columns, and what makes a row a reject.

The text of a source becomes a value only in the format that the site declares; nothing is guessed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from kam.errors import SettingsError, SourceRefusedError
from kam.ingest.expressions import Expression, declare_macros, expression
from kam.ingest.faults import (
    Fault,
    column_faults,
    given_twice,
    identifier_faults,
    long_number,
    percent_fault,
    sign_lost,
    too_little,
    too_much,
)
from kam.ingest.meaning import (
    ABSENT,
    BLANKS,
    cell_text,
    dressed_number,
    meaning_of,
    plain_meaning,
    strptime_formats,
    time_macros,
    typed_value,
)
from kam.ingest.readers import Relation, name_beside
from kam.ingest.rounding import TooLong, too_long
from kam.ingest.sources import Extract, column_sql, missing_columns
from kam.site import FEEDS, Column, ComputedColumn, ConstantColumn, CsvDialect, Feed, FeedSource, Kind, SignRule
from kam.warehouse import Connection, literal, quoted

ROW_NUMBER = "source_row"
# The place of a row in its relation, from 1. That is its record number too, unless several rows are of one record.
PLACE = "place"
SOURCE_COLUMN = "source_column"
# What of `given` says why a row is left out: it is no record, or the site leaves it out.
LEFT_OUT = "left_out"
HEADER_AGAIN = "header again"
RULED_LINE = "ruled line"
NOT_WANTED = "where"
RECORD_HASH = "record_hash"
# Kept beside the columns where the rows of a load are cells of wide records.
RECORD_NUMBER = "record_number"
_LEAST_COLUMNS = 2
# Beyond so many columns a row is not carried along as it is: it takes DuckDB 300 MB in each step per 10,000 columns.
_MANY_COLUMNS = 500
_WHOLE_RECORD = "whole_record"
# The number of a document without the columns that a site's wider key adds to it.
NARROW = "narrow_number"
# True for a row whose line number its source does not give.
UNNUMBERED = "unnumbered"
_RECORD_FAULT = (
    "CASE WHEN given_record_rule IS NOT NULL THEN {'column_name': '', 'rule': given_record_rule, "
    "'value': given_record_text, 'message': given_record_message} END"
)


@dataclass(frozen=True)
class Reading:
    """How to read one extract: three layers of SELECT, each over the one before.

    `given` is what the source says, `values` what it means, `faults` what is wrong with it. The names of `given` are
    those of the feed's columns with a prefix, so that a source's own names cannot collide with them. `tried` are columns
    beside the source's, worked out first; `kept` names what of `given` a load needs beside the feed's columns. `absent` are the
    feed's columns that the source does not give, `is_numbered` says whether it numbers the lines of documents, and a patch
    leaves the absent columns of rows as they were. `too_long` says
    how numbers are told that the contract's decimals do not hold.
    """

    feed: Feed
    relation: Relation
    given: Mapping[str, str]
    values: Mapping[str, str]
    faults: tuple[Fault, ...]
    tried: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()
    is_numbered: bool = True
    is_patch: bool = False
    too_long: Mapping[str, TooLong] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The name of a row's place in `numbered`, from 1."""
        return _place(self.relation)

    @property
    def numbered(self) -> str:
        """A SELECT of the source's rows with their places, which costs a single-threaded pass."""
        return f"SELECT *, row_number() OVER () AS {self.place} FROM {self.relation.sql}"

    def rows_at(self, places: str) -> str:
        """A SELECT of the rows of `numbered` at these places, as `select` takes them.

        Of a row with many columns it has those that are named anywhere, and the others in one text.
        """
        if not self._has_many_columns:
            return f"FROM ({self.numbered}) WHERE {self.place} IN ({places})"
        named = self.relation.record_faults
        extra = (named.rule, named.text, named.message) if named else ()
        sql = " ".join((*self.given.values(), *self.tried.values())).lower()
        used = [column_sql(name) for name in (*self.relation.columns, *extra) if quoted(name)[1:-1].lower() in sql]
        kept = ", ".join([*used, f"{self._record} AS {self._whole_record}", f"row_number() OVER () AS {self.place}"])
        return f"FROM (SELECT {kept} FROM {self.relation.sql} AS source) WHERE {self.place} IN ({places})"

    @property
    def _has_many_columns(self) -> bool:
        return self.relation.wide is None and len(self.relation.columns) > _MANY_COLUMNS

    @property
    def _whole_record(self) -> str:
        return name_beside(self.relation.columns, _WHOLE_RECORD)

    @property
    def _record(self) -> str:
        """SQL for what the source says of a row, as JSON."""
        record = ", ".join(f"{literal(name)}: {column_sql(name)}" for name in self.relation.columns)
        return f"to_json({{{record}}})::VARCHAR"

    @property
    def record_number(self) -> str:
        """SQL for the record number of a row of `incoming`."""
        return "rowid + 1" if self.relation.wide is None else RECORD_NUMBER

    def select(self, *, columns: str, numbered_rows: str = "") -> str:
        """A SELECT of `columns` from the typed rows.

        With `numbered_rows`, which has some rows of `numbered` (`rows_at`), only of those; then there are also their `place`, `source_row`
        (record number), `source_column` (of a cell that is a row) and `record`, what the source says as JSON.
        """
        expressions = (*self.given.values(), *self.tried.values())
        needs_number = self.relation.wide is None and any(self.place in expression for expression in expressions)
        rows = numbered_rows or (f"({self.numbered})" if needs_number else self.relation.sql)
        given = ", ".join(f"{sql} AS given_{name}" for name, sql in self.given.items())
        values = ", ".join(f"{sql} AS {name}" for name, sql in self.values.items())
        kept = f", {PLACE}, {ROW_NUMBER}, {SOURCE_COLUMN}, record" if numbered_rows else ""
        tried = "".join(f", {sql} AS {name}" for name, sql in self.tried.items())
        kept_inner = f", {self._origin}" if numbered_rows else ""
        return f"""
            SELECT {columns} FROM (
                SELECT {values}, {", ".join(f"given_{name}" for name in self.given)}{kept} FROM (
                    SELECT {given}{kept_inner} FROM (SELECT *{tried} FROM {rows} AS source) AS source
                )
            )"""

    @property
    def _origin(self) -> str:
        """SQL for where a row comes from and what the source says."""
        wide = self.relation.wide
        place = f"source.{self.place}"
        if wide is None:
            record = f"source.{self._whole_record}" if self._has_many_columns else self._record
            return f"{place} AS {PLACE}, {place} AS {ROW_NUMBER}, NULL::VARCHAR AS {SOURCE_COLUMN}, {record} AS record"
        kept = (name for name in self.relation.columns if name not in (wide.column, wide.value))
        record = ", ".join(f"{literal(name)}, {column_sql(name)}" for name in kept)
        cell = f"{column_sql(wide.column)}, {column_sql(wide.value)}"
        whole = f"source.{wide.whole}"
        return (
            f"{place} AS {PLACE}, source.{wide.number} AS {ROW_NUMBER}, {column_sql(wide.column)} AS {SOURCE_COLUMN}, "
            f"CASE WHEN {whole} IS NULL THEN json_object({f'{record}, ' if record else ''}{cell})::VARCHAR ELSE {whole} END AS record"
        )

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
    _declare_macros(con, source)
    _require_columns(feed, source, extract, relation)
    cells = [_cell(con, column, source, extract, relation) for column in feed.columns]
    cells += _key_cells(con, feed, source, extract, relation)
    line = next((cell for cell in cells if cell.column.name == feed.line), None)
    is_numbered = line is None or not line.is_the_same
    given, kept = _given_and_kept(relation, cells, line)
    faults = [fault for cell in cells for fault in cell.faults]
    absent = frozenset(cell.column.name for cell in cells if cell.is_absent)
    is_patch = source.mode == "patch"
    texts = {cell.column.name: cell.text for cell in cells}
    faults += [too_little(rule, texts) for rule in feed.row_rules if not (is_patch and absent & rule.columns)]
    if feed.priced:
        faults.append(too_much(*feed.priced))
    values = {cell.column.name: cell.value for cell in cells}
    if feed.sign is not None and source.sign == "amount":
        _require_type(feed.sign, extract, absent, is_patch=is_patch)
        values |= _turned(feed.sign, values)
    values |= _filled(cells)
    faults += [given_twice(cell.column, cell.text) for cell in cells if cell.column.filled_from]
    faults += _widen_key(feed, source, values)
    tried = {name: sql for cell in cells for name, sql in cell.tried.items()}
    reasons = _no_records(relation)
    if source.where is not None:
        reasons[NOT_WANTED] = f"NOT coalesce(source.{_where(con, source, extract, relation, tried)}.value, true)"
    if reasons:
        given[LEFT_OUT] = (
            f"CASE {' '.join(f'WHEN {condition} THEN {literal(reason)}' for reason, condition in reasons.items())} END"
        )
    too_long = {cell.column.name: cell.too_long for cell in cells if cell.too_long is not None}
    return Reading(
        feed,
        relation,
        given,
        values,
        tuple(faults),
        tried,
        tuple(kept),
        absent,
        is_numbered=is_numbered,
        is_patch=is_patch,
        too_long=too_long,
    )


def _require_columns(feed: Feed, source: FeedSource, extract: Extract, relation: Relation) -> None:
    """Raise `MissingColumnError` with all columns that are mapped or required and that the source lacks."""
    lower = {name.lower() for name in relation.columns}
    missing: dict[str, str] = {}
    for column in feed.columns:
        mapped = source.columns.get(column.name)
        if isinstance(mapped, str) and mapped != ROW_NUMBER and mapped not in relation.columns:
            missing[column.name] = mapped
        is_needed = column.required and (source.mode != "patch" or column.name in feed.key)
        if mapped is None and is_needed and column.name not in lower:
            missing[column.name] = column.name
    if missing:
        raise missing_columns(extract, missing, relation)


def _given_and_kept(relation: Relation, cells: Sequence[_Cell], line: _Cell | None) -> tuple[dict[str, str], list[str]]:
    """What is computed of each record before its columns, and which of it the rows keep."""
    given = {name: sql for cell in cells for name, sql in cell.given.items()}
    kept = [name for cell in cells for name in cell.kept]
    if relation.record_faults:
        named = relation.record_faults
        given |= {
            "record_rule": column_sql(named.rule),
            "record_text": column_sql(named.text),
            "record_message": column_sql(named.message),
        }
    if any(cell.column.kind is Kind.MONTH and cell.is_computed for cell in cells):
        # Rows of several days may get the same month: then they are no repeats of each other.
        given[RECORD_HASH] = f"hash({', '.join(column_sql(name) for name in relation.columns)})"
        kept.append(RECORD_HASH)
    if relation.wide is not None:
        given[RECORD_NUMBER] = f"source.{relation.wide.number}"
        kept.append(RECORD_NUMBER)
    if line is not None and not line.is_the_same:
        given[UNNUMBERED] = f"({line.source_text}) IS NULL"
        kept.append(UNNUMBERED)
    return given, kept


def _filled(cells: Sequence[_Cell]) -> dict[str, str]:
    """What fills months that a row leaves to a week, by column."""
    values = {cell.column.name: cell.value for cell in cells}
    return {
        cell.column.name: f"CASE WHEN {cell.text} IS NULL THEN date_trunc('month', {values[cell.column.filled_from]})::DATE "
        f"ELSE {cell.value} END"
        for cell in cells
        if cell.column.filled_from
    }


def _key_cells(
    con: Connection, feed: Feed, source: FeedSource, extract: Extract, relation: Relation
) -> Iterator[_Cell]:
    """The columns of a site's wider key that are no columns of the feed, under names that can be no other word of SQL."""
    for name in source.key:
        if name not in feed.column_names:
            column = Column(f"key_{name}", Kind.ID, f"{name} of the document", required=True)
            mapped = source.columns.get(
                name, next((found for found in relation.columns if found.lower() == name), name)
            )
            yield _cell(con, column, source.model_copy(update={"columns": {column.name: mapped}}), extract, relation)


def _widen_key(feed: Feed, source: FeedSource, values: dict[str, str]) -> list[Fault]:
    """Make the columns of a site's wider key a part of the document's number: `1001` of 2026 is `1001/2026`."""
    if not source.key or feed.identity is None:
        return []
    number = feed.identity.document
    of_feed = [name for name in source.key if name in feed.column_names]
    parts = (values[name if name in of_feed else f"key_{name}"] for name in source.key)
    values[NARROW] = values[number]
    # A slash in a part is doubled, so that two numbers never become one.
    values[number] = " || '/' || ".join(
        (f"({values[number]})", *(f"replace(({part})::VARCHAR, '/', '//')" for part in parts))
    )
    message = f"[feeds.{feed.name}] key makes it a part of {number}"
    return [Fault(name, "required", f"{name} IS NULL", f"{name} is missing, and {message}") for name in of_feed]


def _require_type(rule: SignRule, extract: Extract, absent: frozenset[str], *, is_patch: bool) -> None:
    """Raise `SourceRefusedError` for a patch with amounts whose sign depends on a type that it does not have."""
    amounts = [name for name in rule.amounts if name not in absent]
    if is_patch and rule.column in absent and amounts:
        message = (
            f'{extract.feed}: {extract.source}: a patch with {amounts[0]} needs the column {rule.column}, because sign = "amount" '
            "turns the amounts by their type. Nothing was loaded"
        )
        raise SourceRefusedError(message)


def _no_records(relation: Relation) -> dict[str, str]:
    """Conditions on a row of texts that make it no record, by the reason: the header again, or a line of dashes."""
    wide = relation.wide
    looked_at_by_name = [name for name in relation.columns if wide is None or name not in (wide.column, wide.value)]
    first = next((name for number, name in enumerate(looked_at_by_name, 1) if name != f"column{number}"), None)
    if first is None or len(relation.columns) < _LEAST_COLUMNS or set(relation.columns.values()) != {"VARCHAR"}:
        return {}
    header, ruled = [], []
    for number, name in enumerate(looked_at_by_name[:_MANY_COLUMNS], 1):
        cell = f"coalesce(trim({column_sql(name)}, {BLANKS}), '')"
        # A column without a name is called by its place.
        header.append(f"{cell} IN ({literal(name)}{', {}'.format(literal('')) if name == f'column{number}' else ''})")
        ruled.append(f"regexp_full_match({cell}, '[-=_+]*')")
    if wide is not None:
        cell = f"trim({column_sql(wide.value)}, {BLANKS})"
        header.append(f"{cell} = {column_sql(wide.column)}")
        ruled.append(f"regexp_full_match({cell}, '[-=_+]*')")
    # Most rows are told by a look at one cell.
    looked_at = column_sql(first)
    return {
        HEADER_AGAIN: f"CASE WHEN contains({looked_at}, {literal(first)}) THEN {' AND '.join(header)} END",
        RULED_LINE: f"CASE WHEN contains({looked_at}, '---') OR contains({looked_at}, '===') OR contains({looked_at}, '___') "
        f"THEN {' AND '.join(ruled)} END",
    }


def _where(con: Connection, source: FeedSource, extract: Extract, relation: Relation, tried: dict[str, str]) -> str:
    """The name of what is worked out first: whether a row is wanted. One for which that fails is read, and judged as others."""
    key = f"feeds.{extract.feed}.where"
    found = expression(con, key, str(source.where), relation.columns, _row_number(relation))
    if found.sql_type != "BOOLEAN":
        message = f"kam.toml: {key}: expected a condition, not {source.where!r}, which gives {found.sql_type}"
        raise SettingsError(message)
    name = name_beside(relation.columns, "tried_where")
    value = f"{{'value': {found.sql}}}"
    tried[name] = f"TRY({value})" if found.fails_by_row else value
    return name


def _declare_macros(con: Connection, source: FeedSource) -> None:
    for signature, body in time_macros(source.csv, source.timezone or "UTC").items():
        con.execute(f"CREATE OR REPLACE TEMP MACRO {signature} AS {body}")
    con.execute(f"CREATE OR REPLACE TEMP MACRO dressed_number(cell, percent) AS {dressed_number(source.csv)}")
    if source.where is not None or any(isinstance(mapped, ComputedColumn) for mapped in source.columns.values()):
        declare_macros(con, source.csv)


@dataclass(frozen=True)
class _Cell:
    """How one column is read.

    `text` is the SQL of its text, `value` of what it means; `given` has what the source says, `tried` what its expression
    gives, `kept` the names of what is given beside the columns and kept for the load. `is_absent` says that the source has no such
    column, `is_the_same` that all rows have the same. `source_text` is NULL where the source's own cell is empty.
    """

    column: Column
    text: str
    value: str
    given: Mapping[str, str]
    faults: list[Fault]
    tried: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    is_computed: bool = False
    is_absent: bool = False
    is_the_same: bool = False
    source_text: str = ""
    too_long: TooLong | None = None


def _cell(con: Connection, column: Column, source: FeedSource, extract: Extract, relation: Relation) -> _Cell:
    mapped = source.columns.get(column.name)
    if isinstance(mapped, ComputedColumn):
        return _computed_cell(con, column, mapped.sql, source, extract, relation)
    expression, sql_type = _given(column, source, extract, relation)
    return _read(column, expression, sql_type, source.csv, relation, unless=())


def _read(
    column: Column, expression: str, sql_type: str, dialect: CsvDialect, relation: Relation, *, unless: Sequence[str]
) -> _Cell:
    """How a column is read that the source gives by an expression of this type; not missing where `unless` holds."""
    text = given = f"given_{column.name}"
    source_text = cell_text(expression, dialect) if sql_type == "VARCHAR" else expression
    if sql_type == "VARCHAR" and _reads_past_blanks(column, expression, dialect):
        text = cell_text(given, dialect)
    elif sql_type == "VARCHAR":
        expression = cell_text(expression, dialect)
    if text == given:
        value = typed_value(column, given, sql_type, dialect)
    else:
        at_first_sight = plain_meaning(column, given, dialect)
        looked_at = f"CASE WHEN {given} IS NOT NULL THEN {meaning_of(column, text, dialect)} END"
        value = f"coalesce({at_first_sight}, {looked_at})"
    if column.default is not None:
        default = f"{literal(column.default)}::{column.sql_type}"
        value = f"CASE WHEN {given} IS NULL THEN {default} ELSE {value} END"
        if text != given:
            # Guarded by a CASE of its own, or DuckDB would work out the common part, the trimmed text, for every row.
            blank = f"CASE WHEN {given} IS NOT NULL THEN CASE WHEN {text} IS NULL THEN {default} END END"
            value = f"coalesce({value}, {blank})"
    is_text = sql_type == "VARCHAR"
    faults = column_faults(column, text, unless=unless, is_text=is_text) if sql_type != ABSENT else []
    if column.kind in (Kind.ID, Kind.TEXT) and sql_type == "VARCHAR":
        faults += identifier_faults(column, has_controls=relation.has_controls)
    elif column.kind is Kind.ID and sql_type in ("DOUBLE", "FLOAT"):
        faults.append(long_number(column, sql_type))
    if column.whole_column and sql_type == "VARCHAR":
        faults.append(percent_fault(column))
    is_absent = sql_type == ABSENT
    is_the_same = is_absent or sql_type == "CONSTANT"
    return _Cell(
        column, text, value, {column.name: expression}, faults, is_absent=is_absent, is_the_same=is_the_same,
        source_text=source_text, too_long=too_long(column, sql_type, dialect),
    )  # fmt: skip


def _computed_cell(
    con: Connection, column: Column, sql: str, source: FeedSource, extract: Extract, relation: Relation
) -> _Cell:
    """How a column is read that an expression gives: a row for which it fails has a fault, and its cell is not missing."""
    name = column.name
    key = f"feeds.{extract.feed}.columns.{name}.sql"
    found = expression(con, key, sql, relation.columns, _row_number(relation))
    tried: dict[str, str] = {}
    more: dict[str, str] = {}
    faults: list[Fault] = []
    kept: tuple[str, ...] = ()
    value, unless = found.sql, []
    if found.fails_by_row:
        result = name_beside(relation.columns, f"tried_{name}")
        tried[result] = f"TRY({{'value': {found.sql}}})"
        value = f"source.{result}.value"
        more[f"{name}_failed"] = f"source.{result} IS NULL"
        unless = [f"given_{name}_failed"]
        faults += _failures(column, found, more)
    if found.signed is not None and column.kind in (Kind.MONEY, Kind.QUANTITY) and column.minimum is None:
        more[f"{name}_sign"] = f"sign(TRY({found.signed}))::TINYINT"
        kept = (f"{name}_sign",)
    cell = _read(column, value, found.sql_type, source.csv, relation, unless=unless)
    if kept and FEEDS[extract.feed].sign is None:
        faults.append(sign_lost(column))
    return dataclasses.replace(
        cell, given={**cell.given, **more}, faults=[*cell.faults, *faults], tried=tried, kept=kept, is_computed=True
    )


def _failures(column: Column, found: Expression, given: dict[str, str]) -> list[Fault]:
    """The faults of a row for which an expression fails: each text that it cannot read, else that it fails."""
    name, faults = column.name, []
    has_failed = given[f"{name}_failed"]
    for number, read in enumerate(found.reads):
        bad = f"{name}_of_{number}"
        given[bad] = f"CASE WHEN {has_failed} THEN CASE WHEN {read.is_bad} THEN ({read.sql})::VARCHAR END END"
        message = f"{read.sql} is not {read.kind} in the declared format, and {name} is made of it"
        faults.append(Fault(name, "type", f"given_{bad} IS NOT NULL", message, value=f"given_{bad}"))
    unknown = " AND ".join((f"given_{name}_failed", *(f"given_{name}_of_{n} IS NULL" for n in range(len(found.reads)))))
    message = f"the expression for {name} fails on this row: a cast, a division or a number that is too large"
    faults.append(Fault(name, "expression", unknown, message))
    return faults


def _turned(rule: SignRule, values: Mapping[str, str]) -> dict[str, str]:
    """The amounts of a source that has those of credit notes negative, as the contract has them."""
    types = ", ".join(literal(name) for name in rule.negative)
    return {
        name: f"CASE WHEN ({values[rule.column]}) IN ({types}) THEN -({values[name]}) ELSE {values[name]} END"
        for name in rule.amounts
        if not values[name].startswith("NULL::")
    }


def _place(relation: Relation) -> str:
    """The name of a row's place beside the source's columns, one of which may be called so too."""
    return _row_number(relation) if relation.wide is None else name_beside(relation.columns, PLACE)


def _row_number(relation: Relation) -> str:
    """The name of the record number beside the source's columns, one of which may be called `source_row` too."""
    return name_beside(relation.columns, ROW_NUMBER) if relation.wide is None else relation.wide.number


def _reads_past_blanks(column: Column, expression: str, dialect: CsvDialect) -> bool:
    """Whether most cells can be read as they are, so that only what is not understood so is trimmed.

    Any text can be an identifier, one with blanks around it too.
    """
    is_known = column.kind not in (Kind.ID, Kind.TEXT)
    return is_known and expression.startswith("source.") and not dialect.null_values


def _given(column: Column, source: FeedSource, extract: Extract, relation: Relation) -> tuple[str, str]:
    """The source's expression for a column without an expression of its own, and its type."""
    mapped = source.columns.get(column.name)
    if mapped is None:
        mapped = next((name for name in relation.columns if name.lower() == column.name), None)
        if mapped is None:
            return "NULL::VARCHAR", ABSENT
    if isinstance(mapped, ConstantColumn):
        # A constant is written in TOML, not in the source's dialect: it is cast, not parsed.
        return literal(_toml_text(mapped.value)), "CONSTANT"
    name = str(mapped)
    if name == ROW_NUMBER and name not in relation.columns:
        return f"source.{_row_number(relation)}", "BIGINT"
    if name not in relation.columns:
        raise missing_columns(extract, {column.name: name}, relation)
    return column_sql(name), relation.columns[name]


def _toml_text(value: str | float | bool) -> str:  # noqa: FBT001 - the value of a setting, not a switch
    return str(value).lower() if isinstance(value, bool) else str(value)


def _require_date_formats(con: Connection, dialect: CsvDialect, extract: Extract) -> None:
    for name in strptime_formats(dialect):
        try:
            con.execute(f"SELECT try_strptime('', {literal(name)})")
        except duckdb.Error as error:
            message = f"kam.toml: feeds.{extract.feed}.csv.date_format: {name!r}: {str(error).splitlines()[0]}"
            raise SettingsError(message) from None
