"""The tables that are compared, and the check that a peer's figures are ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kam.warehouse import literal

# As many differing rows are shown of a column.
_SHOWN = 3
# A ratio is kept to six digits: the last may differ by the rounding of floats.
_TOLERANCE = 0.000002


@dataclass(frozen=True)
class Table:
    """A table of ours that the peers build too: the columns that identify a row, and which of our rows are meant."""

    name: str
    keys: tuple[str, ...]
    ours: str = "true"


# In the order in which they are built.
TABLES = (
    Table("sales", ("account_id", "product_id")),
    Table("sales_plan_variance", ("plan_version", "account_id", "product_id")),
    Table("receivables_ageing", ("item_type", "document_id", "line_no")),
    Table("receivables_summary", ("account_id", "bucket")),
    Table(
        "receivables_kpis", ("account_id",), "level = 'account' AND (closing_amount <> 0 OR window_billed_amount <> 0)"
    ),
    Table("delivery_performance", ("account_id", "basis")),
    Table("forecast_accuracy", ("forecast_step", "lag", "level", "account_id"), "level IN ('account', 'total')"),
)


class DifferentFiguresError(Exception):
    """A peer's table is not ours."""


def in_file(con: duckdb.DuckDBPyConnection, file: Path, schema: str = "main_marts") -> Callable[[Table], str]:
    """The tables of a DuckDB file."""
    name = f"db{len(con.execute('SHOW DATABASES').fetchall())}"
    con.execute(f"ATTACH {literal(str(file))} AS {name} (READ_ONLY)")
    return lambda table: f"{name}.{schema}.{table.name}"


def in_folder(folder: Path) -> Callable[[Table], str]:
    """The tables of a folder of Parquet files."""
    return lambda table: f"read_parquet({literal(str(folder / f'{table.name}.parquet'))})"


def check_equal(
    con: duckdb.DuckDBPyConnection, peer: str, ours: Callable[[Table], str], theirs: Callable[[Table], str], month: str
) -> int:
    """The number of figures compared. Raises `DifferentFiguresError` naming table, row and values where one differs."""
    return sum(_compared(con, peer, table, ours(table), theirs(table), month) for table in TABLES)


def _compared(con: duckdb.DuckDBPyConnection, peer: str, table: Table, ours: str, theirs: str, month: str) -> int:
    con.execute(f"CREATE OR REPLACE TEMP TABLE theirs AS FROM {theirs}")
    columns = [str(name) for (name,) in con.execute("SELECT column_name FROM (DESCRIBE theirs)").fetchall()]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE ours AS SELECT {', '.join(columns)} FROM {ours} "
        f"WHERE period_month = DATE '{month}-01' AND {table.ours}"
    )
    join = " AND ".join(f"ours.{key} IS NOT DISTINCT FROM theirs.{key}" for key in table.keys)
    _same_rows(con, peer, table, join)
    types = dict(con.execute("SELECT column_name, column_type FROM (DESCRIBE ours)").fetchall())
    values = [column for column in columns if column not in table.keys]
    for column in values:
        _same_values(con, peer, table, join, column, types[column])
    (rows,) = con.execute("SELECT count(*) FROM ours").fetchone() or (0,)
    if not rows:
        message = f"{table.name}: no rows for {month}, so that nothing was compared"
        raise DifferentFiguresError(message)
    return int(rows) * len(values)


def _same_rows(con: duckdb.DuckDBPyConnection, peer: str, table: Table, join: str) -> None:
    for here, there, who in (("ours", "theirs", peer), ("theirs", "ours", "kam-close")):
        keys = ", ".join(f"{here}.{key}" for key in table.keys)
        query = f"FROM {here} WHERE NOT EXISTS (SELECT 1 FROM {there} WHERE {join})"
        if missing := con.execute(f"SELECT {keys} {query} ORDER BY ALL LIMIT {_SHOWN}").fetchall():
            (count,) = con.execute(f"SELECT count(*) {query}").fetchone() or (0,)
            rows = "; ".join(_row(table, row) for row in missing)
            message = f"{peer}: {table.name}: {count:,} rows are missing in {who}: {rows}"
            raise DifferentFiguresError(message)


def _same_values(con: duckdb.DuckDBPyConnection, peer: str, table: Table, join: str, column: str, kind: str) -> None:
    """Amounts, quantities, counts and texts are equal; ratios, which are kept to six digits, to the last of them."""
    left, right = f"ours.{column}", f"theirs.{column}"
    if kind.endswith(",6)") or kind == "DOUBLE":
        differs = f"({left} IS NULL) <> ({right} IS NULL) OR abs({left}::DOUBLE - {right}::DOUBLE) > {_TOLERANCE}"
    elif kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "HUGEINT")):
        differs = f"{left}::DECIMAL(38, 4) IS DISTINCT FROM {right}::DECIMAL(38, 4)"
    else:
        differs = f"{left} IS DISTINCT FROM {right}"
    keys = ", ".join(f"ours.{key}" for key in table.keys)
    query = f"FROM ours JOIN theirs ON {join} WHERE {differs}"
    if rows := con.execute(f"SELECT {left}, {right}, {keys} {query} ORDER BY {keys} LIMIT {_SHOWN}").fetchall():
        (count,) = con.execute(f"SELECT count(*) {query}").fetchone() or (0,)
        shown = "; ".join(f"{_row(table, row[2:])}: ours {row[0]}, theirs {row[1]}" for row in rows)
        message = f"{peer}: {table.name}.{column} differs in {count:,} rows: {shown}"
        raise DifferentFiguresError(message)


def _row(table: Table, values: tuple[object, ...]) -> str:
    return ", ".join(f"{key} {value}" for key, value in zip(table.keys, values, strict=True))
