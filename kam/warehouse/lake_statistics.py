"""Statistics of empty tables in a lake: where a table has none, DuckLake asks its catalog for them twice for each column at each look."""

from __future__ import annotations

from collections.abc import Iterable

from kam.errors import KamError
from kam.warehouse.names import LAKE, catalog
from kam.warehouse.sql import Connection, number_of, quoted, transaction

# DuckLake's own name of the database that has the catalog of a lake.
_CATALOG = f"__ducklake_metadata_{LAKE}"


def add_statistics(con: Connection, tables: Iterable[str]) -> None:
    """Give these new tables of two-part names their statistics, within a transaction; nothing for a file, which needs none.

    A row that comes and goes in one transaction leaves only them. Raises `KamError` when a table is not empty.
    """
    if catalog(con) != LAKE:
        return
    for table in tables:
        con.execute(f"INSERT INTO {table} DEFAULT VALUES")
        if number_of(con, f"DELETE FROM {table}") != 1:
            message = (
                f"{table}: has rows, but the catalog of the lake has no statistics of them: it is damaged. Restore it from a backup, or rebuild "
                "the warehouse from the archive. Nothing was changed"
            )
            raise KamError(message)


def add_lacking_statistics(con: Connection, schema: str) -> None:
    """The same for each table that lacks them; `schema` of the catalog's database has the lake."""
    place = f"{_CATALOG}.{quoted(schema)}"
    found = con.execute(
        f"""
        SELECT schema_name, table_name FROM {place}.ducklake_table AS tables JOIN {place}.ducklake_schema AS schemas USING (schema_id)
        WHERE tables.end_snapshot IS NULL AND schemas.end_snapshot IS NULL
            AND tables.table_id NOT IN (SELECT table_id FROM {place}.ducklake_table_stats)
        ORDER BY ALL
        """
    ).fetchall()
    if found:
        with transaction(con):
            add_statistics(con, (f"{LAKE}.{quoted(schema)}.{quoted(table)}" for schema, table in found))
