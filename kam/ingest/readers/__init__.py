"""Readers of text files, workbooks, Parquet, NDJSON and databases; each gives a `Relation` of source rows."""

from kam.ingest.readers.compression import uncompressed
from kam.ingest.readers.databases import extracted
from kam.ingest.readers.relation import READ_ERRORS, Relation, name_beside
from kam.ingest.readers.structured import ndjson_relation, parquet_relation
from kam.ingest.readers.textfiles import csv_relation, read_error
from kam.ingest.readers.workbooks import first_rows, sheet_relation

__all__ = [
    "READ_ERRORS",
    "Relation",
    "csv_relation",
    "extracted",
    "first_rows",
    "name_beside",
    "ndjson_relation",
    "parquet_relation",
    "read_error",
    "sheet_relation",
    "uncompressed",
]
