"""The published tables as SQL: `reporting.*`, the newest version of each month, and `history.*`, all versions that readers may see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kam.build import MartColumn, Model, published_tables, vocabulary
from kam.warehouse import Connection, catalog, literal

_OF_ITS_ROW = re.compile(r"mart\.\w+")


def create_reporting_views(con: Connection) -> None:
    """Make `reporting.*` and `history.*` in the current database, as views."""
    for table in published_tables():
        con.execute(f"CREATE OR REPLACE VIEW reporting.{table.name} AS {newest(table)}")
        if table.schema == "marts":
            con.execute(f"CREATE OR REPLACE VIEW history.{table.name} AS {_all_versions(table)}")


def has_reporting_views(con: Connection) -> bool:
    """Whether the current database has a view in `reporting` for each published table."""
    found = con.execute(
        f"SELECT view_name FROM duckdb_views() WHERE database_name = {literal(catalog(con))} AND schema_name = 'reporting'"
    )
    return {table.name for table in published_tables()} <= {name for (name,) in found.fetchall()}


def reporting_tables() -> list[str]:
    """The statements that make `reporting.*` as tables with their comments, old names as views, and `history.*` as views."""
    statements = []
    for table in published_tables():
        statements += reporting_table(table)
        if table.schema == "marts":
            statements.append(f"CREATE VIEW history.{table.name} AS {_all_versions(table)}")
            history = f"All versions: add up rows of one close_version only. {table.description}"
            statements.append(f"COMMENT ON VIEW history.{table.name} IS {literal(history)}")
    return statements


def reporting_table(table: Model) -> list[str]:
    """The statements that make one of them, in place of one that may be there."""
    kind = "VIEW" if table.is_old_name else "TABLE"
    return [f"CREATE OR REPLACE {kind} reporting.{table.name} AS {newest(table)}", "; ".join(_comments(kind, table))]


def is_of_its_rows(table: Model) -> bool:
    """Whether the published rows of a month follow from the stored rows of its versions alone, so that other months leave them as they are."""
    return table.schema == "marts" and all(_OF_ITS_ROW.fullmatch(value) for value in table.when_read.values())


def newest(table: Model) -> str:
    """The rows of the newest version of each month that readers see; of a table about the runs all."""
    if table.schema != "marts":
        return table.sql
    versions = "SELECT period_month, max(close_version) AS close_version FROM ops.shown_closes GROUP BY period_month"
    return _of_versions(table, versions)


def _all_versions(table: Model) -> str:
    """The rows of all versions that readers may see. Those of versions that are not committed yet are nobody's."""
    return _of_versions(table, "FROM ops.closes ANTI JOIN ops.preliminary USING (period_month, close_version)")


def _of_versions(table: Model, versions: str) -> str:
    names = ", ".join(_as_read(table, column.name) for column in table.all_columns if column.name != "period_month")
    stored = (
        f"marts.{table.level_of or table.name} AS mart SEMI JOIN ({versions}) AS seen "
        "ON seen.period_month = mart.period_month AND seen.close_version = mart.close_version"
    )
    condition = f"WHERE mart.level = {literal(table.level)}" if table.level_of else ""
    return f"SELECT mart.period_month, mart.close_version, {names} FROM {stored} {condition}"


def _as_read(mart: Model, column: str) -> str:
    return f"{mart.when_read[column]} AS {column}" if column in mart.when_read else f"mart.{column}"


def published_columns(table: Model) -> tuple[MartColumn, ...]:
    """The columns that a table has in `reporting`."""
    if table.schema != "marts":
        return table.columns
    return (*table.all_columns, vocabulary().columns["close_version"])


def _comments(kind: str, table: Model) -> Iterator[str]:
    name = f"reporting.{table.name}"
    yield f"COMMENT ON {kind} {name} IS {literal(table.description)}"
    for column in published_columns(table):
        yield f"COMMENT ON COLUMN {name}.{column.name} IS {literal(column.comment)}"
