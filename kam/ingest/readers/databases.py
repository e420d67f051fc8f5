"""Extracts from any database that SQLAlchemy reaches: a query's answer as one Parquet file, and how far it has come.

A watermark is the highest value that a growing column, such as `changed_at`, had in what was loaded. The query gets a
value a little lower as its parameter `:watermark`: rows that arrived later with the same value are read as well,
whether it says `>` or `>=`, and rows that are already there count as unchanged.

The URL comes from the environment. Neither it nor its password is in any message.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from sqlalchemy import URL, CursorResult, Engine
from kam.database_urls import connected, engine_of, masked, place_of
from kam.errors import DatabaseUnreachableError, KamError, SourceRefusedError
from kam.ingest.readers.needs import missing_in
from kam.ingest.readers.parquet_ndjson import refuse_same_names
from kam.ingest.readers.relation import path_literal
from kam.site import FeedSource
from kam.warehouse import Connection, literal, quoted

Watermark = dt.datetime | dt.date | int | Decimal | str
_BATCH_ROWS = 20_000
_DEFAULT_START = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - compares with any column of dates
_BIGINT_DIGITS = 18
_DECIMAL_DIGITS = 38
_SHOWN_MISSING = 3
# What PostgreSQL calls a comparison of two types that do not compare (undefined_function), and what other drivers write.
_NO_SUCH_OPERATOR = "42883"
_OF_A_TYPE = re.compile(r"convert|conversion|data ?types?|type clash", re.IGNORECASE)
# MySQL and MariaDB take it for the transactions of the session that are to come.
_MYSQL_READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
_READ_ONLY: Mapping[str, str] = {
    "postgresql": "SET TRANSACTION READ ONLY", "mysql": _MYSQL_READ_ONLY, "mariadb": _MYSQL_READ_ONLY,
}  # fmt: skip
_PLAIN = {int, float, dt.date}
_SQL_TYPES: Mapping[type, str] = {bool: "BOOLEAN", float: "DOUBLE", dt.date: "DATE"}


@dataclass(frozen=True)
class Answer:
    """What a query gave: its rows as a Parquet file, and the watermark up to which the feed is read then."""

    file: Path
    watermark: str | None


def extracted(
    con: Connection, feed: str, source: FeedSource, folder: Path, *, check_command: str, row_limit: int | None = None
) -> Answer | None:
    """The rows that a feed's query gives since its last load, as a file in `folder`; None when there are none.

    `row_limit` stops after about so many rows, for a look; `check_command` lists what the database lacks. Raises
    `SettingsError` for a variable that is not set, `DatabaseUnreachableError` when there is no connection and
    `SourceRefusedError` when the query does not work.
    """
    where = f"{feed}: {source.database}"
    last = _last_watermark(con, feed, source)
    parts = _Parts(folder, source.watermark)
    engine = engine_of(source.database_variable, f"kam.toml: feeds.{feed}.database")
    try:
        for names, batch in _batches(engine, _Question(source, _since(last, source), where, check_command)):
            parts.add(names, batch)
            if row_limit is not None and parts.row_count >= row_limit:
                break
    finally:
        engine.dispose()
    if not parts.row_count:
        return None
    highest = None if source.watermark is None else _highest(parts.columns, last, source, where)
    return Answer(parts.combined(con), None if highest is None else written(highest))


def written(watermark: Watermark) -> str:
    """A watermark as text that says its type: `timestamp 2026-10-05 12:30:00`, `integer 42`."""
    match watermark:
        case dt.datetime():
            return f"timestamp {watermark.isoformat(sep=' ')}"
        case dt.date():
            return f"date {watermark.isoformat()}"
        case int():
            return f"integer {watermark}"
        case Decimal():
            return f"decimal {watermark:f}"
        case _:
            return f"text {watermark}"


def parsed(text: str) -> Watermark:
    """The watermark that `written` wrote."""
    kind, _, value = text.partition(" ")
    parsers: Mapping[str, Callable[[str], Watermark]] = {
        "timestamp": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
        "integer": int,
        "decimal": Decimal,
        "text": str,
    }
    return parsers[kind](value)


def lowered(watermark: Watermark, overlap: int) -> Watermark:
    """A value so far below the watermark that `>` and `>=` both read its rows again.

    Seconds of a timestamp, days of a date, units of a number; a text without its last character sorts just before it.
    """
    match watermark:
        case dt.datetime():
            return watermark - dt.timedelta(seconds=overlap)
        case dt.date():
            return watermark - dt.timedelta(days=overlap)
        case int() | Decimal():
            return watermark - overlap
        case _:
            return watermark[:-1]


def _last_watermark(con: Connection, feed: str, source: FeedSource) -> Watermark | None:
    """How far the feed was read with this query and mapping; another one starts over, as it does with files."""
    try:
        found = con.execute(
            "SELECT watermark FROM ops.loads WHERE feed = ? AND mapping_hash = ? AND status = 'loaded' "
            "AND watermark IS NOT NULL ORDER BY load_id DESC LIMIT 1",
            [feed, source.mapping_hash],
        ).fetchone()
    except duckdb.CatalogException:  # a database in memory, in which nothing was loaded
        return None
    return parsed(found[0]) if found else None


def _since(last: Watermark | None, source: FeedSource) -> Watermark | None:
    """The value of the query's parameter; None for a query without one."""
    if source.watermark is None:
        return None
    if last is not None:
        return lowered(last, source.watermark_overlap)
    return _DEFAULT_START if source.watermark_start is None else source.watermark_start


def _highest(columns: Sequence[_Column], last: Watermark | None, source: FeedSource, where: str) -> Watermark | None:
    """The highest value of the watermark's column so far; None when all of its values are NULL."""
    wanted = str(source.watermark)
    column = next((column for column in columns if column.name.lower() == wanted.lower()), None)
    if column is None:
        names = ", ".join(column.name for column in columns)
        message = f"{where}: the query returns no column {wanted!r}, which is the watermark. It returns: {names}"
        raise SourceRefusedError(message)
    usable = {dt.datetime, dt.date, int, Decimal, str, type(None)}
    if not (column.types <= usable and column.is_comparable):
        kinds = ", ".join(sorted(kind.__name__ for kind in column.types))
        message = f"{where}: the watermark {wanted} holds values that do not compare ({kinds}). Convert it in the query"
        raise SourceRefusedError(message)
    highest: Watermark | None = column.highest
    if source.watermark_start is None and highest is not None and not _is_date(highest):
        message = f"{where}: the watermark {wanted} is not a date ({highest!r}). Set watermark_start, such as 0"
        raise SourceRefusedError(message)
    if highest is None or last is None:
        return last if highest is None else highest
    try:
        return max(last, highest)
    except TypeError:
        message = (
            f"{where}: the watermark was {written(last)!r} and is {written(highest)!r} now. Convert it in the query"
        )
        raise SourceRefusedError(message) from None


def _is_date(watermark: Watermark) -> bool:
    return isinstance(watermark, dt.date) or (
        isinstance(watermark, str) and bool(re.match(r"\d{4}-\d\d-\d\d", watermark))
    )


@dataclass(frozen=True)
class _Question:
    """A feed's query, the value of its watermark, where it is asked, and the command that lists what the database lacks."""

    source: FeedSource
    since: Watermark | None
    where: str
    check_command: str


def _batches(engine: Engine, asked: _Question) -> Iterator[tuple[Sequence[str], Sequence[Sequence[Any]]]]:
    """The names of the columns with some rows at a time; nothing is kept in the database."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    connection = connected(engine, asked.where)
    try:
        with connection:
            if connection.dialect.name in _READ_ONLY:
                connection.execute(text(_READ_ONLY[connection.dialect.name]))
            streamed = connection.execution_options(stream_results=True, max_row_buffer=_BATCH_ROWS)
            parameters = {} if asked.since is None else {"watermark": _bindable(asked.since, connection.dialect.name)}
            result = streamed.execute(text(str(asked.source.query)), parameters)
            if not result.returns_rows:
                message = f"{asked.where}: the query returns no rows; expected a SELECT"
                raise SourceRefusedError(message)
            names = _names(result, asked.where)
            for rows in result.partitions(_BATCH_ROWS):
                yield names, rows
            connection.rollback()
    except SQLAlchemyError as error:
        raise _query_error(error, engine.url, asked) from None
    except (OSError, ValueError, OverflowError, ArithmeticError) as error:  # a value that the driver cannot give
        raise _query_error(error, engine.url, asked) from None


def _query_error(error: Exception, url: URL, asked: _Question) -> SourceRefusedError:
    from sqlalchemy.exc import DBAPIError

    reason = masked(error, url)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        message = f"{asked.where}: the connection to {place_of(url)} was lost: {reason}. Nothing was changed"
        return DatabaseUnreachableError(message)
    missing = _missing(asked.where, asked.source) if isinstance(error, DBAPIError) else ""
    hint = look = ""
    if missing:
        reason, look = missing, f". What all feeds miss: {asked.check_command}"
    elif asked.since is _DEFAULT_START and _is_of_a_type(error, reason):
        hint = f". If {asked.source.watermark} is not a date, set watermark_start to a value of its type, such as 0"
    message = f"{asked.where}: the query does not work: {reason}{hint}. Nothing was changed{look}"
    return SourceRefusedError(message)


def _missing(where: str, source: FeedSource) -> str:
    """What the query says it reads and the database does not have, by table; empty when nothing is missing."""
    try:
        missing = missing_in(str(source.database), where, {where: str(source.query)})
    except KamError:
        return ""
    more = len(missing) - _SHOWN_MISSING
    listed = [f"{one.table}: {one.what}" for one in missing[:_SHOWN_MISSING]]
    return "; ".join([*listed, *([f"and {more} more"] if more > 0 else [])])


def _is_of_a_type(error: Exception, reason: str) -> bool:
    """Whether a query failed because values of two types were compared."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state == _NO_SUCH_OPERATOR or bool(_OF_A_TYPE.search(reason))


def _names(result: CursorResult[Any], where: str) -> list[str]:
    names = [str(name).strip() or f"column{number}" for number, name in enumerate(result.keys(), start=1)]
    refuse_same_names(names, where)
    return names


def _bindable(since: Watermark, dialect: str) -> Watermark:
    """SQLite keeps dates as texts; elsewhere the driver knows its types."""
    if dialect == "sqlite" and isinstance(since, dt.date):
        return since.isoformat(sep=" ") if isinstance(since, dt.datetime) else since.isoformat()
    return str(since) if dialect == "sqlite" and isinstance(since, Decimal) else since


@dataclass
class _Column:
    """What was seen in a column so far: the types of its values, the digits they need, and the highest value."""

    name: str
    types: set[type] = field(default_factory=set)
    whole_digits: int = 0
    decimals: int = 0
    is_exact: bool = True
    has_zone: set[bool] = field(default_factory=set)
    highest: Any = None
    is_comparable: bool = True

    def texts(self, values: Sequence[Any]) -> list[str | None]:
        """The values as text that the column's type reads back."""
        types = set(map(type, values)) - {type(None)}
        self.types |= types
        if types <= {str}:
            return list(values)
        if types & {int, Decimal}:
            self._measure(values)
        if dt.datetime in types:
            self.has_zone |= {value.tzinfo is not None for value in values if isinstance(value, dt.datetime)}
        write = str if types <= _PLAIN else _text
        return [None if value is None else write(value) for value in values]

    def _measure(self, values: Sequence[Any]) -> None:
        for value in values:
            if isinstance(value, Decimal) and value.is_finite():
                exponent = int(value.as_tuple().exponent)
                self.decimals = max(self.decimals, -exponent)
                self.whole_digits = max(self.whole_digits, value.adjusted() + 1)
            elif isinstance(value, int):
                self.whole_digits = max(self.whole_digits, len(str(abs(value))))
            elif isinstance(value, Decimal):
                self.is_exact = False

    def see_highest(self, values: Sequence[Any]) -> None:
        """Keep the highest of these values and those before."""
        known = (self.highest, *values)
        try:
            self.highest = max((value for value in known if value is not None), default=None)
        except TypeError:
            self.is_comparable = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type that holds every value as it is; VARCHAR where there is none."""
        digits = self.whole_digits + self.decimals
        if self.types == {int} and digits <= _BIGINT_DIGITS:
            return "BIGINT"
        if self.types and self.types <= {int, Decimal} and self.is_exact and digits <= _DECIMAL_DIGITS:
            return f"DECIMAL({max(digits, 1)}, {self.decimals})"
        if self.types == {dt.datetime} and len(self.has_zone) == 1:
            return "TIMESTAMP WITH TIME ZONE" if self.has_zone == {True} else "TIMESTAMP"
        return _SQL_TYPES.get(next(iter(self.types)), "VARCHAR") if len(self.types) == 1 else "VARCHAR"


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a driver gives
    match value:
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            return (value if value.tzinfo is None else value.astimezone(dt.UTC)).isoformat(sep=" ")
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case dict() | list() | tuple() | bool():
            return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    return str(value)


class _Parts:
    """Rows as they come, kept as one small Parquet file a batch, all cells as text."""

    def __init__(self, folder: Path, watermark: str | None) -> None:
        self.folder = folder
        self.watermark = watermark
        self.files: list[Path] = []
        self.columns: list[_Column] = []
        self.row_count = 0

    def add(self, names: Sequence[str], batch: Sequence[Sequence[Any]]) -> None:
        """Keep a batch of rows."""
        if not batch:
            return
        self.columns = self.columns or [_Column(name) for name in names]
        by_column = list(zip(*batch, strict=True))
        texts = {
            str(number): column.texts(values)
            for number, (column, values) in enumerate(zip(self.columns, by_column, strict=True))
        }
        for column, values in zip(self.columns, by_column, strict=True):
            if self.watermark is not None and column.name.lower() == self.watermark.lower():
                column.see_highest(values)
        import polars as pl  # takes half a second

        part = self.folder / f"part{len(self.files)}.parquet"
        pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)).write_parquet(part)
        self.files.append(part)
        self.row_count += len(batch)

    def combined(self, con: Connection) -> Path:
        """All batches as one Parquet file, each column with a type that holds every value as it is."""
        file = self.folder / "extract.parquet"
        parts = ", ".join(path_literal(part) for part in self.files)
        cells = ", ".join(
            f"CAST({quoted(str(number))} AS {column.sql_type}) AS {quoted(column.name)}"
            for number, column in enumerate(self.columns)
        )
        con.execute(
            f"COPY (SELECT {cells} FROM read_parquet([{parts}])) "
            f"TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)"
        )
        return file
