"""One table as a file of its own: CSV, Parquet or a workbook, by the file's ending."""

from __future__ import annotations

from pathlib import Path

import duckdb

from kam.errors import KamError, UsageError, disk_fault
from kam.publish.workbook import MOST_ROWS, workbook
from kam.warehouse import Connection, literal, number_of

_ENDINGS = (".csv", ".parquet", ".xlsx")


def require_format(file: Path) -> None:
    """Raise `UsageError` for a file whose ending names no format that `write_table` writes."""
    if file.suffix.lower() not in _ENDINGS:
        message = f"{file}: the ending says the format; expected one of {', '.join(_ENDINGS)}"
        raise UsageError(message)


def write_table(con: Connection, relation: str, file: Path) -> None:
    """Write all rows of a relation, in their order, to a file; one that is there is replaced once the new one is complete.

    In a workbook, numbers are number cells and days are dates. Raises `UsageError` for another ending and for more rows than a
    sheet holds, `KamError` when the file cannot be written.
    """
    require_format(file)
    ending = file.suffix.lower()
    if ending == ".xlsx" and number_of(con, f"SELECT count(*) FROM {relation}") > MOST_ROWS:
        message = f"{file}: a sheet holds {MOST_ROWS:,} rows, and there are more. Write .csv or .parquet"
        raise UsageError(message)
    aside = file.with_name(f".{file.stem}.new{ending}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".xlsx":
            with workbook(aside) as book:
                book.add_table("Sheet1", con, f"FROM {relation}")
        else:
            how = "FORMAT csv, HEADER" if ending == ".csv" else "FORMAT parquet"
            con.execute(f"COPY (FROM {relation}) TO {literal(str(aside))} ({how})")
        aside.replace(file)
    except (OSError, duckdb.IOException) as error:
        reason = error.strerror if isinstance(error, OSError) else disk_fault(error) or str(error).splitlines()[0]
        message = f"{file}: cannot be written: {reason}"
        raise KamError(message) from None
    finally:
        aside.unlink(missing_ok=True)
