"""What every store can do: its own types and statements, and names that mean the same wherever the schemas are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from kam.build import prepare_marts
from kam.site import FEEDS
from kam.warehouse import Connection, catalog, memory, names_mean, prepare, rows
from kam.warehouse.names import LOCAL_SCHEMAS, STORED_SCHEMAS, look_in_store
from tests.support import product_texts, stage

# DuckLake keeps HUGEINT as DOUBLE, and has no ENUM, BIT, UNION or arrays of a fixed length.
ALLOWED_TYPE = re.compile(r"(BOOLEAN|INTEGER|BIGINT|DOUBLE|DATE|TIMESTAMP|VARCHAR|DECIMAL\(\d+,\d+\))(\[\])?")
# What DuckLake 1.0 refuses, or what means something else when schemas are in another database.
FORBIDDEN = {
    "USE": re.compile(r"(^|;)\s*USE\s+\w"),
    "current_database()": re.compile(r"current_(database|catalog)\(", re.IGNORECASE),
    "RETURNING": re.compile(r"\bRETURNING\b"),
    "ON CONFLICT": re.compile(r"\bON CONFLICT\b|\bINSERT OR (REPLACE|IGNORE)\b", re.IGNORECASE),
    "a constraint": re.compile(r"\bPRIMARY KEY\b|\bFOREIGN KEY\b|\bUNIQUE\s*\(|\bCHECK\s*\(", re.IGNORECASE),
    "CREATE TYPE, SEQUENCE or INDEX": re.compile(
        r"\bCREATE\s+(OR REPLACE\s+)?(TYPE|SEQUENCE|(UNIQUE\s+)?INDEX)\b", re.IGNORECASE
    ),
    "a generated column": re.compile(r"\bGENERATED ALWAYS\b", re.IGNORECASE),
    "COLLATE": re.compile(r"\bCOLLATE\b", re.IGNORECASE),
    "an order of rowid": re.compile(r"ORDER BY [^)]*\browid\b"),
}
MAY = {
    ("kam/warehouse/names.py", "current_database()"): "it is there that the question is answered",
    ("kam/publish/targets/postgresql.py", "current_database()"): "of PostgreSQL",
    ("kam/warehouse/lake_catalog.py", "current_database()"): "of PostgreSQL",
    ("sql/publish/account_access.sql", "a constraint"): "of PostgreSQL",
    # In a file and in DuckLake rows are numbered as they come, also after an update and after compaction.
    ("kam/archive/ledger.py", "an order of rowid"): "decisions in the order of their commits, whatever the clock said",
    ("kam/audit/contents.py", "an order of rowid"): "a copy keeps the order",
    ("kam/cli/status.py", "an order of rowid"): "rejects of one record as they were found",
    ("kam/ingest/examination.py", "an order of rowid"): "of a temporary table",
    ("kam/ingest/rejects.py", "an order of rowid"): "rejects of one record as they were found",
    ("kam/publish/data_docs.py", "an order of rowid"): "checks as they were run",
    ("kam/publish/quality_page/ledger.py", "an order of rowid"): "checks as they were run",
}


@contextmanager
def apart(store: Path, *, read_only: bool = False) -> Iterator[Connection]:
    """A connection whose stored schemas are in another database than the local ones."""
    with memory() as con:
        con.execute(f"ATTACH '{store}' AS lake ({'READ_ONLY' if read_only else 'READ_WRITE'})")
        made = [*LOCAL_SCHEMAS, *(f"lake.{schema}" for schema in STORED_SCHEMAS if not read_only)]
        for schema in made:
            con.execute(f"CREATE SCHEMA {schema}")
        look_in_store(con)
        yield con


def test_stored_tables_have_types_that_every_store_has() -> None:
    with memory() as con:
        prepare(con, "EUR")
        prepare_marts(con)
        columns = con.execute(
            "SELECT schema_name || '.' || table_name || '.' || column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal AND schema_name IN ('staging', 'marts', 'ops')"
        ).fetchall()
    assert len(columns) > 1000
    assert [column for column in columns if not ALLOWED_TYPE.fullmatch(column[1])] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_product_uses_nothing_that_a_store_lacks(what: str) -> None:
    found = {file for file, text in product_texts() if FORBIDDEN[what].search(text)}
    assert found == {file for file, allowed in MAY if allowed == what}


def test_a_table_that_is_not_there_is_not_looked_for_in_python() -> None:
    shape = "a variable that is called like a table"
    with memory() as con, pytest.raises(duckdb.CatalogException, match=r"shape does not exist"):
        con.execute("FROM shape")
    assert shape


def test_names_mean_what_they_meant_before_also_after_an_error(tmp_path: Path) -> None:
    with apart(tmp_path / "store.duckdb") as con:
        con.execute("CREATE TABLE ops.one AS SELECT 1 AS number; ATTACH ':memory:' AS \"an other\"")
        with names_mean(con, "an other"):
            con.execute("CREATE SCHEMA ops; CREATE TABLE ops.one AS SELECT 2 AS number")
            assert rows(con, "FROM ops.one") == [{"number": 2}]
        with suppress(ZeroDivisionError), names_mean(con, "an other"):
            raise ZeroDivisionError
        assert rows(con, "FROM ops.one") == [{"number": 1}]
        assert catalog(con) == "lake"


def test_a_store_that_is_apart_gets_its_schemas_once_and_the_connection_its_own_each_time(tmp_path: Path) -> None:
    store = tmp_path / "store.duckdb"
    order = {"order_id": "O1", "account_id": "A", "order_date": "2026-06-01", "quantity": 5}
    with apart(store) as con:
        prepare(con, "EUR")
        prepare_marts(con)
        stage(con, {"orders": [order]})
    # Whatever it wrote to the store now would be an error.
    with apart(store, read_only=True) as con:
        prepare(con, "EUR")
        prepare_marts(con)
        assert rows(con, "SELECT order_id FROM core.orders") == [{"order_id": "O1"}]
        places = con.execute(
            "SELECT DISTINCT database_name, schema_name FROM duckdb_tables() WHERE NOT internal "
            "UNION SELECT database_name, schema_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
        stored = [("lake", "marts"), ("lake", "ops"), ("lake", "staging")]
        assert places == [*stored, ("memory", "build"), ("memory", "core")]
        feeds = con.execute("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'staging'").fetchall()
        assert feeds[0][0] >= len(FEEDS)
