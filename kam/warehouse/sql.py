"""Small things for writing and running SQL: quoting, literals, rows as dictionaries, transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from kam.stops import check

if TYPE_CHECKING:  # it takes a moment, and most commands need no template
    from jinja2 import Template

SQL = Path(__file__).resolve().parents[2] / "sql"
Connection = duckdb.DuckDBPyConnection
Config = dict[str, str | bool | int | float | list[str]]


def sql_text(name: str, **values: object) -> str:
    """The text of a file in `sql/`; one that is a Jinja2 template is filled in with these values.

    Raises `jinja2.UndefinedError` for a value that the template needs and does not get.
    """
    return _template(name).render(values) if values else _text(name)


@cache
def _text(name: str) -> str:
    return (SQL / name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, autoescape=False).from_string(_text(name))  # noqa: S701 - SQL, no HTML


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def utc_now() -> dt.datetime:
    """The time of day for the ledgers, in UTC and without a zone; no figure depends on it."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def rows(con: Connection, sql: str, parameters: object = None) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries; for results of a size that a person reads."""
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def insert(con: Connection, table: str, records: Sequence[Mapping[str, object]]) -> None:
    """Add rows by the names of their columns, in one statement; a column that they do not name gets its default.

    All records name the same columns.
    """
    if records:
        names = list(records[0])
        values = ", ".join(["unnest(?)"] * len(names))
        columns = [[record[name] for record in records] for name in names]
        con.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values}", columns)


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any exception."""
    con.execute("BEGIN")
    try:
        yield
        check()
    except BaseException:
        con.interrupt()  # else a statement that a signal interrupted goes on to its end first
        # After a disk-full error the transaction is gone; the original error is kept.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def number_of(con: Connection, sql: str) -> int:
    """The one whole number that a query gives."""
    return int(con.execute(sql).fetchall()[0][0])
