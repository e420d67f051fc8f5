"""Connections to DuckDB: nothing else calls `duckdb.connect`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from kam.warehouse.sql import Config, Connection, literal, sql_text


def connect(database: str, *, read_only: bool = False, config: Config | None = None) -> Connection:
    """Open a database. A name that no table has is an error, also where a variable of Python has it."""
    return duckdb.connect(database, read_only=read_only, config={"python_enable_replacements": False, **(config or {})})


def memory() -> Connection:
    """A new database in memory, with the project's macros."""
    con = connect(":memory:")
    con.execute(sql_text("macros.sql"))
    return con


@contextmanager
def walled_in(file: Path, readable: Sequence[Path], spill: Path, memory_limit: str) -> Iterator[Connection]:
    """A new database file for one statement of somebody else: it reads these files and what lies in the current folder.

    Nothing else: no other file, no network, no extension, no setting. One thread, so that the order of rows is always the same.
    """
    config: Config = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with connect(str(file), config=config) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET allowed_directories = [{literal(f'{Path.cwd()}/')}]")
        con.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in readable)}]")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        yield con
