"""The one door to DuckDB: connections, whose turn it is to write, the schema, and values as known at a load."""

from kam.warehouse.across_feeds import FEEDS_IN_VIEW
from kam.warehouse.connection import memory, walled_in
from kam.warehouse.fence import begin_workers, end_workers, stored, stored_by_worker
from kam.warehouse.file_store import FileStore
from kam.warehouse.known_corrections import KnownCorrection, checked_corrections, known_corrections
from kam.warehouse.lake_statistics import add_statistics
from kam.warehouse.lake_store import LakeStore
from kam.warehouse.ledgers import LAST_SHOWN, LAST_TRIED
from kam.warehouse.names import catalog, has_table, names_mean, own_names
from kam.warehouse.object_storage import Objects, at_once
from kam.warehouse.parsed import OF_ITS_ARGUMENTS, objects, parsed, reads_beyond_tables
from kam.warehouse.people import Person, acting, user_name
from kam.warehouse.run_steps import KEPT_RUNS, kept_steps
from kam.warehouse.schema import prepare
from kam.warehouse.sql import SQL, Connection, insert, literal, number_of, quoted, rows, sql_text, transaction, utc_now
from kam.warehouse.store import Store, open_for_worker, open_read_only, store_of, warehouse, writing

__all__ = [
    "FEEDS_IN_VIEW",
    "KEPT_RUNS",
    "LAST_SHOWN",
    "LAST_TRIED",
    "OF_ITS_ARGUMENTS",
    "SQL",
    "Connection",
    "FileStore",
    "KnownCorrection",
    "LakeStore",
    "Objects",
    "Person",
    "Store",
    "acting",
    "add_statistics",
    "at_once",
    "begin_workers",
    "catalog",
    "checked_corrections",
    "end_workers",
    "has_table",
    "insert",
    "kept_steps",
    "known_corrections",
    "literal",
    "memory",
    "names_mean",
    "number_of",
    "objects",
    "open_for_worker",
    "open_read_only",
    "own_names",
    "parsed",
    "prepare",
    "quoted",
    "reads_beyond_tables",
    "rows",
    "sql_text",
    "store_of",
    "stored",
    "stored_by_worker",
    "transaction",
    "user_name",
    "utc_now",
    "walled_in",
    "warehouse",
    "writing",
]
