"""Hashes of the content of tables, the same for the same rows in any order."""

from __future__ import annotations

from collections.abc import Collection

from kam.build.columns import MartColumn
from kam.build.models import marts
from kam.warehouse import Connection, literal

# Columns that say when and from which load something was made, not what it is.
NOT_CONTENT = frozenset({"close_version", "load_id", "closed_at"})


def record_content(con: Connection) -> None:
    """Write a hash and the row count of each candidate table and month to `build.content`.

    The same rows give the same hash in any order. Version numbers and load ids do not count as content.
    """
    queries = " UNION ALL ".join(content_query(mart.name, f"build.{mart.name}", mart.all_columns) for mart in marts())
    con.execute(f"CREATE OR REPLACE TABLE build.content AS {queries}")


def content_query(name: str, table: str, columns: Collection[MartColumn]) -> str:
    """A SELECT of period_month, table_name, content_hash and row_count of a table that has these columns."""
    return f"""
        SELECT period_month, {literal(name)} AS table_name, {_content_hash(columns)} AS content_hash, count(*) AS row_count
        FROM {table}
        GROUP BY period_month"""


def versions_query(database: str, names: Collection[str]) -> str:
    """The same of all versions that a store has in the marts of these names: a SELECT of period_month, close_version, table_name, content_hash and row_count.

    Empty when none of them is a mart.
    """
    return " UNION ALL ".join(
        f"SELECT period_month, close_version, {literal(mart.name)} AS table_name, {_content_hash(mart.all_columns)} AS content_hash, "
        f"count(*) AS row_count FROM {database}.marts.{mart.name} GROUP BY period_month, close_version"
        for mart in marts()
        if mart.name in names
    )


def _content_hash(columns: Collection[MartColumn]) -> str:
    # Each row hashes to 64 bits; their sum does not depend on order and, unlike XOR, sees a doubled row.
    content = ", ".join(column.name for column in columns if column.name not in NOT_CONTENT)
    return f"md5(count(*)::VARCHAR || ':' || sum(md5_number_lower(row({content})::VARCHAR)::HUGEINT)::VARCHAR)"
