"""What queries need and do not find: tables, columns and rights of a database, or columns of files, all at once.

A query says what it reads in comment lines such as `-- reads: account_move: id, name, state`. A SELECT over files names these in the
same way.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kam.database_urls import connected, engine_of, masked
from kam.errors import DatabaseUnreachableError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Inspector
_LONGEST_HEADER = 1_000_000
_READS = re.compile(r"^\s*--\s*reads:\s*([^:\n]+?)\s*:\s*([^\n]+?)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Missing:
    """A table of a database, or a file, of which something is not there, what that is, and the feeds that read it."""

    database: str
    table: str
    what: str
    feeds: tuple[str, ...]


def reads_of(query: str) -> dict[str, tuple[str, ...]]:
    """The columns by table that a query says it reads; empty when it does not say so."""
    found: dict[str, tuple[str, ...]] = {}
    for table, columns in _READS.findall(query):
        names = (name.strip() for name in columns.split(","))
        found[table] = tuple(dict.fromkeys((*found.get(table, ()), *filter(None, names))))
    return found


def missing_in(database: str, where: str, queries: Mapping[str, str]) -> list[Missing]:
    """What the queries of these feeds need of a database (`env:NAME`), and what is not there.

    Raises `SettingsError` for a variable that is not set and `DatabaseUnreachableError` when there is no connection.
    """
    from sqlalchemy import inspect
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    engine = engine_of(database.removeprefix("env:"), f"kam.toml: {where}")
    found: list[Missing] = []
    try:
        with connected(engine, database) as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # types that SQLAlchemy does not know
            inspector = inspect(connection)
            for table, readers in _readers(queries).items():
                found += [
                    Missing(database, table, what, feeds)
                    for what, feeds in _faults(connection, inspector, table, readers)
                ]
    except SQLAlchemyError as error:
        message = f"{database}: the tables cannot be listed: {masked(error, engine.url)}. Nothing was changed"
        raise DatabaseUnreachableError(message) from None
    finally:
        engine.dispose()
    return found


def missing_in_files(site: Path, feed: str, select: str) -> list[Missing]:
    """The columns that a SELECT over files says it reads, and that the first lines of these files do not have."""
    found = []
    for pattern, columns in reads_of(select).items():
        for file in sorted(site.glob(pattern)):
            there = _header(file)
            absent = [column for column in columns if column.lower() not in there]
            if there and absent:
                what = f"no column{'s' if len(absent) > 1 else ''} {', '.join(absent)}"
                found.append(Missing("", str(file.relative_to(site)), what, (feed,)))
    return found


def _header(file: Path) -> set[str]:
    """The names in the first line of a text file, in small letters; empty for a file that is no text."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            line = stream.readline(_LONGEST_HEADER)
    except (OSError, UnicodeDecodeError):
        return set()
    cells = max((line.split(mark) for mark in ";,\t|"), key=len)
    return {cell.strip().strip('"').lower() for cell in cells}


def _readers(queries: Mapping[str, str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By table and column the feeds whose queries read it."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for feed, query in queries.items():
        for table, columns in reads_of(query).items():
            readers = found.setdefault(table, {})
            for column in columns:
                readers[column] = (*readers.get(column, ()), feed)
    return found


def _faults(
    connection: Connection, inspector: Inspector, table: str, readers: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is missing of a table, each with the feeds that need it."""
    there = _columns(connection, inspector, table)
    if there is None:
        yield "no such table", _feeds(readers, tuple(readers))
        return
    absent = tuple(column for column in readers if there and column.lower() not in there)
    if absent:
        yield f"no column{'s' if len(absent) > 1 else ''} {', '.join(absent)}", _feeds(readers, absent)
    wanted = tuple(column for column in readers if column not in absent)
    spelt = {column: there.get(column.lower(), column) for column in wanted}
    if not wanted or _refusal(connection, table, tuple(spelt.values())) is None:
        return
    refused = {column: why for column in wanted if (why := _refusal(connection, table, (spelt[column],))) is not None}
    # A database that shows no columns does not tell either whether they are there.
    neither = "" if there else "not there, or "
    if len(refused) == len(wanted):
        yield f"{neither}no right to read it ({next(iter(refused.values()))})", _feeds(readers, tuple(readers))
    elif refused:
        yield f"{neither}no right to read {', '.join(refused)}", _feeds(readers, tuple(refused))


def _columns(connection: Connection, inspector: Inspector, table: str) -> dict[str, str] | None:
    """The columns of a table by their names in small letters; None without such a table, empty where the database does not say."""
    from sqlalchemy.exc import SQLAlchemyError

    schema, _, name = table.rpartition(".")
    try:
        if not inspector.has_table(name, schema or None):
            return None
        columns = inspector.get_columns(name, schema or None)
    except SQLAlchemyError:
        connection.rollback()
        return {}
    return {str(column["name"]).lower(): str(column["name"]) for column in columns}


def _feeds(readers: Mapping[str, tuple[str, ...]], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(feed for column in columns for feed in readers[column]))


def _refusal(connection: Connection, table: str, columns: Sequence[str]) -> str | None:
    """Why these columns cannot be read; None when they can. No row is read."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    quote = connection.dialect.identifier_preparer.quote
    named = ".".join(quote(part) for part in table.split("."))
    try:
        connection.execute(text(f"SELECT {', '.join(map(quote, columns))} FROM {named} WHERE 1 = 0"))
    except SQLAlchemyError as error:
        connection.rollback()
        return masked(error, connection.engine.url)
    return None
