"""What a store has, in numbers that are the same for the same rows in each kind of store; and its copy in another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kam.build import prepare_marts, versions_query
from kam.warehouse import Connection, catalog, literal, number_of, quoted, transaction

# Made by each store for itself.
_OWN = ("ops.shape", "ops.writer", "ops.workers", "staging.corrections")


@dataclass(frozen=True)
class Contents:
    """The rows of each table, with a checksum of those that are no marts, and the content hash of each table of each version, which has its month and number."""

    tables: Mapping[str, tuple[int, int]]
    versions: Mapping[tuple[date, int, str], str]

    @property
    def row_count(self) -> int:
        """The rows of all tables."""
        return sum(count for count, _ in self.tables.values())

    @property
    def version_count(self) -> int:
        """How many versions of months there are."""
        return len({(month, version) for month, version, _ in self.versions})

    def is_empty(self) -> bool:
        """Whether nothing was loaded or closed yet."""
        return not any(count for table, (count, _) in self.tables.items() if table in ("ops.loads", "ops.closes"))

    def differences(self, other: Contents) -> list[str]:
        """The tables and versions that are not the same in another store."""
        tables = [
            f"{name}: {self._rows(name)} and {other._rows(name)}"
            for name in sorted({*self.tables, *other.tables})
            if self.tables.get(name, (0, 0)) != other.tables.get(name, (0, 0))
        ]
        changed = {
            (month, version)
            for month, version, table in {*self.versions, *other.versions}
            if self.versions.get((month, version, table)) != other.versions.get((month, version, table))
        }
        return [*tables, *(f"version {version} of {month:%Y-%m}: other content" for month, version in sorted(changed))]

    def _rows(self, name: str) -> str:
        return f"{self.tables.get(name, (0, 0))[0]:,} rows"


def contents_of(con: Connection, database: str) -> Contents:
    """What the store has that the connection knows under this name."""
    # Within one transaction the catalog of a lake is read once. What a table has in its columns is asked only where it has rows: a lake
    # looks up statistics for each column.
    with transaction(con):
        columns_of = _columns_of(con, database)
        counts = {table: number_of(con, f"SELECT count(*) FROM {quoted(database)}.{table}") for table in columns_of}
        tables = {table: (count, 0) for table, count in counts.items()}
        for table in (table for table, count in counts.items() if count and not table.startswith("marts.")):
            of_row = ", ".join(quoted(column) for column in sorted(columns_of[table]))
            sums = f"SELECT sum(hash({of_row})::HUGEINT) FROM {quoted(database)}.{table}"
            tables[table] = counts[table], number_of(con, sums)
        with_rows = [table.removeprefix("marts.") for table, count in counts.items() if count]
        query = versions_query(quoted(database), with_rows)
        versions = con.execute(query).fetchall() if query else []
    return Contents(tables, {(month, version, mart): content for month, version, mart, content, _ in versions})


def copy_all(con: Connection, source: str) -> None:
    """Put all rows of another database that is attached as `source` into the store of the connection, in their order and one transaction."""
    target = quoted(catalog(con))
    prepare_marts(con)
    with transaction(con):
        for table, columns in _columns_of(con, source).items():
            names = ", ".join(map(quoted, columns))
            if number_of(con, f"SELECT count(*) FROM {target}.{table}"):
                con.execute(f"DELETE FROM {target}.{table}")
            con.execute(f"INSERT INTO {target}.{table} ({names}) SELECT {names} FROM {source}.{table} ORDER BY rowid")


def _columns_of(con: Connection, database: str) -> dict[str, list[str]]:
    """The columns of each stored table."""
    found = con.execute(
        "SELECT schema_name || '.' || table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
        "SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) "
        f"WHERE database_name = {literal(database)} AND schema_name IN ('staging', 'marts', 'ops') GROUP BY ALL ORDER BY ALL"
    )
    return {table: columns for table, columns in found.fetchall() if table not in _OWN}
