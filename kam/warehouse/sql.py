"""Small things for writing and running SQL: quoting, literals, rows as dictionaries, transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

SQL = Path(__file__).resolve().parents[2] / "sql"
Connection = duckdb.DuckDBPyConnection
Config = dict[str, str | bool | int | float | list[str]]


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


@contextmanager
def transaction(con: Connection) -> Iterator[None]:
    """All or nothing: commit at the end, roll back on any exception."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        # A connection that a full disk broke has no transaction any more; what broke it is worth telling.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
