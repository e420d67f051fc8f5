"""In which database a name of two parts is looked up, such as `ops.closes`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

import duckdb

from kam.warehouse.sql import Connection, literal, quoted

LAKE = "lake"
"""The name under which a connection has a store that is not its own database."""
LOCAL_SCHEMAS = ("core", "build")
"""The schemas that a run makes for itself."""
STORED_SCHEMAS = ("staging", "marts", "reporting", "history", "ops")
"""The schemas that a store keeps."""
# Connections whose store is a lake.
_with_lake: WeakSet[Connection] = WeakSet()


def catalog(con: Connection) -> str:
    """The name of the database that has the stored schemas: that of the connection, unless its store is another one."""
    # To be asked costs a lake some milliseconds, and nobody detaches one.
    if con in _with_lake:
        return LAKE
    found = con.execute(
        f"SELECT coalesce(any_value(database_name) FILTER (database_name = {literal(LAKE)}), current_database()) "
        "FROM duckdb_databases()"
    )
    name = str(found.fetchall()[0][0])
    if name == LAKE:
        _with_lake.add(con)
    return name


def is_apart(con: Connection) -> bool:
    """Whether the stored schemas are in another database than the local ones."""
    return catalog(con) == LAKE


@contextmanager
def names_mean(con: Connection, database: str) -> Iterator[None]:
    """Names of two parts are those of this database meanwhile. Afterwards they mean what they meant before."""
    before = con.execute("SELECT current_setting('search_path')").fetchall()[0][0]
    con.execute(f"SET search_path = {literal(f'{quoted(database)}.main')}")
    try:
        yield
    finally:
        con.execute(f"SET search_path = {literal(before)}")


@contextmanager
def own_names(con: Connection) -> Iterator[None]:
    """For statements that read and write nothing that is stored. To look a name up in a lake, also that of a function, asks its catalog."""
    if not is_apart(con):
        yield
        return
    with names_mean(con, str(con.execute("SELECT current_database()").fetchall()[0][0])):
        yield


def has_table(con: Connection, name: str) -> bool:
    """Whether there is a table of this two-part name. DuckDB's list of tables is not asked: for it a lake looks at each of them."""
    try:
        con.execute(f"SELECT 1 FROM {name} LIMIT 0")
    except duckdb.CatalogException:
        return False
    return True


def another(con: Connection) -> Connection:
    """Another connection to the same databases, for which names mean the same. It has to be closed."""
    other = con.cursor()
    places = con.execute("SELECT current_setting('search_path')").fetchall()[0][0]
    if places:
        other.execute(f"SET search_path = {literal(places)}")
    return other


def look_in_store(con: Connection) -> None:
    """Let names of two parts also mean those of the store that is attached as `LAKE`."""
    own = str(con.execute("SELECT current_database()").fetchall()[0][0])
    places = [f"{quoted(own)}.{schema}" for schema in ("main", *LOCAL_SCHEMAS)]
    places += [f"{LAKE}.{schema}" for schema in STORED_SCHEMAS]
    con.execute(f"SET search_path = {literal(','.join(places))}")
