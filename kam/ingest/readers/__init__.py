"""Readers of text files, workbooks, Parquet, NDJSON and databases; each gives a `Relation` of source rows.

The reader of workbooks is imported by itself, as `kam.ingest.readers.workbooks`: that takes half a second.
"""

from kam.ingest.readers.compression import uncompressed
from kam.ingest.readers.databases import extracted
from kam.ingest.readers.needs import Missing, missing_in, missing_in_files
from kam.ingest.readers.parquet_ndjson import ndjson_relation, parquet_relation
from kam.ingest.readers.queries import CHANGES, changing_function, query_relation
from kam.ingest.readers.relation import READ_ERRORS, Relation, WideRecords, name_beside
from kam.ingest.readers.textfiles import csv_relation, read_error, record_lines

__all__ = [
    "CHANGES",
    "READ_ERRORS",
    "Missing",
    "Relation",
    "WideRecords",
    "changing_function",
    "csv_relation",
    "extracted",
    "missing_in",
    "missing_in_files",
    "name_beside",
    "ndjson_relation",
    "parquet_relation",
    "query_relation",
    "read_error",
    "record_lines",
    "uncompressed",
]
